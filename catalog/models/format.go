package models

import "slices"

// Format is a data type that weights or a KV cache are kept in.
type Format struct {
	// Mode is aiconfigurator's name: bfloat16, fp8, fp8_static, fp8_block, nvfp4,
	// int4_wo ... It says how activations are treated as well; see Formats. mxfp8 has no
	// name there.
	Mode string `json:"mode"`
	Bits int64  `json:"bits"` // per weight, scales not counted
	// Group is how many weights share one scale; 0: a whole tensor, row or column shares
	// it, which takes less than 0.1 % and is not counted.
	Group     int64 `json:"group,omitempty"`
	ScaleBits int64 `json:"scale_bits,omitempty"` // per group, zero point included
}

// bytes is what n values take, scales included.
func (f Format) bytes(n int64) int64 {
	total := ceil(product(n, f.Bits), 8)
	if f.Group > 0 {
		total = sum(total, ceil(product(ceil(n, f.Group), f.ScaleBits), 8))
	}
	return total
}

// sixteen reports a format that engines compute with directly.
func (f Format) sixteen() bool { return f.Bits == 16 }

// FormatInfo explains one mode.
type FormatInfo struct {
	Format      Format
	Weights     string // how weights are kept
	Activations string // what multiplies with them
}

// Formats lists the modes of weights with their usual group sizes. Scales: a block of
// 128 x 128 has one of 32 bits (DeepSeek-V3 report, section 3.3), NVFP4 one of 8 bits for
// 16 weights, MXFP4 and MXFP8 one of 8 bits for 32 (OCP Microscaling 1.0), AWQ and GPTQ
// one of 16 bits and a 4-bit zero point for 128.
func Formats() []FormatInfo {
	return []FormatInfo{
		{Format{Mode: "bfloat16", Bits: 16}, "16 bits", "16 bits"},
		{Format{Mode: "float16", Bits: 16}, "16 bits", "16 bits"},
		{Format{Mode: "fp8", Bits: 8}, "8-bit floats, a scale per tensor or row", "8-bit floats, scaled as they come"},
		{Format{Mode: "fp8_static", Bits: 8}, "8-bit floats, a scale per tensor", "8-bit floats, scaled by calibration"},
		{Format{Mode: "fp8_ootb", Bits: 8}, "8-bit floats, a scale per tensor", "8-bit floats"},
		{Format{Mode: "fp8_block", Bits: 8, Group: 128 * 128, ScaleBits: 32}, "8-bit floats, a scale per block of 128 x 128", "8-bit floats, a scale per 128"},
		{Format{Mode: "mxfp8", Bits: 8, Group: 32, ScaleBits: 8}, "8-bit floats, a scale per 32", "8-bit floats, a scale per 32"},
		{Format{Mode: "int8_wo", Bits: 8}, "8-bit integers", "16 bits"},
		{Format{Mode: "sq", Bits: 8}, "8-bit integers", "8-bit integers"},
		{Format{Mode: "int4_wo", Bits: 4, Group: 128, ScaleBits: 20}, "4-bit integers, a scale per group", "16 bits"},
		{Format{Mode: "w4afp8", Bits: 4, Group: 128, ScaleBits: 16}, "4-bit integers, a scale per group", "8-bit floats"},
		{Format{Mode: "nvfp4", Bits: 4, Group: 16, ScaleBits: 8}, "4-bit floats, a scale per 16", "4-bit floats"},
		{Format{Mode: "nvfp4_wo", Bits: 4, Group: 16, ScaleBits: 8}, "4-bit floats, a scale per 16", "16 bits"},
		{Format{Mode: "w4a16_nvfp4", Bits: 4, Group: 16, ScaleBits: 8}, "4-bit floats, a scale per 16", "16 bits"},
		{Format{Mode: "w4a16_mxfp4", Bits: 4, Group: 32, ScaleBits: 8}, "4-bit floats, a scale per 32", "16 bits"},
		{Format{Mode: "w4a16_mxfp4_cutlass", Bits: 4, Group: 32, ScaleBits: 8}, "4-bit floats, a scale per 32", "16 bits"},
		{Format{Mode: "w4a8_mxfp4_mxfp8", Bits: 4, Group: 32, ScaleBits: 8}, "4-bit floats, a scale per 32", "8-bit floats, a scale per 32"},
		{Format{Mode: "w4a8_mxfp4_mxfp8_trtllm", Bits: 4, Group: 32, ScaleBits: 8}, "4-bit floats, a scale per 32", "8-bit floats, a scale per 32"},
	}
}

// FormatOf finds a mode of weights by its name.
func FormatOf(mode string) (Format, bool) {
	all := Formats()
	i := slices.IndexFunc(all, func(f FormatInfo) bool { return f.Format.Mode == mode })
	if i < 0 {
		return Format{}, false
	}
	return all[i].Format, true
}

// grouped returns a mode of Formats, with another group size where one is given.
func grouped(mode string, group, scaleBits int64) Format {
	f, _ := FormatOf(mode)
	if group > 0 {
		f.Group, f.ScaleBits = group, scaleBits
	}
	return f
}

// CacheFormat finds the data type of a KV cache by the names of aiconfigurator, vLLM and
// SGLang. It does not know `auto`: see Architecture.KVCacheDefault.
func CacheFormat(name string) (Format, bool) {
	switch name {
	case "bfloat16", "bf16", "float16", "fp16", "half":
		return Format{Mode: name, Bits: 16}, true
	case "fp8", "fp8_e4m3", "fp8_e5m2", "fp8_inc", "int8":
		return Format{Mode: name, Bits: 8}, true
	case "nvfp4":
		return Format{Mode: name, Bits: 4, Group: 16, ScaleBits: 8}, true
	}
	return Format{}, false
}
