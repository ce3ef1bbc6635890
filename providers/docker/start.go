package docker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"aicv/kit/lock"
	"aicv/spec"
)

// insidePort is where servers listen in their containers.
const insidePort = 8000

// Start brings a container up, or returns the one that runs under the key.
func (t *target) Start(ctx context.Context, request spec.StartRequest) (spec.Server, error) {
	if err := t.check(&request); err != nil {
		return spec.Server{}, err
	}
	d, err := t.reach(ctx)
	if err != nil {
		return spec.Server{}, err
	}
	if err := t.checkPublish(); err != nil {
		return spec.Server{}, err
	}
	name := containerName(request.Suite, request.Key)
	held, err := t.lockKey(ctx, name)
	if err != nil {
		return spec.Server{}, err
	}
	defer func() { _ = held.Close() }() // releases the lock
	server, err := t.running(ctx, &request)
	if err != nil || server.Adopted {
		return server, err
	}
	o, err := t.order(ctx, d, &request, name)
	if err == nil {
		server, err = t.bringUp(ctx, d, &request, o)
	}
	if err != nil {
		t.held.LetGo(name)
		return spec.Server{}, err
	}
	return server, nil
}

func (t *target) check(request *spec.StartRequest) error {
	switch {
	case request.Suite == "" || request.Key == "":
		return usage("a server needs a suite and a key", "this is a defect of aicv, please report it")
	case t.env.WorkDir == "":
		return usage("server "+request.Key+" has no folder for its lock", "this is a defect of aicv, please report it")
	case request.Spec.Image == "" && !t.isSelf(&request.Spec):
		return noImage("server " + request.Key)
	}
	return nil
}

func noImage(what string) error {
	return usage(what+" has no image", `name one in the runtime block: image = "vllm/vllm-openai:v0.24.0"`)
}

// checkPublish refuses ports that nobody could reach, or that nobody asked to open.
func (t *target) checkPublish() error {
	if t.at.local() || !net.ParseIP(t.publish).IsLoopback() {
		return nil
	}
	return usage(fmt.Sprintf("%s: the daemon at %s publishes ports on its own loopback, where aicv can not reach them", t.address, t.at.host),
		fmt.Sprintf("set publish to an address of %s that only you can reach, or run aicv there", t.at.hostname()))
}

// url is where a published port is asked.
func (t *target) url(port int) string {
	host := t.publish
	if net.ParseIP(host).IsUnspecified() {
		host = t.at.hostname()
	}
	return "http://" + net.JoinHostPort(host, strconv.Itoa(port))
}

// containerName tells the key to people, and its hash keeps keys and suites apart.
func containerName(suite, key string) string {
	readable := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '_'
	}, key)
	return "aicv-" + readable[:min(48, len(readable))] + "-" + string(spec.HashOf([]byte(suite + "\x00" + key)))[:12]
}

