package result

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"aicv/engine"
	"aicv/metric"
	"aicv/spec"
	"aicv/verify"
)

// fakeState answers from maps; what it is not asked for, it does not have.
type fakeState struct {
	engine.Reader
	runs     map[spec.ID][]spec.Run
	failures map[spec.ID]spec.Failure
	aborted  map[spec.ID][]spec.Aborted
	starts   map[spec.ID][]spec.ServerStart
	broken   string // the question that fails
	asked    []spec.ID
}

func (s *fakeState) Runs(_ context.Context, ids []spec.ID) (map[spec.ID][]spec.Run, error) {
	s.asked = append(s.asked, ids...)
	return s.runs, s.fail("runs")
}

func (s *fakeState) Failures(context.Context, []spec.ID) (map[spec.ID]spec.Failure, error) {
	return s.failures, s.fail("failures")
}

func (s *fakeState) Aborted(context.Context, []spec.ID) (map[spec.ID][]spec.Aborted, error) {
	return s.aborted, s.fail("aborted")
}

func (s *fakeState) Starts(context.Context, []spec.ID) (map[spec.ID][]spec.ServerStart, error) {
	return s.starts, s.fail("starts")
}

var errBroken = errors.New("disk gone")

func (s *fakeState) fail(question string) error {
	if s.broken == question {
		return errBroken
	}
	return nil
}

func cellAt(experiment string, concurrency int) spec.Cell {
	return spec.Cell{Experiment: experiment, Axes: []spec.Setting{{Name: "concurrency", Value: spec.IntValue(concurrency)}},
		Source: spec.FromMatrix, Model: &spec.Model{Name: "m", ID: "org/model"}, Hardware: &spec.Hardware{System: "h100_sxm", GPUs: 8},
		Target:    &spec.Component{Role: spec.RoleTarget, Kind: "process", Name: "default"},
		Runtime:   &spec.Component{Role: spec.RoleRuntime, Kind: "sim", Name: "s", Attrs: spec.Attrs{"version": spec.StringValue("0.1")}},
		Predictor: &spec.Component{Role: spec.RolePredictor, Kind: "recorded", Name: "p"},
		Benchmark: &spec.Component{Role: spec.RoleBenchmark, Kind: "loadgen", Name: "default"},
		Config:    spec.NewConfiguration(spec.Setting{Name: spec.ItemTensorParallel, Value: spec.IntValue(2)}),
		Load:      spec.Load{Concurrency: concurrency, InputTokens: 100, OutputTokens: 10}}
}

func runsOf(start int64, values ...float64) []spec.Run {
	runs := make([]spec.Run, len(values))
	for i, v := range values {
		runs[i] = spec.Run{Index: i + 1, Start: start, Result: spec.RunResult{Window: spec.WindowSteady, Requests: 50,
			Values: metric.Values{{Metric: "ttft", Value: v}, {Metric: "ttft_p50", Value: v}, {Metric: "ttft_p90", Value: v}}}}
	}
	return runs
}

// suite is a plan of two experiments: two cells, and one that shares the first's measurement.
func suite() (*engine.Plan, *fakeState) {
	claims := []spec.Claim{
		{Text: "ttft within 10%", Subject: metric.TTFT, Form: spec.ClaimWithin, Amount: metric.MustDecimal("0.1"), Reference: spec.ReferencePredicted},
		{Text: "ttft_p90 < 1s", Subject: "ttft_p90", Form: spec.ClaimCompare, Op: "<", Amount: metric.MustDecimal("1000")},
	}
	of := func(name string) *spec.Experiment {
		return &spec.Experiment{Name: name, Repeats: spec.Repeats{Min: 3, Max: 5, Starts: 1}, SLO: spec.SLO{{Metric: metric.TTFT, Quantity: metric.MustDecimal("1000")}},
			Asserts: []spec.Assert{{Name: "accuracy", Severity: spec.AssertError, Claims: claims}}}
	}
	prediction := spec.Prediction{Values: metric.Values{{Metric: "tpot", Value: 7}, {Metric: "tpot_p99", Value: 9}, {Metric: "ttft", Value: 100}},
		Provenance: spec.Provenance{Tool: "sheet", Version: "2"}, Findings: []spec.Finding{{Check: "skew", Severity: spec.FindingWarn, Message: "old"}}}
	p := &engine.Plan{ID: "plan", StateRevision: 4, Suite: engine.SuiteInfo{Name: "suite", InputHash: "hash", OnUndecided: "fail"},
		Experiments: []*spec.Experiment{of("one"), of("two")}, Gone: make([]engine.GoneCell, 3),
		Findings: []spec.Finding{{Check: "plan", Severity: spec.FindingNote, Message: "merged"}},
		Cells: []engine.PlannedCell{
			{Cell: cellAt("one", 1), Measurement: "m1", Experiment: 0, Prediction: prediction},
			{Cell: cellAt("two", 1), Measurement: "m1", Experiment: 1, Prediction: prediction},
			{Cell: cellAt("one", 2), Measurement: "m2", Experiment: 0, Prediction: spec.Prediction{Missing: "not in the sheet"}, Excluded: true},
		}}
	runs := runsOf(9, 99, 100, 101, 100)
	runs[1].Result.Findings = []spec.Finding{{Check: "drift", Severity: spec.FindingWarn, Message: "faster"}}
	runs[2].Result.Findings = runs[1].Result.Findings
	c := cellAt("one", 1)
	s := &fakeState{runs: map[spec.ID][]spec.Run{"m1": runs},
		failures: map[spec.ID]spec.Failure{"m2": {Kind: spec.ErrInfrastructure, Message: "no host"}},
		starts:   map[spec.ID][]spec.ServerStart{c.DeploymentID(): {{ID: 9, Number: 1, Argv: []string{"serve"}}}}}
	return p, s
}

