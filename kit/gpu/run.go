package gpu

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
	"unicode"
)

// Runner runs a tool and returns what it printed on its standard output, also where it
// failed: drivers' tools explain themselves there. A tool that is not installed gives an
// error that wraps exec.ErrNotFound.
type Runner func(ctx context.Context, name string, args ...string) ([]byte, error)

const (
	deadline = 20 * time.Second // for one answer of a tool
	maxSaid  = 16 << 20         // bytes of an answer
)

// Run runs a real tool. It returns at the latest a moment after 20 seconds, also where
// the tool hangs in the kernel and can not be killed, as one does whose driver is stuck.
func Run(ctx context.Context, name string, args ...string) ([]byte, error) {
	return runWithin(ctx, deadline, name, args...)
}

func runWithin(ctx context.Context, limit time.Duration, name string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	command := exec.CommandContext(ctx, name, args...)
	command.WaitDelay = time.Second
	out, said := &bounded{left: maxSaid}, &bounded{left: 64 << 10}
	command.Stdout, command.Stderr = out, said
	if err := command.Start(); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	err, over := await(ctx, ended, 2*command.WaitDelay)
	if !over || ctx.Err() != nil {
		return nil, tooSlow(ctx, limit)
	}
	return out.kept.Bytes(), withWords(err, out, said)
}

// await waits for the end of a tool that is killed with the context; false where it does
// not end by that either.
func await(ctx context.Context, ended <-chan error, grace time.Duration) (error, bool) {
	select {
	case err := <-ended:
		return err, true
	case <-ctx.Done():
	}
	select {
	case err := <-ended:
		return err, true
	case <-time.After(grace):
		return nil, false
	}
}

func tooSlow(ctx context.Context, limit time.Duration) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("it did not answer within %s: its driver may hang", limit)
	}
	return ctx.Err()
}

// withWords adds to a tool's failure what it said.
func withWords(err error, out, said *bounded) error {
	if err == nil && (out.over || said.over) {
		return errors.New("its answer is too long")
	}
	if err == nil {
		return nil
	}
	if words := firstLine(out.kept.String() + "\n" + said.kept.String()); words != "" {
		return fmt.Errorf("%w: %s", err, words)
	}
	return err
}

// firstLine is the first line that says something, without what a terminal would obey.
func firstLine(text string) string {
	const most = 300
	for line := range strings.Lines(text) {
		if clean := []rune(printable(line)); len(clean) > 0 {
			return string(clean[:min(len(clean), most)])
		}
	}
	return ""
}

// printable leaves out what a terminal would obey.
func printable(text string) string {
	return strings.TrimSpace(strings.ToValidUTF8(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, text), ""))
}

// bounded keeps the first bytes that are written to it. It is no bytes.Buffer, which
// would read all that there is by itself.
type bounded struct {
	kept bytes.Buffer
	left int
	over bool
}

// Write takes everything and keeps what there is room for.
func (b *bounded) Write(p []byte) (int, error) {
	kept := p[:min(len(p), b.left)]
	b.left -= len(kept)
	b.over = b.over || len(kept) < len(p)
	b.kept.Write(kept)
	return len(p), nil
}
