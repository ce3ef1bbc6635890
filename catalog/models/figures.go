package models

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Figure is one line of a description.
type Figure struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Figures describes an architecture line by line, for people.
func (a *Architecture) Figures() []Figure {
	f := figures{}
	f.add("class", a.Class)
	f.add("family", a.Family)
	f.number("layers", int64(a.LayerCount()))
	f.number("hidden size", a.Hidden)
	f.feedForward(a)
	f.attention(a)
	f.number("vocabulary", a.Vocabulary)
	f.number("context", a.Context)
	f.add("data type", a.DType)
	f.add("tied embeddings", yesNo(a.Tied))
	if a.NextN != nil {
		f.add("multi-token prediction", a.NextN.Layers.describe()+", loaded for speculative decoding only")
	}
	f.quantization(a)
	f.add("not counted", strings.Join(a.Uncounted, "; "))
	f.add("not known", strings.Join(a.Unknown, "; "))
	return f
}

// Difference is a figure in which two architectures differ.
type Difference struct {
	Name string `json:"name"`
	A    string `json:"a"` // empty: A lacks it
	B    string `json:"b"`
}

// Differences compares two architectures figure by figure.
func Differences(a, b *Architecture) []Difference {
	left, right := a.Figures(), b.Figures()
	var out []Difference
	for _, f := range left {
		if other := valueOf(right, f.Name); other != f.Value {
			out = append(out, Difference{f.Name, f.Value, other})
		}
	}
	for _, f := range right {
		if valueOf(left, f.Name) == "" {
			out = append(out, Difference{f.Name, "", f.Value})
		}
	}
	return out
}

func valueOf(list []Figure, name string) string {
	i := slices.IndexFunc(list, func(f Figure) bool { return f.Name == name })
	if i < 0 {
		return ""
	}
	return list[i].Value
}

type figures []Figure

// add leaves out what is empty.
func (f *figures) add(name, value string) {
	if value != "" {
		*f = append(*f, Figure{name, value})
	}
}

// number leaves out 0.
func (f *figures) number(name string, n int64) {
	if n != 0 {
		f.add(name, strconv.FormatInt(n, 10))
	}
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// distinct lists the values that a figure has over the blocks, each once.
func (a *Architecture) distinct(value func(*Block) string) string {
	var out []string
	for i := range a.Blocks {
		if v := value(&a.Blocks[i]); v != "" && !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return strings.Join(out, ", ")
}

func positive(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

func (f *figures) feedForward(a *Architecture) {
	f.add("intermediate size", a.distinct(func(b *Block) string { return positive(b.FeedForward.Intermediate) }))
	e, moe := a.Experts()
	if !moe {
		return
	}
	f.add("experts", fmt.Sprintf("%d, of which each token uses %d", e.Count, e.Active))
	f.number("expert intermediate size", e.Intermediate)
	f.number("expert latent size", e.Latent)
	if e.Shared > 0 {
		f.add("shared experts", fmt.Sprintf("%d, together of intermediate size %d", e.Shared, e.SharedSize))
	}
	f.add("dense layers", a.DenseLayers().String())
}

func (f *figures) attention(a *Architecture) {
	f.add("attention", a.distinct(func(b *Block) string { return b.Attention.describe() }))
	f.add("windowed layers", a.WindowedLayers().String())
	attention, _ := a.Attention()
	if m := attention.MLA; m != nil {
		f.add("latent attention", named(
			Figure{"q rank", positive(m.QLoRA)}, Figure{"kv rank", positive(m.KVLoRA)}, Figure{"o rank", positive(m.OLoRA)},
			Figure{"nope", positive(m.NopeSize)}, Figure{"rope", positive(m.RopeSize)}, Figure{"value", positive(attention.ValueSize)}))
	}
	f.add("sparse attention's index", a.distinct(func(b *Block) string {
		if x := b.Attention.Index; x != nil {
			return fmt.Sprintf("%d heads of %d, top %d", x.Heads, x.HeadSize, x.TopK)
		}
		return ""
	}))
}

// named writes the figures that are there in one line.
func named(list ...Figure) string {
	var parts []string
	for _, f := range list {
		if f.Value != "" {
			parts = append(parts, f.Name+" "+f.Value)
		}
	}
	return strings.Join(parts, ", ")
}

// describe names an attention in a few words: "gqa 64 heads (8 KV) of 128, window 128".
func (at Attention) describe() string {
	if at.Kind == "" {
		return ""
	}
	text := fmt.Sprintf("%s %d heads", at.Kind, at.Heads)
	if at.KVHeads > 0 {
		text += fmt.Sprintf(" (%d KV)", at.KVHeads)
	}
	text += fmt.Sprintf(" of %d", at.HeadSize)
	if at.Kind == AttentionGQA && at.ValueSize > 0 {
		text += fmt.Sprintf(" and %d", at.ValueSize)
	}
	if at.Window > 0 {
		text += fmt.Sprintf(" over %d tokens", at.Window)
	}
	return text
}

func (f *figures) quantization(a *Architecture) {
	q := &a.Quantization
	if q.Method != "" {
		f.add("quantization", q.Method)
	}
	if a.counted() {
		f.add("gemm_quant", describeModes(a.GEMMModes()))
		f.add("moe_quant", describeModes(a.MoEModes()))
	}
	dtype, why := a.KVCacheDefault()
	f.add("KV cache by default", dtype+": "+why)
}

// describeModes writes modes with their shares of parameters: "nvfp4 72 %, bfloat16 28 %".
func describeModes(modes []Mode) string {
	if len(modes) == 1 {
		return modes[0].Mode
	}
	parts := make([]string, len(modes))
	for i, m := range modes {
		parts[i] = fmt.Sprintf("%s %.0f %%", m.Mode, 100*m.Share)
	}
	return strings.Join(parts, ", ")
}

// Weights names the modes that weights are kept in, in a few words: "fp8_block", or
// "bfloat16, experts nvfp4"; empty for a class that is not known.
func (a *Architecture) Weights() string {
	if !a.counted() {
		return ""
	}
	gemm, moe := a.GEMMModes(), a.modes(isExperts)
	text := mainMode(gemm)
	if len(moe) == 0 || text == mainMode(moe) {
		return text
	}
	return strings.TrimPrefix(text+", experts "+mainMode(moe), ", ")
}

// mainMode is the mode of most parameters, with a word where it is not that of all.
func mainMode(modes []Mode) string {
	switch len(modes) {
	case 0:
		return ""
	case 1:
		return modes[0].Mode
	}
	return modes[0].Mode + " and others"
}

// describe counts layers: "1 layer".
func (l Layers) describe() string {
	if len(l) == 1 {
		return "1 layer"
	}
	return fmt.Sprintf("%d layers", len(l))
}
