package sglang

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"aicv/kit/engine"
	"aicv/spec"
)

func newTest(t *testing.T) *runtime {
	t.Helper()
	made, err := newRuntime(&spec.Component{Role: spec.RoleRuntime, Kind: Kind, Name: "it"}, spec.Env{})
	if err != nil {
		t.Fatal(err)
	}
	return made.(*runtime)
}

func serve(t *testing.T, answers map[string]string) spec.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, ok := answers[r.URL.Path]
		switch {
		case !ok:
			w.WriteHeader(http.StatusNotFound)
		case body == "busy":
			w.WriteHeader(http.StatusBadRequest)
		default:
			_, _ = w.Write([]byte(body))
		}
	}))
	t.Cleanup(s.Close)
	return spec.Server{URL: s.URL}
}

// TestEffective reads answers in the forms of several versions, and nothing of the
// environment that they may hold.
func TestEffective(t *testing.T) {
	cases := map[string]struct {
		path, info string
		want       map[string]string
	}{
		"resolved by the scheduler": {"/server_info", `{"tp_size": 8, "max_running_requests": 256, "chunked_prefill_size": 65536, "version": "0.5.14", "env_vars": {"HF_TOKEN": "canary"},
			"internal_states": [{"tp_size": 8, "dp_size": 8, "enable_dp_attention": true, "ep_size": 8, "pp_size": 1, "dtype": "auto", "kv_cache_dtype": "fp8_e4m3",
			"context_length": 5000, "chunked_prefill_size": 8192, "enable_mixed_chunk": true, "disable_radix_cache": true, "schedule_policy": "fcfs", "mem_fraction_static": 0.85,
			"disable_cuda_graph": false, "speculative_algorithm": null, "load_format": "dummy",
			"memory_usage": {"token_capacity": 123456}, "effective_max_running_requests_per_dp": 31}]}`,
			map[string]string{spec.ItemTensorParallel: "1", spec.ItemAttentionDataParallel: "8", spec.ItemMoEExpertParallel: "8", spec.ItemMoETensorParallel: "1",
				spec.ItemPipelineParallel: "1", spec.ItemKVCacheQuant: "fp8_e4m3", spec.ItemMaxSequenceLength: "5000", spec.ItemMaxBatchTokens: "8192",
				spec.ItemChunkedPrefill: "true", spec.ItemPrefixCache: "false", spec.ItemSchedulePolicy: "fcfs", spec.ItemMemoryFraction: "0.85", spec.ItemCUDAGraphs: "true",
				spec.ItemSpeculativeTokens: "0", spec.ItemMaxBatchSize: "248", spec.ReportedLoadFormat: "dummy", spec.ReportedKVCacheTokens: "123456"}},
		"older name": {"/get_server_info", `{"tp_size": 2, "dtype": "bfloat16", "chunked_prefill_size": -1, "max_prefill_tokens": 16384, "disable_cuda_graph": true, "max_total_num_tokens": 99}`,
			map[string]string{spec.ItemTensorParallel: "2", spec.ItemAttentionDataParallel: "1", spec.ItemDType: "bfloat16", spec.ItemMaxBatchTokens: "16384", spec.ItemChunkedPrefill: "false",
				spec.ItemCUDAGraphs: "false", spec.ItemMaxSequenceLength: "4096", spec.ReportedKVCacheTokens: "99"}},
	}
	for name, c := range cases {
		got, err := newTest(t).Effective(context.Background(), serve(t, map[string]string{c.path: c.info, "/v1/models": `{"data": [{"max_model_len": 4096}]}`}))
		if err != nil {
			t.Fatal(name, err)
		}
		for item, value := range c.want {
			if text := got.Get(item).Text(); text != value {
				t.Errorf("%s: %s is %q, want %q", name, item, text, value)
			}
		}
		if len(got) != len(c.want) {
			t.Errorf("%s: %d items, want %d: %v", name, len(got), len(c.want), got)
		}
	}
}

