package vllm

import (
	"testing"

	"aicv/internal/golden"
	"aicv/kit/engine/enginetest"
)

// TestCommandLines compares the command lines of all cases with those that were
// reviewed.
func TestCommandLines(t *testing.T) {
	got, err := enginetest.Commands(Registration(), "0.24.0", "0.12.0", "0.33.0")
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "commands.golden", got)
}
