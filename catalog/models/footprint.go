package models

import (
	"strings"

	"aicv/spec"
)

// PartBytes is what a part takes on one GPU.
type PartBytes struct {
	Part  Part   `json:"part"`
	Modes string `json:"modes"` // quantization modes, that of the first layers first: "nvfp4, bfloat16"
	Bytes int64  `json:"bytes"`
}

// Stage is what one GPU of a pipeline stage holds, in bytes. All GPUs of a stage hold the
// same.
type Stage struct {
	FirstLayer int         `json:"first_layer"`
	Layers     int         `json:"layers"`
	Parts      []PartBytes `json:"parts"`
	Weights    int64       `json:"weights"` // sum of Parts
	KVCache    KVCache     `json:"kv_cache"`
}

// Bytes is what weights and the KV cache of so many sequences of so many tokens each take
// on one GPU of the stage. Activations and the engine's own memory come on top.
func (s Stage) Bytes(sequences, tokens int64) int64 {
	return sum(s.Weights, s.KVCache.Bytes(sequences, tokens))
}

// Footprint is what a model takes on each GPU of a replica.
type Footprint struct {
	GPUs    int     `json:"gpus"`           // of the replica
	KVCache string  `json:"kv_cache_dtype"` // that was assumed
	Stages  []Stage `json:"stages"`         // of the pipeline, in order
}

// Heaviest is the stage that needs most, for so many sequences of so many tokens each on
// every GPU.
func (f Footprint) Heaviest(sequences, tokens int64) Stage {
	heaviest := f.Stages[0]
	for _, s := range f.Stages[1:] {
		if s.Bytes(sequences, tokens) > heaviest.Bytes(sequences, tokens) {
			heaviest = s
		}
	}
	return heaviest
}

// Footprint computes what each GPU holds. Of sequences, a GPU sees those of its own
// attention data-parallel rank: concurrency / (replicas x attention_data_parallel), of
// which a pipeline keeps all in each stage. Sizes that do not divide evenly are rounded
// up; Problems names them. Not counted: activations, CUDA graphs, communication buffers,
// and what Uncounted names. It takes some 10 to 40 µs; cells that differ in load only share
// one. It fails where bytes can not be told: an unknown class or
// quantization, an unknown mode in the setup.
func (a *Architecture) Footprint(s Setup) (Footprint, error) {
	if len(a.Unknown) > 0 {
		return Footprint{}, usage("", "memory can not be computed: "+strings.Join(a.Unknown, "; "), "")
	}
	if err := s.check(); err != nil {
		return Footprint{}, err
	}
	w := &weigher{a: a, s: s.complete()}
	if err := w.modes(); err != nil {
		return Footprint{}, err
	}
	f := Footprint{GPUs: s.GPUs(), KVCache: w.cache.Mode}
	first := 0
	for i, layers := range stageLayers(a.LayerCount(), w.s.Pipeline) {
		f.Stages = append(f.Stages, w.stage(first, layers, i == 0, i == w.s.Pipeline-1))
		first += layers
	}
	return f, nil
}

// stageLayers divides layers over pipeline stages. What is left over goes to the stages
// before the last, from the back (vLLM 0.24, distributed/utils.py, get_pp_indices).
func stageLayers(layers, stages int) []int {
	out := make([]int, stages)
	for i := range out {
		out[i] = layers / stages
	}
	for i := range layers % stages {
		out[stages-2-i]++
	}
	return out
}

// weigher computes the footprint of one setup.
type weigher struct {
	a     *Architecture
	s     Setup
	gemm  *Format // online quantization of the dense multiplications; nil: none
	moe   *Format
	cache Format
}

// modes resolves the modes that the setup names.
func (w *weigher) modes() error {
	var err error
	if w.gemm, err = w.online(spec.ItemGEMMQuant, w.s.GEMMQuant, Part.gemm); err != nil {
		return err
	}
	if w.moe, err = w.online(spec.ItemMoEQuant, w.s.MoEQuant, isExperts); err != nil {
		return err
	}
	name := w.s.KVCacheQuant
	if name == "" || name == "auto" {
		name, _ = w.a.KVCacheDefault()
	}
	var known bool
	if w.cache, known = CacheFormat(name); !known {
		return usage("", spec.ItemKVCacheQuant+" "+quote(name)+" is not known", "use bfloat16, fp8, int8, nvfp4 or auto")
	}
	return nil
}

// online finds the format that an engine makes of unquantized parts; nil where the
// checkpoint has quantized some of them already, so that its word counts.
func (w *weigher) online(item, mode string, concerns func(Part) bool) (*Format, error) {
	if mode == "" {
		return nil, nil
	}
	f, known := FormatOf(mode)
	if !known {
		return nil, usage("", item+" "+quote(mode)+" is not known", "use one of "+modeNames())
	}
	for _, r := range w.a.Quantization.Rules {
		for _, p := range r.Parts {
			if concerns(p) {
				return nil, nil
			}
		}
	}
	return &f, nil
}

