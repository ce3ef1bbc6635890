// Package aiconf translates what aiconfigurator reads and writes: the result folder of a
// search with its CSV files, the YAML of an experiment, and the generator's configuration.
// Facts on the formats: releases 0.10 to 0.12 (cli/report_and_save.py, sdk/common.py,
// sdk/task_v2.py, generator/). CSV files are read by the names of their columns.
package aiconf

import (
	"slices"

	"aicv/lang/schema"
	"aicv/spec"
	"aicv/translate"
)

// The formats' names on the command line and in suites.
const (
	Results   = "aiconfigurator-results"
	Exp       = "aiconfigurator-exp"
	Generator = "aiconfigurator-generator"
)

// kind says how a worker's field becomes an item.
type kind uint8

const (
	size  kind = iota // a whole number from 1; 1 is left out, as the language's default
	limit             // a whole number from 1
	word              // one word
)

// workerField is one field of a worker with its names in the three formats: a column
// of a CSV file, a key of an experiment, a key of the generator's params.
type workerField struct {
	item     string
	kind     kind
	column   string
	key      string
	old      string // key of worker_config in experiments before 0.10
	param    string
	experts  bool // of mixtures of experts only
	fidelity spec.Fidelity
	why      string
}

// workerFields is the table of everything that a worker is set up with.
func workerFields() []workerField {
	const exact, near, none = spec.FidelityExact, spec.FidelityApproximate, spec.FidelityUnsupported
	const byRank = "the tool's batch is one rank's; the item counts requests of a whole replica: batch x pipeline x attention data parallel"
	return []workerField{
		{spec.ItemTensorParallel, size, "tp", "tp_candidates", "tp_list", "tensor_parallel_size", false, exact, ""},
		{spec.ItemPipelineParallel, size, "pp", "pp_candidates", "pp_list", "pipeline_parallel_size", false, exact, ""},
		{spec.ItemAttentionDataParallel, size, "dp", "dp_candidates", "dp_list", "data_parallel_size", false, exact, ""},
		{spec.ItemMoETensorParallel, size, "moe_tp", "moe_tp_candidates", "moe_tp_list", "moe_tensor_parallel_size", true, exact, ""},
		{spec.ItemMoEExpertParallel, size, "moe_ep", "moe_ep_candidates", "moe_ep_list", "moe_expert_parallel_size", true, exact, ""},
		{"", size, "cp", "cp_candidates", "", "", false, none, "context parallelism is searched by the tool and reaches no engine"},
		{spec.ItemGEMMQuant, word, "gemm", "gemm_quant_mode", "gemm_quant_mode", "gemm_quant_mode", false, exact, ""},
		{spec.ItemMoEQuant, word, "moe", "moe_quant_mode", "moe_quant_mode", "moe_quant_mode", true, exact, ""},
		{spec.ItemKVCacheQuant, word, "kvcache", "kvcache_quant_mode", "kvcache_quant_mode", "kvcache_quant_mode", false, exact, ""},
		{spec.ItemAttentionQuant, word, "fmha", "fmha_quant_mode", "fmha_quant_mode", "fmha_quant_mode", false, exact, ""},
		{spec.ItemCommQuant, word, "comm", "comm_quant_mode", "comm_quant_mode", "comm_quant_mode", false, exact, ""},
		{spec.ItemMaxBatchSize, limit, "bs", "", "", "max_batch_size", false, near, byRank},
		{spec.ItemMaxBatchTokens, limit, "ctx_tokens", "", "", "", false, exact, ""},
	}
}

// other is a field outside of the workers.
type other struct {
	names    []string // in the formats; * ends a beginning
	item     string   // empty: none
	fidelity spec.Fidelity
	why      string
}

const (
	pools       = "prefill and decode in pools of their own: the runtimes are deployed aggregated, one server does both"
	figure      = "a figure of the prediction, not of the configuration"
	composition = "how the tool composes a step; engines do not take it"
	itsSearch   = "it steers the tool's search; a suite names its cells"
	itsFactor   = "a correction factor inside of the tool"
	itsDeploy   = "of the tool's own deployment (Dynamo, Kubernetes, Slurm)"
	asked       = "how the tool is asked; its answer is what counts here"
)

