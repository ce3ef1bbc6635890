package results

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aicv/metric"
	"aicv/spec"
)

// fixtures finds the recorded files beside the repository; it skips where they are not.
func fixtures(t testing.TB, parts ...string) string {
	t.Helper()
	dir := filepath.Join(append([]string{"..", "..", "..", "shared", "fixtures"}, parts...)...)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no recorded results: the fixtures are not beside the repository (%s)", filepath.Join(parts...))
	}
	return dir
}

func figure(t *testing.T, r spec.RunResult, name metric.Name) float64 {
	t.Helper()
	v, ok := r.Values.Get(name)
	if !ok {
		t.Fatalf("%s is missing", name)
	}
	return v
}

func finding(r spec.RunResult, check string) *spec.Finding {
	for i := range r.Findings {
		if r.Findings[i].Check == check {
			return &r.Findings[i]
		}
	}
	return nil
}

// Every run of genai-bench that there is parses; the figures are those of its rows, and
// agree with its own aggregates.
func TestGenAIBenchRuns(t *testing.T) {
	root := fixtures(t, "genai-bench")
	for folder, want := range map[string]struct {
		version              string
		concurrency, request int
		rate                 float64 // output tokens/s over the whole run
		gap                  bool    // more than 1 % under Little's law
	}{
		"v0.0.5-vllm-cpu/c4":     {"0.0.5", 4, 84, 186.6613, true},
		"v0.0.5-vllm-cpu/c1_r1":  {"0.0.5", 1, 14, 137.2332, true},
		"v0.0.5-vllm-cpu/c1_r2":  {"0.0.5", 1, 15, 149.4153, true},
		"v0.0.5-vllm-cpu/c8_r1":  {"0.0.5", 8, 96, 250.5486, true},
		"v0.0.5-vllm-cpu/c8_r2":  {"0.0.5", 8, 96, 231.6474, true},
		"v0.0.5-vllm-cpu/c16_r1": {"0.0.5", 16, 192, 252.7611, true},
		"v0.0.5-vllm-cpu/c16_r2": {"0.0.5", 16, 192, 275.0495, true},
		"pr167-main-run":         {"0.0.2", 1, 10, 94.4034, false},
		"pr167-50req-run":        {"0.0.2", 1, 50, 86.0852, false},
		"pr167-extra-fields-run": {"0.0.2", 1, 10, 75.5536, false},
	} {
		t.Run(folder, func(t *testing.T) {
			got, err := ReadGenAIBench(filepath.Join(root, folder))
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Runs) != 1 || got.Metadata.Version != want.version || got.Runs[0].Concurrency != want.concurrency {
				t.Fatalf("%d runs of release %s at concurrency %d", len(got.Runs), got.Metadata.Version, got.Runs[0].Concurrency)
			}
			r, err := got.Runs[0].Result(2, 0, nil)
			if err != nil {
				t.Fatal(err)
			}
			rate := figure(t, r, metric.TotalThroughput)
			if r.Requests != want.request || r.Failed != 0 || r.Window != spec.WindowWholeRun || math.Abs(rate-want.rate) > 0.001 {
				t.Errorf("%d requests, %d failed, window %s, %v tokens/s", r.Requests, r.Failed, r.Window, rate)
			}
			if f := finding(r, "tool_aggregates"); f != nil {
				t.Error(f.Message)
			}
			f := finding(r, "littles_rate")
			if f == nil || want.gap != (f.Severity == spec.FindingWarn) {
				t.Errorf("%+v", f)
			}
			if per := figure(t, r, metric.Throughput); per != rate/2 {
				t.Errorf("throughput per GPU is %v of %v", per, rate)
			}
		})
	}
}

