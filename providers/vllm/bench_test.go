package vllm

import (
	"testing"

	"aicv/spec"
)

// BenchmarkRender: a plan renders each deployment and asks for each cell's defaults.
func BenchmarkRender(b *testing.B) {
	made, err := newRuntime(&spec.Component{Role: spec.RoleRuntime, Kind: Kind, Name: "it", Attrs: spec.Attrs{"version": spec.StringValue("0.24.0")}}, spec.Env{})
	if err != nil {
		b.Fatal(err)
	}
	config := spec.NewConfiguration(spec.Setting{Name: spec.ItemTensorParallel, Value: spec.IntValue(4)}, spec.Setting{Name: spec.ItemMaxBatchSize, Value: spec.IntValue(64)},
		spec.Setting{Name: spec.ItemGEMMQuant, Value: spec.StringValue("fp8_block")})
	request := spec.RenderRequest{Model: spec.Model{ID: "Qwen/Qwen3-32B-FP8"}, Hardware: &spec.Hardware{System: "h100_sxm", GPUs: 8}, Config: config}
	b.Run("render", func(b *testing.B) {
		for b.Loop() {
			if _, _, err := made.Render(request); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("defaults", func(b *testing.B) {
		for b.Loop() {
			made.(spec.Defaulter).Defaults(request)
		}
	})
}