// lockKey keeps others from starting or stopping the same server meanwhile.
func (t *target) lockKey(ctx context.Context, name string) (*os.File, error) {
	folder := filepath.Join(t.env.WorkDir, "containers")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, &spec.Error{Kind: spec.ErrInfrastructure, Summary: "can not make the folder of containers' locks", Cause: err, Fix: "check the rights and the space of " + t.env.WorkDir}
	}
	for {
		file, err := lock.Try(filepath.Join(folder, name+".lock"), lock.Holder{PID: os.Getpid()})
		if err == nil {
			return file, nil
		}
		if busy := (*lock.HeldError)(nil); !errors.As(err, &busy) {
			return nil, &spec.Error{Kind: spec.ErrInfrastructure, Summary: "can not lock the container's name", Cause: err, Fix: "check the folder " + folder}
		}
		select {
		case <-ctx.Done():
			return nil, interrupted(ctx.Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// running returns the container that runs under the key. What else is left under it, of
// a start that broke off or a server that ended, is removed.
func (t *target) running(ctx context.Context, request *spec.StartRequest) (spec.Server, error) {
	all, err := t.containers(ctx, map[string]string{labelSuite: request.Suite, labelKey: request.Key})
	if err != nil {
		return spec.Server{}, err
	}
	for i := range all {
		if server := t.server(&all[i]); all[i].running() && server.URL != "" {
			server.Adopted = true
			return server, nil
		}
		if err := t.end(ctx, &all[i], 0); err != nil {
			return spec.Server{}, err
		}
	}
	return spec.Server{}, nil
}

// order makes everything ready and describes the container.
func (t *target) order(ctx context.Context, d daemon, request *spec.StartRequest, name string) (*order, error) {
	host, err := d.info(ctx)
	if err != nil {
		return nil, t.explain(ctx, "look at its host", err)
	}
	environment, err := t.environment(request.Spec.Env, "the server's variable ")
	if err != nil {
		return nil, err
	}
	image, digest, err := t.prepareImage(ctx, d, request, &host)
	if err != nil {
		return nil, err
	}
	if err := t.takeHost(ctx, request, name); err != nil {
		return nil, err
	}
	gpus, err := t.takeGPUs(ctx, request, name)
	if err != nil {
		return nil, err
	}
	o := &order{name: name, image: image, env: environment, labels: t.labels(request), port: insidePort, publish: t.publish, gpus: gpus,
		shm: cmp.Or(t.shm, request.Spec.ShmBytes), memory: t.memory}
	o.labels[labelGPUs], o.labels[labelEpoch], o.labels[labelImage] = strings.Join(gpus, ","), host.epoch, digest
	o.command = t.command(&request.Spec)
	for _, m := range request.Spec.Mounts {
		o.mounts = append(o.mounts, mount{m.Source, m.Target, m.ReadOnly})
	}
	return o, nil
}

func (t *target) labels(request *spec.StartRequest) map[string]string {
	l := t.owned(request.Suite, request.Key)
	l[labelModel] = request.Spec.ModelName
	if !t.share && !request.Spec.Simulated {
		l[labelAlone] = "true"
	}
	return l
}

// owned are the labels that find a container again and say whose it is.
func (t *target) owned(suite, key string) map[string]string {
	l := map[string]string{labelSuite: suite, labelKey: key, labelWork: t.env.WorkDir}
	if host, err := os.Hostname(); err == nil {
		l[labelHost] = host
	}
	if u, err := user.Current(); err == nil {
		l[labelUser] = u.Username
	}
	return l
}

// command is the argv inside: placeholders filled in, and aicv itself where its image
// has it.
func (t *target) command(s *spec.ServerSpec) []string {
	argv := slices.Clone(s.Command)
	if t.isSelf(s) {
		argv[0] = selfPath
	}
	for i, arg := range argv {
		argv[i] = inside().Replace(arg)
	}
	return argv
}

// inside fills in where a server listens in its container: on all of its addresses,
// which are its own.
func inside() *strings.Replacer {
	return strings.NewReplacer(spec.HostPlaceholder, "0.0.0.0", spec.PortPlaceholder, strconv.Itoa(insidePort))
}

// environment is what a container adds to its image's; of names whose variables they are.
// Secrets are resolved here and nowhere else.
func (t *target) environment(variables []spec.EnvVar, of string) ([]string, error) {
	fill := inside()
	var list []string
	for _, v := range variables {
		value := v.Value.Text()
		if v.Value.Kind() == spec.Secret {
			secret, err := t.secret(of+v.Name, v.Value)
			if err != nil {
				return nil, err
			}
			value = secret
		}
		list = append(list, v.Name+"="+fill.Replace(value))
	}
	return list, nil
}

func (t *target) secret(of string, v spec.Value) (string, error) {
	name := v.Text()
	if t.env.Getenv != nil {
		if value, ok := t.env.Getenv(name); ok {
			return value, nil
		}
	}
	return "", usage(fmt.Sprintf("%s is env(%q), and that is not set", of, name), "set "+name+" in the environment of aicv")
}

// bringUp creates and starts the container, and reads its port. A container that does
// not start is removed.
func (t *target) bringUp(ctx context.Context, d daemon, request *spec.StartRequest, o *order) (spec.Server, error) {
	what := "server " + request.Key
	id, err := t.launch(ctx, d, what, o)
	if err != nil {
		return spec.Server{}, err
	}
	f, err := d.inspect(ctx, id)
	if err != nil {
		return spec.Server{}, errors.Join(t.explainStart(ctx, what, o, err), t.discard(ctx, d, id))
	}
	server := t.server(&f)
	if server.URL == "" && f.running() {
		return spec.Server{}, errors.Join(&spec.Error{Kind: spec.ErrInfrastructure, Summary: "the Docker daemon published no port for server " + request.Key,
			Fix: "check the daemon's log: its network may be switched off (--bridge=none)"}, t.discard(ctx, d, id))
	}
	return server, nil
}

// launch creates and starts a container; one that does not start is removed.
func (t *target) launch(ctx context.Context, d daemon, what string, o *order) (string, error) {
	id, err := d.create(ctx, *o)
	if err != nil {
		return "", errors.Join(t.explainStart(ctx, what, o, err), t.removeNamed(ctx, o))
	}
	if err := d.start(ctx, id); err != nil {
		return "", errors.Join(t.explainStart(ctx, what, o, err), t.discard(ctx, d, id))
	}
	return id, nil
}

// discard removes what could not be started, even where ctx has ended.
func (t *target) discard(ctx context.Context, d daemon, id string) error {
	durable, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopPatience)
	defer cancel()
	if err := d.remove(durable, id); err != nil {
		return t.explain(durable, "remove the container", err)
	}
	return nil
}

// removeNamed removes what a creation left whose answer was lost.
func (t *target) removeNamed(ctx context.Context, o *order) error {
	durable, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopPatience)
	defer cancel()
	all, err := t.containers(durable, map[string]string{labelSuite: o.labels[labelSuite], labelKey: o.labels[labelKey]})
	if err != nil {
		return nil // the daemon does not answer: that is what failed before
	}
	for i := range all {
		if err := t.end(durable, &all[i], 0); err != nil {
			return err
		}
	}
	return nil
}
