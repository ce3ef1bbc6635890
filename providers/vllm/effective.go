package vllm

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"aicv/kit/engine"
	"aicv/spec"
)

// Effective reads what the running engine says of itself: with the development endpoints
// everything, without them what its metrics and its list of models tell.
func (r *runtime) Effective(ctx context.Context, server spec.Server) (spec.Configuration, error) {
	body, err := engine.Get(ctx, server.URL+"/server_info?config_format=json")
	if err == nil {
		answer, wrong := engine.ReadAnswer(body)
		if config := answer.Object("vllm_config"); wrong == nil && config.There("model_config") {
			return readConfig(config), nil
		}
	}
	report, found := engine.Report{}, false
	if page, failed := engine.Get(ctx, server.URL+"/metrics"); failed == nil {
		found = readCacheInfo(&report, page)
	}
	if models, failed := engine.Get(ctx, server.URL+"/v1/models"); failed == nil {
		if answer, wrong := engine.ReadAnswer(models); wrong == nil {
			n, known := answer.Int("data.0.max_model_len")
			report.Int(spec.ItemMaxSequenceLength, n, known)
			found = found || known
		}
	}
	if !found && err != nil {
		return nil, fmt.Errorf("read the effective configuration: %w", err)
	}
	return report.Configuration, nil
}

// readConfig reads vllm_config of /server_info. Its neighbours are the environment.
func readConfig(c engine.Answer) spec.Configuration {
	r := &engine.Report{}
	model, cache, scheduler := c.Object("model_config"), c.Object("cache_config"), c.Object("scheduler_config")
	ranks := readParallel(r, c.Object("parallel_config"))
	dtype := engine.DType(model.Text("dtype"))
	r.Text(spec.ItemDType, dtype)
	if model.There("quantization") && model.Value("quantization").IsNull() {
		r.Text(spec.ItemGEMMQuant, dtype) // nothing is quantized
	}
	r.Text(spec.ItemKVCacheQuant, cacheType(cache, model, dtype))
	n, known := model.Int("max_model_len")
	r.Int(spec.ItemMaxSequenceLength, n, known)
	n, known = scheduler.Int("max_num_seqs")
	r.Int(spec.ItemMaxBatchSize, n*ranks, known)
	n, known = scheduler.Int("max_num_batched_tokens")
	r.Int(spec.ItemMaxBatchTokens, n, known)
	r.Set(spec.ItemMemoryFraction, cache.Value("gpu_memory_utilization"))
	r.Set(spec.ItemPrefixCache, cache.Value("enable_prefix_caching"))
	r.Set(spec.ItemChunkedPrefill, scheduler.Value("enable_chunked_prefill"))
	r.Text(spec.ItemSchedulePolicy, scheduler.Text("policy"))
	graphs, known := capturesGraphs(c)
	r.Bool(spec.ItemCUDAGraphs, graphs, known)
	readDrafts(r, c)
	r.Text(spec.ReportedLoadFormat, c.Text("load_config.load_format"))
	n, known = cacheTokens(cache)
	r.Int(spec.ReportedKVCacheTokens, n, known)
	return r.Configuration
}

// readParallel returns the number of data-parallel ranks.
func readParallel(r *engine.Report, p engine.Answer) int {
	tensor, known := p.Int("tensor_parallel_size")
	r.Int(spec.ItemTensorParallel, tensor, known)
	stages, staged := p.Int("pipeline_parallel_size")
	r.Int(spec.ItemPipelineParallel, stages, staged)
	ranks, ranked := p.Int("data_parallel_size")
	r.Int(spec.ItemAttentionDataParallel, ranks, ranked)
	if experts, _ := p.Bool("is_moe_model"); experts && known && ranked {
		spread, told := p.Bool("enable_expert_parallel")
		group := tensor * ranks
		if spread {
			r.Int(spec.ItemMoEExpertParallel, group, told)
			r.Int(spec.ItemMoETensorParallel, 1, told)
		} else {
			r.Int(spec.ItemMoEExpertParallel, 1, told)
			r.Int(spec.ItemMoETensorParallel, group, told)
		}
	}
	return max(ranks, 1)
}