// judge is what the engine's judge node does.
func judge(p *engine.Plan, s *fakeState) []spec.Judgement {
	var all []spec.Judgement
	for i, e := range p.Experiments {
		var cells []verify.CellInput
		for k := range p.Cells {
			c := &p.Cells[k]
			if c.Experiment != i {
				continue
			}
			in := verify.CellInput{Address: c.Cell.Address(), Measurement: c.Measurement, Prediction: &c.Prediction, Runs: s.runs[c.Measurement]}
			if f, failed := s.failures[c.Measurement]; failed {
				in.Failure = &f
			}
			cells = append(cells, in)
		}
		all = append(all, verify.JudgeExperiment(e, cells)...)
	}
	return all
}

func build(t *testing.T) *Result {
	t.Helper()
	p, s := suite()
	r, err := Build(t.Context(), Input{Plan: p, Judgements: judge(p, s), State: s})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestBuild(t *testing.T) {
	r := build(t)
	if r.Suite.Name != "suite" || r.Suite.Plan != "plan" || r.Suite.StateRevision != 4 || r.Gone != 3 || len(r.Findings) != 1 || r.FormatVersion != FormatVersion {
		t.Errorf("suite %+v, gone %d, findings %v", r.Suite, r.Gone, r.Findings)
	}
	want := Totals{Cells: 3, Measured: 2, Runs: 4, Claims: map[spec.Verdict]int{spec.VerdictNoData: 2, spec.VerdictPass: 2}}
	if diff := cmp.Diff(want, r.Totals); diff != "" {
		t.Errorf("totals (-want +got):\n%s", diff)
	}
	if r.ExitCode != 4 || r.Standing != StandingUndecided {
		t.Errorf("exit code %d, %s", r.ExitCode, r.Standing)
	}
	one := r.Experiments[0]
	if diff := cmp.Diff([]int{3, 5}, one.Repeats.Looks); diff != "" || !slices.Equal(one.Repeats.Levels, []float64{0.96, 0.94}) || one.SLO[0].Metric != metric.TTFT {
		t.Errorf("repeats %+v, slo %v", one.Repeats, one.SLO)
	}
	if len(one.Cells) != 2 || len(one.Claims) != 2 || len(r.Experiments[1].Cells) != 1 {
		t.Fatalf("%d cells, %d claims, %d cells", len(one.Cells), len(one.Claims), len(r.Experiments[1].Cells))
	}
	if c := one.Claims[0]; c.Text != "ttft within 10%" || c.Unit != metric.Milliseconds || c.Assert != "accuracy" || c.Counts[spec.VerdictPass] != 1 {
		t.Errorf("claim %+v", c)
	}
}

func TestCell(t *testing.T) {
	c := build(t).Experiments[0].Cells[0]
	if c.Address != `experiment.one["concurrency=1"]` || c.Key != "concurrency=1" || c.Deployment == "" || c.Excluded {
		t.Errorf("%+v", c)
	}
	id := Identity{Model: "org/model", System: "h100_sxm", GPUs: 2, Runtime: "sim", Version: "0.1", Target: "target.process.default",
		Benchmark: "benchmark.loadgen.default", Predictor: "predictor.recorded.p"}
	if diff := cmp.Diff(id, c.Identity); diff != "" {
		t.Errorf("identity (-want +got):\n%s", diff)
	}
	if len(c.Runs) != 4 || c.Runs[3].Index != 4 || c.Runs[0].Start != 9 || c.Runs[0].Requests != 50 {
		t.Errorf("runs %+v", c.Runs)
	}
	if len(c.Findings) != 2 || c.Findings[0].Check != "skew" || c.Findings[1].Check != "drift" {
		t.Errorf("findings %v, want the prediction's and the runs', each once", c.Findings)
	}
	if v := c.Verdict(0); v == nil || v.Verdict != spec.VerdictPass || v.Evidence.Runs != 3 {
		t.Errorf("verdict %+v", v)
	}
	if c.Verdict(2) != nil || c.Verdict(1).Claim != 1 {
		t.Error("verdicts stand under the wrong claim")
	}
}

func TestFigures(t *testing.T) {
	r := build(t)
	c := r.Experiments[0].Cells[0]
	byName := map[metric.Name]*Figure{}
	for i := range c.Figures {
		byName[c.Figures[i].Metric] = &c.Figures[i]
	}
	if f := byName["ttft"]; f == nil || f.Measured != 100 || f.Runs != 3 || *f.Predicted != 100 || f.Low == nil || f.Measurable() == nil {
		t.Errorf("ttft %+v", f)
	}
	if f := byName["tpot"]; f == nil || !f.Unmeasured || *f.Predicted != 7 || f.Measurable() != nil {
		t.Errorf("tpot, predicted alone: %+v", f)
	}
	if f := byName["tpot_p99"]; f == nil || !f.Unmeasured {
		t.Errorf("a predicted percentile: %+v", f)
	}
	if byName["ttft_p90"] == nil || byName["ttft_p50"] != nil {
		t.Error("of the percentiles only the claimed ones are figures")
	}
	if other := r.Experiments[0].Cells[1]; len(other.Figures) != 0 || other.Failure == nil || other.Prediction.Missing == "" || !other.Excluded {
		t.Errorf("the cell without data: %+v", other)
	}
}

// The GPUs behind an endpoint are what it says, whatever hardware is declared.
func TestGPUsOfAnEndpoint(t *testing.T) {
	p, s := suite()
	target := &spec.Component{Role: spec.RoleTarget, Kind: "endpoint", Name: "there", Attrs: spec.Attrs{spec.AttrGPUs: spec.IntValue(4)}}
	p.Cells[0].Cell.Target, p.Cells[0].Cell.Hardware = target, nil
	p.Cells[1].Cell.Target = target
	r, err := Build(t.Context(), Input{Plan: p, State: s})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		if got := r.Experiments[i].Cells[0].Identity.GPUs; got != 4 {
			t.Errorf("%s: %d GPUs, want 4", r.Experiments[i].Cells[0].Address, got)
		}
	}
}

