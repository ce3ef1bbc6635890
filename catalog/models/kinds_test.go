package models

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// kind is a minimal configuration of ours, testdata/kinds/NAME.json.
type kind struct{ name, config string }

func kinds() []kind {
	files, _ := filepath.Glob(filepath.Join("testdata", "kinds", "*.json"))
	var out []kind
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err == nil {
			out = append(out, kind{strings.TrimSuffix(filepath.Base(file), ".json"), string(content)})
		}
	}
	return out
}

// expected is what the reader must make of a kind. Parameters are what Transformers 5.24
// counts in the language model that it builds from the same file, where it knows the class.
type expected struct {
	parameters int64
	weights    string
	perToken   int64 // bytes of KV cache per token on one GPU, in layers that keep each token
	sparse     []KVEntries
	state      int64 // bytes per sequence
	nextN      int
}

// GQA with 2 KV heads of 16 keeps 2 x 2 x 16 values of 2 bytes = 128 bytes a layer; MLA keeps
// 32 + 8 values = 80 bytes.
func expectations() map[string]expected {
	window := func(layers, perLayer, tokens int64) []KVEntries {
		return []KVEntries{{Bytes: layers * perLayer, Window: tokens}}
	}
	return map[string]expected{
		"llama":           {238144, "bfloat16", 512, nil, 0, 0},
		"llama-biases":    {224320, "bfloat16", 512, nil, 0, 0},
		"mistral":         {238144, "bfloat16", 0, window(4, 128, 1024), 0, 0},
		"phi3":            {197184, "bfloat16", 256, nil, 0, 0}, // its window is its context
		"qwen2":           {197568, "bfloat16", 192, window(1, 64, 1024), 0, 0},
		"qwen3":           {238272, "bfloat16", 512, nil, 0, 0},
		"nemotron":        {156800, "bfloat16", 256, nil, 0, 0},
		"gemma":           {221760, "bfloat16", 512, nil, 0, 0},
		"gemma2":          {222272, "bfloat16", 256, window(2, 128, 1024), 0, 0},
		"gemma3":          {376864, "bfloat16", 128, window(6, 128, 512), 0, 0},
		"gemma3-wrapped":  {19754304, "bfloat16", 4096, window(6, 4096, 512), 0, 0}, // 4 heads of 256 by default
		"qwen3-vl":        {221888, "bfloat16", 512, nil, 0, 0},
		"mixtral":         {1100352, "bfloat16", 512, nil, 0, 0},
		"phimoe":          {1060864, "bfloat16", 256, nil, 0, 0},
		"qwen2-moe":       {445632, "bfloat16", 256, nil, 0, 0},
		"qwen3-moe":       {281792, "bfloat16", 512, nil, 0, 0},
		"qwen3-vl-moe":    {412352, "bfloat16", 512, nil, 0, 0},
		"gpt-oss":         {1113728, "bfloat16, experts w4a16_mxfp4", 256, window(2, 128, 128), 0, 0},
		"llama4":          {343616, "bfloat16", 128, window(3, 128, 1024), 0, 0},
		"minimax-m2":      {412864, "bfloat16", 512, nil, 0, 3},
		"glm4-moe":        {397248, "bfloat16", 512, nil, 0, 1},
		"mimo-v2":         {609632, "bfloat16", 2 * 160, window(4, 320, 128), 0, 0}, // heads of 24 and 16
		"step3":           {415424, "bfloat16", 256, window(2, 128, 512), 0, 1},
		"deepseek-v2":     {467136, "bfloat16", 320, nil, 0, 0},
		"deepseek-v3":     {415008, "fp8_block", 320, nil, 0, 1},
		"deepseek-v32":    {498976, "bfloat16", 4 * (64 + 16 + 132), nil, 0, 1},
		"glm-dsa":         {456992, "bfloat16", 4*(64+16) + 2*132, nil, 0, 1},
		"kimi-k25":        {415008, "bfloat16", 320, nil, 0, 0},
		"qwen3-next":      {448424, "bfloat16", 128, nil, 3 * deltaState(4), 0},
		"qwen35":          {237224, "bfloat16", 128, nil, 3 * deltaState(4), 1},
		"qwen35-moe":      {448424, "bfloat16", 128, nil, 3 * deltaState(2), 0},
		"nemotron-h":      {206536, "bfloat16", 128, nil, 3 * (8*16*16*4 + 2*(8*16+2*2*16)*3), 0},
		"gemma4":          {549120, "bfloat16", 2 * 2 * 32 * 2, window(3, 256, 512), 0, 0},
		"minimax-m3":      {411936, "bfloat16", 512 + 3*32, nil, 0, 1},
		"minimax-m3-text": {411936, "bfloat16", 512 + 3*32, nil, 0, 0},
		// 3 layers keep entries of one byte a value in 8 bits: a window of 128 x 32 each, and
		// at ratio 4 also an index of half a byte x 16.
		"deepseek-v4": {530845, "fp8_block, experts w4a8_mxfp4_mxfp8", 0,
			[]KVEntries{{4 * 32, 128, 0}, {2 * (32 + 8), 0, 4}, {32, 0, 128}},
			2*(8*4*64) + 8*128*32 + 2*(8*4*32), 1},
		// Transformers does not know these. MiMo: a layer has 20,480 + 192 + 30,720 + 128.
		"mimo": {4*51520 + 2*256*64 + 64, "bfloat16", 512, nil, 0, 1},
		// Feed-forward sizes 256, 256 and 256: 2/3 x 5.25 x 64 = 224 and 64, rounded up to 256;
		// KV heads 2, none, 2, 1.
		"decilm": {(20480 + 64) + (49152 + 64) + (49152 + 64) + (20480 + 64) + (18432 + 64) + (49152 + 64) + 2*256*64 + 64,
			"bfloat16", 128 + 128 + 64, nil, 0, 0},
		"kimi-k3": {kimiK3Parameters(), "bfloat16", 80, nil, 3 * (8*16*16*4 + 2*3*3*8*16), 0},
	}
}

