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

// A row of a job of InferenceX, in the shape that its process_result.py writes.
const inferenceXRowText = `{"hw": "h200", "conc": 4, "image": "vllm/vllm-openai:v0.21.0", "model": "m", "framework": "vllm", "precision": "fp8", "spec_decoding": "none", "disagg": false,
"isl": 1024, "osl": 1024, "is_multinode": false, "tp": 4, "pp": 2, "ep": 1, "dp_attention": "false", "tput_per_gpu": 56, "output_tput_per_gpu": 28, "input_tput_per_gpu": 28,
"mean_ttft": 0.3, "median_ttft": 0.29, "p99_ttft": 0.6, "mean_tpot": 0.0175, "mean_intvty": 57.1, "mean_e2el": 16.4}`

// A job's row says its layout, and what lengths it really had.
func TestInferenceXRow(t *testing.T) {
	r, err := one(t, "inferencex", inferenceXRowText)
	if err != nil {
		t.Fatal(err)
	}
	if r.GPUs != 8 || r.Engine != "0.21.0" || r.Settings[spec.ItemTensorParallel] != "4" || r.Settings[spec.ItemPipelineParallel] != "2" || len(r.Settings) != 2 {
		t.Errorf("%+v", r)
	}
	if r.Load != load(4, 921, 921) { // 16.1 s / 17.5 ms + 1
		t.Errorf("%+v", r.Load)
	}
	if _, has := r.Figures["ttft_p99"]; has || r.Figures[metric.Throughput] != 28 {
		t.Errorf("%+v", r.Figures)
	}
	if _, err := one(t, "inferencex", strings.Replace(inferenceXRowText, `"mean_e2el": 16.4`, `"mean_e2el": 1.64`, 1)); err == nil || !strings.Contains(err.Error(), "1024 were asked for") {
		t.Errorf("%v", err)
	}
	for image, want := range map[string]string{"lmsysorg/sglang:v0.5.2-cu126": "0.5.2", "vllm/vllm-openai-rocm:nightly-ac68": "", "mine/vllm:v1.0": "", "": ""} {
		if got := releaseOf(image); got != want {
			t.Errorf("%q is release %q, want %q", image, got, want)
		}
	}
}

const autotunerRunText = `{"scenario": "D(100,100)", "num_concurrency": 4, "run_duration": 3.0, "mean_output_throughput_tokens_per_s": 1730, "requests_per_second": 17.3,
"num_error_requests": 4, "num_completed_requests": 52, "error_rate": 0, "stats": {"ttft": {"mean": 0.0389, "p50": 0.0236, "p95": 0.13}, "tpot": {"mean": 0.00177}, "e2e_latency": {"mean": 0.2143},
"num_input_tokens": {"mean": 98.5, "min": 96, "max": 101}, "num_output_tokens": {"mean": 100, "min": 100, "max": 100}}}`

const autotunerText = `{"task_name": "t", "all_results": [{"experiment_id": 1, "parameters": {"tp-size": 2, "mem-fraction-static": 0.7}, "status": "success",
"metrics": {"mean_ttft": 9, "raw_results": [` + autotunerRunText + `]}, "objective_score": Infinity},
{"experiment_id": 2, "parameters": {"tp-size": 1}, "status": "failed", "metrics": null}]}`

// Each run of an experiment is one record, in seconds, with the layout of its experiment.
func TestAutotuner(t *testing.T) {
	r, err := one(t, "autotuner", autotunerText)
	if err != nil {
		t.Fatal(err)
	}
	if r.Load != load(4, 99, 100) || r.GPUs != 2 || r.Settings[spec.ItemTensorParallel] != "2" || r.Settings[spec.ItemMemoryFraction] != "0.7" || r.Requests != 56 {
		t.Errorf("%+v", r)
	}
	for name, want := range map[metric.Name]float64{"ttft": 38.9, "tpot": 1.77, "latency": 214.3, "total_throughput": 1730, "throughput": 865, "error_rate": 4. / 56} {
		if math.Abs(r.Figures[name]-want) > 1e-9*want {
			t.Errorf("%s is %v, want %v", name, r.Figures[name], want)
		}
	}
	said := strings.Join(Remarks([]Record{r}), "\n")
	for _, want := range []string{"experiment 2 is set aside: it did not succeed", "-7.3 % off Little's law", "p95 is left out"} {
		if !strings.Contains(said, want) {
			t.Errorf("it does not say %q: %s", want, said)
		}
	}
}

