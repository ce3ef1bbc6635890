package process

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"aicv/kit/gpu"
	"aicv/kit/lock"
	"aicv/spec"
)

// The points of a start at which a crash leaves something else behind.
const (
	pointReserved = "reserved"
	pointRecorded = "recorded"
	pointStarted  = "started"
	pointKnown    = "known"
)

// reservation is what a server holds of its host.
type reservation struct {
	port  int
	gpus  *gpu.Reservation // nil: none
	files []*os.File       // of the others
	by    lock.Holder
}

// all are the locks that the server is to inherit.
func (r *reservation) all() []*os.File {
	if r.gpus == nil {
		return r.files
	}
	return append(slices.Clone(r.files), r.gpus.Files()...)
}

func (r *reservation) uuids() []string {
	if r.gpus == nil {
		return nil
	}
	return r.gpus.UUIDs()
}

// heldBy notes the server's process as the holder, for the messages that others get.
func (r *reservation) heldBy(pid int) {
	for _, file := range r.files {
		r.by.PID = pid
		lock.Describe(file, r.by)
	}
	if r.gpus != nil {
		r.gpus.HeldBy(pid)
	}
}

func (r *reservation) release() {
	for _, file := range r.all() {
		_ = file.Close() // releases the lock
	}
}

// Start brings a server up, or returns the one that runs under the key.
func (t *target) Start(ctx context.Context, request spec.StartRequest) (spec.Server, error) {
	if err := t.check(ctx, &request); err != nil {
		return spec.Server{}, err
	}
	folder := t.folder(request.Suite, request.Key)
	lock, err := t.lockKey(ctx, folder)
	if err != nil {
		return spec.Server{}, err
	}
	defer func() { _ = lock.Close() }() // releases the lock
	server, err := t.running(ctx, &request, folder)
	if err != nil || server.Adopted {
		return server, err
	}
	t.prune()
	reserved, err := t.reserve(ctx, &request)
	if err != nil {
		return spec.Server{}, err
	}
	t.now(pointReserved)
	server, err = t.launch(&request, folder, reserved)
	if err != nil {
		reserved.release()
		return spec.Server{}, errors.Join(err, forget(folder))
	}
	t.held.Hold(folder, reserved.all()...)
	return server, nil
}

func (t *target) check(ctx context.Context, request *spec.StartRequest) error {
	switch {
	case request.Suite == "" || request.Key == "":
		return usage("a server needs a suite and a key", "this is a defect of aicv, please report it")
	case request.Spec.Contained:
		return usage(describe(request)+" is to run in the image "+request.Spec.Image, "use target \"docker\"; or take image out of the runtime, and say by command, python or venv where the host has the engine")
	case len(request.Spec.Command) == 0:
		return usage(describe(request)+" has no command", "the target process needs a runtime that says which command to run")
	case t.work == "":
		return usage(describe(request)+" has no folder for its log", "this is a defect of aicv, please report it")
	case ctx.Err() != nil:
		return interrupted(ctx.Err())
	}
	return nil
}

// running returns the server that runs under the key, if its leader lives. What else
// is left under it is removed.
func (t *target) running(ctx context.Context, request *spec.StartRequest, folder string) (spec.Server, error) {
	found, err := t.Find(ctx, request.Suite, request.Key)
	if err != nil || len(found) == 0 {
		return spec.Server{}, err
	}
	server := found[0]
	id := parseIdentity(server.ID)
	p, there, err := lookUp(id)
	if err != nil {
		return spec.Server{}, broken("can not look for "+describe(request), err)
	}
	if there && !p.ended() && server.URL != "" {
		server.Adopted = true
		r := readRecord(folder)
		if r == nil {
			r = &record{Suite: server.Suite, Key: server.Key, URL: server.URL, Model: server.ModelName}
		}
		r.identity = id
		return server, t.write(folder, r)
	}
	return spec.Server{}, t.remove(ctx, server, 0)
}

func (t *target) write(folder string, r *record) error {
	if err := writeRecord(folder, r); err != nil {
		return &spec.Error{Kind: spec.ErrInfrastructure, Summary: "can not keep the server's record", Cause: err, Fix: "check the rights and the space of " + t.work}
	}
	return nil
}

// reserve takes a port, and GPUs where the server needs them.
func (t *target) reserve(ctx context.Context, request *spec.StartRequest) (*reservation, error) {
	if err := lock.Prepare(t.locks); err != nil {
		return nil, err
	}
	port, file, err := t.reservePort(holder(request))
	if err != nil {
		return nil, err
	}
	r := &reservation{port: port, files: []*os.File{file}, by: holder(request)}
	if err = t.reserveHost(ctx, request, r); err == nil && request.Spec.GPUs > 0 {
		r.gpus, err = t.reserveGPUs(ctx, request)
	}
	if err != nil {
		r.release()
		return nil, err
	}
	return r, nil
}

