package spec

import "errors"

// ErrorKind sorts errors by what they mean for the cells concerned.
type ErrorKind string

// The kinds. Only a configuration error counts against the claims of a cell; the
// others leave it without data, to be planned again.
const (
	ErrConfiguration  ErrorKind = "configuration"  // the engine refuses or dies on its configuration
	ErrInfrastructure ErrorKind = "infrastructure" // host, network, driver, target
	ErrBenchmark      ErrorKind = "benchmark"      // the client could not measure
	ErrInterrupted    ErrorKind = "interrupted"    // cancelled by the user
	ErrUsage          ErrorKind = "usage"          // asked for what can not be done
)

// Error is an error with its meaning, its cause and its fix.
type Error struct {
	Kind    ErrorKind
	Summary string // what failed, one line
	Detail  string // the evidence: log lines, exit code
	Fix     string // what to do about it
	// Attribute is what is wrong in a declaration, for errors of constructors and of
	// Registration.Validate: "url", or "metric" for a nested block; empty: the whole.
	Attribute string
	Cause     error
}

// Error writes summary, cause and fix in one line.
func (e *Error) Error() string {
	text := e.Summary
	if e.Cause != nil {
		text += ": " + e.Cause.Error()
	}
	if e.Fix != "" {
		text += " (" + e.Fix + ")"
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// KindOf finds the kind of an error; infrastructure where nothing says otherwise,
// because an unexplained error must not count against a prediction.
func KindOf(err error) ErrorKind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return ErrInfrastructure
}
