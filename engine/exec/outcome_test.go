package exec

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"aicv/metric"
	"aicv/spec"
)

// TestResultsThatAreNone refuses what can not be a measurement.
func TestResultsThatAreNone(t *testing.T) {
	for name, damage := range map[string]func(r *spec.RunResult){
		"no requests": func(r *spec.RunResult) { r.Requests = 0 },
		"no values":   func(r *spec.RunResult) { r.Values = nil },
		"not a number": func(r *spec.RunResult) {
			r.Values = metric.Values{{Metric: metric.TPOT, Value: math.NaN()}}
		},
		"endless":        func(r *spec.RunResult) { r.Values = metric.Values{{Metric: metric.TPOT, Value: math.Inf(1)}} },
		"negative":       func(r *spec.RunResult) { r.Values = metric.Values{{Metric: metric.TPOT, Value: -1}} },
		"more lost than": func(r *spec.RunResult) { r.Failed = r.Requests + 1 },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, small())
				b.world.result = func(r spec.RunRequest) spec.RunResult {
					result := goodResult(r.Load.Concurrency, 0)
					if r.Load.Concurrency == 8 {
						damage(&result)
					}
					return result
				}
				if v := verdictOf(b.mustFinish()); v != spec.VerdictNoData {
					t.Errorf("verdict %s, want no_data", v)
				}
				if f := b.store.failures["m-0-8-fake"]; f.Kind != spec.ErrBenchmark {
					t.Errorf("failure %+v, want the benchmark's", f)
				}
				if len(b.store.runs["m-0-8-fake"]) > 0 {
					t.Error("it was stored")
				}
			})
		})
	}
}

func TestRunsEndInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, small())
		b.world.budget = time.Minute
		b.world.onRun = func(ctx context.Context, _ int, r spec.RunRequest, _ *fakeServer) error {
			if r.Load.Concurrency == 8 && r.GPUs == 1 {
				<-ctx.Done()
			}
			return nil
		}
		began := time.Now()
		b.mustFinish()
		if f := b.store.failures["m-0-8-fake"]; f.Kind != spec.ErrBenchmark || !strings.Contains(f.Message, "did not end within 12m0s") {
			t.Errorf("failure %+v", f)
		}
		if took := time.Since(began); took < 24*time.Minute || took > 27*time.Minute {
			t.Errorf("it took %s, want two attempts of 12 minutes", took)
		}
	})
}

// What a run measured until it was cut short is kept with the reason, apart from the
// runs: by its time limit, by an interrupt, by the death of its server, by a result that
// is refused.
func TestNothingMeasuredIsLost(t *testing.T) {
	for _, test := range []struct {
		why   string
		kept  int
		world func(w *world)
		after time.Duration // of an interrupt; 0: none comes
	}{
		{why: "did not end within 12m0s", kept: 2, world: func(w *world) { w.budget, w.runTime = time.Minute, time.Hour }},
		{why: "interrupted", kept: 1, after: 5 * time.Second, world: func(w *world) { w.budget, w.runTime = time.Hour, time.Hour }},
		{why: "died under this load", kept: 2, world: func(w *world) {
			w.onRun = func(ctx context.Context, _ int, _ spec.RunRequest, s *fakeServer) error {
				s.kill(1, "", "boom")
				<-ctx.Done()
				return ctx.Err()
			}
		}},
		{why: "the benchmark's result is refused", kept: 2, world: func(w *world) {
			w.result = func(spec.RunRequest) spec.RunResult { return spec.RunResult{Rows: w.ended} }
		}},
	} {
		t.Run(test.why, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, small())
				b.world.ended = []spec.RequestRow{{Phase: spec.PhaseWarmup}, {Index: 1, Phase: spec.PhaseMeasure}, {Index: 2, Error: "HTTP 500"}}
				test.world(b.world)
				if test.after > 0 {
					b.interrupt(test.after, never)
				} else if _, err := b.apply(); err != nil {
					t.Fatal(err)
				}
				first := b.plan.Cells[0].Measurement
				var kept []spec.Aborted
				for _, a := range b.store.aborted {
					if a.Measurement == first {
						kept = append(kept, a)
					}
				}
				if len(kept) != test.kept || len(b.store.runs[first]) > 0 {
					t.Fatalf("%d attempts and %d runs are kept", len(kept), len(b.store.runs[first]))
				}
				if a := kept[test.kept-1]; a.Requests != 3 || a.Warmup != 1 || a.Failed != 1 || len(a.Rows) != 3 || a.Index != 1 || !strings.Contains(a.Why, test.why) {
					t.Errorf("%+v", a)
				}
			})
		})
	}
}

