package exec

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"aicv/spec"
)

// interrupt applies, and after some time does what a user would: close the graceful
// channel, and if hard follows, cancel the context as much later. It returns how long
// the apply went on after the first.
func (b *bench) interrupt(after time.Duration, hard time.Duration) (*Result, time.Duration) {
	b.t.Helper()
	ctx, cancel := context.WithCancel(b.t.Context())
	defer cancel()
	stop := make(chan struct{})
	var stopped time.Time
	graceful := time.AfterFunc(after, func() {
		stopped = time.Now()
		close(stop)
		if hard == 0 { // a timer of its own could come first
			cancel()
		}
	})
	defer graceful.Stop()
	if hard > 0 {
		timer := time.AfterFunc(after+hard, cancel)
		defer timer.Stop()
	}
	request := b.request()
	request.Stop = stop
	r, err := apply(ctx, request, fakeProbe{b.world})
	if err != nil {
		b.t.Fatalf("apply: %v", err)
	}
	select {
	case <-stop:
	default:
		b.t.Fatal("the apply ended before it was interrupted")
	}
	return r, time.Since(stopped)
}

const never = -1

// TestInterrupted stops an apply at different moments, and resumes it. The servers of
// the world take 2 s to be ready and a run takes 5 s, so the first run goes from
// about 2 s to 7 s.
func TestInterrupted(t *testing.T) {
	for _, test := range []struct {
		name  string
		after time.Duration
		hard  time.Duration
		world func(w *world)
		runs  int           // stored afterwards
		least time.Duration // between the interrupt and the end
		most  time.Duration
	}{
		{name: "while a server loads", after: time.Second, hard: never, runs: 0, most: 0},
		{name: "in a run that is about to end", after: 5 * time.Second, hard: never, runs: 1, least: time.Second, most: 5 * time.Second,
			world: func(w *world) { w.budget = 5 * time.Second }},
		{name: "in a run of unknown length", after: 5 * time.Second, hard: never, runs: 1, least: time.Second, most: 5 * time.Second},
		{name: "in a long run", after: 5 * time.Second, hard: never, runs: 0, most: 0,
			world: func(w *world) { w.budget, w.runTime = time.Hour, time.Hour }},
		{name: "in a run that takes longer than expected", after: 5 * time.Second, hard: never, runs: 0, least: finishGrace, most: finishGrace,
			world: func(w *world) { w.budget, w.runTime = time.Second, time.Hour }},
		{name: "at once in a run", after: 5 * time.Second, hard: 0, runs: 0, most: 0},
		{name: "then at once in a run", after: 5 * time.Second, hard: time.Second, runs: 0, least: time.Second, most: time.Second},
		{name: "between two attempts", after: 4 * time.Second, hard: never, runs: 0, most: 0,
			world: func(w *world) {
				w.onRun = func(_ context.Context, n int, _ spec.RunRequest, _ *fakeServer) error {
					return map[bool]error{true: errFlaky}[n == 1]
				}
			}},
		{name: "in the second deployment", after: 37 * time.Second, hard: never, runs: 7, least: 0, most: 5 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, small())
				if test.world != nil {
					test.world(b.world)
				}
				r, took := b.interrupt(test.after, test.hard)
				if r.Status != spec.ApplyInterrupted || r.Judgements != nil || len(r.Left) > 0 {
					t.Fatalf("result %+v", r)
				}
				b.clean()
				stored := 0
				for _, n := range b.runs() {
					stored += n
				}
				if stored != test.runs {
					t.Errorf("%d runs stored, want %d", stored, test.runs)
				}
				if took < test.least || took > test.most {
					t.Errorf("it took %s to end, want %s to %s", took, test.least, test.most)
				}
				if len(b.heard.of(spec.EventInterrupted)) != 1 && test.hard != 0 {
					t.Error("nobody was told that it stops")
				}
				for _, e := range b.heard.of(spec.EventNodeFinished) {
					if strings.Contains(e.Message, errInterrupted.Error()) {
						t.Errorf("an interrupted node is said to have finished: %+v", e)
					}
				}
				if len(b.store.failures) > 0 {
					t.Errorf("an interrupt left failures: %v", b.store.failures)
				}
				b.world.runTime, b.world.onRun = 5*time.Second, nil
				if v := verdictOf(b.mustFinish()); v != spec.VerdictPass {
					t.Errorf("resumed: verdict %s, want pass", v)
				}
			})
		})
	}
}

