package exec

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"aicv/metric"
	"aicv/spec"
)

// sweepShape is small, yet has gates that close runs, several deployments and
// recorded cells.
func sweepShape() shape {
	return shape{deployments: 2, loads: []int{1, 8}, offline: []int{16}, repeats: spec.Repeats{Min: 2, Max: 3, Starts: 1}}
}

// outcome is what must not depend on where an apply was broken.
type outcome struct {
	Runs     map[string]int
	Values   map[string][]float64
	Verdicts map[string]spec.Verdict
	Failures int
}

func (b *bench) outcome(r *Result) outcome {
	o := outcome{Runs: b.runs(), Values: map[string][]float64{}, Verdicts: verdicts(r.Judgements), Failures: len(b.store.failures)}
	for id, runs := range b.store.runs {
		for _, run := range runs {
			v, _ := run.Result.Values.Get(metric.TPOT)
			o.Values[string(id)] = append(o.Values[string(id)], v)
		}
	}
	return o
}

// broken applies once with a trap at the n-th durable call, and reports how many such
// calls there were.
func (b *bench) broken(n int, mode trapMode) (int, error) {
	t := newTrap(b.store, b.world, n, mode)
	request := b.request()
	request.Store, request.Registry = t, t.registry(b.world)
	_, err := apply(b.t.Context(), request, fakeProbe{b.world})
	b.world.dead = func() bool { return false }
	return t.calls, err
}

// resume applies until the apply is finished.
func (b *bench) resume() *Result {
	b.t.Helper()
	if a := b.store.applies[b.plan.ID]; a != nil && a.Status == spec.ApplyFinished {
		judgements, err := Judge(b.t.Context(), b.plan, b.store)
		if err != nil {
			b.t.Fatal(err)
		}
		b.clean()
		return &Result{Status: spec.ApplyFinished, Judgements: judgements}
	}
	return b.mustFinish()
}

// TestSweep breaks an apply at every durable call, in every way, and wants the resumed
// one to come out as the clean one.
func TestSweep(t *testing.T) {
	total := 0
	var want outcome
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, sweepShape())
		b.world.recordedRuns = recordedFor(sweepShape())
		var err error
		if total, err = b.broken(0, trapErrorBefore); err != nil {
			t.Fatal(err)
		}
		judgements, err := Judge(t.Context(), b.plan, b.store)
		if err != nil {
			t.Fatal(err)
		}
		want = b.outcome(&Result{Judgements: judgements})
		b.clean()
	})
	if total < 50 {
		t.Fatalf("only %d durable calls", total)
	}
	t.Logf("%d durable calls, each broken in four ways", total)
	for n := 1; n <= total; n++ {
		for _, mode := range []trapMode{trapErrorBefore, trapErrorAfter, trapDeadBefore, trapDeadAfter} {
			t.Run(fmt.Sprintf("%d/%d", n, mode), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { sweepOne(t, n, mode, want) })
			})
		}
	}
}

func sweepOne(t *testing.T, n int, mode trapMode, want outcome) {
	b := newBench(t, sweepShape())
	b.world.recordedRuns = recordedFor(sweepShape())
	_, err := b.broken(n, mode)
	if mode == trapErrorBefore || mode == trapErrorAfter {
		// The process lived on: it must have cleaned up, unless the state let it down.
		if left := b.world.running(); len(left) > 0 {
			t.Errorf("after an injected error servers are left: %v (%v)", left, err)
		}
	} else if err == nil {
		t.Error("a dead process reports success")
	}
	if diff := cmp.Diff(want, b.outcome(b.resume())); diff != "" {
		t.Errorf("outcome (-clean +resumed):\n%s", diff)
	}
	if b.world.most > 1 {
		t.Errorf("%d servers ran at once", b.world.most)
	}
}

