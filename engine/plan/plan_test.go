package plan

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"aicv/engine"
	"aicv/metric"
	"aicv/spec"
	"aicv/verify"
)

func repeats(low, high, starts int) spec.Repeats {
	return spec.Repeats{Min: low, Max: high, Starts: starts}
}

// small is one experiment of 2 deployments with 2 cells each, 3 runs per cell.
func small() *world {
	w := newWorld()
	w.experiment("scaling", []int{1, 2}, []int{8, 32}, repeats(3, 3, 1), within10(metric.TTFT))
	return w
}

func kinds(p *engine.Plan) string {
	var b strings.Builder
	for _, n := range p.Graph.Nodes {
		b.WriteByte(n.Kind[0])
	}
	return b.String()
}

func actions(p *engine.Plan) []engine.Action {
	all := make([]engine.Action, len(p.Cells))
	for i := range p.Cells {
		all[i] = p.Cells[i].Action
	}
	return all
}

func TestFirstPlan(t *testing.T) {
	w := small()
	p := w.build(t)
	if len(p.Cells) != 4 || len(p.Deployments) != 2 {
		t.Fatalf("%d cells in %d deployments, want 4 in 2", len(p.Cells), len(p.Deployments))
	}
	if got, want := kinds(p), "i"+strings.Repeat("d"+"rrrrrr"+"gg"+"s", 2)+"j"; got != want {
		t.Errorf("graph %s, want %s", got, want)
	}
	if w.predictor.calls != 1 || w.predictor.points != 4 {
		t.Errorf("%d calls for %d points, want 1 for 4", w.predictor.calls, w.predictor.points)
	}
	for i := range p.Cells {
		c := &p.Cells[i]
		if c.Action != engine.ActionNew || c.Why != "never measured" || c.RunsMin != 3 || c.RunsMax != 3 {
			t.Errorf("cell %d: %s (%s), %d..%d runs", i, c.Action, c.Why, c.RunsMin, c.RunsMax)
		}
		if want := 20 * c.Cell.Load.Concurrency; c.Cell.Sampling.Requests != want || c.Cell.Sampling.Warmup != want/10 {
			t.Errorf("cell %d: sampling %+v at concurrency %d", i, c.Cell.Sampling, c.Cell.Load.Concurrency)
		}
		if c.Measurement != w.suite.Experiments[0].Cells[i].MeasurementID() {
			t.Errorf("cell %d: the identity is not that of the cell as declared", i)
		}
	}
	if want := `deployment.fake.engine.llama["tensor_parallel=2"]`; p.Deployments[1].Address != want {
		t.Errorf("address %s, want %s", p.Deployments[1].Address, want)
	}
	if p.Deployments[1].GPUs != 2 {
		t.Errorf("%d GPUs, want 2", p.Deployments[1].GPUs)
	}
}

func TestPlanIsDeterministic(t *testing.T) {
	first, second := small().build(t), small().build(t)
	if diff := cmp.Diff(first, second, cmp.AllowUnexported(spec.Value{}, metric.Decimal{})); diff != "" {
		t.Errorf("two plans of the same suite differ:\n%s", diff)
	}
	w := small()
	w.suite.Seed = 2
	if other := w.build(t); other.ID == first.ID {
		t.Error("another seed gives the same plan")
	}
}

