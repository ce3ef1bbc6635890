package exec

import (
	"context"
	"sync"
	"time"

	"aicv/engine"
	"aicv/spec"
)

// trapMode is what happens at the n-th durable call.
type trapMode int

const (
	trapErrorBefore trapMode = iota // it fails, nothing happened
	trapErrorAfter                  // it happened, and fails
	trapDeadBefore                  // the process is gone before it
	trapDeadAfter                   // the process is gone after it
)

// trap counts the durable calls of store and target, and breaks the n-th. A dead
// process is played by refusing every further call without effect.
type trap struct {
	engine.Store
	mutex sync.Mutex
	at    int
	mode  trapMode
	calls int
	dead  bool
}

func newTrap(m *memory, w *world, at int, mode trapMode) *trap {
	t := &trap{Store: m, at: at, mode: mode}
	w.dead = t.isDead
	return t
}

func (t *trap) isDead() bool {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return t.dead
}

func trapped[T any](t *trap, call func() (T, error)) (T, error) {
	var none T
	t.mutex.Lock()
	t.calls++
	struck, dead := t.calls == t.at, t.dead
	if struck && t.mode == trapDeadBefore {
		t.dead, dead = true, true
	}
	t.mutex.Unlock()
	switch {
	case dead:
		return none, errCrashed
	case struck && t.mode == trapErrorBefore:
		return none, errCrashed
	}
	result, err := call()
	if struck {
		t.mutex.Lock()
		t.dead = t.mode == trapDeadAfter
		t.mutex.Unlock()
		return none, errCrashed
	}
	return result, err
}

func trappedDo(t *trap, call func() error) error {
	_, err := trapped(t, func() (struct{}, error) { return struct{}{}, call() })
	return err
}

func (t *trap) BeginApply(ctx context.Context, a spec.ApplyRecord) error {
	return trappedDo(t, func() error { return t.Store.BeginApply(ctx, a) })
}
func (t *trap) Describe(ctx context.Context, m []spec.MeasurementInfo) error {
	return trappedDo(t, func() error { return t.Store.Describe(ctx, m) })
}
func (t *trap) Begin(ctx context.Context, s spec.Step) (int64, error) {
	return trapped(t, func() (int64, error) { return t.Store.Begin(ctx, s) })
}
func (t *trap) End(ctx context.Context, id int64, o spec.Outcome) (int64, error) {
	return trapped(t, func() (int64, error) { return t.Store.End(ctx, id, o) })
}
func (t *trap) Stopped(ctx context.Context, id int64) error {
	return trappedDo(t, func() error { return t.Store.Stopped(ctx, id) })
}
func (t *trap) Judge(ctx context.Context, a string, j []spec.Judgement) error {
	return trappedDo(t, func() error { return t.Store.Judge(ctx, a, j) })
}
func (t *trap) Log(ctx context.Context, a string, e []spec.Event) error {
	return trappedDo(t, func() error { return t.Store.Log(ctx, a, e) })
}
func (t *trap) EndApply(ctx context.Context, a string, s spec.ApplyStatus) error {
	return trappedDo(t, func() error { return t.Store.EndApply(ctx, a, s) })
}
func (t *trap) Retire(ctx context.Context, m []spec.ID, why string) error {
	return trappedDo(t, func() error { return t.Store.Retire(ctx, m, why) })
}

// trapTarget counts starting and stopping too.
type trapTarget struct {
	spec.Target
	trap *trap
}

func (t trapTarget) Start(ctx context.Context, r spec.StartRequest) (spec.Server, error) {
	return trapped(t.trap, func() (spec.Server, error) { return t.Target.Start(ctx, r) })
}

func (t trapTarget) Stop(ctx context.Context, s spec.Server, grace time.Duration) error {
	return trappedDo(t.trap, func() error { return t.Target.Stop(ctx, s, grace) })
}

// registry wraps the world's target.
func (t *trap) registry(w *world) *engine.Registry {
	registrations := w.registrations()
	inner := registrations[0].New.Target
	registrations[0].New.Target = func(c *spec.Component, e spec.Env) (spec.Target, error) {
		made, err := inner(c, e)
		return trapTarget{made, t}, err
	}
	return engine.NewRegistry(registrations, spec.Env{})
}