// The mean of 1/tpot is not 1/the mean of tpot: the contract's is the latter.
func TestUserThroughputIsOfTheMean(t *testing.T) {
	got, err := ReadGenAIBench(fixtures(t, "genai-bench", "pr167-main-run"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := got.Runs[0].Result(0, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	if v := figure(t, r, metric.UserThroughput); math.Abs(v-123.6) > 0.1 {
		t.Errorf("user_throughput is %v, want 123.6 (the file's mean of inverses is 130.0)", v)
	}
	if _, known := r.Values.Get(metric.Throughput); known {
		t.Error("a throughput per GPU without GPUs")
	}
}

func TestWhatIsNoResultOfGenAIBench(t *testing.T) {
	root := fixtures(t, "genai-bench")
	_, err := ReadGenAIBench(filepath.Join(root, "pr167-aborted-run"))
	if err == nil || !strings.Contains(err.Error(), "ended before its first run did") {
		t.Errorf("an aborted experiment: %v", err)
	}
	data, err := os.ReadFile(filepath.Join(root, "upstream-tests", "mock_run_data.json"))
	if err != nil {
		t.Fatal(err)
	}
	run, err := ParseGenAIBench(data)
	if err != nil || len(run.Rows) != 2 || run.Completed != 32 || run.Duration != 0 {
		t.Fatalf("the schema of 2024: %+v, %v", run, err)
	}
	if _, err := run.Result(1, 0, nil); err == nil || !strings.Contains(err.Error(), "rows of 2 of its 32") {
		t.Errorf("a part of the rows: %v", err)
	}
	data, err = os.ReadFile(filepath.Join(root, "upstream-tests", "mock_experiment_data.json"))
	if err != nil {
		t.Fatal(err)
	}
	if m, err := ParseGenAIBenchMetadata(data); err != nil || m.Task == "" {
		t.Errorf("%+v, %v", m, err)
	}
}

// run is a run file with the rows and the aggregates given.
func genaiRun(aggregates, rows string) []byte {
	return []byte(`{"aggregated_metrics": {"scenario": "D(10,3)", "num_concurrency": 2, ` + aggregates + `}, "individual_request_metrics": [` + rows + `], "_time_unit": "ms", "new_field": [1, {"x": NaN}]}`)
}

const twoRows = `{"ttft": 100, "tpot": 50, "e2e_latency": 200, "num_input_tokens": 10, "num_output_tokens": 3.0, "audio_throughput": null},
{"ttft": 300, "tpot": null, "e2e_latency": 300, "num_input_tokens": 10, "num_output_tokens": 3, "note": "NaN stays"}`

func TestRowsAreWhatCounts(t *testing.T) {
	run, err := ParseGenAIBench(genaiRun(`"run_duration": 2, "num_requests": 3, "num_completed_requests": 2, "num_error_requests": 1, "error_rate": 0, "mean_output_throughput_tokens_per_s": 4, "stats": {"ttft": {"mean": 200, "p50": null}, "tpot": {"mean": Infinity}}`,
		twoRows+`, {"ttft": null, "error_code": 503, "error_message": "busy"}`))
	if err != nil {
		t.Fatal(err)
	}
	slo := spec.SLO{{Metric: metric.TTFT, Quantity: metric.MustDecimal("150")}}
	r, err := run.Result(0, 2, slo)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[metric.Name]float64{
		metric.TotalThroughput: 3, metric.RequestThroughput: 1, metric.Goodput: 0.5, metric.TTFT: 200, metric.TPOT: 50, metric.Latency: 250, metric.ErrorRate: 0.6,
	} {
		if got := figure(t, r, name); math.Abs(got-want) > 1e-9 {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if r.Requests != 5 || r.Failed != 3 || r.Rows[2].Error != "HTTP 503: busy" {
		t.Errorf("%d requests, %d failed, %q", r.Requests, r.Failed, r.Rows[2].Error)
	}
	for _, check := range []string{"lost_requests", "buffered_stream", "tool_aggregates", "littles_rate"} {
		if finding(r, check) == nil {
			t.Errorf("no finding %s in %+v", check, r.Findings)
		}
	}
}

func TestRefusedRunsOfGenAIBench(t *testing.T) {
	for name, c := range map[string]struct{ data, want string }{
		"no JSON":          {`{"aggregated_metrics"`, "no JSON"},
		"another file":     {`{"results": []}`, "no aggregated_metrics"},
		"unit":             {`{"aggregated_metrics": {}, "_time_unit": "min"}`, `"min"`},
		"huge duration":    {string(genaiRun(`"run_duration": 1e300`, "")), "no duration"},
		"negative count":   {string(genaiRun(`"num_requests": -1`, "")), "no count"},
		"fractional count": {string(genaiRun(`"num_requests": 1`, `{"ttft": 1, "e2e_latency": 2, "num_output_tokens": 1.5}`)), "no number of tokens"},
		"negative ttft":    {string(genaiRun(`"num_requests": 1`, `{"ttft": -1, "e2e_latency": 2, "num_output_tokens": 1}`)), "no duration"},
		"ttft > latency":   {string(genaiRun(`"num_requests": 1`, `{"ttft": 3, "e2e_latency": 2, "num_output_tokens": 1}`)), "first token came after"},
		"too large":        {string(genaiRun(`"num_requests": 1e999`, "")), "no JSON of this kind"},
	} {
		if _, err := ParseGenAIBench([]byte(c.data)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	run, err := ParseGenAIBench(genaiRun(`"num_requests": 1`, `{"error_code": 500}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := run.Result(1, 0, nil); err == nil {
		t.Error("a run without an answer is a measurement")
	}
}

// A folder is read by itself: links, subfolders and other files are left alone.
func TestFoldersOfGenAIBench(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := ReadGenAIBench(dir); err == nil || !strings.Contains(err.Error(), "holds no run") {
		t.Errorf("an empty folder: %v", err)
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "x.json")); err != nil {
		t.Fatal(err)
	}
	write("notes.txt", "x")
	write("experiment_metadata.json", `{"benchmark_version": "0.0.4", "cmd": "genai-bench --api-key SECRET"}`)
	write("debug_for_run_D_1.json", "half")
	write("D10_3_text-to-text_num_concurrency_2_time_2s.json", string(genaiRun(`"run_duration": 2, "num_completed_requests": 2`, twoRows)))
	folder, err := ReadGenAIBench(dir)
	if err != nil || len(folder.Runs) != 1 || folder.Metadata.Version != "0.0.4" {
		t.Fatalf("%+v, %v", folder, err)
	}
	write("broken.json", `{"aggregated_metrics": `)
	if _, err := ReadGenAIBench(dir); err == nil || !strings.Contains(err.Error(), "broken.json") {
		t.Errorf("a half-written file: %v", err)
	}
	if _, err := ReadGenAIBench(filepath.Join(dir, "no")); err == nil {
		t.Error("no error for a folder that is not there")
	}
}

func FuzzGenAIBench(f *testing.F) {
	f.Add(genaiRun(`"run_duration": 2, "num_completed_requests": 2, "stats": {"ttft": {"mean": 1}}`, twoRows))
	f.Add([]byte(`{"aggregated_metrics": {"num_requests": -Infinity}, "individual_request_metrics": [{"error_code": NaN}]}`))
	f.Add([]byte(`{"aggregated_metrics": {}, "_time_unit": "s", "individual_request_metrics": [{"ttft": 1e308, "e2e_latency": 1e308, "num_output_tokens": 2}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		run, err := ParseGenAIBench(data)
		if err != nil {
			return
		}
		r, err := run.Result(1, 0, nil)
		if err != nil {
			return
		}
		for _, v := range r.Values {
			if math.IsNaN(v.Value) || math.IsInf(v.Value, 0) || v.Value < 0 {
				t.Errorf("%s is %v", v.Metric, v.Value)
			}
		}
		if r.Failed > r.Requests || r.Requests <= 0 {
			t.Errorf("%d of %d failed", r.Failed, r.Requests)
		}
	})
}