// TestActions has a case for each rule of what is kept and what is planned again.
func TestActions(t *testing.T) {
	const n, c, k, j, r = engine.ActionNew, engine.ActionContinue, engine.ActionKept, engine.ActionRejudge, engine.ActionRerun
	cases := []struct {
		name   string
		change func(w *world, p *engine.Plan) // after the first apply
		want   []engine.Action
		nodes  string // kinds in the graph, shuffles do not show
	}{
		{"nothing changed", func(*world, *engine.Plan) {}, []engine.Action{k, k, k, k}, ""},
		{"a claim was edited", func(w *world, _ *engine.Plan) {
			w.suite.Experiments[0].Asserts[0].Claims[0].Amount = metric.MustDecimal("0.2")
		}, []engine.Action{j, j, j, j}, "j"},
		{"a severity was edited", func(w *world, _ *engine.Plan) {
			w.suite.Experiments[0].Asserts[0].Severity = spec.AssertWarn
		}, []engine.Action{j, j, j, j}, "j"},
		{"only the claim's spelling was edited", func(w *world, _ *engine.Plan) {
			w.suite.Experiments[0].Asserts[0].Claims[0].Text = "ttft   within 10%"
		}, []engine.Action{k, k, k, k}, ""},
		{"a prediction changed", func(w *world, _ *engine.Plan) {
			w.predictor.fingerprint, w.predictor.scale = "fake 2.0", 0.001
		}, []engine.Action{j, j, j, j}, "j"},
		{"the experiment was renamed", func(w *world, _ *engine.Plan) {
			w.suite.Experiments[0].Name = "renamed"
		}, []engine.Action{k, k, k, k}, ""},
		{"killed before judging", func(w *world, _ *engine.Plan) { w.state.judged = nil }, []engine.Action{j, j, j, j}, "j"},
		{"one cell lacks a run", func(w *world, p *engine.Plan) {
			w.state.runs[p.Cells[1].Measurement] = w.state.runs[p.Cells[1].Measurement][:2]
		}, []engine.Action{k, c, k, k}, "idrgsj"},
		{"one cell failed by its configuration", func(w *world, p *engine.Plan) {
			w.state.retire(p.Cells[1].Measurement)
			w.state.failures = map[spec.ID]spec.Failure{p.Cells[1].Measurement: {Kind: spec.ErrConfiguration, Message: "out of memory"}}
		}, []engine.Action{k, k, k, k}, ""},
		{"one cell failed by the host", func(w *world, p *engine.Plan) {
			w.state.retire(p.Cells[1].Measurement)
			w.state.failures = map[spec.ID]spec.Failure{p.Cells[1].Measurement: {Kind: spec.ErrInfrastructure, Message: "disk full"}}
		}, []engine.Action{k, n, k, k}, "idrrrgsj"},
		{"a configuration failure is asked for again", func(w *world, p *engine.Plan) {
			w.state.retire(p.Cells[1].Measurement)
			w.state.failures = map[spec.ID]spec.Failure{p.Cells[1].Measurement: {Kind: spec.ErrConfiguration, Message: "out of memory"}}
			w.request.Rerun = []string{"scaling:concurrency=32,tensor_parallel=1"}
		}, []engine.Action{k, r, k, k}, "idrrrgsj"},
		{"a cell is asked for again", func(w *world, p *engine.Plan) {
			w.request.Rerun = []string{p.Cells[2].Cell.Address()}
		}, []engine.Action{k, k, r, k}, "idrrrgsj"},
		{"one item of one configuration was edited", func(w *world, _ *engine.Plan) {
			cell := &w.suite.Experiments[0].Cells[3]
			cell.Config = cell.Config.With(spec.ItemKVCacheQuant, spec.StringValue("fp8"))
		}, []engine.Action{k, k, k, n}, "idrrrgsj"},
		{"the maximum was raised", func(w *world, _ *engine.Plan) {
			w.suite.Experiments[0].Repeats = repeats(5, 5, 1)
		}, []engine.Action{c, c, c, c}, "idrrrrggsdrrrrggsj"},
		{"a cell is new", func(w *world, _ *engine.Plan) {
			cell := w.suite.Experiments[0].Cells[0]
			cell.Load.Concurrency = 64
			w.suite.Experiments[0].Cells = append(w.suite.Experiments[0].Cells, cell)
		}, []engine.Action{k, k, k, k, n}, "idrrrgsj"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			w := small()
			p := w.build(t)
			w.apply(p)
			tc.change(w, p)
			got := w.build(t)
			if diff := cmp.Diff(tc.want, actions(got)); diff != "" {
				t.Errorf("actions (-want +got):\n%s", diff)
			}
			if tc.nodes != kinds(got) {
				t.Errorf("graph %q, want %q", kinds(got), tc.nodes)
			}
			if got.Changes() != (tc.nodes != "") {
				t.Errorf("Changes() = %v", got.Changes())
			}
		})
	}
}