// deltaState is the bytes that a gated delta layer keeps: 4 heads of a 16 x 16 state, and 3
// inputs of a convolution over 2 x 32 + 64 channels in 2 bytes.
func deltaState(bytes int64) int64 { return 4*16*16*bytes + 3*128*2 }

// kimiK3Parameters adds the sizes of the minimal Kimi-K3 up.
func kimiK3Parameters() int64 {
	width := int64(8 * 16)
	kda := 5*64*width + 16*width + 64*(8+16) + 3*width*4 + width + 2*8 + 16
	mla := int64(64*24 + 24*8*24 + 64*40 + 32*8*32 + 8*16*64 + 64*8*16 + 24 + 32)
	dense := int64(3 * 64 * 160)
	sparse := int64(8*3*32*48 + 3*64*48 + 2*64*32 + 64*8)
	return 3*kda + mla + dense + 3*sparse + 4*128 + 2*256*64 + 64
}

func TestKinds(t *testing.T) {
	want := expectations()
	classes := map[string]bool{}
	for _, k := range kinds() {
		e, listed := want[k.name]
		if !listed {
			t.Errorf("%s has no expectation", k.name)
			continue
		}
		delete(want, k.name)
		a, err := Parse(k.name, []byte(k.config), nil)
		if err != nil {
			t.Error(err)
			continue
		}
		classes[a.Class] = true
		e.check(t, k.name, a)
	}
	for name := range want {
		t.Errorf("testdata/kinds/%s.json is missing", name)
	}
	others := []string{"Llama4ForCausalLM", "Mistral3ForConditionalGeneration", "Step3p5ForCausalLM", "Step3p7FlashForCausalLM"}
	for _, class := range Classes() {
		if !classes[class] && !slices.Contains(others, class) {
			t.Errorf("no kind of class %s", class)
		}
	}
}

func (e expected) check(t *testing.T, name string, a *Architecture) {
	t.Helper()
	if got := a.Parameters().Total; got != e.parameters {
		t.Errorf("%s: %d parameters, want %d", name, got, e.parameters)
	}
	if got := a.Weights(); got != e.weights {
		t.Errorf("%s: weights %q, want %q", name, got, e.weights)
	}
	f, err := a.Footprint(Setup{})
	if err != nil {
		t.Error(err)
		return
	}
	kv := f.Stages[0].KVCache
	if kv.PerToken != e.perToken || kv.PerSequence != e.state || !slices.Equal(kv.Sparse, e.sparse) {
		t.Errorf("%s: KV cache %+v, want %d, %d, %v", name, kv, e.perToken, e.state, e.sparse)
	}
	nextN := 0
	if a.NextN != nil {
		nextN = len(a.NextN.Layers)
	}
	if nextN != e.nextN || len(a.Unknown) > 0 {
		t.Errorf("%s: %d layers for multi-token prediction, want %d; not known: %v", name, nextN, e.nextN, a.Unknown)
	}
}

