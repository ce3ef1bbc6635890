package spec

import (
	"context"
	"errors"
)

// Checker is an optional ability of every provider: it looks at all that it needs
// (aicv doctor). It changes nothing and starts no server.
type Checker interface {
	Check(ctx context.Context) []Check
}

// Check is one thing that doctor looked at.
type Check struct {
	Name   string      `json:"name"`            // "interpreter", "image", "docker daemon"
	Status CheckStatus `json:"status"`          //
	Found  string      `json:"found,omitempty"` // what is there: a path, a version
	Fix    string      `json:"fix,omitempty"`   // what to do about it
}

// CheckGPUs names a target's check of its host's GPUs. Where it finds none it skips: whether
// any is needed depends on what the suite runs there.
const CheckGPUs = "GPUs"

// CheckStatus is the outcome of a check.
type CheckStatus string

// The outcomes. Only a failed check stops an apply from working.
const (
	CheckOK   CheckStatus = "ok"
	CheckWarn CheckStatus = "warn"
	CheckFail CheckStatus = "fail"
	CheckSkip CheckStatus = "skip" // nothing to look at here
)

// FailedCheck is the check that an error makes: what is wrong, the evidence, and the fix.
func FailedCheck(name string, err error) Check {
	c := Check{Name: name, Status: CheckFail, Found: err.Error()}
	var e *Error
	if !errors.As(err, &e) {
		return c
	}
	c.Found, c.Fix = e.Summary, e.Fix
	if e.Cause != nil {
		c.Found += ": " + e.Cause.Error()
	}
	if e.Detail != "" {
		c.Found += ": " + e.Detail
	}
	return c
}

// FileReader is an optional ability of every provider: its answers lie in files that the
// declaration names. Validate has it read them, as a plan would.
type FileReader interface {
	ReadFiles(ctx context.Context) error
}

// ImageChecker is an optional ability of a target: it looks whether the image of a server
// that it would start is there, and has the content that is pinned (empty: none is).
type ImageChecker interface {
	CheckImage(ctx context.Context, server *ServerSpec, pinned string) Check
}