func TestContinueFillsTheMissingIndexes(t *testing.T) {
	w := newWorld()
	w.experiment("one", []int{1}, []int{8}, repeats(5, 5, 1), within10(metric.TTFT))
	first := w.build(t)
	w.measure(&first.Cells[0], 0.3, 1, 3)
	p := w.build(t)
	if got, want := runIndexes(p), []int32{2, 4, 5}; !slices.Equal(got, want) {
		t.Errorf("run indexes %v, want %v", got, want)
	}
}

func TestRerunCountsOn(t *testing.T) {
	w := newWorld()
	w.experiment("one", []int{1}, []int{8}, repeats(2, 2, 1), within10(metric.TTFT))
	w.apply(w.build(t))
	w.request.Rerun = []string{"one"}
	p := w.build(t)
	c := &p.Cells[0]
	if c.RunBase != 2 || c.Have != 0 || !slices.Equal(runIndexes(p), []int32{3, 4}) {
		t.Errorf("base %d, have %d, indexes %v; want 2, 0, [3 4]", c.RunBase, c.Have, runIndexes(p))
	}
	w.apply(p)
	w.request.Rerun = nil
	if again := w.build(t); again.Changes() || again.Cells[0].RunBase != 2 {
		t.Errorf("after the rerun: changes %v, base %d", again.Changes(), again.Cells[0].RunBase)
	}
}

func runIndexes(p *engine.Plan) []int32 {
	var all []int32
	for _, n := range p.Graph.Nodes {
		if n.Kind == engine.NodeRun {
			all = append(all, n.Run)
		}
	}
	return all
}

func TestSameMeasurementInTwoExperiments(t *testing.T) {
	w := small()
	w.experiment("again", []int{1}, []int{8}, repeats(3, 6, 1), within10(metric.TPOT))
	p := w.build(t)
	if p.Cells[0].Measurement != p.Cells[4].Measurement {
		t.Fatal("the same configuration at the same load has two identities")
	}
	if p.Cells[0].MeasuredBy != 4 || p.Cells[4].MeasuredBy != 4 {
		t.Errorf("measured by %d and %d, want 4: it needs more runs", p.Cells[0].MeasuredBy, p.Cells[4].MeasuredBy)
	}
	counts := map[spec.ID]int{}
	gates := map[int32]int{}
	for _, n := range p.Graph.Nodes {
		switch n.Kind {
		case engine.NodeRun:
			counts[p.Cells[n.Cell].Measurement]++
		case engine.NodeGate:
			gates[n.Cell]++
		}
	}
	if counts[p.Cells[0].Measurement] != 6 || len(counts) != 4 {
		t.Errorf("runs by measurement: %v", counts)
	}
	if gates[0] != 1 || gates[4] < 2 {
		t.Errorf("gates by cell: %v", gates)
	}
	if p.Cost.RunsMax != 6+3*3 {
		t.Errorf("at most %d runs, want 15", p.Cost.RunsMax)
	}
	w.apply(p)
	if again := w.build(t); again.Changes() {
		t.Errorf("a second plan is not empty: %v", actions(again))
	}
}

func TestStartsAlternate(t *testing.T) {
	w := newWorld()
	w.experiment("abba", []int{1, 2}, []int{8}, repeats(2, 6, 3), within10(metric.TTFT))
	p := w.build(t)
	var order []int32
	for _, n := range p.Graph.Nodes {
		if n.Kind == engine.NodeDeploy {
			order = append(order, n.Deployment)
		}
	}
	if want := []int32{0, 1, 1, 0, 0, 1}; !slices.Equal(order, want) {
		t.Errorf("deployments come up as %v, want %v", order, want)
	}
	perStart := map[[2]int32]int{}
	for _, n := range p.Graph.Nodes {
		if n.Kind == engine.NodeRun {
			perStart[[2]int32{n.Deployment, n.Start}]++
		}
	}
	for d := int32(0); d < 2; d++ {
		for s := int32(1); s <= 3; s++ {
			if perStart[[2]int32{d, s}] != 2 {
				t.Errorf("deployment %d, start %d: %d runs, want 2", d, s, perStart[[2]int32{d, s}])
			}
		}
	}
}