func TestDeployments(t *testing.T) {
	e := build(t).Experiments[0]
	if len(e.Deployments) != 1 || e.Deployments[0].Cells != 2 || len(e.Deployments[0].Starts) != 1 || e.Deployments[0].ID != e.Cells[0].Deployment {
		t.Errorf("%+v", e.Deployments)
	}
	p, s := suite()
	for i := range p.Cells {
		p.Cells[i].Cell.Target = nil // recorded data
	}
	r, err := Build(t.Context(), Input{Plan: p, State: s})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Experiments[0].Deployments) != 0 || r.Experiments[0].Cells[0].Deployment != "" {
		t.Errorf("recorded data has deployments: %+v", r.Experiments[0].Deployments)
	}
}

func TestSelect(t *testing.T) {
	r := build(t)
	picked := Select(r, map[string]bool{`experiment.one["concurrency=2"]`: true})
	if len(picked.Experiments) != 1 || len(picked.Experiments[0].Cells) != 1 || picked.Experiments[0].Cells[0].Key != "concurrency=2" {
		t.Fatalf("%+v", picked.Experiments)
	}
	if picked.Experiments[0].Deployments[0].Cells != 1 || len(picked.Experiments[0].Claims) != 2 {
		t.Errorf("%+v", picked.Experiments[0])
	}
	if len(r.Experiments) != 2 || len(r.Experiments[0].Cells) != 2 || r.Experiments[0].Deployments[0].Cells != 2 {
		t.Error("the whole result changed")
	}
	if none := Select(r, nil); len(none.Experiments) != 0 {
		t.Errorf("nothing selected gives %d experiments", len(none.Experiments))
	}
}

