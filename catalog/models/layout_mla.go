package models

// latent is a decoder with multi-head latent attention (DeepSeek-V2 report, section 2.1),
// and experts after the first dense layers.
type latent struct {
	sparse bool // an index selects the tokens that attention looks at (DeepSeek-V3.2)
}

func (l latent) read(a *Architecture, f object) {
	n := layerCount(f)
	at := readMLA(f)
	if l.sparse {
		at.Index = &Index{Heads: f.size("index_n_heads"), HeadSize: f.size("index_head_dim"), TopK: f.size("index_topk")}
	}
	indexed := indexedLayers(f, n)
	experts, sparse := latentExperts(f, n)
	s := newStack(a)
	for i := range n {
		s.layer(i, func() Block {
			var b Block
			b.attendLatent(a.Hidden, at, indexed[i])
			b.with(product(2, a.Hidden))
			if sparse[i] {
				b.mix("mlp", a.Hidden, experts, false)
			} else {
				b.gatedMLP(a.Hidden, f.size("intermediate_size"), false)
			}
			return b
		}, sparse[i], indexed[i])
	}
	a.nextNLayers(f, "num_nextn_predict_layers")
}

// latentExperts reads the experts and the layers that have them; none at all for a dense
// model.
func latentExperts(f object, layers int) (Experts, []bool) {
	if !f.has("n_routed_experts") {
		return Experts{}, make([]bool, layers)
	}
	e := readExperts(f)
	if types := f.texts("mlp_layer_types"); len(types) == layers {
		out := make([]bool, layers)
		for i, t := range types {
			out[i] = oneOf(f, "mlp_layer_types", i, t, "dense", "sparse") && t == "sparse"
		}
		return e, out
	}
	return e, sparseLayers(f, layers)
}

// indexedLayers says which layers have an index of their own; others share one (GLM-5.2).
func indexedLayers(f object, layers int) []bool {
	out := make([]bool, layers)
	types := f.texts("indexer_types")
	if types != nil && len(types) < layers {
		f.fail("indexer_types", "has %d items for %d layers", len(types), layers)
	}
	for i := range out {
		out[i] = types == nil || i < len(types) && oneOf(f, "indexer_types", i, types[i], "full", "shared") && types[i] == "full"
	}
	return out
}

func readMLA(f object) Attention {
	m := MLA{QLoRA: f.count("q_lora_rank"), KVLoRA: f.size("kv_lora_rank"),
		NopeSize: f.size("qk_nope_head_dim"), RopeSize: f.size("qk_rope_head_dim")}
	return Attention{Kind: AttentionMLA, Heads: f.size("num_attention_heads"), HeadSize: sum(m.NopeSize, m.RopeSize),
		ValueSize: f.size("v_head_dim"), MLA: &m}
}

// attendLatent gives a block latent attention. Queries: hidden x rank, norm, rank x heads x
// (nope + rope), or at once without a rank. Keys and values: hidden x (rank + rope) on each
// GPU, norm, rank x heads x (nope + value). Output: heads x value x hidden. It keeps rank +
// rope per token on each GPU; with an index the rope part stays in 16 bits, and the index
// keeps a key of 8 bits with a scale of 32 per 128 (vLLM 0.24, deepseek_v2.py). An 8-bit
// cache's own scales, 16 bytes a token there, are not counted.
func (b *Block) attendLatent(hidden int64, at Attention, indexed bool) {
	m := at.MLA
	queries := product(at.Heads, at.HeadSize)
	down := modules("self_attn", "q_a_proj", "q_b_proj", "q_proj")
	if m.QLoRA > 0 {
		b.with(m.QLoRA,
			Weight{PartAttentionQ, product(hidden, m.QLoRA), SplitNone, down},
			Weight{PartAttentionQ, product(m.QLoRA, queries), SplitTensor, nil})
	} else {
		b.with(0, Weight{PartAttentionQ, product(hidden, queries), SplitTensor, down})
	}
	b.with(m.KVLoRA,
		Weight{PartAttentionKV, product(hidden, sum(m.KVLoRA, m.RopeSize)), SplitNone, modules("self_attn", "kv_a_proj_with_mqa", "kv_b_proj")},
		Weight{PartAttentionKV, product(m.KVLoRA, at.Heads, sum(m.NopeSize, at.ValueSize)), SplitTensor, nil},
		Weight{PartAttentionOut, product(at.Heads, at.ValueSize, hidden), SplitTensor, modules("self_attn", "o_proj")})
	kept := Cache{Elements: sum(m.KVLoRA, m.RopeSize)}
	if at.Index != nil {
		kept = Cache{Elements: m.KVLoRA, Bytes: 2 * m.RopeSize}
		if indexed {
			b.index(hidden, at)
			kept.Bytes = sum(kept.Bytes, indexEntry(at.Index.HeadSize))
		} else {
			at.Index = nil
		}
	}
	b.Attention = at
	b.Caches = append(b.Caches, kept)
}

// indexEntry is the bytes of an index key: 8 bits per value and 32 per 128 values.
func indexEntry(size int64) int64 { return sum(size, product(4, ceil(size, 128))) }

