package models

// dense is a decoder with grouped query attention and one feed-forward part per layer.
type dense struct {
	qkvBias   bool  // queries, keys and values have biases
	headNorms bool  // queries and keys are normalized per head
	norms     int64 // norms of a layer; 0: 2
	normBias  bool  // norms have a bias each
	ungated   bool  // the feed-forward part has no gate
	nextN     bool  // may bring layers for multi-token prediction
	windows   func(a *Architecture, f object, layers int) []int64
}

func (d dense) read(a *Architecture, f object) {
	n := layerCount(f)
	g := readGQA(a, f)
	intermediate := f.size("intermediate_size")
	var windows []int64
	if d.windows != nil {
		windows = d.windows(a, f, n)
	}
	vectors := d.vectors(a, f, g, intermediate)
	a.Vectors = product(a.Hidden, d.perNorm())
	s := newStack(a)
	for i := range n {
		w := at(windows, i)
		s.layer(i, func() Block {
			g := g
			g.window = w
			var b Block
			b.attend(a.Hidden, g)
			b.gatedMLP(a.Hidden, intermediate, d.ungated)
			b.with(vectors)
			return b
		}, w)
	}
	if d.nextN {
		a.nextNLayers(f, "num_nextn_predict_layers")
	}
}

// perNorm is the vectors of one norm.
func (d dense) perNorm() int64 {
	if d.normBias {
		return 2
	}
	return 1
}

// vectors counts a layer's norms and biases.
func (d dense) vectors(a *Architecture, f object, g gqa, intermediate int64) int64 {
	norms := max(d.norms, 2)
	v := product(norms, a.Hidden, d.perNorm())
	if d.headNorms {
		v = sum(v, product(2, g.key))
	}
	if d.qkvBias || f.flag("attention_bias", false) {
		v = sum(v, g.biases())
	}
	if f.flag("attention_bias", false) && !d.qkvBias {
		v = sum(v, a.Hidden)
	}
	if f.flag("mlp_bias", false) {
		v = sum(v, product(2, intermediate), a.Hidden)
	}
	return v
}

// at is an item of a list that may be empty.
func at(list []int64, i int) int64 {
	if i < len(list) {
		return list[i]
	}
	return 0
}

// windowSize reads a sliding window; one as long as the context is none.
func windowSize(a *Architecture, f object, fields ...string) int64 {
	field := f.first(fields...)
	if !f.has(field) {
		return 0
	}
	w := f.whole(field, 1, maxContext, 0)
	if w >= a.Context {
		return 0
	}
	return w
}

// windowsWhere gives the layers of which holds says so the configuration's window;
// layer_types, where it is there, decides instead.
func windowsWhere(a *Architecture, f object, layers int, holds func(i int) bool) []int64 {
	w := windowSize(a, f, "sliding_window", "sliding_window_size")
	types := layerTypes(f, layers, "sliding_attention", "full_attention", "chunked_attention")
	out := make([]int64, layers)
	for i := range out {
		windowed := holds(i)
		if types != nil {
			windowed = types[i] != "full_attention"
		}
		if windowed {
			out[i] = w
		}
	}
	return out
}

// layerTypes reads layer_types, one for each layer; nil where it is not there. It may go
// on with layers for multi-token prediction.
func layerTypes(f object, layers int, allowed ...string) []string {
	types := f.texts("layer_types")
	if types == nil {
		return nil
	}
	if len(types) < layers {
		f.fail("layer_types", "has %d items for %d layers", len(types), layers)
		return nil
	}
	for i, t := range types {
		if !oneOf(f, "layer_types", i, t, allowed...) {
			return nil
		}
	}
	return types[:layers]
}

// allWindowed: every layer looks back over sliding_window tokens (Mistral).
func allWindowed(a *Architecture, f object, layers int) []int64 {
	return windowsWhere(a, f, layers, func(int) bool { return true })
}

// evenWindowed: every other layer, from the first (Gemma 2, gpt-oss).
func evenWindowed(a *Architecture, f object, layers int) []int64 {
	return windowsWhere(a, f, layers, func(i int) bool { return i%2 == 0 })
}

// upperWindowed: the layers from max_window_layers on, if use_sliding_window says so (Qwen).
func upperWindowed(a *Architecture, f object, layers int) []int64 {
	if !f.flag("use_sliding_window", false) {
		return nil
	}
	from := f.count("max_window_layers")
	return windowsWhere(a, f, layers, func(i int) bool { return int64(i) >= from })
}

// gemma3 has norms around both parts of a layer and of queries and keys, and attends to
// all tokens in every sixth layer only. Its configuration leaves out what is the default
// of Transformers' Gemma3TextConfig.
func gemma3(a *Architecture, f object) {
	n := layerCount(f)
	pattern := f.sizeOr(6, "sliding_window_pattern")
	windows := windowsWhere(a, f, n, func(i int) bool { return int64(i+1)%pattern != 0 })
	g := gqa{heads: f.sizeOr(8, "num_attention_heads"), kv: f.sizeOr(4, "num_key_value_heads")}
	g.key = f.sizeOr(256, "head_dim")
	g.value = g.key
	intermediate := f.size("intermediate_size")
	s := newStack(a)
	for i := range n {
		s.layer(i, func() Block {
			g := g
			g.window = windows[i]
			var b Block
			b.attend(a.Hidden, g)
			b.gatedMLP(a.Hidden, intermediate, false)
			b.with(sum(product(4, a.Hidden), product(2, g.key)))
			return b
		}, windows[i])
	}
}

// deciLM has layers that a search over architectures shaped one by one: attention with
// its own number of KV heads, or none; a feed-forward part of its own size, or none.
// Sizes: modeling_decilm.py of nvidia/Llama-3_3-Nemotron-Super-49B-v1.
func deciLM(a *Architecture, f object) {
	blocks := f.objects("block_configs")
	if n := layerCount(f); len(blocks) != n {
		f.fail("block_configs", "has %d items for %d layers", len(blocks), n)
		return
	}
	heads := f.size("num_attention_heads")
	size := headSize(a, f, heads, "head_dim")
	s := newStack(a)
	for i, c := range blocks {
		attention, ffn := c.object("attention"), c.object("ffn")
		group, intermediate := deciAttention(attention, heads), deciFFN(a, ffn)
		if f.failed() {
			return
		}
		s.layer(i, func() Block {
			var b Block
			if group > 0 {
				b.attend(a.Hidden, gqa{heads: heads, kv: max(heads/group, 1), key: size, value: size})
				b.with(a.Hidden)
			}
			if intermediate > 0 {
				b.gatedMLP(a.Hidden, intermediate, false)
				b.with(a.Hidden)
			}
			return b
		}, group, intermediate)
	}
}

// deciAttention is how many heads share a KV head; 0: the layer has no attention.
func deciAttention(c object, heads int64) int64 {
	if c.flag("no_op", false) {
		return 0
	}
	if c.flag("replace_with_linear", false) {
		c.fail("replace_with_linear", "is true, which is not known")
	}
	return c.whole("n_heads_in_group", 1, heads, 1)
}

// deciFFN is the size of a layer's feed-forward part: 2/3 x multiple x hidden, rounded up
// to 256; 0: there is none.
func deciFFN(a *Architecture, c object) int64 {
	if c.flag("no_op", false) {
		return 0
	}
	if c.flag("replace_with_linear", false) {
		c.fail("replace_with_linear", "is true, which is not known")
	}
	multiple := c.number("ffn_mult", 0, 64)
	return ceil(int64(2*multiple*float64(a.Hidden)/3), 256) * 256
}
