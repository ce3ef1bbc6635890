package spec

import (
	"cmp"
	"fmt"
	"strings"
)

// Pos is a position in a source file.
type Pos struct {
	Line   int `json:"line"`   // from 1
	Column int `json:"column"` // from 1, in grapheme clusters
	Byte   int `json:"byte"`   // from 0
}

// Range is a span of one source file, end exclusive.
type Range struct {
	File  string `json:"file"`
	Start Pos    `json:"start"`
	End   Pos    `json:"end"`
}

// IsZero reports a missing range.
func (r Range) IsZero() bool { return r.File == "" }

// String writes file:line:column of the start.
func (r Range) String() string {
	return fmt.Sprintf("%s:%d:%d", r.File, r.Start.Line, r.Start.Column)
}

// Severity of a diagnostic.
type Severity string

// The severities. A note says what could not be looked at; nothing is wrong.
const (
	SeverityError   Severity = "error"
	SeverityWarning Severity = "warning"
	SeverityNote    Severity = "note"
)

// Diagnostic is one message about the user's files.
type Diagnostic struct {
	Severity   Severity `json:"severity"`
	Summary    string   `json:"summary"`              // what is wrong, one line
	Detail     string   `json:"detail,omitempty"`     // why, and what is expected
	Suggestion string   `json:"suggestion,omitempty"` // the fix, as an imperative: Did you mean "throughput"?
	Subject    Range    `json:"subject"`              // the exact characters
	Notes      []Note   `json:"notes,omitempty"`      // further places: the first declaration, the hops of a cycle
	Values     []Note   `json:"values,omitempty"`     // values of the expressions involved, where they help
	Unshown    bool     `json:"-"`                    // the source line holds what must not be shown
}

// Note is a further place or value of a diagnostic.
type Note struct {
	Text  string `json:"text"`
	Range Range  `json:"range"`
}

// Diagnostics is a list of messages; it is sorted once, where it is shown.
type Diagnostics []Diagnostic

// HasErrors reports whether any message is an error.
func (d Diagnostics) HasErrors() bool {
	for _, x := range d {
		if x.Severity == SeverityError {
			return true
		}
	}
	return false
}

// Refusal is an error that has places in the suite's files: what providers refuse of it.
type Refusal struct {
	Diagnostics Diagnostics
}

// Error writes each message in a line, with its place and its fix.
func (r *Refusal) Error() string {
	lines := make([]string, len(r.Diagnostics))
	for i := range r.Diagnostics {
		d := &r.Diagnostics[i]
		lines[i] = d.Summary
		if !d.Subject.IsZero() {
			lines[i] = d.Subject.String() + ": " + lines[i]
		}
		if text := cmp.Or(d.Suggestion, d.Detail); text != "" {
			lines[i] += " (" + text + ")"
		}
	}
	return strings.Join(lines, "\n")
}
