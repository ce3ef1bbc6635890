package models

import (
	"encoding/json"
	"math"
	"math/big"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"aicv/spec"
)

func model(t *testing.T, name string) *Architecture {
	t.Helper()
	m, found := Lookup(name)
	if !found {
		t.Fatalf("no row %s", name)
	}
	return m.Architecture
}

func footprint(t *testing.T, a *Architecture, s Setup) Footprint {
	t.Helper()
	f, err := a.Footprint(s)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Figures that can be worked out by hand. Llama-3.1-8B has 8,030,261,248 parameters, of
// which 266,240 in norms are on each GPU.
func TestFootprintOfDense(t *testing.T) {
	a := model(t, "meta-llama/Llama-3.1-8B")
	for _, c := range []struct {
		setup    Setup
		weights  int64
		perToken int64 // 2 x KV heads x 128 x 32 layers x 2 bytes
	}{
		{Setup{}, 2 * 8030261248, 131072},
		{Setup{Tensor: 2}, 2 * ((8030261248-266240)/2 + 266240), 65536},
		{Setup{Tensor: 8}, 2 * ((8030261248-266240)/8 + 266240), 16384},
		{Setup{Tensor: 8, AttentionData: 4}, 2 * ((8030261248-266240)/8 + 266240), 16384},
		{Setup{KVCacheQuant: "fp8"}, 2 * 8030261248, 65536},
		{Setup{GEMMQuant: "fp8"}, 2*(8030261248) - 32*(2*4096*4096+2*4096*1024+3*4096*14336), 131072},
		{Setup{MoEQuant: "fp8"}, 2 * 8030261248, 131072},
	} {
		f := footprint(t, a, c.setup)
		if s := f.Stages[0]; len(f.Stages) != 1 || s.Weights != c.weights || s.KVCache.PerToken != c.perToken {
			t.Errorf("%+v: %d and %d bytes, want %d and %d", c.setup, s.Weights, s.KVCache.PerToken, c.weights, c.perToken)
		}
	}
	s := footprint(t, a, Setup{}).Stages[0]
	if got := s.Bytes(8, 4096); got != 2*8030261248+8*4096*131072 {
		t.Errorf("8 sequences of 4,096 tokens: %d bytes", got)
	}
}

// Engines load a checkpoint of 32 bits in 16.
func TestWideCheckpoint(t *testing.T) {
	a, err := Parse("c", []byte(with(llama, `"torch_dtype": "float32"`)), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := footprint(t, a, Setup{}); got.Stages[0].Weights != 2*a.Parameters().Total || got.KVCache != "bfloat16" || a.DType != "float32" {
		t.Errorf("%+v", got)
	}
}

// With more GPUs than KV heads, heads are repeated: their weights and cache stop shrinking.
func TestRepeatedKVHeads(t *testing.T) {
	a := model(t, "Qwen/Qwen3-30B-A3B") // 32 heads, 4 KV heads of 128, 48 layers
	part := func(tensor int, p Part) int64 {
		f := footprint(t, a, Setup{Tensor: tensor})
		for _, row := range f.Stages[0].Parts {
			if row.Part == p {
				return row.Bytes
			}
		}
		return 0
	}
	if part(4, PartAttentionKV) != part(16, PartAttentionKV) || part(4, PartAttentionQ) != 4*part(16, PartAttentionQ) {
		t.Error("KV weights must stay, query weights must shrink")
	}
	for tensor, heads := range map[int]int64{1: 4, 2: 2, 4: 1, 8: 1, 32: 1} {
		if got := footprint(t, a, Setup{Tensor: tensor}).Stages[0].KVCache.PerToken; got != heads*2*128*48*2 {
			t.Errorf("tensor parallel %d: %d bytes a token", tensor, got)
		}
	}
}

// MLA's latent cache is on every GPU of a tensor group: 576 values in 61 layers.
func TestLatentCache(t *testing.T) {
	a := model(t, "deepseek-ai/DeepSeek-V3")
	for _, tensor := range []int{1, 8, 16} {
		if got := footprint(t, a, Setup{Tensor: tensor, KVCacheQuant: "bfloat16"}).Stages[0].KVCache.PerToken; got != 576*61*2 {
			t.Errorf("tensor parallel %d: %d bytes a token", tensor, got)
		}
	}
	// With DeepSeek-V3.2's index: 512 values, 64 of 16 bits, an index entry of 132 bytes.
	sparse := model(t, "deepseek-ai/DeepSeek-V3.2")
	if got := footprint(t, sparse, Setup{KVCacheQuant: "fp8"}).Stages[0].KVCache.PerToken; got != 61*(512+128+132) {
		t.Errorf("DeepSeek-V3.2: %d bytes a token", got)
	}
}

func TestWindowedCache(t *testing.T) {
	a := model(t, "openai/gpt-oss-120b") // 36 layers, every other over 128 tokens; 8 KV heads of 64
	kv := footprint(t, a, Setup{}).Stages[0].KVCache
	layer := int64(2 * 8 * 64 * 2)
	for tokens, want := range map[int64]int64{0: 0, 1: 36 * layer, 128: 36 * 128 * layer, 129: 18 * (129 + 128) * layer, 8192: 18 * (8192 + 128) * layer} {
		if got := kv.SequenceBytes(tokens); got != want {
			t.Errorf("%d tokens: %d bytes, want %d", tokens, got, want)
		}
	}
	if got := a.WindowedLayers(); len(got) != 18 || got[0] != 0 || got[1] != 2 {
		t.Errorf("windowed layers %s", got)
	}
}

func TestExpertSplit(t *testing.T) {
	a := model(t, "deepseek-ai/DeepSeek-V3")
	experts := func(s Setup) int64 {
		for _, row := range footprint(t, a, s).Stages[0].Parts {
			if row.Part == PartExperts {
				return row.Bytes
			}
		}
		return 0
	}
	whole := experts(Setup{})
	for _, s := range []Setup{{Tensor: 8}, {Tensor: 8, MoEExpert: 8}, {AttentionData: 8, MoEExpert: 8}, {Tensor: 2, AttentionData: 4, MoETensor: 4}, {Tensor: 8, MoETensor: 2, MoEExpert: 4}} {
		if got := experts(s); got < whole/8 || got > whole/8+100 {
			t.Errorf("%+v: %d bytes of experts, of %d in all", s, got, whole)
		}
	}
	if got := experts(Setup{Tensor: 3, MoEExpert: 3}); got < whole*86/256 || got > whole*86/256+100 {
		t.Errorf("256 experts over 3 ranks: %d bytes, want 86 experts", got)
	}
	if got, want := footprint(t, a, Setup{Tensor: 2, Pipeline: 3, AttentionData: 4}).GPUs, 24; got != want {
		t.Errorf("%d GPUs", got)
	}
}

func TestPipeline(t *testing.T) {
	a := model(t, "deepseek-ai/DeepSeek-V3") // 61 layers, 3 dense
	f := footprint(t, a, Setup{Pipeline: 4})
	var layers []int
	var weights, token int64
	for _, s := range f.Stages {
		layers = append(layers, s.Layers)
		weights += s.Weights
		token += s.KVCache.PerToken
	}
	one := footprint(t, a, Setup{}).Stages[0]
	if !slices.Equal(layers, []int{15, 15, 16, 15}) || weights != one.Weights || token != one.KVCache.PerToken {
		t.Errorf("stages %v with %d of %d bytes, %d of %d a token", layers, weights, one.Weights, token, one.KVCache.PerToken)
	}
	if h := f.Heaviest(1, 1); h.FirstLayer != 30 {
		t.Errorf("the heaviest stage starts at layer %d", h.FirstLayer)
	}
	if s := f.Stages[0]; s.Parts[0].Part != PartEmbedding || slices.ContainsFunc(s.Parts, func(p PartBytes) bool { return p.Part == PartHead }) {
		t.Errorf("first stage %+v", s.Parts)
	}
	// A tied embedding is on the first and on the last stage.
	tied := model(t, "meta-llama/Llama-3.2-1B")
	f = footprint(t, tied, Setup{Pipeline: 2})
	if got, want := f.Stages[0].Weights+f.Stages[1].Weights, footprint(t, tied, Setup{}).Stages[0].Weights+2*128256*2048; got != want {
		t.Errorf("tied: %d bytes, want %d", got, want)
	}
}

func TestNextNIsLoadedOnDemand(t *testing.T) {
	a := model(t, "deepseek-ai/DeepSeek-V3")
	plain, loaded := footprint(t, a, Setup{}).Stages[0], footprint(t, a, Setup{NextN: true}).Stages[0]
	if more := loaded.Weights - plain.Weights; more < a.Parameters().NextN || more > a.Parameters().NextN*101/100 {
		t.Errorf("%d more bytes for %d parameters in fp8", more, a.Parameters().NextN)
	}
	if loaded.KVCache.PerToken-plain.KVCache.PerToken != plain.KVCache.PerToken/61 {
		t.Error("the further layer keeps a KV cache, too")
	}
}

// What a checkpoint quantized stays as it is, whatever the setup asks for.
func TestOnlineQuantization(t *testing.T) {
	a := model(t, "openai/gpt-oss-20b")
	same := footprint(t, a, Setup{MoEQuant: "fp8"}).Stages[0].Weights == footprint(t, a, Setup{}).Stages[0].Weights
	less := footprint(t, a, Setup{GEMMQuant: "fp8"}).Stages[0].Weights < footprint(t, a, Setup{}).Stages[0].Weights
	if !same || !less {
		t.Errorf("experts in mxfp4 stay: %v; attention in 16 bits shrinks: %v", same, less)
	}
}

func TestFootprintRefuses(t *testing.T) {
	a := model(t, "Qwen/Qwen3-8B")
	for _, c := range []struct {
		setup Setup
		want  string
	}{
		{Setup{Tensor: -1}, "tensor_parallel is -1"},
		{Setup{MoEExpert: 1 << 20}, "moe_expert_parallel is 1048576"},
		{Setup{GEMMQuant: "fp3"}, `gemm_quant "fp3" is not known`},
		{Setup{MoEQuant: "x"}, `moe_quant "x" is not known`},
		{Setup{KVCacheQuant: "fp3"}, `kv_cache_quant "fp3" is not known`},
	} {
		if _, err := a.Footprint(c.setup); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v", c.setup, err)
		}
	}
}

func TestProblems(t *testing.T) {
	for _, c := range []struct {
		model string
		setup Setup
		want  []string
	}{
		{"Qwen/Qwen3-32B", Setup{Tensor: 8, Pipeline: 2}, nil},
		{"Qwen/Qwen3-32B", Setup{Tensor: 3}, []string{"tensor_parallel: 64 attention heads can not be divided by 3"}},
		{"Qwen/Qwen3-32B", Setup{Tensor: 16}, nil},
		{"Qwen/Qwen2.5-14B-Instruct", Setup{Tensor: 5}, []string{"tensor_parallel: 8 KV heads can neither be divided by 5 nor be repeated evenly"}},
		{"Qwen/Qwen3-32B", Setup{Pipeline: 65}, []string{"pipeline_parallel: 65 stages, but only 64 layers"}},
		{"Qwen/Qwen3-32B", Setup{MoEExpert: 2}, []string{"moe_expert_parallel: the model has no experts"}},
		{"Qwen/Qwen3-30B-A3B", Setup{Tensor: 4, MoEExpert: 4}, nil},
		{"Qwen/Qwen3-30B-A3B", Setup{Tensor: 4, MoETensor: 2, MoEExpert: 4}, []string{"moe_expert_parallel: moe_tensor_parallel x moe_expert_parallel is 8, but tensor_parallel x attention_data_parallel is 4"}},
		{"Qwen/Qwen3-30B-A3B-FP8", Setup{Tensor: 4}, []string{"moe_tensor_parallel: the experts' intermediate size 768 divided by 4 is 192, which is no multiple of the quantization's block of 128"}},
		{"Qwen/Qwen3-30B-A3B-FP8", Setup{Tensor: 4, MoEExpert: 4}, nil},
		{"Qwen/Qwen3-30B-A3B", Setup{Tensor: 4}, nil},
		{"openai/gpt-oss-20b", Setup{AttentionData: 5, MoEExpert: 5}, []string{"moe_expert_parallel: 32 experts can not be divided by 5"}},
		{"meta-llama/Llama-4-Scout-17B-16E-Instruct", Setup{AttentionData: 3}, []string{"moe_tensor_parallel: the experts' intermediate size 8192 can not be divided by 3"}},
		{"Qwen/Qwen3-8B-FP8", Setup{Tensor: 32}, nil},
	} {
		got := model(t, c.model).Problems(c.setup)
		if len(got) != len(c.want) {
			t.Errorf("%s %+v: %v", c.model, c.setup, got)
			continue
		}
		for i, p := range got {
			if text := p.Item + ": " + p.Why; !strings.HasPrefix(text, c.want[i]) {
				t.Errorf("%s %+v: %s", c.model, c.setup, text)
			}
		}
	}
}

// A dense model's parts must end at the edge of a block, too.
func TestDenseBlockEdge(t *testing.T) {
	a := model(t, "Qwen/Qwen3-8B-FP8") // intermediate size 12288
	got := a.Problems(Setup{Tensor: 64})
	if len(got) != 2 || !strings.Contains(got[0].Why, "32 attention heads") || !strings.Contains(got[1].Why, "is 192, which is no multiple") {
		t.Errorf("%v", got)
	}
	b, err := Parse("c", []byte(with(replaced(llama, "intermediate_size", "192"), `"quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]}`)), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := b.Problems(Setup{Tensor: 2}); len(got) != 1 || got[0].Item != spec.ItemTensorParallel || !strings.Contains(got[0].Why, "is 96, which is no multiple") {
		t.Errorf("%v", got)
	}
}

func TestSetupOf(t *testing.T) {
	c := spec.NewConfiguration(
		spec.Setting{Name: spec.ItemTensorParallel, Value: spec.IntValue(4)},
		spec.Setting{Name: spec.ItemMoEExpertParallel, Value: spec.IntValue(8)},
		spec.Setting{Name: spec.ItemAttentionDataParallel, Value: spec.IntValue(2)},
		spec.Setting{Name: spec.ItemKVCacheQuant, Value: spec.StringValue("fp8")},
		spec.Setting{Name: spec.ItemGEMMQuant, Value: spec.StringValue("fp8")},
		spec.Setting{Name: spec.ItemSpeculativeTokens, Value: spec.IntValue(2)},
		spec.Setting{Name: spec.ItemReplicas, Value: spec.IntValue(3)},
	)
	s := SetupOf(c)
	if want := (Setup{Tensor: 4, AttentionData: 2, MoEExpert: 8, KVCacheQuant: "fp8", GEMMQuant: "fp8", NextN: true}); s != want || s.GPUs() != 8 {
		t.Errorf("%+v, %d GPUs", s, s.GPUs())
	}
	if s := SetupOf(nil); s != (Setup{}) || s.GPUs() != 1 {
		t.Errorf("%+v", s)
	}
}

// More GPUs never hold more each; all of them together never hold less than the model.
func TestFootprintProperties(t *testing.T) {
	rows := Rows()
	rapid.Check(t, func(t *rapid.T) {
		a := rows[rapid.IntRange(0, len(rows)-1).Draw(t, "row")].Architecture
		s := Setup{Tensor: rapid.IntRange(1, 16).Draw(t, "tensor"), Pipeline: rapid.IntRange(1, 8).Draw(t, "pipeline"), AttentionData: rapid.IntRange(1, 4).Draw(t, "data")}
		ranks := s.Tensor * s.AttentionData
		if rapid.Bool().Draw(t, "by experts") {
			s.MoEExpert = ranks
		}
		f, err := a.Footprint(s)
		if err != nil {
			t.Fatal(err)
		}
		one, err := a.Footprint(Setup{})
		if err != nil {
			t.Fatal(err)
		}
		var layers int
		var all int64
		for _, stage := range f.Stages {
			layers += stage.Layers
			all += stage.Weights * int64(ranks)
			if stage.Weights > one.Stages[0].Weights || stage.KVCache.SequenceBytes(5000) > one.Stages[0].KVCache.SequenceBytes(5000) {
				t.Fatalf("%s: a stage of %+v holds more than one GPU alone", a.Class, s)
			}
		}
		if layers != a.LayerCount() || all < one.Stages[0].Weights {
			t.Fatalf("%s: %+v holds %d layers and %d bytes, of %d and %d", a.Class, s, layers, all, a.LayerCount(), one.Stages[0].Weights)
		}
	})
}

// The arithmetic never overflows: it is exact, or the largest number.
func TestAmounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.SliceOfN(rapid.Int64Range(0, math.MaxInt64), 1, 4).Draw(t, "x")
		exact, total := big.NewInt(1), big.NewInt(0)
		for _, v := range x {
			exact.Mul(exact, big.NewInt(v))
			total.Add(total, big.NewInt(v))
		}
		if got := product(x...); got != saturated(exact) {
			t.Fatalf("product %d, want %s", got, exact)
		}
		if got := sum(x...); got != saturated(total) {
			t.Fatalf("sum %d, want %s", got, total)
		}
		part, whole := rapid.Int64Range(0, math.MaxInt64-1).Draw(t, "part"), rapid.Int64Range(1, math.MaxInt64).Draw(t, "whole")
		if part < whole {
			up := new(big.Int).Mul(big.NewInt(x[0]), big.NewInt(part))
			up.Add(up, big.NewInt(whole-1)).Div(up, big.NewInt(whole))
			if got := share(x[0], part, whole); got != up.Int64() {
				t.Fatalf("share %d, want %s", got, up)
			}
		}
		if got := ceil(x[0], whole); got < x[0]/whole || got-1 > x[0]/whole {
			t.Fatalf("ceil %d", got)
		}
	})
	if share(7, 9, 9) != 7 || share(7, 12, 9) != 7 || product() != 1 || product(3, 0) != 0 || product(3, -1) != 0 {
		t.Error("edges")
	}
}

