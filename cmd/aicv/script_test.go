package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"aicv/internal/cli"
	"aicv/internal/golden"
)

// TestMain makes this test binary the aicv command of the script tests.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"aicv": func() { os.Exit(runUnderTest()) },
	})
}

// runUnderTest is main, with the failpoints that crash tests ask for.
func runUnderTest() int {
	config := cli.Config{Registrations: registrations()}
	if err := armFailpoints(&config); err != nil {
		_, _ = os.Stderr.WriteString(err.Error() + "\n")
		return 1
	}
	return cli.Run(config, os.Args[1:], cli.Stdio{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
}

// TestScripts runs what users see: one script per behaviour, re-recordable with
// AICV_UPDATE=1.
func TestScripts(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       golden.Update(),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("ROOT", root)
			e.Setenv("HOME", e.WorkDir)
			return nil
		},
		Cmds: commands(),
	})
}
