package exec

import (
	"context"
	"errors"
	"fmt"
	"time"

	"aicv/engine"
	"aicv/spec"
)

// leftover is a server that could not be torn down.
type leftover struct {
	target *target
	server spec.Server
	start  int64 // id in the state; 0: not committed
	name   string
	host   int32 // -1: unknown, so it may disturb any
}

// leave notes a server that stays behind.
func (x *executor) leave(l *leftover, err error) {
	x.mutex.Lock()
	x.leftovers = append(x.leftovers, l)
	x.mutex.Unlock()
	x.warn(l.name, "could not be stopped: "+err.Error())
}

// left names the servers that stay behind.
func (x *executor) left() []string {
	x.mutex.Lock()
	defer x.mutex.Unlock()
	names := make([]string, len(x.leftovers))
	for i, l := range x.leftovers {
		names[i] = l.name
	}
	return names
}

// retryLeftovers tries once more to stop what stayed behind and could disturb a host
// (any: -1). It names one that still stands.
func (x *executor) retryLeftovers(host int32) error {
	x.mutex.Lock()
	all := x.leftovers
	x.leftovers = nil
	x.mutex.Unlock()
	var blocked error
	for _, l := range all {
		concerned := host < 0 || l.host < 0 || l.host == host
		if concerned {
			err := x.stopServer(l.target, l.server, 0)
			if err == nil {
				x.noteLeftoverGone(l)
				continue
			}
			blocked = &spec.Error{Kind: spec.ErrInfrastructure, Summary: l.name + " could not be stopped and still occupies the host",
				Cause: err, Fix: "stop it by hand, or run aicv destroy"}
		}
		x.mutex.Lock()
		x.leftovers = append(x.leftovers, l)
		x.mutex.Unlock()
	}
	return blocked
}

// noteLeftoverGone notes the start of a server that could be stopped after all.
func (x *executor) noteLeftoverGone(l *leftover) {
	if l.start != 0 {
		_ = x.noteStopped(l.start) // a failure stops the apply through x.fail
		return
	}
	if err := noteGone(x.durable, x.store, l.server.Key, nil); err != nil {
		x.fail(err)
	}
}

func (x *executor) noteStopped(start int64) error {
	if start == 0 {
		return nil
	}
	if err := x.store.Stopped(x.durable, start); err != nil {
		x.fail(fmt.Errorf("note that a server is gone: %w", err))
		return errState
	}
	return nil
}

// stopServer ends a server: with its grace as long as nobody is in a hurry, at once
// after a hard stop or where the first try fails. It returns when the server is gone,
// or with the reason why it may not be.
func (x *executor) stopServer(t *target, server spec.Server, grace time.Duration) error {
	return stopServer(x.hard, t, server, grace)
}

func stopServer(hard context.Context, t *target, server spec.Server, grace time.Duration) error {
	if !t.Managed() {
		return nil // somebody else's
	}
	if hard.Err() == nil && grace > 0 {
		if err := stopOnce(hard, t, server, grace, grace+stopSlack); err == nil {
			return nil
		}
	}
	return stopOnce(context.WithoutCancel(hard), t, server, 0, teardownBudget)
}

func stopOnce(parent context.Context, t *target, server spec.Server, grace, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(parent, limit)
	defer cancel()
	return t.Stop(ctx, server, grace)
}

// takeDown stops a group's server, bracketed as an attempt of its stop node. The
// server is stopped even where the state can not be written any more.
func (x *executor) takeDown(g *group) error {
	up := g.up
	if up == nil {
		return nil
	}
	g.up = nil
	s, openErr := x.open(g.stop, engine.NodeStop, g.address(), up.server.Key)
	if err := x.clearClient(g, up.server); err != nil {
		x.leave(&leftover{g.target.base(), spec.Server{Suite: x.identity, Key: clientKey(up.server.Key)}, 0, g.address() + "'s client on " + g.target.address, g.host}, err)
	}
	err := x.stopServer(g.target, up.server, g.grace())
	if err != nil {
		x.leave(&leftover{g.target, up.server, up.start, g.leftName(up.server), g.host}, err)
	}
	outcome := spec.Outcome{Status: spec.StepDone}
	if err != nil {
		outcome = spec.Outcome{Status: spec.StepFailed, Message: explain(err)}
	} else if noteErr := x.noteStopped(up.start); noteErr != nil {
		return noteErr // the step stays open: the next session notes it
	}
	if openErr != nil {
		return openErr
	}
	if _, closeErr := x.close(s, outcome); closeErr != nil {
		return closeErr
	}
	return err
}

func (g *group) leftName(server spec.Server) string {
	return fmt.Sprintf("%s on %s (%s)", g.address(), g.target.address, server.ID)
}

// teardown stops everything that still runs.
func (x *executor) teardown() {
	for _, g := range x.groups {
		_ = x.takeDown(g) // what could not be stopped is in x.leftovers, what could not be recorded in x.err
		x.dropStray(g)
	}
	_ = x.retryLeftovers(-1) // what remains is in x.left
}

// dropStray stops a server of a crashed session that was kept for adoption.
func (x *executor) dropStray(g *group) {
	s := g.stray
	if s == nil {
		return
	}
	g.stray = nil
	var start int64
	if s.start != nil {
		start = s.start.ID
	}
	if err := x.stopServer(g.target, s.server, g.grace()); err != nil {
		x.leave(&leftover{g.target, s.server, start, g.leftName(s.server), g.host}, err)
		return
	}
	_ = x.noteStopped(start) // a failure stops the apply through x.fail
}

// explain writes an error with its evidence, for the state.
func explain(err error) string {
	var e *spec.Error
	if errors.As(err, &e) && e.Detail != "" {
		return err.Error() + "\n" + e.Detail
	}
	return err.Error()
}
