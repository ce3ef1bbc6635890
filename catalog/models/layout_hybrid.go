package models

import "strings"

// stateBytes is the bytes of a number of a recurrent state.
func stateBytes(f object, field string) int64 {
	switch name := f.text(field); name {
	case "", "float32", "auto":
		return 4
	case "bfloat16", "float16":
		return 2
	default:
		f.fail(field, "is %s; it must be float32, bfloat16 or float16", quote(name))
		return 4
	}
}

// gatedDelta has linear attention in most layers (gated delta networks) and gated full
// attention in every full_attention_interval-th (Qwen3-Next, Qwen3.5).
func gatedDelta(a *Architecture, f object) {
	n := layerCount(f)
	types := layerTypes(f, n, "linear_attention", "full_attention")
	every := f.sizeOr(4, "full_attention_interval")
	d := readDelta(f)
	g := readGQA(a, f)
	g.gate = true
	moe := f.has("num_experts")
	var e Experts
	if moe {
		e = readExperts(f)
	}
	s := newStack(a)
	for i := range n {
		full := int64(i+1)%every == 0
		if types != nil {
			full = types[i] == "full_attention"
		}
		s.layer(i, func() Block {
			var b Block
			if full {
				b.attend(a.Hidden, g)
				b.with(product(2, g.key))
			} else {
				d.attend(&b, a.Hidden)
			}
			b.with(product(2, a.Hidden))
			if moe {
				b.mix("mlp", a.Hidden, e, false)
				b.with(a.Hidden) // the shared expert's gate
			} else {
				b.gatedMLP(a.Hidden, f.size("intermediate_size"), false)
			}
			return b
		}, full)
	}
	a.onlyNextN(f, "mtp_num_hidden_layers", "num_nextn_predict_layers")
}

// delta is the sizes of a gated delta network.
type delta struct {
	keyHeads, valueHeads, key, value, kernel, stateBytes int64
}

func readDelta(f object) delta {
	return delta{
		keyHeads: f.size("linear_num_key_heads"), valueHeads: f.size("linear_num_value_heads"),
		key: f.size("linear_key_head_dim"), value: f.size("linear_value_head_dim"),
		kernel: f.size("linear_conv_kernel_dim"), stateBytes: stateBytes(f, "mamba_ssm_dtype"),
	}
}

// attend gives a block linear attention: queries and keys of the key heads, values and
// gates of the value heads, two numbers per value head, a convolution over queries, keys
// and values, the output. It keeps a key x value state per value head and the
// convolution's last inputs, whatever the length.
func (d delta) attend(b *Block, hidden int64) {
	keys, values := product(d.keyHeads, d.key), product(d.valueHeads, d.value)
	mixed := sum(keys, keys, values)
	b.Attention = Attention{Kind: AttentionDelta, Heads: d.valueHeads, HeadSize: d.key, ValueSize: d.value}
	b.with(sum(product(2, hidden, d.valueHeads), product(mixed, d.kernel), product(2, d.valueHeads), d.value),
		Weight{PartLinear, product(hidden, sum(mixed, values, values)), SplitTensor, modules("linear_attn", "in_proj_qkv", "in_proj_qkvz", "out_proj")})
	b.Caches = append(b.Caches, Cache{Heads: d.valueHeads,
		State: sum(product(d.valueHeads, d.key, d.value, d.stateBytes), product(2, mixed, d.kernel-1))})
}

// nemotronH mixes mamba, attention, dense and expert layers, one part each, by a pattern
// of M, *, - and E or by a list of names. Experts and dense parts have no gate; experts
// may work in a smaller latent size (Nemotron 3).
func nemotronH(a *Architecture, f object) {
	pattern := nemotronPattern(f)
	if f.failed() {
		return
	}
	r := nemotronReader{a: a, f: f}
	s := newStack(a)
	for i, kind := range pattern {
		s.layer(i, func() Block { return r.block(kind) }, kind)
	}
	a.onlyNextN(f, "num_nextn_predict_layers")
}

