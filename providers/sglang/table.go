package sglang

import (
	"slices"

	"aicv/kit/engine"
	"aicv/spec"
)

// Table is how SGLang is configured. Sources: its own definitions of arguments
// (sglang/srt/server_args.py, arg_groups/fields) in the versions of Checked, and its
// documentation.
func Table() engine.Table {
	return engine.Table{
		Engine: "SGLang", Kind: Kind, Oldest: "0.5.6", Newest: "0.5.23",
		Checked: []string{"0.5.6.post2", "0.5.9", "0.5.10", "0.5.12", "0.5.14", "0.5.16", "0.5.23"},
		Rows:    slices.Concat(parallel(), quantization(), limits(), scheduling()), Counters: counters(),
		Aliases: map[string]string{
			"tensor-parallel-size": "tp-size", "tp": "tp-size", "pipeline-parallel-size": "pp-size", "data-parallel-size": "dp-size", "dp": "dp-size",
			"expert-parallel-size": "ep-size", "ep": "ep-size", "model": "model-path", "attn-dp-size": "enable-dp-attention",
			"disable-cuda-graph": "disable-decode-cuda-graph", "cuda-graph-backend-decode": "disable-decode-cuda-graph", "cuda-graph-max-bs": "cuda-graph-max-bs-decode",
		},
		Removed: []engine.Removed{
			{Flag: "enable-ep-moe", Instead: "set the item moe_expert_parallel"},
			{Flag: "enable-deepep-moe", Instead: `use "moe-a2a-backend" = "deepep"`},
			{Flag: "stream-output", Versions: ">=0.5.23", Instead: "use incremental-streaming-output"},
			{Flag: "collect-tokens-histogram", Versions: ">=0.5.23", Instead: "leave it out"},
			{Flag: "disaggregation-decode-tp", Versions: ">=0.5.10", Instead: "leave it out: sizes are exchanged by the servers"},
			{Flag: "disaggregation-decode-dp", Versions: ">=0.5.10", Instead: "leave it out: sizes are exchanged by the servers"},
			{Flag: "disaggregation-prefill-pp", Versions: ">=0.5.10", Instead: "leave it out: sizes are exchanged by the servers"},
		},
	}
}

const (
	exact       = spec.FidelityExact
	approximate = spec.FidelityApproximate
	unsupported = spec.FidelityUnsupported
)

func parallel() []engine.Row {
	const (
		tp = spec.ItemTensorParallel
		dp = spec.ItemAttentionDataParallel
		mt = spec.ItemMoETensorParallel
		me = spec.ItemMoEExpertParallel
	)
	ranks := []string{"--tp-size", "{tensor_parallel*attention_data_parallel}"}
	return []engine.Row{
		{Item: spec.ItemReplicas, Fidelity: exact, Why: "so many servers behind aicv's own proxy; each is one replica"},
		{Item: tp, When: engine.Several(dp), Args: ranks, Fidelity: exact, Why: "data-parallel attention is split inside SGLang's tensor-parallel group, so that group has tensor_parallel x attention_data_parallel ranks"},
		{Item: tp, Values: []string{engine.Unset}, When: engine.Several(dp), Args: ranks, Fidelity: exact, Why: "the group that data-parallel attention is split in"},
		{Item: tp, Args: []string{"--tp-size", "{value}"}, Fidelity: exact},
		{Item: spec.ItemPipelineParallel, Args: []string{"--pp-size", "{value}"}, Fidelity: exact},
		{Item: dp, Values: []string{"1"}, Fidelity: exact, Why: "what runs unasked"},
		{Item: dp, When: engine.Dense(), Fidelity: unsupported, Why: "SGLang splits attention by requests only in mixtures of experts; for independent copies there is the item replicas"},
		{Item: dp, Args: []string{"--dp-size", "{value}", "--enable-dp-attention"}, Fidelity: exact},
		{Item: mt, When: engine.NoExperts(), Fidelity: exact, Why: "there are no experts to split"},
		{Item: mt, When: engine.ExpertsFit(), Fidelity: exact, Why: "what --tp-size and --ep-size leave"},
		{Item: mt, Fidelity: unsupported, Why: "SGLang splits experts over all ranks: moe_tensor_parallel x moe_expert_parallel must be tensor_parallel x attention_data_parallel"},
		{Item: me, When: engine.NoExperts(), Fidelity: exact, Why: "there are no experts to distribute"},
		{Item: me, Values: []string{"1"}, Fidelity: exact, Why: "what runs unasked"},
		{Item: me, When: engine.ExpertsFit(), Args: []string{"--ep-size", "{value}"}, Fidelity: exact},
		{Item: me, Fidelity: unsupported, Why: "SGLang distributes experts over all ranks: moe_tensor_parallel x moe_expert_parallel must be tensor_parallel x attention_data_parallel"},
	}
}