func TestCountersAndCache(t *testing.T) {
	r, ctx := newTest(t), context.Background()
	page := `sglang:prompt_tokens_total{model_name="m"} 100
sglang:cached_tokens_total{model_name="m"} 0
sglang:generation_tokens_total{model_name="m"} 50
sglang:num_running_reqs{tp_rank="0"} 2
`
	c, err := r.Counters(ctx, serve(t, map[string]string{"/metrics": page}))
	if err != nil || *c.PromptTokens != 100 || *c.PrefixCacheHits != 0 || *c.Running != 2 || c.Preemptions != nil {
		t.Errorf("%+v, %v", c, err)
	}
	if err := r.FlushCache(ctx, serve(t, map[string]string{"/flush_cache": "Cache flushed."})); err != nil {
		t.Error(err)
	}
	if err := r.FlushCache(ctx, serve(t, map[string]string{"/flush_cache": "busy"})); err == nil {
		t.Error("a cache that was not emptied")
	}
}

// TestOwnSignatures: SGLang's own failures, by their lines.
func TestOwnSignatures(t *testing.T) {
	r := newTest(t)
	for line, want := range map[string]string{
		"RuntimeError: Not enough memory. Please try to increase --mem-fraction-static. Current value: self.mem_fraction_static=0.5": "no room for the KV cache",
		"Exception: Capture cuda graph failed: CUDA error: an illegal memory access was encountered":                                 "graphs were captured",
		"RuntimeError: Rank 0 scheduler died during initialization (exit code: -9). If exit code is -9":                              "was killed",
		"[2026-07-24 10:00:00] Received sigquit from a child process. It usually means the child failed.":                            "processes failed",
		"[2026-07-24 10:00:00] Initialization failed. warmup error: Traceback":                                                       "first request failed",
		"Prefill out of memory. Try to lower your batch size.":                                                                       "prompts were computed",
		"Decode out of memory. Try to lower your batch size.":                                                                        "tokens were generated",
	} {
		e, known := r.Diagnose(line + "\n")
		if !known || !strings.Contains(e.Summary, want) || e.Fix == "" {
			t.Errorf("%q: %+v, want %q", line, e, want)
		}
	}
}

// TestSilentOnAHealthyLog: lines as SGLang writes them on its way to readiness.
func TestSilentOnAHealthyLog(t *testing.T) {
	log := `[2026-07-24 10:00:00] server_args=ServerArgs(model_path='m', tp_size=1, mem_fraction_static=0.88, quantization=None)
[2026-07-24 10:00:05] Init torch distributed begin.
[2026-07-24 10:00:06] Load weight begin. avail mem=78.60 GB
Loading safetensors checkpoint shards:  38% Completed | 3/8 [00:02<00:03,  1.5it/s]
[2026-07-24 10:00:20] Load weight end. type=Qwen3ForCausalLM, dtype=torch.bfloat16, avail mem=62.70 GB, mem usage=15.30 GB.
[2026-07-24 10:00:20] KV Cache is allocated. #tokens: 123456, K size: 8.00 GB, V size: 8.00 GB
[2026-07-24 10:00:21] max_running_requests was reduced from 4096 to 2048
[2026-07-24 10:00:21] Capture cuda graph begin. This can take up to several minutes. avail mem=10.00 GB
[2026-07-24 10:00:30] Capture cuda graph end. Time elapsed: 9.0 s.
INFO:     Application startup complete.
[2026-07-24 10:00:32] The server is fired up and ready to roll!
`
	if e, known := newTest(t).Diagnose(log); known {
		t.Errorf("a failure in a healthy log: %+v", e)
	}
}

func FuzzEffective(f *testing.F) {
	f.Add([]byte(`{"internal_states": [{"tp_size": 3, "dp_size": 0, "enable_dp_attention": true, "ep_size": -1}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if a, err := engine.ReadAnswer(body); err == nil {
			readInfo(fields{a.Object("internal_states.0"), a})
		}
	})
}
