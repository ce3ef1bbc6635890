package fit

import (
	"fmt"
	"strings"

	"aicv/catalog/models"
	"aicv/spec"
)

// fillable is the share of a GPU's memory that an engine can fill. What the driver keeps
// for each process is part of the reserve; this is what fragments of allocations cost
// (PyTorch's allocator), and what an estimate is worth. With it, every configuration that
// aiconfigurator 0.12.0 calls too large for a published measurement is, and none of the
// others (TestSilicon).
const fillable = 0.96

// enough is the share of a load's sequences that have to fit at once: an engine lets the
// others wait, and the estimate is no better than that.
const enough = 0.9

// spare is the share of the engine's part that blocks and profiling take
// (aiconfigurator's KV_CACHE_MEMORY_TOLERANCE).
const spare = 0.02

// Memory is what one GPU holds, in bytes, at its heaviest stage of the pipeline.
type Memory struct {
	Weights     int64 `json:"weights"`
	KVCache     int64 `json:"kv_cache"`
	Activations int64 `json:"activations"`
	Buffers     int64 `json:"communication_buffers"`
	Reserve     int64 `json:"engine_reserve"`
	Total       int64 `json:"total"`
	There       int64 `json:"there"` // of the GPU

	Sequences   int64    `json:"sequences"`    // at once, on this GPU
	Length      int64    `json:"length"`       // tokens of each
	PerSequence int64    `json:"per_sequence"` // bytes
	KVType      string   `json:"kv_cache_dtype"`
	StepTokens  int64    `json:"step_tokens"` // that activations are counted for
	Fraction    fraction `json:"memory_fraction"`
	ByRate      bool     `json:"by_rate,omitempty"`     // the load is a rate: how many run at once is not known
	NotCounted  string   `json:"not_counted,omitempty"` // what the checkpoint has beside what is counted
}

// fraction is the share of the memory that the engine gives to weights, KV cache and
// activations.
type fraction struct {
	Share float64 `json:"share"`
	From  string  `json:"from"` // "set", "engine" (its documented default), "usual"
}

// The origins of a fraction.
const (
	fractionSet    = "set"
	fractionEngine = "engine"
	fractionUsual  = "usual"
)

// memoryFraction is the item as set, else the engine's default. Where the runtime does not
// tell that, it is what aiconfigurator 0.12.0 takes: 0.92 for vLLM, 0.88 for SGLang.
func (s *Server) memoryFraction() fraction {
	if f, ok := s.q.Config.Get(spec.ItemMemoryFraction).Float(); ok && f > 0 {
		return fraction{f, fractionSet}
	}
	if f, ok := s.q.Assumed.Get(spec.ItemMemoryFraction).Float(); ok && f > 0 {
		return fraction{f, fractionEngine}
	}
	if s.q.Runtime == "sglang" {
		return fraction{0.88, fractionUsual}
	}
	return fraction{0.92, fractionUsual}
}

// memory is the arithmetic of a load.
func (s *Server) memory(load spec.Load) *Memory {
	m := &Memory{There: s.q.Hardware.Memory, Length: int64(load.InputTokens) + int64(load.OutputTokens),
		KVType: s.footprint.KVCache, Fraction: s.fraction, NotCounted: strings.Join(s.q.Model.Architecture.Uncounted, "; ")}
	m.Sequences, m.ByRate = s.sequences(load)
	stage := s.footprint.Heaviest(m.Sequences, m.Length)
	m.Weights, m.PerSequence = stage.Weights, stage.KVCache.SequenceBytes(m.Length)
	m.KVCache = stage.KVCache.Bytes(m.Sequences, m.Length)
	if m.StepTokens = s.whole(spec.ItemMaxBatchTokens); m.StepTokens <= 0 {
		m.StepTokens = int64(load.InputTokens) + m.Sequences
	}
	m.Activations = s.engine.activations(s.q.Model.Architecture, s.setup, m.StepTokens)
	m.Buffers = buffers(s.system, s.setup.Tensor)
	m.Reserve = s.engine.kept(s.system)
	for _, part := range []int64{m.Weights, m.KVCache, m.Activations, m.Buffers, m.Reserve} {
		m.Total = models.Sum(m.Total, part)
	}
	return m
}

// sequences is how many run at once on one GPU: the load's share of an attention
// data-parallel rank, and not more than the batch's limit allows.
func (s *Server) sequences(load spec.Load) (n int64, byRate bool) {
	ranks := int64(max(s.setup.AttentionData, 1))
	limit := (s.whole(spec.ItemMaxBatchSize) + ranks - 1) / ranks
	if load.Concurrency == 0 {
		return max(limit, 1), limit == 0
	}
	ranks *= int64(s.q.Config.Size(spec.ItemReplicas))
	n = (int64(load.Concurrency) + ranks - 1) / ranks
	if limit > 0 {
		n = min(n, limit)
	}
	return n, false
}

// tooMuch says why the memory does not suffice.
func (m *Memory) tooMuch() []Reason {
	most := share(m.There, fillable)
	n := (most - m.Total + m.KVCache) / max(m.PerSequence, 1)
	if m.Total > most && float64(n) < enough*float64(m.Sequences) {
		why := fmt.Sprintf("each GPU needs %s (%s), and of its %s an engine can fill %s", GiB(m.Total), m.parts(), GiB(m.There), GiB(most))
		if n > 0 {
			why += fmt.Sprintf("; %d of %d sequences fit at once", n, m.Sequences)
		}
		return []Reason{{"", why}}
	}
	first := models.Sum(m.Weights, m.PerSequence)
	if most = share(m.There, m.Fraction.Share); m.Fraction.From == fractionSet && first > most {
		return []Reason{{spec.ItemMemoryFraction, fmt.Sprintf("weights and the KV cache of one sequence take %s, and %g of %s is %s",
			GiB(first), m.Fraction.Share, GiB(m.There), GiB(most))}}
	}
	return nil
}

// queueing says why requests of the load would wait for others.
func (m *Memory) queueing() []Reason {
	room := m.room()
	if m.KVCache <= room {
		return nil
	}
	why := fmt.Sprintf("the engine has %g of %s, which leaves about %s for a KV cache of %s", m.Fraction.Share, GiB(m.There), GiB(max(room, 0)), GiB(m.KVCache))
	if n := max(room, 0) / max(m.PerSequence, 1); n > 0 {
		why += fmt.Sprintf(": about %d of %d sequences run at once, the others wait", n, m.Sequences)
	} else {
		why += ": by this estimate it might not start"
	}
	return []Reason{{spec.ItemMemoryFraction, why}}
}

// room is what the engine's part of the memory leaves for the KV cache.
func (m *Memory) room() int64 {
	return share(m.There, min(m.Fraction.Share*(1-spare), fillable)) - (m.Total - m.KVCache)
}

func share(bytes int64, part float64) int64 { return int64(float64(bytes) * part) }

// GiB writes bytes for people.
func GiB(bytes int64) string { return fmt.Sprintf("%.1f GiB", float64(bytes)/(1<<30)) }
