package exec

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"aicv/engine"
	"aicv/metric"
	"aicv/spec"
)

// bench is one test's apply: a plan, a store and a world.
type bench struct {
	t     *testing.T
	plan  *engine.Plan
	store *memory
	world *world
	heard *listener
}

func newBench(t *testing.T, s shape) *bench {
	return &bench{t: t, plan: s.plan(), store: newMemory(), world: newWorld(), heard: &listener{}}
}

func (b *bench) request() Request {
	return Request{Plan: b.plan, Store: b.store, Registry: b.world.registry(), Emit: b.heard.emit}
}

func (b *bench) apply() (*Result, error) {
	return apply(b.t.Context(), b.request(), fakeProbe{b.world})
}

// mustFinish applies and wants a finished apply that leaves nothing behind.
func (b *bench) mustFinish() *Result {
	b.t.Helper()
	r, err := b.apply()
	if err != nil {
		b.t.Fatalf("apply: %v", err)
	}
	if r.Status != spec.ApplyFinished {
		b.t.Fatalf("status %s, want finished", r.Status)
	}
	b.clean()
	return r
}

// clean wants no server, no open step, no open start and no breach of discipline.
func (b *bench) clean() {
	b.t.Helper()
	if left := b.world.running(); len(left) > 0 {
		b.t.Errorf("servers are left: %v", left)
	}
	for _, s := range b.store.steps {
		if s.Status == "" {
			b.t.Errorf("step %d (%s of %s) is open", s.ID, s.Kind, s.Subject)
		}
	}
	for _, s := range b.store.starts {
		if s.Stopped.IsZero() {
			b.t.Errorf("start %d is not noted as over", s.ID)
		}
	}
	if len(b.store.broken) > 0 {
		b.t.Errorf("the store was misused: %v", b.store.broken)
	}
}

// runs counts the stored runs of each measurement.
func (b *bench) runs() map[string]int {
	counts := map[string]int{}
	for id, runs := range b.store.runs {
		counts[string(id)] = len(runs)
	}
	return counts
}

func verdicts(judgements []spec.Judgement) map[string]spec.Verdict {
	found := map[string]spec.Verdict{}
	for _, j := range judgements {
		found[j.Cell+" "+j.Claim] = j.Verdict
	}
	return found
}

// decimals compares exact numbers, whose fields cmp can not see.
func decimals() cmp.Option {
	return cmp.Comparer(func(a, b metric.Decimal) bool { return a == b })
}

// verdictOf is the verdict over all cells.
func verdictOf(r *Result) spec.Verdict { return verdicts(r.Judgements)[" tpot within 10%"] }

func TestHappyPath(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, small())
		r := b.mustFinish()
		if v := verdictOf(r); v != spec.VerdictPass {
			t.Errorf("verdict %s, want pass", v)
		}
		want := map[string]int{"m-0-1-fake": 3, "m-0-8-fake": 3, "m-1-1-fake": 3, "m-1-8-fake": 3}
		if diff := cmp.Diff(want, b.runs()); diff != "" {
			t.Errorf("runs (-want +got):\n%s", diff)
		}
		k0, k1 := b.key(depID(0), 1), b.key(depID(1), 1)
		order := []string{"start " + k0}
		for _, key := range []string{k0, k1} {
			for _, run := range []string{"c1 seed 101", "c8 seed 101", "c8 seed 102", "c1 seed 102", "c1 seed 103", "c8 seed 103"} {
				order = append(order, "run "+run+" on "+key)
			}
			order = append(order, "stop "+key)
			if key == k0 {
				order = append(order, "start "+k1)
			}
		}
		if diff := cmp.Diff(order, b.world.calls); diff != "" {
			t.Errorf("order (-want +got):\n%s", diff)
		}
		if b.world.most != 1 {
			t.Errorf("%d servers ran at once, want 1", b.world.most)
		}
		if len(b.store.looks) != 4 || !b.store.looks[0].Decided || b.store.looks[0].Runs != 3 {
			t.Errorf("looks: %+v", b.store.looks)
		}
		if len(b.store.judged) != 1 || cmp.Diff(r.Judgements, b.store.judged[0], decimals()) != "" {
			t.Errorf("stored judgements: %+v", b.store.judged)
		}
		if b.store.rows != 4*3*3 {
			t.Errorf("%d rows stored, want 36", b.store.rows)
		}
	})
}

func TestStartKeepsWhatDefendsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, small())
		b.mustFinish()
		got := b.store.starts[0]
		if got.Number != 1 || got.Deployment != depID(0) || got.Target != "target.fake.box" || got.Inventory.Host != "box" {
			t.Errorf("start: %+v", got)
		}
		if diff := cmp.Diff([]string{"TOKEN=env(\"HF_TOKEN\")", "engine", "--tp", "1"}, got.Argv); diff != "" {
			t.Errorf("argv (-want +got):\n%s", diff)
		}
		if v, _ := got.Effective.Get("max_batch_size").Int(); v != 64 {
			t.Errorf("effective: %v", got.Effective)
		}
		if got.Elapsed < 2*time.Second || got.Elapsed > 4*time.Second {
			t.Errorf("it took %s to be ready, want about 2s", got.Elapsed)
		}
		for _, runs := range b.store.runs {
			for _, run := range runs {
				if run.Start < 1 || run.Start > 2 {
					t.Errorf("run %d of %s belongs to start %d", run.Index, run.Measurement, run.Start)
				}
			}
		}
		info := b.store.described["m-1-8-fake"]
		if load, _ := info.Content.Field("load"); info.Address == "" || load.IsNull() {
			t.Errorf("described as %+v", info)
		}
	})
}

func TestJudgementsCarryTheirBasis(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, small())
		for _, j := range b.mustFinish().Judgements {
			want := spec.ID("")
			for i := range b.plan.Cells {
				if b.plan.Cells[i].Cell.Address() == j.Cell {
					want = b.plan.Cells[i].Basis
				}
			}
			if j.Basis != want {
				t.Errorf("%q rests on %q, want %q", j.Cell, j.Basis, want)
			}
		}
	})
}

func TestGatesCloseDecidedCells(t *testing.T) {
	for _, test := range []struct {
		name  string
		noise func(n int) float64
		runs  int
	}{
		{"steady", func(int) float64 { return 1 }, 3},
		{"noisy", func(n int) float64 { return 1 + 0.25*float64(n%2) }, 10},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := small()
				s.deployments, s.loads, s.repeats = 1, []int{4}, spec.Repeats{Min: 3, Max: 10, Starts: 1}
				b := newBench(t, s)
				b.world.result = func(r spec.RunRequest) spec.RunResult {
					result := goodResult(4, 0)
					result.Values, _ = metric.NewValues(map[metric.Name]float64{metric.TPOT: 40 * test.noise(int(r.Sampling.Seed))})
					return result
				}
				b.mustFinish()
				if got := b.runs()["m-0-4-fake"]; got != test.runs {
					t.Errorf("%d runs, want %d\n%s", got, test.runs, b.heard.text(spec.EventLook))
				}
			})
		})
	}
}

func TestProgressIsCountedOverTheWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, small())
		b.mustFinish()
		last := 0
		for _, e := range b.heard.events {
			if e.Time.IsZero() {
				t.Fatalf("event without time: %+v", e)
			}
			if e.Type != spec.EventNodeFinished && e.Type != spec.EventNodeSkipped {
				continue
			}
			if e.Total != 14 || e.Done < last || e.Done > 14 {
				t.Fatalf("%s of %s: %d of %d after %d", e.Type, e.Subject, e.Done, e.Total, last)
			}
			last = e.Done
		}
		if last != 14 {
			t.Errorf("ended at %d of 14", last)
		}
		if diff := cmp.Diff(len(b.heard.events), len(b.store.events)); diff != "" {
			t.Errorf("events heard and stored differ in number:\n%s", diff)
		}
	})
}

func TestTheSamePlanGivesTheSameEvents(t *testing.T) {
	record := func() (events []string) {
		synctest.Test(t, func(t *testing.T) {
			s := small()
			s.offline = []int{16, 32}
			b := newBench(t, s)
			b.world.recordedRuns = recordedFor(s)
			b.mustFinish()
			for _, e := range b.heard.events {
				if e.Node < 6 && e.Kind == "run" { // offline nodes run beside the others
					continue
				}
				e.Time, e.Done, e.Elapsed, e.Left = time.Time{}, 0, 0, 0
				events = append(events, fmt.Sprintf("%+v", e))
			}
		})
		return events
	}
	first := record()
	for range 5 {
		if diff := cmp.Diff(first, record()); diff != "" {
			t.Fatalf("events (-first +later):\n%s", diff)
		}
	}
}

