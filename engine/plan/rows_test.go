package plan

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"aicv/engine"
	"aicv/metric"
	"aicv/spec"
)

func recordedRun(ttft float64) spec.RunResult {
	return spec.RunResult{Values: metric.Values{{Metric: metric.TTFT, Value: ttft}}, Window: spec.WindowUnknown}
}

// recordedWorld has three recorded cells: with two runs, with one, with none.
func recordedWorld() *world {
	w := newWorld()
	w.experiment("data", []int{1}, []int{8, 16, 32}, repeats(1, 1, 1), within10(metric.TTFT))
	for i := range w.suite.Experiments[0].Cells {
		w.suite.Experiments[0].Cells[i].Benchmark = w.recorded
	}
	w.recording.data["concurrency=8,tensor_parallel=1"] = []spec.RunResult{recordedRun(100), recordedRun(101)}
	w.recording.data["concurrency=16,tensor_parallel=1"] = []spec.RunResult{recordedRun(110)}
	return w
}

func TestRecordedCells(t *testing.T) {
	w := recordedWorld()
	w.recording.notes = []spec.Finding{{Check: "repeats", Severity: spec.FindingNote, Message: "2 rows merged"}}
	p := w.build(t)
	if got := kinds(p); got != "rrrj" || len(p.Deployments) != 0 {
		t.Fatalf("graph %s with %d deployments, want rrrj with none", got, len(p.Deployments))
	}
	if w.recording.lookups != 1 {
		t.Errorf("%d lookups, want one for all points", w.recording.lookups)
	}
	if diff := cmp.Diff([]int32{0, 1, 2}, p.Graph.Nodes[3].After); diff != "" {
		t.Errorf("judge waits for (-want +got):\n%s", diff)
	}
	missing := &p.Cells[2]
	if missing.Action != engine.ActionKept || missing.RunsMax != 0 || !strings.Contains(missing.Why, "no row has concurrency=32") {
		t.Errorf("a point without data: %s (%s)", missing.Action, missing.Why)
	}
	if len(p.Findings) != 1 || p.Findings[0].Message != "benchmark.recorded.data: 2 rows merged" {
		t.Errorf("findings %v", p.Findings)
	}
	if p.Cost.RunsMax != 3 {
		t.Errorf("at most %d runs, want 3", p.Cost.RunsMax)
	}
	w.apply(p)
	if again := w.build(t); again.Changes() || len(again.Graph.Nodes) != 0 {
		t.Errorf("a second plan is not empty: %v", actions(again))
	}
}

// What was recorded ran somewhere else: the target that the suite measures on is no
// part of it, and another one changes nothing.
func TestRecordedCellsHaveNoTarget(t *testing.T) {
	w := recordedWorld()
	p := w.build(t)
	w.apply(p)
	other := *w.target
	other.Kind, other.Attrs = "fake", spec.Attrs{"host": spec.StringValue("elsewhere")}
	for i := range w.suite.Experiments[0].Cells {
		w.suite.Experiments[0].Cells[i].Target = &other
	}
	again := w.build(t)
	if again.Changes() || len(again.Gone) > 0 {
		t.Errorf("another target: %v, %d gone", actions(again), len(again.Gone))
	}
	for i := range again.Cells {
		if got := again.Cells[i].Cell.Target; got != nil {
			t.Errorf("%s has the target %s", again.Cells[i].Cell.Address(), got.Address())
		}
	}
	if w.suite.Experiments[0].Cells[0].Target == nil {
		t.Error("the plan changed the suite")
	}
}

func TestRecordedDataThatChanged(t *testing.T) {
	t.Run("another figure", func(t *testing.T) {
		w := recordedWorld()
		w.apply(w.build(t))
		w.recording.data["concurrency=8,tensor_parallel=1"] = []spec.RunResult{recordedRun(100), recordedRun(105)}
		p := w.build(t)
		if diff := cmp.Diff([]engine.Action{engine.ActionRerun, engine.ActionKept, engine.ActionKept}, actions(p)); diff != "" {
			t.Error(diff)
		}
		if p.Cells[0].RunBase != 2 || !slices.Equal(runIndexes(p), []int32{3, 4}) {
			t.Errorf("base %d, indexes %v; want 2 and [3 4]", p.Cells[0].RunBase, runIndexes(p))
		}
		w.apply(p)
		if again := w.build(t); again.Changes() {
			t.Errorf("a plan after it is not empty: %v", actions(again))
		}
	})
	t.Run("one more run", func(t *testing.T) {
		w := recordedWorld()
		w.apply(w.build(t))
		w.recording.data["concurrency=16,tensor_parallel=1"] = []spec.RunResult{recordedRun(110), recordedRun(111)}
		p := w.build(t)
		if p.Cells[1].Action != engine.ActionContinue || !slices.Equal(runIndexes(p), []int32{2}) {
			t.Errorf("%s, indexes %v; want continue with [2]", p.Cells[1].Action, runIndexes(p))
		}
	})
	t.Run("gone from the file", func(t *testing.T) {
		w := recordedWorld()
		w.apply(w.build(t))
		delete(w.recording.data, "concurrency=16,tensor_parallel=1")
		p := w.build(t)
		if p.Cells[1].Action != engine.ActionRerun || p.Cells[1].RunsMax != 0 || kinds(p) != "j" {
			t.Errorf("%s with %d runs, graph %s; want the stored run set aside and nothing measured", p.Cells[1].Action, p.Cells[1].RunsMax, kinds(p))
		}
	})
}

