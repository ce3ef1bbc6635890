//go:build !unix

package subprocess

import (
	"os"
	"os/exec"
)

// ownGroup does nothing: this system has no process groups.
func ownGroup(*exec.Cmd) {}

// killGroup ends the program alone.
func killGroup(p *os.Process) { _ = p.Kill() }

func signalOf(*os.ProcessState) string { return "" }

func isPipeError(error) bool { return false }
