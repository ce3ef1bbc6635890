package exec

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"aicv/spec"
)

var errFlaky = errors.New("the daemon does not answer")

// exits makes a server end by itself after a while.
func exits(s *fakeServer, code int, signal, log string) error {
	s.kill(code, signal, log)
	return nil
}

// firstIs reports whether a server belongs to the first deployment.
func firstIs(s *fakeServer) bool { return strings.Contains(s.Key, string(depID(0))) }

// TestDeployFailures has the first deployment fail to come up in every way. The
// second must not suffer.
func TestDeployFailures(t *testing.T) {
	configuration := &spec.Error{Kind: spec.ErrConfiguration, Summary: "CUDA out of memory", Fix: "lower memory_fraction"}
	for _, test := range []struct {
		name    string
		world   func(w *world)
		kind    spec.ErrorKind // of the first deployment's failures; empty: none
		message string
		starts  int // attempts to start the first
		verdict spec.Verdict
	}{
		{name: "start fails once", starts: 2, verdict: spec.VerdictPass,
			world: func(w *world) {
				w.onStart = func(n int, _ *fakeServer) error { return map[bool]error{true: errFlaky}[n == 1] }
			}},
		{name: "start fails always", starts: 2, verdict: spec.VerdictNoData, kind: spec.ErrInfrastructure, message: "the daemon does not answer",
			world: func(w *world) {
				w.onStart = func(_ int, s *fakeServer) error { return map[bool]error{true: errFlaky}[firstIs(s)] }
			}},
		{name: "start fails half way", starts: 2, verdict: spec.VerdictPass,
			world: func(w *world) {
				w.onStart = func(n int, s *fakeServer) error {
					if n == 1 {
						w.servers[s.Key] = s // it is there all the same
						return errFlaky
					}
					return nil
				}
			}},
		{name: "start panics", starts: 2, verdict: spec.VerdictNoData, kind: spec.ErrInfrastructure, message: "panicked",
			world: func(w *world) {
				w.onStart = func(_ int, s *fakeServer) error {
					if firstIs(s) {
						panic("index out of range")
					}
					return nil
				}
			}},
		{name: "engine exits by itself", starts: 1, verdict: spec.VerdictFail, kind: spec.ErrConfiguration, message: "unknown flag",
			world: func(w *world) {
				w.onStart = func(_ int, s *fakeServer) error {
					if firstIs(s) {
						return exits(s, 2, "", "error: unknown flag --x\n")
					}
					return nil
				}
			}},
		{name: "engine crashes by itself", starts: 1, verdict: spec.VerdictFail, kind: spec.ErrConfiguration, message: "segmentation fault",
			world: func(w *world) {
				w.onStart = func(_ int, s *fakeServer) error {
					if firstIs(s) {
						return exits(s, 0, "segmentation fault", "")
					}
					return nil
				}
			}},
		{name: "engine ends unwatched", starts: 2, verdict: spec.VerdictNoData, kind: spec.ErrInfrastructure, message: "nobody kept how",
			world: func(w *world) {
				w.onStart = func(_ int, s *fakeServer) error {
					if firstIs(s) {
						return exits(s, -1, spec.SignalUnknown, "")
					}
					return nil
				}
			}},
		{name: "engine is killed", starts: 2, verdict: spec.VerdictNoData, kind: spec.ErrInfrastructure, message: "signal (killed)",
			world: func(w *world) {
				w.onStart = func(_ int, s *fakeServer) error {
					if firstIs(s) {
						return exits(s, 0, "killed", "")
					}
					return nil
				}
			}},
		{name: "its port is taken once", starts: 2, verdict: spec.VerdictPass,
			world: func(w *world) {
				w.onStart = func(n int, s *fakeServer) error {
					if n == 1 {
						return exits(s, 1, "", "bind: Address already in use\n")
					}
					return nil
				}
			}},
		{name: "the log names the configuration", starts: 1, verdict: spec.VerdictFail, kind: spec.ErrConfiguration, message: "CUDA out of memory",
			world: func(w *world) {
				w.onStart = func(_ int, s *fakeServer) error {
					if firstIs(s) {
						return exits(s, 1, "", "OOM\n")
					}
					return nil
				}
				w.diagnose = func(log string) (*spec.Error, bool) { return configuration, strings.Contains(log, "OOM") }
			}},
		{name: "the log names the host", starts: 2, verdict: spec.VerdictNoData, kind: spec.ErrInfrastructure, message: "driver too old",
			world: func(w *world) {
				w.onStart = func(_ int, s *fakeServer) error {
					if firstIs(s) {
						return exits(s, 1, "", "DRV\n")
					}
					return nil
				}
				w.diagnose = func(log string) (*spec.Error, bool) {
					return &spec.Error{Kind: spec.ErrInfrastructure, Summary: "driver too old"}, strings.Contains(log, "DRV")
				}
			}},
		{name: "never ready", starts: 2, verdict: spec.VerdictNoData, kind: spec.ErrInfrastructure,
			message: "was not ready after 3m0s: /health answers 503; its last log line: loading weights",
			world: func(w *world) {
				w.onStart = func(_ int, s *fakeServer) error {
					if firstIs(s) {
						s.ready = 1000 * time.Hour
					}
					return nil
				}
			}},
		{name: "serves another model", starts: 2, verdict: spec.VerdictNoData, kind: spec.ErrInfrastructure, message: `it serves other, not "org/model"`,
			world: func(w *world) {
				w.onStart = func(_ int, s *fakeServer) error {
					if firstIs(s) {
						w.lies = true
					} else {
						w.lies = false
					}
					return nil
				}
			}},
		{name: "the runtime refuses the configuration", starts: 0, verdict: spec.VerdictFail, kind: spec.ErrConfiguration, message: "tp must divide heads",
			world: func(w *world) {
				w.render = func(c spec.Configuration) error {
					if c.Size(spec.ItemTensorParallel) == 1 {
						return &spec.Error{Kind: spec.ErrConfiguration, Summary: "tp must divide heads"}
					}
					return nil
				}
			}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, small())
				test.world(b.world)
				r := b.mustFinish()
				if v := verdictOf(r); v != test.verdict {
					t.Errorf("verdict %s, want %s", v, test.verdict)
				}
				attempts := 0
				for _, call := range b.world.calls {
					if strings.HasPrefix(call, "start ") && strings.Contains(call, string(depID(0))) {
						attempts++
					}
				}
				if attempts != test.starts {
					t.Errorf("%d attempts to start, want %d: %v", attempts, test.starts, b.world.calls)
				}
				for _, id := range []spec.ID{"m-0-1-fake", "m-0-8-fake"} {
					if f := b.store.failures[id]; f.Kind != test.kind || !strings.Contains(f.Message, test.message) {
						t.Errorf("failure of %s: %+v, want %s with %q", id, f, test.kind, test.message)
					}
				}
				if b.runs()["m-1-8-fake"] != 3 || b.runs()["m-1-1-fake"] != 3 {
					t.Errorf("the other deployment has runs %v", b.runs())
				}
			})
		})
	}
}

