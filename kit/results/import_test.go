package results

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aicv/metric"
	"aicv/spec"
)

// one reads a document of a format.
func one(t *testing.T, format, text string) (Record, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "result.jsonl")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	records, err := Read(format, path)
	if err != nil {
		return Record{}, err
	}
	return records[0], nil
}

const (
	vllmText = `{"backend": "vllm", "model_id": "m", "max_concurrency": 8, "request_rate": "inf", "duration": 2.0, "completed": 40, "failed": 0,
"request_throughput": 20, "output_throughput": 400.5, "total_token_throughput": 999, "mean_ttft_ms": 12.5, "median_ttft_ms": 12, "p99_ttft_ms": 30, "mean_tpot_ms": 2,
"mean_e2el_ms": 50.5, "random_input_len": 100, "random_output_len": 20, "ttfts": [0.0125]}`
	sglangText = `{"backend": "sglang", "model_id": "m", "max_concurrency": 4, "request_rate": Infinity, "random_range_ratio": 1.0, "random_input_len": 100, "random_output_len": 20,
"completed": 40, "output_throughput": 100, "request_throughput": 5, "mean_ttft_ms": 10, "mean_tpot_ms": 3, "mean_e2e_latency_ms": 67, "mean_itl_ms": NaN}`
	aiperfText = `{"aiperf_version": "0.13.0", "input_config": {"endpoint": {"model_names": ["m"]}, "loadgen": {"concurrency": 2}}, "time_to_first_token": {"unit": "ms", "avg": 5, "p90": 7},
"inter_token_latency": {"unit": "ms", "avg": 2}, "request_latency": {"unit": "ms", "avg": 43}, "output_token_throughput": {"unit": "tokens/sec", "avg": 90}, "output_token_throughput_per_user": {"avg": 500},
"input_sequence_length": {"avg": 100, "min": 99, "max": 101}, "output_sequence_length": {"avg": 20, "min": 20, "max": 20}, "request_count": {"avg": 30}, "error_request_count": {"avg": 10}}`
	guidellmText = `{"benchmarks": [{"config": {"strategy": {"streams": 4}}, "metrics": {"request_totals": {"successful": 9, "errored": 1}, "prompt_token_count": {"successful": {"mean": 100}}, "output_token_count": {"successful": {"mean": 20}},
"time_to_first_token_ms": {"successful": {"mean": 5, "percentiles": {"p99": 9}}}, "inter_token_latency_ms": {"successful": {"mean": 2}}, "time_per_output_token_ms": {"successful": {"mean": 2.5}}, "request_latency": {"successful": {"mean": 0.043}},
"output_tokens_per_second": {"successful": {"mean": 90}}}}]}`
	inferenceXText = `[{"model": "m", "framework": "vllm", "conc": 16, "isl": 1024, "osl": 1024, "tp": 8, "tput_per_gpu": 900, "output_tput_per_gpu": 450, "mean_ttft": 0.2, "median_ttft": 0.19, "mean_tpot": 0.011, "mean_intvty": 95}]`
)

