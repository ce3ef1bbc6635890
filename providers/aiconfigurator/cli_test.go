package aiconfigurator

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aicv/metric"
	"aicv/spec"
)

// read is a recorded output of the tool.
func read(t testing.TB, name string) string {
	t.Helper()
	content, err := os.ReadFile(fixture(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// The boxes that two releases print are read to the digit.
func TestRecordedBoxes(t *testing.T) {
	for name, want := range map[string]struct {
		version                      string
		ttft, tokens, memory, number float64
		dp                           int
		kvcache                      string
		loading                      int
	}{
		"cli-v0.10.0/estimate/est_agg_sglang.stdout.txt":         {"0.5.10", 365.532, 2979.64, 30.83, 64, 0, "", 0},
		"cli-v0.10.0/estimate/est_agg_vllm_with_logs.stdout.txt": {version: "0.19.0", number: 64, kvcache: "fp8"},
		"cli-v0.10.0/estimate/est_agg_vllm_kvbf16.stdout.txt":    {version: "0.19.0", number: 64},
		"cli-v0.10.0/estimate/est_moe_sglang.stdout.txt":         {version: "0.5.10", number: 128, dp: 8},
		"cli-v0.10.0/estimate/kv_overcommit_silent.stdout.txt":   {version: "0.19.0", number: 128, memory: 75.83},
		"cli-v0.12.0/est_agg_sglang/stdout.txt":                  {"0.5.14", 356.866, 2905.15, 30.83, 64, 0, "fp8", 1},
		"cli-v0.12.0/est_moe_sglang_ep/stdout.txt":               {"0.5.14", 2531.839, 4996.66, 54.45, 256, 8, "fp8", 1},
		"cli-v0.12.0/est_agg_vllm_h100_llama8b/stdout.txt":       {version: "0.24.0", kvcache: "bfloat16", loading: 4},
	} {
		b, err := readBox(read(t, name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		e := b.estimate
		check := func(field string, want float64) {
			if got := e.Values[field]; want != 0 && (got == nil || *got != want) {
				t.Errorf("%s: %s is %v, want %v", name, field, got, want)
			}
		}
		check("ttft", want.ttft)
		check("tokens/s", want.tokens)
		check("memory", want.memory)
		check("concurrency", want.number)
		if e.Version != want.version || e.Modes["kvcache"] != want.kvcache || len(b.loading) < want.loading {
			t.Errorf("%s: version %s, modes %v, %d tables", name, e.Version, e.Modes, len(b.loading))
		}
		if dp := e.Sizes["dp"]; want.dp > 0 && (dp == nil || *dp != want.dp) {
			t.Errorf("%s: attention dp %v", name, dp)
		}
	}
}

// What is no whole aggregated result is refused.
func TestBoxesThatAreNone(t *testing.T) {
	whole := read(t, "cli-v0.12.0/est_agg_sglang/stdout.txt")
	for name, text := range map[string]string{
		"empty": "", "garbage": "Hello!\nTTFT: 5 ms\n", "log alone": whole[:strings.Index(whole, "====")], "half": whole[:strings.Index(whole, "tokens/s:")],
		"disaggregated": read(t, "cli-v0.12.0/est_disagg_sglang/stdout.txt"), "twice": whole + whole,
		"no figure": strings.Replace(whole, "356.866 ms", "n/a", 1), "other unit": strings.Replace(whole, "356.866 ms", "356.866 s", 1),
		"no number": strings.Replace(whole, "2,905.15", "NaN", 1), "no size": strings.Replace(whole, "Batch Size:       64", "Batch Size:  many", 1),
		"no version": strings.Replace(whole, "sglang (0.5.14)", "sglang", 1),
	} {
		if b, err := readBox(text); err == nil {
			t.Errorf("%s: taken as %+v", name, b)
		}
	}
}

func FuzzBox(f *testing.F) {
	f.Add("  Performance Estimate (agg)\n  Backend:  sglang (0.5.14)\n  TTFT:  1.5 ms\n  TPOT: 2 ms\n Request Latency: 3 ms\n tokens/s: 1,000.5\n seq/s: 2\n Concurrency: 8\n Memory (GPU): 3 GB\n")
	f.Add("22:03:14 [aiconfigurator] [I] [helpers.py:772] Resolved quant modes for X: gemm=GEMMQuantMode.fp8_block moe=M.\n")
	f.Fuzz(func(t *testing.T, text string) {
		b, err := readBox(text)
		if err != nil {
			return
		}
		for _, name := range []string{"ttft", "tpot", "tokens/s", "concurrency", "memory"} {
			if b.estimate.Values[name] == nil {
				t.Errorf("a box without %s is taken", name)
			}
		}
		q := made(t, declared("/v")).ask(0, new(point(64)))
		if p, err := q.prediction(&b.estimate); err == nil && len(p.Values) == 0 {
			t.Error("an answer without figures is taken")
		}
	})
}

// Where the SDK can not be used, the command line answers, and what it hides is said.
func TestFallback(t *testing.T) {
	t.Setenv(playKeep, t.TempDir())
	t.Setenv(playSay, `{"aicv":1,"version":"0.9.0","unusable":"ImportError: no cli_estimate"}`+"\n;@"+filepath.Join(fixture(t, "cli-v0.10.0"), "estimate", "est_agg_sglang.stdout.txt"))
	root := venv(t)
	if _, err := made(t, declared(root, attrDriver, driverSDK)).Predict(t.Context(), []spec.Point{point(64)}); err == nil || !strings.Contains(err.Error(), "no cli_estimate") {
		t.Errorf("driver sdk: %v", err)
	}
	t.Setenv(playKeep, t.TempDir())
	t.Setenv(playSay, "@"+fixture(t, "cli-v0.12.0/est_agg_sglang/stdout.txt"))
	answers, err := made(t, declared(root, attrDriver, driverCLI, attrDatabase, "0.5.14")).Predict(t.Context(), []spec.Point{point(64)})
	if err != nil || answers[0].Missing != "" {
		t.Fatal(err, answers)
	}
	if a := &answers[0]; value(a, metric.TTFT) != 356.866 || a.Provenance.Database != "0.5.14" || !found(a.Findings, "asked_by_command_line", "hides where figures come from") ||
		!found(a.Findings, "low_fidelity_rows", "mla_bmm") || a.Modelled.Get(spec.ItemKVCacheQuant).Text() != "fp8" {
		t.Errorf("%+v", a)
	}
	content, err := os.ReadFile(filepath.Join(os.Getenv(playKeep), "0"))
	if err != nil {
		t.Fatal(err)
	}
	want := "cli estimate --model-path Qwen/Qwen3-32B-FP8 --system h200_sxm --backend sglang --backend-version 0.5.14 --database-mode SILICON --isl 2048 --osl 512 --batch-size 64" +
		" --ctx-tokens 2048 --tp-size 2 --pp-size 1 --attention-dp-size 1 --prefix 0 --no-color"
	if got := strings.TrimSpace(string(content)); got != want {
		t.Errorf("asked\n%s\nwant\n%s", got, want)
	}
}

// An SDK that can not be used leads to the command line by itself.
func TestFallbackByItself(t *testing.T) {
	root := venv(t)
	if err := os.Remove(filepath.Join(root, "bin", "python3")); err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\ncat >/dev/null\necho '" + `{"aicv":1,"unusable":"ImportError: gone"}` + "'\n"
	if err := os.WriteFile(filepath.Join(root, "bin", "python3"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv(playSay, "@"+fixture(t, "cli-v0.10.0/estimate/est_agg_sglang.stdout.txt"))
	answers, err := made(t, declared(root)).Predict(t.Context(), []spec.Point{point(64), point(32)})
	if err != nil {
		t.Fatal(err)
	}
	if !found(answers[0].Findings, "asked_by_command_line", "ImportError: gone") || !found(answers[0].Findings, "asked_by_command_line", "which quantization was assumed") {
		t.Errorf("%+v", answers[0])
	}
	if !strings.Contains(answers[1].Missing, "asked for bs 32 and answered for 64") {
		t.Errorf("%+v", answers[1])
	}
}

// The failures of the command line are told apart.
func TestRecordedFailures(t *testing.T) {
	for name, want := range map[string]struct {
		code      string
		text      string
		transient bool
	}{
		"cli-v0.10.0/errors/err_oom.stderr.txt":          {"1", "does not fit in memory with 64 requests", false},
		"cli-v0.10.0/errors/err_system.stderr.txt":       {"1", "No database found for system=h999", false},
		"cli-v0.10.0/errors/err_version.stderr.txt":      {"1", "version=9.9.9", false},
		"cli-v0.10.0/errors/err_missing_flag.stderr.txt": {"2", "are required: --system", false},
		"cli-v0.12.0/err_system/stderr.txt":              {"1", "No database found for system=", false},
		"cli-v0.12.0/err_version/stderr.txt":             {"1", "'current': '0.5.14', 'next': '0.5.16'", false},
		"cli-v0.12.0/err_model/stderr.txt":               {"2", "set the model's path to a folder with its config.json", false},
		"cli-v0.12.0/err_moe_no_ep/stderr.txt":           {"1", "At least one of moe_tp_size or moe_ep_size", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(playSay, "")
			t.Setenv(playErrors, read(t, name))
			t.Setenv(playEnd, want.code)
			answers, err := made(t, declared(venv(t), attrDriver, driverCLI)).Predict(t.Context(), []spec.Point{point(64)})
			if err != nil || !strings.Contains(answers[0].Missing, want.text) || answers[0].Transient != want.transient {
				t.Errorf("%v %+v", err, answers)
			}
		})
	}
}

// Bad ends of the command line are failures of their points, never figures.
func TestCommandLineFails(t *testing.T) {
	for name, play := range map[string]struct{ say, end, want string }{
		"nothing printed": {say: "", want: "gave no result"},
		"half a box":      {say: "  Performance Estimate (agg)\n  TTFT: 5 ms\n", want: "gave no result"},
		"silent failure":  {end: "3", want: "it failed and said nothing"},
		"logged failure":  {say: "13:43:37 [aiconfigurator] [E] [main.py:1626] No data\n", end: "1", want: "No data"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(playSay, play.say)
			t.Setenv(playEnd, play.end)
			answers, err := made(t, declared(venv(t), attrDriver, driverCLI)).Predict(t.Context(), []spec.Point{point(64)})
			if err != nil || !strings.Contains(answers[0].Missing, play.want) || len(answers[0].Values) > 0 {
				t.Errorf("%v %+v", err, answers)
			}
		})
	}
	t.Setenv(playSay, "")
	t.Setenv(playEnd, "kill")
	_, err := made(t, declared(venv(t), attrDriver, driverCLI)).Predict(t.Context(), points(2))
	var e *spec.Error
	if !errors.As(err, &e) || !strings.Contains(err.Error(), "signal: killed") {
		t.Errorf("%v", err)
	}
}
