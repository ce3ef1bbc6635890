package fit

import (
	"fmt"
	"strings"

	"aicv/metric"
)

// Line is one line of the arithmetic.
type Line struct {
	What  string
	How   string // "24 sequences of 1200 tokens, 0.05 GiB each, in fp8"
	Bytes int64
}

// Lines is the arithmetic, for people: what adds up, the sum, and what is there.
func (m *Memory) Lines() []Line {
	sequences := fmt.Sprintf("%s of %d tokens, %.3f GiB each, in %s", metric.Count(int(m.Sequences), "sequence"), m.Length, float64(m.PerSequence)/(1<<30), m.KVType)
	if m.ByRate {
		sequences += "; the load is a rate, so how many run at once is not known"
	}
	return []Line{
		{"weights", m.beside(), m.Weights},
		{"KV cache", sequences, m.KVCache},
		{"activations", fmt.Sprintf("a step of %d tokens", m.StepTokens), m.Activations},
		{"communication buffers", "", m.Buffers},
		{"engine", "kernels, graphs, libraries", m.Reserve},
		{"needed", "", m.Total},
		{"there", fmt.Sprintf("an engine can fill %g of it", fillable), m.There},
		{"room for KV cache", m.Fraction.explain(), max(m.room(), 0)},
	}
}

// beside says what the weights leave out.
func (m *Memory) beside() string {
	if m.NotCounted == "" {
		return ""
	}
	return "not counted: " + m.NotCounted
}

func (f fraction) explain() string {
	origin := map[string]string{fractionSet: "as set", fractionEngine: "the engine's default", fractionUsual: "the usual default"}[f.From]
	return fmt.Sprintf("memory_fraction %g, %s", f.Share, origin)
}

// parts lists what adds up, in one line.
func (m *Memory) parts() string {
	var parts []string
	for _, p := range []Line{{What: "weights", Bytes: m.Weights}, {What: "KV cache", Bytes: m.KVCache}, {What: "activations", Bytes: m.Activations},
		{What: "engine", Bytes: m.Buffers + m.Reserve}} {
		parts = append(parts, fmt.Sprintf("%s %.1f", p.What, float64(p.Bytes)/(1<<30)))
	}
	return strings.Join(parts, " + ")
}