// reserveHost keeps servers of other suites from the host.
func (t *target) reserveHost(ctx context.Context, request *spec.StartRequest, r *reservation) error {
	if t.share || request.Spec.Simulated {
		return nil
	}
	file, err := lock.Host(ctx, t.locks, holder(request), t.wait, request.Tell)
	if file != nil {
		r.files = append(r.files, file)
	}
	return err
}

// launch writes the record, starts the process and completes the record.
func (t *target) launch(request *spec.StartRequest, folder string, reserved *reservation) (spec.Server, error) {
	fill := strings.NewReplacer(spec.HostPlaceholder, t.host, spec.PortPlaceholder, strconv.Itoa(reserved.port))
	r := &record{Suite: request.Suite, Key: request.Key, URL: t.url(reserved.port), Model: request.Spec.ModelName, GPUs: reserved.uuids()}
	for _, arg := range append(t.binding(), request.Spec.Command...) {
		r.Argv = append(r.Argv, fill.Replace(arg))
	}
	environment, err := t.environment(request, r, fill)
	if err != nil {
		return spec.Server{}, err
	}
	if err := t.write(folder, r); err != nil {
		return spec.Server{}, err
	}
	t.now(pointRecorded)
	if r.identity, err = t.spawn(r, folder, environment, reserved.all()); err != nil {
		return spec.Server{}, err
	}
	reserved.heldBy(r.PID)
	t.now(pointStarted)
	if err := t.write(folder, r); err != nil {
		return spec.Server{}, errors.Join(err, t.end(context.Background(), r.server(), 0)) // nobody could find it by its record
	}
	t.now(pointKnown)
	return r.server(), nil
}

// binding is the command that keeps the server on one NUMA node; empty: none is asked for.
func (t *target) binding() []string {
	if t.numa == "" {
		return nil
	}
	return []string{"numactl", "--cpunodebind=" + t.numa, "--membind=" + t.numa, "--"}
}

// environment is aicv's own, without labels of other servers, and what the server
// adds. Secrets are resolved here and nowhere else.
func (t *target) environment(request *spec.StartRequest, r *record, fill *strings.Replacer) ([]string, error) {
	var list []string
	for _, entry := range os.Environ() {
		switch name, _, _ := strings.Cut(entry, "="); name {
		case labelSuite, labelKey, labelURL, labelModel, labelWork:
		default:
			list = append(list, entry)
		}
	}
	// Engines that rename their processes overwrite their environment, and the labels
	// with it, unless the usual library for that is told not to.
	list = append(list, "SPT_NOENV=1")
	if len(r.GPUs) > 0 {
		list = append(list, visibleDevices+"="+strings.Join(r.GPUs, ","))
	}
	for _, v := range request.Spec.Env {
		value, err := t.resolve(v)
		if err != nil {
			return nil, err
		}
		list = append(list, v.Name+"="+fill.Replace(value))
	}
	return append(list, labelSuite+"="+r.Suite, labelKey+"="+r.Key, labelURL+"="+r.URL, labelModel+"="+r.Model, labelWork+"="+t.work), nil
}

func (t *target) resolve(v spec.EnvVar) (string, error) {
	if v.Value.Kind() != spec.Secret {
		return v.Value.Text(), nil
	}
	name := v.Value.Text()
	if t.getenv != nil {
		if value, ok := t.getenv(name); ok {
			return value, nil
		}
	}
	return "", usage(fmt.Sprintf("the server's variable %s is env(%q), and that is not set", v.Name, name), "set "+name+" in the environment of aicv")
}

// spawn starts the process as leader of a session of its own and identifies it.
func (t *target) spawn(r *record, folder string, environment []string, inherited []*os.File) (identity, error) {
	boot, err := bootID()
	if err != nil {
		return identity{}, broken("can not identify the host's boot", err)
	}
	log, err := openLog(folder)
	if err != nil {
		return identity{}, broken("can not write the server's log", err)
	}
	defer func() { _ = log.Close() }() // the server has it
	command := exec.Command(r.Argv[0], r.Argv[1:]...)
	command.Env, command.Dir = environment, t.dir
	command.Stdout, command.Stderr, command.ExtraFiles = log, log, inherited
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := command.Start(); err != nil {
		return identity{}, notStarted(r.Argv[0], err)
	}
	pid := command.Process.Pid
	p, ok := readProcess(pid) // it is there even if it ended: nobody has waited for it yet
	if !ok {
		return identity{}, errors.Join(broken("can not read the started process", fs.ErrNotExist), command.Process.Kill(), command.Wait())
	}
	if err := command.Process.Release(); err != nil {
		return identity{}, broken("can not let the server run on its own", err)
	}
	return identity{boot, pid, p.start}, nil
}

// openLog makes a new log and keeps the one before.
func openLog(folder string) (*os.File, error) {
	path := filepath.Join(folder, fileLog)
	if err := os.Rename(path, filepath.Join(folder, filePrevious)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND|os.O_EXCL, 0o600)
}

func notStarted(name string, err error) error {
	fix := "check the command and its rights"
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		fix = "install it, or add its folder to PATH"
	}
	return &spec.Error{Kind: spec.ErrInfrastructure, Summary: "can not start " + name, Cause: err, Fix: fix}
}