func quantization() []engine.Row {
	const (
		gemm = spec.ItemGEMMQuant
		moe  = spec.ItemMoEQuant
	)
	online := []string{"--quantization", "fp8"}
	quantized := engine.Condition{Text: "gemm_quant quantizes at load", Holds: func(c *engine.Context) bool {
		return c.Config.Get(gemm).Text() == "fp8" && c.Checkpoint.GEMM != "fp8"
	}}
	return append([]engine.Row{
		{Item: gemm, When: engine.SameMode(), Fidelity: exact, Why: "a property of the checkpoint: no flag"},
		{Item: gemm, Values: []string{"float16"}, When: engine.Plain(), Args: []string{"--dtype", "float16"}, Fidelity: approximate, Why: "the same bytes, other arithmetic than the prediction's"},
		{Item: gemm, Values: []string{"fp8"}, When: engine.Plain(), Args: online, Fidelity: exact, Why: "quantized at load: weights per channel, activations per token"},
		{Item: gemm, Values: []string{"fp8_ootb"}, When: engine.Plain(), Args: online, Fidelity: approximate, Why: "a term of TensorRT-LLM; as fp8 here"},
		{Item: gemm, Values: []string{"nvfp4"}, Versions: ">=0.5.16", When: engine.Plain(), Args: []string{"--quantization", "nvfp4_online"}, Fidelity: approximate, Why: "quantized at load, without a calibration"},
		{Item: gemm, Values: []string{"fp8"}, When: engine.UnknownModel(), Args: online, Fidelity: approximate, Why: "the checkpoint is not known: one that is quantized already keeps its own mode"},
		{Item: gemm, When: engine.UnknownModel(), Fidelity: approximate, Why: "a property of the checkpoint, which is not known: give the model's path, so that its config.json can be read"},
		{Item: gemm, Fidelity: unsupported, Why: "the checkpoint is {checkpoint}, and SGLang can not turn it into {value} at load"},

		{Item: moe, When: engine.Dense(), Fidelity: exact, Why: "there are no experts"},
		{Item: moe, Values: []string{"bfloat16", "float16"}, When: quantized, Fidelity: unsupported, Why: "--quantization fp8, which gemm_quant needs, quantizes experts too"},
		{Item: moe, When: engine.SameExperts(), Fidelity: exact, Why: "a property of the checkpoint: no flag"},
		{Item: moe, Values: []string{"fp8"}, When: engine.PlainExperts(), Args: online, Fidelity: approximate, Why: "quantized at load; aiconfigurator measured no experts of that kind on SGLang"},
		{Item: moe, Values: []string{"w4a8_mxfp4_mxfp8"}, Args: []string{"--flashinfer-mxfp4-moe-precision", "default"}, Fidelity: approximate, Why: "for MXFP4 checkpoints on Blackwell"},
		{Item: moe, When: engine.UnknownModel(), Fidelity: approximate, Why: "a property of the checkpoint, which is not known: give the model's path, so that its config.json can be read"},
		{Item: moe, Fidelity: unsupported, Why: "the checkpoint's experts are {experts}, and SGLang can not turn them into {value} at load"},
	}, caches()...)
}

func caches() []engine.Row {
	const (
		kv  = spec.ItemKVCacheQuant
		att = spec.ItemAttentionQuant
	)
	flag := []string{"--kv-cache-dtype", "{value}"}
	narrow := engine.ItemIn("kv_cache_quant is fp8", kv, "fp8", "fp8_e4m3", "fp8_e5m2")
	return []engine.Row{
		{Item: kv, Values: []string{"bfloat16", "fp8_e4m3", "fp8_e5m2"}, Args: flag, Fidelity: exact},
		{Item: kv, Values: []string{"fp8"}, Args: []string{"--kv-cache-dtype", "fp8_e4m3"}, Fidelity: exact, Why: "SGLang refuses a bare fp8"},
		{Item: kv, Values: []string{"float16"}, Args: []string{"--kv-cache-dtype", "auto"}, Fidelity: approximate, Why: "that of the model's data type, unless the checkpoint asks for another"},
		{Item: kv, Values: []string{"auto"}, Args: flag, Fidelity: approximate, Why: "what the checkpoint asks for, else the model's data type"},
		{Item: kv, Values: []string{"nvfp4"}, Versions: ">=0.5.23", Args: flag, Fidelity: exact},
		{Item: kv, Fidelity: unsupported, Why: "SGLang has no KV cache of {value}"},
		{Item: att, Values: []string{"bfloat16", "float16"}, When: narrow, Fidelity: unsupported, Why: "with an fp8 KV cache the attention kernels decide by themselves, and most compute in fp8"},
		{Item: att, Values: []string{"bfloat16", "float16"}, Fidelity: approximate, Why: "what a 16-bit KV cache gives; there is no flag"},
		{Item: att, Values: []string{"fp8"}, When: narrow, Fidelity: approximate, Why: "what an fp8 KV cache gives on the kernels of Hopper and Blackwell; there is no flag"},
		{Item: att, Fidelity: unsupported, Why: "SGLang has no flag for it"},
		{Item: spec.ItemCommQuant, Values: []string{"half"}, Fidelity: exact, Why: "what runs unasked"},
		{Item: spec.ItemCommQuant, Values: []string{"int8"}, Versions: ">=0.5.12", Args: []string{"--enable-quant-communications"}, Fidelity: approximate, Why: "tensor-parallel communication only"},
		{Item: spec.ItemCommQuant, Fidelity: unsupported, Why: "SGLang communicates in 16 bits"},
	}
}

