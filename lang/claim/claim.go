package claim

import (
	"fmt"

	"aicv/metric"
	"aicv/spec"
)

// Error says what is wrong with a sentence and where. Offset and End are byte
// offsets in the text that was parsed; they are equal where something is missing.
type Error struct {
	Offset, End int
	Message     string // what is wrong, one line
	Detail      string // why, and what is expected
	Suggestion  string // the fix, as a sentence; empty where there is none to offer
}

// Error writes message and detail in one line.
func (e *Error) Error() string {
	if e.Detail == "" {
		return e.Message
	}
	return e.Message + ": " + e.Detail
}

// Parse reads one claim. The claim's Range is left to the caller, who knows where the
// text stands.
func Parse(text string) (spec.Claim, *Error) {
	p := &parser{tokens: lex(text)}
	c := spec.Claim{Text: text}
	m, err := p.subject()
	if err != nil {
		return spec.Claim{}, err
	}
	c.Subject = m.Name
	for _, part := range []func(*spec.Claim, metric.Metric) *Error{p.predicate, p.quantifier, p.end} {
		if err := part(&c, m); err != nil {
			return spec.Claim{}, err
		}
	}
	return c, nil
}

// Quantity reads a figure of a metric with its unit, "30ms", and returns it in the
// metric's own unit. The limits of an slo block are written so.
func Quantity(text string, m metric.Metric) (metric.Decimal, *Error) {
	p := &parser{tokens: lex(text)}
	amount, err := p.quantity(m, "")
	if err != nil {
		return metric.Decimal{}, err
	}
	if t := p.peek(); t.kind != kindEnd {
		return metric.Decimal{}, fail(t, fmt.Sprintf("Unexpected %q after the quantity", t.text), "", "")
	}
	return amount, nil
}

// fail builds an error at a token.
func fail(at token, message, detail, suggestion string) *Error {
	return &Error{Offset: at.start, End: at.end, Message: message, Detail: detail, Suggestion: suggestion}
}

// span joins the ranges of two tokens.
func span(first, last token) token {
	first.end = last.end
	return first
}

// write is the suggestion that shows a corrected sentence.
func write(format string, args ...any) string {
	return fmt.Sprintf("Write %q.", fmt.Sprintf(format, args...))
}
