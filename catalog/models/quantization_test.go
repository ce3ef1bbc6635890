package models

import (
	"fmt"
	"strings"
	"testing"
)

// Configurations of quantizations as checkpoints write them, on the smallest models.
const (
	linear   = `"targets": ["Linear"]`
	noWeight = `"weights": {"num_bits": 4, "type": "int", "group_size": 32, "symmetric": true}`
)

func groups(inside string) string {
	return `{"quant_method": "compressed-tensors", "ignore": ["lm_head", "re:.*mlp.gate$"], "config_groups": {"group_0": {` + inside + `}}}`
}

func TestQuantizationKinds(t *testing.T) {
	for name, c := range map[string]struct {
		config string // quantization_config
		gemm   string // of the experts' model; "": not quantized
		moe    string
		kv     string
		scales float64 // bits of scales per expert weight
	}{
		"fp8 in blocks":        {`{"quant_method": "fp8", "activation_scheme": "dynamic", "weight_block_size": [128, 128]}`, "fp8_block", "fp8_block", "", 32.0 / 16384},
		"fp8 in other blocks":  {`{"quant_method": "fp8", "weight_block_size": [64, 32]}`, "fp8_block", "fp8_block", "", 32.0 / 2048},
		"fp8 dynamic":          {`{"quant_method": "fp8", "activation_scheme": "dynamic"}`, "fp8", "fp8", "", 0},
		"fp8 static":           {`{"quant_method": "fp8", "activation_scheme": "static", "kv_cache_dtype": "fp8_e4m3"}`, "fp8_static", "fp8", "fp8_e4m3", 0},
		"fbgemm":               {`{"quant_method": "fbgemm_fp8", "modules_to_not_convert": ["lm_head"]}`, "fp8", "fp8", "", 0},
		"fp8 but attention":    {`{"quant_method": "fp8", "ignored_layers": ["model.layers.0.self_attn", "model.layers.1.self_attn"]}`, "", "fp8", "", 0},
		"awq":                  {`{"quant_method": "awq", "bits": 4, "group_size": 128, "zero_point": true}`, "int4_wo", "int4_wo", "", 20.0 / 128},
		"awq by its old names": {`{"quant_method": "awq", "w_bit": 4, "q_group_size": 64}`, "int4_wo", "int4_wo", "", 20.0 / 64},
		"gptq":                 {`{"quant_method": "gptq", "bits": 4, "group_size": 128, "sym": true, "desc_act": false}`, "int4_wo", "int4_wo", "", 20.0 / 128},
		"gptq of 8 bits":       {`{"quant_method": "gptq", "bits": 8, "group_size": -1}`, "int8_wo", "int8_wo", "", 0},
		"gptq with exclusions": {`{"quant_method": "gptq", "bits": 4, "group_size": 128, "dynamic": {"-:.*self_attn.*": {}}}`, "", "int4_wo", "", 20.0 / 128},
		"auto-round":           {`{"quant_method": "auto-round", "bits": 4, "group_size": 32}`, "int4_wo", "int4_wo", "", 20.0 / 32},
		"mxfp4":                {`{"quant_method": "mxfp4"}`, "", "w4a16_mxfp4", "", 8.0 / 32},
		"w4a16":                {groups(linear + "," + noWeight), "int4_wo", "int4_wo", "", 16.0 / 32},
		"w4a16 with zeros":     {groups(linear + "," + strings.Replace(noWeight, "true", "false", 1)), "int4_wo", "int4_wo", "", 20.0 / 32},
		"w4a8": {groups(linear + `,"weights": {"num_bits": 4, "type": "int", "group_size": 128}, "input_activations": {"num_bits": 8, "type": "float"}`),
			"w4afp8", "w4afp8", "", 16.0 / 128},
		"w8a16": {groups(linear + `,"weights": {"num_bits": 8, "type": "int"}`), "int8_wo", "int8_wo", "", 0},
		"w8a8":  {groups(linear + `,"weights": {"num_bits": 8, "type": "int"}, "input_activations": {"num_bits": 8, "type": "int"}`), "sq", "sq", "", 0},
		"fp8 tensors dynamic": {groups(linear + `,"weights": {"num_bits": 8, "type": "float", "strategy": "channel"}, "input_activations": {"num_bits": 8, "type": "float", "dynamic": true}`),
			"fp8", "fp8", "", 0},
		"fp8 tensors static": {groups(linear + `,"weights": {"num_bits": 8, "type": "float", "strategy": "tensor"}, "input_activations": {"num_bits": 8, "type": "float", "dynamic": false}`),
			"fp8_static", "fp8", "", 0},
		"fp8 tensors in blocks": {groups(linear + `,"weights": {"num_bits": 8, "type": "float", "strategy": "block", "block_structure": [128, 128]}`), "fp8_block", "fp8_block", "", 32.0 / 16384},
		"mxfp8 tensors":         {groups(linear + `,"weights": {"num_bits": 8, "type": "float", "group_size": 32}`), "mxfp8", "mxfp8", "", 8.0 / 32},
		"nvfp4 tensors":         {groups(linear + `,"weights": {"num_bits": 4, "type": "float", "group_size": 16}, "input_activations": {"num_bits": 4, "type": "float"}`), "nvfp4", "nvfp4", "", 8.0 / 16},
		"nvfp4 weights":         {groups(linear + `,"weights": {"num_bits": 4, "type": "float", "group_size": 16}`), "w4a16_nvfp4", "w4a16_nvfp4", "", 8.0 / 16},
		"mxfp4 tensors":         {groups(linear + `,"format": "mxfp4-pack-quantized", "weights": {"num_bits": 4, "type": "float"}`), "w4a16_mxfp4", "w4a16_mxfp4", "", 8.0 / 32},
		"mxfp4 with mxfp8":      {groups(linear + `,"weights": {"num_bits": 4, "type": "float", "group_size": 32}, "input_activations": {"num_bits": 8, "type": "float"}`), "w4a8_mxfp4_mxfp8", "w4a8_mxfp4_mxfp8", "", 8.0 / 32},
		"experts by target":     {groups(`"targets": ["re:.*block_sparse_moe.experts.*"],` + noWeight), "", "int4_wo", "", 16.0 / 32},
		"modelopt fp8":          {`{"quant_method": "modelopt", "quant_algo": "FP8", "kv_cache_quant_algo": "FP8", "exclude_modules": ["lm_head"]}`, "fp8_static", "fp8", "fp8", 0},
		"modelopt nvfp4": {`{"quant_method": "modelopt", "quant_algo": "NVFP4", "group_size": 16, "kv_cache_scheme": {"num_bits": 8, "type": "float"}, "ignore": ["model.layers.*.self_attn*", "lm_head"]}`,
			"", "nvfp4", "fp8", 8.0 / 16},
		"modelopt without a method": {`{"quant_algo": "W4A8_AWQ", "group_size": 128}`, "w4afp8", "w4afp8", "", 16.0 / 128},
		"modelopt's older name":     {`{"quantization_algo": "INT4_AWQ", "group_size": 64}`, "int4_wo", "int4_wo", "", 16.0 / 64},
		"modelopt mixed": {`{"quant_method": "modelopt", "quant_algo": "MIXED_PRECISION", "quantized_layers": {
			"model.layers.0.block_sparse_moe.experts": {"quant_algo": "W4A16_NVFP4"}, "model.layers.1.block_sparse_moe.experts.0.w1": {"quant_algo": "W4A16_NVFP4"},
			"model.layers.0.self_attn.q_proj": {"quant_algo": "FP8"}, "model.layers.1.self_attn.q_proj": {"quant_algo": "FP8"},
			"model.layers.0.self_attn.k_proj": {"quant_algo": "FP8"}, "model.layers.1.self_attn.k_proj": {"quant_algo": "FP8"},
			"model.layers.0.self_attn.o_proj": {"quant_algo": "FP8"}, "model.layers.1.self_attn.o_proj": {"quant_algo": "FP8"}}}`, "fp8_static", "w4a16_nvfp4", "", 8.0 / 16},
		"fp8 quantized again": {`{"quant_method": "fp8", "weight_block_size": [128, 128], "quant_algo": "MIXED_PRECISION", "ignore": ["*self_attn*"],
			"quantized_layers": {"layers.0.block_sparse_moe.experts": {"quant_algo": "NVFP4"}, "layers.1.block_sparse_moe.experts": {"quant_algo": "NVFP4"}}}`, "fp8_block", "nvfp4", "", 8.0 / 16},
		"a KV cache only":  {`{"kv_cache_scheme": "FP8"}`, "", "", "fp8", 0},
		"KV cache of int8": {`{"quant_method": "fp8", "kv_cache_scheme": {"num_bits": 8, "type": "int"}}`, "fp8", "fp8", "int8", 0},
		"KV cache of 16":   {`{"quant_method": "fp8", "kv_cache_quant_algo": "BF16"}`, "fp8", "fp8", "", 0},
		"nothing":          {`{}`, "", "", "", 0},
	} {
		a, err := Parse(name, []byte(with(mixtral, `"quantization_config": `+c.config)), nil)
		if err != nil {
			t.Error(err)
			continue
		}
		gemm, moe := orPlain(c.gemm), orPlain(c.moe)
		if got := a.GEMMModes(); len(got) != 1 || got[0].Mode != gemm || got[0].Share != 1 {
			t.Errorf("%s: gemm %+v, want %s", name, got, gemm)
		}
		if got := a.MoEModes(); len(got) != 1 || got[0].Mode != moe {
			t.Errorf("%s: moe %+v, want %s", name, got, moe)
		}
		if dtype, why := a.KVCacheDefault(); dtype != orPlain(c.kv) || why == "" {
			t.Errorf("%s: KV cache %s (%s), want %s", name, dtype, why, orPlain(c.kv))
		}
		if len(a.Unknown) > 0 || a.Quantized() != (c.gemm != "" || c.moe != "") {
			t.Errorf("%s: quantized %v, not known %v", name, a.Quantized(), a.Unknown)
		}
		if f, _ := a.Quantization.format(PartExperts, 0); c.moe != "" && !close(float64(f.ScaleBits)/max(float64(f.Group), 1), c.scales) {
			t.Errorf("%s: %+v, want %g bits of scales per weight", name, f, c.scales)
		}
		for _, p := range []Part{PartEmbedding, PartHead, PartRouter, PartNorms} {
			if f, quantized := a.Quantization.format(p, 0); quantized {
				t.Errorf("%s: %s is kept in %s", name, p, f.Mode)
			}
		}
	}
}

