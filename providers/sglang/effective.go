package sglang

import (
	"context"
	"errors"
	"fmt"

	"aicv/kit/engine"
	"aicv/spec"
)

// info asks for the server's own description, under its newer name first.
func info(ctx context.Context, server spec.Server) (engine.Answer, error) {
	body, err := engine.Get(ctx, server.URL+"/server_info")
	var status *engine.StatusError
	if errors.As(err, &status) && status.Code == 404 {
		body, err = engine.Get(ctx, server.URL+"/get_server_info")
	}
	if err != nil {
		return engine.Answer{}, err
	}
	return engine.ReadAnswer(body)
}

// Effective reads /server_info: the arguments as they were resolved, in the state of the
// first scheduler where there is one, and what the scheduler made of them.
func (r *runtime) Effective(ctx context.Context, server spec.Server) (spec.Configuration, error) {
	answer, err := info(ctx, server)
	if err != nil {
		return nil, fmt.Errorf("read the effective configuration: %w", err)
	}
	config := readInfo(fields{answer.Object("internal_states.0"), answer})
	if !config.Get(spec.ItemMaxSequenceLength).IsNull() {
		return config, nil
	}
	models, err := engine.Get(ctx, server.URL+"/v1/models")
	if err != nil {
		return config, nil // one item less
	}
	report := engine.Report{Configuration: config}
	if list, err := engine.ReadAnswer(models); err == nil {
		n, known := list.Int("data.0.max_model_len")
		report.Int(spec.ItemMaxSequenceLength, n, known)
	}
	return report.Configuration, nil
}

// fields reads from the scheduler's state first, then from the top.
type fields struct{ state, top engine.Answer }

func (f fields) value(name string) spec.Value {
	if v := f.state.Value(name); !v.IsNull() {
		return v
	}
	return f.top.Value(name)
}

func (f fields) int(name string) (int, bool) { return f.value(name).Int() }

func readInfo(f fields) spec.Configuration {
	r := &engine.Report{}
	ranks := readParallel(r, f)
	r.Text(spec.ItemDType, engine.DType(f.value("dtype").Text()))
	r.Text(spec.ItemKVCacheQuant, engine.DType(f.value("kv_cache_dtype").Text()))
	n, known := f.int("context_length")
	r.Int(spec.ItemMaxSequenceLength, n, known)
	readLimits(r, f, ranks)
	r.Set(spec.ItemMemoryFraction, f.value("mem_fraction_static"))
	r.Text(spec.ItemSchedulePolicy, f.value("schedule_policy").Text())
	if off := f.value("disable_radix_cache"); off.Kind() == spec.Bool {
		r.Bool(spec.ItemPrefixCache, !off.Bool(), true)
	}
	graphs, known := capturesGraphs(f)
	r.Bool(spec.ItemCUDAGraphs, graphs, known)
	readDrafts(r, f)
	r.Text(spec.ReportedLoadFormat, f.value("load_format").Text())
	n, known = f.state.Int("memory_usage.token_capacity")
	if !known {
		n, known = f.top.Int("max_total_num_tokens")
	}
	r.Int(spec.ReportedKVCacheTokens, n, known)
	return r.Configuration
}

// readParallel turns SGLang's sizes into those of the items: its tensor-parallel group
// holds the ranks of data-parallel attention. It returns the number of these.
func readParallel(r *engine.Report, f fields) int {
	group, known := f.int("tp_size")
	stages, staged := f.int("pp_size")
	r.Int(spec.ItemPipelineParallel, stages, staged)
	ranks := 1
	if n, told := f.int("attn_dp_size"); told && n > 0 {
		ranks = n
	} else if n, told := f.int("dp_size"); told && n > 0 && f.value("enable_dp_attention").Bool() {
		ranks = n
	}
	if !known || group%ranks != 0 {
		return ranks
	}
	r.Int(spec.ItemTensorParallel, group/ranks, true)
	r.Int(spec.ItemAttentionDataParallel, ranks, true)
	if spread, told := f.int("ep_size"); told && spread > 0 && group%spread == 0 {
		r.Int(spec.ItemMoEExpertParallel, spread, true)
		r.Int(spec.ItemMoETensorParallel, group/spread, true)
	}
	return ranks
}

// readLimits reads the limits in the items' units. What the scheduler really admits is
// told per rank; the size of a chunk is told after its division by the ranks.
func readLimits(r *engine.Report, f fields, ranks int) {
	if n, known := f.state.Int("effective_max_running_requests_per_dp"); known {
		r.Int(spec.ItemMaxBatchSize, n*ranks, true)
	} else {
		n, known := f.int("max_running_requests")
		r.Int(spec.ItemMaxBatchSize, n, known)
	}
	chunk, known := f.int("chunked_prefill_size")
	switch {
	case known && chunk > 0:
		r.Int(spec.ItemMaxBatchTokens, chunk, true)
	case known:
		n, told := f.int("max_prefill_tokens")
		r.Int(spec.ItemMaxBatchTokens, n, told)
		r.Bool(spec.ItemChunkedPrefill, false, true)
		return
	}
	if mixed := f.value("enable_mixed_chunk"); mixed.Kind() == spec.Bool && known {
		r.Bool(spec.ItemChunkedPrefill, mixed.Bool(), true)
	}
}

func capturesGraphs(f fields) (on, known bool) {
	for _, name := range []string{"disable_cuda_graph", "disable_decode_cuda_graph"} {
		v := f.value(name)
		if v.Bool() {
			return false, true
		}
		known = known || v.Kind() == spec.Bool
	}
	if backend := f.value("cuda_graph_backend_decode").Text(); backend != "" {
		return backend != "disabled", true
	}
	if backend := f.state.Text("cuda_graph_config.decode.backend"); backend != "" {
		return backend != "disabled", true
	}
	return true, known
}

func readDrafts(r *engine.Report, f fields) {
	if f.state.There("speculative_algorithm") || f.top.There("speculative_algorithm") {
		if f.value("speculative_algorithm").IsNull() {
			r.Int(spec.ItemSpeculativeTokens, 0, true)
			return
		}
		n, known := f.int("speculative_num_steps")
		r.Int(spec.ItemSpeculativeTokens, n, known)
	}
}

// Version is part of /server_info.
func (r *runtime) Version(ctx context.Context, server spec.Server) (string, error) {
	answer, err := info(ctx, server)
	if err != nil {
		return "", err
	}
	return answer.Text("version"), nil
}

// counters are the names in /metrics, which aicv turns on.
func counters() engine.CounterNames {
	return engine.CounterNames{
		PromptTokens: []string{"sglang:prompt_tokens_total"}, GenerationTokens: []string{"sglang:generation_tokens_total"},
		PrefixCacheQueries: []string{"sglang:prompt_tokens_total"}, // every prompt is looked up
		PrefixCacheHits:    []string{"sglang:cached_tokens_total"},
		Preemptions:        []string{"sglang:num_retracted_requests_total"},
		Running:            []string{"sglang:num_running_reqs"}, Waiting: []string{"sglang:num_queue_reqs"},
		KVCacheUsage: []string{"sglang:token_usage"},
	}
}

// FlushCache empties the prefix cache. SGLang refuses while requests run.
func (r *runtime) FlushCache(ctx context.Context, server spec.Server) error {
	_, err := engine.Post(ctx, server.URL+"/flush_cache")
	var status *engine.StatusError
	if errors.As(err, &status) && status.Code == 400 {
		return errors.New("SGLang did not empty its prefix cache: requests are running")
	}
	return err
}
