package docker

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"
	dockerimage "github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/client"
	"github.com/docker/docker/pkg/stdcopy"
	"github.com/docker/go-connections/nat"
)

// engine is a daemon behind Docker's API.
type engine struct{ api *client.Client }

// dial makes the client of an address. It asks nothing yet; the version of the API is
// negotiated with the first question.
func dial(a address) (daemon, error) {
	keys := func(*client.Client) error { return nil }
	if a.ca != "" {
		keys = client.WithTLSClientConfig(a.ca, a.cert, a.key)
	}
	api, err := client.NewClientWithOpts(client.WithHost(a.host), keys, client.WithAPIVersionNegotiation(), client.WithUserAgent("aicv"))
	if err != nil {
		return nil, err
	}
	return &engine{api}, nil
}

func (e *engine) close() error { return e.api.Close() }

func (e *engine) info(ctx context.Context) (hostInfo, error) {
	i, err := e.api.Info(ctx)
	if err != nil {
		return hostInfo{}, err
	}
	h := hostInfo{name: i.Name, os: i.OperatingSystem + ", kernel " + i.KernelVersion, arch: goArch(i.Architecture), cpus: i.NCPU, memory: i.MemTotal,
		version: i.ServerVersion, root: i.DockerRootDir, runtimes: slices.Sorted(maps.Keys(i.Runtimes)),
		rootless: slices.ContainsFunc(i.SecurityOptions, func(o string) bool { return strings.Contains(o, "rootless") })}
	// The default bridge is made anew with each start of the daemon. Without one nothing is known.
	if bridge, err := e.api.NetworkInspect(ctx, "bridge", network.InspectOptions{}); err == nil {
		h.epoch = bridge.Created.UTC().Format(time.RFC3339Nano)
	}
	return h, nil
}

func goArch(machine string) string {
	names := map[string]string{"x86_64": "amd64", "aarch64": "arm64"}
	return cmp.Or(names[machine], machine)
}

func (e *engine) image(ctx context.Context, ref string) (localImage, error) {
	i, err := e.api.ImageInspect(ctx, ref)
	if errdefs.IsNotFound(err) {
		return localImage{}, errNoImage
	}
	return localImage{id: i.ID, digests: i.RepoDigests}, err
}

func (e *engine) pull(ctx context.Context, ref string, as login, tell func(progress)) error {
	options := dockerimage.PullOptions{}
	if as != (login{}) {
		content, err := json.Marshal(map[string]string{"username": as.user, "password": as.password})
		if err != nil {
			return err
		}
		options.RegistryAuth = base64.URLEncoding.EncodeToString(content)
	}
	stream, err := e.api.ImagePull(ctx, ref, options)
	if err != nil {
		return err
	}
	defer func() { _ = stream.Close() }() // only read
	return followPull(ctx, stream, tell)
}

func (e *engine) load(ctx context.Context, tag, command string, tar io.Reader) error {
	stream, err := e.api.ImageImport(ctx, dockerimage.ImportSource{Source: tar, SourceName: "-"}, tag,
		dockerimage.ImportOptions{Changes: []string{command}, Message: "aicv itself"})
	if err != nil {
		return err
	}
	defer func() { _ = stream.Close() }() // only read
	return followPull(ctx, stream, func(progress) {})
}

func (e *engine) create(ctx context.Context, c order) (string, error) {
	config := &container.Config{Image: c.image, Cmd: c.command, Env: c.env, Labels: c.labels}
	host := &container.HostConfig{
		ShmSize: c.shm,
		// A driver whose logs can be read, and that never fills the disk.
		LogConfig:     container.LogConfig{Type: "json-file", Config: map[string]string{"max-size": "64m", "max-file": "2"}},
		RestartPolicy: container.RestartPolicy{Name: container.RestartPolicyDisabled},
		Resources:     container.Resources{Memory: c.memory},
	}
	if c.client != nil {
		confine(config, host, c.client)
	} else {
		port := nat.Port(strconv.Itoa(c.port) + "/tcp")
		config.ExposedPorts, host.PortBindings = nat.PortSet{port: {}}, nat.PortMap{port: {{HostIP: c.publish}}}
	}
	if len(c.gpus) > 0 {
		host.DeviceRequests = []container.DeviceRequest{{Driver: "nvidia", DeviceIDs: c.gpus, Capabilities: [][]string{{"gpu"}}}}
		host.Ulimits = []*container.Ulimit{{Name: "memlock", Soft: -1, Hard: -1}, {Name: "stack", Soft: 64 << 20, Hard: 64 << 20}}
	}
	host.Mounts = mounts(c.mounts)
	made, err := e.api.ContainerCreate(ctx, config, host, nil, nil, c.name)
	switch {
	case errdefs.IsConflict(err):
		return "", fmt.Errorf("%w: %w", errNameTaken, err)
	case errdefs.IsNotFound(err):
		return "", fmt.Errorf("%w: %w", errNoImage, err)
	}
	return made.ID, err
}