// index adds the selector: rank x heads x size, hidden x size, a norm with bias, hidden x
// heads; each GPU holds all of it.
func (b *Block) index(hidden int64, at Attention) {
	x := at.Index
	b.with(product(2, x.HeadSize), Weight{PartIndexer,
		sum(product(at.MLA.QLoRA, x.Heads, x.HeadSize), product(hidden, x.HeadSize), product(hidden, x.Heads)),
		SplitNone, modules("self_attn.indexer", "wq_b", "wk")})
}

// deepSeekV4 has latent attention whose keys are their values, output down- and
// up-projected by groups, a cache of a window and of entries for every few tokens
// (compress_ratios), and mixed residual streams (hc_mult). The cache is aiconfigurator
// 0.12.0's, sdk/models/deepseek_v4.py.
func deepSeekV4(a *Architecture, f object) {
	n := layerCount(f)
	ratios := f.wholes("compress_ratios", 0, maxContext)
	if len(ratios) < n {
		f.fail("compress_ratios", "has %d items for %d layers", len(ratios), n)
		return
	}
	v := readV4(a, f)
	e := readExperts(f)
	streams := f.count("hc_mult")
	s := newStack(a)
	for i := range n {
		s.layer(i, func() Block {
			b := v.block(a.Hidden, ratios[i])
			b.mix("ffn", a.Hidden, e, false)
			b.with(product(2, a.Hidden))
			if streams > 0 {
				b.streams(a.Hidden, streams)
			}
			return b
		}, ratios[i])
	}
	if streams > 0 {
		a.Vectors = sum(a.Vectors, product(streams, streams, a.Hidden), streams, 1)
	}
	a.onlyNextN(f, "num_nextn_predict_layers")
}

// streams mixes residual streams before and after both parts of a layer: two matrices of
// (2 + streams) x streams by streams x hidden, with a base and three scales each.
func (b *Block) streams(hidden, streams int64) {
	rows := product(2+streams, streams)
	b.with(product(2, rows+3), Weight{PartResidual, product(2, rows, streams, hidden), SplitNone, nil})
}

// v4 is the sizes of DeepSeek-V4's attention.
type v4 struct {
	at     Attention
	groups int64
}

func readV4(a *Architecture, f object) v4 {
	m := MLA{QLoRA: f.size("q_lora_rank"), OLoRA: f.size("o_lora_rank"), RopeSize: f.size("qk_rope_head_dim")}
	return v4{
		at: Attention{Kind: AttentionCompressed, Heads: f.size("num_attention_heads"), HeadSize: f.size("head_dim"),
			Window: windowSize(a, f, "sliding_window"), MLA: &m,
			Index: &Index{Heads: f.size("index_n_heads"), HeadSize: f.size("index_head_dim"), TopK: f.size("index_topk")}},
		groups: f.size("o_groups"),
	}
}

// fineRatio is the compression at which an index selects entries.
const fineRatio = 4

func (v v4) block(hidden, ratio int64) Block {
	at := v.at
	size, rank := at.HeadSize, at.MLA.QLoRA
	var b Block
	b.with(sum(at.Heads, rank, size),
		Weight{PartAttentionQ, product(hidden, rank), SplitNone, modules("attn", "wq_a", "wq_b")},
		Weight{PartAttentionQ, product(rank, at.Heads, size), SplitTensor, nil},
		Weight{PartAttentionOut, product(at.Heads, size, at.MLA.OLoRA), SplitTensor, modules("attn", "wo_a", "wo_b")},
		Weight{PartAttentionOut, product(v.groups, at.MLA.OLoRA, hidden), SplitTensor, nil})
	keys := product(hidden, size)
	b.Caches = append(b.Caches, Cache{Elements: size, Window: at.Window})
	if ratio > 0 {
		// A compressor projects tokens and their weights; at the fine ratio to twice the
		// size, because its windows overlap.
		wide := size
		if ratio == fineRatio {
			wide = 2 * size
		}
		keys = sum(keys, product(2, hidden, wide), product(ratio, wide))
		b.with(size)
		b.Caches = append(b.Caches, Cache{Elements: size, Every: ratio, State: product(2*4, ratio, wide)})
	}
	b.with(0, Weight{PartAttentionKV, keys, SplitNone, modules("attn", "wkv", "compressor")})
	if ratio == fineRatio {
		v.index(&b, hidden)
	} else {
		at.Index = nil
	}
	b.Attention = at
	return b
}

// index adds the selector of compressed entries, with a compressor of its own and a cache
// of 4 bits per value.
func (v v4) index(b *Block, hidden int64) {
	x := v.at.Index
	wide := 2 * x.HeadSize
	b.with(x.HeadSize, Weight{PartIndexer, sum(product(v.at.MLA.QLoRA, x.Heads, x.HeadSize), product(2, hidden, wide),
		product(fineRatio, wide), product(hidden, x.Heads)), SplitNone, modules("attn.indexer", "wq_b", "compressor")})
	b.Caches = append(b.Caches, Cache{Bytes: ceil(x.HeadSize, 2), Every: fineRatio, State: product(2*4, fineRatio, wide)})
}
