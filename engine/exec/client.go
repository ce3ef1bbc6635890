package exec

import (
	"context"
	"errors"
	"time"

	"aicv/spec"
)

// clientMark stands behind a server's key in that of the client that drives it.
const clientMark = "+client"

func clientKey(server string) string { return server + clientMark }

// client is what runs the client of a cell's benchmark; nil where that runs on this host.
// Its image is made ready first, so that a pull is no part of a run's time.
func (x *executor) client(id, attempt int, g *group, c *spec.Cell) (spec.RunClient, error) {
	reference := spec.ClientImageOf(c.Benchmark)
	if reference == "" {
		return nil, nil
	}
	runner, ok := g.target.base().Target.(spec.ClientRunner)
	if !ok {
		return nil, spec.ClientImageUnfit(c)
	}
	image, err := x.clientImage(id, attempt, g, runner, reference)
	if errors.Is(err, errors.ErrUnsupported) {
		return nil, spec.ClientImageUnfit(c)
	}
	if err != nil {
		return nil, err
	}
	server := g.up.server
	return func(ctx context.Context, client spec.Client) (spec.ClientEnd, error) {
		return runner.RunClient(ctx, spec.ClientRequest{Suite: x.identity, Key: clientKey(server.Key), Image: image, Server: server, Client: client})
	}, nil
}

// clientImage makes an image ready, once in an apply, and pins its content.
func (x *executor) clientImage(id, attempt int, g *group, runner spec.ClientRunner, reference string) (string, error) {
	place := g.target.base().address + " " + reference
	x.mutex.Lock()
	digest, wanted := x.clients[place], x.images[reference]
	x.mutex.Unlock()
	if digest != "" {
		return digest, nil
	}
	ctx, cancel := context.WithTimeout(x.graceful, startTimeout)
	defer cancel()
	var err error
	began := time.Now()
	x.withBeat(ctx, id, attempt, "preparing the client's image", func() {
		digest, err = runner.PrepareClient(ctx, spec.ClientImage{Reference: reference, Digest: wanted,
			Tell: func(phase string) { x.progress(id, phase, began, began) }})
	})
	if x.interrupted() {
		return "", errInterrupted
	}
	if err == nil {
		err = x.pin(reference, digest)
	}
	if err != nil {
		return "", err
	}
	x.mutex.Lock()
	x.clients[place] = digest
	x.mutex.Unlock()
	return digest, nil
}

// clearClient stops a client that outlived its run: its target could not remove it then.
func (x *executor) clearClient(g *group, server spec.Server) error {
	if !x.usesClients(g) {
		return nil
	}
	t := g.target.base()
	ctx, cancel := context.WithTimeout(x.durable, teardownBudget)
	defer cancel()
	left, err := t.Find(ctx, x.identity, clientKey(server.Key))
	for _, client := range left {
		err = errors.Join(err, x.stopServer(t, client, 0))
	}
	return err
}

// usesClients reports whether a benchmark of the group's cells runs in an image.
func (x *executor) usesClients(g *group) bool {
	for _, cell := range g.deployment.Cells {
		if spec.ClientImageOf(x.plan.Cells[cell].Cell.Benchmark) != "" {
			return true
		}
	}
	return false
}
