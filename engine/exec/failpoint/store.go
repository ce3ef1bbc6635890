package failpoint

import (
	"context"

	"aicv/engine"
	"aicv/spec"
)

// Store wraps a store: each call that commits something counts. Reads pass.
func Store(inner engine.Store, c *Counter) engine.Store { return &store{inner, c} }

type store struct {
	engine.Store
	counter *Counter
}

func (s *store) BeginApply(ctx context.Context, apply spec.ApplyRecord) error {
	return do(s.counter, "BeginApply", func() error { return s.Store.BeginApply(ctx, apply) })
}

func (s *store) Describe(ctx context.Context, measurements []spec.MeasurementInfo) error {
	return do(s.counter, "Describe", func() error { return s.Store.Describe(ctx, measurements) })
}

func (s *store) Begin(ctx context.Context, step spec.Step) (int64, error) {
	return around(s.counter, "Begin "+step.Kind, func() (int64, error) { return s.Store.Begin(ctx, step) })
}

func (s *store) End(ctx context.Context, step int64, outcome spec.Outcome) (int64, error) {
	return around(s.counter, "End "+string(outcome.Status), func() (int64, error) { return s.Store.End(ctx, step, outcome) })
}

func (s *store) Stopped(ctx context.Context, start int64) error {
	return do(s.counter, "Stopped", func() error { return s.Store.Stopped(ctx, start) })
}

func (s *store) Judge(ctx context.Context, apply string, judgements []spec.Judgement) error {
	return do(s.counter, "Judge", func() error { return s.Store.Judge(ctx, apply, judgements) })
}

func (s *store) Log(ctx context.Context, apply string, events []spec.Event) error {
	return do(s.counter, "Log", func() error { return s.Store.Log(ctx, apply, events) })
}

func (s *store) EndApply(ctx context.Context, apply string, status spec.ApplyStatus) error {
	return do(s.counter, "EndApply "+string(status), func() error { return s.Store.EndApply(ctx, apply, status) })
}

func (s *store) Retire(ctx context.Context, measurements []spec.ID, why string) error {
	return do(s.counter, "Retire", func() error { return s.Store.Retire(ctx, measurements, why) })
}
