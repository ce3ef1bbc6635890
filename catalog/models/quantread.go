package models

import (
	"fmt"
	"strings"
)

// scheme says what a checkpoint's quantization makes of each module.
type scheme struct {
	method string
	kv     string
	// base is the format of every quantizable module that is not kept; nil: only listed
	// modules are quantized.
	base        *Format
	expertsOnly bool      // base concerns experts only
	experts     *Format   // of experts, where it differs from base
	keep        *patterns // modules that stay as they are
	listed      *patterns // modules with a format of their own ...
	formats     []Format  // ... by index in the list
	unknown     string    // why it can not be told
}

// format finds what the modules of one part are kept in, by their alternative names.
func (s *scheme) format(p Part, names []string) (Format, bool) {
	if s.listed != nil {
		if i := s.listed.findAny(names); i >= 0 {
			return s.formats[i], true
		}
	}
	if s.base == nil || !p.quantizable() || s.expertsOnly && p != PartExperts {
		return Format{}, false
	}
	if s.keep != nil && s.keep.findAny(names) >= 0 {
		return Format{}, false
	}
	if p == PartExperts && s.experts != nil {
		return *s.experts, true
	}
	return *s.base, true
}

// adjust adds what an architecture says of its quantization outside of the usual field:
// DeepSeek-V4 keeps experts in MXFP4 where expert_dtype says so, and its KV cache in 8 bits
// always (aiconfigurator 0.12.0, sdk/models/helpers.py).
func (s *scheme) adjust(a *Architecture, text object) {
	if a.Family != "deepseek_v4" {
		return
	}
	s.kv = "fp8"
	if strings.EqualFold(text.text("expert_dtype"), "fp4") {
		f := grouped("w4a8_mxfp4_mxfp8", 0, 0)
		s.experts = &f
	}
}

// quantField is the field of config.json that describes the quantization.
const quantField = "quantization_config"

// readScheme reads quantization_config, or else what ModelOpt wrote beside config.json.
func readScheme(config object, beside *object) *scheme {
	s := &scheme{}
	switch {
	case config.has(quantField):
		s.read(config.object(quantField))
	case beside != nil && beside.has("quantization"):
		s.read(beside.object("quantization"))
		if s.method == "" {
			s.method = "modelopt"
		}
	}
	if beside != nil && s.kv == "" {
		s.kv = kvCache(beside.object("quantization"))
	}
	return s
}

func (s *scheme) read(q object) {
	s.method = q.text("quant_method")
	s.kv = kvCache(q)
	s.keep = s.compile(q, "modules_to_not_convert", "ignored_layers", "exclude_modules", "ignore")
	algorithm := strings.ToUpper(q.text("quant_algo"))
	if s.method == "" && algorithm == "" && q.has("quantization_algo") {
		algorithm = strings.ToUpper(q.text("quantization_algo"))
	}
	switch {
	case s.method == "fp8" && q.has("quantized_layers"):
		// An fp8 checkpoint whose experts were quantized again: what the second step left
		// alone is still fp8.
		s.fp8(q)
		s.keep = nil
		s.layers(q)
	case algorithm == "MIXED_PRECISION":
		s.layers(q)
		if len(s.formats) == 0 {
			s.groups(q)
		}
	case algorithm != "":
		s.modelOpt(q, algorithm)
	default:
		s.byMethod(q)
	}
}

// compile joins the lists that checkpoints name what they leave alone in.
func (s *scheme) compile(q object, fields ...string) *patterns {
	var all []string
	for _, field := range fields {
		all = append(all, q.texts(field)...)
	}
	p, err := compile(all)
	if err != nil {
		q.fail(q.first(fields...), "%v", err)
		return nil
	}
	return p
}

func (s *scheme) byMethod(q object) {
	switch s.method {
	case "fp8", "fbgemm_fp8":
		s.fp8(q)
	case "compressed-tensors":
		s.groups(q)
	case "awq", "gptq", "auto-round":
		s.integer(q)
	case "mxfp4":
		// Transformers and vLLM quantize the experts alone with this method.
		s.set(grouped("w4a16_mxfp4", 0, 0))
		s.expertsOnly = true
	case "":
		// Nothing is said but what the KV cache is kept in.
	default:
		s.unknown = "quantization method " + quote(s.method) + " is not known"
	}
}

