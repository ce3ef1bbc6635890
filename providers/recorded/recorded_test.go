package recorded

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"aicv/metric"
	"aicv/spec"
)

func setting(name, text string) spec.Setting {
	return spec.Setting{Name: name, Value: spec.StringValue(text)}
}

func TestPredict(t *testing.T) {
	p := predictorOf(t, header+"1,8,100,11,20,5\n2,8,100,11,12.5,3\n", spec.Attrs{
		"tool": spec.StringValue("aiconfigurator"), "version": spec.StringValue("0.12.0"), "database": spec.StringValue("0.24.0")})
	answers := predict(t, p, point(2, 8), point(1, 8))
	want := spec.Prediction{
		Values:     valuesOf(t, map[metric.Name]float64{metric.TTFT: 12.5, metric.TPOT: 3}),
		Modelled:   spec.NewConfiguration(spec.Setting{Name: spec.ItemTensorParallel, Value: spec.NumberValue("2")}),
		Provenance: spec.Provenance{Tool: "aiconfigurator", Version: "0.12.0", Database: "0.24.0", Source: "p.csv:3"},
		Findings: []spec.Finding{{Check: "recorded_unsaid", Severity: spec.FindingNote,
			Message: "p.csv: it does not say of which model, system or runtime its figures are; the suite's are assumed"}},
	}
	if diff := cmp.Diff(want, answers[0]); diff != "" {
		t.Errorf("answer (-want +got)\n%s", diff)
	}
	if got := answers[1].Provenance.Source; got != "p.csv:2" {
		t.Errorf("the second answer comes from %s", got)
	}
}

// TestMatching: only rows that equal the point answer it, and why there is none is said.
func TestMatching(t *testing.T) {
	match := texts("model", "model", "tensor_parallel", "tp", "concurrency", "conc", "memory_fraction", "mem", "chunked_prefill", "chunked", "kv_cache_quant", "kv")
	content := "model,tp,conc,mem,chunked,kv,ttft_ms\n" +
		"a,,8,0.90,True,,1\n" +
		"a,2,8,,,fp8,2\n" +
		"b,4.0,16,,false,fp8,3\n" +
		"b,4,32,,false,fp8,4\n"
	p := predictorOf(t, content, spec.Attrs{"match": match, "metric": metrics("ttft", "ttft_ms", "ms"),
		"fixed": texts("input_tokens", "100", "output_tokens", "11", "dtype", "bfloat16")})
	of := func(model string, p spec.Point) spec.Point {
		p.ModelID = model
		return p
	}
	mem := spec.Setting{Name: spec.ItemMemoryFraction, Value: spec.NumberValue("0.9")}
	chunked := func(on bool) spec.Setting {
		return spec.Setting{Name: spec.ItemChunkedPrefill, Value: spec.BoolValue(on)}
	}
	fp8 := setting(spec.ItemKVCacheQuant, "fp8")
	rate := of("a", point(2, 8, fp8))
	rate.Load = spec.Load{RequestRate: metric.MustDecimal("2.5"), InputTokens: 100, OutputTokens: 11}
	for _, test := range []struct {
		name    string
		point   spec.Point
		ttft    float64
		missing string
	}{
		{"a size of 1 is one that is not set", of("a", point(1, 8, mem, chunked(true))), 1, ""},
		{"numbers and flags by value", of("b", point(4, 16, chunked(false), fp8)), 3, ""},
		{"replicas of 1 need no column", of("a", point(2, 8, fp8, spec.Setting{Name: spec.ItemReplicas, Value: spec.IntValue(1)})), 2, ""},
		{"a fixed item that agrees", of("a", point(2, 8, fp8, setting(spec.ItemDType, "bfloat16"))), 2, ""},
		{"a fixed item that does not", of("a", point(2, 8, fp8, setting(spec.ItemDType, "float16"))), 0, "p.csv is declared to hold dtype=bfloat16 only, not float16"},
		{"an item that nothing says", of("a", point(2, 8, fp8, setting(spec.ItemGEMMQuant, "fp8"))), 0, "p.csv does not say gemm_quant, which the point sets to fp8"},
		{"replicas that nothing says", of("a", point(2, 8, fp8, spec.Setting{Name: spec.ItemReplicas, Value: spec.IntValue(2)})), 0, "p.csv does not say replicas, which the point sets to 2"},
		{"a request rate that nothing says", rate, 0, "p.csv does not say request_rate, which the point sets to 2.5"},
		{"the nearest is no match", of("a", point(2, 9, fp8)), 0, "p.csv has no row with concurrency=9 (it has 8, 16, 32)"},
		{"another model", of("c", point(2, 8, fp8)), 0, "p.csv has no row with model=c (it has a, b)"},
		{"values that never meet", of("b", point(2, 8, fp8)), 0, "p.csv has no row with concurrency=8, kv_cache_quant=fp8, model=b, tensor_parallel=2 together"},
		{"an item left open is no wildcard", of("a", point(2, 8)), 0, "p.csv has no row with concurrency=8, model=a, tensor_parallel=2 together"},
	} {
		answer := predict(t, p, test.point)[0]
		ttft, _ := answer.Values.Get(metric.TTFT)
		if answer.Missing != test.missing || ttft != test.ttft {
			t.Errorf("%s: ttft %v, missing %q; want %v, %q", test.name, ttft, answer.Missing, test.ttft, test.missing)
		}
	}
}

