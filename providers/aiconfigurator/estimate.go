package aiconfigurator

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"aicv/metric"
	"aicv/spec"
)

// estimate is the tool's answer for one point, whichever driver brought it.
type estimate struct {
	Version        string              `json:"version"` // of the database
	Model          string              `json:"model"`   // as the tool was asked
	Config         string              `json:"config"`  // where its config.json is from
	MoE            bool                `json:"moe"`
	Assumed        []string            `json:"assumed"` // items that our program chose
	Values         map[string]*float64 `json:"values"`
	GPUs           *int                `json:"gpus"` // of one worker
	Sizes          map[string]*int     `json:"sizes"`
	Modes          map[string]string   `json:"modes"`
	MemoryFraction *float64            `json:"memory_fraction"` // the tool's own
	KVCacheWarning string              `json:"kv_cache_warning"`
	Fallbacks      []string            `json:"fallbacks"`
	Sources        map[string]float64  `json:"sources"` // ms by where they come from
	warnings       []string
	loading        []string // tables with rows that stand in for others
	hidden         string   // what the driver could not see
}

// The origins of a model's config.json.
const (
	configPath    = "path"
	configStandIn = "stand_in"
)

// prediction makes our own of an answer; the error says why it is not taken.
func (q *question) prediction(e *estimate) (spec.Prediction, error) {
	if err := q.echoes(e); err != nil {
		return spec.Prediction{}, err
	}
	values, missing, err := q.values(e)
	if err != nil {
		return spec.Prediction{}, err
	}
	p := spec.Prediction{Values: values, Modelled: q.modelled(e), Findings: slices.Clone(q.findings),
		Provenance: spec.Provenance{Database: e.Version, Source: Kind + " " + strings.Join(quoted(q.asked(e).argv(e.Version)), " ")}}
	if gib := e.Values["memory"]; gib != nil && *gib > 0 && *gib < 1<<20 {
		p.Memory = int64(*gib * (1 << 30)) // the tool's GB are GiB
	}
	p.Findings = append(p.Findings, q.traps(e, missing)...)
	return p, nil
}

// asked is the question as the tool was asked it in the end.
func (q *question) asked(e *estimate) *question {
	asked := *q
	if e.Config == configStandIn {
		asked.wire.Model = e.Model
	}
	if size := e.Sizes["moe_tp"]; slices.Contains(e.Assumed, spec.ItemMoETensorParallel) && size != nil {
		asked.wire.Arguments.MoETP = *size
	}
	if size := e.Sizes["moe_ep"]; slices.Contains(e.Assumed, spec.ItemMoEExpertParallel) && size != nil {
		asked.wire.Arguments.MoEEP = *size
	}
	return &asked
}

// echoes holds the answer to the question: it must be about the same sizes.
func (q *question) echoes(e *estimate) error {
	a := &q.wire.Arguments
	for name, want := range map[string]int{"bs": a.BatchSize, "tp": a.TP, "pp": a.PP, "dp": a.DP, "ctx_tokens": a.CtxTokens, "moe_tp": a.MoETP, "moe_ep": a.MoEEP, "prefix": 0} {
		got := e.Sizes[name]
		if got != nil && *got != want && (want != 0 || name == "prefix") {
			return fmt.Errorf("it was asked for %s %d and answered for %d", name, want, *got)
		}
	}
	concurrency := e.Values["concurrency"]
	if concurrency != nil && int(math.Round(*concurrency))*q.replicas != q.point.Load.Concurrency {
		return fmt.Errorf("it answered for %g requests in flight in each of %d replicas, and %d were asked for", *concurrency, q.replicas, q.point.Load.Concurrency)
	}
	return nil
}

