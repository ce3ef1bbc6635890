package aiconfigurator

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"aicv/catalog/models"
	"aicv/metric"
	"aicv/spec"
)

// question is a point as the tool can be asked for it.
type question struct {
	point    *spec.Point
	refused  string // why it can not be asked; empty where it can
	wire     wirePoint
	replicas int
	gpus     int // of all replicas, by our count
	findings []spec.Finding
}

// wirePoint is a point as our program reads it.
type wirePoint struct {
	Point          int       `json:"point"`
	Model          string    `json:"model"`
	Path           string    `json:"path,omitempty"`
	StandIn        string    `json:"stand_in,omitempty"` // known model of the same architecture
	System         string    `json:"system"`
	Backend        string    `json:"backend"`
	Database       string    `json:"database,omitempty"` // version wanted by the declaration
	RuntimeVersion string    `json:"runtime_version,omitempty"`
	Arguments      arguments `json:"arguments"`
}

// arguments are what the tool's estimate takes, under its own names.
type arguments struct {
	ISL          int         `json:"isl"`
	OSL          int         `json:"osl"`
	BatchSize    int         `json:"batch_size"`
	CtxTokens    int         `json:"ctx_tokens"`
	TP           int         `json:"tp_size"`
	PP           int         `json:"pp_size"`
	DP           int         `json:"attention_dp_size"`
	MoETP        int         `json:"moe_tp_size,omitempty"`
	MoEEP        int         `json:"moe_ep_size,omitempty"`
	GEMM         string      `json:"gemm_quant_mode,omitempty"`
	MoE          string      `json:"moe_quant_mode,omitempty"`
	KVCache      string      `json:"kvcache_quant_mode,omitempty"`
	FMHA         string      `json:"fmha_quant_mode,omitempty"`
	Comm         string      `json:"comm_quant_mode,omitempty"`
	Fraction     json.Number `json:"free_gpu_memory_fraction,omitempty"`
	MaxSeqLen    int         `json:"max_seq_len,omitempty"`
	Prefix       int         `json:"prefix"`
	DatabaseMode string      `json:"database_mode"`
}

// backends are the runtimes that the tool has tables of.
func backends() []string { return []string{"sglang", "trtllm", "vllm"} }

// ask puts a point into the tool's words.
func (s *settings) ask(at int, p *spec.Point) question {
	p = s.assumed(p)
	q := question{point: p, replicas: p.Config.Size(spec.ItemReplicas), gpus: p.Config.GPUs()}
	q.wire = wirePoint{Point: at, Model: p.ModelID, Path: p.ModelPath, StandIn: standIn(p), System: p.System, Backend: p.Runtime,
		Database: s.database, RuntimeVersion: p.RuntimeVersion}
	if q.wire.Path = configFolder(p.ModelPath); p.ModelPath != "" && q.wire.Path == "" {
		q.doubt("model_path", spec.FindingWarn, "there is no config.json at "+p.ModelPath+", so the model was predicted by its id")
		bare := *p
		bare.ModelPath = ""
		q.point, q.wire.StandIn = &bare, standIn(&bare)
	}
	a := &q.wire.Arguments
	a.ISL, a.OSL, a.DatabaseMode = p.Load.InputTokens, p.Load.OutputTokens, s.mode
	a.TP, a.PP, a.DP = p.Config.Size(spec.ItemTensorParallel), p.Config.Size(spec.ItemPipelineParallel), p.Config.Size(spec.ItemAttentionDataParallel)
	for _, item := range []struct {
		name string
		size *int
	}{{spec.ItemMoETensorParallel, &a.MoETP}, {spec.ItemMoEExpertParallel, &a.MoEEP}, {spec.ItemMaxSequenceLength, &a.MaxSeqLen}} {
		*item.size, _ = p.Item(item.name).Int()
	}
	for _, item := range modes() {
		*item.of(a) = p.Item(item.name).Text()
	}
	if f := p.Item(spec.ItemMemoryFraction); f.Kind() == spec.Number {
		a.Fraction = json.Number(f.String())
	}
	if q.refused = q.refuse(); q.refused == "" {
		q.budget()
		q.doubts()
	}
	return q
}