func TestStanding(t *testing.T) {
	p, s := suite()
	all := judge(p, s)
	with := func(edit func(*spec.Judgement)) Standing {
		edited := append([]spec.Judgement(nil), all...)
		for i := range edited {
			if edited[i].Cell == "" {
				edit(&edited[i])
			}
		}
		r, err := Build(t.Context(), Input{Plan: p, Judgements: edited, State: s})
		if err != nil {
			t.Fatal(err)
		}
		return r.Standing
	}
	for _, test := range []struct {
		name string
		edit func(*spec.Judgement)
		want Standing
	}{
		{"all pass", func(j *spec.Judgement) { j.Verdict = spec.VerdictPass }, StandingPass},
		{"one fails", func(j *spec.Judgement) {
			if j.Verdict = spec.VerdictPass; j.Experiment == "two" {
				j.Verdict = spec.VerdictFail
			}
		}, StandingFail},
		{"one undecided", func(j *spec.Judgement) {
			if j.Verdict = spec.VerdictPass; j.Experiment == "one" {
				j.Verdict = spec.VerdictInconclusive
			}
		}, StandingUndecided},
		{"none gates", func(j *spec.Judgement) { j.Severity, j.Verdict = spec.AssertWarn, spec.VerdictFail }, StandingNoClaims},
	} {
		if got := with(test.edit); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

func TestBuildErrors(t *testing.T) {
	for _, question := range []string{"runs", "failures", "aborted", "starts"} {
		p, s := suite()
		s.broken = question
		if _, err := Build(t.Context(), Input{Plan: p, State: s}); !errors.Is(err, errBroken) {
			t.Errorf("%s can not be read: %v", question, err)
		}
	}
	p, s := suite()
	for _, stray := range []spec.Judgement{{Experiment: "three"}, {Experiment: "one", Cell: "nowhere"}} {
		if _, err := Build(t.Context(), Input{Plan: p, Judgements: []spec.Judgement{stray}, State: s}); err == nil {
			t.Errorf("a judgement of %+v is lost without a word", stray)
		}
	}
	if _, err := Build(t.Context(), Input{Plan: p}); err != nil {
		t.Errorf("without a state: %v", err)
	}
}

func TestMeasurementsAreAskedOnce(t *testing.T) {
	p, s := suite()
	if _, err := Build(t.Context(), Input{Plan: p, State: s}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]spec.ID{"m1", "m2"}, s.asked); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestResultIsJSON: any verdict can be written, odd figures included.
func TestResultIsJSON(t *testing.T) {
	p, s := suite()
	s.runs["m2"] = runsOf(9, 1e308, 1.2e308, 1.7e308)
	p.Cells[2].Prediction = spec.Prediction{Values: metric.Values{{Metric: "ttft", Value: math.SmallestNonzeroFloat64}}}
	r, err := Build(t.Context(), Input{Plan: p, Judgements: judge(p, s), State: s})
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var back map[string]json.RawMessage
	if err := json.Unmarshal(data, &back); err != nil || string(back["format_version"]) != fmt.Sprintf("%q", FormatVersion) {
		t.Errorf("%v: %s", err, back["format_version"])
	}
}

// An attempt that was cut short is shown with its reason, and counts as no run.
func TestAborted(t *testing.T) {
	p, s := suite()
	s.aborted = map[spec.ID][]spec.Aborted{"m2": {{Index: 3, Requests: 7, Warmup: 2, Failed: 1, Why: "it took too long", Source: "folder"}}}
	r, err := Build(t.Context(), Input{Plan: p, Judgements: judge(p, s), State: s})
	if err != nil {
		t.Fatal(err)
	}
	bare := build(t)
	c := &r.Experiments[0].Cells[1]
	if c.Measurement != "m2" || len(c.Aborted) != 1 || len(c.Runs) > 0 || r.Totals.Runs != bare.Totals.Runs || r.Standing != bare.Standing {
		t.Errorf("%+v, %+v", c, r.Totals)
	}
	found := c.Findings[len(c.Findings)-1]
	if found.Check != "aborted_run" || found.Severity != spec.FindingNote ||
		found.Message != "an attempt at run 3 was cut short, what it measured is kept and not judged: 7 requests ended, 2 of them to warm up, 1 failed (folder): it took too long" {
		t.Errorf("%+v", found)
	}
}
