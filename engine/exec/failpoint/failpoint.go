// Package failpoint breaks an apply at a chosen point, for tests of crash safety: it
// wraps the store and the targets, numbers every call that has an effect outlasting
// the process, and at the n-th of them returns an error or kills the process, before
// or after the call. A sweep over n = 1..N then shows that resuming gives what an
// undisturbed apply gives.
package failpoint

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
)

// Mode is what happens at the chosen call.
type Mode string

// The modes.
const (
	ErrorBefore Mode = "error_before" // the call is not made and fails
	ErrorAfter  Mode = "error_after"  // the call is made, and its caller is told that it failed
	KillBefore  Mode = "kill_before"  // SIGKILL instead of the call
	KillAfter   Mode = "kill_after"   // SIGKILL once the call was made
)

// ErrInjected is the error that a failpoint returns.
var ErrInjected = errors.New("injected failure")

// Counter numbers the calls of one process from 1. It may be shared by any number
// of wrappers and used from several goroutines.
type Counter struct {
	mode  Mode
	at    int
	kill  func()
	trace func(n int, call string)

	mutex sync.Mutex
	calls int
	fired bool
}

// New makes a counter that strikes at the n-th call; with n = 0 it only counts.
func New(n int, mode Mode) *Counter {
	return &Counter{at: n, mode: mode, kill: killSelf}
}

// Parse reads "MODE:N", for instance kill_after:12; "count" only counts.
func Parse(text string) (*Counter, error) {
	if text == "count" {
		return New(0, ErrorBefore), nil
	}
	name, number, found := strings.Cut(text, ":")
	n, err := strconv.Atoi(number)
	if !found || err != nil || n < 1 {
		return nil, fmt.Errorf("failpoint %q: want MODE:N with N from 1, or count", text)
	}
	switch mode := Mode(name); mode {
	case ErrorBefore, ErrorAfter, KillBefore, KillAfter:
		return New(n, mode), nil
	}
	return nil, fmt.Errorf("failpoint %q: modes are %s, %s, %s and %s", text, ErrorBefore, ErrorAfter, KillBefore, KillAfter)
}

// Trace has every call reported as it is numbered, before it is made.
func (c *Counter) Trace(report func(n int, call string)) { c.trace = report }

// Calls is the number of calls so far.
func (c *Counter) Calls() int {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.calls
}

// Fired reports whether the chosen call was reached.
func (c *Counter) Fired() bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.fired
}

// strikes numbers a call and says whether it is the chosen one.
func (c *Counter) strikes(call string) bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.calls++
	if c.trace != nil {
		c.trace(c.calls, call)
	}
	if c.calls == c.at {
		c.fired = true
		return true
	}
	return false
}

// around makes one call, or breaks it.
func around[T any](c *Counter, name string, call func() (T, error)) (T, error) {
	if !c.strikes(name) {
		return call()
	}
	var none T
	switch c.mode {
	case KillBefore:
		c.kill()
	case ErrorBefore:
		return none, fmt.Errorf("%s: %w", name, ErrInjected)
	}
	result, err := call()
	if c.mode == KillAfter {
		c.kill()
	}
	if err != nil {
		return result, err
	}
	return none, fmt.Errorf("%s: %w", name, ErrInjected)
}

// do is around for calls that return nothing but an error.
func do(c *Counter, name string, call func() error) error {
	_, err := around(c, name, func() (struct{}, error) { return struct{}{}, call() })
	return err
}

// killSelf ends the process as kill -9 does: nothing deferred runs.
func killSelf() {
	if self, err := os.FindProcess(os.Getpid()); err == nil {
		_ = self.Kill()
	}
	select {} // until the signal arrives
}