// configFolder is the folder of a model's config.json, for a path that is one or names the
// file itself; empty where there is none. A checkpoint may lie on the host of the servers
// alone.
func configFolder(path string) string {
	if filepath.Base(path) == "config.json" {
		path = filepath.Dir(path)
	}
	info, err := os.Stat(filepath.Join(path, "config.json"))
	if path == "" || err != nil || !info.Mode().IsRegular() {
		return ""
	}
	return path
}

// assumed adds to a point what the declaration wants assumed.
func (s *settings) assumed(p *spec.Point) *spec.Point {
	full := *p
	for _, item := range s.assume {
		if p.Item(item.Name).IsNull() {
			full.Assumed = full.Assumed.With(item.Name, item.Value)
		}
	}
	return &full
}

// mode is one of the quantization items, under our name and the tool's.
type mode struct {
	name  string // ours
	field string // of the tool's answers
	flag  string // of the tool's command line
	of    func(*arguments) *string
}

func modes() []mode {
	return []mode{
		{spec.ItemGEMMQuant, "gemm", "--gemm-quant-mode", func(a *arguments) *string { return &a.GEMM }},
		{spec.ItemMoEQuant, "moe", "--moe-quant-mode", func(a *arguments) *string { return &a.MoE }},
		{spec.ItemKVCacheQuant, "kvcache", "--kvcache-quant-mode", func(a *arguments) *string { return &a.KVCache }},
		{spec.ItemAttentionQuant, "fmha", "--fmha-quant-mode", func(a *arguments) *string { return &a.FMHA }},
		{spec.ItemCommQuant, "comm", "--comm-quant-mode", func(a *arguments) *string { return &a.Comm }},
	}
}

// standIn is the model of the registry that shares the model's architecture; empty where
// it is the model itself, or unknown.
func standIn(p *spec.Point) string {
	match, known := models.Lookup(p.ModelID)
	if p.ModelPath != "" || !known || match.ID == p.ModelID {
		return ""
	}
	return match.ID
}

// refuse says why the tool has no word for the point.
func (q *question) refuse() string {
	load, a := q.point.Load, &q.wire.Arguments
	switch {
	case q.wire.System == "":
		return "the experiment names no hardware, and the tool predicts for a system"
	case !slices.Contains(backends(), q.wire.Backend):
		return fmt.Sprintf("the tool has no tables of the runtime %s; it has them of sglang, trtllm and vllm", q.wire.Backend)
	case load.InputTokens <= 0 || load.OutputTokens <= 0:
		return "the load has no lengths: set input_tokens and output_tokens"
	case load.RequestRate.Sign() != 0:
		return "the load is a request rate, and the tool predicts a number of requests in flight: set concurrency"
	case load.Concurrency <= 0:
		return "the load has no concurrency"
	}
	if n, _ := q.point.Item(spec.ItemSpeculativeTokens).Int(); n > 0 {
		return fmt.Sprintf("speculative_tokens is %d, and the tool needs to be told how many of them are accepted, which no suite can say", n)
	}
	ranks := q.replicas * a.PP * a.DP
	if load.Concurrency%ranks != 0 {
		return fmt.Sprintf("%d requests in flight do not divide evenly over %d replicas x %d pipeline stages x %d data-parallel ranks: the tool takes a whole batch for each, so choose a multiple of %d",
			load.Concurrency, q.replicas, a.PP, a.DP, ranks)
	}
	a.BatchSize = load.Concurrency / ranks
	return ""
}

// budget sets the tokens of a step. The limit is of one data-parallel rank, as the tool
// counts. A limit above all that the load can bring is cut to that, because the tool
// takes every step as full: a single short prompt would cost the whole limit.
func (q *question) budget() {
	a := &q.wire.Arguments
	limit, known := q.point.Item(spec.ItemMaxBatchTokens).Int()
	if !known {
		a.CtxTokens = a.ISL
		q.doubt("context_tokens", spec.FindingWarn, "the step's token limit is not known, so the tool's own was assumed, the input length; set max_batch_tokens", metric.TTFT)
		return
	}
	a.CtxTokens = limit
	if most := int64(a.ISL) * int64(a.BatchSize); int64(limit) > most {
		a.CtxTokens = int(most)
		q.doubt("context_tokens", spec.FindingNote, "a step was taken to hold all prompt tokens in flight where max_batch_tokens is above them, because the tool takes every step as full")
	}
}

