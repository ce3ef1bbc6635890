package models

// Part is a component of a model's weights. Parts are as fine as quantization and
// parallelism tell them apart.
type Part string

// The parts.
const (
	PartEmbedding     Part = "embedding"
	PartAttentionQ    Part = "attention_q"
	PartAttentionKV   Part = "attention_kv"
	PartAttentionOut  Part = "attention_out"
	PartIndexer       Part = "indexer"          // selector of a sparse attention
	PartLinear        Part = "linear_attention" // mamba, delta attention
	PartDense         Part = "dense_mlp"
	PartSharedExperts Part = "shared_experts"
	PartExperts       Part = "experts"
	PartRouter        Part = "router"
	PartResidual      Part = "residual" // mixers of residual streams
	PartNorms         Part = "norms"    // norms, biases and other vectors
	PartHead          Part = "lm_head"
)

// Parts lists the parts in the order of a forward pass.
func Parts() []Part {
	return []Part{PartEmbedding, PartAttentionQ, PartAttentionKV, PartAttentionOut, PartIndexer, PartLinear,
		PartDense, PartSharedExperts, PartExperts, PartRouter, PartResidual, PartNorms, PartHead}
}

// quantizable are the parts that a quantized checkpoint quantizes unless it says
// otherwise. Engines keep embedding, router, norms and lm head in 16 bits.
func (p Part) quantizable() bool { return p.gemm() || p == PartExperts }

// gemm are the parts whose matrix multiplications are dense: what `gemm_quant` means.
func (p Part) gemm() bool {
	switch p {
	case PartAttentionQ, PartAttentionKV, PartAttentionOut, PartIndexer, PartLinear, PartDense, PartSharedExperts:
		return true
	}
	return false
}

// Split is how a parallel setup divides a weight over GPUs.
type Split string

// The splits.
const (
	SplitNone   Split = "none"   // each GPU holds all of it
	SplitTensor Split = "tensor" // divided by tensor parallelism, as in vLLM; SGLang divides dense parts over data-parallel ranks, too
	SplitKV     Split = "kv"     // by KV heads: replicated once there are more GPUs than heads
	SplitExpert Split = "expert" // by experts, and by tensor parallelism inside them
)

// Weight is the matrices of one part in one layer, or outside of the layers.
type Weight struct {
	Part       Part  `json:"part"`
	Parameters int64 `json:"parameters"`
	Split      Split `json:"split"`
	// modules are the names of the part's matrices inside their layer, as checkpoints
	// spell them, so that the patterns of a quantization can be matched.
	modules []string
}

// outer are the weights outside of the layers: the embedding table, and the lm head
// with as many rows where it is a matrix of its own (vocabulary x hidden each).
func (a *Architecture) outer() []Weight {
	table := product(a.Vocabulary, a.Hidden)
	out := []Weight{{Part: PartEmbedding, Parameters: table, Split: SplitTensor, modules: []string{"embed_tokens", "embeddings", "embed"}}}
	if !a.Tied {
		out = append(out, Weight{Part: PartHead, Parameters: table, Split: SplitTensor, modules: []string{"lm_head", "head"}})
	}
	return out
}

// PartCount is how many parameters a part has over all layers.
type PartCount struct {
	Part       Part  `json:"part"`
	Parameters int64 `json:"parameters"`
}

// Count is how many parameters a model has, multi-token prediction and what Uncounted
// names left out.
type Count struct {
	Parts []PartCount `json:"parts"` // those that the model has, in the order of Parts
	Total int64       `json:"total"`
	// Active is what one token's forward pass multiplies with: everything but the experts
	// that it does not use and the input embedding, of which it reads one row. A tied
	// embedding counts, because it is the lm head. (gpt-oss's model card counts so;
	// others count the embedding too.)
	Active int64 `json:"active"`
	NextN  int64 `json:"nextn,omitempty"` // in the layers for multi-token prediction
}

// Parameters counts the parameters by part; nothing for a class that is not known.
func (a *Architecture) Parameters() Count {
	if !a.counted() {
		return Count{}
	}
	counts := make(map[Part]int64)
	add := func(times int64, w Weight) {
		counts[w.Part] = sum(counts[w.Part], product(times, w.Parameters))
	}
	for _, w := range a.outer() {
		add(1, w)
	}
	counts[PartNorms] = a.Vectors
	idle := int64(0)
	for _, b := range a.Blocks {
		layers := int64(len(b.Layers))
		for _, w := range b.Weights {
			add(layers, w)
			if e := b.FeedForward.Experts; e != nil && w.Part == PartExperts {
				idle = sum(idle, product(layers, share(w.Parameters, e.Count-e.Active, e.Count)))
			}
		}
		counts[PartNorms] = sum(counts[PartNorms], product(layers, b.Vectors))
	}
	return a.count(counts, idle)
}

// counted reports whether the layers' weights are known.
func (a *Architecture) counted() bool {
	for _, b := range a.Blocks {
		if len(b.Weights) > 0 {
			return true
		}
	}
	return false
}

func (a *Architecture) count(counts map[Part]int64, idle int64) Count {
	var c Count
	for _, p := range Parts() {
		if counts[p] > 0 {
			c.Parts = append(c.Parts, PartCount{p, counts[p]})
			c.Total = sum(c.Total, counts[p])
		}
	}
	c.Active = c.Total - idle
	if !a.Tied {
		c.Active -= counts[PartEmbedding]
	}
	if a.NextN != nil {
		for _, w := range a.NextN.Weights {
			c.NextN = sum(c.NextN, product(int64(len(a.NextN.Layers)), w.Parameters))
		}
	}
	return c
}
