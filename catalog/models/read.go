package models

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The files of a checkpoint that are read.
const (
	configFile = "config.json"
	quantFile  = "hf_quant_config.json" // NVIDIA ModelOpt's, beside config.json
)

// Checkpoint is a local checkpoint's configuration as read.
type Checkpoint struct {
	File         string // config.json that was read
	Content      []byte // of that file
	Architecture *Architecture
}

// Read reads a checkpoint's folder, or a config.json alone. An error says which file and
// which field is wrong; fs.ErrNotExist is in its chain where there is none. Where the file
// could be read but not used, its content is returned with the error.
func Read(path string) (*Checkpoint, error) {
	file := path
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		file = filepath.Join(path, configFile)
	}
	content, err := readFile(file)
	if err != nil {
		return nil, err
	}
	c := &Checkpoint{File: file, Content: content}
	var beside []byte
	besideFile := filepath.Join(filepath.Dir(file), quantFile)
	if filepath.Base(file) == configFile {
		if beside, err = readFile(besideFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return c, err
		}
	}
	c.Architecture, err = parse(file, content, besideFile, beside)
	return c, err
}

// readFile reads a regular file of a bounded size.
func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &missing{path}
	case err != nil:
		return nil, fmt.Errorf("read a configuration: %w", err)
	case !info.Mode().IsRegular():
		return nil, usage(path, "this is no regular file", "")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read a configuration: %w", err)
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read a configuration: %w", err)
	}
	return content, nil
}

// missing says that a file is not there.
type missing struct{ path string }

func (m *missing) Error() string { return m.path + " does not exist" }

// Unwrap makes it known as fs.ErrNotExist.
func (m *missing) Unwrap() error { return fs.ErrNotExist }

// Parse reads the content of a config.json and, where there is one, of the
// hf_quant_config.json beside it. file stands in messages.
func Parse(file string, config, quant []byte) (*Architecture, error) {
	return parse(file, config, filepath.Join(filepath.Dir(file), quantFile), quant)
}

func parse(file string, config []byte, quantName string, quant []byte) (*Architecture, error) {
	o, err := parseObject(file, config)
	if err != nil {
		return nil, err
	}
	var beside *object
	if quant != nil {
		q, err := parseObject(quantName, quant)
		if err != nil {
			return nil, err
		}
		beside = &q
	}
	a := architecture(o)
	if o.failed() {
		return nil, *o.err
	}
	text, _ := languageModel(o)
	holder := o
	if !o.has(quantField) {
		holder = text
	}
	s := readScheme(holder, beside)
	s.adjust(a, text)
	for _, err := range []*error{o.err, besideError(beside)} {
		if *err != nil {
			return nil, *err
		}
	}
	a.Quantization = a.quantization(s)
	if s.keep.exhausted() || s.listed.exhausted() {
		s.unknown = "the quantization has more patterns than can be compared with so many layers"
	}
	if s.unknown != "" {
		a.Unknown = append(a.Unknown, s.unknown)
	}
	if err := a.sane(file); err != nil {
		return nil, err
	}
	return a, nil
}

func besideError(beside *object) *error {
	if beside == nil {
		return new(error)
	}
	return beside.err
}

// sane refuses sizes whose product no model has.
func (a *Architecture) sane(file string) error {
	if n := a.Parameters().Total; n > maxParameters {
		return usage(file, fmt.Sprintf("the sizes make %.3g parameters, more than any model has", float64(n)), "")
	}
	return nil
}

// languageModel finds the object that describes the language model: that of a multimodal
// wrapper is nested.
func languageModel(o object) (object, bool) {
	for _, field := range []string{"text_config", "llm_config", "language_config"} {
		if o.has(field) {
			return o.object(field), true
		}
	}
	return o, false
}