func point(model, system string, tp, concurrency int) spec.Row {
	return spec.Row{Point: spec.Point{ModelID: model, System: system, Runtime: "fake",
		Config: spec.NewConfiguration(spec.Setting{Name: spec.ItemTensorParallel, Value: spec.IntValue(tp)}),
		Load:   spec.Load{Concurrency: concurrency, InputTokens: 1000, OutputTokens: 100}}}
}

func TestPointsFrom(t *testing.T) {
	w := newWorld()
	second := &spec.Model{Name: "qwen", ID: "qwen/qwen"}
	w.suite.Models = append(w.suite.Models, second)
	e := w.experiment("all", nil, nil, repeats(1, 1, 1), within10(metric.TTFT))
	e.PointsFrom, e.Base.Benchmark, e.Base.Model = w.recorded, w.recorded, nil
	w.recording.points = []spec.Row{
		point("meta/llama", "h200_sxm", 1, 8),
		point("meta/llama", "h200_sxm", 1, 8), // the same point again
		point("qwen/qwen", "h200_sxm", 2, 8),
		point("meta/llama", "h100_sxm", 1, 8),  // another system
		point("other/model", "h200_sxm", 1, 8), // not declared
	}
	w.recording.points[3].Point.Load.InputTokens = 1000
	p := w.build(t)
	var addresses []string
	for i := range p.Cells {
		addresses = append(addresses, p.Cells[i].Cell.Address())
	}
	want := []string{
		`experiment.all["concurrency=8,model=llama,tensor_parallel=1"]`,
		`experiment.all["concurrency=8,model=qwen,tensor_parallel=2"]`,
	}
	if diff := cmp.Diff(want, addresses); diff != "" {
		t.Errorf("cells (-want +got):\n%s", diff)
	}
	if p.Cells[1].Cell.Model != second || p.Cells[1].Cell.Source != spec.FromPoints {
		t.Errorf("model %v, source %s", p.Cells[1].Cell.Model, p.Cells[1].Cell.Source)
	}
	if len(p.Findings) != 1 || !strings.Contains(p.Findings[0].Message, "other/model") {
		t.Errorf("findings %v", p.Findings)
	}
}

func TestPointsThatContradictWhatIsFixed(t *testing.T) {
	cases := []struct {
		name   string
		change func(w *world, e *spec.Experiment)
		why    string
	}{
		{"model", func(w *world, _ *spec.Experiment) { w.recording.points[0].Point.ModelID = "x" }, "its model is x, not meta/llama"},
		{"system", func(w *world, _ *spec.Experiment) { w.recording.points[0].Point.System = "b200" }, "its system is b200"},
		{"runtime", func(w *world, _ *spec.Experiment) { w.recording.points[0].Point.Runtime = "vllm" }, "its runtime is vllm"},
		{"version", func(w *world, _ *spec.Experiment) {
			w.runtime.Attrs = spec.Attrs{"version": spec.StringValue("1.0")}
			w.recording.points[0].Point.RuntimeVersion = "2.0"
		}, "its runtime version is 2.0, not 1.0"},
		{"configuration", func(_ *world, e *spec.Experiment) {
			e.Base.Config = e.Base.Config.With(spec.ItemTensorParallel, spec.IntValue(4))
		}, "its tensor_parallel is 1, not 4"},
		{"load", func(_ *world, e *spec.Experiment) { e.Base.Load.Concurrency = 4 }, "its concurrency is 8, not 4"},
		{"no rows", func(w *world, _ *spec.Experiment) { w.recording.points = nil }, "none of the 0 points"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld()
			e := w.experiment("all", nil, nil, repeats(1, 1, 1), within10(metric.TTFT))
			e.PointsFrom, e.Base.Benchmark = w.recorded, w.recorded
			w.recording.points = []spec.Row{point("meta/llama", "h200_sxm", 1, 8)}
			w.build(t)
			tc.change(w, e)
			_, err := w.tryBuild()
			if err == nil || !strings.Contains(err.Error(), tc.why) || spec.KindOf(err) != spec.ErrUsage {
				t.Errorf("error %v, want one with %q", err, tc.why)
			}
		})
	}
}