func TestRefusedAutotuner(t *testing.T) {
	second := strings.Replace(autotunerText, `"experiment_id": 2, "parameters": {"tp-size": 1}, "status": "failed", "metrics": null`,
		`"parameters": {"schedule-policy": "lpm"}, "status": "success", "metrics": {"raw_results": [`+autotunerRunText+`]}`, 1)
	for name, c := range map[string]struct{ text, want string }{
		"metadata":   {`{"all_results": [{"status": "success", "metrics": {"raw_results": {"cmd": "x"}}}]}`, "only how the benchmark was called"},
		"unit":       {strings.Replace(autotunerText, "0.2143", "214.3", 1), "can not be in seconds"},
		"lengths":    {strings.Replace(autotunerText, "D(100,100)", "N(480,240)/(300,150)", 1), "no fixed lengths"},
		"different":  {second, `schedule-policy="lpm"`},
		"parameters": {strings.Replace(autotunerText, `"tp-size": 2`, `"tp-size": 1.5`, 1), "its parameter tp-size is 1.5"},
	} {
		if _, err := one(t, "autotuner", c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Results that the projects published, where somebody put them beside the repository.
func TestPublishedResults(t *testing.T) {
	for format, parts := range map[string][]string{"inferencex": {"inferencex"}, "autotuner": {"inference-autotuner", "results"}} {
		t.Run(format, func(t *testing.T) {
			files, err := filepath.Glob(filepath.Join(fixtures(t, parts...), "*.json"))
			if err != nil || len(files) == 0 {
				t.Skip("there is none")
			}
			for _, file := range files {
				records, err := Read(format, file)
				if err != nil && spec.KindOf(err) != spec.ErrUsage {
					t.Errorf("%s: %v", file, err)
				}
				for _, r := range records {
					if r.Figures[metric.TPOT] <= 0 || r.Load.Concurrency == 0 {
						t.Errorf("%s: %+v", file, r)
					}
				}
			}
		})
	}
}

// A sweep of aiperf is a folder of runs: each is read, its summaries and the parts of a run
// are not.
func TestAIPerfSweep(t *testing.T) {
	dir := t.TempDir()
	for path, text := range map[string]string{
		"concurrency_2/profile_export_aiperf.json":                       aiperfText,
		"concurrency_2/phases/warmup/profile_export_aiperf.json":         "no run",
		"profile_runs/run_0001/concurrency_4/profile_export_aiperf.json": aiperfText,
		"sweep_aggregate/profile_export_aiperf_sweep.json":               "{}",
		"aggregate/concurrency_4/profile_export_aiperf_aggregate.json":   "{}",
		"a/b/c/d/e/f/g/h/too_deep/profile_export_aiperf.json":            aiperfText,
	} {
		file := filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	records, err := Read("aiperf", dir)
	if err != nil || len(records) != 2 || records[0].Source != "concurrency_2/profile_export_aiperf.json" || records[1].Source != "profile_runs/run_0001/concurrency_4/profile_export_aiperf.json" {
		t.Fatalf("%+v, %v", records, err)
	}
	if _, err := Read("aiperf", filepath.Join(dir, "sweep_aggregate")); err == nil || !strings.Contains(err.Error(), "neither does a folder in it") {
		t.Errorf("a summary alone: %v", err)
	}
}

// A prediction from other tables goes unnoticed where nobody says what was measured.
func TestEngineVersionIsAskedFor(t *testing.T) {
	for version, asked := range map[string]bool{"": true, "0.24.0": false} {
		said := strings.Join(Remarks([]Record{{Runtime: "vllm", Engine: version}}), " ")
		if strings.Contains(said, "--runtime-version") != asked {
			t.Errorf("version %q: %s", version, said)
		}
	}
}

func FuzzAutotuner(f *testing.F) {
	fuzzFormat(f, "autotuner", autotunerText, `{"all_results": [{"status": "success", "parameters": [], "metrics": {"raw_results": [{}]}}]}`)
}

func FuzzInferenceXRow(f *testing.F) {
	fuzzFormat(f, "inferencex", inferenceXRowText, `{"tp": 1e300, "osl": 1, "mean_tpot": 1e-300, "mean_ttft": 1, "mean_e2el": 2}`)
}
