package vllm

import (
	"context"
	"strings"
	"testing"

	"aicv/spec"
)

// TestEffectiveFromARealLog: the log tells what the development endpoints of the same
// server do, but for what nobody set and the policy.
func TestEffectiveFromARealLog(t *testing.T) {
	r := newTest(t, nil)
	got := r.EffectiveFromLog(string(recorded(t, "serve.log")))
	compare(t, got, map[string]string{
		spec.ItemTensorParallel: "1", spec.ItemPipelineParallel: "1", spec.ItemAttentionDataParallel: "1",
		spec.ItemDType: "bfloat16", spec.ItemGEMMQuant: "bfloat16", spec.ItemKVCacheQuant: "bfloat16", spec.ItemMaxSequenceLength: "2048",
		spec.ItemMaxBatchSize: "32", spec.ItemPrefixCache: "false", spec.ItemChunkedPrefill: "true", spec.ItemCUDAGraphs: "false", spec.ItemSpeculativeTokens: "0",
		spec.ReportedLoadFormat: "dummy", spec.ReportedKVCacheTokens: "1048576",
	})
	asked, err := r.Effective(context.Background(), serve(t, map[string][]byte{"GET /server_info": recorded(t, "server_info.json")}))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range got {
		if v := asked.Get(s.Name); !v.Equal(s.Value) {
			t.Errorf("%s: the log tells %v, the server %v", s.Name, s.Value, v)
		}
	}
}

// written are lines as vLLM writes them, with all that is read set to something else.
const written = `(APIServer pid=1) INFO 01-02 10:00:00 [utils.py:253] non-default args: {'model_tag': 'm', 'api_key': ['canary'], 'max_num_seqs': 8, 'scheduling_policy': 'priority', 'data_parallel_size': 4, 'gpu_memory_utilization': 0.8, 'compilation_config': {'cudagraph_mode': 'canary'}, 'max_num_batched_tokens': 512}
(APIServer pid=1) INFO 01-02 10:00:01 [scheduler.py:216] Chunked prefill is enabled with max_num_batched_tokens=4096.
(EngineCore_DP0 pid=2) INFO 01-02 10:00:02 [core.py:93] Initializing a V1 LLM engine (v0.14.0) with config: model='m', speculative_config=SpeculativeConfig(method='mtp', model='m', num_spec_tokens=3), tokenizer='m', dtype=torch.float16, max_seq_len=4096, load_format=auto, tensor_parallel_size=2, pipeline_parallel_size=1, data_parallel_size=1, quantization=fp8, enforce_eager=False, kv_cache_dtype=fp8_e4m3, device_config=cuda, observability_config=ObservabilityConfig(dtype='canary', key="canary"), served_model_name=m, enable_prefix_caching=True, enable_chunked_prefill=True, compilation_config={'level': 3, 'cudagraph_mode': <CUDAGraphMode.FULL_AND_PIECEWISE: (2, 1)>, 'cudagraph_capture_sizes': [1, 2]}, kernel_config=K(a=1)
(EngineCore_DP0 pid=2) INFO 01-02 10:00:03 [kv_cache_utils.py:1307] GPU KV cache size: 620,944 tokens
(EngineCore_DP1 pid=3) INFO 01-02 10:00:03 [kv_cache_utils.py:1307] GPU KV cache size: 620,800 tokens
(APIServer pid=1) INFO:     Application startup complete.
`

func TestEffectiveFromLog(t *testing.T) {
	r := newTest(t, nil)
	got := r.EffectiveFromLog(written)
	compare(t, got, map[string]string{
		spec.ItemTensorParallel: "2", spec.ItemPipelineParallel: "1", spec.ItemAttentionDataParallel: "4",
		spec.ItemDType: "float16", spec.ItemKVCacheQuant: "fp8_e4m3", spec.ItemMaxSequenceLength: "4096", spec.ItemMaxBatchSize: "32", spec.ItemMaxBatchTokens: "4096",
		spec.ItemMemoryFraction: "0.8", spec.ItemSchedulePolicy: "priority", spec.ItemPrefixCache: "true", spec.ItemChunkedPrefill: "true", spec.ItemCUDAGraphs: "true",
		spec.ItemSpeculativeTokens: "3", spec.ReportedLoadFormat: "auto", spec.ReportedKVCacheTokens: "620800",
	})
	if text := spec.ListValue(values(got)...).String(); strings.Contains(text, "canary") {
		t.Error(text)
	}
	for end := range len(written) { // broken off anywhere: less is known, and nothing else
		for _, s := range r.EffectiveFromLog(written[:end]) {
			if want := got.Get(s.Name); s.Name == spec.ItemMaxBatchTokens || s.Name == spec.ItemMaxBatchSize || s.Name == spec.ReportedKVCacheTokens {
				continue // corrected by later lines
			} else if !s.Value.Equal(want) {
				t.Fatalf("after %d bytes %s is %v, want %v", end, s.Name, s.Value, want)
			}
		}
	}
	if got := r.EffectiveFromLog("nothing of it\n"); len(got) != 0 {
		t.Errorf("%v", got)
	}
}

// TestGraphsInLogs: the ways in which versions say that graphs are off.
func TestGraphsInLogs(t *testing.T) {
	r := newTest(t, nil)
	for config, want := range map[string]string{
		"enforce_eager=True, compilation_config={'cudagraph_mode': <CUDAGraphMode.PIECEWISE: 1>}, ": "false",
		"enforce_eager=False, compilation_config={'cudagraph_mode': <CUDAGraphMode.NONE: 0>}, ":     "false",
		`enforce_eager=False, compilation_config={"level":3,"cudagraph_mode":0}, `:                  "false",
		`enforce_eager=False, compilation_config={"level":3,"cudagraph_mode":1}, `:                  "true",
	} {
		got := r.EffectiveFromLog("Initializing a V1 LLM engine (v0.11.0) with config: " + config + "x=1").Get(spec.ItemCUDAGraphs)
		if got.Text() != want {
			t.Errorf("%s: %v, want %s", config, got, want)
		}
	}
}

func FuzzEffectiveFromLog(f *testing.F) {
	f.Add(written)
	f.Fuzz(func(_ *testing.T, log string) { (&runtime{}).EffectiveFromLog(log) })
}