// confine makes a container a client's.
func confine(config *container.Config, host *container.HostConfig, c *clientOrder) {
	config.Entrypoint, config.Cmd = config.Cmd, nil
	config.User, config.WorkingDir = c.user, c.dir
	host.NetworkMode, host.UsernsMode = network.NetworkHost, network.NetworkHost
	host.CapDrop, host.SecurityOpt = []string{"ALL"}, []string{"no-new-privileges"}
	host.ReadonlyRootfs, host.Tmpfs = true, map[string]string{"/tmp": "mode=1777"}
}

func (e *engine) start(ctx context.Context, id string) error {
	return e.api.ContainerStart(ctx, id, container.StartOptions{})
}

func (e *engine) find(ctx context.Context, labels map[string]string) ([]found, error) {
	args := filters.NewArgs()
	for name, value := range labels {
		if value != "" {
			name += "=" + value
		}
		args.Add("label", name)
	}
	list, err := e.api.ContainerList(ctx, container.ListOptions{All: true, Filters: args})
	if err != nil {
		return nil, err
	}
	var all []found
	for i := range list {
		f, err := e.inspect(ctx, list[i].ID)
		if errors.Is(err, errNoContainer) {
			continue // it went in between
		}
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}

func (e *engine) inspect(ctx context.Context, id string) (found, error) {
	c, err := e.api.ContainerInspect(ctx, id)
	if errdefs.IsNotFound(err) {
		return found{}, errNoContainer
	}
	if err != nil {
		return found{}, err
	}
	if c.ContainerJSONBase == nil || c.State == nil || c.Config == nil {
		return found{}, fmt.Errorf("the daemon's answer on container %s is incomplete", id)
	}
	f := found{id: c.ID, name: c.Name, image: c.Image, command: append([]string{c.Path}, c.Args...), labels: c.Config.Labels, status: string(c.State.Status),
		exitCode: c.State.ExitCode, failure: c.State.Error, noMemory: c.State.OOMKilled}
	f.started, _ = time.Parse(time.RFC3339Nano, c.State.StartedAt) // never started: the zero time
	if c.NetworkSettings != nil {
		f.port = published(c.NetworkSettings.Ports)
	}
	return f, nil
}

// published is the one port that is published.
func published(ports nat.PortMap) int {
	for _, bindings := range ports {
		for _, b := range bindings {
			if port, err := strconv.Atoi(b.HostPort); err == nil && port > 0 {
				return port
			}
		}
	}
	return 0
}

func (e *engine) log(ctx context.Context, id string, lines int, to io.Writer) error {
	stream, err := e.api.ContainerLogs(ctx, id, container.LogsOptions{ShowStdout: true, ShowStderr: true, Tail: strconv.Itoa(lines)})
	if errdefs.IsNotFound(err) {
		return errNoContainer
	}
	if err != nil {
		return err
	}
	defer func() { _ = stream.Close() }() // only read
	_, err = stdcopy.StdCopy(to, to, stream)
	return err
}

func (e *engine) follow(ctx context.Context, id string, stdout, stderr io.Writer) error {
	stream, err := e.api.ContainerLogs(ctx, id, container.LogsOptions{ShowStdout: true, ShowStderr: true, Follow: true})
	if errdefs.IsNotFound(err) {
		return errNoContainer
	}
	if err != nil {
		return err
	}
	defer func() { _ = stream.Close() }() // only read
	_, err = stdcopy.StdCopy(stdout, stderr, stream)
	return err
}

func (e *engine) processes(ctx context.Context, id string) ([]int, error) {
	top, err := e.api.ContainerTop(ctx, id, []string{"-eo", "pid"})
	if errdefs.IsNotFound(err) || errdefs.IsConflict(err) { // gone, or not running any more
		return nil, errNoContainer
	}
	if err != nil {
		return nil, err
	}
	var ids []int
	for _, row := range top.Processes {
		if len(row) == 1 && slices.Equal(top.Titles, []string{"PID"}) {
			if pid, err := strconv.Atoi(row[0]); err == nil {
				ids = append(ids, pid)
			}
		}
	}
	return ids, nil
}

func (e *engine) kill(ctx context.Context, id, signal string) error {
	err := e.api.ContainerKill(ctx, id, signal)
	if errdefs.IsNotFound(err) || errdefs.IsConflict(err) { // gone, or not running any more
		return nil
	}
	return err
}

func (e *engine) remove(ctx context.Context, id string) error {
	err := e.api.ContainerRemove(ctx, id, container.RemoveOptions{Force: true, RemoveVolumes: true})
	if errdefs.IsNotFound(err) {
		return nil
	}
	return err
}

func (e *engine) signals(ctx context.Context, id string, since time.Time) ([]string, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	messages, errs := e.api.Events(ctx, events.ListOptions{Since: strconv.FormatInt(since.Unix(), 10), Until: strconv.FormatInt(time.Now().Unix()+1, 10),
		Filters: filters.NewArgs(filters.Arg("container", id), filters.Arg("event", "kill"))})
	var sent []string
	for {
		select {
		case m := <-messages:
			sent = append(sent, m.Actor.Attributes["signal"])
		case err := <-errs:
			if errors.Is(err, io.EOF) || err == nil {
				return sent, nil
			}
			return sent, err
		}
	}
}

// unreachable reports that the daemon could not be asked at all.
func unreachable(err error) bool { return client.IsErrConnectionFailed(err) }