func TestTargetsAndExcludes(t *testing.T) {
	w := small()
	w.request.Targets = []string{"scaling:tensor_parallel=2"}
	w.request.Excludes = []string{"scaling:concurrency=3*"}
	p := w.build(t)
	var left []bool
	for i := range p.Cells {
		left = append(left, p.Cells[i].Excluded)
	}
	if want := []bool{true, true, false, true}; !slices.Equal(left, want) {
		t.Errorf("excluded %v, want %v", left, want)
	}
	if got, want := kinds(p), "idrrrgsj"; got != want {
		t.Errorf("graph %s, want %s", got, want)
	}
	if len(p.Cells) != 4 {
		t.Errorf("%d cells: cells that are left out must stay in the denominators", len(p.Cells))
	}
}

func TestSelectorThatMatchesNothingIsAnError(t *testing.T) {
	for _, selector := range []string{"scalign", "scaling:tensor_parallel=3", `experiment.scaling["tensor_parallel=1"]`} {
		w := small()
		w.request.Targets = []string{selector}
		_, err := w.tryBuild()
		if err == nil || spec.KindOf(err) != spec.ErrUsage || !strings.Contains(err.Error(), "no cell matches") {
			t.Errorf("%s: %v", selector, err)
		}
	}
}

func TestEndpointIsOneDeployment(t *testing.T) {
	w := small()
	w.managed = false
	_, err := w.tryBuild()
	if err == nil || !strings.Contains(err.Error(), "target.fake.local is one server") {
		t.Errorf("cells that differ in configuration behind one endpoint: %v", err)
	}
	w = newWorld()
	w.managed = false
	w.experiment("load", []int{1}, []int{8, 32}, repeats(3, 3, 1))
	if p := w.build(t); len(p.Deployments) != 1 {
		t.Errorf("%d deployments, want 1", len(p.Deployments))
	}
}

func TestPredictionCache(t *testing.T) {
	w := small()
	first := w.build(t)
	second := w.build(t)
	if w.predictor.calls != 1 {
		t.Errorf("%d calls, want 1: the second plan has the cache", w.predictor.calls)
	}
	if first.ID != second.ID {
		t.Error("cached predictions give another plan")
	}
	w.suite.Experiments[0].Cells[0].Load.OutputTokens = 50
	w.build(t)
	if w.predictor.calls != 2 || w.predictor.points != 5 {
		t.Errorf("%d calls for %d points, want 2 for 5", w.predictor.calls, w.predictor.points)
	}
	w.request.Refresh = true
	w.build(t)
	if w.predictor.points != 9 {
		t.Errorf("%d points, want 9: --refresh asks for all", w.predictor.points)
	}
	w.request.Refresh = false
	w.predictor.fingerprint = "fake 2.0"
	w.build(t)
	if w.predictor.points != 13 {
		t.Errorf("%d points, want 13: another tool is asked for all", w.predictor.points)
	}
}

func TestBrokenCacheIsAFinding(t *testing.T) {
	w := small()
	w.cache.broken = true
	p := w.build(t)
	if len(p.Findings) != 2 || p.Findings[0].Check != "prediction_cache" || !strings.Contains(p.Findings[0].Message, errCache.Error()) {
		t.Errorf("findings %v", p.Findings)
	}
	if _, ok := p.Cells[0].Prediction.Values.Get(metric.TTFT); !ok {
		t.Error("no prediction without a cache")
	}
}

func TestPredictorErrors(t *testing.T) {
	w := small()
	w.predictor.err = errors.New("no such database")
	if _, err := w.tryBuild(); err == nil || !strings.Contains(err.Error(), "predictor.fake.oracle: predict 4 points: no such database") {
		t.Errorf("error %v", err)
	}
	w = small()
	w.predictor.missing = 32
	p := w.build(t)
	if p.Cells[1].Prediction.Missing == "" {
		t.Error("a point without answer has one")
	}
	if len(p.Findings) != 1 || !strings.Contains(p.Findings[0].Message, "2 of 4 points have no prediction") {
		t.Errorf("findings %v", p.Findings)
	}
}

