package lang

import (
	"slices"
	"strings"

	"aicv/lang/schema"
	"aicv/spec"
)

// meant is the known name that a word is most likely to stand for, for suggestions: the
// item that it abbreviates, else the word itself.
func meant(word string, known []string) string {
	if full := spelledOut(word); slices.Contains(known, full) {
		return full
	}
	return word
}

// spelledOut is the item that the field's usual abbreviation stands for.
func spelledOut(name string) string {
	switch strings.ToLower(name) {
	case "isl", "input_len", "input_length", "prompt_tokens":
		return schema.ItemInputTokens
	case "osl", "output_len", "output_length", "completion_tokens", "max_tokens":
		return schema.ItemOutputTokens
	case "tp", "tp_size", "tensor_parallel_size":
		return spec.ItemTensorParallel
	case "pp", "pp_size", "pipeline_parallel_size":
		return spec.ItemPipelineParallel
	case "dp", "dp_size", "data_parallel", "data_parallel_size":
		return spec.ItemAttentionDataParallel
	case "ep", "ep_size", "expert_parallel":
		return spec.ItemMoEExpertParallel
	case "moe_tp":
		return spec.ItemMoETensorParallel
	case "bs", "batch", "batch_size", "max_num_seqs":
		return spec.ItemMaxBatchSize
	case "max_num_batched_tokens":
		return spec.ItemMaxBatchTokens
	case "max_model_len", "context_length":
		return spec.ItemMaxSequenceLength
	case "qps", "rps", "rate":
		return schema.ItemRequestRate
	case "users", "clients", "num_concurrency":
		return schema.ItemConcurrency
	case "num_prompts", "num_requests":
		return schema.ItemRequests
	}
	return name
}