// resultFields are the columns of a row that are no worker's.
func resultFields() []other {
	const exact, near, none = spec.FidelityExact, spec.FidelityApproximate, spec.FidelityUnsupported
	return []other{
		{[]string{"model"}, "model.id", exact, ""},
		{[]string{"system", "(p)system", "(d)system"}, "hardware.system", exact, ""},
		{[]string{"backend", "(p)backend", "(d)backend"}, "runtime", exact, ""},
		{[]string{"version", "(p)version", "(d)version"}, "runtime.version", near, "the version of the tool's measurements, taken as the engine's"},
		{[]string{"isl"}, schema.ItemInputTokens, exact, ""},
		{[]string{"osl"}, schema.ItemOutputTokens, exact, ""},
		{[]string{"concurrency"}, schema.ItemConcurrency, exact, "of one worker; multiplied by the replicas"},
		{[]string{"num_total_gpus", "total_gpus_needed", "replicas_needed"}, spec.ItemReplicas, exact, "recomputed from the parallel sizes; a row that contradicts them is said"},
		{[]string{"prefix"}, spec.ItemPrefixCache, exact, "0 cached tokens is prefix_cache = false"},
		{[]string{"ttft", "tpot", "request_latency", "tokens/s", "seq/s", "tokens/s/user"}, "predictor.recorded", exact, "the row's own prediction, which the cell is compared with"},
		{[]string{"tokens/s/gpu", "tokens/s/gpu_cluster", "seq/s/gpu", "request_rate"}, "predictor.recorded", near, "left out: computed from the others by aicv's own count of GPUs"},
		{[]string{"memory", "(p)memory", "(d)memory", "power_w", "encoder_latency", "encoder_memory", "(p)seq/s/worker", "(d)seq/s/worker", "load_served_pct"}, "", none, figure},
		{[]string{"global_bs", "(p)global_bs", "(d)global_bs", "parallel", "(p)parallel", "(d)parallel"}, "", none, "says again what other columns say"},
		{[]string{"balance_score", "num_ctx_reqs", "num_gen_reqs", "num_tokens", "gen_tokens"}, "", none, composition},
		{[]string{"(p)workers", "(d)workers", "(p)*", "(d)*"}, "", none, pools},
		{[]string{"(e)*", "(a)*"}, "", none, "encoders and attention pools of their own"},
	}
}

// expFields are the keys of an experiment that are no worker's.
func expFields() []other {
	const exact, near, none = spec.FidelityExact, spec.FidelityApproximate, spec.FidelityUnsupported
	return []other{
		{[]string{"serving_mode"}, "", exact, "agg is what aicv deploys"},
		{[]string{"model_path", "model_name"}, "model.id", exact, ""},
		{[]string{"system_name"}, "hardware.system", exact, ""},
		{[]string{"total_gpus"}, "hardware.gpus", exact, ""},
		{[]string{"backend_name"}, "runtime", exact, ""},
		{[]string{"backend_version"}, "runtime.version", near, "the version of the tool's measurements, taken as the engine's"},
		{[]string{"isl"}, schema.ItemInputTokens, exact, ""},
		{[]string{"osl"}, schema.ItemOutputTokens, exact, ""},
		{[]string{"prefix"}, spec.ItemPrefixCache, exact, "0 cached tokens is prefix_cache = false"},
		{[]string{"ttft"}, "slo.ttft", exact, "ms; a filter of the search, and the suite's limit"},
		{[]string{"tpot"}, "slo.tpot", exact, "ms; a filter of the search, and the suite's limit"},
		{[]string{"request_latency"}, "slo.latency", exact, "ms; a filter of the search, and the suite's limit"},
		{[]string{"free_gpu_memory_fraction"}, spec.ItemMemoryFraction, near, "the tool's share is of what weights leave free; the item is of the whole GPU"},
		{[]string{"max_seq_len"}, spec.ItemMaxSequenceLength, exact, ""},
		{[]string{"enable_chunked_prefill"}, spec.ItemChunkedPrefill, exact, ""},
		{[]string{"nextn"}, spec.ItemSpeculativeTokens, exact, ""},
		{[]string{"nextn_accepted", "nextn_accept_rates"}, "", none, "acceptance is measured, not declared"},
		{[]string{"num_gpu_candidates", "num_gpu_per_worker", "num_gpu_per_replica", "max_gpu_per_replica"}, "", none, itsSearch},
		{[]string{"database_mode", "transfer_policy", "pareto_sweep", "forward_model", "engine_step_backend", "mode", "profiles"}, "", none, asked},
		{[]string{"max_prefill_worker*", "max_decode_worker*", "prefill_max_batch_size", "decode_max_batch_size"}, "", none, itsSearch},
		{[]string{"*_correction", "*_correction_scale", "*_degradation", "autoscale_*"}, "", none, itsFactor},
		{[]string{"moe_backend", "attention_backend", "enable_eplb", "enable_wideep", "wideep_num_slots"}, "", none, "a choice of kernels or placement without an item; give it as an engine argument"},
		{[]string{"image_*", "num_images_per_request", "encoder_*", "enable_epd", "enable_encoder_dp", "max_encoder_workers", "rate_match_encoder_degradation"}, "", none, "aicv measures text"},
		{[]string{"afd_*"}, "", none, "attention and experts in pools of their own: not deployed by aicv"},
		{[]string{"prefill_*", "decode_*"}, "", none, pools},
	}
}

