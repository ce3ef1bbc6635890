package models

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aicv/spec"
)

// llama is the smallest configuration of a dense model.
const llama = `{"architectures": ["LlamaForCausalLM"], "hidden_size": 64, "intermediate_size": 128,
	"num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 100,
	"max_position_embeddings": 512}`

// mixtral is the smallest one with experts.
const mixtral = `{"architectures": ["MixtralForCausalLM"], "hidden_size": 64, "intermediate_size": 128,
	"num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 100,
	"max_position_embeddings": 512, "num_local_experts": 8, "num_experts_per_tok": 2}`

func write(t *testing.T, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// replaced is the small configuration with one field in another form; "" removes it.
func replaced(config, field, value string) string {
	from := strings.Index(config, `"`+field+`"`)
	end := from + strings.IndexAny(config[from:], ",}")
	if config[from:][strings.Index(config[from:], ":")+2] == '[' {
		end = from + strings.Index(config[from:], "]") + 1
	}
	if value == "" {
		return config[:from] + `"left_out": 0` + config[end:]
	}
	return config[:from] + `"` + field + `": ` + value + config[end:]
}

// with is the small configuration with more fields.
func with(config, more string) string { return strings.TrimSuffix(config, "}") + ", " + more + "}" }

func TestParseRefuses(t *testing.T) {
	for name, c := range map[string]struct{ config, want string }{
		"no text":             {"", "no JSON object"},
		"cut":                 {llama[:80], "no JSON object"},
		"null":                {"null", "no JSON object"},
		"a list":              {"[]", "no JSON object"},
		"a number":            {"7", "no JSON object"},
		"two values":          {llama + llama, "no JSON object"},
		"deep":                {`{"a":` + strings.Repeat("[", 20000), "no JSON object"},
		"deep and closed":     {`{"a":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + "}", "no JSON object"},
		"binary":              {"\x00\x01\x02", "no JSON object"},
		"no architectures":    {replaced(llama, "architectures", ""), "architectures is missing"},
		"architectures empty": {replaced(llama, "architectures", "[]"), "architectures is missing"},
		"architectures text":  {replaced(llama, "architectures", `"LlamaForCausalLM"`), "architectures is \"LlamaForCausalLM\"; it must be a list"},
		"architectures null":  {replaced(llama, "architectures", "[null]"), "architectures[0] is null; it must be a text"},
		"architectures blank": {replaced(llama, "architectures", `[" "]`), "architectures[0]"},
		"missing":             {replaced(llama, "hidden_size", ""), "hidden_size"},
		"missing layers":      {replaced(llama, "num_hidden_layers", ""), "num_hidden_layers is missing"},
		"missing vocabulary":  {replaced(llama, "vocab_size", ""), "vocab_size is missing"},
		"missing context":     {replaced(llama, "max_position_embeddings", ""), "max_position_embeddings is missing"},
		"negative":            {replaced(llama, "hidden_size", "-64"), "hidden_size is -64; it must be a whole number from 1 to"},
		"zero":                {replaced(llama, "num_attention_heads", "0"), "num_attention_heads is 0"},
		"fraction":            {replaced(llama, "hidden_size", "64.5"), "hidden_size is 64.5"},
		"text for a number":   {replaced(llama, "hidden_size", `"64"`), `hidden_size is "64"`},
		"truth for a number":  {replaced(llama, "hidden_size", "true"), "hidden_size is true"},
		"NaN":                 {replaced(llama, "hidden_size", "NaN"), `hidden_size is "NaN"`},
		"Infinity":            {replaced(llama, "vocab_size", "-Infinity"), `vocab_size is "-Infinity"`},
		"huge":                {replaced(llama, "hidden_size", "1e300"), "hidden_size is 1e300"},
		"huge integer":        {replaced(llama, "hidden_size", "99999999999999999999"), "hidden_size is 99999999999999999999"},
		"many layers":         {replaced(llama, "num_hidden_layers", "1000000"), "num_hidden_layers is 1000000"},
		"absurd product":      {replaced(replaced(llama, "hidden_size", "16777216"), "intermediate_size", "16777216"), "parameters, more than any model has"},
		"odd heads":           {replaced(llama, "num_attention_heads", "3"), "can not be divided by num_attention_heads 3"},
		"more KV heads":       {replaced(llama, "num_key_value_heads", "8"), "num_key_value_heads is 8, more than the 4 attention heads"},
		"odd dtype":           {with(llama, `"torch_dtype": "int3"`), `torch_dtype is "int3"`},
		"odd flag":            {with(llama, `"tie_word_embeddings": "yes"`), "tie_word_embeddings is \"yes\"; it must be true or false"},
		"odd quantization":    {with(llama, `"quantization_config": 3`), "quantization_config is 3; it must be an object"},
		"odd block":           {with(llama, `"quantization_config": {"quant_method": "fp8", "weight_block_size": [128]}`), "quantization_config.weight_block_size has 1 numbers"},
		"odd pattern":         {with(llama, `"quantization_config": {"quant_method": "fp8", "ignore": ["re:("]}`), "quantization_config.ignore [0]"},
		"odd wrapper":         {`{"architectures": ["Llama4ForConditionalGeneration"], "text_config": []}`, "text_config is []; it must be an object"},
		"empty wrapper":       {`{"architectures": ["Llama4ForConditionalGeneration"], "text_config": {}}`, "text_config.hidden_size"},
		"more active":         {replaced(mixtral, "num_experts_per_tok", "9"), "num_experts_per_tok is 9, more than the 8 experts"},
		"no experts":          {replaced(mixtral, "num_local_experts", ""), "num_experts is missing"},
		"odd layer types":     {mistralTypes("sliding"), "layer_types[0] is \"sliding\"; it must be one of"},
		"few layer types":     {with(replaced(llama, "architectures", `["MistralForCausalLM"]`), `"layer_types": ["full_attention"]`), "layer_types has 1 items for 2 layers"},
	} {
		a, err := Parse("folder/config.json", []byte(c.config), nil)
		if err == nil {
			t.Errorf("%s: accepted as %+v", name, a)
			continue
		}
		var known *spec.Error
		if !errors.As(err, &known) || !strings.HasPrefix(known.Summary, "folder/config.json: ") || !strings.Contains(known.Summary, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if len(err.Error()) > 600 || strings.ContainsAny(err.Error(), "\x00\x1b") {
			t.Errorf("%s: the message is %d long or not printable", name, len(err.Error()))
		}
	}
}

func mistralTypes(kind string) string {
	return strings.TrimSuffix(replaced(llama, "architectures", `["MistralForCausalLM"]`), "}") + fmt.Sprintf(`, "layer_types": [%q, %q]}`, kind, kind)
}

func TestParseAccepts(t *testing.T) {
	for name, config := range map[string]string{
		"floats that are whole": replaced(replaced(llama, "hidden_size", "64.0"), "intermediate_size", "1.28e2"),
		"NaN where it is not read": with(llama, `"time_step_limit": [0.0, Infinity], "x": NaN, "y": -Infinity,
			"z": "a \" NaN", "rope_theta": Infinity`),
		"nulls":          with(llama, `"head_dim": null, "torch_dtype": null, "quantization_config": null, "text_config": null`),
		"unknown fields": with(llama, `"whatever": {"deep": [1, 2, {"x": null}]}`),
		"dtype":          with(llama, `"dtype": "torch.float16"`),
		"no KV heads":    replaced(llama, "num_key_value_heads", ""),
	} {
		if _, err := Parse("config.json", []byte(config), nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// An unknown class is no error: its figures are shown, and nothing is counted.
func TestUnknownClass(t *testing.T) {
	for _, config := range []string{llama, mixtral} {
		a, err := Parse("config.json", []byte(replaced(config, "architectures", `["NovelForCausalLM"]`)), nil)
		if err != nil {
			t.Fatal(err)
		}
		at, _ := a.Attention()
		if a.Hidden != 64 || a.LayerCount() != 2 || at.KVHeads != 2 || a.IsMoE() != (config == mixtral) {
			t.Errorf("figures %+v", a)
		}
		if c := a.Parameters(); c.Total != 0 || len(c.Parts) != 0 {
			t.Errorf("parameters %+v", c)
		}
		if _, err := a.Footprint(Setup{}); err == nil || !strings.Contains(err.Error(), `class "NovelForCausalLM" is not known`) {
			t.Errorf("footprint: %v", err)
		}
		if a.Weights() != "" || len(a.Figures()) < 8 {
			t.Errorf("%q, %v", a.Weights(), a.Figures())
		}
	}
}

// An encoder or a wrapper without sizes is told so.
func TestOtherClasses(t *testing.T) {
	if _, err := Parse("c", []byte(`{"architectures": ["T5ForConditionalGeneration"], "d_model": 512, "num_layers": 6, "vocab_size": 10}`), nil); err == nil || !strings.Contains(err.Error(), "max_position_embeddings is missing") {
		t.Error(err)
	}
	if _, err := Parse("c", []byte(`{"architectures": ["X"], "hidden_size": 8, "vocab_size": 8, "max_position_embeddings": 8}`), nil); err == nil || !strings.Contains(err.Error(), "num_hidden_layers is missing") {
		t.Error(err)
	}
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	if _, err := Read(dir); !errors.Is(err, fs.ErrNotExist) || err.Error() != filepath.Join(dir, "config.json")+" does not exist" {
		t.Errorf("an empty folder: %v", err)
	}
	if _, err := Read(filepath.Join(dir, "gone")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
	file := write(t, dir, "config.json", llama)
	for _, path := range []string{dir, file} {
		c, err := Read(path)
		if err != nil || c.File != file || string(c.Content) != llama || c.Architecture.Class != "LlamaForCausalLM" {
			t.Errorf("%s: %v", path, err)
		}
	}
	write(t, dir, quantFile, `{"quantization": {"quant_algo": "FP8", "kv_cache_quant_algo": "FP8", "exclude_modules": ["lm_head"]}}`)
	c, err := Read(dir)
	if err != nil || c.Architecture.Weights() != "fp8_static" || c.Architecture.Quantization.KVCache != "fp8" {
		t.Errorf("with ModelOpt's file: %v", err)
	}
	write(t, dir, quantFile, `{"quantization": 3}`)
	if c, err = Read(dir); err == nil || !strings.Contains(err.Error(), quantFile+": quantization is 3") || string(c.Content) != llama {
		t.Errorf("a broken quantization: %v", err)
	}
	alone := write(t, t.TempDir(), "qwen.json", llama)
	if _, err := Read(alone); err != nil {
		t.Errorf("another name: %v", err)
	}
}

func TestReadOddFiles(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "config.json"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(dir); err == nil || !strings.Contains(err.Error(), "no regular file") {
		t.Errorf("a folder named config.json: %v", err)
	}
	if _, err := Read(os.DevNull); err == nil || !strings.Contains(err.Error(), "no regular file") {
		t.Errorf("a device: %v", err)
	}
	big := write(t, t.TempDir(), "config.json", `{"a": "`+strings.Repeat("x", 50<<20)+`"}`)
	if _, err := Read(big); err == nil || !strings.Contains(err.Error(), "more than 32 MiB") {
		t.Errorf("50 MB: %v", err)
	}
	if os.Getuid() != 0 {
		secret := write(t, t.TempDir(), "config.json", llama)
		if err := os.Chmod(secret, 0); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(secret); err == nil || errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), secret) {
			t.Errorf("unreadable: %v", err)
		}
	}
}

// A file of many fields and patterns costs little.
func TestReadLargeQuantization(t *testing.T) {
	var layers, ignored []string
	for i := range 30000 {
		layers = append(layers, fmt.Sprintf(`"model.layers.%d.mlp.experts.%d.w1": {"quant_algo": "NVFP4"}`, i%2, i))
		ignored = append(ignored, fmt.Sprintf("%q", fmt.Sprintf("model.layers.%d.self_attn", i)))
	}
	quant := `"quantization_config": {"quant_method": "modelopt", "quant_algo": "MIXED_PRECISION", "quantized_layers": {` + strings.Join(layers, ",") +
		`}, "exclude_modules": [` + strings.Join(ignored, ",") + `]}`
	a, err := Parse("config.json", []byte(with(mixtral, quant)), nil)
	if err != nil || a.Quantization.Method != "modelopt" {
		t.Fatalf("%v", err)
	}
	many := `"quantization_config": {"quant_method": "fp8", "ignore": ["*a?b*"` + strings.Repeat(`,"*a?b*"`, 5000) + `]}`
	if _, err := Parse("config.json", []byte(with(llama, many)), nil); err == nil || !strings.Contains(err.Error(), "more patterns") {
		t.Errorf("5,001 patterns: %v", err)
	}
}

// Patterns that would have to be compared for minutes are given up.
func TestReadHostilePatterns(t *testing.T) {
	layers := replaced(mixtral, "num_hidden_layers", "1024")
	for name, pattern := range map[string]string{"expressions": `"re:.*(a|b)*c.*x$"`, "prefixes": `"model.layers.x*"`} {
		n := map[string]int{"expressions": 255, "prefixes": 4000}[name]
		quant := `"quantization_config": {"quant_method": "fp8", "ignore": [` + pattern + strings.Repeat(","+pattern, n) + `]}`
		a, err := Parse("config.json", []byte(with(layers, quant)), nil)
		if err != nil || len(a.Unknown) != 1 || !strings.Contains(a.Unknown[0], "more patterns than can be compared") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{llama, mixtral, "{}", "null", with(llama, `"x": NaN`),
		with(llama, `"quantization_config": {"quant_method": "awq", "bits": 4, "group_size": 128}`),
		with(mixtral, `"quantization_config": {"quant_method": "compressed-tensors", "config_groups": {"g": {"targets": ["Linear"], "weights": {"num_bits": 4, "type": "int"}}}, "ignore": ["re:.*self_attn.*"]}`)} {
		f.Add([]byte(seed), []byte(`{"quantization": {"quant_algo": "NVFP4"}}`))
	}
	for _, c := range kinds() {
		f.Add([]byte(c.config), []byte(nil))
	}
	f.Fuzz(func(t *testing.T, config, quant []byte) {
		if len(quant) == 0 {
			quant = nil
		}
		a, err := Parse("config.json", config, quant)
		if err != nil {
			if a != nil {
				t.Error("a result beside an error")
			}
			return
		}
		c := a.Parameters()
		if c.Total < 0 || c.Active < 0 || c.Active > c.Total || c.Total > maxParameters {
			t.Errorf("parameters %+v", c)
		}
		a.Figures()
		a.Weights()
		a.Problems(Setup{Tensor: 7, Pipeline: 3, MoEExpert: 5})
		for _, s := range []Setup{{}, {Tensor: 8, Pipeline: 4, AttentionData: 2, MoEExpert: 16, NextN: true}} {
			fp, err := a.Footprint(s)
			if err != nil {
				continue
			}
			if h := fp.Heaviest(1<<40, 1<<40); h.Weights < 0 || h.Bytes(1<<40, 1<<40) < h.Weights {
				t.Errorf("stage %+v", h)
			}
		}
	})
}