// values are the metrics of the contract; missing lists those that a single output token
// leaves without meaning.
func (q *question) values(e *estimate) (metric.Values, []metric.Name, error) {
	figures := map[metric.Name]float64{}
	take := func(name metric.Name, field string, factor float64) {
		if v := e.Values[field]; v != nil {
			figures[name] = *v * factor
		}
	}
	replicas, osl := float64(q.replicas), float64(q.wire.Arguments.OSL)
	take(metric.TTFT, "ttft", 1)
	take(metric.Latency, "request_latency", 1)
	var missing []metric.Name
	if osl > 1 {
		take(metric.TotalThroughput, "tokens/s", replicas*osl/(osl-1))
		take(metric.Throughput, "tokens/s", replicas*osl/(osl-1)/float64(q.gpus))
		take(metric.RequestThroughput, "seq/s", replicas)
		take(metric.UserThroughput, "tokens/s/user", 1)
		take(metric.TPOT, "tpot", 1)
	} else {
		missing = []metric.Name{metric.TPOT, metric.Throughput, metric.TotalThroughput, metric.RequestThroughput, metric.UserThroughput}
	}
	for _, name := range []metric.Name{metric.TTFT, metric.TPOT, metric.TotalThroughput} {
		if _, there := figures[name]; !there && !slices.Contains(missing, name) {
			return nil, nil, fmt.Errorf("it gave no figure for %s", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(figures)) {
		m, _ := metric.Lookup(name)
		if err := m.Check(figures[name]); err != nil {
			return nil, nil, err
		}
	}
	values, err := metric.NewValues(figures)
	return values, missing, err
}

// traps are the findings on one answer.
func (q *question) traps(e *estimate, missing []metric.Name) []spec.Finding {
	t := question{} // collects findings alone
	if e.Config == configStandIn {
		t.doubt("stand_in_model", spec.FindingNote, fmt.Sprintf("%s was predicted with the config.json of %s, whose architecture it shares; set the model's path for its own", q.wire.Model, e.Model))
	}
	if len(missing) > 0 {
		t.doubt("no_decode", spec.FindingNote, "with one output token the tool predicts no rates and no tpot", missing...)
	}
	if v := q.point.RuntimeVersion; v != "" && v != e.Version {
		t.doubt("version_skew", spec.FindingWarn, fmt.Sprintf("predicted with the tables of %s %s, and the runtime is %s", q.point.Runtime, e.Version, v))
	}
	if q.wire.Arguments.DatabaseMode != modeSilicon {
		t.doubt("database_mode", spec.FindingWarn, "predicted in the mode "+q.wire.Arguments.DatabaseMode+", not from measured tables alone")
	}
	if got := e.Modes["kvcache"]; q.wire.Arguments.KVCache == "" && got == "fp8" {
		t.doubt("kv_cache_assumed", spec.FindingWarn, "the tool assumed an fp8 KV cache for this checkpoint, and engines that are not told keep the model's own type; set kv_cache_quant")
	}
	if e.GPUs != nil && *e.GPUs*q.replicas != q.gpus {
		t.doubt("gpu_count", spec.FindingWarn, fmt.Sprintf("the tool counts %d GPUs, and the configuration occupies %d, with which figures per GPU were computed", *e.GPUs*q.replicas, q.gpus))
	}
	t.warned(e)
	if len(e.Assumed) > 0 {
		t.doubt("experts_assumed", spec.FindingNote, "the suite does not say how experts are split, so each was taken to be split over all ranks; set moe_tensor_parallel or moe_expert_parallel")
	}
	if share := computed(e.Sources); share >= 10 {
		t.doubt("modelled_time", spec.FindingNote, fmt.Sprintf("some %d %% of the predicted time come from formulas, not from measured tables", share))
	}
	return t.findings
}

// warned are the findings that the tool's own warnings make.
func (q *question) warned(e *estimate) {
	if e.KVCacheWarning != "" {
		q.doubt("kv_cache_exceeded", spec.FindingWarn, "the tool warns: "+tidy(e.KVCacheWarning))
	}
	for _, text := range e.warnings {
		q.doubt("tool_warning", spec.FindingWarn, "the tool warns: "+tidy(text))
	}
	for _, text := range e.Fallbacks {
		q.doubt("communication_fallback", spec.FindingWarn, "the tool took tables of another topology: "+tidy(text))
	}
	if len(e.loading) > 0 {
		q.doubt("low_fidelity_rows", spec.FindingNote, "tables of this system hold rows of another engine where its own were not measured: "+strings.Join(e.loading, ", "))
	}
	if e.hidden != "" {
		q.doubt("asked_by_command_line", spec.FindingNote, e.hidden)
	}
}

// computed is the share of the time that formulas gave, in steps of ten percent.
func computed(sources map[string]float64) int {
	formulas, all := 0.0, 0.0
	for tag, ms := range sources {
		all += ms
		if tag == "empirical" || tag == "sol" || tag == "estimated" {
			formulas += ms
		}
	}
	if all <= 0 {
		return 0
	}
	return int(math.Round(10*formulas/all)) * 10
}

// modelled lists every item with the value that the answer assumed.
func (q *question) modelled(e *estimate) spec.Configuration {
	a, p := &q.wire.Arguments, q.point
	settings := []spec.Setting{
		{Name: spec.ItemReplicas, Value: spec.IntValue(q.replicas)},
		{Name: spec.ItemTensorParallel, Value: spec.IntValue(a.TP)},
		{Name: spec.ItemPipelineParallel, Value: spec.IntValue(a.PP)},
		{Name: spec.ItemAttentionDataParallel, Value: spec.IntValue(a.DP)},
		{Name: spec.ItemPrefixCache, Value: spec.BoolValue(false)},
		{Name: spec.ItemSpeculativeTokens, Value: spec.IntValue(0)},
		{Name: spec.ItemCUDAGraphs, Value: spec.BoolValue(true)},
		{Name: spec.ItemMaxSequenceLength, Value: spec.IntValue(cmp.Or(a.MaxSeqLen, a.ISL+a.OSL))},
		{Name: spec.ItemMaxBatchTokens, Value: q.limit()},
		{Name: spec.ItemDType, Value: half(p.Item(spec.ItemDType))},
	}
	add := func(name string, value spec.Value) {
		if !value.IsNull() {
			settings = append(settings, spec.Setting{Name: name, Value: value})
		}
	}
	if e.MoE {
		add(spec.ItemMoETensorParallel, sizeOf(e.Sizes["moe_tp"], a.MoETP))
		add(spec.ItemMoEExpertParallel, sizeOf(e.Sizes["moe_ep"], a.MoEEP))
	}
	for _, m := range modes() {
		if m.name != spec.ItemMoEQuant || e.MoE {
			add(m.name, text(cmp.Or(e.Modes[m.field], *m.of(a))))
		}
	}
	add(spec.ItemMemoryFraction, q.fraction(e))
	if v := p.Item(spec.ItemChunkedPrefill); a.CtxTokens < a.ISL {
		add(spec.ItemChunkedPrefill, spec.BoolValue(true))
	} else {
		add(spec.ItemChunkedPrefill, v)
	}
	return spec.NewConfiguration(settings...)
}

// limit is the token limit that was assumed: the one asked for, also where the load can
// not reach it.
func (q *question) limit() spec.Value {
	if v := q.point.Item(spec.ItemMaxBatchTokens); v.Kind() == spec.Number {
		return v
	}
	return spec.IntValue(q.wire.Arguments.CtxTokens)
}

func (q *question) fraction(e *estimate) spec.Value {
	if v := q.point.Item(spec.ItemMemoryFraction); v.Kind() == spec.Number {
		return v
	}
	if e.MemoryFraction == nil {
		return spec.Value{}
	}
	return decimal(*e.MemoryFraction)
}

func half(asked spec.Value) spec.Value {
	if t := asked.Text(); slices.Contains(halfTypes(), t) && t != "auto" {
		return asked
	}
	return spec.StringValue("bfloat16")
}

func sizeOf(answered *int, asked int) spec.Value {
	switch {
	case answered != nil:
		return spec.IntValue(*answered)
	case asked > 0:
		return spec.IntValue(asked)
	}
	return spec.Value{}
}

func text(s string) spec.Value {
	if s == "" {
		return spec.Value{}
	}
	return spec.StringValue(s)
}
