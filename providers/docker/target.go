package docker

import (
	"cmp"
	"context"
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"aicv/kit/gpu"
	"aicv/kit/lock"
	"aicv/kit/text"
	"aicv/spec"
)

// The labels of a container.
const (
	labelSuite = "dev.aicv.suite"
	labelKey   = "dev.aicv.key"
	labelModel = "dev.aicv.model"
	labelGPUs  = "dev.aicv.gpus"
	labelEpoch = "dev.aicv.epoch" // of the daemon when the container was started
	labelHost  = "dev.aicv.owner.host"
	labelUser  = "dev.aicv.owner.user"
	labelWork  = "dev.aicv.owner.work"
	labelAlone = "dev.aicv.alone" // it wants its host for its suite alone
	labelImage = "dev.aicv.image" // digest
)

// target runs servers as containers.
type target struct {
	settings
	env    spec.Env
	getenv func(string) string // of this process
	dial   func(address) (daemon, error)
	locks  string     // folder of the host's reservations
	run    gpu.Runner // asks for this host's GPUs
	held   lock.Held  // reservations of what was started here, by container name
	mutex  sync.Mutex // of what follows
	known  daemon     // nil: not asked yet
	at     address
}

func newTarget(c *spec.Component, env spec.Env) (spec.Target, error) {
	s, err := parseSettings(c)
	if err != nil {
		return nil, err
	}
	return &target{settings: s, env: env, getenv: os.Getenv, dial: dial, locks: lock.Folder(), run: gpu.Run}, nil
}

// Managed is true: what runs here was started here.
func (t *target) Managed() bool { return true }

// reach makes the daemon's client, once.
func (t *target) reach(ctx context.Context) (daemon, error) {
	if err := ctx.Err(); err != nil {
		return nil, interrupted(err)
	}
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if t.known != nil {
		return t.known, nil
	}
	at, err := t.locate(t.getenv)
	if err != nil {
		return nil, err
	}
	d, err := t.dial(at)
	if err != nil {
		return nil, &spec.Error{Kind: spec.ErrInfrastructure, Summary: t.address + ": the Docker daemon at " + at.host + " can not be used", Cause: err,
			Fix: "check " + at.from + " and the keys that it names"}
	}
	t.known, t.at = d, at
	return d, nil
}

// Inventory looks at the daemon's host. Its GPUs can be listed only where it is this one.
func (t *target) Inventory(ctx context.Context) (spec.Inventory, error) {
	d, err := t.reach(ctx)
	if err != nil {
		return spec.Inventory{}, err
	}
	i, err := d.info(ctx)
	if err != nil {
		return spec.Inventory{}, t.explain(ctx, "look at its host", err)
	}
	inventory := spec.Inventory{Host: i.name, OS: i.os + ", Docker " + i.version, CPUs: i.cpus}
	if !t.at.local() {
		inventory.Driver = "unreadable: the daemon runs on another host"
		return inventory, nil
	}
	host, err := gpu.Read(ctx, t.run)
	if err != nil {
		return spec.Inventory{}, interrupted(err)
	}
	inventory.GPUs, inventory.Driver, inventory.CUDA = host.GPUs(), host.Driver, host.CUDA
	if why := host.Failure(); why != "" {
		inventory.Driver = "unreadable: " + why
	}
	return inventory, nil
}

// Find lists the containers of a suite, running or not.
func (t *target) Find(ctx context.Context, suite, key string) ([]spec.Server, error) {
	if suite == "" {
		return nil, usage("a server can not be found without its suite", "this is a defect of aicv, please report it")
	}
	all, err := t.containers(ctx, map[string]string{labelSuite: suite, labelKey: key})
	if err != nil {
		return nil, err
	}
	var servers []spec.Server
	for i := range all {
		servers = append(servers, t.server(&all[i]))
	}
	return servers, nil
}

// containers lists those with the labels, by key.
func (t *target) containers(ctx context.Context, labels map[string]string) ([]found, error) {
	d, err := t.reach(ctx)
	if err != nil {
		return nil, err
	}
	all, err := d.find(ctx, labels)
	if err != nil {
		return nil, t.explain(ctx, "list containers", err)
	}
	slices.SortFunc(all, func(a, b found) int { return strings.Compare(a.labels[labelKey], b.labels[labelKey]) })
	return all, nil
}

// server is a container as the engine knows it. One whose port is not published (yet)
// has no URL.
func (t *target) server(f *found) spec.Server {
	s := spec.Server{Suite: f.labels[labelSuite], Key: f.labels[labelKey], ID: f.id, ModelName: f.labels[labelModel], Image: cmp.Or(f.labels[labelImage], f.image), Command: f.command}
	if f.port > 0 {
		s.URL = t.url(f.port)
	}
	return s
}

// Status says whether the container runs, and if not how it ended.
func (t *target) Status(ctx context.Context, server spec.Server) (spec.ServerStatus, error) {
	gone := spec.ServerStatus{ExitCode: -1, Signal: spec.SignalUnknown, Why: "its container is gone: somebody removed it"}
	d, err := t.reach(ctx)
	if err != nil {
		return spec.ServerStatus{}, err
	}
	if server.ID == "" {
		return gone, nil
	}
	f, err := d.inspect(ctx, server.ID)
	switch {
	case errors.Is(err, errNoContainer):
		return gone, nil
	case err != nil:
		return spec.ServerStatus{}, t.explain(ctx, "read the status of "+server.Key, err)
	case f.running():
		return spec.ServerStatus{Running: true}, nil
	}
	return t.ended(ctx, d, &f), nil
}