func modeNames() string {
	var names []string
	for _, f := range Formats() {
		names = append(names, f.Format.Mode)
	}
	return strings.Join(names, ", ")
}

// format is what a part of a layer is kept in.
func (w *weigher) format(p Part, layer int) Format {
	if f, quantized := w.a.Quantization.format(p, layer); quantized {
		return f
	}
	switch {
	case p.gemm() && w.gemm != nil:
		return *w.gemm
	case p == PartExperts && w.moe != nil:
		return *w.moe
	}
	return w.a.plain()
}

// mine is one GPU's part of a weight, in parameters.
func (w *weigher) mine(wt Weight, b *Block) int64 {
	switch t := int64(w.s.Tensor); wt.Split {
	case SplitTensor:
		return ceil(wt.Parameters, t)
	case SplitKV:
		kv := max(b.Attention.KVHeads, 1)
		return share(wt.Parameters, ceil(kv, t), kv)
	case SplitExpert:
		n := int64(1)
		if e := b.FeedForward.Experts; e != nil {
			n = e.Count
		}
		return ceil(share(wt.Parameters, ceil(n, int64(w.s.MoEExpert)), n), int64(w.s.MoETensor))
	}
	return wt.Parameters
}

func (w *weigher) stage(first, layers int, isFirst, isLast bool) Stage {
	s := Stage{FirstLayer: first, Layers: layers}
	tally := tally{}
	for _, wt := range w.a.outer() {
		// With a tied embedding the last stage holds a copy of its own.
		if isFirst && wt.Part == PartEmbedding || isLast && (wt.Part == PartHead || w.a.Tied && !isFirst) {
			tally.add(wt.Part, w.format(wt.Part, -1), 1, w.mine(wt, nil))
		}
	}
	if isLast {
		tally.add(PartNorms, w.a.plain(), 1, w.a.Vectors)
	}
	for i := range w.a.Blocks {
		b := &w.a.Blocks[i]
		if n := b.Layers.Within(first, first+layers); n > 0 {
			w.block(&s, tally, b, n)
		}
	}
	if isLast && w.s.NextN && w.a.NextN != nil {
		w.block(&s, tally, w.a.NextN, len(w.a.NextN.Layers))
	}
	s.Parts, s.Weights = tally.sorted()
	return s
}

// block adds the n layers of a block that lie in a stage.
func (w *weigher) block(s *Stage, t tally, b *Block, n int) {
	for _, wt := range b.Weights {
		mine := w.mine(wt, b)
		for _, run := range w.runs(wt.Part, b, s, n) {
			t.add(wt.Part, run.format, int64(run.layers), mine)
		}
	}
	t.add(PartNorms, w.a.plain(), int64(n), b.Vectors)
	for _, c := range b.Caches {
		s.KVCache.add(int64(n), c, int64(w.s.Tensor), w.cache)
	}
}

// run is a number of layers in which a part has one format.
type run struct {
	format Format
	layers int
}

// runs counts the layers of a block in a stage by the format of a part. The usual case,
// rules without layers, takes one look-up.
func (w *weigher) runs(p Part, b *Block, s *Stage, n int) []run {
	if !w.byLayer(p) {
		return []run{{w.format(p, b.Layers[0]), n}}
	}
	var out []run
	for _, layer := range b.Layers {
		if b != w.a.NextN && (layer < s.FirstLayer || layer >= s.FirstLayer+s.Layers) {
			continue
		}
		f := w.format(p, layer)
		if len(out) > 0 && out[len(out)-1].format == f {
			out[len(out)-1].layers++
			continue
		}
		out = append(out, run{f, 1})
	}
	return out
}

// byLayer reports whether a rule about a part names layers.
func (w *weigher) byLayer(p Part) bool {
	for _, r := range w.a.Quantization.Rules {
		for _, ruled := range r.Parts {
			if ruled == p && r.Layers != nil {
				return true
			}
		}
	}
	return false
}

// tally sums bytes by part.
type tally map[Part]*PartBytes

// add puts n equal pieces of so many parameters into the sum.
func (t tally) add(p Part, f Format, n, parameters int64) {
	if parameters == 0 || n == 0 {
		return
	}
	row := t[p]
	if row == nil {
		row = &PartBytes{Part: p, Modes: f.Mode}
		t[p] = row
	}
	if !strings.Contains(", "+row.Modes+", ", ", "+f.Mode+", ") {
		row.Modes += ", " + f.Mode
	}
	row.Bytes = sum(row.Bytes, product(n, f.bytes(parameters)))
}

func (t tally) sorted() ([]PartBytes, int64) {
	var rows []PartBytes
	var total int64
	for _, p := range Parts() {
		if row := t[p]; row != nil {
			rows = append(rows, *row)
			total = sum(total, row.Bytes)
		}
	}
	return rows, total
}
