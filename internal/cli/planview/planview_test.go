package planview

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"aicv/engine"
	"aicv/internal/golden"
	"aicv/internal/tty"
	"aicv/metric"
	"aicv/spec"
)

// axes writes a cell's axes; its configuration has the parallel size.
func cell(experiment string, action engine.Action, tp, concurrency int, figures ...float64) engine.PlannedCell {
	c := engine.PlannedCell{Action: action, Deployment: -1, Looks: []int{3, 5, 10}, Measurement: spec.ID(fmt.Sprintf("m%d-%d", tp, concurrency))}
	c.Cell = spec.Cell{Experiment: experiment, Source: spec.FromMatrix,
		Axes:     []spec.Setting{{Name: "concurrency", Value: spec.IntValue(concurrency)}, {Name: "tensor_parallel", Value: spec.IntValue(tp)}},
		Sampling: spec.Sampling{Requests: 20 * concurrency}}
	names := []metric.Name{metric.Throughput, metric.TPOT, metric.TTFT}
	for i, v := range figures {
		c.Prediction.Values = append(c.Prediction.Values, metric.Value{Metric: names[i], Value: v})
	}
	return c
}

func claim(subject metric.Name) spec.Claim {
	return spec.Claim{Text: string(subject) + " within 10%", Subject: subject, Form: spec.ClaimWithin}
}

// sample is a plan in which every part has something to show.
func sample() *engine.Plan {
	p := &engine.Plan{
		ID: "0123", Suite: engine.SuiteInfo{Name: "sample", InputHash: "abc"}, StateRevision: 7,
		Experiments: []*spec.Experiment{
			{Name: "scaling", Asserts: []spec.Assert{{Name: "accuracy", Claims: []spec.Claim{claim(metric.Throughput), claim(metric.TTFT)}}}},
			{Name: "again", Asserts: []spec.Assert{{Name: "error", Claims: []spec.Claim{{Text: "error_rate == 0", Subject: metric.ErrorRate}}}}},
		},
		Deployments: []engine.Deployment{
			{ID: "d1", Address: `deployment.sim.fast.llama["tensor_parallel=1"]`, Cells: []int{0, 1}, Starts: 1, GPUs: 1,
				Cost: engine.Cost{RunsMin: 5, RunsMax: 17, TimeMin: 250 * time.Second, TimeMax: 850 * time.Second, GPUHoursMin: 0.0694, GPUHoursMax: 0.236}},
			{ID: "d2", Address: `deployment.sim.fast.llama["tensor_parallel=2"]`, Cells: []int{2}, Starts: 3, GPUs: 2, Cost: engine.Cost{RunsMin: 3, RunsMax: 10, Unknown: 1}},
		},
		Gone: []engine.GoneCell{{Measurement: "g1", Address: `experiment.old["concurrency=1"]`, Runs: 3}, {Measurement: "g2", Runs: 1}},
		Undecidable: []engine.Undecidable{{Cell: "a", Claims: []string{"ttft_p99 within 10%"}, Why: "the prediction gives no ttft_p99"}, {Cell: "b", Claims: []string{"ttft_p99 within 10%"}, Why: "the prediction gives no ttft_p99"}, {Cell: `experiment.again["concurrency=8"]`, Claims: []string{"goodput > 1"}, Why: "goodput needs an slo"},
			{Cell: `experiment.scaling["concurrency=8"]`, Claims: []string{"throughput within 10%", "ttft within 10%", "tpot within 10%", "latency within 10%", "user_throughput within 10%"}, Why: "no prediction: no such point"}},
		Findings: []spec.Finding{{Check: "repeats", Severity: spec.FindingNote, Message: "benchmark.recorded.data: 12 rows repeat earlier ones exactly and were merged into them, so that each counts once"}},
		Locks:    []engine.LockEntry{{Name: "predictor.recorded.aic", What: "version", Value: "1"}},
		Cost:     engine.Cost{RunsMin: 8, RunsMax: 27, TimeMin: 250 * time.Second, TimeMax: 850 * time.Second, GPUHoursMin: 0.0694, GPUHoursMax: 0.236, Unknown: 1},
	}
	p.Cells = []engine.PlannedCell{
		cell("scaling", engine.ActionNew, 1, 8, 1234.5, 12.34, 98.7),
		cell("scaling", engine.ActionContinue, 1, 32, 812.5, 20.1, 1250),
		cell("scaling", engine.ActionNew, 2, 8),
		cell("scaling", engine.ActionKept, 2, 32, 412.25, 9.5, 0.5),
		cell("scaling", engine.ActionRejudge, 4, 8, 100, 9, 50),
		cell("scaling", engine.ActionNew, 4, 32, 100, 9, 50),
		cell("again", engine.ActionRerun, 1, 8, 1234.5, 12.34, 98.7),
	}
	for i, why := range []string{"never measured", "2 runs of at most 10 are there", "never measured", "decided after 3 runs",
		"its claims, guards or prediction changed since it was judged", "never measured", "asked for by --rerun; 3 runs set aside"} {
		p.Cells[i].Why, p.Cells[i].MeasuredBy = why, i
	}
	for i, runs := range [][3]int{{0, 3, 10}, {2, 1, 8}, {0, 3, 10}, {3, 0, 0}, {10, 0, 0}, {0, 3, 10}, {0, 3, 3}} {
		p.Cells[i].Have, p.Cells[i].RunsMin, p.Cells[i].RunsMax = runs[0], runs[1], runs[2]
	}
	p.Cells[5].Excluded = true
	p.Cells[6].Experiment, p.Cells[6].MeasuredBy = 1, 0
	p.Cells[0].Deployment, p.Cells[1].Deployment, p.Cells[2].Deployment = 0, 0, 1
	p.Cells[2].Prediction.Missing = "no such point"
	return p
}

