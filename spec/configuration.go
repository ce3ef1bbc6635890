package spec

import (
	"slices"
	"strings"
)

// The names of the configuration items, in aiconfigurator's vocabulary.
const (
	ItemReplicas              = "replicas"
	ItemTensorParallel        = "tensor_parallel"
	ItemPipelineParallel      = "pipeline_parallel"
	ItemAttentionDataParallel = "attention_data_parallel"
	ItemMoETensorParallel     = "moe_tensor_parallel"
	ItemMoEExpertParallel     = "moe_expert_parallel"
	ItemGEMMQuant             = "gemm_quant"
	ItemMoEQuant              = "moe_quant"
	ItemKVCacheQuant          = "kv_cache_quant"
	ItemAttentionQuant        = "attention_quant"
	ItemCommQuant             = "comm_quant"
	ItemMaxBatchSize          = "max_batch_size"
	ItemMaxBatchTokens        = "max_batch_tokens"
	ItemMaxSequenceLength     = "max_sequence_length"
	ItemMemoryFraction        = "memory_fraction"
	ItemPrefixCache           = "prefix_cache"
	ItemChunkedPrefill        = "chunked_prefill"
	ItemSchedulePolicy        = "schedule_policy"
	ItemCUDAGraphs            = "cuda_graphs"
	ItemSpeculativeTokens     = "speculative_tokens"
	ItemDType                 = "dtype"
)

// What engines report beside the items.
const (
	ReportedKVCacheTokens = "kv_cache_tokens" // that the KV cache of one data-parallel rank holds
	ReportedLoadFormat    = "load_format"     // "dummy": the weights are random
)

// Setting is one item of a configuration, or one axis of a cell, with its value.
type Setting struct {
	Name  string `json:"name"`
	Value Value  `json:"value"`
}

// Configuration is how an engine is set up: the items that were set, sorted by
// name, each once. Items that were not set are left to the engine, and are
// `unknown` until it reports them.
type Configuration []Setting

// NewConfiguration sorts settings; a later one of the same name wins.
func NewConfiguration(settings ...Setting) Configuration {
	c := make(Configuration, 0, len(settings))
	for _, s := range settings {
		c = c.With(s.Name, s.Value)
	}
	return c
}

// With returns a copy with one item set.
func (c Configuration) With(name string, value Value) Configuration {
	i, found := slices.BinarySearchFunc(c, name, func(s Setting, n string) int { return strings.Compare(s.Name, n) })
	if found {
		next := slices.Clone(c)
		next[i].Value = value
		return next
	}
	return slices.Insert(slices.Clone(c), i, Setting{name, value})
}

// Get finds an item's value; Null where it is not set.
func (c Configuration) Get(name string) Value {
	for _, s := range c {
		if s.Name == name {
			return s.Value
		}
	}
	return Value{}
}

// Size returns a parallel size or a count; 1 where it is not set.
func (c Configuration) Size(name string) int {
	if n, ok := c.Get(name).Int(); ok {
		return n
	}
	return 1
}

// GPUs is the number of GPUs that the configuration occupies over all replicas:
// replicas x tensor x pipeline x attention data parallel, as aiconfigurator counts.
func (c Configuration) GPUs() int {
	return c.Size(ItemReplicas) * c.Size(ItemTensorParallel) * c.Size(ItemPipelineParallel) * c.Size(ItemAttentionDataParallel)
}

// mostReplicas bounds how many servers one deployment starts: a slip of the pen shall
// not fill a host with processes.
const mostReplicas = 1024

// ConfigurationItems are the schema rows of the `configuration` block; a matrix
// axis of the same name sets the item.
func ConfigurationItems() []Attribute {
	one, replicas := 1.0, float64(mostReplicas)
	count := func(name, example, doc string) Attribute {
		return Attribute{Name: name, Type: TypeInt, Min: &one, Doc: doc, Example: example, Since: "0.1"}
	}
	size := func(name, doc string) Attribute { return count(name, "2", doc) }
	text := func(name, example, doc string) Attribute {
		return Attribute{Name: name, Type: TypeString, Doc: doc, Example: `"` + example + `"`, Since: "0.1"}
	}
	mode := func(name, example, doc string, known []string) Attribute {
		a := text(name, example, doc)
		a.Known = known
		return a
	}
	flag := func(name, doc string) Attribute {
		return Attribute{Name: name, Type: TypeBool, Doc: doc, Example: "false", Since: "0.1"}
	}
	share, zero := 1.0, 0.0
	return []Attribute{
		{Name: ItemReplicas, Type: TypeInt, Min: &one, Max: &replicas, Doc: "Identical servers that share the load.", Example: "2", Since: "0.1"},
		size(ItemTensorParallel, "GPUs over which each layer's weights are split."),
		size(ItemPipelineParallel, "Stages into which the layers are split."),
		size(ItemAttentionDataParallel, "Data-parallel ranks of the attention layers."),
		size(ItemMoETensorParallel, "Tensor-parallel size inside the experts of a mixture-of-experts model."),
		size(ItemMoEExpertParallel, "Ranks over which experts are distributed."),
		mode(ItemGEMMQuant, "fp8_block", "Quantization of the dense matrix multiplications.", weightModes()),
		mode(ItemMoEQuant, "fp8_block", "Quantization of the experts.", weightModes()),
		mode(ItemKVCacheQuant, "fp8", "Data type of the KV cache: bfloat16, fp8, int8, nvfp4, or auto for the engine's choice.", cacheModes()),
		mode(ItemAttentionQuant, "bfloat16", "Data type in which attention is computed.", computeModes()),
		mode(ItemCommQuant, "half", "Data type of collective communication.", computeModes()),
		count(ItemMaxBatchSize, "256", "Most requests that run at once in one replica."),
		count(ItemMaxBatchTokens, "8192", "Most tokens that one scheduler step computes, prefill and decode together."),
		count(ItemMaxSequenceLength, "32768", "Longest sequence, input and output together, in tokens."),
		{Name: ItemMemoryFraction, Type: TypeNumber, Min: &zero, Max: &share, Doc: "Share of the GPU's memory that the engine may use.", Example: "0.9", Since: "0.1"},
		flag(ItemPrefixCache, "Whether prompts that share a prefix reuse its KV cache. Off by default, as predictors assume."),
		flag(ItemChunkedPrefill, "Whether long prompts are computed in pieces between decode steps."),
		text(ItemSchedulePolicy, "fcfs", "Order in which waiting requests are admitted."),
		flag(ItemCUDAGraphs, "Whether decode steps are captured as CUDA graphs."),
		{Name: ItemSpeculativeTokens, Type: TypeInt, Min: &zero, Doc: "Draft tokens of each speculative decoding step; 0 is off.", Example: "0", Since: "0.1"},
		text(ItemDType, "bfloat16", "Data type of weights and activations that are not quantized."),
	}
}
