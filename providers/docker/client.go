package docker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"aicv/kit/text"
	"aicv/spec"
)

// PrepareClient makes sure that the daemon has the image of a benchmark's client.
func (t *target) PrepareClient(ctx context.Context, image spec.ClientImage) (string, error) {
	d, err := t.reach(ctx)
	if err != nil {
		return "", err
	}
	switch {
	case image.Reference == "":
		return "", usage("a client has no image", "this is a defect of aicv, please report it")
	case !t.at.local():
		return "", t.afar()
	}
	_, digest, err := t.prepareImage(ctx, d, &spec.StartRequest{Spec: spec.ServerSpec{Image: image.Reference}, Digest: image.Digest, Tell: image.Tell}, &hostInfo{})
	return digest, err
}

// afar refuses a client on another host: what it reads and writes is on this one.
func (t *target) afar() error {
	return usage(fmt.Sprintf("%s: the daemon at %s runs on another host, where a benchmark's client would not see the tokenizer nor leave its results", t.address, t.at.host),
		"run aicv on that host, or use a benchmark without image")
}

// RunClient runs a benchmark's client in a container of its own, to its end.
func (t *target) RunClient(ctx context.Context, request spec.ClientRequest) (spec.ClientEnd, error) {
	end := spec.ClientEnd{Image: request.Image}
	if request.Suite == "" || request.Key == "" || request.Key == request.Server.Key || request.Image == "" || len(request.Client.Command) == 0 || t.env.WorkDir == "" {
		return end, usage("a client needs a suite, a key of its own, an image, a command and a folder for its lock", "this is a defect of aicv, please report it")
	}
	d, err := t.reach(ctx)
	if err != nil {
		return end, err
	}
	if !t.at.local() {
		return end, t.afar()
	}
	id, err := t.startClient(ctx, d, &request)
	if err != nil {
		return end, err
	}
	err = t.attend(ctx, d, id, &request, &end)
	return end, errors.Join(err, t.discard(ctx, d, id))
}

// startClient removes what is left under the key, and starts a container.
func (t *target) startClient(ctx context.Context, d daemon, request *spec.ClientRequest) (string, error) {
	held, err := t.lockKey(ctx, containerName(request.Suite, request.Key))
	if err != nil {
		return "", err
	}
	defer func() { _ = held.Close() }() // releases the lock
	all, err := t.containers(ctx, map[string]string{labelSuite: request.Suite, labelKey: request.Key})
	if err != nil {
		return "", err
	}
	for i := range all {
		if err := t.end(ctx, &all[i], 0); err != nil {
			return "", err
		}
	}
	o, err := t.clientOrder(ctx, d, request)
	if err != nil {
		return "", err
	}
	return t.launch(ctx, d, "the benchmark's client", o)
}

// clientOrder describes the container. Its user is the one that aicv runs as, so that the
// results are ours; a rootless daemon shows that one to containers as root.
func (t *target) clientOrder(ctx context.Context, d daemon, request *spec.ClientRequest) (*order, error) {
	host, err := d.info(ctx)
	if err != nil {
		return nil, t.explain(ctx, "look at its host", err)
	}
	environment, err := t.environment(request.Client.Env, "the client's variable ")
	if err != nil {
		return nil, err
	}
	o := &order{name: containerName(request.Suite, request.Key), image: request.Image, command: request.Client.Command, env: environment,
		labels: t.owned(request.Suite, request.Key), memory: t.memory, client: &clientOrder{user: "0:0", dir: request.Client.Dir}}
	if !host.rootless {
		o.client.user = fmt.Sprintf("%d:%d", os.Getuid(), os.Getgid())
	}
	o.labels[labelEpoch], o.labels[labelImage] = host.epoch, request.Image
	for _, m := range request.Client.Mounts {
		o.mounts = append(o.mounts, mount{m.Source, m.Target, m.ReadOnly})
	}
	return o, nil
}

// maxStderr bounds what is kept of a client's standard error, in bytes.
const maxStderr = 64 << 10

// attend listens to a client until it ends, and says how it did.
func (t *target) attend(ctx context.Context, d daemon, id string, request *spec.ClientRequest, end *spec.ClientEnd) error {
	stderr := text.NewTail(maxStderr)
	err := d.follow(ctx, id, text.NewLines(request.Client.Line), stderr)
	if err == nil {
		t.awaitEnd(ctx, id) // the log's end may come before, and a daemon that is started anew ends it
	}
	end.Stderr = strings.TrimSpace(stderr.String())
	if ctx.Err() != nil {
		return interrupted(context.Cause(ctx))
	}
	if err != nil && !errors.Is(err, errNoContainer) {
		return t.explain(ctx, "follow the benchmark's client", err)
	}
	end.Status, err = t.Status(ctx, spec.Server{ID: id, Key: "the benchmark's client"})
	if err == nil && end.Status.Running {
		err = &spec.Error{Kind: spec.ErrInfrastructure, Summary: "the Docker daemon does not say how the benchmark's client ended", Fix: "see the daemon's log (journalctl -u docker)"}
	}
	return err
}
