// Package subprocess runs programs of others: with argv and never a shell, in a
// process group of their own that ends as a whole, and with bounds on all that they
// may say.
package subprocess

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"time"

	"aicv/kit/text"
)

// maxTail bounds what is kept of a program's standard error, in bytes.
const maxTail = 64 << 10

// grace is how long pipes are waited for that something outside the group may hold.
const grace = 2 * time.Second

// Command is one program to run.
type Command struct {
	Args  []string // argv; the first is a path, or a name on PATH
	Dir   string   // working folder
	Env   []string // whole environment; nil: ours
	Stdin []byte
	// Line is called for each complete line of standard output, without its end, in
	// order. Lines above 4 MiB are cut. It must not keep the slice.
	Line func(line []byte)
}

// Ended is how a program ended.
type Ended struct {
	Code    int    // exit status; -1 where a signal ended it
	Signal  string // the signal's name; empty where it exited by itself
	Partial string // what stood on standard output behind the last complete line
	Stderr  string // the last 64 KiB of standard error
	// Cause is why we ended it, the cause of the context's end; nil where it ended by
	// itself.
	Cause error
}

// OK reports whether the program ended by itself, with exit status 0.
func (e Ended) OK() bool { return e.Code == 0 && e.Cause == nil }

// String says how the program ended: "exit status 1", "signal: killed".
func (e Ended) String() string {
	switch {
	case e.Cause != nil:
		return e.Cause.Error()
	case e.Signal != "":
		return "signal: " + e.Signal
	}
	return fmt.Sprintf("exit status %d", e.Code)
}

// Run runs a program to its end. When ctx ends first, the program is killed with all
// that it started, and what it said until then is kept. The only error is a program
// that could not be started.
func Run(ctx context.Context, c Command) (Ended, error) {
	out, errs := text.NewLines(c.Line), &tail{}
	cmd := exec.Command(c.Args[0], c.Args[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = c.Dir, c.Env, out, errs
	cmd.Stdin = bytes.NewReader(c.Stdin)
	cmd.WaitDelay = grace
	ownGroup(cmd)
	if err := ctx.Err(); err != nil {
		return Ended{Code: -1, Cause: context.Cause(ctx)}, nil
	}
	if err := cmd.Start(); err != nil {
		return Ended{}, fmt.Errorf("start %s: %w", c.Args[0], err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	var cause, err error
	select {
	case err = <-ended:
	case <-ctx.Done():
		cause = context.Cause(ctx)
		killGroup(cmd.Process)
		err = <-ended
	}
	killGroup(cmd.Process) // whatever the program left behind
	e := Ended{Code: cmd.ProcessState.ExitCode(), Partial: out.Rest(), Stderr: errs.String(), Cause: cause}
	e.Signal = signalOf(cmd.ProcessState)
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) && !errors.Is(err, exec.ErrWaitDelay) && !brokenPipe(err) {
		return e, fmt.Errorf("run %s: %w", c.Args[0], err)
	}
	return e, nil
}

// brokenPipe is no failure: the program did not read all of its input.
func brokenPipe(err error) bool { return errors.Is(err, io.ErrClosedPipe) || isPipeError(err) }

// tail keeps the last bytes.
type tail struct{ buffer []byte }

func (t *tail) Write(b []byte) (int, error) {
	t.buffer = append(t.buffer, b...)
	if over := len(t.buffer) - maxTail; over > maxTail {
		t.buffer = append(t.buffer[:0], t.buffer[over:]...)
	}
	return len(b), nil
}

func (t *tail) String() string {
	return string(t.buffer[max(0, len(t.buffer)-maxTail):])
}
