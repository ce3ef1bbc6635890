package spec

// sixteenBits are the spellings of what is not quantized.
func sixteenBits() []string { return []string{"bfloat16", "bf16", "float16", "fp16", "half"} }

// weightModes are the quantization modes of weights that engines, checkpoints and
// aiconfigurator have names for, as aiconfigurator writes them.
func weightModes() []string {
	return append([]string{"auto", "fp8", "fp8_e4m3", "fp8_static", "fp8_ootb", "fp8_block", "mxfp8", "int8_wo", "sq", "int4_wo", "w4afp8", "nvfp4", "nvfp4_wo",
		"w4a16_nvfp4", "w4a16_mxfp4", "w4a16_mxfp4_cutlass", "w4a8_mxfp4_mxfp8", "w4a8_mxfp4_mxfp8_trtllm"}, sixteenBits()...)
}

// cacheModes are the data types of a KV cache.
func cacheModes() []string {
	return append([]string{"auto", "fp8", "fp8_e4m3", "fp8_e5m2", "int8", "nvfp4"}, sixteenBits()...)
}

// computeModes are the data types in which attention is computed and ranks communicate.
func computeModes() []string {
	return append([]string{"auto", "fp8", "fp8_block", "int8"}, sixteenBits()...)
}