func TestUndecidableAndGone(t *testing.T) {
	w := small()
	p := w.build(t)
	w.apply(p)
	w.suite.Experiments[0].Cells = w.suite.Experiments[0].Cells[:2]
	w.suite.Experiments[0].Asserts[0].Claims = []spec.Claim{within10(metric.PercentileName(metric.TTFT, 50))}
	got := w.build(t)
	if len(got.Gone) != 2 || got.Gone[0].Address != p.Cells[3].Cell.Address() || got.Gone[0].Runs != 3 {
		t.Errorf("gone %v", got.Gone)
	}
	if len(got.Undecidable) != 2 || got.Undecidable[0].Cell != p.Cells[0].Cell.Address() || got.Undecidable[0].Why == "" {
		t.Errorf("undecidable %v", got.Undecidable)
	}
}

// A missing prediction is one fact of its cell, whatever number of claims wait for it.
func TestMissingPredictionIsListedOncePerCell(t *testing.T) {
	w := newWorld()
	e := w.experiment("one", []int{1}, []int{8, 16}, repeats(3, 3, 1), within10(metric.TTFT), within10(metric.TPOT), below(metric.Goodput, "5"))
	e.Asserts = append(e.Asserts, spec.Assert{Name: "again", Severity: spec.AssertWarn, Claims: []spec.Claim{within10(metric.TTFT)}})
	w.predictor.missing = 16
	p := w.build(t)
	address := []string{p.Cells[0].Cell.Address(), p.Cells[1].Cell.Address()}
	noSLO := "goodput needs an slo, and the experiment has none"
	want := []engine.Undecidable{
		{Cell: address[0], Claims: []string{"goodput < 5ms"}, Why: noSLO},
		{Cell: address[1], Claims: []string{"ttft within 10%", "tpot within 10%"}, Why: "no prediction: no such concurrency"},
		{Cell: address[1], Claims: []string{"goodput < 5ms"}, Why: noSLO},
	}
	if diff := cmp.Diff(want, p.Undecidable); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPercentileClaimsRaiseRequests(t *testing.T) {
	w := newWorld()
	w.experiment("tail", []int{1}, []int{8, 32}, repeats(3, 3, 1), below(metric.PercentileName(metric.TTFT, 99), "2000"))
	p := w.build(t)
	if got := p.Cells[0].Cell.Sampling.Requests; got != 299 {
		t.Errorf("%d requests at concurrency 8, want 299 for p99", got)
	}
	if got := p.Cells[1].Cell.Sampling.Requests; got != 640 {
		t.Errorf("%d requests at concurrency 32, want the default of 640", got)
	}
	declared := &w.suite.Experiments[0].Cells
	if p.Cells[0].Measurement == (*declared)[0].MeasurementID() || p.Cells[1].Measurement != (*declared)[1].MeasurementID() {
		t.Error("only the cell whose requests were raised gets another identity")
	}
	w.apply(p)

	t.Run("removing the claim keeps the larger measurement", func(t *testing.T) {
		w.suite.Experiments[0].Asserts[0].Claims = []spec.Claim{within10(metric.TTFT)}
		got := w.build(t)
		if diff := cmp.Diff([]engine.Action{engine.ActionRejudge, engine.ActionRejudge}, actions(got)); diff != "" {
			t.Error(diff)
		}
		if got.Cells[0].Cell.Sampling.Requests != 299 || len(got.Gone) != 0 {
			t.Errorf("%d requests, gone %v", got.Cells[0].Cell.Sampling.Requests, got.Gone)
		}
	})
	t.Run("a number that the suite fixes stays", func(t *testing.T) {
		w := newWorld()
		e := w.experiment("tail", []int{1}, []int{8}, repeats(3, 3, 1), below(metric.PercentileName(metric.TTFT, 99), "2000"))
		e.Cells[0].Sampling.Requests = 100
		if got := w.build(t).Cells[0].Cell.Sampling.Requests; got != 100 {
			t.Errorf("%d requests, want the 100 that were declared", got)
		}
	})
}

func TestCost(t *testing.T) {
	w := newWorld()
	w.experiment("one", []int{2}, []int{8}, repeats(3, 10, 1), within10(metric.TTFT))
	p := w.build(t)
	// latency = 108 + 99 x 10 = 1,098 ms; 176 requests in 8 slots = 22 rounds of it
	run := 22 * 1098 * time.Millisecond
	want := engine.Cost{RunsMin: 3, RunsMax: 10, TimeMin: 3 * run, TimeMax: 10 * run,
		GPUHoursMin: 2 * (3 * run).Hours(), GPUHoursMax: 2 * (10 * run).Hours()}
	if diff := cmp.Diff(want, p.Cost); diff != "" {
		t.Errorf("cost (-want +got):\n%s", diff)
	}
	w.state.revision = 1
	w.state.starts = []spec.ServerStart{{Deployment: p.Deployments[0].ID, Elapsed: 10 * time.Second}, {Deployment: p.Deployments[0].ID, Elapsed: 20 * time.Second}}
	if got := w.build(t).Cost.TimeMin; got != 3*run+15*time.Second {
		t.Errorf("with earlier starts %s, want %s", got, 3*run+15*time.Second)
	}
}

func TestCostWithoutPrediction(t *testing.T) {
	w := newWorld()
	e := w.experiment("one", []int{2}, []int{8}, repeats(3, 10, 1), below(metric.TTFT, "2000"))
	e.Cells[0].Predictor = nil
	p := w.build(t)
	if p.Cost.Unknown != 1 || p.Cost.TimeMax != 0 {
		t.Errorf("cost %+v, want one unknown cell", p.Cost)
	}
	w.state.add(p.Cells[0].Measurement, "", spec.Run{Index: 1, Start: 1, Result: spec.RunResult{Values: metric.Values{{Metric: metric.Latency, Value: 1000}}}})
	if got := w.build(t).Cost; got.Unknown != 0 || got.TimeMax != 9*22*time.Second {
		t.Errorf("cost %+v, want the earlier run's latency", got)
	}
}

func TestLocks(t *testing.T) {
	w := small()
	first := w.build(t)
	if len(first.Locks) != 6 || first.Locks[0].What != "fingerprint" || first.Locks[1].Value != "oracle 1.0" {
		t.Fatalf("locks %v", first.Locks)
	}
	w.suite.Experiments[0].Cells = w.suite.Experiments[0].Cells[:3]
	for _, pinned := range w.build(t).Locks { // of fewer cells: their answers stay pinned as they were
		if !slices.Contains(first.Locks, pinned) {
			t.Errorf("%v is not among %v", pinned, first.Locks)
		}
	}
	w = small()
	w.predictor.scale = 0.5
	drifted := w.build(t)
	if drifted.Locks[2].What != first.Locks[2].What || drifted.Locks[2].Value == first.Locks[2].Value {
		t.Errorf("drift: %v against %v", drifted.Locks[2], first.Locks[2])
	}
}

func TestStateErrorStopsPlanning(t *testing.T) {
	w := small()
	w.state.err = errors.New("database is locked")
	if _, err := w.tryBuild(); err == nil || !strings.Contains(err.Error(), "database is locked") {
		t.Errorf("error %v", err)
	}
}

func TestHosts(t *testing.T) {
	for _, tc := range []struct {
		name, host string
		hosts      int
		nodes      string
	}{
		{"another target on the same machine waits", "", 1, "iidrrrgsdrrrgsj"},
		{"another machine does not", "node7", 2, "idrrrgsidrrrgsj"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld()
			e := w.experiment("two", []int{1}, []int{8, 16}, repeats(3, 3, 1), within10(metric.TTFT))
			e.Cells[1].Target = &spec.Component{Role: spec.RoleTarget, Kind: "fake", Name: "other",
				Attrs: spec.Attrs{"host": spec.StringValue(tc.host), "other": spec.BoolValue(true)}}
			p := w.build(t)
			if len(p.Hosts) != tc.hosts || kinds(p) != tc.nodes {
				t.Fatalf("hosts %v, graph %s; want %d and %s", p.Hosts, kinds(p), tc.hosts, tc.nodes)
			}
			if p.Deployments[0].Address+"#2" != p.Deployments[1].Address {
				t.Errorf("addresses %s and %s", p.Deployments[0].Address, p.Deployments[1].Address)
			}
			first := map[int32]int{}
			for id, n := range p.Graph.Nodes {
				if _, known := first[n.Deployment]; n.Kind == engine.NodeDeploy && !known {
					first[n.Deployment] = id
				}
			}
			waits := p.Graph.Nodes[first[1]].After[0]
			if onStop := p.Graph.Nodes[waits].Kind == engine.NodeStop; onStop != (tc.hosts == 1) {
				t.Errorf("the second deployment waits for a %s", p.Graph.Nodes[waits].Kind)
			}
			if ends := len(p.Graph.Nodes[len(p.Graph.Nodes)-1].After); ends != tc.hosts {
				t.Errorf("judging waits for %d nodes, want one per host", ends)
			}
		})
	}
}