func TestRowsWithoutFigures(t *testing.T) {
	content := "tp,conc,isl,osl,ttft_ms,tpot_ms,why\n1,8,100,11,,,does not fit\n2,8,100,11,,3,\n4,8,100,11,,,\n"
	over := spec.Attrs{"reason_column": spec.StringValue("why")}
	answers := predict(t, predictorOf(t, content, over), point(1, 8), point(2, 8), point(4, 8))
	if got := answers[0].Missing; got != "p.csv:2 has no figures: does not fit" {
		t.Errorf("missing: %q", got)
	}
	if _, has := answers[1].Values.Get(metric.TTFT); has || answers[1].Missing != "" {
		t.Errorf("an empty cell became a figure: %+v", answers[1])
	}
	if got := answers[2].Missing; got != "p.csv:4 has no figures" {
		t.Errorf("missing: %q", got)
	}
	found := lookup(t, recordingOf(t, content, over), point(1, 8), point(2, 8))
	if len(found[0].Runs) != 0 || found[0].Missing != "m.csv:2 has no figures: does not fit" || len(found[1].Runs) != 1 {
		t.Errorf("found %+v", found)
	}
}

func TestUnits(t *testing.T) {
	content := "tp,conc,isl,osl,a,b,c\n1,8,100,11,1.5,2,12.5\n"
	answers := predict(t, predictorOf(t, content, spec.Attrs{"metric": metrics("ttft", "a", "s", "error_rate", "b", "%", "throughput", "c", "tok/s/GPU")}), point(1, 8))
	want := valuesOf(t, map[metric.Name]float64{metric.TTFT: 1500, metric.ErrorRate: 0.02, metric.Throughput: 12.5})
	if diff := cmp.Diff(want, answers[0].Values); diff != "" {
		t.Errorf("values (-want +got)\n%s", diff)
	}
}

