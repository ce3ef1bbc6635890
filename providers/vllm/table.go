package vllm

import (
	"slices"

	"aicv/kit/engine"
	"aicv/spec"
)

// Table is how vLLM is configured. Sources: its own definitions of arguments
// (vllm/engine/arg_utils.py, vllm/config) in the versions of Checked, and its
// documentation.
func Table() engine.Table {
	return engine.Table{
		Engine: "vLLM", Kind: Kind, Oldest: "0.12.0", Newest: "0.33.0", Negated: true,
		Checked: []string{"0.12.0", "0.14.0", "0.18.0", "0.19.0", "0.20.0", "0.22.0", "0.24.0", "0.32.0"},
		Rows:    slices.Concat(parallel(), quantization(), limits(), scheduling()), Counters: counters(),
		Aliases: map[string]string{
			"tp": "tensor-parallel-size", "pp": "pipeline-parallel-size", "dp": "data-parallel-size", "ep": "enable-expert-parallel", "q": "quantization",
			"cc": "compilation-config", "ac": "attention-config", "sc": "speculative-config",
		},
		Refused: []engine.Refusal{{Fix: "raise max_batch_tokens, lower max_sequence_length, or set chunked_prefill", When: engine.Condition{
			Text: "chunked_prefill is false and max_batch_tokens is below max_sequence_length", Holds: func(c *engine.Context) bool {
				tokens, known := c.Config.Get(spec.ItemMaxBatchTokens).Int()
				return known && c.Is(spec.ItemChunkedPrefill, "false") && tokens < c.Config.Size(spec.ItemMaxSequenceLength)
			}}}},
		Removed: []engine.Removed{
			{Flag: "device", Instead: "leave it out; device-ids or CUDA_VISIBLE_DEVICES choose GPUs"},
			{Flag: "num-scheduler-steps", Instead: "leave it out"},
			{Flag: "preemption-mode", Instead: "leave it out"},
			{Flag: "max-seq-len-to-capture", Instead: "use max-cudagraph-capture-size"},
			{Flag: "cuda-graph-sizes", Versions: ">=0.14.0", Instead: "use cudagraph-capture-sizes"},
			{Flag: "guided-decoding-backend", Instead: "use structured-outputs-config"},
			{Flag: "task", Instead: "use runner and convert"},
			{Flag: "swap-space", Versions: ">=0.18.0", Instead: "leave it out"},
			{Flag: "calculate-kv-scales", Versions: ">=0.32.0", Instead: "leave it out"},
			{Flag: "disable-log-requests", Versions: ">=0.18.0", Instead: `use "enable-log-requests" = false`},
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
		dp = spec.ItemAttentionDataParallel
		mt = spec.ItemMoETensorParallel
		me = spec.ItemMoEExpertParallel
	)
	whole := engine.Condition{Text: "it is tensor_parallel x attention_data_parallel", Holds: func(c *engine.Context) bool {
		return c.Config.Size(me) == c.Config.Size(spec.ItemTensorParallel)*c.Config.Size(dp) && c.Config.Size(mt) == 1
	}}
	return []engine.Row{
		{Item: spec.ItemReplicas, Fidelity: exact, Why: "so many servers behind aicv's own proxy; each is one replica"},
		{Item: spec.ItemTensorParallel, Args: []string{"--tensor-parallel-size", "{value}"}, Fidelity: exact},
		{Item: spec.ItemPipelineParallel, Args: []string{"--pipeline-parallel-size", "{value}"}, Fidelity: exact},
		{Item: dp, Values: []string{"1"}, Fidelity: exact, Why: "what runs unasked"},
		{Item: dp, When: engine.Dense(), Fidelity: unsupported, Why: "of a dense model --data-parallel-size makes independent copies: use the item replicas"},
		{Item: dp, Args: []string{"--data-parallel-size", "{value}"}, Fidelity: exact, Why: "of a mixture of experts this splits attention by requests"},
		{Item: mt, When: engine.NoExperts(), Fidelity: exact, Why: "there are no experts to split"},
		{Item: mt, When: engine.ExpertsFit(), Fidelity: exact, Why: "without expert parallelism experts are split over all ranks"},
		{Item: mt, Fidelity: unsupported, Why: "vLLM splits experts over all ranks, or distributes them over all: moe_tensor_parallel x moe_expert_parallel must be tensor_parallel x attention_data_parallel"},
		{Item: me, When: engine.NoExperts(), Fidelity: exact, Why: "there are no experts to distribute"},
		{Item: me, Values: []string{"1"}, Fidelity: exact, Why: "what runs unasked"},
		{Item: me, When: whole, Args: []string{"--enable-expert-parallel"}, Fidelity: exact, Why: "a switch: experts are distributed over all ranks"},
		{Item: me, Fidelity: unsupported, Why: "vLLM distributes experts over all ranks or over none: moe_expert_parallel must be 1, or tensor_parallel x attention_data_parallel with moe_tensor_parallel 1"},
	}
}

func quantization() []engine.Row {
	const (
		gemm = spec.ItemGEMMQuant
		moe  = spec.ItemMoEQuant
	)
	quantized := engine.Condition{Text: "gemm_quant quantizes at load", Holds: func(c *engine.Context) bool {
		mode := c.Config.Get(gemm).Text()
		return (mode == "fp8" || mode == "fp8_block") && c.Checkpoint.GEMM != mode
	}}
	online := []string{"--quantization", "fp8"}
	blocks := []string{"--quantization", "fp8_per_block"}
	return append([]engine.Row{
		{Item: gemm, When: engine.SameMode(), Fidelity: exact, Why: "a property of the checkpoint: no flag"},
		{Item: gemm, Values: []string{"float16"}, When: engine.Plain(), Args: []string{"--dtype", "float16"}, Fidelity: approximate, Why: "the same bytes, other arithmetic than the prediction's"},
		{Item: gemm, Values: []string{"fp8"}, When: engine.Plain(), Args: online, Fidelity: exact, Why: "quantized at load: one scale per weight, activations as they come"},
		{Item: gemm, Values: []string{"fp8_ootb"}, When: engine.Plain(), Args: online, Fidelity: approximate, Why: "a term of TensorRT-LLM; as fp8 here"},
		{Item: gemm, Values: []string{"fp8_block"}, Versions: ">=0.20.0", When: engine.Plain(), Args: blocks, Fidelity: exact, Why: "quantized at load, in blocks of 128 x 128"},
		{Item: gemm, Values: []string{"fp8"}, When: engine.UnknownModel(), Args: online, Fidelity: approximate, Why: "the checkpoint is not known: one that is quantized otherwise is refused"},
		{Item: gemm, When: engine.UnknownModel(), Fidelity: approximate, Why: "a property of the checkpoint, which is not known: give the model's path, so that its config.json can be read"},
		{Item: gemm, Fidelity: unsupported, Why: "the checkpoint is {checkpoint}, and vLLM can not turn it into {value} at load"},

		{Item: moe, When: engine.Dense(), Fidelity: exact, Why: "there are no experts"},
		{Item: moe, Values: []string{"bfloat16", "float16"}, When: quantized, Fidelity: unsupported, Why: "--quantization, which gemm_quant needs, quantizes experts too"},
		{Item: moe, When: engine.SameExperts(), Fidelity: exact, Why: "a property of the checkpoint: no flag"},
		{Item: moe, Values: []string{"fp8"}, When: engine.PlainExperts(), Args: online, Fidelity: approximate, Why: "quantized at load; aiconfigurator measured checkpoints with static scales"},
		{Item: moe, Values: []string{"fp8_block"}, Versions: ">=0.20.0", When: engine.PlainExperts(), Args: blocks, Fidelity: exact, Why: "quantized at load, in blocks of 128 x 128"},
		{Item: moe, When: engine.UnknownModel(), Fidelity: approximate, Why: "a property of the checkpoint, which is not known: give the model's path, so that its config.json can be read"},
		{Item: moe, Fidelity: unsupported, Why: "the checkpoint's experts are {experts}, and vLLM can not turn them into {value} at load"},
	}, caches()...)
}

func caches() []engine.Row {
	const (
		kv  = spec.ItemKVCacheQuant
		att = spec.ItemAttentionQuant
	)
	flag, auto := []string{"--kv-cache-dtype", "{value}"}, []string{"--kv-cache-dtype", "auto"}
	half := []string{"bfloat16", "float16"}
	plain := engine.Condition{Text: "the checkpoint asks for no other", Holds: func(c *engine.Context) bool { return c.Checkpoint.Known && c.Checkpoint.KVCache == "" }}
	asks := engine.Condition{Text: "the checkpoint asks for another", Holds: func(c *engine.Context) bool { return c.Checkpoint.KVCache != "" }}
	narrow := engine.ItemIn("kv_cache_quant is fp8", kv, "fp8", "fp8_e4m3", "fp8_e5m2")
	return []engine.Row{
		{Item: kv, Values: half, When: plain, Args: auto, Fidelity: exact, Why: "16 bits, as the model's data type; some models refuse to have it named"},
		{Item: kv, Values: half, When: asks, Args: flag, Fidelity: approximate, Why: "against what the checkpoint asks for, which some models refuse"},
		{Item: kv, Values: half, Args: auto, Fidelity: approximate, Why: "the model's data type, unless the checkpoint, which is not known, asks for another"},
		{Item: kv, Values: []string{"auto"}, Args: auto, Fidelity: approximate, Why: "what the checkpoint asks for, else the model's data type"},
		{Item: kv, Values: []string{"fp8", "fp8_e4m3", "fp8_e5m2"}, Args: flag, Fidelity: exact},
		{Item: kv, Values: []string{"int8"}, Versions: ">=0.20.0", Args: []string{"--kv-cache-dtype", "int8_per_token_head"}, Fidelity: approximate, Why: "with a scale per token and head"},
		{Item: kv, Values: []string{"nvfp4"}, Versions: ">=0.22.0", Args: flag, Fidelity: exact},
		{Item: kv, Fidelity: unsupported, Why: "vLLM has no KV cache of {value}"},
		{Item: att, Values: half, When: narrow, Versions: ">=0.14.0", Args: []string{"--attention-config", `{"disable_flashinfer_q_quantization":true}`}, Fidelity: approximate, Why: "for the kernels of FlashInfer; others decide by themselves"},
		{Item: att, Values: half, When: narrow, Fidelity: unsupported, Why: "with an fp8 KV cache the attention kernels decide by themselves"},
		{Item: att, Values: half, Fidelity: approximate, Why: "what a 16-bit KV cache gives; there is no flag"},
		{Item: att, Values: []string{"fp8"}, When: narrow, Fidelity: approximate, Why: "what an fp8 KV cache gives on FlashAttention 3 and FlashInfer; there is no flag"},
		{Item: att, Fidelity: unsupported, Why: "vLLM has no flag for it"},
		{Item: spec.ItemCommQuant, Values: []string{"half"}, Fidelity: exact, Why: "what runs unasked"},
		{Item: spec.ItemCommQuant, Fidelity: unsupported, Why: "vLLM communicates in 16 bits"},
	}
}

func limits() []engine.Row {
	return []engine.Row{
		{Item: spec.ItemMaxBatchSize, Args: []string{"--max-num-seqs", "{max_batch_size/attention_data_parallel}"}, Fidelity: exact, Why: "vLLM's limit is that of one data-parallel rank"},
		{Item: spec.ItemMaxBatchTokens, Args: []string{"--max-num-batched-tokens", "{value}"}, Fidelity: exact, Why: "prefill and decode together, per data-parallel rank"},
		{Item: spec.ItemMaxSequenceLength, Args: []string{"--max-model-len", "{value}"}, Fidelity: exact},
		{Item: spec.ItemMemoryFraction, Args: []string{"--gpu-memory-utilization", "{value}"}, Fidelity: exact},
	}
}

func scheduling() []engine.Row {
	const (
		cache  = spec.ItemPrefixCache
		graphs = spec.ItemCUDAGraphs
		drafts = spec.ItemSpeculativeTokens
	)
	// 512 is the most that vLLM captures by itself, whatever the limit of requests.
	large := engine.Condition{Text: "max_batch_size is above 512", Holds: func(c *engine.Context) bool { return c.Config.Size(spec.ItemMaxBatchSize) > 512 }}
	return []engine.Row{
		{Item: cache, Values: []string{"true"}, Args: []string{"--enable-prefix-caching"}, Fidelity: exact},
		{Item: cache, Values: []string{"false"}, Args: []string{"--no-enable-prefix-caching"}, Fidelity: exact},
		{Item: cache, Values: []string{engine.Unset}, Args: []string{"--no-enable-prefix-caching"}, Fidelity: exact, Why: "off unless asked for, as predictions assume"},
		{Item: spec.ItemChunkedPrefill, Values: []string{"true"}, Args: []string{"--enable-chunked-prefill"}, Fidelity: exact},
		{Item: spec.ItemChunkedPrefill, Values: []string{"false"}, Args: []string{"--no-enable-chunked-prefill"}, Fidelity: exact},
		{Item: spec.ItemSchedulePolicy, Values: []string{"fcfs", "priority"}, Args: []string{"--scheduling-policy", "{value}"}, Fidelity: exact},
		{Item: graphs, Values: []string{"true"}, When: large, Args: []string{"--max-cudagraph-capture-size", "{max_batch_size/attention_data_parallel}"}, Fidelity: exact, Why: "for all batches up to max_batch_size; by itself vLLM captures up to 512"},
		{Item: graphs, Values: []string{"true"}, Fidelity: exact, Why: "what runs unasked"},
		{Item: graphs, Values: []string{"false"}, Args: []string{"--compilation-config", `{"cudagraph_mode":"NONE"}`}, Fidelity: exact, Why: "graphs alone: --enforce-eager would turn compilation off, too"},
		{Item: drafts, Values: []string{"0"}, Fidelity: exact, Why: "what runs unasked"},
		{Item: drafts, When: engine.GivenFlag("speculative-config"), Fidelity: approximate, Why: "speculative-config in args says how; how many drafts are accepted depends on model and text"},
		{Item: drafts, Args: []string{"--speculative-config", `{"method":"mtp","num_speculative_tokens":{value}}`}, Fidelity: approximate, Why: "with the checkpoint's own layers for it (multi-token prediction); how many drafts are accepted depends on model and text"},
		{Item: spec.ItemDType, Values: []string{"auto", "half", "float16", "bfloat16", "float", "float32"}, Args: []string{"--dtype", "{value}"}, Fidelity: exact},
	}
}
