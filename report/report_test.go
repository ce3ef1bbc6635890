package report

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"aicv/catalog/fit"
	"aicv/engine"
	"aicv/internal/golden"
	"aicv/metric"
	"aicv/result"
	"aicv/spec"
	"aicv/verify"
)

// claims of the fixture: every form, with and without a share of cells.
func claims() []spec.Assert {
	relative := func(text string, subject metric.Name, form spec.ClaimForm, amount, quantile string) spec.Claim {
		return spec.Claim{Text: text, Subject: subject, Form: form, Amount: metric.MustDecimal(amount),
			Quantile: metric.MustDecimal(quantile), Reference: spec.ReferencePredicted}
	}
	return []spec.Assert{
		{Name: "accuracy", Severity: spec.AssertError, Claims: []spec.Claim{
			relative("throughput within 10%", metric.Throughput, spec.ClaimWithin, "0.1", "0"),
			relative("ttft at most 110% of predicted for 50% of cells", metric.TTFT, spec.ClaimAtMost, "1.1", "0.5"),
		}},
		{Name: "service", Severity: spec.AssertWarn, Claims: []spec.Claim{
			{Text: "error_rate == 0", Subject: metric.ErrorRate, Form: spec.ClaimCompare, Op: "=="},
		}},
	}
}

func component(role spec.Role, kind string) *spec.Component {
	return &spec.Component{Role: role, Kind: kind, Name: "x", Attrs: spec.Attrs{}}
}

// cellOf is a cell at a concurrency; the experiment's other axes are the same in all.
func cellOf(experiment string, concurrency int) spec.Cell {
	return spec.Cell{Experiment: experiment, Axes: []spec.Setting{
		{Name: "concurrency", Value: spec.IntValue(concurrency)}, {Name: "tensor_parallel", Value: spec.IntValue(4)}},
		Model: &spec.Model{ID: "org/model"}, Hardware: &spec.Hardware{System: "h200_sxm", GPUs: 8},
		Target: component(spec.RoleTarget, "process"), Runtime: component(spec.RoleRuntime, "sim"),
		Predictor: component(spec.RolePredictor, "recorded"), Benchmark: component(spec.RoleBenchmark, "loadgen"),
		Config: spec.NewConfiguration(spec.Setting{Name: spec.ItemTensorParallel, Value: spec.IntValue(4)}),
		Load:   spec.Load{Concurrency: concurrency, InputTokens: 1000, OutputTokens: 200}}
}

// runsAt makes runs whose figures are the base times each factor.
func runsAt(start int64, errors float64, factors ...float64) []spec.Run {
	runs := make([]spec.Run, len(factors))
	for i, f := range factors {
		runs[i] = spec.Run{Index: i + 1, Start: start, Result: spec.RunResult{Window: spec.WindowSteady, Requests: 200,
			Provenance: spec.Provenance{Tool: "aicv-loadgen", Version: "0.1"},
			Values:     metric.Values{{Metric: metric.ErrorRate, Value: errors}, {Metric: metric.Throughput, Value: 1234 * f}, {Metric: metric.TTFT, Value: 56.7 / f}}}}
	}
	return runs
}