func TestAllHostsUnknownGivesNoData(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, small())
		b.world.inventory = func(int) error { return errFlaky }
		if v := verdictOf(b.mustFinish()); v != spec.VerdictNoData {
			t.Errorf("verdict %s, want no_data", v)
		}
		if b.world.inventories != inventoryAttempts || b.world.begun != 0 {
			t.Errorf("%d inventories, %d starts", b.world.inventories, b.world.begun)
		}
	})
}

func TestEffectiveConfigurationMayBeUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, small())
		b.world.effective = errFlaky
		if v := verdictOf(b.mustFinish()); v != spec.VerdictPass {
			t.Errorf("verdict %s, want pass", v)
		}
		if !strings.Contains(b.heard.text(spec.EventWarning), "effective configuration could not be read") {
			t.Error("nobody was told")
		}
	})
}

// TestRunFailures has runs of the first deployment's cell with concurrency 8 fail.
func TestRunFailures(t *testing.T) {
	bad := func(r spec.RunRequest) bool { return r.Load.Concurrency == 8 && r.GPUs == 1 }
	die := func(s *fakeServer, signal string) error {
		s.kill(1, signal, "fatal\n")
		return errors.New("connection reset")
	}
	for _, test := range []struct {
		name    string
		onRun   func(count int, r spec.RunRequest, s *fakeServer) error // count: of bad runs so far
		kind    spec.ErrorKind
		message string
		runs    int // of the bad cell
		starts  int // of the first deployment
		verdict spec.Verdict
	}{
		{name: "fails once", runs: 3, starts: 1, verdict: spec.VerdictPass,
			onRun: func(n int, _ spec.RunRequest, _ *fakeServer) error { return map[bool]error{true: errFlaky}[n == 1] }},
		{name: "fails always", runs: 0, starts: 1, verdict: spec.VerdictNoData, kind: spec.ErrInfrastructure, message: "the daemon",
			onRun: func(int, spec.RunRequest, *fakeServer) error { return errFlaky }},
		{name: "the client can not measure", runs: 0, starts: 1, verdict: spec.VerdictNoData, kind: spec.ErrBenchmark, message: "no tokenizer",
			onRun: func(int, spec.RunRequest, *fakeServer) error {
				return &spec.Error{Kind: spec.ErrBenchmark, Summary: "no tokenizer"}
			}},
		{name: "the client panics once", runs: 3, starts: 1, verdict: spec.VerdictPass,
			onRun: func(n int, _ spec.RunRequest, _ *fakeServer) error {
				if n == 1 {
					panic("nil map")
				}
				return nil
			}},
		{name: "the engine dies once", runs: 3, starts: 2, verdict: spec.VerdictPass,
			onRun: func(n int, _ spec.RunRequest, s *fakeServer) error {
				if n == 1 {
					return die(s, "")
				}
				return nil
			}},
		{name: "the engine dies always", runs: 0, starts: 3, verdict: spec.VerdictFail, kind: spec.ErrConfiguration, message: "died under this load, twice",
			onRun: func(_ int, _ spec.RunRequest, s *fakeServer) error { return die(s, "") }},
		{name: "the engine dies in two runs", runs: 2, starts: 2, verdict: spec.VerdictFail, kind: spec.ErrConfiguration, message: "died under this load, twice",
			onRun: func(n int, _ spec.RunRequest, s *fakeServer) error {
				if n == 1 || n == 4 {
					return die(s, "")
				}
				return nil
			}},
		{name: "it is killed always", runs: 0, starts: 3, verdict: spec.VerdictNoData, kind: spec.ErrInfrastructure, message: "signal (killed)",
			onRun: func(_ int, _ spec.RunRequest, s *fakeServer) error { return die(s, "killed") }},
		{name: "killed once, dying once", runs: 0, starts: 3, verdict: spec.VerdictNoData, kind: spec.ErrInfrastructure, message: "exited with code 1",
			onRun: func(n int, _ spec.RunRequest, s *fakeServer) error {
				if n == 1 {
					return die(s, "killed")
				}
				return die(s, "")
			}},
		{name: "killed once, failing once", runs: 0, starts: 2, verdict: spec.VerdictNoData, kind: spec.ErrInfrastructure, message: "the daemon",
			onRun: func(n int, _ spec.RunRequest, s *fakeServer) error {
				if n == 1 {
					return die(s, "killed")
				}
				return errFlaky
			}},
		{name: "the engine dies silently at the end", runs: 3, starts: 2, verdict: spec.VerdictPass,
			onRun: func(n int, _ spec.RunRequest, s *fakeServer) error {
				if n == 1 {
					s.kill(1, "", "fatal\n") // the benchmark goes on and reports a result
				}
				return nil
			}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, small())
				seen := 0
				b.world.onRun = func(_ context.Context, _ int, r spec.RunRequest, s *fakeServer) error {
					if !bad(r) {
						return nil
					}
					seen++
					return test.onRun(seen, r, s)
				}
				r := b.mustFinish()
				if v := verdictOf(r); v != test.verdict {
					t.Errorf("verdict %s, want %s: %+v", v, test.verdict, b.store.failures)
				}
				if f := b.store.failures["m-0-8-fake"]; f.Kind != test.kind || !strings.Contains(f.Message, test.message) {
					t.Errorf("failure %+v, want %s with %q", f, test.kind, test.message)
				}
				starts := 0
				for _, s := range b.store.starts {
					if s.Deployment == depID(0) {
						starts++
					}
				}
				got := fmt.Sprintf("%d runs, %d starts", b.runs()["m-0-8-fake"], starts)
				if want := fmt.Sprintf("%d runs, %d starts", test.runs, test.starts); got != want {
					t.Errorf("%s, want %s: %v", got, want, b.world.calls)
				}
				for _, id := range []string{"m-0-1-fake", "m-1-1-fake", "m-1-8-fake"} {
					if b.runs()[id] != 3 {
						t.Errorf("%s has %d runs, want 3", id, b.runs()[id])
					}
				}
			})
		})
	}
}

func TestAServerThatEndsBetweenRunsIsBroughtUpAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, small())
		stored := 0
		b.world.result = func(r spec.RunRequest) spec.RunResult {
			stored++
			return goodResult(r.Load.Concurrency, int(r.Sampling.Seed))
		}
		emit := func(e spec.Event) {
			b.heard.emit(e)
			if e.Type == spec.EventNodeFinished && e.Kind == "run" && stored == 2 {
				b.world.mutex.Lock()
				for _, s := range b.world.servers {
					s.kill(0, "", "")
				}
				b.world.mutex.Unlock()
			}
		}
		request := b.request()
		request.Emit = emit
		r, err := apply(t.Context(), request, fakeProbe{b.world})
		if err != nil || verdictOf(r) != spec.VerdictPass || len(b.store.failures) > 0 {
			t.Fatalf("%+v, %v, %v", r, err, b.store.failures)
		}
		b.clean()
		if len(b.store.starts) != 3 {
			t.Errorf("%d starts, want 3", len(b.store.starts))
		}
	})
}
