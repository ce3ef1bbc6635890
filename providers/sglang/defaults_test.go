package sglang

import (
	"testing"

	"aicv/spec"
)

func TestDefaults(t *testing.T) {
	made, err := newRuntime(&spec.Component{Role: spec.RoleRuntime, Kind: Kind, Name: "it", Attrs: spec.Attrs{"version": spec.StringValue("0.5.14")}}, spec.Env{})
	if err != nil {
		t.Fatal(err)
	}
	for system, want := range map[string]string{"l4": "2048", "l40s": "4096", "h100_sxm": "8192", "h200_sxm": "8192", "b200_sxm": "16384", "none": ""} {
		got := made.(spec.Defaulter).Defaults(spec.RenderRequest{Hardware: &spec.Hardware{System: system}})
		if text := got.Get(spec.ItemMaxBatchTokens).Text(); text != want {
			t.Errorf("%s: max_batch_tokens %q, want %q", system, text, want)
		}
		if !got.Get(spec.ItemMaxBatchSize).IsNull() || got.Get(spec.ItemPrefixCache).Text() != "false" {
			t.Errorf("%s: %v", system, got)
		}
	}
}