// TestSweepTwice breaks the resumed apply too.
func TestSweepTwice(t *testing.T) {
	for first := 5; first < 55; first += 7 {
		for second := 2; second < 40; second += 5 {
			t.Run(fmt.Sprintf("%d/%d", first, second), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := newBench(t, sweepShape())
					b.world.recordedRuns = recordedFor(sweepShape())
					_, _ = b.broken(first, trapDeadAfter)
					_, _ = b.broken(second, trapDeadBefore)
					b.resume()
					for id, n := range b.runs() {
						if want := map[bool]int{true: 3, false: 2}[id == "m-99-16-file"]; n != want {
							t.Errorf("%s: %d runs, want %d", id, n, want)
						}
					}
				})
			})
		}
	}
}

// TestCrashedServerIsAdopted loses the process in the middle of a deployment: its
// server goes on under the same start, and is not brought up again.
func TestCrashedServerIsAdopted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, small())
		crashAfterRun(b, 2)
		if running := b.world.running(); len(running) != 1 {
			t.Fatalf("running after the crash: %v", running)
		}
		b.mustFinish()
		if n := len(b.store.starts); n != 2 {
			t.Errorf("%d starts of two deployments", n)
		}
		for _, run := range b.store.runs["m-0-1-fake"] {
			if run.Start != 1 {
				t.Errorf("run %d belongs to start %d, want 1", run.Index, run.Start)
			}
		}
	})
}

// crashAfterRun loses the process right after the n-th run was stored.
func crashAfterRun(b *bench, n int) {
	b.t.Helper()
	b.crashAfterRun(small(), n)
}

func (b *bench) crashAfterRun(s shape, n int) {
	b.t.Helper()
	for call := 1; ; call++ {
		probe := newBench(b.t, s)
		if _, _ = probe.broken(call, trapDeadAfter); len(probe.world.calls) == 0 {
			continue
		}
		stored := 0
		for _, runs := range probe.store.runs {
			stored += len(runs)
		}
		if stored == n {
			_, _ = b.broken(call, trapDeadAfter)
			return
		}
	}
}

func TestCrashedServerThatDiedIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, small())
		crashAfterRun(b, 2)
		for _, s := range b.world.servers {
			s.kill(1, "", "died while nobody looked\n")
		}
		b.mustFinish()
		if n := len(b.store.starts); n != 3 {
			t.Errorf("%d starts, want 3: the first of two deployments was lost", n)
		}
	})
}

func TestCrashedServerThatHangsIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, small())
		crashAfterRun(b, 2)
		for _, s := range b.world.servers {
			s.ready = 1000 * time.Hour // it runs, and never answers
		}
		b.mustFinish()
		if n := len(b.store.starts); n != 3 {
			t.Errorf("%d starts, want 3", n)
		}
	})
}

// TestOrphansOfOtherPlansAreStopped finds a server that no node of the plan adopts.
func TestOrphansOfOtherPlansAreStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, small())
		crashAfterRun(b, 2)
		b.plan = shape{deployments: 1, loads: []int{4}, repeats: spec.Repeats{Min: 1, Max: 1, Starts: 1}}.plan()
		b.plan.ID = "plan-2"
		b.plan.Deployments[0].ID = "unlike"
		b.mustFinish()
	})
}

// TestALaterDeploymentsServerIsNotKept has the crash leave the second deployment's
// server while the first has to be measured again.
func TestALaterDeploymentsServerIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, small())
		crashAfterRun(b, 8)
		delete(b.store.runs, "m-0-1-fake")
		b.mustFinish()
		if b.world.most != 1 {
			t.Errorf("%d servers ran at once", b.world.most)
		}
	})
}

func TestAnUnreachableTargetKeepsItsStepsOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, small())
		crashAfterRun(b, 2)
		b.store.steps = append(b.store.steps, spec.StepRecord{Step: spec.Step{ID: int64(len(b.store.steps) + 1), Apply: "plan-1",
			Node: 1, Kind: "deploy", Attempt: 9, Key: b.world.running()[0]}})
		open := &b.store.steps[len(b.store.steps)-1].Step
		b.world.onFind = func() error { return fmt.Errorf("connection refused") }
		r, err := b.apply()
		if err != nil {
			t.Fatal(err)
		}
		if v := verdictOf(r); v != spec.VerdictNoData {
			t.Errorf("verdict %s, want no_data", v)
		}
		if b.store.steps[open.ID-1].Status != "" {
			t.Error("a step was closed, and nobody could ask")
		}
		for _, s := range b.store.starts {
			if !s.Stopped.IsZero() {
				t.Error("a start was noted as over, and nobody could ask")
			}
		}
		b.world.onFind = nil
		b.plan = small().plan()
		b.plan.ID = "plan-2"
		b.mustFinish()
	})
}