func saturated(x *big.Int) int64 {
	if !x.IsInt64() {
		return math.MaxInt64
	}
	return x.Int64()
}

func TestLayers(t *testing.T) {
	for text, want := range map[string]Layers{"": nil, "0": {0}, "0-2,5": {0, 1, 2, 5}, "3,5-6": {3, 5, 6}} {
		got, err := parseLayers(text)
		if err != nil || !slices.Equal(got, want) || got.String() != text {
			t.Errorf("%q: %v %v", text, got, err)
		}
	}
	for _, bad := range []string{"x", "1-", "-1", "2-1", "1,1", "5,3", "0-99999999", "1.5", ","} {
		if got, err := parseLayers(bad); err == nil {
			t.Errorf("%q: %v", bad, got)
		}
	}
	var l Layers
	if err := json.Unmarshal([]byte("[1]"), &l); err == nil {
		t.Error("a list of numbers is no set of ranges")
	}
	if s := (Layers{0, 1, 5, 9}); s.Within(1, 9) != 2 || !s.Contains(5) || s.Contains(4) {
		t.Error("Within, Contains")
	}
	rapid.Check(t, func(t *rapid.T) {
		set := map[int]bool{}
		for _, i := range rapid.SliceOf(rapid.IntRange(0, maxLayers-1)).Draw(t, "layers") {
			set[i] = true
		}
		var l Layers
		for i := range maxLayers {
			if set[i] {
				l = append(l, i)
			}
		}
		back, err := parseLayers(l.String())
		if err != nil || !slices.Equal(back, l) {
			t.Fatalf("%s came back as %s: %v", l, back, err)
		}
	})
}

func BenchmarkFootprint(b *testing.B) {
	for _, name := range []string{"Qwen/Qwen3-32B-FP8", "nvidia/DeepSeek-V3.2-NVFP4"} {
		m, _ := Lookup(name)
		b.Run(m.Architecture.Class, func(b *testing.B) {
			for b.Loop() {
				if _, err := m.Architecture.Footprint(Setup{Tensor: 8, MoEExpert: 8}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
