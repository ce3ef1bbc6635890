// Command tinymodel writes a model folder that a real engine can serve on a few CPUs:
// configuration and tokenizer of a small Qwen3, without weights (the engine makes
// random ones, load_format = "dummy"). Every token decodes to printable text, so that each
// streamed piece of an answer has content. Nothing is downloaded.
//
// Usage: go run ./scripts/tinymodel [-layers 4] [-hidden 256] FOLDER
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

// vocabulary is the number of tokens: the printable characters, a line end, and pairs of
// letters.
const vocabulary = 253

// headSize is one of those that vLLM's attention on CPUs knows; a key head serves four query heads.
const (
	headSize = 32
	groups   = 4
)

func main() {
	layers := flag.Int("layers", 4, "number of layers")
	hidden := flag.Int("hidden", headSize*groups*2, "hidden size, a multiple of 128: more of both make a slower engine")
	flag.Parse()
	if flag.NArg() != 1 || *layers < 1 || *hidden < 1 || *hidden%(headSize*groups) != 0 {
		fmt.Fprintln(os.Stderr, "usage: tinymodel [-layers N] [-hidden SIZE] FOLDER")
		flag.PrintDefaults()
		os.Exit(2)
	}
	if err := write(flag.Arg(0), config(*layers, *hidden)); err != nil {
		fmt.Fprintln(os.Stderr, "tinymodel:", err)
		os.Exit(1)
	}
}

// object is a JSON object.
type object map[string]any

func write(folder string, config object) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for name, content := range map[string]object{
		"config.json":            config,
		"tokenizer.json":         tokenizer(),
		"tokenizer_config.json":  tokenizerConfig(),
		"generation_config.json": {"do_sample": false},
	} {
		data, err := json.MarshalIndent(content, "", " ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, name), append(data, '\n'), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// config is the model's.
func config(layers, hidden int) object {
	heads := hidden / headSize
	return object{
		"architectures": []string{"Qwen3ForCausalLM"}, "model_type": "qwen3", "torch_dtype": "bfloat16",
		"hidden_size": hidden, "intermediate_size": 2 * hidden, "num_hidden_layers": layers,
		"num_attention_heads": heads, "num_key_value_heads": heads / groups, "head_dim": headSize,
		"vocab_size": vocabulary, "max_position_embeddings": 4096, "rms_norm_eps": 1e-6, "rope_theta": 10000.0, "hidden_act": "silu",
		"attention_bias": false, "tie_word_embeddings": true, "use_cache": true,
	}
}

// tokenizer is byte-level BPE.
func tokenizer() object {
	tokens := []string{"Ċ", "Ġ"} // line end and space, as byte-level BPE writes them
	for c := '!'; c <= '~'; c++ {
		tokens = append(tokens, string(c))
	}
	var merges [][2]string
	for first := 'a'; len(tokens) < vocabulary; first++ {
		for second := 'a'; second <= 'z' && len(tokens) < vocabulary; second++ {
			merges = append(merges, [2]string{string(first), string(second)})
			tokens = append(tokens, string(first)+string(second))
		}
	}
	ids := object{}
	for i, t := range tokens {
		ids[t] = i
	}
	bytes := object{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true}
	return object{
		"version": "1.0", "truncation": nil, "padding": nil, "added_tokens": []object{}, "normalizer": nil,
		"pre_tokenizer": bytes, "post_processor": nil, "decoder": bytes,
		"model": object{"type": "BPE", "dropout": nil, "unk_token": nil, "continuing_subword_prefix": nil, "end_of_word_suffix": nil,
			"fuse_unk": false, "byte_fallback": false, "ignore_merges": false, "vocab": ids, "merges": merges},
	}
}

func tokenizerConfig() object {
	return object{
		"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 4096, "clean_up_tokenization_spaces": false,
		"chat_template": "{% for message in messages %}{{ message['content'] }}\n{% endfor %}",
	}
}
