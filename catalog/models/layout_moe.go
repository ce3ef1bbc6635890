package models

// mixture is a decoder with grouped query attention and experts.
type mixture struct {
	inside     string // module of the experts
	qkvBias    bool
	headNorms  bool // queries and keys are normalized per head
	wideNorms  bool // queries and keys are normalized over all heads
	normBias   bool
	headBias   bool // the lm head has biases
	sharedGate bool // shared experts have a gate of hidden size
	glm        bool // GLM-4.5: norms of heads if use_qk_norm says so
	nextN      bool
	windows    func(a *Architecture, f object, layers int) []int64
}

func (m mixture) read(a *Architecture, f object) {
	n := layerCount(f)
	g := readGQA(a, f)
	e := readExperts(f)
	sparse := sparseLayers(f, n)
	var windows []int64
	if m.windows != nil {
		windows = m.windows(a, f, n)
	}
	a.Vectors = m.outside(a)
	s := newStack(a)
	for i := range n {
		g.window = at(windows, i)
		s.layer(i, func() Block { return m.block(a, f, g, e, sparse[i]) }, g.window, sparse[i])
	}
	if m.nextN {
		a.nextNLayers(f, "num_nextn_predict_layers")
	} else {
		a.onlyNextN(f, "num_mtp_modules", "num_nextn_predict_layers")
	}
}

func (m mixture) outside(a *Architecture) int64 {
	v := a.Hidden
	if m.normBias {
		v = sum(v, a.Hidden)
	}
	if m.headBias {
		v = sum(v, a.Vocabulary)
	}
	return v
}

func (m mixture) block(a *Architecture, f object, g gqa, e Experts, sparse bool) Block {
	var b Block
	b.attend(a.Hidden, g)
	b.with(m.attentionVectors(a, f, g))
	if !sparse {
		b.gatedMLP(a.Hidden, f.size("intermediate_size"), false)
		return b
	}
	b.mix(m.inside, a.Hidden, e, false)
	if m.sharedGate && e.SharedSize > 0 {
		b.with(a.Hidden)
	}
	return b
}

func (m mixture) attentionVectors(a *Architecture, f object, g gqa) int64 {
	v := dense{normBias: m.normBias, qkvBias: m.qkvBias}.vectors(a, f, g, 0)
	switch {
	case m.wideNorms && f.flag("use_qk_norm", true):
		v = sum(v, product(g.heads, g.key), product(g.kv, g.key))
	case m.headNorms, m.glm && f.flag("use_qk_norm", false):
		v = sum(v, product(2, g.key))
	}
	if m.glm && f.flag("attention_bias", false) {
		v -= a.Hidden // the output has no bias
	}
	return v
}

// readExperts reads the many spellings of a mixture of experts.
func readExperts(f object) Experts {
	e := Experts{
		Count:  f.size("num_local_experts", "n_routed_experts", "moe_num_experts", "num_experts"),
		Active: f.size("num_experts_per_token", "experts_per_token", "moe_top_k", "top_k_experts", "num_experts_per_tok"),
	}
	if e.Active > e.Count {
		f.fail("num_experts_per_tok", "is %d, more than the %d experts", e.Active, e.Count)
		e.Active = e.Count
	}
	e.Intermediate = f.size("moe_intermediate_size", "intermediate_size")
	e.Shared = f.count("n_shared_experts", "num_shared_experts")
	e.SharedSize = product(e.Shared, e.Intermediate)
	if size := f.count("shared_expert_intermediate_size", "moe_shared_expert_intermediate_size", "shared_intermediate_size", "share_expert_dim"); size > 0 {
		e.SharedSize = size
		e.Shared = max(e.Shared, 1)
	}
	return e
}

// sparseLayers says which layers have experts. The configurations' ways: a list of 0 and
// 1 or of indices, a number of dense layers first, a step, a list of dense layers.
func sparseLayers(f object, layers int) []bool {
	out := make([]bool, layers)
	if list := flags01(f, "moe_layer_freq", layers); list != nil {
		for i := range out {
			out[i] = list[i] == 1
		}
		return out
	}
	first := f.count("first_k_dense_replace")
	step := f.sizeOr(1, "moe_layer_freq", "decoder_sparse_step")
	denseOnes := f.wholes("mlp_only_layers", 0, maxLayers)
	for i := range out {
		n := int64(i)
		if f.has("decoder_sparse_step") {
			n++ // Qwen counts from 1
		}
		out[i] = int64(i) >= first && n%step == 0
	}
	for _, i := range denseOnes {
		if int(i) < layers {
			out[i] = false
		}
	}
	return out
}

// flags01 reads a list with 0 or 1 for each layer; nil where the field is no list.
func flags01(f object, field string, layers int) []int64 {
	if raw := f.fields[field]; len(raw) == 0 || raw[0] != '[' {
		return nil
	}
	list := f.wholes(field, 0, 1)
	if len(list) != layers {
		f.fail(field, "has %d items for %d layers", len(list), layers)
		return make([]int64, layers)
	}
	return list
}

