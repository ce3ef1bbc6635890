package failpoint

import (
	"context"
	"time"

	"aicv/spec"
)

// Target wraps a target: starting and stopping servers count, and running a benchmark's
// client where it can. Reads pass.
func Target(inner spec.Target, c *Counter) spec.Target {
	wrapped := &target{inner, c}
	if runner, ok := inner.(spec.ClientRunner); ok {
		return &clientTarget{wrapped, runner}
	}
	return wrapped
}

type target struct {
	spec.Target
	counter *Counter
}

func (t *target) Start(ctx context.Context, request spec.StartRequest) (spec.Server, error) {
	return around(t.counter, "Start", func() (spec.Server, error) { return t.Target.Start(ctx, request) })
}

func (t *target) Stop(ctx context.Context, server spec.Server, grace time.Duration) error {
	return do(t.counter, "Stop", func() error { return t.Target.Stop(ctx, server, grace) })
}

// clientTarget runs clients too.
type clientTarget struct {
	*target
	spec.ClientRunner
}

func (t *clientTarget) RunClient(ctx context.Context, request spec.ClientRequest) (spec.ClientEnd, error) {
	return around(t.counter, "RunClient", func() (spec.ClientEnd, error) { return t.ClientRunner.RunClient(ctx, request) })
}

// Registrations returns a copy in which every target that is made is wrapped.
func Registrations(registrations []spec.Registration, c *Counter) []spec.Registration {
	wrapped := make([]spec.Registration, len(registrations))
	for i, r := range registrations {
		if construct := r.New.Target; construct != nil {
			r.New.Target = func(component *spec.Component, env spec.Env) (spec.Target, error) {
				made, err := construct(component, env)
				if err != nil {
					return nil, err
				}
				return Target(made, c), nil
			}
		}
		wrapped[i] = r
	}
	return wrapped
}
