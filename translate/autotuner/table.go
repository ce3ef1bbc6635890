// Package autotuner translates tuning tasks of inference-autotuner, in JSON and YAML.
// Facts on the format: its TaskCreate model and example tasks (novitalabs/autotuner, main
// of 2026-01). A suite measures every cell and searches nothing, so that what steers the
// search has no counterpart; it is kept in the copy of the task.
package autotuner

import (
	"aicv/lang/schema"
	"aicv/spec"
	"aicv/translate"
	"aicv/translate/flags"
	"aicv/translate/tree"
)

// Format is the name of the format on the command line and in suites.
const Format = "autotuner"

// rule is a line of the table with what reads the field. A rule without a reader is of
// a field that has no counterpart.
type rule struct {
	translate.Rule
	read func(t *task, r *rule, path string, n *tree.Node)
}

func exactly(field, item string, read func(*task, *rule, string, *tree.Node)) rule {
	return rule{translate.Rule{Field: field, Item: item, Fidelity: spec.FidelityExact}, read}
}

func nearly(field, item, why string, read func(*task, *rule, string, *tree.Node)) rule {
	return rule{translate.Rule{Field: field, Item: item, Fidelity: spec.FidelityApproximate, Why: why}, read}
}

func without(field, why string) rule {
	return rule{translate.Rule{Field: field, Fidelity: spec.FidelityUnsupported, Why: why}, nil}
}

const (
	searches   = "aicv measures every cell of the matrix; it searches nothing"
	clusters   = "aicv has no counterpart for clusters' own objects"
	dashboard  = "it steers the tool's score; aicv judges claims"
	ownMapping = "the tool resolves it to nothing when it runs"
)

// rules is the table. The longest field that fits counts.
func rules() []rule {
	return []rule{
		exactly("task_name", "suite.name", (*task).name),
		without("description", "a suite has no field for it"),
		nearly("deployment_mode", "target", "docker is target docker, local is target process; ome has no counterpart", (*task).target),
		nearly("model.id_or_path", "model.id, model.path", "short names are looked up; the weights behind one may differ", nil),
		without("model.namespace", "aicv labels what it starts with the suite's own name"),
		nearly("model.hf_token", "runtime.env", "a secret is never written: HF_TOKEN is taken from the environment of aicv", (*task).token),
		nearly("gpu_type", "hardware.system", "looked up by name; the task does not say how many there are", (*task).gpu),
		nearly("base_runtime", "runtime", "the tool knows engines by the beginning of the name", nil),
		nearly("runtime_image_tag", "runtime.version, runtime.image", "the tool's image name is fixed; the version is read from the tag", (*task).image),
		{translate.Rule{Field: "parameters.*", Item: "configuration, runtime.args", Fidelity: spec.FidelityExact,
			Values: "by the table of the engine's flags", Why: "a flag that is no item is passed to the engine as it stands"}, (*task).parameter},
		nearly("quant_config.gemm_dtype", spec.ItemGEMMQuant, "modes of aiconfigurator by the same name; 16 and 32 bits are dtype", quantReader(spec.ItemGEMMQuant)),
		nearly("quant_config.kvcache_dtype", spec.ItemKVCacheQuant, "aiconfigurator has one fp8 for both formats of 8 bits", quantReader(spec.ItemKVCacheQuant)),
		nearly("quant_config.attention_dtype", spec.ItemAttentionQuant, "the tool turns it into an attention backend, if at all", quantReader(spec.ItemAttentionQuant)),
		nearly("quant_config.moe_dtype", spec.ItemMoEQuant, "the tool turns it into a kernel backend, if at all", quantReader(spec.ItemMoEQuant)),
		without("quant_config", ownMapping),
		exactly("parallel_config.tp", spec.ItemTensorParallel, sizeReader(spec.ItemTensorParallel)),
		exactly("parallel_config.pp", spec.ItemPipelineParallel, sizeReader(spec.ItemPipelineParallel)),
		nearly("parallel_config.dp", spec.ItemReplicas+", "+spec.ItemAttentionDataParallel, "servers that share the load, or ranks of attention where the engine makes them so", (*task).dataParallel),
		nearly("parallel_config.enable_expert_parallel", spec.ItemMoEExpertParallel, "the number of ranks is that of the engine's GPUs", (*task).expertParallel),
		exactly("parallel_config.moe_tp", spec.ItemMoETensorParallel, sizeReader(spec.ItemMoETensorParallel)),
		exactly("parallel_config.moe_ep", spec.ItemMoEExpertParallel, sizeReader(spec.ItemMoEExpertParallel)),
		without("parallel_config.cp", "no item for context parallelism"),
		without("parallel_config.dcp", "no item for context parallelism of decode"),
		without("parallel_config", ownMapping),
		without("optimization", searches),
		exactly("benchmark.traffic_scenarios", schema.ItemTraffic, (*task).traffic),
		exactly("benchmark.num_concurrency", schema.ItemConcurrency, (*task).concurrency),
		without("benchmark.max_requests_per_iteration", "an upper bound that may cut the samples short; aicv takes 20 x concurrency and what the claims need"),
		nearly("benchmark.max_time_per_iteration", "benchmark.genaibench.max_time", "minutes, as the tool hands them to genai-bench", (*task).client),
		exactly("benchmark.additional_params", "benchmark.genaibench.params", (*task).client),
		without("benchmark.dataset_url", "prompts of a dataset: aicv sends random tokens of fixed length"),
		without("benchmark.dataset_deduplicate", "prompts of a dataset: aicv sends random tokens of fixed length"),
		without("benchmark.model_name", "aicv names the served model itself"),
		exactly("benchmark.model_tokenizer", "benchmark.genaibench.tokenizer", (*task).client),
		without("benchmark.task", "aicv measures text generation"),
		without("benchmark", "no field of the task that aicv knows"),
		{translate.Rule{Field: "slo.latency.*", Item: "slo.latency_p*, assert", Fidelity: spec.FidelityApproximate, Values: "seconds",
			Why: "claims are judged for each cell; the tool averages over all loads"}, (*task).limit},
		nearly("slo.ttft", "slo.ttft, assert", "claims are judged for each cell; the tool averages over all loads", (*task).limit),
		nearly("slo.tpot", "slo.tpot, assert", "claims are judged for each cell; the tool averages over all loads", (*task).limit),
		without("slo", dashboard),
		without("storage", clusters),
		without("clusterbasemodel_config", clusters),
		without("clusterservingruntime_config", clusters),
	}
}