// gptOSS has biases everywhere, one learned sink per head, a window in every other layer,
// and experts with biases (gpt-oss model card, arXiv 2508.10925).
func gptOSS(a *Architecture, f object) {
	n := layerCount(f)
	g := readGQA(a, f)
	e := readExperts(f)
	windows := evenWindowed(a, f, n)
	s := newStack(a)
	for i := range n {
		g.window = windows[i]
		s.layer(i, func() Block {
			var b Block
			b.attend(a.Hidden, g)
			b.mix("mlp", a.Hidden, e, false)
			for j := range b.Weights {
				if b.Weights[j].Part == PartExperts {
					b.Weights[j].Parameters = sum(b.Weights[j].Parameters, product(e.Count, 2*e.Intermediate+a.Hidden))
				}
			}
			b.with(sum(product(3, a.Hidden), g.biases(), g.heads, e.Count))
			return b
		}, g.window)
	}
}

// llama4 has experts in every interleave_moe_layer_step-th layer, dense layers with a size
// of their own between, and attention over chunks in three layers of four.
func llama4(a *Architecture, f object) {
	n := layerCount(f)
	g := readGQA(a, f)
	e := readExperts(f)
	e.Shared, e.SharedSize = 1, e.Intermediate
	step := f.sizeOr(1, "interleave_moe_layer_step")
	chunk := windowSize(a, f, "attention_chunk_size")
	types := layerTypes(f, n, "chunked_attention", "full_attention")
	denseSize := f.sizeOr(0, "intermediate_size_mlp", "intermediate_size")
	s := newStack(a)
	for i := range n {
		g.window = chunk
		if types == nil && (i+1)%4 == 0 || types != nil && types[i] == "full_attention" {
			g.window = 0
		}
		sparse := int64(i+1)%step == 0
		s.layer(i, func() Block {
			var b Block
			b.attend(a.Hidden, g)
			b.with(product(2, a.Hidden))
			if sparse {
				b.mix("feed_forward", a.Hidden, e, false)
			} else {
				b.mlp("feed_forward", a.Hidden, denseSize, false)
			}
			return b
		}, g.window, sparse)
	}
}

// miMoV2 has two kinds of attention, global and windowed, of different sizes, with a sink
// per head in the windowed one.
func miMoV2(a *Architecture, f object) {
	n := layerCount(f)
	e := readExperts(f)
	global, local := readGQA(a, f), miMoWindowed(a, f)
	global.value = f.sizeOr(global.key, "v_head_dim")
	windowed := flags01(f, "hybrid_layer_pattern", n)
	if windowed == nil {
		f.fail("hybrid_layer_pattern", "is missing")
		return
	}
	sparse := sparseLayers(f, n)
	s := newStack(a)
	for i := range n {
		s.layer(i, func() Block {
			g, sink := global, f.flag("add_full_attention_sink_bias", false)
			if windowed[i] == 1 {
				g, sink = local, f.flag("add_swa_attention_sink_bias", false)
			}
			var b Block
			b.attend(a.Hidden, g)
			b.with(product(2, a.Hidden))
			if sink {
				b.with(g.heads)
			}
			if sparse[i] {
				b.mix("mlp", a.Hidden, e, false)
			} else {
				b.gatedMLP(a.Hidden, f.size("intermediate_size"), false)
			}
			return b
		}, windowed[i], sparse[i])
	}
	a.onlyNextN(f, "num_nextn_predict_layers")
}

func miMoWindowed(a *Architecture, f object) gqa {
	g := gqa{heads: f.size("swa_num_attention_heads", "num_attention_heads"), kv: f.size("swa_num_key_value_heads", "num_key_value_heads")}
	g.key = f.size("swa_head_dim", "head_dim")
	g.value = f.sizeOr(g.key, "swa_v_head_dim")
	g.window = windowSize(a, f, "sliding_window_size", "sliding_window")
	return g
}

// step3 has norms of heads, a gate per head, and windowed layers that may have more heads
// (attention_other_setting).
func step3(a *Architecture, f object) {
	n := layerCount(f)
	e := readExperts(f)
	full := readGQA(a, f)
	local := full
	other := f.object("attention_other_setting")
	local.heads = other.sizeOr(full.heads, "num_attention_heads")
	local.kv = other.sizeOr(full.kv, "num_attention_groups", "num_key_value_heads")
	local.window = windowSize(a, f, "sliding_window", "sliding_window_size")
	types := layerTypes(f, n, "sliding_attention", "full_attention")
	if types == nil {
		f.fail("layer_types", "is missing")
		return
	}
	sparse := stepSparse(f, n)
	s := newStack(a)
	for i := range n {
		g := full
		if types[i] == "sliding_attention" {
			g = local
		}
		s.layer(i, func() Block {
			var b Block
			b.attend(a.Hidden, g)
			b.with(sum(product(2, a.Hidden), product(2, g.key), product(g.heads, a.Hidden)))
			if sparse[i] {
				b.mix("moe", a.Hidden, e, false)
			} else {
				b.gatedMLP(a.Hidden, f.size("intermediate_size"), false)
			}
			return b
		}, types[i], sparse[i])
	}
	a.onlyNextN(f, "num_nextn_predict_layers")
}

// stepSparse reads moe_layers_enum, a text or list of indices, or a number of dense layers.
func stepSparse(f object, layers int) []bool {
	if !f.has("moe_layers_enum") {
		return sparseLayers(f, layers)
	}
	out := make([]bool, layers)
	for _, i := range f.indices("moe_layers_enum") {
		if int(i) < layers {
			out[i] = true
		}
	}
	return out
}