// TestStopThatHangs has servers that do not end within their grace.
func TestStopThatHangs(t *testing.T) {
	hang := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	for _, test := range []struct {
		name   string
		onStop func(ctx context.Context, s *fakeServer, grace time.Duration) error
		left   int
		runs   int
		status spec.Verdict
	}{
		{name: "until it is killed", runs: 12, status: spec.VerdictPass,
			onStop: func(ctx context.Context, _ *fakeServer, grace time.Duration) error {
				if grace > 0 {
					return hang(ctx)
				}
				return nil
			}},
		{name: "for ever", left: 1, runs: 6, status: spec.VerdictNoData,
			onStop: func(ctx context.Context, _ *fakeServer, _ time.Duration) error { return hang(ctx) }},
		{name: "panicking", left: 1, runs: 6, status: spec.VerdictNoData,
			onStop: func(context.Context, *fakeServer, time.Duration) error { panic("nil pointer") }},
		{name: "ignoring its context for a while", runs: 12, status: spec.VerdictPass,
			onStop: func(_ context.Context, _ *fakeServer, grace time.Duration) error {
				if grace > 0 {
					time.Sleep(time.Hour) // the stop node must not wait for it
				}
				return nil
			}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, small())
				b.world.onStop = test.onStop
				r, err := b.apply()
				if err != nil || r.Status != spec.ApplyFinished {
					t.Fatalf("%+v, %v", r, err)
				}
				stored := 0
				for _, n := range b.runs() {
					stored += n
				}
				if len(r.Left) != test.left || stored != test.runs || verdictOf(r) != test.status {
					t.Errorf("left %v, %d runs, %s", r.Left, stored, verdictOf(r))
				}
				if b.world.most > 1 {
					t.Error("a deployment came up beside a server that could not be stopped")
				}
				if test.left > 0 {
					b.world.onStop = nil
					stopped, err := Destroy(t.Context(), DestroyRequest{Suite: suiteOf(b), Store: b.store, Registry: b.world.registry()})
					if err != nil || len(stopped) != 1 {
						t.Errorf("destroy: %v, %v", stopped, err)
					}
					b.clean()
				}
				time.Sleep(2 * time.Hour)
			})
		})
	}
}

// TestHardStopDoesNotWaitForTheGrace has a server that needs its whole grace.
func TestHardStopDoesNotWaitForTheGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, small())
		b.world.onStop = func(ctx context.Context, _ *fakeServer, grace time.Duration) error {
			select {
			case <-time.After(grace):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		_, took := b.interrupt(4*time.Second, 0)
		if took > time.Second {
			t.Errorf("a hard stop took %s", took)
		}
		b.clean()
	})
}

// TestASecondInterruptCutsTheTeardownShort comes while the server uses its grace.
func TestASecondInterruptCutsTheTeardownShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, small())
		b.world.budget, b.world.runTime = time.Hour, time.Hour
		b.world.onStop = func(ctx context.Context, _ *fakeServer, grace time.Duration) error {
			select {
			case <-time.After(grace):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		_, took := b.interrupt(4*time.Second, time.Second)
		if took != time.Second {
			t.Errorf("it took %s, want 1s: the grace of 5s is cut short", took)
		}
		b.clean()
	})
}

// TestAStateThatFailsTearsDown loses the state for good in the middle of a run.
func TestAStateThatFailsTearsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, small())
		full := errors.New("database or disk is full")
		request := b.request()
		request.Store = &fullStore{memory: b.store, err: full, after: 8}
		r, err := apply(t.Context(), request, fakeProbe{b.world})
		if !errors.Is(err, full) || r == nil || r.Status != spec.ApplyInterrupted {
			t.Fatalf("%+v, %v", r, err)
		}
		if left := b.world.running(); len(left) > 0 {
			t.Errorf("servers are left: %v", left)
		}
		before := b.runs()
		if len(before) == 0 {
			t.Fatal("it failed before the first run")
		}
		b.mustFinish()
		for id, n := range before {
			if b.runs()[id] < n {
				t.Errorf("runs of %s were lost", id)
			}
		}
	})
}

// fullStore can commit no more steps after some.
type fullStore struct {
	*memory
	err   error
	after int
}

func (f *fullStore) Begin(ctx context.Context, s spec.Step) (int64, error) {
	if f.after--; f.after < 0 {
		return 0, f.err
	}
	return f.memory.Begin(ctx, s)
}

func (f *fullStore) EndApply(context.Context, string, spec.ApplyStatus) error { return f.err }

