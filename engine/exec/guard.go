package exec

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"aicv/spec"
)

// guard turns a provider's panic into an error of the node that called it: one
// defective provider must not cost what others measured.
func guard(what string, err *error) {
	if cause := recover(); cause != nil {
		*err = &spec.Error{Kind: spec.ErrInfrastructure, Summary: what + " panicked",
			Detail: string(debug.Stack()), Cause: fmt.Errorf("%v", cause), Fix: "this is a defect of the provider, please report it"}
	}
}

// errDeaf ends a call whose provider went on after its context had ended.
var errDeaf = errors.New("it does not heed its deadline")

// bounded makes one call to a provider. A provider that does not heed its context is
// left behind in its own goroutine, so that it can not hold up the apply.
func bounded[T any](ctx context.Context, what string, call func() (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	answered := make(chan answer, 1)
	go func() {
		var a answer
		defer func() { answered <- a }()
		defer guard(what, &a.err)
		a.value, a.err = call()
	}()
	select {
	case a := <-answered:
		return a.value, a.err
	case <-ctx.Done():
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case a := <-answered:
		return a.value, a.err
	case <-timer.C:
		var none T
		return none, fmt.Errorf("%s: %w: %w", what, errDeaf, context.Cause(ctx))
	}
}

type safeTarget struct {
	inner  spec.Target
	name   string
	redact *redactor // of what its servers print
}

func (t safeTarget) Managed() bool { return t.inner.Managed() }

func (t safeTarget) Inventory(ctx context.Context) (spec.Inventory, error) {
	return bounded(ctx, t.name, func() (spec.Inventory, error) { return t.inner.Inventory(ctx) })
}

func (t safeTarget) Start(ctx context.Context, request spec.StartRequest) (spec.Server, error) {
	return bounded(ctx, t.name, func() (spec.Server, error) { return t.inner.Start(ctx, request) })
}

func (t safeTarget) Find(ctx context.Context, suite, key string) ([]spec.Server, error) {
	return bounded(ctx, t.name, func() ([]spec.Server, error) { return t.inner.Find(ctx, suite, key) })
}

func (t safeTarget) Status(ctx context.Context, server spec.Server) (spec.ServerStatus, error) {
	return bounded(ctx, t.name, func() (spec.ServerStatus, error) { return t.inner.Status(ctx, server) })
}

// Log is without secrets before anything is cut out of it: half a secret is not known as one.
func (t safeTarget) Log(ctx context.Context, server spec.Server, bytes int) (string, error) {
	log, err := bounded(ctx, t.name, func() (string, error) { return t.inner.Log(ctx, server, bytes) })
	return t.redact.text(log), err
}

func (t safeTarget) Stop(ctx context.Context, server spec.Server, grace time.Duration) error {
	_, err := bounded(ctx, t.name, func() (struct{}, error) { return struct{}{}, t.inner.Stop(ctx, server, grace) })
	return err
}

// SampleGPUs is errors.ErrUnsupported where the target can not look.
func (t safeTarget) SampleGPUs(ctx context.Context, server spec.Server) ([]spec.GPUSample, error) {
	looks, ok := t.inner.(spec.GPUSampler)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	return bounded(ctx, t.name, func() ([]spec.GPUSample, error) { return looks.SampleGPUs(ctx, server) })
}

// PrepareClient is errors.ErrUnsupported where the target runs no clients.
func (t safeTarget) PrepareClient(ctx context.Context, image spec.ClientImage) (string, error) {
	runner, ok := t.inner.(spec.ClientRunner)
	if !ok {
		return "", errors.ErrUnsupported
	}
	return bounded(ctx, t.name, func() (string, error) { return runner.PrepareClient(ctx, image) })
}

// RunClient is errors.ErrUnsupported where the target runs no clients. It is the benchmark
// that has a deadline to heed.
func (t safeTarget) RunClient(ctx context.Context, request spec.ClientRequest) (end spec.ClientEnd, err error) {
	runner, ok := t.inner.(spec.ClientRunner)
	if !ok {
		return end, errors.ErrUnsupported
	}
	defer guard(t.name, &err)
	return runner.RunClient(ctx, request)
}

type safeRuntime struct {
	inner spec.Runtime
	name  string
}

func (r safeRuntime) Render(request spec.RenderRequest) (s spec.ServerSpec, m []spec.ItemMapping, err error) {
	defer guard(r.name, &err)
	return r.inner.Render(request)
}

func (r safeRuntime) Effective(ctx context.Context, server spec.Server) (spec.Configuration, error) {
	return bounded(ctx, r.name, func() (spec.Configuration, error) { return r.inner.Effective(ctx, server) })
}

// readingRuntime is a runtime that reads a server's log: none is fetched for the others.
type readingRuntime struct {
	safeRuntime
	reader spec.LogReader
}

// EffectiveFromLog is nothing where it panics.
func (r readingRuntime) EffectiveFromLog(log string) (c spec.Configuration) {
	var err error
	defer func() {
		if err != nil {
			c = nil
		}
	}()
	defer guard(r.name, &err)
	return r.reader.EffectiveFromLog(log)
}

// Counters is errors.ErrUnsupported where the runtime can not read them.
func (r safeRuntime) Counters(ctx context.Context, server spec.Server) (spec.Counters, error) {
	reader, ok := r.inner.(spec.CounterReader)
	if !ok {
		return spec.Counters{}, errors.ErrUnsupported
	}
	return bounded(ctx, r.name, func() (spec.Counters, error) { return reader.Counters(ctx, server) })
}

// FlushCache is errors.ErrUnsupported where the runtime can not.
func (r safeRuntime) FlushCache(ctx context.Context, server spec.Server) error {
	flusher, ok := r.inner.(spec.CacheFlusher)
	if !ok {
		return errors.ErrUnsupported
	}
	_, err := bounded(ctx, r.name, func() (struct{}, error) { return struct{}{}, flusher.FlushCache(ctx, server) })
	return err
}

// Version is errors.ErrUnsupported where the runtime can not read it.
func (r safeRuntime) Version(ctx context.Context, server spec.Server) (string, error) {
	reader, ok := r.inner.(spec.VersionReader)
	if !ok {
		return "", errors.ErrUnsupported
	}
	return bounded(ctx, r.name, func() (string, error) { return reader.Version(ctx, server) })
}

// Diagnose knows no cause where it panics: the log stays the evidence.
func (r safeRuntime) Diagnose(log string) (cause *spec.Error, known bool) {
	var err error
	defer func() {
		if err != nil {
			cause, known = nil, false
		}
	}()
	defer guard(r.name, &err)
	return r.inner.Diagnose(log)
}

type safeBenchmark struct {
	inner spec.Benchmark
	name  string
}

// Budget is unknown where it panics.
func (b safeBenchmark) Budget(request spec.RunRequest, latency time.Duration) (d time.Duration) {
	var err error
	defer func() {
		if err != nil {
			d = 0
		}
	}()
	defer guard(b.name, &err)
	return b.inner.Budget(request, latency)
}

func (b safeBenchmark) Run(ctx context.Context, request spec.RunRequest, emit spec.Emit) (spec.RunResult, error) {
	return bounded(ctx, b.name, func() (spec.RunResult, error) { return b.inner.Run(ctx, request, emit) })
}