func limits() []engine.Row {
	const tokens = spec.ItemMaxBatchTokens
	return []engine.Row{
		{Item: spec.ItemMaxBatchSize, Args: []string{"--max-running-requests", "{value}"}, Fidelity: exact, Why: "over all data-parallel ranks of the server, which share it"},
		{Item: tokens, When: engine.Off(spec.ItemChunkedPrefill), Args: []string{"--max-prefill-tokens", "{value}"}, Fidelity: approximate, Why: "bounds prompt tokens only, and never below the longest prompt"},
		{Item: tokens, Args: []string{"--chunked-prefill-size", "{max_batch_tokens*attention_data_parallel}"}, Fidelity: approximate, Why: "bounds prompt tokens only; SGLang divides it by the data-parallel ranks"},
		{Item: spec.ItemMaxSequenceLength, Args: []string{"--context-length", "{value}"}, Fidelity: exact},
		{Item: spec.ItemMemoryFraction, Args: []string{"--mem-fraction-static", "{value}"}, Fidelity: approximate, Why: "SGLang's share is of weights and KV cache alone; activations and graphs come on top"},
	}
}

func scheduling() []engine.Row {
	const (
		graphs = spec.ItemCUDAGraphs
		drafts = spec.ItemSpeculativeTokens
	)
	sized := engine.Condition{Text: "max_batch_size is set", Holds: func(c *engine.Context) bool { return !c.Config.Get(spec.ItemMaxBatchSize).IsNull() }}
	steps := []string{"--speculative-num-steps", "{value}", "--speculative-eagle-topk", "1", "--speculative-num-draft-tokens", "{speculative_tokens+1}"}
	return []engine.Row{
		{Item: spec.ItemPrefixCache, Values: []string{"true"}, Fidelity: exact, Why: "what runs unasked"},
		{Item: spec.ItemPrefixCache, Values: []string{"false"}, Args: []string{"--disable-radix-cache"}, Fidelity: exact},
		{Item: spec.ItemPrefixCache, Values: []string{engine.Unset}, Args: []string{"--disable-radix-cache"}, Fidelity: exact, Why: "off unless asked for, as predictions assume"},
		{Item: spec.ItemChunkedPrefill, Values: []string{"true"}, Args: []string{"--enable-mixed-chunk"}, Fidelity: exact, Why: "without it SGLang stops decoding while it computes a piece of a prompt"},
		{Item: spec.ItemChunkedPrefill, Values: []string{"false"}, Args: []string{"--chunked-prefill-size", "-1"}, Fidelity: exact},
		{Item: spec.ItemSchedulePolicy, Values: []string{"fcfs", "lpm", "random", "dfs-weight", "lof", "priority"}, Args: []string{"--schedule-policy", "{value}"}, Fidelity: exact},
		{Item: spec.ItemSchedulePolicy, Values: []string{"routing-key"}, Versions: ">=0.5.9", Args: []string{"--schedule-policy", "{value}"}, Fidelity: exact},
		{Item: graphs, Values: []string{"true"}, Versions: ">=0.5.14", When: sized, Args: []string{"--cuda-graph-max-bs-decode", "{max_batch_size/attention_data_parallel}"}, Fidelity: exact, Why: "for all batches up to max_batch_size; by itself SGLang captures up to a size that depends on the GPU's memory"},
		{Item: graphs, Values: []string{"true"}, Versions: "<0.5.14", When: sized, Args: []string{"--cuda-graph-max-bs", "{max_batch_size/attention_data_parallel}"}, Fidelity: exact, Why: "for all batches up to max_batch_size; by itself SGLang captures up to a size that depends on the GPU's memory"},
		{Item: graphs, Values: []string{"true"}, Fidelity: exact, Why: "what runs unasked, up to a batch size that depends on the GPU's memory"},
		{Item: graphs, Values: []string{"false"}, Versions: ">=0.5.14", Args: []string{"--disable-decode-cuda-graph"}, Fidelity: exact},
		{Item: graphs, Values: []string{"false"}, Versions: "<0.5.14", Args: []string{"--disable-cuda-graph"}, Fidelity: exact},
		{Item: drafts, Values: []string{"0"}, Fidelity: exact, Why: "what runs unasked"},
		{Item: drafts, When: engine.GivenFlag("speculative-algorithm"), Args: steps, Fidelity: approximate, Why: "how many drafts are accepted depends on model and text"},
		{Item: drafts, Args: append([]string{"--speculative-algorithm", "NEXTN"}, steps...), Fidelity: approximate, Why: "with the checkpoint's own layers for it (multi-token prediction); how many drafts are accepted depends on model and text"},
		{Item: spec.ItemDType, Values: []string{"auto", "half", "float16", "bfloat16", "float", "float32"}, Args: []string{"--dtype", "{value}"}, Fidelity: exact},
	}
}
