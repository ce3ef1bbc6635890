package models

import "fmt"

// layout reads one or more classes of models into an Architecture.
type layout struct {
	family     string
	tied       bool  // the class's default of tie_word_embeddings
	vocabulary int64 // the class's default of vocab_size; 0: it must be given
	read       func(*Architecture, object)
}

// layouts are the classes that are known. Formulas of parameters follow the modules that
// Transformers 5.24 builds from the same configuration, unless a comment names another
// source; a test holds the totals to what it counts.
func layouts() map[string]layout {
	return map[string]layout{
		"LlamaForCausalLM":    {family: "llama", read: dense{}.read},
		"MistralForCausalLM":  {family: "mistral", read: dense{windows: allWindowed}.read},
		"Phi3ForCausalLM":     {family: "phi3", read: dense{windows: allWindowed}.read},
		"Qwen2ForCausalLM":    {family: "qwen2", read: dense{qkvBias: true, windows: upperWindowed}.read},
		"Qwen3ForCausalLM":    {family: "qwen3", read: dense{headNorms: true, windows: upperWindowed}.read},
		"MiMoForCausalLM":     {family: "mimo", read: dense{qkvBias: true, nextN: true}.read},
		"NemotronForCausalLM": {family: "nemotron", read: dense{ungated: true, normBias: true}.read},
		"GemmaForCausalLM":    {family: "gemma", tied: true, read: dense{}.read},
		"Gemma2ForCausalLM":   {family: "gemma2", tied: true, read: dense{norms: 4, windows: evenWindowed}.read},
		"Gemma3ForCausalLM":   {family: "gemma3", tied: true, read: gemma3},
		"Gemma3ForConditionalGeneration": {family: "gemma3", tied: true, vocabulary: 262208,
			read: gemma3},
		"Mistral3ForConditionalGeneration": {family: "mistral", read: dense{windows: allWindowed}.read},
		"Qwen3VLForConditionalGeneration":  {family: "qwen3", read: dense{headNorms: true}.read},

		"MixtralForCausalLM":  {family: "mixtral", read: mixture{inside: "block_sparse_moe", windows: allWindowed}.read},
		"PhiMoEForCausalLM":   {family: "phimoe", read: mixture{inside: "block_sparse_moe", normBias: true, headBias: true}.read},
		"Qwen2MoeForCausalLM": {family: "qwen2_moe", read: mixture{inside: "mlp", qkvBias: true, sharedGate: true}.read},
		"Qwen3MoeForCausalLM": {family: "qwen3_moe", read: mixture{inside: "mlp", headNorms: true}.read},
		"Qwen3VLMoeForConditionalGeneration": {family: "qwen3_moe",
			read: mixture{inside: "mlp", headNorms: true}.read},
		"GptOssForCausalLM":              {family: "gpt_oss", read: gptOSS},
		"Llama4ForConditionalGeneration": {family: "llama4", read: llama4},
		"Llama4ForCausalLM":              {family: "llama4", read: llama4},
		"MiniMaxM2ForCausalLM":           {family: "minimax", read: mixture{inside: "block_sparse_moe", wideNorms: true}.read},
		"MiniMaxM3ForCausalLM":           {family: "minimax", read: miniMaxM3},
		"MiniMaxM3SparseForConditionalGeneration": {family: "minimax",
			read: miniMaxM3},
		"Glm4MoeForCausalLM":              {family: "glm4_moe", read: mixture{inside: "mlp", glm: true, nextN: true}.read},
		"MiMoV2FlashForCausalLM":          {family: "mimo", read: miMoV2},
		"Step3p5ForCausalLM":              {family: "step", read: step3},
		"Step3p7FlashForCausalLM":         {family: "step", read: step3},
		"Step3p7ForConditionalGeneration": {family: "step", read: step3},
		"DeepseekV2ForCausalLM":           {family: "deepseek", read: latent{}.read},
		"DeepseekV3ForCausalLM":           {family: "deepseek", read: latent{}.read},
		"DeepseekV32ForCausalLM":          {family: "deepseek", read: latent{sparse: true}.read},
		"GlmMoeDsaForCausalLM":            {family: "glm_moe_dsa", read: latent{sparse: true}.read},
		"KimiK25ForConditionalGeneration": {family: "kimi", read: latent{}.read},
		"DeepseekV4ForCausalLM":           {family: "deepseek_v4", read: deepSeekV4},
		"KimiK3ForConditionalGeneration":  {family: "kimi_k3", read: kimiK3},
		"Qwen3NextForCausalLM":            {family: "qwen3_next", read: gatedDelta},
		"Qwen3_5ForConditionalGeneration": {family: "qwen3_5", read: gatedDelta},
		"Qwen3_5MoeForConditionalGeneration": {family: "qwen3_5",
			read: gatedDelta},
		"NemotronHForCausalLM":           {family: "nemotron_h", read: nemotronH},
		"DeciLMForCausalLM":              {family: "nemotron_nas", read: deciLM},
		"Gemma4ForConditionalGeneration": {family: "gemma4", tied: true, read: gemma4},
	}
}

