package exec

import (
	"context"
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

type safeTarget struct {
	inner spec.Target
	name  string
}

func (t safeTarget) Managed() bool { return t.inner.Managed() }

func (t safeTarget) Inventory(ctx context.Context) (i spec.Inventory, err error) {
	defer guard(t.name, &err)
	return t.inner.Inventory(ctx)
}

func (t safeTarget) Start(ctx context.Context, request spec.StartRequest) (s spec.Server, err error) {
	defer guard(t.name, &err)
	return t.inner.Start(ctx, request)
}

func (t safeTarget) Find(ctx context.Context, suite, key string) (found []spec.Server, err error) {
	defer guard(t.name, &err)
	return t.inner.Find(ctx, suite, key)
}

func (t safeTarget) Status(ctx context.Context, server spec.Server) (status spec.ServerStatus, err error) {
	defer guard(t.name, &err)
	return t.inner.Status(ctx, server)
}

func (t safeTarget) Log(ctx context.Context, server spec.Server, bytes int) (log string, err error) {
	defer guard(t.name, &err)
	return t.inner.Log(ctx, server, bytes)
}

func (t safeTarget) Stop(ctx context.Context, server spec.Server, grace time.Duration) (err error) {
	defer guard(t.name, &err)
	return t.inner.Stop(ctx, server, grace)
}

type safeRuntime struct {
	inner spec.Runtime
	name  string
}

func (r safeRuntime) Render(request spec.RenderRequest) (s spec.ServerSpec, m []spec.ItemMapping, err error) {
	defer guard(r.name, &err)
	return r.inner.Render(request)
}

func (r safeRuntime) Effective(ctx context.Context, server spec.Server) (c spec.Configuration, err error) {
	defer guard(r.name, &err)
	return r.inner.Effective(ctx, server)
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

func (b safeBenchmark) Run(ctx context.Context, request spec.RunRequest, emit spec.Emit) (r spec.RunResult, err error) {
	defer guard(b.name, &err)
	return b.inner.Run(ctx, request, emit)
}