// Units, statistics and traps of each format, by hand.
func TestFormats(t *testing.T) {
	for format, c := range map[string]struct {
		text    string
		load    spec.Load
		window  spec.WindowKind
		want    map[metric.Name]float64
		without []metric.Name
		left    string
	}{
		"vllm": {vllmText, spec.Load{Concurrency: 8, InputTokens: 100, OutputTokens: 20}, spec.WindowWholeRun,
			map[metric.Name]float64{"ttft": 12.5, "ttft_p50": 12, "tpot": 2, "latency": 50.5, "total_throughput": 400.5, "request_throughput": 20, "error_rate": 0, "user_throughput": 500}, []metric.Name{"ttft_p99"}, "p99"},
		"sglang": {sglangText, spec.Load{Concurrency: 4, InputTokens: 100, OutputTokens: 20}, spec.WindowWholeRun,
			map[metric.Name]float64{"ttft": 10, "tpot": 3, "latency": 67, "total_throughput": 100}, []metric.Name{"error_rate"}, "error_rate"},
		"aiperf": {aiperfText, spec.Load{Concurrency: 2, InputTokens: 100, OutputTokens: 20}, spec.WindowWholeRun,
			map[metric.Name]float64{"ttft": 5, "ttft_p90": 7, "tpot": 2, "latency": 43, "error_rate": 0.25, "user_throughput": 500}, nil, "output_token_throughput_per_user"},
		"guidellm": {guidellmText, spec.Load{Concurrency: 4, InputTokens: 100, OutputTokens: 20}, spec.WindowUnknown,
			map[metric.Name]float64{"ttft": 5, "tpot": 2, "latency": 43, "error_rate": 0.1}, []metric.Name{"ttft_p99"}, "metrics.time_per_output_token_ms"},
		"inferencex": {inferenceXText, spec.Load{Concurrency: 16, InputTokens: 1024, OutputTokens: 1024}, spec.WindowWholeRun,
			map[metric.Name]float64{"ttft": 200, "ttft_p50": 190, "tpot": 11, "throughput": 450}, []metric.Name{"total_throughput"}, "tput_per_gpu"},
	} {
		r, err := one(t, format, c.text)
		if err != nil {
			t.Errorf("%s: %v", format, err)
			continue
		}
		if r.Model != "m" && format != "guidellm" {
			t.Errorf("%s: the model is %q", format, r.Model)
		}
		if r.Load != c.load || r.Window != c.window {
			t.Errorf("%s: load %+v, window %s", format, r.Load, r.Window)
		}
		for name, want := range c.want {
			if got, ok := r.Figures[name]; !ok || math.Abs(got-want) > 1e-9 {
				t.Errorf("%s: %s is %v, want %v", format, name, got, want)
			}
		}
		for _, name := range c.without {
			if _, has := r.Figures[name]; has {
				t.Errorf("%s: %s is guessed", format, name)
			}
		}
		if c.left != "" && (len(r.LeftOut) == 0 || r.LeftOut[0].Field != c.left) {
			t.Errorf("%s: left out %+v, want %s", format, r.LeftOut, c.left)
		}
	}
}

// The TTFT of vLLM's client on a chat endpoint is of the chunk with the role.
func TestRoleChunk(t *testing.T) {
	for _, text := range []string{strings.Replace(vllmText, `"vllm"`, `"openai-chat"`, 1), strings.Replace(vllmText, `"backend": "vllm", `, "", 1)} {
		r, err := one(t, "vllm", text)
		if err != nil {
			t.Fatal(err)
		}
		for name := range r.Figures {
			if strings.HasPrefix(string(name), "ttft") {
				t.Errorf("%s is taken", name)
			}
		}
		if len(r.LeftOut) != 3 || r.Figures[metric.TPOT] != 2 {
			t.Errorf("%+v", r)
		}
	}
}

