package results

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"aicv/metric"
	"aicv/spec"
)

// genuine is what an import of a tool's own output has to give.
type genuine struct {
	load     spec.Load
	requests int
	window   spec.WindowKind
	want     map[metric.Name]float64
	without  []metric.Name
	left     string // among the fields that are left out
}

func (g *genuine) check(t *testing.T, r *Record) {
	t.Helper()
	if r.Load != g.load || r.Requests != g.requests || r.Window != g.window {
		t.Errorf("load %+v, %d requests, window %s", r.Load, r.Requests, r.Window)
	}
	for name, want := range g.want {
		if got, has := r.Figures[name]; !has || math.Abs(got-want) > 1e-4*want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	for _, name := range g.without {
		if v, has := r.Figures[name]; has {
			t.Errorf("%s is taken: %v", name, v)
		}
	}
	if g.left != "" && !strings.Contains(strings.Join(Remarks([]Record{*r}), "\n"), g.left) {
		t.Errorf("it does not say %q: %q", g.left, Remarks([]Record{*r}))
	}
}

func imported(t *testing.T, format string, parts ...string) []Record {
	t.Helper()
	records, err := Read(format, filepath.Join(append([]string{"testdata"}, parts...)...))
	if err != nil {
		t.Fatal(err)
	}
	return records
}

func load(concurrency, input, output int) spec.Load {
	return spec.Load{Concurrency: concurrency, InputTokens: input, OutputTokens: output}
}

func rated(rate string, input, output int) spec.Load {
	l := load(0, input, output)
	l.RequestRate = metric.MustDecimal(rate)
	return l
}

// What sglang.bench_serving 0.5.23 wrote: figures of its arrays where it has them, whose
// latency ends with the last token, before the tool's own.
func TestGenuineSGLang(t *testing.T) {
	for name, want := range map[string][]genuine{
		"completions.jsonl": {
			{load(4, 64, 16), 40, spec.WindowWholeRun, map[metric.Name]float64{"ttft": 13.17456, "tpot": 6.136531, "latency": 105.22253, "ttft_p90": 17.41906, "total_throughput": 584.00366}, []metric.Name{"error_rate", "ttft_p95"}, "how many requests failed"},
			{rated("20.000000", 64, 16), 40, spec.WindowWholeRun, nil, []metric.Name{"error_rate"}, ""},
		},
		"details.jsonl": {{load(4, 64, 16), 24, spec.WindowWholeRun, map[metric.Name]float64{"ttft": 13.385005, "tpot": 6.018891, "latency": 103.668377, "total_throughput": 600.67902, "error_rate": 0}, []metric.Name{"ttft_p90"}, ""}},
		"chat.jsonl":    {{load(2, 64, 16), 20, spec.WindowWholeRun, map[metric.Name]float64{"ttft": 17.174218, "tpot": 10.964733, "latency": 181.645225}, nil, ""}},
		"failing.jsonl": {{load(2, 64, 16), 24, spec.WindowWholeRun, map[metric.Name]float64{"ttft": 12.572315, "tpot": 6.008609, "error_rate": 8. / 24, "total_throughput": 302.262523}, nil, ""}},
	} {
		t.Run(name, func(t *testing.T) {
			records := imported(t, "sglang", "sglang", name)
			if len(records) != len(want) {
				t.Fatalf("%d results", len(records))
			}
			for i := range want {
				want[i].check(t, &records[i])
			}
		})
	}
	for name, why := range map[string]string{"burst.jsonl": "sent at once", "varied.jsonl": "random_range_ratio is not 1"} {
		if _, err := Read("sglang", filepath.Join("testdata", "sglang", name)); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What aiperf 0.13.0 wrote: concurrency and rate of its profiling phase, requests without
// the warm-up, and tokens as the server counts them.
func TestGenuineAIPerf(t *testing.T) {
	for name, want := range map[string]genuine{
		"concurrency": {load(4, 64, 16), 40, spec.WindowWholeRun, map[metric.Name]float64{"ttft": 14.044694, "tpot": 6.311463, "latency": 108.716644, "request_throughput": 33.29107, "total_throughput": 532.65713, "error_rate": 0}, []metric.Name{"ttft_p95"}, "mean of inverses"},
		"failing":     {load(2, 64, 16), 40, spec.WindowWholeRun, map[metric.Name]float64{"ttft": 15.071817, "tpot": 6.328871, "error_rate": 7. / 40, "request_throughput": 15.997299}, nil, ""},
		"rate":        {rated("20.000000", 64, 16), 40, spec.WindowWholeRun, map[metric.Name]float64{"ttft": 16.217616, "tpot": 6.177766, "request_throughput": 18.973631}, nil, ""},
		"aborted":     {rated("2.000000", 64, 16), 20, spec.WindowWholeRun, nil, []metric.Name{"ttft_p90"}, "the run was cancelled"},
		"own-tokens":  {load(4, 14, 16), 40, spec.WindowWholeRun, map[metric.Name]float64{"ttft": 19.711378, "latency": 106.552151, "request_throughput": 29.38181}, []metric.Name{"tpot", "tpot_p50", "total_throughput", "user_throughput"}, "counts other output tokens than the server does"},
	} {
		t.Run(name, func(t *testing.T) {
			records := imported(t, "aiperf", "aiperf", name)
			if len(records) != 1 || records[0].Version != "0.13.0" || records[0].Model != "tiny" {
				t.Fatalf("%+v", records)
			}
			want.check(t, &records[0])
		})
	}
}

// What guidellm 0.8.1 wrote: its latency ends with the request, and here with the last
// token; a rate is no concurrency of 10240; a run cut off by time counts whole requests.
func TestGenuineGuideLLM(t *testing.T) {
	for name, want := range map[string]genuine{
		"concurrency.json": {load(4, 64, 16), 40, spec.WindowWholeRun, map[metric.Name]float64{"ttft": 16.662991, "tpot": 6.185819, "latency": 109.450275, "request_throughput": 32.887029, "total_throughput": 526.192467, "error_rate": 0}, []metric.Name{"ttft_p95"}, "guidellm says latency = 110.673 itself"},
		"failing.json":     {load(2, 64, 16), 36, spec.WindowWholeRun, map[metric.Name]float64{"ttft": 13.031054, "tpot": 6.078983, "error_rate": 6. / 36, "request_throughput": 17.566218}, nil, ""},
		"rate.json":        {rated("20.000000", 64, 16), 30, spec.WindowWholeRun, map[metric.Name]float64{"ttft": 17.19172, "tpot": 6.030518, "total_throughput": 307.036821}, nil, "time_per_output_token_ms is left out"},
		"cut.json":         {load(2, 64, 16), 35, spec.WindowWholeRun, map[metric.Name]float64{"ttft": 13.526746, "latency": 104.557759, "total_throughput": 276.496352, "error_rate": 0}, nil, "request_throughput = 17"},
	} {
		t.Run(name, func(t *testing.T) {
			records := imported(t, "guidellm", "guidellm", name)
			if len(records) != 1 || records[0].Version != "0.8.1" || records[0].Model != "tiny" {
				t.Fatalf("%+v", records)
			}
			want.check(t, &records[0])
		})
	}
}

// A report that holds a sample of its requests is taken at its aggregates, whose window
// nobody says.
func TestSampledGuideLLM(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "guidellm", "rate.json"))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(data), `"request_totals": {"successful": 30`, `"request_totals": {"successful": 300`, 1)
	r, err := one(t, "guidellm", text)
	if err != nil || text == string(data) {
		t.Fatal(err)
	}
	if r.Window != spec.WindowUnknown || r.Requests != 300 || math.Abs(r.Figures[metric.Latency]-108.598661) > 1e-3 {
		t.Errorf("%+v", r)
	}
}