func nemotronPattern(f object) []string {
	var kinds []string
	if f.has("layers_block_type") {
		kinds = f.texts("layers_block_type")
		for i, k := range kinds {
			oneOf(f, "layers_block_type", i, k, "mamba", "attention", "mlp", "moe")
		}
	} else {
		names := map[rune]string{'M': "mamba", '*': "attention", '-': "mlp", 'E': "moe"}
		for _, c := range f.text("hybrid_override_pattern") {
			if names[c] == "" {
				f.fail("hybrid_override_pattern", "has %q; it must have M, *, - and E only", c)
			}
			kinds = append(kinds, names[c])
		}
	}
	switch n := f.whole("num_hidden_layers", 1, maxLayers, int64(len(kinds))); {
	case f.failed():
	case len(kinds) == 0:
		f.fail("hybrid_override_pattern or layers_block_type", "is missing")
	case int(n) != len(kinds) || n > maxLayers:
		f.fail("num_hidden_layers", "is %d, but the pattern has %d layers", n, len(kinds))
	}
	return kinds
}

type nemotronReader struct {
	a *Architecture
	f object
}

func (r nemotronReader) block(kind string) Block {
	a, f := r.a, r.f
	var b Block
	switch kind {
	case "mamba":
		r.mamba(&b)
	case "attention":
		b.attend(a.Hidden, readGQA(a, f))
		for i := range b.Weights {
			b.Weights[i].modules = modules("mixer", strings.TrimPrefix(b.Weights[i].modules[0], "self_attn."))
		}
	case "mlp":
		b.FeedForward.Intermediate = f.size("intermediate_size")
		b.with(0, Weight{PartDense, product(2, a.Hidden, b.FeedForward.Intermediate), SplitTensor, modules("mixer", "up_proj", "down_proj")})
	case "moe":
		e := readExperts(f)
		e.Latent = f.count("moe_latent_size")
		b.mix("mixer", a.Hidden, e, true)
	}
	b.with(a.Hidden)
	return b
}

// mamba gives a block a Mamba-2 mixer: one projection to gates, inputs, two groups of
// states and steps; a convolution with biases; the output. It keeps a size x state matrix
// per head and the convolution's last inputs.
func (r nemotronReader) mamba(b *Block) {
	f := r.f
	heads, size, state := f.size("mamba_num_heads"), f.size("mamba_head_dim"), f.size("ssm_state_size")
	kernel := f.size("conv_kernel")
	inner, groups := product(heads, size), product(2, f.size("n_groups"), state)
	mixed := sum(inner, groups)
	b.Attention = Attention{Kind: AttentionMamba2, Heads: heads, HeadSize: size, StateSize: state}
	b.with(sum(product(3, heads), product(mixed, kernel+1), inner),
		Weight{PartLinear, product(r.a.Hidden, sum(inner, mixed, heads, inner)), SplitTensor, modules("mixer", "in_proj", "out_proj")})
	b.Caches = append(b.Caches, Cache{Heads: heads,
		State: sum(product(inner, state, stateBytes(f, "mamba_ssm_cache_dtype")), product(2, mixed, kernel-1))})
}

// gemma4 has windowed layers and, every few, a layer that attends to all tokens with fewer
// and larger heads, whose values may be its keys (attention_k_eq_v). Experts stand beside
// the dense part, not in its place.
func gemma4(a *Architecture, f object) {
	n := layerCount(f)
	local := readGQA(a, f)
	local.window = windowSize(a, f, "sliding_window")
	global := local
	global.window = 0
	global.kv = f.sizeOr(local.kv, "num_global_key_value_heads")
	global.key = f.sizeOr(local.key, "global_head_dim")
	global.value = global.key
	global.noValue = f.flag("attention_k_eq_v", false)
	types := layerTypes(f, n, "sliding_attention", "full_attention")
	if types == nil {
		f.fail("layer_types", "is missing")
		return
	}
	if f.count("hidden_size_per_layer_input") > 0 || f.count("num_kv_shared_layers") > 0 {
		a.Unknown = append(a.Unknown, "embeddings per layer and shared KV caches (Gemma 4 E2B, E4B) are not counted")
	}
	s := newStack(a)
	for i := range n {
		full := types[i] == "full_attention"
		s.layer(i, func() Block {
			g := local
			if full {
				g = global
			}
			var b Block
			b.attend(a.Hidden, g)
			b.with(sum(product(4, a.Hidden), product(2, g.key)))
			b.gatedMLP(a.Hidden, f.size("intermediate_size"), false)
			if f.flag("enable_moe_block", false) {
				e := readExperts(f)
				b.mix("", a.Hidden, e, false)
				b.with(sum(product(4, a.Hidden), e.Count))
			}
			return b
		}, full)
	}
}