func TestDerive(t *testing.T) {
	over := spec.Attrs{"derive": spec.ListValue(spec.StringValue("throughput"), spec.StringValue("total_throughput"), spec.StringValue("latency"),
		spec.StringValue("request_throughput"), spec.StringValue("user_throughput"))}
	found := lookup(t, recordingOf(t, header+"2,8,100,11,50,5\n2,16,100,11,,5\n", over), point(2, 8), point(2, 16))
	// latency = 50 + 10 x 5 = 100 ms; 8 requests in flight: 80 requests/s, 880 tokens/s on 2 GPUs.
	want := valuesOf(t, map[metric.Name]float64{metric.TTFT: 50, metric.TPOT: 5, metric.Latency: 100, metric.RequestThroughput: 80,
		metric.TotalThroughput: 880, metric.Throughput: 440, metric.UserThroughput: 200})
	run := found[0].Runs[0]
	if diff := cmp.Diff(want, run.Values); diff != "" {
		t.Errorf("values (-want +got)\n%s", diff)
	}
	names := []metric.Name{metric.Latency, metric.TotalThroughput, metric.Throughput, metric.RequestThroughput, metric.UserThroughput}
	if diff := cmp.Diff(names, run.Derived); diff != "" {
		t.Errorf("derived (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]metric.Name{metric.UserThroughput}, found[1].Runs[0].Derived); diff != "" {
		t.Errorf("derived without a ttft (-want +got)\n%s", diff)
	}
}

func TestDerivePerGPUFromMeasuredTotal(t *testing.T) {
	content := "tp,conc,isl,osl,total,gpus\n,8,100,11,900,3\n"
	over := spec.Attrs{"match": texts("concurrency", "conc", "input_tokens", "isl", "output_tokens", "osl"), "gpus_column": spec.StringValue("gpus"),
		"metric": metrics("total_throughput", "total", "tokens/s"), "derive": spec.ListValue(spec.StringValue("throughput"))}
	found := lookup(t, recordingOf(t, content, over), spec.Point{Load: point(1, 8).Load})
	if got, _ := found[0].Runs[0].Values.Get(metric.Throughput); got != 300 {
		t.Errorf("throughput %v, want 900 / 3", got)
	}
}

func TestRunsAndRepeats(t *testing.T) {
	content := "tp,conc,isl,osl,ttft_ms,tpot_ms,day,id\n" +
		"1,8,100,11,20,5,mon,a\n" +
		"1,8,100,11,21,5,tue,b\n" +
		"1,8,100,11,20.0,5.00,mon,c\n" +
		"2,8,100,11,20,5,mon,d\n" +
		"1,8,100,11,20,5,tue2,e\n"
	r := recordingOf(t, content, spec.Attrs{"run_column": spec.StringValue("day"), "window": spec.StringValue("steady")})
	found := lookup(t, r, point(1, 8))[0]
	var got []string
	for _, run := range found.Runs {
		ttft, _ := run.Values.Get(metric.TTFT)
		got = append(got, fmt.Sprintf("%v from %s, %d merged, %s", ttft, run.Provenance.Source, run.Merged, run.Window))
	}
	want := []string{"20 from m.csv:2, 1 merged, steady", "21 from m.csv:3, 0 merged, steady", "20 from m.csv:6, 0 merged, steady"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("runs (-want +got)\n%s", diff)
	}
	notes, err := r.Notes(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if len(notes) < 1 || notes[0].Check != "recorded_repeats" || !strings.Contains(notes[0].Message, "1 row ") || !strings.Contains(notes[0].Message, "4 = 2") {
		t.Errorf("notes %+v", notes)
	}
}

func TestAmbiguousRows(t *testing.T) {
	content := "tp,conc,isl,osl,ttft_ms,tpot_ms,day\n1,8,100,11,20,5,mon\n2,8,100,11,20,5,mon\n1,8,100,11,21,5,mon\n"
	_, err := recordingOf(t, content, nil).Lookup(context.Background(), nil)
	wantError(t, err, "lines 2 and 4", "concurrency=8", "tensor_parallel=1", "run_column")
	_, err = recordingOf(t, content, spec.Attrs{"run_column": spec.StringValue("day")}).Points(context.Background())
	wantError(t, err, "lines 2 and 4", "its own value in day")
	_, err = predictorOf(t, content, nil).Predict(context.Background(), nil)
	wantError(t, err, "lines 2 and 4")
	if strings.Contains(err.Error(), "run_column") {
		t.Errorf("a predictor has no run_column: %v", err)
	}
	blank := strings.Replace(content, "21,5,mon", "21,5,", 1)
	_, err = recordingOf(t, blank, spec.Attrs{"run_column": spec.StringValue("day")}).Lookup(context.Background(), nil)
	wantError(t, err, "lines 2 and 4") // a row that names no run may be any
	repeated := strings.Replace(content, "21,5,mon", "20,5,", 1)
	found := lookup(t, recordingOf(t, repeated, spec.Attrs{"run_column": spec.StringValue("day")}), point(1, 8))
	if runs := found[0].Runs; len(runs) != 1 || runs[0].Merged != 1 {
		t.Errorf("a repeat that names no run: %+v", runs)
	}
}

func TestContradictingLayoutsAreSetAside(t *testing.T) {
	content := "tp,conc,isl,osl,ttft_ms,tpot_ms,gpus\n" +
		"8,8,100,11,20,5,8\n" +
		"64,8,100,11,20,5,8\n64,16,100,11,21,5,8\n" +
		"16,8,100,11,20,5,4\n64,32,100,11,22,5,8\n" +
		"2,8,100,11,20,5,\n"
	r := recordingOf(t, content, spec.Attrs{"gpus_column": spec.StringValue("gpus")})
	rows, err := r.Points(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var tps []string
	for _, row := range rows {
		tps = append(tps, row.Point.Config.Get(spec.ItemTensorParallel).Text())
	}
	if diff := cmp.Diff([]string{"8", "2"}, tps); diff != "" {
		t.Errorf("points (-want +got)\n%s", diff)
	}
	notes, err := r.Notes(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var messages []string
	for _, n := range notes {
		if n.Check == "recorded_layout" {
			messages = append(messages, string(n.Severity)+": "+n.Message)
		}
	}
	want := []string{"warn: m.csv: 3 rows set aside: the layout occupies 64 GPUs, the column gpus says 8; lines 3-4, 6",
		"warn: m.csv: 1 row set aside: the layout occupies 16 GPUs, the column gpus says 4; lines 5"}
	if diff := cmp.Diff(want, messages); diff != "" {
		t.Errorf("notes (-want +got)\n%s", diff)
	}
	if found := lookup(t, r, point(64, 8)); found[0].Missing == "" {
		t.Error("a row that was set aside answers")
	}
}

// TestOnlyContradictingRows is a file of which nothing is left.
func TestOnlyContradictingRows(t *testing.T) {
	r := recordingOf(t, "tp,conc,isl,osl,ttft_ms,tpot_ms,gpus\n64,8,100,11,20,5,8\n", spec.Attrs{"gpus_column": spec.StringValue("gpus")})
	found := lookup(t, r, point(64, 8))
	if len(found[0].Runs) != 0 || !strings.Contains(found[0].Missing, "all rows were set aside") {
		t.Errorf("found %+v", found)
	}
}

func TestWhere(t *testing.T) {
	content := "tp,conc,isl,osl,ttft_ms,tpot_ms,engine\n1,8,100,11,20,5,vllm\n1,8,100,11,oops,5,sglang\n"
	r := recordingOf(t, content, spec.Attrs{"where": texts("engine", "vllm")})
	if found := lookup(t, r, point(1, 8)); len(found[0].Runs) != 1 {
		t.Errorf("found %+v", found)
	}
	notes, err := r.Notes(context.Background())
	if err != nil || len(notes) == 0 || notes[0].Message != "m.csv: where keeps 1 of 2 rows" {
		t.Errorf("notes %+v, error %v", notes, err)
	}
	_, err = recordingOf(t, content, spec.Attrs{"where": texts("engine", "trtllm")}).Points(context.Background())
	wantError(t, err, "no row that where keeps")
	_, err = recordingOf(t, content, spec.Attrs{"where": texts("engin", "vllm")}).Points(context.Background())
	wantError(t, err, `no column "engin"`, `did you mean "engine"`)
}

func TestVersionSkew(t *testing.T) {
	content := "tp,conc,isl,osl,ttft_ms,tpot_ms,tables\n1,8,100,11,20,5,0.24.0\n"
	p := point(1, 8)
	p.RuntimeVersion = "0.12.0"
	predictor := predictorOf(t, content, spec.Attrs{"database_column": spec.StringValue("tables")})
	findings := predict(t, predictor, p)[0].Findings
	if len(findings) == 0 || findings[0].Check != "version_skew" || !strings.Contains(findings[0].Message, "0.24.0") || !strings.Contains(findings[0].Message, "0.12.0") {
		t.Errorf("findings %+v", findings)
	}
	p.RuntimeVersion = "0.24.0"
	for _, f := range predict(t, predictor, p)[0].Findings {
		if f.Check == "version_skew" {
			t.Errorf("equal versions: %+v", f)
		}
	}
}

func TestModelled(t *testing.T) {
	content := "tp,conc,isl,osl,ttft_ms,tpot_ms,kv\n1,8,100,11,20,5,fp8\n2,8,100,11,20,5,\n"
	p := predictorOf(t, content, spec.Attrs{"modelled": texts("kv_cache_quant", "kv"), "fixed": texts("gemm_quant", "fp8_block")})
	answers := predict(t, p, point(1, 8), point(2, 8), point(1, 8, setting(spec.ItemGEMMQuant, "fp8_block")))
	for i, want := range []string{"gemm_quant=\"fp8_block\",kv_cache_quant=\"fp8\",tensor_parallel=1", "gemm_quant=\"fp8_block\",tensor_parallel=2",
		"gemm_quant=\"fp8_block\",kv_cache_quant=\"fp8\",tensor_parallel=1"} {
		if got := string(answers[i].Modelled.AppendCanonical(nil)); got != want {
			t.Errorf("answer %d models %s, want %s", i, got, want)
		}
	}
}

func TestPointsKeepTheFilesOrder(t *testing.T) {
	content := "model,sys,engine,v,rate,chunked,osl,ttft_ms\nm2,h200_sxm,vllm,0.18.0,2.50,true,10,1\nm1,h200_sxm,vllm,0.18.0,1,,20,2\nm2,h200_sxm,vllm,0.18.0,2.5,true,10,1\n"
	r := recordingOf(t, content, spec.Attrs{
		"match":  texts("model", "model", "system", "sys", "runtime", "engine", "runtime_version", "v", "request_rate", "rate", "chunked_prefill", "chunked", "output_tokens", "osl"),
		"fixed":  spec.MapValue(spec.Field{Name: "input_tokens", Value: spec.IntValue(7)}, spec.Field{Name: "tensor_parallel", Value: spec.IntValue(2)}),
		"metric": metrics("ttft", "ttft_ms", "ms")})
	rows, err := r.Points(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	tp := spec.Setting{Name: spec.ItemTensorParallel, Value: spec.NumberValue("2")}
	want := []spec.Row{
		{Point: spec.Point{ModelID: "m2", System: "h200_sxm", Runtime: "vllm", RuntimeVersion: "0.18.0",
			Config: spec.NewConfiguration(spec.Setting{Name: spec.ItemChunkedPrefill, Value: spec.BoolValue(true)}, tp),
			Load:   spec.Load{RequestRate: metric.MustDecimal("2.5"), InputTokens: 7, OutputTokens: 10}}},
		{Point: spec.Point{ModelID: "m1", System: "h200_sxm", Runtime: "vllm", RuntimeVersion: "0.18.0", Config: spec.NewConfiguration(tp),
			Load: spec.Load{RequestRate: metric.MustDecimal("1"), InputTokens: 7, OutputTokens: 20}}},
	}
	if diff := cmp.Diff(want, rows, cmp.Comparer(func(a, b metric.Decimal) bool { return a == b })); diff != "" {
		t.Errorf("points (-want +got)\n%s", diff)
	}
	for _, row := range rows { // every point that is listed is found
		if found := lookup(t, r, row.Point)[0]; len(found.Runs) != 1 {
			t.Errorf("%+v: %+v", row, found)
		}
	}
}

func TestCutFile(t *testing.T) {
	content := header + "1,8,100,11,20,5\n2,8,100,11,20,5"
	answers := predict(t, predictorOf(t, content, nil), point(1, 8), point(2, 8))
	for i, want := range []bool{false, true} {
		cut := false
		for _, f := range answers[i].Findings {
			cut = cut || f.Check == "recorded_cut"
		}
		if cut != want {
			t.Errorf("answer %d: %+v", i, answers[i].Findings)
		}
	}
}

func TestFingerprint(t *testing.T) {
	of := func(content string, over spec.Attrs) string {
		text, err := predictorOf(t, content, over).Fingerprint(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		recorded := recordingOf(t, content, over).(interface {
			Fingerprint(context.Context) (string, error)
		})
		if _, err := recorded.Fingerprint(context.Background()); err != nil {
			t.Fatal(err)
		}
		return text
	}
	base := of(header+"1,8,100,11,20,5\n", nil)
	if of(header+"1,8,100,11,20,5\n", nil) != base {
		t.Error("the same content has two fingerprints")
	}
	if of(header+"1,8,100,11,20,6\n", nil) == base {
		t.Error("other content has the same fingerprint")
	}
	if of(header+"1,8,100,11,20,5\n", spec.Attrs{"metric": metrics("ttft", "tpot_ms", "ms")}) == base {
		t.Error("another mapping has the same fingerprint")
	}
}

func TestEndedContext(t *testing.T) {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := recordingOf(t, header+"1,8,100,11,20,5\n", nil).Points(ended)
	if spec.KindOf(err) != spec.ErrInterrupted || !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// TestDerivedAgainstClosedForm: whatever the figures, Little's law holds between what
// is derived.
func TestDerivedAgainstClosedForm(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		ttft, tpot := rapid.Float64Range(0.1, 1e6).Draw(r, "ttft"), rapid.Float64Range(0.01, 1e4).Draw(r, "tpot")
		conc, osl, gpus := rapid.IntRange(1, 4096).Draw(r, "concurrency"), rapid.IntRange(1, 8192).Draw(r, "osl"), rapid.IntRange(1, 64).Draw(r, "gpus")
		d := &declaration{derive: derivable()}
		figures := map[metric.Name]float64{metric.TTFT: ttft, metric.TPOT: tpot}
		d.derived(figures, load{float64(conc), float64(osl), float64(gpus)})
		near := func(what string, got, want float64) {
			if math.Abs(got-want) > 1e-9*want {
				r.Errorf("%s: %v, want %v", what, got, want)
			}
		}
		near("concurrency", figures[metric.RequestThroughput]*figures[metric.Latency]/1000, float64(conc))
		near("tokens per request", figures[metric.TotalThroughput]/figures[metric.RequestThroughput], float64(osl))
		near("GPUs", figures[metric.TotalThroughput]/figures[metric.Throughput], float64(gpus))
		near("tpot", 1000/figures[metric.UserThroughput], tpot)
	})
}

// TestRowOrderDoesNotMatter: shuffled rows answer with the same figures.
func TestRowOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		var lines []string
		n := rapid.IntRange(1, 30).Draw(r, "rows")
		for i := range n {
			lines = append(lines, fmt.Sprintf("%d,%d,100,11,%d,5", 1+i%4, 1+i/4, 10+i))
		}
		var tables [2]*dataset
		for k := range tables {
			table, err := parseTable("p.csv", []byte(header+strings.Join(lines, "\n")+"\n"))
			if err != nil {
				r.Fatal(err)
			}
			d, err := declare(&spec.Component{Role: spec.RolePredictor, Kind: Kind, Name: "p", Attrs: attrs("p.csv", nil)})
			if err != nil {
				r.Fatal(err)
			}
			if tables[k], err = newDataset(d, table); err != nil {
				r.Fatal(err)
			}
			lines = rapid.Permutation(lines).Draw(r, "order")
		}
		for i := range n {
			p := point(1+i%4, 1+i/4)
			a, b := tables[0].predict(&p), tables[1].predict(&p)
			if len(a.Values) == 0 || !cmp.Equal(a.Values, b.Values) {
				r.Errorf("%+v: %v and %v", p, a.Values, b.Values)
			}
		}
	})
}