func (s *scheme) set(f Format) { s.base = &f }

// fp8 reads DeepSeek's and Transformers' form.
func (s *scheme) fp8(q object) {
	if q.has("weight_block_size") {
		block := q.wholes("weight_block_size", 1, maxSize)
		if len(block) != 2 {
			q.fail("weight_block_size", "has %d numbers; it must have 2", len(block))
			return
		}
		s.set(grouped("fp8_block", product(block[0], block[1]), 32))
		return
	}
	s.set(grouped(activations(q.text("activation_scheme")), 0, 0))
}

// activations tells scales by calibration from scales taken as activations come.
func activations(how string) string {
	if how == "static" {
		return "fp8_static"
	}
	return "fp8"
}

// integer reads AWQ, GPTQ and AutoRound.
func (s *scheme) integer(q object) {
	bits := q.whole(q.first("bits", "w_bit"), 2, 8, 4)
	group := q.whole(q.first("group_size", "q_group_size"), -1, maxSize, 128)
	switch {
	case bits == 4:
		s.set(grouped("int4_wo", max(group, 0), 20))
	case bits == 8:
		s.set(grouped("int8_wo", max(group, 0), 24))
	default:
		s.unknown = fmt.Sprintf("%d-bit integers are not known", bits)
	}
	if names, _ := q.members("dynamic"); len(names) > 0 {
		s.exclusions(q, names)
	}
}

// exclusions reads GPTQModel's rules by module: "-:PATTERN" leaves modules alone.
func (s *scheme) exclusions(q object, rules []string) {
	var list []string
	for _, r := range rules {
		pattern, excluded := strings.CutPrefix(r, "-:")
		if !excluded {
			s.unknown = "quantization that differs by module (dynamic) is not known"
			return
		}
		list = append(list, "re:"+pattern)
	}
	keep, err := compile(list)
	if err != nil {
		q.fail("dynamic", "%v", err)
		return
	}
	s.keep = keep
}

// modelOpt reads NVIDIA ModelOpt's one algorithm for all modules.
func (s *scheme) modelOpt(q object, algorithm string) {
	f, known := modelOptFormat(algorithm, q.whole("group_size", 0, maxSize, 0))
	if !known {
		s.unknown = "ModelOpt's algorithm " + quote(algorithm) + " is not known"
		return
	}
	s.set(f)
	s.expertsOnly = algorithm == "MXFP4"
}

func modelOptFormat(algorithm string, group int64) (Format, bool) {
	switch strings.ToUpper(algorithm) {
	case "FP8":
		return grouped("fp8_static", 0, 0), true
	case "FP8_PER_CHANNEL_PER_TOKEN":
		return grouped("fp8", 0, 0), true
	case "FP8_PB_WO", "FP8_PB_REAL":
		return grouped("fp8_block", 0, 0), true
	case "MXFP8":
		return grouped("mxfp8", 0, 0), true
	case "NVFP4":
		return grouped("nvfp4", group, 8), true
	case "W4A16_NVFP4":
		return grouped("w4a16_nvfp4", group, 8), true
	case "MXFP4", "W4A16_MXFP4":
		return grouped("w4a16_mxfp4", 0, 0), true
	case "W4A8_AWQ":
		return grouped("w4afp8", group, 16), true
	case "W4A16_AWQ", "INT4_AWQ":
		return grouped("int4_wo", group, 16), true
	}
	return Format{}, false
}

// layers reads ModelOpt's list of modules, each with an algorithm of its own.
func (s *scheme) layers(q object) {
	names, values := q.members("quantized_layers")
	if len(names) == 0 {
		return
	}
	s.formats = make([]Format, len(names))
	for i, v := range values {
		algorithm := v.text("quant_algo")
		f, known := modelOptFormat(algorithm, v.whole("group_size", 0, maxSize, 0))
		if !known && !q.failed() {
			s.unknown = "ModelOpt's algorithm " + quote(algorithm) + " is not known"
			return
		}
		s.formats[i] = f
	}
	s.list(q, "quantized_layers", names)
}

func (s *scheme) list(q object, field string, names []string) {
	listed, err := compile(names)
	if err != nil {
		q.fail(field, "%v", err)
		return
	}
	s.listed = listed
}