// TestStartsOfSeveralAreNotMixedUp crashes between the last run of the first start and
// its stop: the second start must be a bring-up of its own. In the middle of a start,
// its own server goes on.
func TestStartsOfSeveralAreNotMixedUp(t *testing.T) {
	for after, want := range map[int][]int64{1: {1, 1, 2, 2}, 2: {1, 1, 2, 2}, 3: {1, 1, 2, 2}} {
		synctest.Test(t, func(t *testing.T) {
			s := shape{deployments: 1, loads: []int{4}, repeats: spec.Repeats{Min: 4, Max: 4, Starts: 2}}
			b := newBench(t, s)
			b.crashAfterRun(s, after)
			b.mustFinish()
			var starts []int64
			for _, run := range b.store.runs["m-0-4-fake"] {
				starts = append(starts, run.Start)
			}
			if diff := cmp.Diff(want, starts); diff != "" {
				t.Errorf("crash after %d runs: starts (-want +got):\n%s", after, diff)
			}
		})
	}
}

// TestAServerThatWasBeingStoppedIsNotAdopted crashed in the middle of a teardown.
func TestAServerThatWasBeingStoppedIsNotAdopted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, small())
		crashAfterRun(b, 2)
		b.store.steps = append(b.store.steps, spec.StepRecord{Step: spec.Step{ID: int64(len(b.store.steps) + 1), Apply: "plan-1",
			Node: 17, Kind: "stop", Attempt: 1, Key: b.world.running()[0]}})
		b.mustFinish()
		if n := len(b.store.starts); n != 3 {
			t.Errorf("%d starts, want 3", n)
		}
	})
}

// TestAnOrphanThatStaysBlocksTheHost can not be stopped: nothing is measured beside it.
func TestAnOrphanThatStaysBlocksTheHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, small())
		crashAfterRun(b, 2)
		for _, s := range b.world.servers {
			s.kill(1, "", "")
		}
		b.world.onStop = func(context.Context, *fakeServer, time.Duration) error { return errFlaky }
		r, err := b.apply()
		if err != nil || len(r.Left) != 1 || verdictOf(r) != spec.VerdictNoData || b.world.begun != 1 {
			t.Fatalf("%+v, %v, %d servers started", r, err, b.world.begun)
		}
		b.world.onStop = nil
		b.plan = small().plan()
		b.plan.ID = "plan-2"
		b.mustFinish()
	})
}

// TestDecidedCellsNeedNoServer resumes an apply that crashed between the runs that
// decide everything and their gates, and one that crashed after these.
func TestDecidedCellsNeedNoServer(t *testing.T) {
	for _, gates := range []spec.StepStatus{spec.StepAbandoned, spec.StepDone} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, shape{deployments: 1, loads: []int{4}, repeats: spec.Repeats{Min: 3, Max: 10, Starts: 1}})
			b.mustFinish()
			b.store.applies["plan-1"].Status = spec.ApplyInterrupted
			for i := range b.store.steps {
				if b.store.steps[i].Kind == "gate" {
					b.store.steps[i].Status = gates
				}
			}
			looks := len(b.store.looks)
			b.mustFinish()
			if b.world.begun != 1 || len(b.store.runs["m-0-4-fake"]) != 3 {
				t.Errorf("%d servers were started, %v", b.world.begun, b.runs())
			}
			if gates == spec.StepDone && len(b.store.looks) != looks {
				t.Errorf("%d looks stored, then %d", looks, len(b.store.looks))
			}
		})
	}
}