func (q *question) doubt(check string, severity spec.FindingSeverity, message string, metrics ...metric.Name) {
	q.findings = append(q.findings, spec.Finding{Check: check, Severity: severity, Message: message, Metrics: metrics})
}

// doubts names what the suite says and the tool can not be told.
func (q *question) doubts() {
	p, a := q.point, &q.wire.Arguments
	if p.Item(spec.ItemPrefixCache).Bool() {
		q.doubt("prefix_cache", spec.FindingWarn, "prefix_cache is on, and the prediction assumes that nothing is reused")
	}
	if v := p.Item(spec.ItemCUDAGraphs); v.Kind() == spec.Bool && !v.Bool() {
		q.doubt("cuda_graphs", spec.FindingWarn, "cuda_graphs is off, and the tool's tables are of engines that use them")
	}
	if v := p.Item(spec.ItemSchedulePolicy).Text(); v != "" && v != "fcfs" {
		q.doubt("schedule_policy", spec.FindingNote, "schedule_policy is "+v+", of which the tool knows nothing")
	}
	if v := p.Item(spec.ItemDType).Text(); v != "" && !slices.Contains(halfTypes(), v) {
		q.doubt("dtype", spec.FindingWarn, "dtype is "+v+", and the tool computes in 16 bits what is not quantized")
	}
	if v := p.Item(spec.ItemChunkedPrefill); v.Kind() == spec.Bool && !v.Bool() && a.CtxTokens < a.ISL {
		q.doubt("chunked_prefill", spec.FindingWarn, "chunked_prefill is off, and the prediction computes prompts in pieces, because they are longer than a step", metric.TTFT)
	}
	limit, known := p.Item(spec.ItemMaxBatchSize).Int()
	if share := p.Load.Concurrency / q.replicas; known && limit < share {
		q.doubt("batch_limit", spec.FindingWarn, fmt.Sprintf("max_batch_size is %d, and the prediction assumes that all %d requests of a replica run at once", limit, share))
	}
	if a.MaxSeqLen > 0 && q.wire.Backend != "trtllm" {
		q.doubt("sequence_limit", spec.FindingNote, "max_sequence_length was passed, but the tool sizes the KV cache of "+q.wire.Backend+" for input and output alone")
	}
}

// halfTypes are the data types of two bytes, which the tool does not tell apart.
func halfTypes() []string { return []string{"auto", "bfloat16", "float16", "half"} }

// argv is the tool's command line for the question, behind the command itself.
func (q *question) argv(version string) []string {
	a := &q.wire.Arguments
	argv := []string{"cli", "estimate", "--model-path", cmp.Or(q.wire.Path, q.wire.Model), "--system", q.wire.System, "--backend", q.wire.Backend}
	add := func(flag, value string) {
		if value != "" && value != "0" {
			argv = append(argv, flag, value)
		}
	}
	add("--backend-version", version)
	add("--database-mode", a.DatabaseMode)
	for _, f := range []struct {
		flag string
		size int
	}{{"--isl", a.ISL}, {"--osl", a.OSL}, {"--batch-size", a.BatchSize}, {"--ctx-tokens", a.CtxTokens}, {"--tp-size", a.TP}, {"--pp-size", a.PP},
		{"--attention-dp-size", a.DP}, {"--moe-tp-size", a.MoETP}, {"--moe-ep-size", a.MoEEP}} {
		add(f.flag, strconv.Itoa(f.size))
	}
	for _, m := range modes() {
		add(m.flag, *m.of(a))
	}
	add("--free-gpu-memory-fraction", a.Fraction.String())
	add("--max-seq-len", strconv.Itoa(a.MaxSeqLen))
	return append(argv, "--prefix", "0")
}