func orPlain(mode string) string {
	if mode == "" {
		return "bfloat16"
	}
	return mode
}

func close(a, b float64) bool { return a-b < 1e-9 && b-a < 1e-9 }

// A method that is not known is no error, but nothing is told of bytes.
func TestUnknownQuantization(t *testing.T) {
	for config, want := range map[string]string{
		`{"quant_method": "bitsandbytes", "load_in_4bit": true}`:                              `method "bitsandbytes" is not known`,
		`{"quant_method": "modelopt", "quant_algo": "INT3"}`:                                  `algorithm "INT3" is not known`,
		`{"quant_algo": "MIXED_PRECISION", "quantized_layers": {"a": {"quant_algo": "FP3"}}}`: `algorithm "FP3" is not known`,
		`{"quant_algo": "MIXED_PRECISION"}`:                                                   "without config_groups",
		`{"quant_method": "gptq", "bits": 3}`:                                                 "3-bit integers",
		`{"quant_method": "gptq", "bits": 4, "dynamic": {"+:.*down.*": {"bits": 8}}}`:         "differs by module",
		`{"quant_method": "compressed-tensors"}`:                                              "without config_groups",
		groups(linear):                                                                        "config_groups.group_0 is not known",
		groups(linear + `,"weights": {"num_bits": 2, "type": "int"}`):                         "config_groups.group_0 is not known",
	} {
		a, err := Parse("config.json", []byte(with(llama, `"quantization_config": `+config)), nil)
		if err != nil {
			t.Errorf("%s: %v", config, err)
			continue
		}
		if len(a.Unknown) != 1 || !strings.Contains(a.Unknown[0], want) {
			t.Errorf("%s: %v", config, a.Unknown)
		}
		if _, err := a.Footprint(Setup{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", config, err)
		}
	}
	a, err := Parse("config.json", []byte(with(llama, `"quantization_config": {"quant_method": "fp8", "kv_cache_dtype": "fp3"}`)), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Footprint(Setup{}); err == nil || !strings.Contains(err.Error(), `kv_cache_quant "fp3" is not known`) {
		t.Errorf("an unknown KV cache: %v", err)
	}
}

// Rules name layers where a part is quantized in some layers only.
func TestRulesByLayer(t *testing.T) {
	a, err := Parse("config.json", []byte(with(replaced(llama, "num_hidden_layers", "6"),
		`"quantization_config": {"quant_method": "fp8", "modules_to_not_convert": ["model.layers.1*", "re:.*layers\\.4\\..*self_attn.*", "lm_head"]}`)), nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range a.Quantization.Rules {
		got = append(got, fmt.Sprintf("%s %v %s", r.Format.Mode, r.Parts, r.Layers))
	}
	want := "fp8 [attention_q attention_kv attention_out] 0,2-3,5; fp8 [dense_mlp] 0,2-5"
	if strings.Join(got, "; ") != want {
		t.Errorf("%s, want %s", strings.Join(got, "; "), want)
	}
	modes := a.GEMMModes()
	if len(modes) != 2 || modes[0].Mode != "fp8" || !close(modes[0].Share, (4*12288+5*24576)/(6*36864.0)) {
		t.Errorf("modes %+v", modes)
	}
	if text := a.Weights(); text != "fp8 and others" {
		t.Error(text)
	}
}

func TestPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern string
		name    string
		matches bool
	}{
		{"lm_head", "lm_head", true},
		{"language_model.lm_head", "lm_head", true},
		{"gate", "layers.0.mlp.gate", true},
		{"mlp.gate", "layers.0.mlp.gate", true},
		{"gate", "layers.0.mlp.gate_proj", false},
		{"model.layers.1", "layers.1.self_attn.q_proj", true},
		{"model.layers.1", "layers.10.self_attn.q_proj", false},
		{"layers.1.self_attn.q_proj.weight", "layers.1.self_attn.q_proj", false},
		{"model.layers.1*", "layers.10.self_attn.q_proj", true},
		{"model.layers.1.*", "layers.10.self_attn.q_proj", false},
		{"backbone.layers.1.mixer.in_proj", "layers.1.mixer.in_proj", true},
		{"model.language_model.layers.0.mlp*", "layers.0.mlp.gate_proj", true},
		{"model.layers.*.self_attn", "layers.3.self_attn.o_proj", true},
		{"model.layers.*.self_attn", "layers.3.self_attn2.o_proj", false},
		{"*.attn.*", "layers.3.attn.wq_a", true},
		{"*.attn.*", "layers.3.ffn.experts.0.w1", false},
		{"model.layers.?.mlp", "layers.3.mlp.up_proj", true},
		{"model.layers.?.mlp", "layers.31.mlp.up_proj", false},
		{"re:.*self_attn.*", "layers.3.self_attn.o_proj", true},
		{"re:layers", "layers.3.self_attn.o_proj", true},
		{"re:self_attn", "layers.3.self_attn.o_proj", false},
		{"re:.*mlp\\.(gate|up)_proj", "layers.3.mlp.up_proj", true},
		{"", "lm_head", false},
	} {
		p, err := compile([]string{c.pattern})
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
			continue
		}
		if got := p.find(c.name) == 0; got != c.matches {
			t.Errorf("%q and %s: %v", c.pattern, c.name, got)
		}
	}
	for _, bad := range []string{"re:(", "re:(?!x)", "re:" + strings.Repeat("x", 2000), "*a*" + strings.Repeat("x", 2000)} {
		if _, err := compile([]string{"good", bad}); err == nil || !strings.HasPrefix(err.Error(), "[1] is ") {
			t.Errorf("%.20s: %v", bad, err)
		}
	}
}

func TestFormats(t *testing.T) {
	for mode, want := range map[string]int64{"bfloat16": 2048, "fp8": 1024, "fp8_block": 1028, "int4_wo": 512 + 20, "nvfp4": 512 + 64, "w4a16_mxfp4": 512 + 32, "mxfp8": 1024 + 32} {
		f, known := FormatOf(mode)
		if got := f.bytes(1024); !known || got != want {
			t.Errorf("%s: %d bytes for 1,024 weights, want %d", mode, got, want)
		}
	}
	if _, known := FormatOf("fp3"); known {
		t.Error("fp3 is known")
	}
	for _, name := range []string{"bfloat16", "fp8", "fp8_e4m3", "int8", "nvfp4"} {
		if _, known := CacheFormat(name); !known {
			t.Errorf("%s is not known", name)
		}
	}
	for _, name := range []string{"", "auto", "fp3"} {
		if _, known := CacheFormat(name); known {
			t.Errorf("%q is known", name)
		}
	}
}