func (f *fullStore) Log(ctx context.Context, apply string, events []spec.Event) error {
	if f.after < 0 {
		return f.err
	}
	return f.memory.Log(ctx, apply, events)
}

// TestWhatIsLeftIsNamed has neither the state nor the server obey.
func TestWhatIsLeftIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, small())
		b.world.onStop = func(context.Context, *fakeServer, time.Duration) error { return errFlaky }
		request := b.request()
		request.Store = &fullStore{memory: b.store, err: errors.New("disk is full"), after: 4}
		r, err := apply(t.Context(), request, fakeProbe{b.world})
		for _, e := range b.heard.of(spec.EventNodeFinished) {
			if strings.Contains(e.Message, errState.Error()) {
				t.Errorf("a node that could not be recorded is said to have finished: %+v", e)
			}
		}
		if err == nil || len(r.Left) != 1 || !strings.Contains(err.Error(), "could not tear down deployment.fake.box.m[0] on target.fake.box (pid-1)") {
			t.Fatalf("%+v, %v", r, err)
		}
	})
}

func suiteOf(b *bench) *spec.Suite {
	return &spec.Suite{Components: []*spec.Component{b.plan.Cells[0].Cell.Runtime}, Experiments: []*spec.Experiment{{Cells: []spec.Cell{b.plan.Cells[0].Cell}}}}
}

func TestDestroy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, small())
		crashAfterRun(b, 2)
		b.store.steps = append(b.store.steps, spec.StepRecord{Step: spec.Step{ID: int64(len(b.store.steps) + 1), Apply: "plan-1", Kind: "run", Attempt: 1}})
		runs := len(b.store.runs)
		request := DestroyRequest{Suite: suiteOf(b), Store: b.store, Registry: b.world.registry(), Emit: b.heard.emit}
		b.world.onFind = func() error { return errFlaky }
		if _, err := Destroy(t.Context(), request); !errors.Is(err, errFlaky) {
			t.Errorf("error %v, want the target's", err)
		}
		b.world.onFind = nil
		stopped, err := Destroy(t.Context(), request)
		want := b.key(depID(0), 1) + " on target.fake.box"
		if err != nil || len(stopped) != 1 || stopped[0] != want {
			t.Errorf("stopped %v, %v; want %s", stopped, err, want)
		}
		b.clean()
		if len(b.store.runs) != runs {
			t.Error("results were removed")
		}
		if stopped, err := Destroy(t.Context(), request); err != nil || len(stopped) > 0 {
			t.Errorf("again: %v, %v", stopped, err)
		}
		b.store.identity = ""
		if stopped, err := Destroy(t.Context(), request); err != nil || len(stopped) > 0 {
			t.Errorf("without a state: %v, %v", stopped, err)
		}
	})
}

// TestInterruptedAnywhere stops an apply at many moments, gracefully and at once, and
// wants the resumed one to come out as one that was left alone.
func TestInterruptedAnywhere(t *testing.T) {
	for after := 200 * time.Millisecond; after < 64*time.Second; after += 1700 * time.Millisecond {
		for _, hard := range []time.Duration{never, 0, 3 * time.Second} {
			t.Run(after.String()+"/"+hard.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := newBench(t, small())
					r, _ := b.interrupt(after, hard)
					b.clean()
					if r.Status != spec.ApplyInterrupted {
						t.Fatalf("status %s", r.Status)
					}
					if v := verdictOf(b.mustFinish()); v != spec.VerdictPass {
						t.Errorf("verdict %s, want pass", v)
					}
					for id, n := range b.runs() {
						if n != 3 {
							t.Errorf("%s has %d runs, want 3", id, n)
						}
					}
				})
			})
		}
	}
}

// TestInterruptedAdoption stops the apply that looks whether a crashed session's
// server is fit: the server does not stay behind.
func TestInterruptedAdoption(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, small())
		crashAfterRun(b, 2)
		for _, s := range b.world.servers {
			s.ready = 1000 * time.Hour
		}
		b.interrupt(10*time.Second, never)
		b.clean()
		if b.world.begun != 1 {
			t.Errorf("%d servers were started, want 1: nothing new may begin", b.world.begun)
		}
	})
}

// TestInterruptedBeforeAdoption stops the apply before it comes to the deployment
// that a crashed session's server was kept for.
func TestInterruptedBeforeAdoption(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, small())
		crashAfterRun(b, 2)
		b.world.inventory = func(int) error { return errFlaky } // a pause follows
		b.interrupt(time.Second, never)
		b.clean()
	})
}
