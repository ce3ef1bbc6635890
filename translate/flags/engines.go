package flags

import "aicv/spec"

// exact builds a flag that says what its item says.
func exact(item string, kind Kind, names ...string) Flag {
	return Flag{Names: names, Item: item, Kind: kind, Fidelity: spec.FidelityExact}
}

// approximate builds a flag that says nearly what its item says.
func approximate(why, item string, kind Kind, names ...string) Flag {
	return Flag{Names: names, Item: item, Kind: kind, Fidelity: spec.FidelityApproximate, Why: why}
}

func (f Flag) with(values ...Value) Flag {
	f.Values = values
	return f
}

func same(word, item string) Value {
	return Value{Word: word, Item: item, Fidelity: spec.FidelityExact}
}

func left(word string) Value {
	return Value{Word: word, Fidelity: spec.FidelityExact, Why: "left to the engine, as an item that is not set"}
}

// fp8 is the online quantization, and what stands for a checkpoint's own.
func fp8(v ...Value) []Value {
	return append([]Value{{Word: "fp8", Item: "fp8", Fidelity: spec.FidelityApproximate,
		Why: "the granularity of the scales is the engine's, or the checkpoint's"}}, v...)
}

func dtypes() []Value {
	return []Value{left("auto"), same("bfloat16", "bfloat16"), same("float16", "float16"), same("half", "float16"),
		same("float32", "float32"), same("float", "float32")}
}

const dpServers = "the engine's own data parallelism behind one address; the item counts servers that share the load"

// sglang lists SGLang's flags, names as of 0.5.x (python/sglang/srt/arg_groups).
func sglang() []Flag {
	return []Flag{
		exact(spec.ItemTensorParallel, Size, "tp-size", "tensor-parallel-size", "tp"),
		exact(spec.ItemPipelineParallel, Size, "pp-size", "pipeline-parallel-size"),
		approximate(dpServers, spec.ItemReplicas, Size, "dp-size", "data-parallel-size", "dp"),
		exact(spec.ItemMoEExpertParallel, Size, "ep-size", "expert-parallel-size", "ep"),
		exact(spec.ItemGEMMQuant, Word, "quantization").with(fp8()...),
		exact(spec.ItemKVCacheQuant, Word, "kv-cache-dtype").with(left("auto"), same("fp8_e4m3", "fp8"), same("fp8_e5m2", "fp8_e5m2"), same("bfloat16", "bfloat16"), same("bf16", "bfloat16")),
		exact(spec.ItemDType, Word, "dtype").with(dtypes()...),
		approximate("SGLang's share is of weights and KV cache alone", spec.ItemMemoryFraction, Share, "mem-fraction-static", "mem-frac"),
		exact(spec.ItemMaxBatchSize, Size, "max-running-requests"),
		approximate("a limit of prefill tokens; decode steps come beside it", spec.ItemMaxBatchTokens, Size, "chunked-prefill-size"),
		exact(spec.ItemMaxSequenceLength, Size, "context-length"),
		exact(spec.ItemSchedulePolicy, Word, "schedule-policy"),
		exact(spec.ItemPrefixCache, Off, "disable-radix-cache"),
		exact(spec.ItemCUDAGraphs, Off, "disable-cuda-graph"),
		exact(spec.ItemChunkedPrefill, On, "enable-mixed-chunk"),
	}
}

// vllm lists vLLM's flags, names as of 0.2x (vllm/engine/arg_utils.py).
func vllm() []Flag {
	return []Flag{
		exact(spec.ItemTensorParallel, Size, "tensor-parallel-size", "tp"),
		exact(spec.ItemPipelineParallel, Size, "pipeline-parallel-size", "pp"),
		approximate(dpServers, spec.ItemReplicas, Size, "data-parallel-size", "dp"),
		exact(spec.ItemGEMMQuant, Word, "quantization", "q").with(fp8(same("fp8_per_tensor", "fp8"), same("fp8_per_block", "fp8_block"))...),
		exact(spec.ItemKVCacheQuant, Word, "kv-cache-dtype").with(left("auto"), same("fp8", "fp8"), same("fp8_e4m3", "fp8"), same("fp8_e5m2", "fp8_e5m2"), same("bfloat16", "bfloat16")),
		exact(spec.ItemDType, Word, "dtype").with(dtypes()...),
		exact(spec.ItemMemoryFraction, Share, "gpu-memory-utilization"),
		exact(spec.ItemMaxBatchSize, Size, "max-num-seqs"),
		exact(spec.ItemMaxBatchTokens, Size, "max-num-batched-tokens"),
		exact(spec.ItemMaxSequenceLength, Size, "max-model-len"),
		exact(spec.ItemSchedulePolicy, Word, "scheduling-policy"),
		exact(spec.ItemPrefixCache, Off, "no-enable-prefix-caching"),
		exact(spec.ItemPrefixCache, On, "enable-prefix-caching"),
		exact(spec.ItemChunkedPrefill, On, "enable-chunked-prefill"),
		exact(spec.ItemChunkedPrefill, Off, "no-enable-chunked-prefill"),
		approximate("it turns compilation off, too; aicv turns off graphs alone", spec.ItemCUDAGraphs, Off, "enforce-eager"),
	}
}
