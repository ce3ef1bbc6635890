package main

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"aicv/internal/cli"
	"aicv/internal/golden"
)

// TestMain makes this test binary the aicv command of the script tests. In images it stands
// in for the tools of others, by their names; on this host these stay what they are.
func TestMain(m *testing.M) {
	switch filepath.Base(os.Args[0]) {
	case standInTool:
		standIn(os.Args[1:])
	case standInPython: // python3 -c CODE
		standIn(os.Args[3:])
	default:
		testscript.Main(m, map[string]func(){"aicv": func() { os.Exit(runUnderTest()) }})
	}
}

// runUnderTest is main, with the failpoints that crash tests ask for.
func runUnderTest() int {
	if err := dropPrivileges(); err != nil {
		_, _ = os.Stderr.WriteString(err.Error() + "\n")
		return 1
	}
	config := cli.Config{Registrations: registrations()}
	if err := armFailpoints(&config); err != nil {
		_, _ = os.Stderr.WriteString(err.Error() + "\n")
		return 1
	}
	return cli.Run(config, os.Args[1:], cli.Stdio{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
}

// dropPrivileges makes the command an ordinary user's where a script asks for it: root
// may write to every file, so permissions could not be tested.
func dropPrivileges() error {
	const nobody = 65534
	if os.Getenv("AICV_TEST_UNPRIVILEGED") == "" || os.Geteuid() != 0 {
		return nil
	}
	return errors.Join(syscall.Setgid(nobody), syscall.Setuid(nobody))
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
