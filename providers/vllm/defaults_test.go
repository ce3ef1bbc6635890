package vllm

import (
	"testing"

	"aicv/spec"
)

// TestDefaults: what vLLM's sources say for versions and GPUs; nothing is guessed.
func TestDefaults(t *testing.T) {
	for _, c := range []struct {
		version, system, device string
		want                    map[string]string
	}{
		{"0.24.0", "h100_sxm", "gpu", map[string]string{spec.ItemMaxBatchSize: "1024", spec.ItemMaxBatchTokens: "8192", spec.ItemMemoryFraction: "0.92", spec.ItemPrefixCache: "false", spec.ItemCUDAGraphs: "true", spec.ItemKVCacheQuant: "bfloat16"}},
		{"0.19.0", "a100_sxm", "gpu", map[string]string{spec.ItemMaxBatchSize: "256", spec.ItemMaxBatchTokens: "2048", spec.ItemMemoryFraction: "0.9"}},
		{"0.24.0", "b200_sxm", "gpu", map[string]string{spec.ItemMaxBatchSize: "1024", spec.ItemMaxBatchTokens: "8192"}},
		{"0.26.0", "b200_sxm", "gpu", map[string]string{spec.ItemMaxBatchSize: "1024", spec.ItemMaxBatchTokens: ""}},
		{"0.32.0", "b200_sxm", "gpu", map[string]string{spec.ItemMaxBatchSize: "1024", spec.ItemMaxBatchTokens: "16384"}},
		{"0.24.0", "", "gpu", map[string]string{spec.ItemMaxBatchSize: "", spec.ItemMaxBatchTokens: "", spec.ItemChunkedPrefill: "true"}},
		{"0.32.0", "", "cpu", map[string]string{spec.ItemMaxBatchSize: "128", spec.ItemMaxBatchTokens: "2048", spec.ItemCUDAGraphs: ""}},
	} {
		r := newTest(t, spec.Attrs{"version": spec.StringValue(c.version), "device": spec.StringValue(c.device)})
		request := spec.RenderRequest{Model: spec.Model{ID: "Qwen/Qwen3-32B"}}
		if c.system != "" {
			request.Hardware = &spec.Hardware{System: c.system}
		}
		got := r.Defaults(request)
		for item, want := range c.want {
			if text := got.Get(item).Text(); text != want {
				t.Errorf("%s on %q: %s is %q, want %q", c.version, c.system, item, text, want)
			}
		}
	}
	set := spec.NewConfiguration(spec.Setting{Name: spec.ItemMaxBatchSize, Value: spec.IntValue(7)})
	r := newTest(t, spec.Attrs{"version": spec.StringValue("0.24.0"), "args": spec.MapValue(spec.Field{Name: "max_num_batched_tokens", Value: spec.IntValue(9)})})
	got := r.Defaults(spec.RenderRequest{Config: set, Hardware: &spec.Hardware{System: "h100_sxm"}})
	if !got.Get(spec.ItemMaxBatchSize).IsNull() || !got.Get(spec.ItemMaxBatchTokens).IsNull() {
		t.Errorf("what is set, or given by args, is no default: %v", got)
	}
}