func TestRunRequestsAreResolved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, small())
		b.plan.Experiments[0].SLO = spec.SLO{{Metric: metric.TTFT, Quantity: metric.MustDecimal("1000")}}
		var asked []spec.RunRequest
		b.world.onRun = func(_ context.Context, _ int, r spec.RunRequest, _ *fakeServer) error {
			r.Server = spec.Server{}
			asked = append(asked, r)
			return nil
		}
		b.mustFinish()
		want := spec.RunRequest{Model: *b.plan.Cells[0].Cell.Model, GPUs: 1, Load: spec.Load{Concurrency: 8, InputTokens: 100, OutputTokens: 10},
			Sampling: spec.Sampling{Requests: 160, Warmup: 16, Seed: 101}, SLO: b.plan.Experiments[0].SLO}
		if diff := cmp.Diff(want, asked[1], decimals()); diff != "" {
			t.Errorf("request (-want +got):\n%s", diff)
		}
	})
}

// TestUsageErrorsStopTheApply has a provider say in the middle that it was asked for
// what can not be done.
func TestUsageErrorsStopTheApply(t *testing.T) {
	usage := &spec.Error{Kind: spec.ErrUsage, Summary: "request_rate is not supported"}
	for name, world := range map[string]func(w *world){
		"run": func(w *world) {
			w.onRun = func(context.Context, int, spec.RunRequest, *fakeServer) error { return usage }
		},
		"start": func(w *world) { w.onStart = func(int, *fakeServer) error { return usage } },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, small())
				world(b.world)
				r, err := b.apply()
				if !errors.Is(err, usage) || r.Status != spec.ApplyInterrupted {
					t.Fatalf("%+v, %v", r, err)
				}
				b.clean()
				if b.world.begun > 1 {
					t.Errorf("it went on: %v", b.world.calls)
				}
			})
		})
	}
}

// TestConfigurationFailuresStand continues an apply whose cell failed by its
// configuration: the cell is not tried again.
func TestConfigurationFailuresStand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, small())
		b.world.onRun = func(_ context.Context, _ int, r spec.RunRequest, s *fakeServer) error {
			if r.Load.Concurrency == 8 && r.GPUs == 1 {
				s.kill(1, "", "fatal\n")
			}
			return nil
		}
		b.mustFinish()
		tried := strings.Count(strings.Join(b.world.calls, "\n"), "run c8 seed 101 on "+b.key(depID(0), 1))
		b.store.applies["plan-1"].Status = spec.ApplyInterrupted
		b.mustFinish()
		again := strings.Count(strings.Join(b.world.calls, "\n"), "run c8 seed 101 on "+b.key(depID(0), 1))
		if tried != 1 || again != 1 || len(b.store.starts) != 4 {
			t.Errorf("tried %d, then %d times, %d starts", tried, again, len(b.store.starts))
		}
	})
}

// TestInfrastructureFailuresAreTriedAgain continues an apply after the host is well.
func TestInfrastructureFailuresAreTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, small())
		b.world.onStart = func(_ int, s *fakeServer) error { return map[bool]error{true: errFlaky}[firstIs(s)] }
		b.mustFinish()
		b.world.onStart = nil
		b.store.applies["plan-1"].Status = spec.ApplyInterrupted
		if v := verdictOf(b.mustFinish()); v != spec.VerdictPass {
			t.Errorf("verdict %s, want pass", v)
		}
	})
}

func TestEndpointsAreNeitherRenderedNorStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := small()
		s.deployments = 1
		b := newBench(t, s)
		b.world.unmanaged = true
		b.world.render = func(spec.Configuration) error {
			return &spec.Error{Kind: spec.ErrUsage, Summary: "only as an endpoint"}
		}
		r, err := b.apply()
		if err != nil || verdictOf(r) != spec.VerdictPass {
			t.Fatalf("%+v, %v", r, err)
		}
		if got := b.store.starts[0].Server.ModelName; got != "org/model" {
			t.Errorf("asked for model %q", got)
		}
		if len(b.world.running()) != 1 || b.store.starts[0].Stopped.IsZero() {
			t.Errorf("running %v, start %+v", b.world.running(), b.store.starts[0])
		}
	})
}

// TestAnEndpointThatDiesIsNotTheConfigurations loses somebody else's server twice.
func TestAnEndpointThatDiesIsNotTheConfigurations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := small()
		s.deployments = 1
		b := newBench(t, s)
		b.world.unmanaged = true
		b.world.onRun = func(_ context.Context, _ int, _ spec.RunRequest, s *fakeServer) error {
			s.kill(1, "", "")
			return errors.New("connection reset")
		}
		r, err := b.apply()
		if err != nil || verdictOf(r) != spec.VerdictNoData {
			t.Fatalf("%+v, %v, %+v", r, err, b.store.failures)
		}
	})
}