func recordedFor(s shape) map[string][]spec.RunResult {
	recorded := map[string][]spec.RunResult{}
	for _, c := range s.offline {
		for run := range s.repeats.Max {
			r := goodResult(c, run)
			r.Rows, r.Requests = nil, 0
			recorded[fmt.Sprint(c)] = append(recorded[fmt.Sprint(c)], r)
		}
	}
	return recorded
}

func TestOfflineCellsNeedNoServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := shape{offline: []int{16, 32}, repeats: spec.Repeats{Min: 3, Max: 3, Starts: 1}}
		b := newBench(t, s)
		b.world.recordedRuns = recordedFor(s)
		r := b.mustFinish()
		if v := verdictOf(r); v != spec.VerdictPass {
			t.Errorf("verdict %s, want pass: %+v", v, r.Judgements)
		}
		if b.world.lookups != 1 || len(b.world.calls) != 0 {
			t.Errorf("%d lookups, calls %v", b.world.lookups, b.world.calls)
		}
		for i, s := range b.store.steps {
			if s.Node != i {
				t.Errorf("step %d is of node %d: the order of commits must not vary", i, s.Node)
			}
		}
		for _, run := range b.store.runs["m-99-16-file"] {
			if run.Start != 0 {
				t.Errorf("a recorded run belongs to start %d", run.Start)
			}
		}
	})
}

func TestRecordedRunsThatAreGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := shape{offline: []int{16, 32}, repeats: spec.Repeats{Min: 3, Max: 3, Starts: 1}}
		b := newBench(t, s)
		b.world.recordedRuns = recordedFor(s)
		delete(b.world.recordedRuns, "16")
		r := b.mustFinish()
		if v := verdictOf(r); v != spec.VerdictNoData {
			t.Errorf("verdict %s, want no_data", v)
		}
		if f := b.store.failures["m-99-16-file"]; f.Kind != spec.ErrBenchmark || !strings.Contains(f.Message, "no such row") {
			t.Errorf("failure: %+v", f)
		}
		if n := b.runs()["m-99-32-file"]; n != 3 {
			t.Errorf("%d runs of the other cell, want 3", n)
		}
	})
}

func TestSeveralStarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := small()
		s.deployments, s.repeats = 1, spec.Repeats{Min: 4, Max: 4, Starts: 2}
		b := newBench(t, s)
		b.mustFinish()
		for id, runs := range b.store.runs {
			var starts []int64
			for _, r := range runs {
				starts = append(starts, r.Start)
			}
			if diff := cmp.Diff([]int64{1, 1, 2, 2}, starts); diff != "" {
				t.Errorf("starts of %s (-want +got):\n%s", id, diff)
			}
		}
	})
}

func TestWithoutExclusiveHostsDeploymentsOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := small()
		s.noHost = true
		b := newBench(t, s)
		b.mustFinish()
		if b.world.most != 2 {
			t.Errorf("%d servers ran at once, want 2", b.world.most)
		}
	})
}

func TestRerunSetsRunsAsideOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, small())
		b.mustFinish()
		again := small().plan()
		again.ID = "plan-2"
		for i := range again.Cells {
			again.Cells[i].Action, again.Cells[i].Why, again.Cells[i].RunBase = engine.ActionRerun, "asked for by --rerun", 3
		}
		for id := range again.Graph.Nodes {
			if n := &again.Graph.Nodes[id]; n.Kind == engine.NodeRun {
				n.Run += 3
			}
		}
		b.plan = again
		failing := newTrap(b.store, b.world, 30, trapDeadAfter)
		r := b.request()
		r.Store = failing
		if _, err := apply(t.Context(), r, fakeProbe{b.world}); err == nil {
			t.Fatal("the trap did not strike")
		}
		b.world.dead = func() bool { return false }
		b.mustFinish()
		want := map[string]int{"m-0-1-fake": 3, "m-0-8-fake": 3, "m-1-1-fake": 3, "m-1-8-fake": 3}
		if diff := cmp.Diff(want, b.runs()); diff != "" {
			t.Errorf("runs (-want +got):\n%s", diff)
		}
		for id, retired := range b.store.retired {
			if len(retired) != 3 || b.store.runs[id][0].Index != 4 {
				t.Errorf("%s: %d runs set aside, the first new one has index %d", id, len(retired), b.store.runs[id][0].Index)
			}
		}
	})
}

