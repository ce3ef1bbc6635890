package vllm

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"aicv/spec"
)

// TestRealFlags: the installed vLLM has the declared version, and its help names every
// flag that the table gives for it.
func TestRealFlags(t *testing.T) {
	if os.Getenv("AICV_REAL") != "1" {
		t.Skip("set AICV_REAL=1 to run the tests of real tools, after scripts/real-tools vllm")
	}
	venv := os.Getenv("AICV_VLLM")
	if venv == "" {
		var err error
		if venv, err = filepath.Abs(filepath.Join("..", "..", ".tools", "vllm")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(filepath.Join(venv, "bin", "python")); err != nil {
		t.Skipf("%s has no vLLM: scripts/real-tools vllm installs it, or set AICV_VLLM to a virtual environment that has it", venv)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	r := newTest(t, spec.Attrs{"version": spec.StringValue("0.32.0"), "venv": spec.StringValue(venv), "load_format": spec.StringValue("dummy")})
	checks := r.Check(ctx)
	if len(checks) != 3 {
		t.Errorf("%d checks", len(checks))
	}
	for _, c := range checks {
		if c.Status != spec.CheckOK {
			t.Errorf("%+v", c)
		}
	}
}
