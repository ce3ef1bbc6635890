package sglang

import (
	"aicv/kit/engine"
	"aicv/spec"
)

// Defaults returns what SGLang takes for items that the request leaves open. How many
// requests may run, and its share of memory, it computes at its start: they stay absent.
func (r *runtime) Defaults(request spec.RenderRequest) spec.Configuration {
	return r.Runtime.Defaults(request, defaults)
}

// defaults are the sizes of a prefill chunk by the GPU's memory. Source:
// sglang/srt/server_args.py (_handle_gpu_memory_settings) and arg_groups/memory_hook.py
// in 0.5.6 to 0.5.23, which agree.
func defaults(f engine.Facts) []spec.Setting {
	const gib = 1 << 30
	if f.GPUMemory == 0 || f.Config.Get(spec.ItemChunkedPrefill).Text() == "false" {
		return nil
	}
	chunk := 16384
	switch {
	case f.GPUMemory < 35*gib:
		chunk = 2048
	case f.GPUMemory < 60*gib:
		chunk = 4096
	case f.GPUMemory < 160*gib:
		chunk = 8192
	}
	ranks := f.Config.Size(spec.ItemAttentionDataParallel)
	return []spec.Setting{{Name: spec.ItemMaxBatchTokens, Value: spec.IntValue(chunk / ranks)}} // divided by the ranks
}
