package exec

import (
	"context"
	"errors"
	"fmt"
	"time"

	"aicv/engine"
	"aicv/spec"
)

// deploy brings a group's server up, if any of its runs is still needed.
func (x *executor) deploy(id int) {
	g := x.groupOf[keyOf(&x.nodes[id])]
	open := len(x.openRuns(g))
	if open == 0 {
		x.dropStray(g)
		x.skip(id, "nothing is left to measure")
		return
	}
	began := time.Now()
	x.started(id)
	err := x.bringUp(g)
	x.conclude(id, began, g.url(), err)
	x.flushLog()
}

// url is where the server answers; empty where none runs.
func (g *group) url() string {
	if g.up == nil {
		return ""
	}
	return describeServer(g.up.server)
}

// bringUp makes the server run and ready, with the retry rule of deployments. Where
// that fails for good, the group is given up and its cells get the reason.
func (x *executor) bringUp(g *group) error {
	if g.failure == nil {
		g.failure = x.unusable(g)
	}
	if g.failure != nil {
		return x.refuse(g, g.failure)
	}
	for tries := 1; ; tries++ {
		last := tries == deployAttempts
		err := x.tryBringUp(g, last)
		if err == nil || errors.Is(err, errInterrupted) || errors.Is(err, errState) {
			return err
		}
		if last || spec.KindOf(err) != spec.ErrInfrastructure {
			x.stopOnUsage(err)
			g.failure = err
			return err
		}
		x.retried(g.deploy, tries, err)
		if err := x.pause(retryPause); err != nil {
			return err
		}
	}
}

// stopOnUsage ends the apply where something was asked for that can not be done:
// going on would not change that.
func (x *executor) stopOnUsage(err error) {
	if spec.KindOf(err) == spec.ErrUsage {
		x.fail(err)
	}
}

// unusable is why a group can not be brought up at all.
func (x *executor) unusable(g *group) error {
	x.mutex.Lock()
	defer x.mutex.Unlock()
	if why := g.target.base().broken; why != nil {
		return &spec.Error{Kind: spec.ErrInfrastructure, Summary: g.target.address + " can not be used", Cause: why,
			Fix: "make it reachable and apply again"}
	}
	return nil
}

// refuse records that a group was given up without an attempt.
func (x *executor) refuse(g *group, err error) error {
	s, openErr := x.open(g.deploy, engine.NodeDeploy, g.address(), "")
	if openErr != nil {
		return openErr
	}
	if _, closeErr := x.close(s, x.lost(g, err)); closeErr != nil {
		return closeErr
	}
	return err
}

// lost is the outcome of a bring-up that failed for good: none of the group's open
// cells gets a measurement.
func (x *executor) lost(g *group, err error) spec.Outcome {
	o := spec.Outcome{Status: spec.StepFailed, Message: explain(err)}
	for _, cell := range x.openCells(g) {
		o.Failures = append(o.Failures, spec.CellFailure{Measurement: x.plan.Cells[cell].Measurement,
			Failure: spec.Failure{Kind: spec.KindOf(err), Message: err.Error()}})
		x.giveUp(cell, err.Error())
	}
	return o
}

// tryBringUp is one attempt. last says that no other will follow.
func (x *executor) tryBringUp(g *group, last bool) error {
	if x.interrupted() {
		return errInterrupted
	}
	if err := x.retryLeftovers(g.host); err != nil {
		return x.refuseUnless(g, err, last)
	}
	if g.stray != nil && g.stray.start != nil {
		if adopted, err := x.adopt(g); adopted || err != nil {
			return err
		}
	}
	number := x.nextStart(g)
	key := g.serverKey(x.identity, number)
	s, err := x.open(g.deploy, engine.NodeDeploy, g.address(), key)
	if err != nil {
		return err
	}
	g.stray = nil // Start finds it under the key, or it is stopped below
	start, err := x.launch(g, s, key)
	if err != nil {
		return x.launchFailed(g, s, key, err, last)
	}
	start.Number = number
	id, err := x.close(s, spec.Outcome{Status: spec.StepDone, Start: start})
	if err != nil {
		return err // g.up is torn down with the rest
	}
	g.up.start = id
	g.wasReady = true
	x.mutex.Lock()
	x.starts[g.deployment.ID].next, x.starts[g.deployment.ID].last = number+1, start
	x.mutex.Unlock()
	return nil
}

func (x *executor) refuseUnless(g *group, err error, last bool) error {
	if last {
		return x.refuse(g, err)
	}
	return err
}

// nextStart is the number of the deployment's next start, over all applies.
func (x *executor) nextStart(g *group) int {
	x.mutex.Lock()
	defer x.mutex.Unlock()
	return x.starts[g.deployment.ID].next
}