// layerCount reads how many layers there are.
func layerCount(f object) int {
	if !f.has("num_hidden_layers") {
		f.fail("num_hidden_layers", "is missing")
		return 0
	}
	return int(f.whole("num_hidden_layers", 1, maxLayers, 1))
}

// stack puts layers of few kinds together.
type stack struct {
	a     *Architecture
	kinds map[string]int
}

func newStack(a *Architecture) *stack { return &stack{a, make(map[string]int)} }

// layer adds one layer; layers of the same kind are described once.
func (s *stack) layer(i int, describe func() Block, kind ...any) {
	key := fmt.Sprint(kind...)
	at, known := s.kinds[key]
	if !known {
		at = len(s.a.Blocks)
		s.kinds[key] = at
		s.a.Blocks = append(s.a.Blocks, describe())
	}
	b := &s.a.Blocks[at]
	b.Layers = append(b.Layers, i)
}

// with adds weights, vectors and caches to a block.
func (b *Block) with(vectors int64, weights ...Weight) {
	b.Vectors = sum(b.Vectors, vectors)
	b.Weights = append(b.Weights, weights...)
}

// nextNLayers adds layers for multi-token prediction that are built like the last one,
// with a projection of hidden state and embedding, 2 x hidden to hidden, and two more
// norms and the output's (DeepSeek-V3 report, section 2.2; embedding and head are the
// model's own).
func (a *Architecture) nextNLayers(f object, fields ...string) {
	n := int(f.whole(f.first(fields...), 0, 64, 0))
	if n == 0 || len(a.Blocks) == 0 {
		return
	}
	last := a.Blocks[len(a.Blocks)-1]
	a.NextN = &Block{Attention: last.Attention, FeedForward: last.FeedForward, Vectors: sum(last.Vectors, 3*a.Hidden), Caches: last.Caches}
	for i := range n {
		a.NextN.Layers = append(a.NextN.Layers, a.LayerCount()+i)
	}
	a.NextN.Weights = append(a.NextN.Weights, last.Weights...)
	a.NextN.Weights = append(a.NextN.Weights, Weight{Part: PartDense, Parameters: product(2, a.Hidden, a.Hidden), Split: SplitNone, modules: []string{"eh_proj"}})
}

// onlyNextN notes layers for multi-token prediction whose weights are not counted.
func (a *Architecture) onlyNextN(f object, fields ...string) {
	if n := int(f.whole(f.first(fields...), 0, 64, 0)); n > 0 {
		a.NextN = &Block{}
		for i := range n {
			a.NextN.Layers = append(a.NextN.Layers, a.LayerCount()+i)
		}
		a.Uncounted = append(a.Uncounted, "layers for multi-token prediction")
	}
}

// grouped query attention.
type gqa struct {
	heads, kv, key, value, window int64
	gate                          bool // queries come with a gate of their size
	noValue                       bool // values are the keys
}

// readGQA reads the usual fields.
func readGQA(a *Architecture, f object) gqa {
	g := gqa{heads: f.size("num_attention_heads")}
	g.kv = f.sizeOr(g.heads, "num_key_value_heads")
	g.key = headSize(a, f, g.heads, "head_dim", "attention_head_dim")
	g.value = g.key
	if g.kv > g.heads {
		f.fail("num_key_value_heads", "is %d, more than the %d attention heads", g.kv, g.heads)
	}
	return g
}