// cacheType is the KV cache's data type. "auto" is the model's own where nothing is
// quantized; of a quantized checkpoint it is not known.
func cacheType(cache, model engine.Answer, dtype string) string {
	named := cache.Text("cache_dtype")
	if named == "auto" && model.There("quantization") && model.Value("quantization").IsNull() {
		return dtype
	}
	if named == "fp8" {
		return named
	}
	return engine.DType(named)
}

// capturesGraphs reads the mode, which is a number, a name or a list; 0 and NONE are off.
func capturesGraphs(c engine.Answer) (on, known bool) {
	if eager, told := c.Bool("model_config.enforce_eager"); told && eager {
		return false, true
	}
	const mode = "compilation_config.cudagraph_mode"
	v := c.Value(mode)
	if v.IsNull() {
		return true, c.There(mode + ".0") // a list of two modes
	}
	return v.Text() != "0" && !strings.EqualFold(v.Text(), "NONE"), true
}

func readDrafts(r *engine.Report, c engine.Answer) {
	const config = "speculative_config"
	n, known := c.Int(config + ".num_speculative_tokens")
	if c.There(config) && !c.There(config+".num_speculative_tokens") {
		n, known = 0, true // null
	}
	r.Int(spec.ItemSpeculativeTokens, n, known)
}

func cacheTokens(cache engine.Answer) (int, bool) {
	if n, known := cache.Int("kv_cache_size_tokens"); known {
		return n, true
	}
	blocks, known := cache.Int("num_gpu_blocks")
	size, sized := cache.Int("block_size")
	return blocks * size, known && sized
}

// readCacheInfo reads the labels of vllm:cache_config_info.
func readCacheInfo(r *engine.Report, page []byte) bool {
	samples := engine.ReadMetrics(page, func(name string) bool { return name == "vllm:cache_config_info" })
	if len(samples) == 0 {
		return false
	}
	l := samples[0].Labels
	if on, err := strconv.ParseBool(l["enable_prefix_caching"]); err == nil {
		r.Bool(spec.ItemPrefixCache, on, true)
	}
	if _, err := strconv.ParseFloat(l["gpu_memory_utilization"], 64); err == nil {
		r.Set(spec.ItemMemoryFraction, spec.NumberValue(l["gpu_memory_utilization"]))
	}
	r.Text(spec.ItemKVCacheQuant, engine.DType(l["cache_dtype"]))
	tokens, err := strconv.Atoi(l["kv_cache_size_tokens"])
	if err != nil {
		blocks, bad := strconv.Atoi(l["num_gpu_blocks"])
		size, worse := strconv.Atoi(l["block_size"])
		tokens, err = blocks*size, errors.Join(bad, worse)
	}
	r.Int(spec.ReportedKVCacheTokens, tokens, err == nil)
	return true
}

// Version asks /version.
func (r *runtime) Version(ctx context.Context, server spec.Server) (string, error) {
	body, err := engine.Get(ctx, server.URL+"/version")
	if err != nil {
		return "", err
	}
	answer, err := engine.ReadAnswer(body)
	return answer.Text("version"), err
}

// counters are the names in /metrics.
func counters() engine.CounterNames {
	return engine.CounterNames{
		PromptTokens: []string{"vllm:prompt_tokens_total"}, GenerationTokens: []string{"vllm:generation_tokens_total"},
		PrefixCacheQueries: []string{"vllm:prefix_cache_queries_total", "vllm:gpu_prefix_cache_queries_total"},
		PrefixCacheHits:    []string{"vllm:prefix_cache_hits_total", "vllm:gpu_prefix_cache_hits_total"},
		Preemptions:        []string{"vllm:num_preemptions_total"},
		Running:            []string{"vllm:num_requests_running"}, Waiting: []string{"vllm:num_requests_waiting"},
		KVCacheUsage: []string{"vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"},
	}
}

// FlushCache empties the prefix cache, which takes the development endpoints.
func (r *runtime) FlushCache(ctx context.Context, server spec.Server) error {
	body, err := engine.Post(ctx, server.URL+"/reset_prefix_cache")
	var status *engine.StatusError
	if errors.As(err, &status) && status.Code == 404 {
		return errors.ErrUnsupported // the development endpoints are off
	}
	if err != nil {
		return err
	}
	answer, err := engine.ReadAnswer(body)
	if done, told := answer.Bool("success"); err == nil && told && !done {
		return errors.New("vLLM did not empty its prefix cache: requests are running")
	}
	return nil // older versions answer with an empty body
}
