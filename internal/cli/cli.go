// Package cli is the command line: argv becomes a request to the engine, and what
// comes back becomes a view and an exit code. It knows no provider; main hands
// the registrations in.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"aicv/engine"
	"aicv/spec"
)

// The exit codes, always distinct.
const (
	ExitOK          = 0   // all claims pass, or there was nothing to do
	ExitError       = 1   // aicv could not do its work
	ExitChanges     = 2   // plan --detailed-exitcode: changes are pending
	ExitFailed      = 3   // a claim failed; fmt -check: a file is not formatted
	ExitUndecided   = 4   // a claim is inconclusive, not comparable or without data
	ExitInterrupted = 130 // interrupted by a signal
)

// Version of aicv, set by the release build.
const Version = "0.1.0-dev"

// Stdio is the standard streams of one invocation.
type Stdio struct {
	In       io.Reader
	Out, Err io.Writer
}

// Config is what main hands in.
type Config struct {
	Registrations []spec.Registration
	// WrapStore lets tests count and break durable steps; nil: not wrapped.
	WrapStore func(engine.Store) engine.Store
	// MaxStatePages bounds the state's size, in pages of 4 KiB, so that tests can
	// rehearse a full disk; 0: no bound.
	MaxStatePages int
}

// Run executes one command line and returns its exit code. It installs signal
// handling only for commands that need it.
func Run(config Config, args []string, stdio Stdio) (code int) {
	a := &app{config: config, stdio: stdio, getenv: os.LookupEnv}
	defer a.survive(&code)
	root := a.rootCommand()
	root.SetArgs(normalizeFlags(root, args))
	err := root.ExecuteContext(context.Background())
	return a.exitCode(namedCommand(root, err))
}

// survive makes a panic an error like others: the runtime's own exit code for one, 2,
// would say that changes are pending.
func (a *app) survive(code *int) {
	cause := recover()
	if cause == nil {
		return
	}
	a.printError(&spec.Error{Kind: spec.ErrInfrastructure, Summary: fmt.Sprintf("aicv itself failed: %v", cause), Detail: string(debug.Stack()),
		Fix: "this is a defect of aicv, please report it; what was measured is kept, and apply resumes"})
	*code = ExitError
}

// exit ends a command with a code other than 1 and without a further message.
type exit int

func (e exit) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

func (a *app) exitCode(err error) int {
	var code exit
	switch {
	case err == nil:
		return ExitOK
	case errors.As(err, &code):
		return int(code)
	}
	a.printError(err)
	return ExitError
}