// generatorFields are the keys of the generator's configuration that are no worker's.
func generatorFields() []other {
	const exact, near, none = spec.FidelityExact, spec.FidelityApproximate, spec.FidelityUnsupported
	return []other{
		{[]string{"ServiceConfig.model_path"}, "model.id", exact, ""},
		{[]string{"NodeConfig.system_name"}, "hardware.system", exact, ""},
		{[]string{"K8sConfig.k8s_image"}, "runtime", near, "the engine is read from the name of Dynamo's image; its version is the image's own"},
		{[]string{"WorkerConfig.agg_workers"}, spec.ItemReplicas, exact, ""},
		{[]string{"WorkerConfig.agg_gpus_per_worker", "params.agg.gpus_per_worker"}, "", exact, "checked against the parallel sizes"},
		{[]string{"SlaConfig.isl"}, schema.ItemInputTokens, exact, ""},
		{[]string{"SlaConfig.osl"}, schema.ItemOutputTokens, exact, ""},
		{[]string{"SlaConfig.ttft", "SlaConfig.tpot"}, "", none, "the predicted mean; a suite keeps predictions with their rows: translate the search's folder for them"},
		{[]string{"BenchConfig.concurrency"}, schema.ItemConcurrency, exact, ""},
		{[]string{"params.agg.max_num_tokens"}, spec.ItemMaxBatchTokens, exact, ""},
		{[]string{"params.agg.max_seq_len"}, spec.ItemMaxSequenceLength, exact, ""},
		{[]string{"params.agg.kv_cache_free_gpu_memory_fraction"}, spec.ItemMemoryFraction, near, "the tool's share is of what weights leave free; the item is of the whole GPU"},
		{[]string{"ModelConfig.prefix", "ServiceConfig.prefix"}, spec.ItemPrefixCache, exact, "0 cached tokens is prefix_cache = false"},
		{[]string{"ModelConfig.nextn"}, spec.ItemSpeculativeTokens, exact, ""},
		{[]string{"ModelConfig.is_moe"}, "", exact, "known of the model"},
		{[]string{"params.agg.kv_cache_dtype"}, "", exact, "says again what kvcache_quant_mode says"},
		{[]string{"params.agg.memory"}, "", none, figure},
		{[]string{"params.prefill*", "params.decode*", "WorkerConfig.prefill*", "WorkerConfig.decode*"}, "", none, pools},
		{[]string{"BenchConfig.*"}, "", none, "of the tool's own benchmark; aicv sizes runs by its own rules"},
		{[]string{"ServiceConfig.*", "K8sConfig.*", "DynConfig.*", "SflowConfig.*", "NodeConfig.*", "WorkerConfig.*"}, "", none, itsDeploy},
	}
}

// find looks a field up by name, whole names before beginnings and ends.
func find(fields []other, name string) (other, bool) {
	for _, pattern := range []bool{false, true} {
		for _, f := range fields {
			if slices.ContainsFunc(f.names, func(n string) bool { return matches(n, name, pattern) }) {
				return f, true
			}
		}
	}
	return other{}, false
}

func matches(name, text string, pattern bool) bool {
	last := len(name) - 1
	switch {
	case !pattern:
		return name == text
	case name[last] == '*':
		return len(text) >= last && text[:last] == name[:last]
	case name[0] == '*':
		return len(text) >= last && text[len(text)-last:] == name[1:]
	}
	return false
}

// ResultRules, ExpRules and GeneratorRules are the formats' tables, for documentation.
func ResultRules() []translate.Rule {
	return rulesOf(resultFields(), func(f workerField) string { return f.column })
}

// ExpRules is the table of experiments.
func ExpRules() []translate.Rule {
	return rulesOf(expFields(), func(f workerField) string { return f.key })
}

// GeneratorRules is the table of the generator's configuration.
func GeneratorRules() []translate.Rule {
	return rulesOf(generatorFields(), func(f workerField) string {
		if f.param == "" {
			return ""
		}
		return "params.agg." + f.param
	})
}

func rulesOf(others []other, name func(workerField) string) []translate.Rule {
	var rules []translate.Rule
	for _, f := range workerFields() {
		if field := name(f); field != "" {
			rules = append(rules, translate.Rule{Field: field, Item: f.item, Fidelity: f.fidelity, Why: f.why})
		}
	}
	for _, o := range others {
		for _, field := range o.names {
			rules = append(rules, translate.Rule{Field: field, Item: o.item, Fidelity: o.fidelity, Why: o.why})
		}
	}
	return rules
}