// ended says how a container came to its end. What was asked for through the daemon, and
// what the daemon's own end brought, is not the engine's doing, whatever it exits with.
func (t *target) ended(ctx context.Context, d daemon, f *found) spec.ServerStatus {
	s := spec.ServerStatus{ExitCode: f.exitCode}
	if f.exitCode > 128 && f.exitCode < 160 {
		s = spec.ServerStatus{ExitCode: -1, Signal: syscall.Signal(f.exitCode - 128).String()}
	}
	if f.failure != "" {
		s.Why = f.failure
	}
	if f.noMemory {
		s.Signal, s.Why = syscall.SIGKILL.String(), "the kernel killed it: the container's memory ran out"
		return s
	}
	if sent, err := d.signals(ctx, f.id, f.started); err == nil && len(sent) > 0 {
		s.Signal, s.Why = signalName(sent[len(sent)-1]), "somebody stopped the container through the daemon"
		return s
	}
	if i, err := d.info(ctx); err == nil && i.epoch != "" && f.labels[labelEpoch] != "" && i.epoch != f.labels[labelEpoch] {
		s.Signal, s.Why = syscall.SIGTERM.String(), "the Docker daemon was started anew"
	}
	return s
}

// signalName is the word for a signal that the daemon names by number.
func signalName(number string) string {
	n, err := strconv.Atoi(number)
	if err != nil {
		return cmp.Or(number, syscall.SIGTERM.String())
	}
	return syscall.Signal(n).String()
}

// maxLog bounds what Log returns.
const maxLog = 16 << 20

// Log returns the last bytes of the container's log, from the beginning of a line.
func (t *target) Log(ctx context.Context, server spec.Server, bytes int) (string, error) {
	d, err := t.reach(ctx)
	if err != nil {
		return "", err
	}
	bytes = min(max(bytes, 0), maxLog)
	if server.ID == "" || bytes == 0 {
		return "", nil
	}
	for lines := max(16, bytes/64); ; lines *= 8 {
		tail := text.NewTail(bytes)
		err := d.log(ctx, server.ID, lines, tail)
		if errors.Is(err, errNoContainer) {
			return "", nil
		}
		if err != nil {
			return "", t.explain(ctx, "read the log of "+server.Key, err)
		}
		if tail.Full() || tail.Lines() < lines {
			return tail.String(), nil
		}
	}
}

// Stop ends the container with everything in it, and removes it.
func (t *target) Stop(ctx context.Context, server spec.Server, grace time.Duration) error {
	if server.Suite == "" || server.Key == "" {
		return usage("a server can not be stopped without its suite and key", "this is a defect of aicv, please report it")
	}
	waiting, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopPatience+grace)
	defer cancel()
	held, err := t.lockKey(waiting, containerName(server.Suite, server.Key))
	if err != nil {
		return err
	}
	defer func() { _ = held.Close() }() // releases the lock
	all, err := t.containers(waiting, map[string]string{labelSuite: server.Suite, labelKey: server.Key})
	if err != nil {
		return err
	}
	for i := range all {
		if err := t.end(ctx, &all[i], grace); err != nil {
			return err
		}
	}
	t.held.LetGo(containerName(server.Suite, server.Key))
	return nil
}

// stopPatience is how long the daemon may take to end and remove a container.
const stopPatience = 30 * time.Second

// end asks a container to end, waits for the grace or until ctx ends, and removes it.
func (t *target) end(ctx context.Context, f *found, grace time.Duration) error {
	durable, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopPatience+grace)
	defer cancel()
	if grace > 0 && ctx.Err() == nil && f.running() {
		if err := t.known.kill(durable, f.id, "SIGTERM"); err != nil {
			return t.explain(durable, "stop "+f.labels[labelKey], err)
		}
		patient, cancel := context.WithTimeout(ctx, grace)
		t.awaitEnd(patient, f.id)
		cancel()
	}
	if err := t.known.remove(durable, f.id); err != nil {
		return t.explain(durable, "remove "+f.labels[labelKey], err)
	}
	return nil
}

// awaitEnd waits until a container does not run, at most until ctx ends.
func (t *target) awaitEnd(ctx context.Context, id string) {
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, 200*time.Millisecond) {
		f, err := t.known.inspect(ctx, id)
		if err != nil || !f.running() {
			return // what is not to be known is removed all the same
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// List finds the containers of all suites.
func (t *target) List(ctx context.Context) ([]spec.Owned, error) {
	all, err := t.containers(ctx, map[string]string{labelSuite: "", labelKey: ""})
	if err != nil {
		return nil, err
	}
	var owned []spec.Owned
	for i := range all {
		l := all[i].labels
		owned = append(owned, spec.Owned{Server: t.server(&all[i]), Running: all[i].running(),
			Owner: spec.Owner{Host: l[labelHost], User: l[labelUser], Work: l[labelWork]}})
	}
	return owned, nil
}
