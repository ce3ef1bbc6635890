package vllm

import (
	"strings"

	"aicv/kit/engine"
	"aicv/spec"
)

// Defaults returns what vLLM takes for items that the request leaves open.
func (r *runtime) Defaults(request spec.RenderRequest) spec.Configuration {
	return r.Runtime.Defaults(request, defaults)
}

// defaults are those of a vLLM server. Sources: vllm/engine/arg_utils.py
// (get_batch_defaults) and vllm/config/cache.py in 0.12.0 to 0.24.0, and main of
// August 2026 for 160 GiB and more.
func defaults(f engine.Facts) []spec.Setting {
	share := "0.92"
	if f.Version.Before("0.20.0") {
		share = "0.9"
	}
	settings := []spec.Setting{
		{Name: spec.ItemChunkedPrefill, Value: spec.BoolValue(true)},
		{Name: spec.ItemMemoryFraction, Value: spec.NumberValue(share)},
	}
	sequences, tokens := batchDefaults(f)
	ranks := f.Config.Size(spec.ItemAttentionDataParallel)
	if sequences > 0 {
		settings = append(settings, spec.Setting{Name: spec.ItemMaxBatchSize, Value: spec.IntValue(sequences * ranks)})
	}
	if tokens > 0 {
		settings = append(settings, spec.Setting{Name: spec.ItemMaxBatchTokens, Value: spec.IntValue(tokens)})
	}
	return settings
}

// batchDefaults are requests and tokens of one data-parallel rank; 0: unknown.
func batchDefaults(f engine.Facts) (sequences, tokens int) {
	const gib = 1 << 30
	switch {
	case f.OnCPU:
		world := f.Config.Size(spec.ItemTensorParallel) * f.Config.Size(spec.ItemPipelineParallel)
		return 128 * world, 2048 * world
	case f.GPUMemory == 0:
		return 0, 0
	case f.GPUMemory >= 160*gib && !f.Version.Before("0.28.0"):
		return 1024, 16384
	case f.GPUMemory >= 160*gib && !f.Version.Before("0.25.0"): // either came in between
		return 1024, 0
	case f.GPUMemory >= 70*gib && !strings.HasPrefix(f.System, "a100"):
		return 1024, 8192
	}
	return 256, 2048
}
