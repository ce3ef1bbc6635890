package vllm

import (
	"context"
	"errors"
	"strings"
	"testing"

	"aicv/spec"
)

// TestIdentityOnly: the runtime can be named, and what would deploy it is refused
// with what to do instead.
func TestIdentityOnly(t *testing.T) {
	made, err := Registration().New.Runtime(&spec.Component{Role: spec.RoleRuntime, Kind: Kind, Name: "mine"}, spec.Env{})
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = made.Render(spec.RenderRequest{})
	var e *spec.Error
	if !errors.As(err, &e) || e.Kind != spec.ErrUsage || !strings.Contains(e.Summary, "runtime.vllm.mine can not be deployed") {
		t.Fatalf("error %v", err)
	}
	for _, way := range []string{"endpoint", "recorded"} {
		if !strings.Contains(e.Fix, way) {
			t.Errorf("fix %q, want %q in it", e.Fix, way)
		}
	}
	if effective, err := made.Effective(context.Background(), spec.Server{}); err != nil || len(effective) != 0 {
		t.Errorf("effective %v, error %v", effective, err)
	}
	if cause, known := made.Diagnose("CUDA out of memory"); known || cause != nil {
		t.Errorf("a cause was made up: %v", cause)
	}
}
