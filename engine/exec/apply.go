package exec

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"aicv/engine"
	"aicv/metric"
	"aicv/spec"
)

// Request is an order to carry out a plan.
type Request struct {
	Plan     *engine.Plan
	Store    engine.Store
	Registry *engine.Registry
	Emit     spec.Emit       // hears what happens; nil: nobody does
	Stop     <-chan struct{} // closed: finish or abandon the current run at a safe point, tear down, return; nil: never
	Origin   spec.Origin     // by what and where the apply is made
	PlanData []byte          // the plan's saved form, kept with the apply; may be empty
	// Images are the contents that images declared by a tag must have, by reference. Pin
	// hears that of an image which has none yet, once, before anything is measured on it;
	// it is never called twice at once, and nil: nobody does.
	Images map[string]string
	Pin    func(reference, digest string) error
}

// Result says how an apply ended.
type Result struct {
	Status     spec.ApplyStatus
	Judgements []spec.Judgement // of the judge node; nil where it was not reached
	Left       []string         // servers that could not be torn down
}

// Apply carries out the plan, or continues it where an earlier apply of it stopped.
// Cancelling ctx is a hard stop: everything is torn down at once, within a budget of
// its own, and what was committed stays. An interrupted apply is no error: its status
// says so. An error means that aicv could not do its work (state, usage); then too
// everything was torn down, and a result, where there is one, names what is left.
func Apply(ctx context.Context, r Request) (*Result, error) {
	return apply(ctx, r, newHTTPProbe())
}

func apply(ctx context.Context, r Request, p probe) (*Result, error) {
	if err := check(r.Plan); err != nil {
		return nil, err
	}
	x := newExecutor(ctx, r, p)
	defer x.release()
	if err := x.prepare(); err != nil {
		return nil, x.redact.error(err)
	}
	if err := x.enter(); err != nil {
		return nil, err
	}
	x.carryOut()
	result, err := x.finish()
	return result, x.redact.error(err)
}

// enter records the apply, or finds the one that it continues.
func (x *executor) enter() error {
	identity, err := x.store.Identity(x.durable)
	if err != nil {
		return fmt.Errorf("read the suite's identity: %w", err)
	}
	if identity == "" {
		return &spec.Error{Kind: spec.ErrInfrastructure, Summary: "the state has no identity, so servers could not be told apart from other suites'"}
	}
	record, known, err := x.store.Apply(x.durable, x.plan.ID)
	if err != nil {
		return fmt.Errorf("find the plan's earlier apply: %w", err)
	}
	if !known {
		record = spec.ApplyRecord{ID: string(x.plan.ID), Plan: x.plan.ID}
	}
	record.Started, record.Finished = time.Now(), time.Time{}
	record.Status, record.Origin, record.PlanData = spec.ApplyRunning, x.request.Origin, x.request.PlanData
	if err := x.store.BeginApply(x.durable, record); err != nil {
		return fmt.Errorf("begin the apply: %w", err)
	}
	x.mutex.Lock()
	x.identity, x.apply, x.resumed = identity, record.ID, known
	x.mutex.Unlock()
	return nil
}

// carryOut does everything between the begin and the end of the apply. Errors stop
// it through x.fail.
func (x *executor) carryOut() {
	x.emit(spec.Event{Type: spec.EventApplyStarted, Subject: x.plan.Suite.Name, Phase: string(x.plan.ID), Total: x.total, Message: x.opening()})
	for _, step := range []func() error{x.readSteps, x.retire, x.describe, x.readFacts, x.recover} {
		if err := step(); err != nil {
			x.fail(err)
			return
		}
		if x.interrupted() {
			return
		}
	}
	x.schedule()
}

func (x *executor) opening() string {
	verb := "applying"
	if x.resumed {
		verb = "continuing"
	}
	runs := 0
	for i := range x.nodes {
		if x.nodes[i].Kind == engine.NodeRun {
			runs++
		}
	}
	if runs == 0 {
		return verb + ": there is nothing to measure, the claims are judged"
	}
	return fmt.Sprintf("%s: at most %s, %s", verb, metric.Count(runs, "run"), metric.Count(len(x.plan.Deployments), "deployment"))
}

// closing says how the apply ended, and what stays behind.
func (x *executor) closing(r *Result) string {
	if len(r.Left) == 0 {
		return string(r.Status)
	}
	return string(r.Status) + "; could not tear down " + strings.Join(r.Left, ", ")
}

// finish tears down what still runs and closes the apply.
func (x *executor) finish() (*Result, error) {
	x.teardown()
	result := &Result{Status: spec.ApplyFinished, Judgements: x.judgements, Left: x.left()}
	if x.failure() != nil || !x.complete() {
		result.Status = spec.ApplyInterrupted
	}
	for _, left := range result.Left {
		x.emit(spec.Event{Type: spec.EventWarning, Subject: left, Message: "could not be torn down; aicv destroy removes it"})
	}
	x.emit(spec.Event{Type: spec.EventApplyFinished, Subject: x.plan.Suite.Name, Phase: string(result.Status), Message: x.closing(result), Elapsed: time.Since(x.began)})
	x.flushLog()
	if err := x.store.EndApply(x.durable, x.apply, result.Status); err != nil {
		x.fail(fmt.Errorf("end the apply: %w", err))
		result.Status = spec.ApplyInterrupted
	}
	return result, x.withLeft(result)
}

// withLeft adds to the apply's error what its caller would not learn otherwise.
func (x *executor) withLeft(result *Result) error {
	err := x.failure()
	if err == nil || len(result.Left) == 0 {
		return err
	}
	return errors.Join(err, fmt.Errorf("could not tear down %s (aicv destroy removes it)", strings.Join(result.Left, ", ")))
}