// groups reads compressed-tensors' groups of modules.
func (s *scheme) groups(q object) {
	names, groups := q.members("config_groups")
	if len(names) == 0 {
		s.unknown = "a quantization without config_groups is not known"
		return
	}
	var targets []string
	var formats []Format
	for _, g := range groups {
		f, known := groupFormat(g, q.text("format"))
		if !known {
			s.unknown = "the quantization of " + strings.TrimSuffix(g.path, ".") + " is not known"
			return
		}
		for _, t := range g.texts("targets") {
			if t == "Linear" {
				s.set(f)
				continue
			}
			targets, formats = append(targets, t), append(formats, f)
		}
	}
	if len(targets) > 0 {
		s.formats = formats
		s.list(q, "config_groups", targets)
	}
}

// groupFormat reads one group's weights and activations.
func groupFormat(g object, packing string) (Format, bool) {
	if g.has("format") {
		packing = g.text("format")
	}
	w := g.object("weights")
	if !w.has("num_bits") {
		return Format{}, false
	}
	in := g.object("input_activations")
	kind, bits, group := w.text("type"), w.whole("num_bits", 1, 16, 0), w.whole("group_size", -1, maxSize, 0)
	switch {
	case kind == "int" && bits == 4 && in.whole("num_bits", 1, 16, 0) == 8:
		return grouped("w4afp8", max(group, 0), 16), true
	case kind == "int" && bits == 4:
		return grouped("int4_wo", max(group, 0), integerScale(w)), true
	case kind == "int" && bits == 8 && g.has("input_activations"):
		return grouped("sq", 0, 0), true
	case kind == "int" && bits == 8:
		return grouped("int8_wo", max(group, 0), integerScale(w)), true
	case kind == "float" && bits == 8:
		return float8(w, in, group), true
	case kind == "float" && bits == 4:
		return float4(g, in, group, packing), true
	}
	return Format{}, false
}

// integerScale is the bits of a scale, with a zero point where zero is not in the middle.
func integerScale(w object) int64 {
	if w.flag("symmetric", true) {
		return 16
	}
	return 20
}

func float8(w, in object, group int64) Format {
	switch {
	case w.text("strategy") == "block" || w.has("block_structure"):
		block := w.wholes("block_structure", 1, maxSize)
		if len(block) == 2 {
			return grouped("fp8_block", product(block[0], block[1]), 32)
		}
		return grouped("fp8_block", 0, 0)
	case group == 32:
		return grouped("mxfp8", 0, 0)
	case in.has("dynamic") && !in.flag("dynamic", true):
		return grouped("fp8_static", 0, 0)
	}
	return grouped("fp8", 0, 0)
}

func float4(g, in object, group int64, packing string) Format {
	mx := group == 32 || strings.HasPrefix(packing, "mxfp4")
	switch {
	case mx && in.whole("num_bits", 1, 16, 0) == 8:
		return grouped("w4a8_mxfp4_mxfp8", 0, 0)
	case mx:
		return grouped("w4a16_mxfp4", 0, 0)
	case !g.has("input_activations"):
		return grouped("w4a16_nvfp4", max(group, 0), 8)
	}
	return grouped("nvfp4", max(group, 0), 8)
}

// kvCache reads which KV cache a checkpoint asks for; empty: it says nothing.
func kvCache(q object) string {
	for _, field := range []string{"kv_cache_quant_algo", "kv_cache_quant_method", "kv_cache_dtype"} {
		name := strings.ToLower(q.text(field))
		switch f, known := CacheFormat(name); {
		case name == "", name == "none", name == "auto", known && f.sixteen():
		case name == "e4m3", name == "e5m2":
			return "fp8"
		default:
			return name
		}
	}
	if raw := q.fields["kv_cache_scheme"]; len(raw) > 0 && raw[0] == '"' {
		return strings.ToLower(q.text("kv_cache_scheme")) // ModelOpt 0.31 writes a mere name
	}
	s := q.object("kv_cache_scheme")
	switch kind, bits := s.text("type"), s.whole("num_bits", 1, 32, 0); {
	case bits == 8 && kind == "int":
		return "int8"
	case bits == 8:
		return "fp8"
	case bits == 4:
		return "nvfp4"
	}
	return ""
}
