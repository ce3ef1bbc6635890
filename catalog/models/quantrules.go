package models

import (
	"fmt"
	"slices"
)

// quantization turns a scheme into rules by part and layer.
func (a *Architecture) quantization(s *scheme) Quantization {
	r := rules{found: make(map[Part][]finding)}
	for _, w := range a.outer() {
		r.add(s, w, outside)
	}
	blocks := a.Blocks
	if a.NextN != nil {
		blocks = append(slices.Clip(blocks), *a.NextN)
	}
	for _, b := range blocks {
		for _, w := range b.Weights {
			for _, layer := range b.Layers {
				r.add(s, w, layer)
			}
		}
	}
	return Quantization{Method: s.method, KVCache: s.kv, Rules: r.merge()}
}

// outside stands for the layer of what lies outside of the layers.
const outside = -1

// rules collects what a scheme makes of each part in each layer.
type rules struct {
	found map[Part][]finding
}

// finding is what a part in one layer is kept in; an empty mode: not quantized.
type finding struct {
	layer  int
	format Format
}

// add looks one part of one layer up. Where a part is in several pieces (queries down and
// up), the first carries the names of all.
func (r *rules) add(s *scheme, w Weight, layer int) {
	if len(w.modules) == 0 {
		return
	}
	names := w.modules
	if layer != outside {
		names = make([]string, len(w.modules))
		for i, m := range w.modules {
			names[i] = fmt.Sprintf("layers.%d.%s", layer, m)
		}
	}
	f, _ := s.format(w.Part, names)
	r.found[w.Part] = append(r.found[w.Part], finding{layer, f})
}

// merge makes the fewest rules of the findings: parts that have a format in the same
// layers share one.
func (r *rules) merge() []Rule {
	var out []Rule
	for _, p := range Parts() {
		for _, one := range r.of(p) {
			i := slices.IndexFunc(out, func(x Rule) bool { return x.Format == one.Format && slices.Equal(x.Layers, one.Layers) })
			if i >= 0 {
				out[i].Parts = append(out[i].Parts, p)
				continue
			}
			one.Parts = []Part{p}
			out = append(out, one)
		}
	}
	return out
}

// of makes the rules of one part.
func (r *rules) of(p Part) []Rule {
	var out []Rule
	for _, f := range r.found[p] {
		if f.format.Mode == "" {
			continue
		}
		i := slices.IndexFunc(out, func(x Rule) bool { return x.Format == f.format })
		if i < 0 {
			i = len(out)
			out = append(out, Rule{Format: f.format})
		}
		out[i].Layers = append(out[i].Layers, f.layer)
	}
	for i := range out {
		if len(out[i].Layers) == len(r.found[p]) {
			out[i].Layers = nil
		}
		slices.Sort(out[i].Layers)
	}
	return out
}
