package state

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aicv/metric"
	"aicv/spec"
	"go.uber.org/goleak"
)

// childVariable makes the test binary play a part in another process.
const childVariable = "AICV_STATE_TEST_CHILD"

func TestMain(m *testing.M) {
	if part := os.Getenv(childVariable); part != "" {
		os.Exit(playChild(part, os.Args[1]))
	}
	goleak.VerifyTestMain(m)
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// got is for calls in which only the error may surprise.
func got[T any](tb testing.TB) func(T, error) T {
	return func(value T, err error) T {
		tb.Helper()
		must(tb, err)
		return value
	}
}

func mustOpen(tb testing.TB, path string) *Store {
	tb.Helper()
	s, err := Open(context.Background(), path, Options{Command: "aicv apply"})
	must(tb, err)
	return s
}

// newStore is a new state, closed and checked at the test's end.
func newStore(t *testing.T) *Store {
	t.Helper()
	s := mustOpen(t, filepath.Join(t.TempDir(), "state.db"))
	t.Cleanup(func() {
		if problems := got[[]string](t)(s.Check(context.Background())); len(problems) > 0 {
			t.Errorf("the state is not sound afterwards: %q", problems)
		}
		must(t, s.Close())
	})
	return s
}

// begun is a new state with apply "a" of plan "p" begun.
func begun(t *testing.T) *Store {
	t.Helper()
	s := newStore(t)
	must(t, s.BeginApply(context.Background(), spec.ApplyRecord{ID: "a", Plan: "p", Started: moment(1)}))
	return s
}

// moment is a fixed time, seconds after another.
func moment(seconds int) time.Time { return time.Unix(1_700_000_000+int64(seconds), 123).UTC() }

func runStep(tb testing.TB, s *Store, o spec.Outcome) int64 {
	tb.Helper()
	id, err := tryStep(s, o)
	must(tb, err)
	return id
}

func tryStep(s *Store, o spec.Outcome) (int64, error) {
	ctx := context.Background()
	step, err := s.Begin(ctx, spec.Step{Apply: "a", Node: 7, Attempt: 1, Kind: "run", Subject: "experiment.e", Key: "k", Started: moment(2)})
	if err != nil {
		return 0, err
	}
	if o.Status == "" {
		o.Status = spec.StepDone
	}
	return s.End(ctx, step, o)
}

func sampleRun(id spec.ID, index int) *spec.Run {
	return &spec.Run{Measurement: id, Index: index, Result: spec.RunResult{
		Values:  metric.Values{{Metric: metric.Throughput, Value: 100.25 + float64(index)}, {Metric: metric.TTFT, Value: 12.5}},
		Derived: []metric.Name{metric.Throughput}, Window: spec.WindowSteady,
		Started: moment(10 * index), Elapsed: 3 * time.Second, Requests: 40, Failed: 1, Merged: 2,
		Provenance: spec.Provenance{Tool: "loadgen", Version: "0.1", Source: fmt.Sprintf("row %d", index)},
	}}
}

// wantFault checks an error's fault and kind, and that it says what is wrong and,
// where the user can do something, what.
func wantFault(t *testing.T, err error, fault Fault, kind spec.ErrorKind, says ...string) {
	t.Helper()
	if !errors.Is(err, fault) {
		t.Fatalf("error %v is not of fault %q", err, fault)
	}
	var typed *spec.Error
	if !errors.As(err, &typed) || typed.Kind != kind || spec.KindOf(err) != kind {
		t.Errorf("error %v is not a *spec.Error of kind %q", err, kind)
	}
	if typed != nil && typed.Fix == "" && fault != FaultMisuse && fault != FaultDuplicate {
		t.Errorf("error %v gives no fix", err)
	}
	for _, text := range says {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("error %q does not say %q", err, text)
		}
	}
}