// TestEarlierStartsProveTheConfiguration has an engine exit at start that was ready in
// an earlier apply: something else than its configuration is wrong.
func TestEarlierStartsProveTheConfiguration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, small())
		b.mustFinish()
		b.plan = small().plan()
		b.plan.ID = "plan-2"
		b.store.runs = map[spec.ID][]spec.Run{}
		b.world.onStart = func(_ int, s *fakeServer) error { return exits(s, 1, "", "no space left\n") }
		if v := verdictOf(b.mustFinish()); v != spec.VerdictNoData {
			t.Errorf("verdict %s, want no_data: %v", v, b.store.failures)
		}
	})
}

// TestAClientThatDoesNotHeedItsDeadline goes on for hours. Its server is replaced, so
// that it can not disturb the next run.
func TestAClientThatDoesNotHeedItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, small())
		b.world.budget = time.Second
		b.world.onRun = func(_ context.Context, n int, _ spec.RunRequest, _ *fakeServer) error {
			if n == 1 {
				time.Sleep(10 * time.Hour)
			}
			return nil
		}
		if v := verdictOf(b.mustFinish()); v != spec.VerdictPass {
			t.Errorf("verdict %s, want pass", v)
		}
		if n := len(b.store.starts); n != 3 {
			t.Errorf("%d starts, want 3", n)
		}
		time.Sleep(11 * time.Hour)
	})
}

// TestLaterRunsBelongToLaterLooks resumes an apply with more runs than its first gate
// looks at.
func TestLaterRunsBelongToLaterLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := shape{deployments: 1, loads: []int{4}, repeats: spec.Repeats{Min: 3, Max: 10, Starts: 1}}
		b := newBench(t, s)
		b.world.result = func(r spec.RunRequest) spec.RunResult {
			result := goodResult(4, 0)
			result.Values, _ = metric.NewValues(map[metric.Name]float64{metric.TPOT: 40 + 10*float64(r.Sampling.Seed%2)})
			return result
		}
		b.mustFinish()
		want := b.store.looks
		b.store.applies["plan-1"].Status = spec.ApplyInterrupted
		b.store.looks = nil
		for i := range b.store.steps {
			if b.store.steps[i].Kind == "gate" {
				b.store.steps[i].Status = spec.StepAbandoned
			}
		}
		b.mustFinish()
		if diff := cmp.Diff(want, b.store.looks); diff != "" || len(want) != 3 {
			t.Errorf("looks (-first +resumed):\n%s", diff)
		}
	})
}

// TestAHangingRunEndsWithItsServer has the server die while the client waits for ever.
func TestAHangingRunEndsWithItsServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, small())
		b.world.budget = time.Hour
		b.world.onRun = func(ctx context.Context, n int, _ spec.RunRequest, s *fakeServer) error {
			if n == 1 {
				b.world.mutex.Lock()
				s.kill(1, "", "fatal\n")
				b.world.mutex.Unlock()
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}
		began := time.Now()
		b.mustFinish()
		if took := time.Since(began); took > 2*time.Minute {
			t.Errorf("it took %s to see that the server died", took)
		}
	})
}

// TestRecordedRunsAfterARerun counts recorded runs on from those that were set aside.
func TestRecordedRunsAfterARerun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := shape{offline: []int{16}, repeats: spec.Repeats{Min: 3, Max: 3, Starts: 1}}
		b := newBench(t, s)
		b.world.recordedRuns = recordedFor(s)
		b.plan.Cells[0].RunBase = 4
		for id := range b.plan.Graph.Nodes {
			b.plan.Graph.Nodes[id].Run += 4
		}
		b.mustFinish()
		runs := b.store.runs["m-99-16-file"]
		for i, run := range runs {
			want := b.world.recordedRuns["16"][i].Values
			if diff := cmp.Diff(want, run.Result.Values); diff != "" || run.Index != 5+i {
				t.Errorf("run %d (-want +got):\n%s", run.Index, diff)
			}
		}
		if len(runs) != 3 {
			t.Errorf("%d runs, want 3", len(runs))
		}
	})
}

// TestAFileRefusesNoConfiguration has a recording fail in several ways: never do the
// claims fail by it.
func TestAFileRefusesNoConfiguration(t *testing.T) {
	for _, kind := range []spec.ErrorKind{spec.ErrConfiguration, spec.ErrInfrastructure, spec.ErrBenchmark} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, shape{offline: []int{16}, repeats: spec.Repeats{Min: 1, Max: 1, Starts: 1}})
			b.world.onLookup = &spec.Error{Kind: kind, Summary: "half a line"}
			if v := verdictOf(b.mustFinish()); v != spec.VerdictNoData {
				t.Errorf("%s: verdict %s, want no_data", kind, v)
			}
		})
	}
}
