package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"aicv/internal/golden"
)

// TestRealEngines runs whole suites against real inference engines.
func TestRealEngines(t *testing.T) {
	if os.Getenv("AICV_REAL") != "1" {
		t.Skip("set AICV_REAL=1 to run the tests of real tools, after scripts/real-tools vllm")
	}
	tools, err := filepath.Abs(filepath.Join("..", "..", ".tools"))
	if err != nil {
		t.Fatal(err)
	}
	venv := os.Getenv("AICV_VLLM")
	if venv == "" {
		venv = filepath.Join(tools, "vllm")
	}
	tiny := filepath.Join(tools, "models", "tiny")
	for _, needed := range []string{filepath.Join(venv, "bin", "python"), filepath.Join(tiny, "config.json")} {
		if _, err := os.Stat(needed); err != nil {
			t.Skipf("%s is not there: scripts/real-tools vllm installs it, or set AICV_VLLM to a virtual environment that has vLLM", needed)
		}
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/real", UpdateScripts: golden.Update(), RequireExplicitExec: true, RequireUniqueNames: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("VLLM", venv)
			e.Setenv("TINY", tiny)
			e.Setenv("HOME", e.WorkDir)
			return nil
		},
		Cmds: commands(),
	})
}
