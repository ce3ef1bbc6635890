package sglang

import (
	"strings"

	"aicv/kit/engine"
	"aicv/spec"
)

// EffectiveFromLog reads the arguments that SGLang logs at its start, and what its first
// scheduler made of them: the limits are only taken from the latter, since some versions
// log the arguments before they are resolved. Sources: sglang/srt/entrypoints/engine.py
// and managers/scheduler.py, 2025 to mid 2026.
func (r *runtime) EffectiveFromLog(log string) spec.Configuration {
	_, line, _ := strings.Cut(log, "server_args=ServerArgs(")
	names := []string{"tp_size", "pp_size", "dp_size", "ep_size", "enable_dp_attention", "dtype", "kv_cache_dtype", "context_length", "enable_mixed_chunk", "mem_fraction_static",
		"schedule_policy", "disable_radix_cache", "disable_cuda_graph", "disable_decode_cuda_graph", "speculative_algorithm", "speculative_num_steps", "load_format"}
	given := engine.ReadArguments(line, names...)
	top := engine.Fields{}
	for _, name := range names {
		top.Put(name, given, name)
	}
	const first = "max_total_num_tokens"
	_, line, _ = strings.Cut(log, " "+first+"=")
	made := engine.ReadArguments(first+"="+line, first, "chunked_prefill_size", "max_prefill_tokens", "max_running_requests", "context_len")
	state, memory := engine.Fields{}, engine.Fields{}
	memory.Put("token_capacity", made, first)
	memory.Within(state, "memory_usage")
	state.Put("chunked_prefill_size", made, "chunked_prefill_size")
	state.Put("max_prefill_tokens", made, "max_prefill_tokens")
	state.Put("effective_max_running_requests_per_dp", made, "max_running_requests")
	state.Put("context_length", made, "context_len")
	return readInfo(fields{state.Answer(), top.Answer()})
}