// architecture reads everything but the quantization.
func architecture(o object) *Architecture {
	a := &Architecture{Class: class(o)}
	text, wrapped := languageModel(o)
	if o.failed() {
		return a
	}
	a.Multimodal = wrapped || o.has("vision_config")
	if a.Multimodal {
		a.Uncounted = append(a.Uncounted, "encoders of images, video or sound")
	}
	a.DType = dtype(o, text)
	a.Hidden = text.size("hidden_size", "n_embd", "d_model")
	a.Context = contextLength(text)
	l, known := layouts()[a.Class]
	if !known {
		a.Family = "unknown"
		a.Unknown = append(a.Unknown, "class "+quote(a.Class)+" is not known")
		l.read = standIn
	} else {
		a.Family = l.family
	}
	a.Vocabulary = text.sizeOr(l.vocabulary, "vocab_size")
	if a.Vocabulary == 0 {
		text.size("vocab_size")
	}
	a.Tied = tied(o, text, l.tied)
	a.Vectors = a.Hidden
	if !o.failed() {
		l.read(a, text)
	}
	return a
}

// class is the first of architectures.
func class(o object) string {
	names := o.texts("architectures")
	switch {
	case o.failed():
	case len(names) == 0:
		o.fail("architectures", "is missing; it names the model's class, such as [\"LlamaForCausalLM\"]")
	case strings.TrimSpace(names[0]) == "" || len(names[0]) > 200:
		o.fail("architectures[0]", "is %s; it must name a class", quote(names[0]))
	default:
		return names[0]
	}
	return ""
}

// dtype is the data type of what is not quantized. Without one engines take bfloat16.
func dtype(o, text object) string {
	for _, at := range []object{text, o} {
		for _, field := range []string{"torch_dtype", "dtype"} {
			switch name := strings.TrimPrefix(at.text(field), "torch."); name {
			case "":
			case "bfloat16", "float16", "float32":
				return name
			default:
				at.fail(field, "is %s; it must be bfloat16, float16 or float32", quote(name))
			}
		}
	}
	return "bfloat16"
}

func contextLength(text object) int64 {
	field := text.first("max_position_embeddings", "max_seq_len", "seq_length", "n_positions", "max_sequence_length")
	if !text.has(field) {
		text.fail("max_position_embeddings", "is missing")
		return 1
	}
	return text.whole(field, 1, maxContext, 1)
}

// tied says whether the embedding is the lm head. A wrapper's word counts first, as in
// Transformers.
func tied(o, text object, absent bool) bool {
	return o.flag("tie_word_embeddings", text.flag("tie_word_embeddings", absent))
}

// standIn reads the figures that configurations of decoders have in common, for a class
// that is not known: nothing is counted.
func standIn(a *Architecture, text object) {
	n := int(text.whole(text.first("num_hidden_layers", "n_layer", "num_layers"), 1, maxLayers, 0))
	if n == 0 {
		text.fail("num_hidden_layers", "is missing")
		return
	}
	heads := text.sizeOr(0, "num_attention_heads", "n_head")
	b := Block{Layers: layersTo(n), FeedForward: FeedForward{Intermediate: text.sizeOr(0, "intermediate_size", "n_inner")}}
	if heads > 0 {
		b.Attention = Attention{Kind: AttentionGQA, Heads: heads,
			KVHeads: text.sizeOr(heads, "num_key_value_heads"), HeadSize: text.sizeOr(max(a.Hidden/heads, 1), "head_dim")}
	}
	if experts := text.sizeOr(0, "num_local_experts", "n_routed_experts", "num_experts"); experts > 0 {
		b.FeedForward.Experts = &Experts{Count: experts, Active: min(text.sizeOr(1, "num_experts_per_tok"), experts),
			Intermediate: text.sizeOr(0, "moe_intermediate_size", "intermediate_size")}
	}
	a.Blocks = []Block{b}
}

// oneOf checks an item of a list of names.
func oneOf(o object, field string, i int, value string, allowed ...string) bool {
	if slices.Contains(allowed, value) {
		return true
	}
	o.fail(fmt.Sprintf("%s[%d]", field, i), "is %s; it must be one of %s", quote(value), strings.Join(allowed, ", "))
	return false
}