// A model of experts alone has no dense multiplications to name.
func TestExpertsAlone(t *testing.T) {
	a, err := Parse("c", []byte(`{"architectures": ["NemotronHForCausalLM"], "hidden_size": 8, "vocab_size": 8, "max_position_embeddings": 8,
		"hybrid_override_pattern": "EE", "n_routed_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 8}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, attends := a.Attention(); a.Weights() != "experts bfloat16" || len(a.GEMMModes()) != 0 || attends || !a.IsMoE() {
		t.Errorf("weights %q", a.Weights())
	}
	if f := footprint(t, a, Setup{Tensor: 2}); f.Stages[0].KVCache.SequenceBytes(1000) != 0 {
		t.Errorf("%+v", f)
	}
}

// Wrong lists and patterns of the layouts are told with their field.
func TestKindsRefuse(t *testing.T) {
	configs := map[string]string{}
	for _, k := range kinds() {
		configs[k.name] = k.config
	}
	for _, c := range []struct{ kind, from, to, want string }{
		{"nemotron-h", "M-M*ME", "M-M*X", "hybrid_override_pattern has 'X'"},
		{"nemotron-h", "M-M*ME", "M-M*M", "num_hidden_layers is 6, but the pattern has 5 layers"},
		{"nemotron-h", `"hybrid_override_pattern": "M-M*ME"`, `"a": 1`, "hybrid_override_pattern or layers_block_type is missing"},
		{"nemotron-h", `"hybrid_override_pattern": "M-M*ME"`, `"layers_block_type": ["conv"]`, `layers_block_type[0] is "conv"`},
		{"decilm", `"ffn_mult": 1.5`, `"ffn_mult": "1.5"`, `block_configs[1].ffn.ffn_mult is "1.5"`},
		{"decilm", `"replace_with_linear": false`, `"replace_with_linear": true`, "block_configs[0].attention.replace_with_linear is true"},
		{"decilm", `"num_hidden_layers": 4`, `"num_hidden_layers": 5`, "block_configs has 4 items for 5 layers"},
		{"mimo-v2", `"hybrid_layer_pattern": [0, 1, 1, 1, 1, 0]`, `"hybrid_layer_pattern": [0, 1, 2, 1, 1, 0]`, "hybrid_layer_pattern[2] is 2"},
		{"mimo-v2", `"hybrid_layer_pattern"`, `"other"`, "hybrid_layer_pattern is missing"},
		{"mimo-v2", `"moe_layer_freq": [0, 1, 1, 1, 1, 1]`, `"moe_layer_freq": [0]`, "moe_layer_freq has 1 items for 6 layers"},
		{"deepseek-v4", `"compress_ratios": [0, 4, 128, 4, 0]`, `"compress_ratios": [0]`, "compress_ratios has 1 items for 4 layers"},
		{"glm-dsa", `"indexer_types": ["full",`, `"indexer_types": ["half",`, `indexer_types[0] is "half"`},
		{"glm-dsa", `"indexer_types": ["full", "full", "shared", "shared"]`, `"indexer_types": ["full"]`, "indexer_types has 1 items"},
		{"gemma4", `"layer_types"`, `"other"`, "text_config.layer_types is missing"},
		{"step3", `"moe_layers_enum": "1,2,3"`, `"moe_layers_enum": "1,x"`, `moe_layers_enum has "x"`},
		{"minimax-m3", `"sparse_attention_freq"`, `"other"`, "sparse_attention_config.sparse_attention_freq is missing"},
		{"kimi-k3", `"kda_layers": [1, 2, 3]`, `"kda_layers": [9]`, "kda_layers[0] is 9"},
		{"qwen35", `"mamba_ssm_dtype": "float32"`, `"mamba_ssm_dtype": "int4"`, `mamba_ssm_dtype is "int4"`},
		{"deepseek-v3", `"kv_lora_rank": 32, `, ``, "kv_lora_rank is missing"},
	} {
		changed := strings.Replace(configs[c.kind], c.from, c.to, 1)
		if changed == configs[c.kind] {
			t.Errorf("%s has no %s", c.kind, c.from)
		}
		if _, err := Parse(c.kind, []byte(changed), nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s with %s: %v", c.kind, c.to, err)
		}
	}
}