// Rules is the format's table, for documentation.
func Rules() []translate.Rule {
	var out []translate.Rule
	for _, r := range rules() {
		out = append(out, r.Rule)
	}
	return out
}

// quantWords are the words of quant_config and what they say of each item.
func quantWords(item string) []flags.Value {
	exact := func(words ...string) []flags.Value {
		var out []flags.Value
		for _, w := range words {
			out = append(out, flags.Value{Word: w, Item: w, Fidelity: spec.FidelityExact})
		}
		return out
	}
	auto := flags.Value{Word: "auto", Fidelity: spec.FidelityExact, Why: "left to the engine, as an item that is not set"}
	near := func(word, to, why string) flags.Value {
		return flags.Value{Word: word, Item: to, Fidelity: spec.FidelityApproximate, Why: why}
	}
	const unknown = "the tool does not know the word and runs unquantized; aicv takes it at its word"
	switch item {
	case spec.ItemKVCacheQuant:
		return append(exact("fp8_e4m3", "fp8_e5m2", "bfloat16"), auto, near("fp8", "fp8", "e4m3, as vLLM means it; to SGLang the tool says fp8_e5m2"), near("float16", "bfloat16", "16 bits either way"),
			near("fp16", "bfloat16", "16 bits either way"), near("int8", "int8", "neither engine has it"))
	case spec.ItemAttentionQuant:
		return append(exact("bfloat16", "float16"), auto, near("fp8", "fp8", "engines choose the kernels"), near("fp8_e4m3", "fp8", "engines choose the kernels"),
			near("fp8_e5m2", "fp8", "engines choose the kernels"), near("fp8_block", "fp8_block", unknown))
	case spec.ItemMoEQuant:
		return append(exact("bfloat16", "w4afp8"), auto, near("fp8", "fp8", "engines choose the kernels"), near("mxfp4", "w4a16_mxfp4", "weights of 4 bits, activations of 16"),
			near("fp8_block", "fp8_block", unknown))
	}
	return append(exact("bfloat16"), auto, near("fp8", "fp8", "the granularity of the scales is the engine's, or the checkpoint's"),
		near("int8", "int8_wo", "the engines have no flag for it"), near("fp8_block", "fp8_block", unknown))
}