func written(t *testing.T, p *engine.Plan, o Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := Text(&b, p, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestText(t *testing.T) {
	golden.Check(t, "sample.txt", written(t, sample(), Options{}))
	golden.Check(t, "verbose.txt", written(t, sample(), Options{Verbose: true, Width: 60}))
	golden.Check(t, "color.txt", written(t, sample(), Options{Color: true}))
}

func TestTextWithoutChanges(t *testing.T) {
	p := sample()
	p.Cells = p.Cells[3:4]
	p.Cells[0].MeasuredBy = 0
	p.Deployments, p.Gone, p.Undecidable, p.Findings, p.Cost = nil, nil, nil, nil, engine.Cost{}
	golden.Check(t, "unchanged.txt", written(t, p, Options{}))
}

// long has 10,000 cells in 100 experiments, each with a claim of its own.
func long() *engine.Plan {
	p := &engine.Plan{}
	for e := range 100 {
		p.Experiments = append(p.Experiments, &spec.Experiment{Name: fmt.Sprintf("e%d", e)})
		for i := range 100 {
			c := cell(fmt.Sprintf("e%d", e), engine.ActionNew, 1, i+1, 100, 10, 50)
			c.Experiment, c.Why, c.RunsMin, c.RunsMax, c.MeasuredBy = e, "never measured", 3, 10, len(p.Cells)
			p.Cells = append(p.Cells, c)
			p.Gone = append(p.Gone, engine.GoneCell{Address: fmt.Sprintf("gone-%d", len(p.Cells)), Runs: 1})
		}
	}
	return p
}

func TestLongPlansAreShortened(t *testing.T) {
	p := long()
	short := written(t, p, Options{})
	golden.Check(t, "long.txt", short)
	if lines := strings.Count(short, "\n"); lines > 120 {
		t.Errorf("%d lines", lines)
	}
	all := written(t, p, Options{All: true})
	for i := range p.Cells {
		if key := "      " + p.Cells[i].Cell.Key() + " "; !strings.Contains(all, key) {
			t.Fatalf("--all leaves out %q", key)
		}
	}
	if n := strings.Count(all, "3..10"); n != len(p.Cells) {
		t.Errorf("--all lists %d cells, want %d", n, len(p.Cells))
	}
	if d := Document(p); len(d.Cells) != len(p.Cells) || len(d.Gone) != len(p.Gone) {
		t.Error("the document is not complete")
	}
}

func TestDocument(t *testing.T) {
	data, err := json.MarshalIndent(Document(sample()), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "sample.json", string(data)+"\n")
}

// Texts of files and tools never reach the terminal's controls.
func TestNothingHostileGetsThrough(t *testing.T) {
	hostile := "a\x1b[2Jb\x07\u202ec\rd"
	p := sample()
	p.Cells[0].Cell.Axes[0].Value, p.Cells[0].Why = spec.StringValue(hostile), hostile
	p.Deployments[0].Address, p.Gone[0].Address = hostile, hostile
	p.Undecidable[0].Cell, p.Undecidable[0].Claims[0], p.Undecidable[0].Why = hostile, hostile, hostile
	p.Findings[0].Message = hostile
	if got := written(t, p, Options{All: true}); strings.ContainsFunc(strings.ReplaceAll(got, "\n", ""), tty.Unsafe) || !strings.Contains(got, "ab") {
		t.Errorf("%q", got)
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestTextReportsWriteErrors(t *testing.T) {
	if err := Text(brokenWriter{}, sample(), Options{}); err == nil {
		t.Error("a write error is lost")
	}
}

func TestFormats(t *testing.T) {
	for want, got := range map[string]string{
		"850ms": duration(850 * time.Millisecond), "42s": duration(42 * time.Second), "4m10s": duration(250 * time.Second),
		"3h05m": duration(3*time.Hour + 5*time.Minute), "2d04h": duration(52 * time.Hour), "1m00s": duration(59600 * time.Millisecond),
		"1,235": number(1234.5, metric.Milliseconds), "12.3": number(12.34, metric.Milliseconds), "0.50": number(0.5, metric.Milliseconds),
		"12.5%": number(0.125, metric.Share), "1e+20": number(1e20, metric.Milliseconds),
		"<0.01": hours(0.001), "0.00": hours(0),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// Rows that are not the matrix's own say where they come from.
func TestOrigins(t *testing.T) {
	p := sample()
	predictor := &spec.Component{Role: spec.RolePredictor, Kind: "exec", Name: "own"}
	p.Experiments[0].PointsFrom = &spec.Component{Role: spec.RoleBenchmark, Kind: "recorded", Name: "h200"}
	p.Cells[0].Cell.Source, p.Cells[0].Cell.Predictor = spec.FromRecommended, predictor
	p.Cells[1].Cell.Source = spec.FromPoints
	got := written(t, p, Options{})
	for _, want := range []string{"recommended by predictor.exec.own", " points of benchmark.recorded.h200\n", " matrix\n", " from\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if d := Document(p); d.Cells[0].From != "recommended by predictor.exec.own" || d.Cells[1].From != "points of benchmark.recorded.h200" || d.Cells[2].From != "matrix" {
		t.Errorf("%+v", d.Cells)
	}
	for i := range p.Cells {
		p.Cells[i].Cell.Source = spec.FromPoints
	}
	if got := written(t, p, Options{}); !strings.Contains(got, "experiment.scaling: 6 cells, points of benchmark.recorded.h200\n") || strings.Contains(got, "from\n") {
		t.Errorf("what all cells have in common needs no column\n%s", got)
	}
	if strings.Contains(written(t, sample(), Options{}), "from\n") {
		t.Error("a matrix alone needs no column")
	}
}