// headSize reads a head size; left out, it is the hidden size divided by the heads.
func headSize(a *Architecture, f object, heads int64, fields ...string) int64 {
	size := f.sizeOr(0, fields...)
	if size == 0 {
		if a.Hidden%heads != 0 {
			f.fail("hidden_size", "%d can not be divided by num_attention_heads %d, and head_dim is missing", a.Hidden, heads)
		}
		size = max(a.Hidden/heads, 1)
	}
	return size
}

// attend gives a block grouped query attention: queries hidden x heads x size (twice with
// a gate), keys and values hidden x KV heads x size each, output heads x size x hidden.
// It keeps keys and values of each token.
func (b *Block) attend(hidden int64, g gqa) {
	b.Attention = Attention{Kind: AttentionGQA, Heads: g.heads, KVHeads: g.kv, HeadSize: g.key, Window: g.window}
	if g.value != g.key {
		b.Attention.ValueSize = g.value
	}
	queries, values := int64(1), g.value
	if g.gate {
		queries = 2
	}
	if g.noValue {
		values = 0
	}
	b.with(0,
		Weight{PartAttentionQ, product(hidden, g.heads, g.key, queries), SplitTensor, modules("self_attn", "q_proj", "qkv_proj")},
		Weight{PartAttentionKV, product(hidden, g.kv, g.key+values), SplitKV, modules("self_attn", "k_proj", "v_proj", "qkv_proj")},
		Weight{PartAttentionOut, product(hidden, g.heads, g.value), SplitTensor, modules("self_attn", "o_proj")})
	b.Caches = append(b.Caches, Cache{Elements: product(g.kv, g.key+g.value), Heads: g.kv, Window: g.window})
}

// biases counts the biases of queries, keys and values.
func (g gqa) biases() int64 { return sum(product(g.heads, g.key), product(g.kv, g.key+g.value)) }

// modules spells names inside a module.
func modules(inside string, names ...string) []string {
	if inside == "" {
		return names
	}
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = inside + "." + n
	}
	return out
}

// gatedMLP gives a block a dense feed-forward part of three matrices, hidden x
// intermediate each; two without a gate.
func (b *Block) gatedMLP(hidden, intermediate int64, ungated bool) {
	b.mlp("mlp", hidden, intermediate, ungated)
}

func (b *Block) mlp(inside string, hidden, intermediate int64, ungated bool) {
	b.FeedForward.Intermediate = intermediate
	b.with(0, Weight{PartDense, product(matrices(ungated), hidden, intermediate), SplitTensor,
		modules(inside, "gate_proj", "up_proj", "down_proj", "gate_up_proj")})
}

func matrices(ungated bool) int64 {
	if ungated {
		return 2
	}
	return 3
}

// mix gives a block experts: three matrices each, hidden (or latent) x intermediate, two
// without a gate; one more such set for all shared experts; a router of hidden x experts;
// projections to the latent size and back. Their modules lie inside one, "mlp" mostly.
func (b *Block) mix(inside string, hidden int64, e Experts, ungated bool) {
	width := hidden
	if e.Latent > 0 {
		width = e.Latent
	}
	b.FeedForward.Experts = &e
	b.with(0, Weight{PartExperts, product(e.Count, matrices(ungated), width, e.Intermediate), SplitExpert,
		modules(inside, "experts.0.gate_proj", "experts.0.up_proj", "experts.0.down_proj", "experts.0.w1", "experts.gate_up_proj")})
	if e.SharedSize > 0 {
		b.with(0, Weight{PartSharedExperts, product(matrices(ungated), hidden, e.SharedSize), SplitTensor,
			modules(inside, "shared_experts.gate_proj", "shared_experts.up_proj", "shared_experts.w1", "shared_expert.gate_proj")})
	}
	if e.Latent > 0 {
		b.with(0, Weight{PartSharedExperts, product(2, hidden, e.Latent), SplitNone, nil})
	}
	b.with(0, Weight{PartRouter, product(hidden, e.Count), SplitNone, modules(inside, "gate", "router")})
}
