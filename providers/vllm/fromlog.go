package vllm

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"

	"aicv/kit/engine"
	"aicv/spec"
)

// EffectiveFromLog reads what vLLM writes on its way to readiness, which is most of what the
// development endpoints tell: the arguments that it was given, its configuration, and the
// size of its KV cache. Sources: lines of vLLM 0.8.3 to 0.32.0 (vllm/entrypoints/utils.py,
// vllm/v1/engine/core.py, vllm/v1/core/kv_cache_utils.py).
func (r *runtime) EffectiveFromLog(log string) spec.Configuration {
	_, line, _ := strings.Cut(log, "non-default args: ")
	given := engine.ReadArguments(line, "max_num_seqs", "max_num_batched_tokens", "gpu_memory_utilization", "scheduling_policy", "data_parallel_size")
	_, line, _ = strings.Cut(log, " LLM engine (v")
	_, line, _ = strings.Cut(line, " with config: ")
	config := engine.ReadArguments(line, "dtype", "max_seq_len", "quantization", "enforce_eager", "tensor_parallel_size", "pipeline_parallel_size", "data_parallel_size",
		"kv_cache_dtype", "enable_prefix_caching", "enable_chunked_prefill", "chunked_prefill_enabled", "load_format", "compilation_config", "speculative_config")

	model, cache, scheduler, parallel := engine.Fields{}, engine.Fields{}, engine.Fields{}, engine.Fields{}
	model.Put("dtype", config, "dtype")
	model.Put("max_model_len", config, "max_seq_len")
	model.Put("quantization", config, "quantization")
	model.Put("enforce_eager", config, "enforce_eager")
	cache.Put("cache_dtype", config, "kv_cache_dtype")
	cache.Put("enable_prefix_caching", config, "enable_prefix_caching")
	cache.Put("gpu_memory_utilization", given, "gpu_memory_utilization")
	if tokens := leastCapacity(log); tokens > 0 {
		cache["kv_cache_size_tokens"] = json.RawMessage(strconv.Itoa(tokens))
	}
	scheduler.Put("max_num_seqs", given, "max_num_seqs")
	scheduler.Put("max_num_batched_tokens", given, "max_num_batched_tokens")
	if found := chunkLine().FindStringSubmatch(log); found != nil {
		scheduler["max_num_batched_tokens"] = json.RawMessage(found[1])
	}
	scheduler.Put("policy", given, "scheduling_policy")
	scheduler.Put("enable_chunked_prefill", config, "chunked_prefill_enabled")
	scheduler.Put("enable_chunked_prefill", config, "enable_chunked_prefill")
	parallel.Put("tensor_parallel_size", config, "tensor_parallel_size")
	parallel.Put("pipeline_parallel_size", config, "pipeline_parallel_size")
	parallel.Put("data_parallel_size", config, "data_parallel_size") // of a dense model's rank: 1
	parallel.Put("data_parallel_size", given, "data_parallel_size")

	all := engine.Fields{}
	model.Within(all, "model_config")
	cache.Within(all, "cache_config")
	scheduler.Within(all, "scheduler_config")
	parallel.Within(all, "parallel_config")
	graphsAndDrafts(all, config)
	return readConfig(all.Answer())
}

func graphsAndDrafts(all engine.Fields, config engine.Arguments) {
	graphs, load := engine.Fields{}, engine.Fields{}
	graphs.Put("cudagraph_mode", config.Inside("compilation_config", "cudagraph_mode"), "cudagraph_mode")
	graphs.Within(all, "compilation_config")
	load.Put("load_format", config, "load_format")
	load.Within(all, "load_config")
	if all.Put("speculative_config", config, "speculative_config"); string(all["speculative_config"]) == "null" {
		return
	}
	delete(all, "speculative_config")
	drafts := engine.Fields{}
	drafts.Put("num_speculative_tokens", config.Inside("speculative_config", "num_spec_tokens"), "num_spec_tokens")
	drafts.Within(all, "speculative_config")
}

func chunkLine() *regexp.Regexp {
	return regexp.MustCompile(`Chunked prefill is enabled with max_num_batched_tokens=(\d{1,9})\.`)
}

// leastCapacity is the size of the KV cache, of the rank with the smallest; 0: not told.
func leastCapacity(log string) int {
	least := 0
	for _, found := range regexp.MustCompile(`[GC]PU KV cache size: ([\d,]{1,20}) tokens`).FindAllStringSubmatch(log, -1) {
		if n, err := strconv.Atoi(strings.ReplaceAll(found[1], ",", "")); err == nil && n > 0 && (least == 0 || n < least) {
			least = n
		}
	}
	return least
}