// What inference-perf 0.7.0 wrote: its folder holds other files too, and its rates are of
// the time that a stage took.
func TestGenuineInferencePerf(t *testing.T) {
	records := imported(t, "inference-perf", "inferenceperf")
	if len(records) != 2 {
		t.Fatalf("%d results", len(records))
	}
	want := genuine{rated("10.000000", 64, 16), 60, spec.WindowWholeRun, map[metric.Name]float64{"ttft": 12.458215, "tpot": 6.137071, "latency": 105.164892, "ttft_p95": 20.593263, "total_throughput": 158.787673, "error_rate": 0}, []metric.Name{"ttft_p99"}, "several stages"}
	want.check(t, &records[0])
}

// The detailed results of vllm bench serve are recomputed from their requests.
func TestGenuineVLLM(t *testing.T) {
	whole := genuine{load(4, 64, 16), 12, spec.WindowWholeRun, map[metric.Name]float64{"error_rate": 0}, []metric.Name{"latency_p99"}, ""}
	r := imported(t, "vllm", "vllmbench", "completions.json")[0]
	whole.check(t, &r)
	run, err := ParseVLLMBench(vllmWritten(t, "completions"))
	if err != nil {
		t.Fatal(err)
	}
	result, err := run.Result(0, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range result.Values {
		if r.Figures[v.Metric] != v.Value {
			t.Errorf("%s is %v, and the benchmark vllmbench has %v", v.Metric, r.Figures[v.Metric], v.Value)
		}
	}
	chat := genuine{load(2, 65, 16), 6, spec.WindowWholeRun, nil, []metric.Name{"ttft", "ttft_p50"}, "role"}
	r = imported(t, "vllm", "vllmbench", "chat.json")[0]
	chat.check(t, &r)
	if aborted := imported(t, "vllm", "vllmbench", "aborted.json")[0]; aborted.Figures[metric.ErrorRate] <= 0 {
		t.Errorf("%+v", aborted)
	}
	if _, err := Read("vllm", filepath.Join("testdata", "vllmbench", "refused.json")); err == nil || !strings.Contains(err.Error(), "was answered") {
		t.Errorf("%v", err)
	}
}

// What a file says twice, or not at all, is not taken silently.
func TestDoubtfulFigures(t *testing.T) {
	for name, c := range map[string]struct{ from, to, want string }{
		"twice":      {`"completed": 40`, `"completed": 40, "completed": 41`, `the key "completed" twice`},
		"twice deep": {`"ttfts": [0.0125]`, `"x": [{"a": 1}, {"a": 1, "a": 2}]`, `the key "a" twice`},
		"huge":       {`400.5`, `4e300`, "too large"},
		"burst":      {`"max_concurrency": 8`, `"max_concurrency": null`, "sent at once"},
	} {
		text := strings.Replace(vllmText, c.from, c.to, 1)
		if _, err := one(t, "vllm", text); text == vllmText || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, c := range map[string]struct {
		from, to, want string
		without        metric.Name
	}{
		"no time": {`"duration": 2.0`, `"duration": 0`, "output_throughput is left out: it is of a run that lasted 0", metric.TotalThroughput},
		"NaN":     {`"mean_tpot_ms": 2`, `"mean_tpot_ms": NaN`, "mean_tpot_ms is left out: it is no number", metric.TPOT},
		"zero":    {`"mean_e2el_ms": 50.5`, `"mean_e2el_ms": 0`, "mean_e2el_ms is left out: it is 0", metric.Latency},
	} {
		r, err := one(t, "vllm", strings.Replace(vllmText, c.from, c.to, 1))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, has := r.Figures[c.without]; has || !strings.Contains(strings.Join(Remarks([]Record{r}), "\n"), c.want) {
			t.Errorf("%s: %q", name, Remarks([]Record{r}))
		}
	}
}

// Opening a pipe would never return.
func TestNoRegularFile(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "result.json")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skip(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "profile_export_aiperf.json"), []byte(aiperfText), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "profile_export.jsonl"), 0o600); err != nil {
		t.Fatal(err)
	}
	for format, path := range map[string]string{"vllm": pipe, "genai-bench": pipe, "sglang": os.DevNull, "aiperf": dir} {
		if _, err := Read(format, path); err == nil || !strings.Contains(err.Error(), "no regular file") {
			t.Errorf("%s: %v", format, err)
		}
	}
}

func FuzzAIPerfRequests(f *testing.F) {
	data, err := os.ReadFile(filepath.Join("testdata", "aiperf", "failing", "profile_export.jsonl"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data[:4000])
	f.Add([]byte(`{"metadata": {"benchmark_phase": "profiling", "request_start_ns": 1, "request_end_ns": 9223372036854775807}, "metrics": {"request_latency": {"value": 1e300, "unit": "ms"}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := Record{Requests: 1, Figures: map[metric.Name]float64{}}
		if aiperfRequests(data, &r) != nil {
			return
		}
		for name, v := range r.Figures {
			if math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
				t.Errorf("%s is %v", name, v)
			}
		}
	})
}
