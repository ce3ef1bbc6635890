package models

import (
	"cmp"
	"fmt"
	"slices"
)

// Quantization is how a checkpoint's weights are kept, and which KV cache it asks for.
type Quantization struct {
	Method string `json:"method,omitempty"` // as the checkpoint names it: "fp8", "awq", "modelopt"; empty: none
	// Rules say what is quantized. A part of a layer that no rule names is kept in DType.
	Rules   []Rule `json:"rules,omitempty"`
	KVCache string `json:"kv_cache,omitempty"` // "fp8" where the checkpoint brings scales or asks for it
}

// Rule gives parts their format.
type Rule struct {
	Format Format `json:"format"`
	Parts  []Part `json:"parts"`
	Layers Layers `json:"layers,omitempty"` // nil: wherever the part is
}

// format finds what a part is kept in; false: it is not quantized. Parts outside of the
// layers have layer -1.
func (q *Quantization) format(p Part, layer int) (Format, bool) {
	for i := range q.Rules {
		r := &q.Rules[i]
		if slices.Contains(r.Parts, p) && (r.Layers == nil || r.Layers.Contains(layer)) {
			return r.Format, true
		}
	}
	return Format{}, false
}

// Quantized reports whether any weight of the checkpoint is quantized.
func (a *Architecture) Quantized() bool { return len(a.Quantization.Rules) > 0 }

// plain is the format of what is not quantized. Engines load 32-bit checkpoints in 16
// bits.
func (a *Architecture) plain() Format {
	mode := a.DType
	if mode == "float32" {
		mode = "bfloat16"
	}
	return Format{Mode: mode, Bits: 16}
}

// Mode is a quantization mode with how much of the weights in question has it.
type Mode struct {
	Mode  string  `json:"mode"`
	Share float64 `json:"share"` // of their parameters, 0 to 1
}

// GEMMModes are the modes of the dense matrix multiplications, that of most parameters
// first: what `gemm_quant` is for this checkpoint.
func (a *Architecture) GEMMModes() []Mode { return a.modes(Part.gemm) }

// MoEModes are the modes of the experts, that of most parameters first: what `moe_quant`
// is for this checkpoint. A dense model has none. aiconfigurator has one name for both
// 8-bit modes of experts with a scale per tensor, fp8.
func (a *Architecture) MoEModes() []Mode {
	modes := a.modes(isExperts)
	for i := range modes {
		if modes[i].Mode == "fp8_static" {
			modes[i].Mode = "fp8"
		}
	}
	return modes
}

func isExperts(p Part) bool { return p == PartExperts }

func (a *Architecture) modes(asked func(Part) bool) []Mode {
	counts := make(map[string]int64)
	var total int64
	for _, b := range a.Blocks {
		for _, w := range b.Weights {
			if !asked(w.Part) {
				continue
			}
			total = sum(total, product(w.Parameters, int64(len(b.Layers))))
			for _, layer := range b.Layers {
				f, quantized := a.Quantization.format(w.Part, layer)
				if !quantized {
					f = a.plain()
				}
				counts[f.Mode] = sum(counts[f.Mode], w.Parameters)
			}
		}
	}
	out := make([]Mode, 0, len(counts))
	for mode, n := range counts {
		out = append(out, Mode{mode, float64(n) / float64(total)})
	}
	slices.SortFunc(out, func(x, y Mode) int {
		return cmp.Or(cmp.Compare(y.Share, x.Share), cmp.Compare(x.Mode, y.Mode))
	})
	return out
}

// KVCacheDefault is what an engine keeps the KV cache in when it is left to choose
// (`auto`), with the reason: the checkpoint's own choice, else the model's data type.
// (aiconfigurator assumes fp8 for every fp8 and nvfp4 checkpoint instead.)
func (a *Architecture) KVCacheDefault() (dtype, why string) {
	if a.Quantization.KVCache != "" {
		return a.Quantization.KVCache, "the checkpoint asks for it"
	}
	return a.plain().Mode, fmt.Sprintf("the checkpoint says nothing of the KV cache, and the model's data type is %s", a.DType)
}