// fixture is a plan of one experiment with a cell for every verdict.
func fixture() (*engine.Plan, map[spec.ID][]spec.Run, map[spec.ID]spec.Failure) {
	e := &spec.Experiment{Name: "scaling", Repeats: spec.Repeats{Min: 3, Max: 10, Starts: 1}, Asserts: claims()}
	p := &engine.Plan{ID: "plan", Suite: engine.SuiteInfo{Name: "a | suite `of` <b>cells</b>", OnUndecided: "fail"}, Experiments: []*spec.Experiment{e},
		Findings: []spec.Finding{{Check: "recorded_merged", Severity: spec.FindingNote, Message: "2 exact repeats were merged"}}}
	runs := map[spec.ID][]spec.Run{
		"good":  runsAt(1, 0, 1, 1.001, 0.999),
		"bad":   runsAt(1, 0.02, 0.5, 0.501, 0.499),
		"noisy": runsAt(1, 0, 0.9, 1.1, 1),
		"spoil": runsAt(1, 0, 1, 1, 1),
	}
	runs["bad"][0].Result.Findings = []spec.Finding{{Check: "littles_law", Severity: spec.FindingWarn, Message: "3.1 requests in flight, 4 were asked for", Metrics: []metric.Name{metric.Throughput}}}
	runs["spoil"][1].Result.Findings = []spec.Finding{{Check: "prefix_cache", Severity: spec.FindingSpoils, Message: "41 % of the prompts' tokens came from the cache | `x`", Metrics: []metric.Name{metric.TTFT}}}
	failures := map[spec.ID]spec.Failure{"dead": {Kind: spec.ErrConfiguration, Message: "out of memory\x1b[31m: use tensor_parallel = 8"}}
	for i, id := range []spec.ID{"good", "bad", "noisy", "spoil", "dead", "new"} {
		p.Cells = append(p.Cells, engine.PlannedCell{Cell: cellOf("scaling", 1<<i), Measurement: id,
			Prediction: spec.Prediction{Values: metric.Values{{Metric: metric.Throughput, Value: 1250}, {Metric: metric.TTFT, Value: 55}},
				Provenance: spec.Provenance{Tool: "sheet", Source: "predictions.csv:2"}}})
	}
	kv := func(dtype string) spec.Configuration {
		return spec.NewConfiguration(spec.Setting{Name: spec.ItemKVCacheQuant, Value: spec.StringValue(dtype)})
	}
	p.Cells[0].Assumed, p.Cells[0].Prediction.Modelled = kv("bfloat16"), kv("fp8")
	p.Cells[0].Fit = &fit.Result{Verdict: fit.Tight, Reasons: []fit.Reason{{Item: spec.ItemMemoryFraction, Why: "about 3 of 4 sequences run at once"}}}
	p.Cells[5].Prediction = spec.Prediction{Missing: "predictions.csv has no such point"}
	return p, runs, failures
}

// state answers what results ask for.
type state struct {
	engine.Reader
	runs     map[spec.ID][]spec.Run
	failures map[spec.ID]spec.Failure
	starts   map[spec.ID][]spec.ServerStart
}

func (s state) Runs(context.Context, []spec.ID) (map[spec.ID][]spec.Run, error) { return s.runs, nil }

func (s state) Failures(context.Context, []spec.ID) (map[spec.ID]spec.Failure, error) {
	return s.failures, nil
}

func (s state) Aborted(context.Context, []spec.ID) (map[spec.ID][]spec.Aborted, error) {
	return nil, nil
}

func (s state) Starts(context.Context, []spec.ID) (map[spec.ID][]spec.ServerStart, error) {
	return s.starts, nil
}

func built(t testing.TB, p *engine.Plan, runs map[spec.ID][]spec.Run, failures map[spec.ID]spec.Failure) *result.Result {
	t.Helper()
	cells := make([]verify.CellInput, len(p.Cells))
	for i := range p.Cells {
		c := &p.Cells[i]
		cells[i] = verify.CellInput{Address: c.Cell.Address(), Measurement: c.Measurement, Prediction: &c.Prediction, Runs: runs[c.Measurement], GPUsKnown: true}
		if f, failed := failures[c.Measurement]; failed {
			cells[i].Failure = &f
		}
	}
	start := spec.ServerStart{ID: 1, Number: 1, Argv: []string{"aicv", "serve", "sim"}, Elapsed: 1234567 * time.Microsecond, Ready: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC),
		Inventory: spec.Inventory{Host: "node7", Driver: "570.1", GPUs: []spec.GPU{{Index: 0, Name: "NVIDIA H200"}}},
		Effective: spec.NewConfiguration(spec.Setting{Name: spec.ItemTensorParallel, Value: spec.IntValue(4)})}
	s := state{runs: runs, failures: failures, starts: map[spec.ID][]spec.ServerStart{p.Cells[0].Cell.DeploymentID(): {start}}}
	r, err := result.Build(t.Context(), result.Input{Plan: p, Judgements: verify.JudgeExperiment(p.Experiments[0], cells), State: s})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func builtFixture(t testing.TB) *result.Result {
	t.Helper()
	p, runs, failures := fixture()
	return built(t, p, runs, failures)
}

func TestGolden(t *testing.T) {
	r := builtFixture(t)
	for name, write := range map[string]func(io.Writer) error{
		"report.txt":   func(w io.Writer) error { return Text(w, r, Options{Width: 100}) },
		"narrow.txt":   func(w io.Writer) error { return Text(w, r, Options{Width: 60, All: true}) },
		"coloured.txt": func(w io.Writer) error { return Text(w, r, Options{Width: 100, Color: true}) },
		"detail.txt":   func(w io.Writer) error { return Detail(w, r, Options{Width: 100}) },
		"report.md":    func(w io.Writer) error { return Markdown(w, r) },
		"report.csv":   func(w io.Writer) error { return CSV(w, r) },
		"report.xml":   func(w io.Writer) error { return JUnit(w, r) },
		"report.html":  func(w io.Writer) error { return HTML(w, r) },
		"report.json": func(w io.Writer) error {
			var compact, indented bytes.Buffer
			if err := JSON(&compact, r); err != nil {
				return err
			}
			if err := json.Indent(&indented, compact.Bytes(), "", "  "); err != nil {
				return err
			}
			_, err := indented.WriteTo(w)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := write(&b); err != nil {
				t.Fatal(err)
			}
			golden.Check(t, name, b.String())
		})
	}
}

