package models

// Architecture is what a checkpoint's configuration says of a language model. Of a
// multimodal model it describes the language model alone; Uncounted names the rest.
type Architecture struct {
	Class      string `json:"class"`                // Hugging Face class: "Qwen3ForCausalLM"
	Family     string `json:"family"`               // models that are built alike: "qwen3", "deepseek"
	Multimodal bool   `json:"multimodal,omitempty"` // wrapped together with an encoder of images or sound
	DType      string `json:"dtype"`                // of what is not quantized: bfloat16, float16, float32
	Hidden     int64  `json:"hidden_size"`
	Vocabulary int64  `json:"vocabulary"`
	Context    int64  `json:"context"`        // longest sequence, in tokens
	Tied       bool   `json:"tied,omitempty"` // lm head and embedding are one matrix
	// NextN is the layers that predict further tokens (multi-token prediction), numbered
	// after the others; nil: none. Engines load them only for speculative decoding, so they
	// count in no total. Without weights they are there, but not counted.
	NextN *Block `json:"nextn,omitempty"`
	// Blocks are the distinct kinds of layers. Each layer belongs to exactly one.
	Blocks       []Block      `json:"blocks"`
	Vectors      int64        `json:"vectors"` // norms and other vectors outside the layers
	Quantization Quantization `json:"quantization,omitzero"`
	// Uncounted names what the checkpoint has beside what is counted: "vision encoder".
	Uncounted []string `json:"uncounted,omitempty"`
	// Unknown says why bytes can not be told; empty: they can.
	Unknown []string `json:"unknown,omitempty"`
}

// Block is one kind of layer.
type Block struct {
	Layers      Layers      `json:"layers"`
	Attention   Attention   `json:"attention,omitzero"`
	FeedForward FeedForward `json:"feed_forward,omitzero"`
	Weights     []Weight    `json:"weights"`           // matrices of one layer
	Vectors     int64       `json:"vectors,omitempty"` // parameters in norms, biases and other vectors of one layer
	Caches      []Cache     `json:"caches,omitempty"`  // what one layer keeps of a sequence
}

// AttentionKind is how a layer mixes tokens.
type AttentionKind string

// The kinds of attention; the empty kind is a layer without any.
const (
	AttentionGQA        AttentionKind = "gqa"        // grouped queries; MHA and MQA are its ends
	AttentionMLA        AttentionKind = "mla"        // multi-head latent attention (DeepSeek-V2)
	AttentionCompressed AttentionKind = "compressed" // compressed latent attention (DeepSeek-V4)
	AttentionDelta      AttentionKind = "gated_delta"
	AttentionKDA        AttentionKind = "kda" // Kimi delta attention
	AttentionMamba2     AttentionKind = "mamba2"
)

// Attention describes the attention of one kind of layer.
type Attention struct {
	Kind      AttentionKind `json:"kind"`
	Heads     int64         `json:"heads"`
	KVHeads   int64         `json:"kv_heads,omitempty"`   // 0: keeps no keys and values per head
	HeadSize  int64         `json:"head_size"`            // of queries and keys
	ValueSize int64         `json:"value_size,omitempty"` // of values, where it differs
	Window    int64         `json:"window,omitempty"`     // tokens that it looks back; 0: all
	MLA       *MLA          `json:"mla,omitempty"`
	Index     *Index        `json:"index,omitempty"`      // selects the tokens that sparse attention looks at
	StateSize int64         `json:"state_size,omitempty"` // mamba2: states per channel
}

// MLA is the ranks and sizes of multi-head latent attention.
type MLA struct {
	QLoRA    int64 `json:"q_lora_rank,omitempty"` // 0: queries are not compressed
	KVLoRA   int64 `json:"kv_lora_rank,omitempty"`
	OLoRA    int64 `json:"o_lora_rank,omitempty"` // DeepSeek-V4's output; 0: not compressed
	NopeSize int64 `json:"nope_head_size,omitempty"`
	RopeSize int64 `json:"rope_head_size,omitempty"`
}

// Index is a sparse attention's selector of tokens.
type Index struct {
	Heads    int64 `json:"heads"`
	HeadSize int64 `json:"head_size"`
	TopK     int64 `json:"top_k,omitempty"` // tokens, or blocks of tokens, that are looked at
}

// FeedForward describes what follows attention in one kind of layer.
type FeedForward struct {
	Intermediate int64    `json:"intermediate,omitempty"` // of the dense part; 0: there is none
	Experts      *Experts `json:"experts,omitempty"`      // nil: dense
}

// Experts is a mixture of experts.
type Experts struct {
	Count        int64 `json:"count"`
	Active       int64 `json:"active"` // that each token uses, shared ones not counted
	Intermediate int64 `json:"intermediate"`
	Shared       int64 `json:"shared,omitempty"`              // experts that every token uses
	SharedSize   int64 `json:"shared_intermediate,omitempty"` // intermediate size of all shared experts together
	Latent       int64 `json:"latent,omitempty"`              // size in which experts work, where it is not the hidden size
}

// LayerCount is the number of layers, those for multi-token prediction not counted.
func (a *Architecture) LayerCount() int {
	n := 0
	for _, b := range a.Blocks {
		n += len(b.Layers)
	}
	return n
}

// IsMoE reports whether any layer has experts.
func (a *Architecture) IsMoE() bool { return a.experts() != nil }

// experts are those of the first layer that has some; nil: dense.
func (a *Architecture) experts() *Experts {
	for i := range a.Blocks {
		if e := a.Blocks[i].FeedForward.Experts; e != nil {
			return e
		}
	}
	return nil
}

// Experts describes the mixture of experts; false for a dense model. Every model known
// so far has one kind of experts.
func (a *Architecture) Experts() (Experts, bool) {
	if e := a.experts(); e != nil {
		return *e, true
	}
	return Experts{}, false
}

// DenseLayers are those with a dense feed-forward part and no experts.
func (a *Architecture) DenseLayers() Layers {
	return a.layersWhere(func(b *Block) bool { return b.FeedForward.Experts == nil && b.FeedForward.Intermediate > 0 })
}

// WindowedLayers are those whose attention looks back over a window only.
func (a *Architecture) WindowedLayers() Layers {
	return a.layersWhere(func(b *Block) bool { return b.Attention.Window > 0 })
}

func (a *Architecture) layersWhere(holds func(*Block) bool) Layers {
	var sets []Layers
	for i := range a.Blocks {
		if holds(&a.Blocks[i]) {
			sets = append(sets, a.Blocks[i].Layers)
		}
	}
	return union(sets)
}

// Attention is that of the first layer that attends over keys and values, else of the
// first that attends at all; false where there is none.
func (a *Architecture) Attention() (Attention, bool) {
	var found *Attention
	for i := range a.Blocks {
		at := &a.Blocks[i].Attention
		if at.Kind != "" && (found == nil || found.KVHeads == 0 && at.KVHeads > 0) {
			found = at
		}
	}
	if found == nil {
		return Attention{}, false
	}
	return *found, true
}