// miniMaxM3 has dense layers first; the others attend sparsely, by an index of keys per
// block of tokens, which keeps a key of 16 bits per token.
func miniMaxM3(a *Architecture, f object) {
	n := layerCount(f)
	g := readGQA(a, f)
	e := readExperts(f)
	sparse := sparseLayers(f, n)
	c := f.object("sparse_attention_config")
	indexed := flags01(c, "sparse_attention_freq", n)
	if indexed == nil {
		c.fail("sparse_attention_freq", "is missing")
		return
	}
	x := Index{Heads: c.size("sparse_num_index_heads"), HeadSize: c.size("sparse_index_dim"), TopK: c.size("sparse_topk_blocks")}
	s := newStack(a)
	for i := range n {
		s.layer(i, func() Block {
			var b Block
			b.attend(a.Hidden, g)
			b.with(sum(product(2, a.Hidden), product(2, g.key)))
			if indexed[i] == 1 {
				b.Attention.Index = &x
				b.with(product(2, x.HeadSize), Weight{PartIndexer, product(a.Hidden, x.Heads+1, x.HeadSize), SplitNone,
					modules("self_attn.indexer", "q_proj", "k_proj")})
				b.Caches = append(b.Caches, Cache{Bytes: 2 * x.HeadSize})
			}
			if sparse[i] {
				b.mix("block_sparse_moe", a.Hidden, e, false)
			} else {
				b.gatedMLP(a.Hidden, f.size("dense_intermediate_size", "intermediate_size"), false)
			}
			return b
		}, sparse[i], indexed[i])
	}
	a.onlyNextN(f, "num_mtp_modules", "num_nextn_predict_layers")
}

// kimiK3 has Kimi delta attention in most layers and gated latent attention in the others,
// and experts in a latent size. Sizes: aiconfigurator 0.12.0, sdk/models/kimi_k3.py; norms
// and other vectors are not known exactly.
func kimiK3(a *Architecture, f object) {
	n := layerCount(f)
	c := f.object("linear_attn_config")
	linear := make([]bool, n)
	for _, i := range c.wholes("kda_layers", 1, int64(n)) {
		linear[i-1] = true
	}
	at := readMLA(f)
	e := readExperts(f)
	e.Latent = f.count("routed_expert_hidden_size")
	sparse := sparseLayers(f, n)
	k := kda{heads: c.size("num_heads"), size: c.size("head_dim"), kernel: c.size("short_conv_kernel_size")}
	s := newStack(a)
	for i := range n {
		s.layer(i, func() Block {
			var b Block
			if linear[i] {
				k.attend(&b, a.Hidden)
			} else {
				b.attendLatent(a.Hidden, at, false)
				b.with(0, Weight{PartAttentionOut, product(a.Hidden, at.Heads, at.ValueSize), SplitTensor, nil})
			}
			b.with(product(2, a.Hidden))
			if sparse[i] {
				b.mix("block_sparse_moe", a.Hidden, e, false)
			} else {
				b.gatedMLP(a.Hidden, f.size("intermediate_size"), false)
			}
			return b
		}, linear[i], sparse[i])
	}
}

// kda is the sizes of Kimi delta attention.
type kda struct{ heads, size, kernel int64 }

// attend gives a block Kimi delta attention: queries, keys, values and gates of heads x
// size each, a decay by way of one head's size, one number per head, three convolutions,
// the output. It keeps a size x size state per head in 32 bits and the convolutions' last
// inputs in 16.
func (k kda) attend(b *Block, hidden int64) {
	width := product(k.heads, k.size)
	b.Attention = Attention{Kind: AttentionKDA, Heads: k.heads, HeadSize: k.size}
	b.with(sum(product(3, width, k.kernel), width, product(2, k.heads), k.size),
		Weight{PartLinear, sum(product(5, hidden, width), product(k.size, width)), SplitTensor, modules("self_attn", "q_proj", "k_proj", "v_proj", "o_proj")},
		Weight{PartLinear, product(hidden, sum(k.heads, k.size)), SplitNone, nil})
	b.Caches = append(b.Caches, Cache{Heads: k.heads, State: sum(product(4, width, k.size), product(2*3, width, k.kernel-1))})
}