func TestSamplingAtARequestRate(t *testing.T) {
	w := newWorld()
	e := w.experiment("open", []int{1}, []int{8}, repeats(3, 3, 1), within10(metric.TTFT))
	e.Cells[0].Load.Concurrency, e.Cells[0].Load.RequestRate = 0, metric.MustDecimal("2.5")
	if got, want := w.build(t).Cells[0].Cell.Sampling, (spec.Sampling{Requests: 150, Warmup: 25}); got != want {
		t.Errorf("sampling %+v, want a minute after ten seconds of warm-up: %+v", got, want)
	}
}

// A benchmark may size its runs itself; what the suite says comes first, and identities
// cover what it says alone.
func TestSamplingOfTheBenchmark(t *testing.T) {
	w := newWorld()
	e := w.experiment("sized", []int{1}, []int{8, 8, 8}, repeats(3, 3, 1), within10(metric.TTFT))
	for i := range e.Cells {
		e.Cells[i].Benchmark = &spec.Component{Role: spec.RoleBenchmark, Kind: "sized", Name: "own"}
	}
	e.Cells[1].Sampling.Requests = 100
	e.Cells[2].Sampling.Duration = time.Minute
	p := w.build(t)
	for i, want := range []spec.Sampling{
		{Requests: 400, Duration: 100 * time.Second, Warmup: 8},
		{Requests: 100, Warmup: 8},
		{Requests: 400, Duration: time.Minute, Warmup: 8},
	} {
		if got := p.Cells[i].Cell.Sampling; got != want {
			t.Errorf("cell %d: %+v, want %+v", i, got, want)
		}
		short := spec.Run{Result: spec.RunResult{Elapsed: want.Duration / 2, Seen: &spec.Observation{}}}
		in := p.Cells[i].Input()
		told := slices.ContainsFunc(verify.NewJudge(e).OfRun(&in, &short), func(f spec.Finding) bool { return f.Check == "short_window" })
		if told != (want.Duration > 0) {
			t.Errorf("cell %d: half of the window is told: %v", i, told)
		}
		if p.Cells[i].Measurement != e.Cells[i].MeasurementID() {
			t.Errorf("cell %d: the benchmark's size is part of the identity", i)
		}
	}
}

func TestRepeatsThatAllowNoRun(t *testing.T) {
	w := newWorld()
	w.experiment("none", []int{1}, []int{8}, spec.Repeats{}, within10(metric.TTFT))
	if _, err := w.tryBuild(); err == nil || !strings.Contains(err.Error(), "allow no run") {
		t.Errorf("error %v", err)
	}
}

func TestABenchmarkInAnImageNeedsATargetForIt(t *testing.T) {
	for _, able := range []bool{true, false} {
		w := newWorld()
		w.clients = able
		w.benchmark.Attrs = spec.Attrs{spec.AttrImage: spec.StringValue("bench:1")}
		w.experiment("e", []int{1}, []int{8}, spec.Repeats{Min: 3, Max: 3, Starts: 1})
		_, err := w.tryBuild()
		if (err == nil) != able || err != nil && !strings.Contains(err.Error(), "target.fake.local runs no images") {
			t.Errorf("able %t: %v", able, err)
		}
	}
}
