package sglang

import (
	"testing"

	"aicv/spec"
)

// written are lines as SGLang writes them.
const written = `[2026-07-24 10:00:00] server_args=ServerArgs(model_path='m', api_key='canary', tp_size=8, pp_size=1, dp_size=4, enable_dp_attention=True, ep_size=8, dtype='auto', kv_cache_dtype='fp8_e4m3', context_length=None, max_running_requests=256, chunked_prefill_size=32768, enable_mixed_chunk=False, mem_fraction_static=0.85, schedule_policy='lpm', disable_radix_cache=True, disable_cuda_graph=False, speculative_algorithm=None, speculative_num_steps=None, load_format='dummy', json_model_override_args='{}')
[2026-07-24 10:00:30 DP0 TP0 EP0] max_total_num_tokens=123456, chunked_prefill_size=8192, max_prefill_tokens=16384, max_running_requests=64, context_len=4096, available_gpu_mem=9.70 GB
[2026-07-24 10:00:40] The server is fired up and ready to roll!
`

func TestEffectiveFromLog(t *testing.T) {
	got := newTest(t).EffectiveFromLog(written)
	want := map[string]string{
		spec.ItemTensorParallel: "2", spec.ItemPipelineParallel: "1", spec.ItemAttentionDataParallel: "4", spec.ItemMoEExpertParallel: "8", spec.ItemMoETensorParallel: "1",
		spec.ItemKVCacheQuant: "fp8_e4m3", spec.ItemMaxSequenceLength: "4096", spec.ItemMaxBatchSize: "256", spec.ItemMaxBatchTokens: "8192", spec.ItemChunkedPrefill: "false",
		spec.ItemMemoryFraction: "0.85", spec.ItemSchedulePolicy: "lpm", spec.ItemPrefixCache: "false", spec.ItemCUDAGraphs: "true", spec.ItemSpeculativeTokens: "0",
		spec.ReportedLoadFormat: "dummy", spec.ReportedKVCacheTokens: "123456",
	}
	for item, value := range want {
		if text := got.Get(item).Text(); text != value {
			t.Errorf("%s is %q, want %q", item, text, value)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d items, want %d: %v", len(got), len(want), got)
	}
	if got := newTest(t).EffectiveFromLog("nothing of it\n"); len(got) != 0 {
		t.Errorf("%v", got)
	}
}

func FuzzEffectiveFromLog(f *testing.F) {
	f.Add(written)
	f.Fuzz(func(_ *testing.T, log string) { (&runtime{}).EffectiveFromLog(log) })
}