var errFull = errors.New("no space left")

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

func TestWriteErrors(t *testing.T) {
	r := builtFixture(t)
	for name, err := range map[string]error{
		"text": Text(fullDisk{}, r, Options{}), "detail": Detail(fullDisk{}, r, Options{}),
		"markdown": Markdown(fullDisk{}, r), "json": JSON(fullDisk{}, r),
		"csv": CSV(fullDisk{}, r), "junit": JUnit(fullDisk{}, r), "html": HTML(fullDisk{}, r),
	} {
		if !errors.Is(err, errFull) {
			t.Errorf("%s on a full disk: %v", name, err)
		}
	}
}

func textOf(t *testing.T, r *result.Result, o Options) string {
	t.Helper()
	var b strings.Builder
	if err := Text(&b, r, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// many makes n cells that pass, but for the last, which fails.
func many(t testing.TB, n, runs int) *result.Result {
	p, _, _ := fixture()
	p.Cells = p.Cells[:0]
	stored := make(map[spec.ID][]spec.Run, n)
	factors := make([]float64, runs)
	for i := range n {
		for k := range factors {
			factors[k] = 1 + float64((i*7+k*5)%11)/2000
		}
		id := spec.ID(fmt.Sprintf("m%d", i))
		p.Cells = append(p.Cells, engine.PlannedCell{Cell: cellOf("scaling", i+1), Measurement: id,
			Prediction: spec.Prediction{Values: metric.Values{{Metric: metric.Throughput, Value: 1250}, {Metric: metric.TTFT, Value: 55}}}})
		stored[id] = runsAt(1, 0, factors...)
	}
	stored[p.Cells[n-1].Measurement] = runsAt(1, 0, 0.5, 0.5, 0.5)
	return built(t, p, stored, nil)
}

func TestManyCells(t *testing.T) {
	r := many(t, 40, 3)
	short := textOf(t, r, Options{})
	head := "✗  concurrency=40 "
	if at := strings.Index(short, "throughput within 10% (tokens/s/GPU)"); at < 0 || !strings.Contains(strings.Join(strings.Split(short[at:], "\n")[:3], "\n"), head) {
		t.Errorf("the worst cell does not come first:\n%s", short)
	}
	if !strings.Contains(short, "... and 30 more (30 pass); aicv report lists all") {
		t.Errorf("what is left out is not said:\n%s", short)
	}
	full := textOf(t, r, Options{All: true})
	for i := range 40 {
		if name := fmt.Sprintf(" concurrency=%d ", i+1); strings.Count(full, name) != 3 {
			t.Errorf("%q stands %d times, want once for each claim", name, strings.Count(full, name))
		}
	}
	if strings.Contains(full, "more (") {
		t.Error("All leaves something out")
	}
}

func TestWidth(t *testing.T) {
	for _, line := range strings.Split(textOf(t, builtFixture(t), Options{All: true}), "\n") {
		if n := utf8.RuneCountInString(line); n > 100 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}

// TestNothingHostileGetsThrough: control characters never reach a terminal, and
// Markdown and HTML in texts stay text.
func TestNothingHostileGetsThrough(t *testing.T) {
	r := builtFixture(t)
	hostile := "a\x1b[2Jb\x07\u202ec|d`e`<script>\r\nf"
	e := &r.Experiments[0]
	r.Suite.Name, e.Name, e.Claims[0].Text, e.Claims[0].Assert = hostile, hostile, hostile, hostile
	e.Cells[4].Verdicts[0].Reason, e.Cells[0].Verdicts[0].Marks, e.Cells[0].Findings = hostile, []string{hostile}, []spec.Finding{{Check: hostile, Message: hostile}}
	e.Cells[0].Axes[0].Value, e.Cells[0].Identity.Model = spec.StringValue(hostile), hostile
	e.Cells[0].Compared = hostileItem(hostile)
	e.Deployments[0].Starts[0].Argv, e.Deployments[0].Starts[0].Inventory.Host = []string{hostile}, hostile
	var detail, markdown strings.Builder
	if err := errors.Join(Detail(&detail, r, Options{}), Markdown(&markdown, r)); err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]string{"text": textOf(t, r, Options{All: true}), "detail": detail.String(), "markdown": markdown.String()} {
		if strings.ContainsAny(got, "\x1b\x07\r\u202e") {
			t.Errorf("%s lets control characters through", name)
		}
	}
	for _, line := range strings.Split(markdown.String(), "\n") {
		outside := removeCode(line)
		if strings.Contains(strings.ReplaceAll(outside, `\<`, ""), "<script") {
			t.Errorf("HTML gets through: %s", line)
		}
		if strings.HasPrefix(line, "| ") && strings.Count(strings.ReplaceAll(line, `\|`, ""), "|") != columnsAbove(markdown.String(), line) {
			t.Errorf("a pipe breaks the table: %s", line)
		}
	}
}

// hostileItem is an item whose every side would break out of a format.
func hostileItem(text string) []spec.Comparison {
	return []spec.Comparison{{Item: text, Requested: spec.StringValue(text), Assumed: spec.StringValue(text), Effective: spec.StringValue(text), Modelled: spec.StringValue(text),
		RequestedEffective: spec.AgreeDifferent, EffectiveModelled: spec.AgreeUnknown, RequestedModelled: spec.AgreeUnknown}}
}

// removeCode takes out code spans, which begin and end with the same fence.
func removeCode(line string) string {
	for fence := "```"; fence != ""; fence = fence[1:] {
		for {
			before, rest, found := strings.Cut(line, fence+" ")
			_, after, closed := strings.Cut(rest, " "+fence)
			if !found || !closed {
				break
			}
			line = before + after
		}
	}
	return line
}

// columnsAbove counts the pipes of the table's rule above a row.
func columnsAbove(document, row string) int {
	pipes := 0
	for _, line := range strings.Split(document, "\n") {
		if strings.HasPrefix(line, "| ---") {
			pipes = strings.Count(line, "|")
		}
		if line == row {
			if pipes == 0 { // a head: the rule follows
				return strings.Count(strings.ReplaceAll(row, `\|`, ""), "|")
			}
			return pipes
		}
		if line == "" {
			pipes = 0
		}
	}
	return pipes
}

func TestCode(t *testing.T) {
	for text, want := range map[string]string{"ttft < 2s": "`ttft < 2s`", "a|b": "`a\\|b`", "a`b": "`` a`b ``", "a``b`c": "``` a``b`c ```"} {
		if got := code(text); got != want {
			t.Errorf("code(%q) = %s, want %s", text, got, want)
		}
	}
}

func TestEscape(t *testing.T) {
	if got, want := escape("a|b `c` <d> *e* _f_ [g](h) \\ #i\n~j"), "a\\|b \\`c\\` \\<d\\> \\*e\\* \\_f\\_ \\[g\\](h) \\\\ \\#i \\~j"; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// BenchmarkJSON10000 writes 10,000 cells of 3 runs and 3 claims; the aim is 1 s.
func BenchmarkJSON10000(b *testing.B) {
	r := many(b, 10_000, 3)
	b.ReportAllocs()
	for b.Loop() {
		if err := JSON(io.Discard, r); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkText10000 writes them for people, all of them.
func BenchmarkText10000(b *testing.B) {
	r := many(b, 10_000, 3)
	for b.Loop() {
		if err := Text(io.Discard, r, Options{All: true}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkBuild10000 joins the result itself, with its judging.
func BenchmarkBuild10000(b *testing.B) {
	for b.Loop() {
		many(b, 10_000, 3)
	}
}

// A command is shown as a shell would take it; of an address that is not known any more
// that is said.
func TestArgv(t *testing.T) {
	for want, start := range map[string]spec.ServerStart{
		"argv: serve --port 8000 '{\"a b\": 1}' ''":                                                 {Argv: []string{"serve", "--port", "8000", `{"a b": 1}`, ""}},
		"argv (host and port were the target's choice and are not known any more): serve HOST:PORT": {Argv: []string{"serve", spec.HostPlaceholder + ":" + spec.PortPlaceholder}},
		"argv of the first of 2 replicas, which differ in their addresses: serve":                   {Argv: []string{"serve"}, Server: spec.Server{Replicas: make([]spec.Server, 2)}},
	} {
		if got := argvWords(&start) + ": " + argvLine(start.Argv); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