// launch starts the server and waits until it is ready. The server is in g.up from
// the moment that it was started.
func (x *executor) launch(g *group, s *step, key string) (*spec.ServerStart, error) {
	server, err := x.start(g, s, key)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", g.address(), err)
	}
	g.up = &upServer{server: server}
	if err := x.pinImage(g); err != nil {
		return nil, err
	}
	if err := x.awaitReady(g, s.began, g.readyTimeout(), false); err != nil {
		return nil, err
	}
	x.measureProxy(g)
	g.up.effective, g.up.version = x.effectiveAtStart(x.graceful, g), x.version(x.graceful, g)
	start := &spec.ServerStart{
		Deployment: g.deployment.ID, Target: g.target.address, Server: g.up.server, Argv: argv(&g.spec, &g.up.server), Mapping: g.mapping,
		Effective: g.up.effective, Version: g.up.version, Inventory: x.inventoryOf(g.target), Elapsed: time.Since(s.began), Ready: time.Now(),
	}
	x.noteDrift(g, start)
	return start, nil
}

// start calls the target, and says each second that it is at it: an image may have to
// be pulled.
func (x *executor) start(g *group, s *step, key string) (spec.Server, error) {
	x.progress(g.deploy, "starting", s.began, time.Now())
	ctx, cancel := context.WithTimeout(x.graceful, startTimeout)
	defer cancel()
	var server spec.Server
	var err error
	x.withBeat(ctx, g.deploy, s.attempt, "starting", func() {
		server, err = g.target.Start(ctx, spec.StartRequest{Suite: x.identity, Key: key, Spec: g.spec, Digest: x.pinned(g), Hardware: g.cell.Hardware,
			Tell: func(phase string) { x.progress(g.deploy, phase, s.began, s.began) }})
	})
	return server, err
}

// argv is the command that ran, else the one that was asked for, with the environment that
// the runtime added, secrets as references.
func argv(s *spec.ServerSpec, server *spec.Server) []string {
	var line []string
	for _, v := range s.Env {
		line = append(line, v.Name+"="+v.Value.String())
	}
	if len(server.Command) > 0 {
		return append(line, server.Command...)
	}
	return append(line, s.Command...)
}

// launchFailed removes what was started and records why the attempt failed.
func (x *executor) launchFailed(g *group, s *step, key string, err error, last bool) error {
	x.removeLaunched(g, key)
	if x.interrupted() {
		return x.abandon(s, nil)
	}
	outcome := spec.Outcome{Status: spec.StepFailed, Message: explain(err)}
	if last || spec.KindOf(err) != spec.ErrInfrastructure {
		outcome = x.lost(g, err)
	}
	if _, closeErr := x.close(s, outcome); closeErr != nil {
		return closeErr
	}
	return err
}

// removeLaunched stops what an attempt started, known or not: a start that failed
// half way may have left something under its key.
func (x *executor) removeLaunched(g *group, key string) {
	servers := []spec.Server{}
	if g.up != nil {
		servers = append(servers, g.up.server)
		g.up = nil
	} else if g.target.Managed() {
		ctx, cancel := context.WithTimeout(x.durable, teardownBudget)
		found, err := g.target.Find(ctx, x.identity, key)
		cancel()
		if err != nil { // something may run under the key: it counts as left until it can be stopped
			x.leave(&leftover{g.target, spec.Server{Suite: x.identity, Key: key}, 0, key + " on " + g.target.address, g.host},
				fmt.Errorf("what its failed start left could not be asked: %w", err))
		}
		servers = found
	}
	for _, server := range servers {
		if err := x.stopServer(g.target, server, g.grace()); err != nil {
			x.leave(&leftover{g.target, server, 0, g.leftName(server), g.host}, err)
		}
	}
}

// adopt goes on with the server of a start that an earlier session committed. One
// that is not ready any more is stopped, and false returned.
func (x *executor) adopt(g *group) (bool, error) {
	kept := g.stray
	s, err := x.open(g.deploy, engine.NodeDeploy, g.address(), kept.server.Key)
	if err != nil {
		return false, err
	}
	g.stray = nil
	kept.server.Adopted = true
	g.up = &upServer{server: kept.server, start: kept.start.ID, effective: kept.start.Effective, version: kept.start.Version}
	if err := x.awaitReady(g, s.began, adoptTimeout, true); err != nil {
		_ = x.takeDown(g) // x.leftovers and x.err keep what went wrong
		if errors.Is(err, errInterrupted) {
			return false, x.abandon(s, nil)
		}
		_, err = x.close(s, spec.Outcome{Status: spec.StepAbandoned, Message: "the server of an earlier session is not fit: " + explain(err)})
		return false, err
	}
	g.wasReady = true
	_, err = x.close(s, spec.Outcome{Status: spec.StepDone, Message: "adopted the server of an earlier session"})
	return err == nil, err
}

// pause waits between attempts.
func (x *executor) pause(d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-x.graceful.Done():
		return errInterrupted
	case <-timer.C:
		return nil
	}
}