func TestRecommended(t *testing.T) {
	w := newWorld()
	e := w.experiment("best", []int{1}, []int{8, 64}, repeats(3, 3, 1), within10(metric.TTFT))
	e.Recommended = &spec.Recommended{Top: 3}
	w.predictedBy.Kind = "recommending"
	p := w.build(t)
	var addresses []string
	for i := range p.Cells {
		addresses = append(addresses, p.Cells[i].Cell.Address())
	}
	// The first recommended row, tensor parallel 1 at concurrency 8, is in the matrix.
	want := []string{
		`experiment.best["concurrency=8,tensor_parallel=1"]`,
		`experiment.best["concurrency=64,tensor_parallel=1"]`,
		`experiment.best["concurrency=16,tensor_parallel=2"]`,
		`experiment.best["concurrency=32,tensor_parallel=4"]`,
	}
	if diff := cmp.Diff(want, addresses); diff != "" {
		t.Errorf("cells (-want +got):\n%s", diff)
	}
	if p.Cells[2].Cell.Source != spec.FromRecommended {
		t.Errorf("source %s", p.Cells[2].Cell.Source)
	}
}

// A row that can not be deployed becomes no cell, and the plan says so.
func TestRecommendedSetAside(t *testing.T) {
	w := newWorld()
	e := w.experiment("best", nil, nil, repeats(3, 3, 1), within10(metric.TTFT))
	e.Recommended = &spec.Recommended{Top: 2}
	w.predictedBy.Kind, w.spoilt = "recommending", true
	p := w.build(t)
	if len(p.Cells) != 2 {
		t.Errorf("%d cells, want those of the two rows that can be deployed", len(p.Cells))
	}
	if !slices.ContainsFunc(p.Findings, func(f spec.Finding) bool {
		return f.Check == "disaggregated" && strings.Contains(f.Message, "two kinds of servers")
	}) {
		t.Errorf("findings %+v", p.Findings)
	}
}

// A search is made once for the same request, until --refresh; a cache that fails costs
// only the time.
func TestRecommendedIsCached(t *testing.T) {
	w := newWorld()
	e := w.experiment("best", []int{1}, []int{8}, repeats(3, 3, 1), within10(metric.TTFT))
	e.Recommended = &spec.Recommended{Top: 2}
	w.predictedBy.Kind = "recommending"
	first := w.build(t)
	again := w.build(t)
	if w.searches != 1 || len(again.Cells) != len(first.Cells) {
		t.Errorf("%d searches for two plans, %d and %d cells", w.searches, len(first.Cells), len(again.Cells))
	}
	e.Recommended.Top = 3
	w.build(t)
	w.predictor.fingerprint = "fake 2.0"
	w.build(t)
	w.request.Refresh = true
	w.build(t)
	if w.searches != 4 {
		t.Errorf("%d searches, want one more for each of another request, another tool and --refresh", w.searches)
	}
	w.cache.broken = true
	if p := w.build(t); w.searches != 5 || len(p.Cells) == 0 {
		t.Errorf("with a broken cache: %d searches, %d cells", w.searches, len(p.Cells))
	}
}

func TestRecommendedNeedsAPredictorThatCan(t *testing.T) {
	w := newWorld()
	e := w.experiment("best", []int{1}, []int{8}, repeats(3, 3, 1))
	e.Recommended = &spec.Recommended{Top: 3}
	_, err := w.tryBuild()
	if err == nil || !strings.Contains(err.Error(), "predictor.fake.oracle can not recommend") {
		t.Errorf("error %v", err)
	}
	e.Base.Predictor = nil
	if _, err = w.tryBuild(); err == nil || !strings.Contains(err.Error(), "recommended needs a predictor") {
		t.Errorf("error %v", err)
	}
}

func TestStale(t *testing.T) {
	cases := []struct {
		name   string
		change func(w *world)
		begun  bool
		want   []string
	}{
		{"fresh", func(*world) {}, false, nil},
		{"a file", func(w *world) { w.suite.Inputs = map[string]string{"suite.hcl": "h2"} }, false, []string{"suite.hcl changed"}},
		{"another file", func(w *world) { w.suite.Inputs = map[string]string{"b.hcl": "h1"} }, false, []string{"suite.hcl is gone", "b.hcl is new"}},
		{"something unnamed", func(w *world) { w.suite.InputHash = "other" }, false, []string{"the suite's inputs changed"}},
		{"a tool", func(w *world) { w.predictor.fingerprint = "fake 2.0" }, false, []string{"predictor.fake.oracle changed"}},
		{"the state", func(w *world) { w.state.revision = 7 }, false, []string{"the state changed: it is at revision 7, the plan was made on 0"}},
		{"the state, by its own apply", func(w *world) { w.state.revision = 7 }, true, nil},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			w := small()
			p := w.build(t)
			tc.change(w)
			got, err := Stale(context.Background(), p, w.suite, w.registry(), w.state, tc.begun)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