func TestRefusedResults(t *testing.T) {
	for name, c := range map[string]struct{ format, text, want string }{
		"range ratio": {"sglang", strings.Replace(sglangText, "1.0", "0.0", 1), "random_range_ratio is not 1"},
		"no ratio":    {"sglang", strings.Replace(sglangText, `"random_range_ratio": 1.0, `, "", 1), "random_range_ratio is not 1"},
		"lengths":     {"vllm", strings.Replace(vllmText, "{", `{"input_lens": [1, 2], `, 1), "different lengths"},
		"seconds":     {"aiperf", strings.Replace(aiperfText, `"ms", "avg": 5`, `"sec", "avg": 5`, 1), "is in sec"},
		"spread":      {"aiperf", strings.Replace(aiperfText, `"min": 99`, `"min": 9`, 1), "different lengths"},
		"negative":    {"vllm", strings.Replace(vllmText, "12.5", "-1", 1), "can not be"},
		"huge":        {"inferencex", strings.Replace(inferenceXText, "0.2,", "1e300,", 1), "can not be"},
		"no figures":  {"vllm", `{"model_id": "m"}`, "no figure"},
		"empty":       {"vllm", ``, "it is empty"},
		"no JSON":     {"vllm", `{"a": `, "no JSON"},
		"no object":   {"vllm", `[1]`, "no object"},
		"no list":     {"guidellm", `{"benchmarks": 3}`, "no list of objects"},
		"disagg":      {"inferencex", strings.Replace(inferenceXText, "{", `{"disagg": true, `, 1), "disaggregated"},
		"disagg text": {"inferencex", strings.Replace(inferenceXText, "{", `{"is_multinode": "true", `, 1), "multi-node"},
		"speculative": {"inferencex", strings.Replace(inferenceXText, "{", `{"spec_decoding": "mtp", `, 1), "decodes speculatively (mtp)"},
		"agentic":     {"inferencex", strings.Replace(inferenceXText, "{", `{"scenario_type": "agentic-coding", `, 1), "an agent's"},
		"ranks":       {"inferencex", strings.Replace(inferenceXText, "{", `{"dp_attention": "true", `, 1), "data-parallel"},
		"autotuner":   {"autotuner", `{}`, "no experiment of inference-autotuner"},
		"no format":   {"jmeter", `{}`, "formats are"},
		"concurrency": {"vllm", strings.Replace(vllmText, `"max_concurrency": 8`, `"max_concurrency": -8`, 1), "concurrency is -8"},
		"many failed": {"vllm", strings.Replace(vllmText, `"failed": 0`, `"failed": -50`, 1), "it counts"},
	} {
		if r, err := one(t, c.format, c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
	if _, err := Read("vllm", "/no/such/file"); spec.KindOf(err) != spec.ErrUsage {
		t.Error(err)
	}
	if _, err := Read("vllm", t.TempDir()); err == nil {
		t.Error("an empty folder is a result")
	}
}

// Real reports: in seconds, and the stages in which the client did not keep up are set
// aside.
func TestInferencePerf(t *testing.T) {
	records, err := Read("inference-perf", fixtures(t, "measured", "inference_perf_h100", "vllm"))
	if err != nil {
		t.Fatal(err)
	}
	if len(records) != 4 {
		t.Fatalf("%d stages are taken, want the 4 in which the client kept up", len(records))
	}
	r := records[0]
	if tpot, has := r.Figures[metric.TPOT]; has { // it is half of what latency and ttft give
		t.Errorf("tpot is taken: %v", tpot)
	}
	if ttft := r.Figures[metric.TTFT]; ttft < 1 || ttft > 100 || r.Load.RequestRate.Float64() != 1 || r.Window != spec.WindowUnknown {
		t.Errorf("%+v", r)
	}
	if said := strings.Join(Remarks(records), "\n"); strings.Count(said, "did not keep up") != 3 || !strings.Contains(said, "several stages") || !strings.Contains(said, "tpot is left out: it is 3.473 ms, and (latency - ttft) / (output tokens - 1) is 7.248 ms") {
		t.Error(said)
	}
}

func TestSuitesNeedWhatIsSaid(t *testing.T) {
	whole := Record{Source: "f", Tool: "t", Model: "m", Runtime: "vllm", Window: spec.WindowUnknown, Load: spec.Load{Concurrency: 1, InputTokens: 1, OutputTokens: 1}, Figures: map[metric.Name]float64{metric.TTFT: 1}}
	for want, change := range map[string]func(*Record){
		"--model": func(r *Record) { r.Model = "" }, "--runtime": func(r *Record) { r.Runtime = "" },
		"--concurrency": func(r *Record) { r.Load.Concurrency = 0 }, "--input-tokens": func(r *Record) { r.Load.OutputTokens = 0 },
	} {
		r := whole
		change(&r)
		if _, err := NewSuite([]Record{r}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	other := whole
	other.Window, other.Figures = spec.WindowWholeRun, map[metric.Name]float64{metric.TotalThroughput: 1}
	if mixed, err := NewSuite([]Record{other, whole}); err != nil || !strings.Contains(string(mixed.HCL), `window     = "unknown"`) || !strings.Contains(string(mixed.HCL), "window of its rates is unknown") {
		t.Errorf("results of two windows: %v, %s", err, mixed.HCL)
	}
	hostile := whole
	hostile.Model, hostile.Caveats = "a\"${env(\"X\")}\n%{", []string{"b\n}\nx = 1"}
	suite, err := NewSuite([]Record{hostile, hostile})
	if err != nil {
		t.Fatal(err)
	}
	text := string(suite.HCL)
	if !strings.Contains(text, `id = "a\"$${env(\"X\")} %%{"`) || !strings.Contains(text, "# - b } x = 1") || !strings.Contains(text, "max = 2") {
		t.Error(text)
	}
	var rows []map[string]any
	if err := json.Unmarshal(suite.Data, &rows); err != nil || len(rows) != 2 {
		t.Error(err)
	}
}

func FuzzVLLM(f *testing.F) {
	fuzzFormat(f, "vllm", vllmText, `{"input_lens": [1, "x"], "completed": 1e999}`)
}

func FuzzSGLang(f *testing.F) {
	fuzzFormat(f, "sglang", sglangText, sglangText+"\n"+sglangText, `{"random_range_ratio": "1", "request_rate": -Infinity}`)
}

func FuzzAIPerf(f *testing.F) {
	fuzzFormat(f, "aiperf", aiperfText, `{"request_latency": {"unit": "s", "avg": 1}}`, `{"output_sequence_length": {"min": -1, "max": 1e308}}`)
}

func FuzzGuideLLM(f *testing.F) {
	fuzzFormat(f, "guidellm", guidellmText, `{"benchmarks": null}`, `{"benchmarks": [[]]}`)
}

func FuzzInferencePerf(f *testing.F) {
	fuzzFormat(f, "inference-perf", `{"load_summary": {"requested_rate": 2, "achieved_rate": 2}, "successes": {"count": 9, "prompt_len": {"mean": 100}, "output_len": {"mean": 20},
"latency": {"time_to_first_token": {"mean": 0.005}, "request_latency": {"mean": 0.04, "p99": 0.05}}, "throughput": {"output_tokens_per_sec": 90}}, "failures": {"count": 1}}`, `{"successes": {"latency": {}}}`)
}

func FuzzInferenceX(f *testing.F) {
	fuzzFormat(f, "inferencex", inferenceXText, `[[{}]]`, `{"rows": [{"disagg": true, "conc": 1}]}`)
}

// fuzzFormat: whatever a document holds, its figures are finite and its suite is written.
func fuzzFormat(f *testing.F, name string, seeds ...string) {
	i := slices.IndexFunc(Formats(), func(x Format) bool { return x.Name == name })
	read := Formats()[i].read
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		records, err := read(data)
		if err != nil {
			return
		}
		kept, err := setAside("f", records, nil)
		if err != nil {
			return
		}
		for _, record := range kept {
			for figure, v := range record.Figures {
				if math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
					t.Errorf("%s is %v", figure, v)
				}
			}
		}
		for i := range kept {
			kept[i].Runtime, kept[i].Model = "vllm", kept[i].Model+"m"
		}
		if suite, err := NewSuite(kept); err == nil && !json.Valid(suite.Data) {
			t.Error("the data is no JSON")
		}
	})
}

// Results that contradict themselves, or whose load is of no cell, are no measurements.
func TestContradictions(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{`"completed": 40, "failed": 0`, `"completed": 0, "failed": 40`, "none of its 40 requests was answered"},
		{`"request_rate": "inf"`, `"request_rate": 5`, "at most 8 in flight"},
		{`"max_concurrency": 8`, `"max_concurrency": 8.7`, "its concurrency is 8.7"},
		{`"output_throughput": 400.5`, `"output_throughput": 400500`, "can not be of 20 requests/s with 20 output tokens each"},
	} {
		text := strings.Replace(vllmText, c.from, c.to, 1)
		_, err := one(t, "vllm", text)
		if text == vllmText || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.to, err)
		}
	}
}