func TestRefusedBeforeAnythingIsTouched(t *testing.T) {
	for name, damage := range map[string]func(b *bench){
		"unknown provider": func(b *bench) { b.plan.Cells[0].Cell.Target.Kind = "nowhere" },
		"runtime that can not be deployed": func(b *bench) {
			b.world.render = func(spec.Configuration) error {
				return &spec.Error{Kind: spec.ErrUsage, Summary: "it can not be deployed"}
			}
		},
		"edge to a later node":  func(b *bench) { b.plan.Graph.Nodes[2].After = []int32{9} },
		"run before the first":  func(b *bench) { b.plan.Graph.Nodes[2].Run = 0 },
		"cell out of range":     func(b *bench) { b.plan.Graph.Nodes[2].Cell = 99 },
		"host out of range":     func(b *bench) { b.plan.Graph.Nodes[2].Exclusive = 4 },
		"no such deployment":    func(b *bench) { b.plan.Graph.Nodes[1].Deployment = 7 },
		"run without a server":  func(b *bench) { b.plan.Graph.Nodes[2].Start = 5 },
		"deployed twice":        func(b *bench) { b.plan.Graph.Nodes[2] = b.plan.Graph.Nodes[1] },
		"deployment of nothing": func(b *bench) { b.plan.Deployments[0].Cells = nil },
		"cell of no experiment": func(b *bench) { b.plan.Cells[1].Experiment = -1 },
		"cell of no measurer":   func(b *bench) { b.plan.Cells[1].MeasuredBy = 44 },
		"cell without a model":  func(b *bench) { b.plan.Cells[1].Cell.Model = nil },
		"unknown kind of node":  func(b *bench) { b.plan.Graph.Nodes[2].Kind = "dance" },
		"no plan":               func(b *bench) { b.plan = nil },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, small())
			damage(b)
			r, err := b.apply()
			if err == nil || r != nil {
				t.Fatalf("applied: %+v, %v", r, err)
			}
			if len(b.store.applies) > 0 || len(b.world.calls) > 0 {
				t.Errorf("something was touched: %v %v", b.store.applies, b.world.calls)
			}
		})
	}
}

// TestAGraphThatCanNotGoOnEnds has a bring-up wait for a stop that waits for it.
func TestAGraphThatCanNotGoOnEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, small())
		nodes := b.plan.Graph.Nodes
		for id := range nodes {
			if nodes[id].Kind == engine.NodeStop && nodes[id].Deployment == 0 {
				nodes[id].Kind = engine.NodeDeploy // the host is never given back
				nodes[id].Start = 2
			}
		}
		_, err := b.apply()
		if err == nil || !strings.Contains(err.Error(), "can never begin") {
			t.Fatalf("error %v", err)
		}
		b.clean()
	})
}

func TestJudgeOfAnEmptyState(t *testing.T) {
	judgements, err := Judge(t.Context(), small().plan(), newMemory())
	if err != nil {
		t.Fatal(err)
	}
	if v := verdicts(judgements)[" tpot within 10%"]; v != spec.VerdictNoData {
		t.Errorf("verdict %s, want no_data", v)
	}
	if _, err := Judge(t.Context(), nil, newMemory()); err == nil {
		t.Error("a plan that is none was judged")
	}
}

func TestExcludedCellsCountAsDeclared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, small())
		extra := b.plan.Cells[0]
		extra.Cell.Axes, extra.Measurement, extra.MeasuredBy, extra.Excluded = nil, "m-excluded", len(b.plan.Cells), true
		b.plan.Cells = append(b.plan.Cells, extra)
		if v := verdictOf(b.mustFinish()); v != spec.VerdictNoData {
			t.Errorf("verdict %s, want no_data: one declared cell was left out", v)
		}
	})
}

func TestContextOfTheCallerIsNotTheStores(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, small())
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		r, err := apply(ctx, b.request(), fakeProbe{b.world})
		if err != nil || r.Status != spec.ApplyInterrupted || r.Judgements != nil {
			t.Fatalf("result %+v, %v", r, err)
		}
		if a := b.store.applies["plan-1"]; a.Status != spec.ApplyInterrupted {
			t.Errorf("the apply is %s", a.Status)
		}
		b.clean()
		if errors.Is(err, context.Canceled) {
			t.Error("a stop is no error")
		}
	})
}
