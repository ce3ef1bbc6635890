package engine_test

import (
	"context"
	"errors"
	"testing"

	"aicv/engine"
	"aicv/metric"
	"aicv/spec"
	"github.com/google/go-cmp/cmp"
)

// counting is a state that counts how often its history is read.
type counting struct {
	engine.Reader // nil: nothing else is read
	reads         int
	err           error
}

func (c *counting) History(context.Context) (map[spec.ID]*spec.History, error) {
	c.reads++
	return map[spec.ID]*spec.History{
		"run":    {ID: "run", Runs: []spec.Run{{Measurement: "run", Index: 1}}, Rules: []spec.PastRule{{Subject: metric.TTFT}}},
		"failed": {ID: "failed", Failure: &spec.Failure{Kind: spec.ErrConfiguration, Message: "no"}},
	}, c.err
}

func TestRememberReadsOnce(t *testing.T) {
	ctx := context.Background()
	state := &counting{}
	r := engine.Remember(state)
	ids := []spec.ID{"run", "failed", "none"}
	for range 2 {
		runs, err := r.Runs(ctx, ids)
		if diff := cmp.Diff(map[spec.ID][]spec.Run{"run": {{Measurement: "run", Index: 1}}}, runs); err != nil || diff != "" {
			t.Errorf("runs (-want +got): %v\n%s", err, diff)
		}
		failures, err := r.Failures(ctx, ids)
		if diff := cmp.Diff(map[spec.ID]spec.Failure{"failed": {Kind: spec.ErrConfiguration, Message: "no"}}, failures); err != nil || diff != "" {
			t.Errorf("failures (-want +got): %v\n%s", err, diff)
		}
		rules, err := r.Rules(ctx, ids)
		if diff := cmp.Diff(map[spec.ID][]spec.PastRule{"run": {{Subject: metric.TTFT}}}, rules, cmp.AllowUnexported(metric.Decimal{})); err != nil || diff != "" {
			t.Errorf("rules (-want +got): %v\n%s", err, diff)
		}
	}
	if none, err := r.Runs(ctx, ids[1:]); err != nil || len(none) != 0 {
		t.Errorf("runs that were not asked for: %v, %v", none, err)
	}
	if state.reads != 1 {
		t.Errorf("%d reads, want 1", state.reads)
	}
}

func TestRememberKeepsNoError(t *testing.T) {
	ctx := context.Background()
	state := &counting{err: errors.New("disk")}
	r := engine.Remember(state)
	if _, err := r.Runs(ctx, []spec.ID{"run"}); err == nil {
		t.Error("the error is lost")
	}
	if _, err := r.Failures(ctx, []spec.ID{"failed"}); err == nil {
		t.Error("the error is lost")
	}
	if _, err := r.Rules(ctx, []spec.ID{"run"}); err == nil {
		t.Error("the error is lost")
	}
	state.err = nil
	if runs, err := r.Runs(ctx, []spec.ID{"run"}); err != nil || len(runs) != 1 {
		t.Errorf("after an error: %v, %v", runs, err)
	}
}
