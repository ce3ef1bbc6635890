// Package srcpos maps the decoded text of a string literal back to its source: for
// every decoded byte the characters in the file that it came from, escapes and
// multi-byte characters included. Errors inside claims point with it at the exact
// characters.
package srcpos

import (
	"fmt"

	"aicv/spec"
)

// Map is the position table of one literal.
type Map struct {
	text   []byte
	spans  []span // per decoded byte, the source bytes it came from
	origin span   // the content between the delimiters, as far as it is known
	places []spec.Pos
	base   int // byte offset of the literal in its file
	file   string
}

// span is a range of source bytes, relative to the start of the literal.
type span struct{ start, end int }

// InterpolationError says that the literal holds an interpolation or a directive, so
// that its text is not known from its source alone.
type InterpolationError struct {
	Range spec.Range // the opening sequence, such as ${
}

// Error names the place.
func (e *InterpolationError) Error() string {
	return fmt.Sprintf("%s: the string holds an interpolation", e.Range)
}

// Decode makes the table of a quoted string or heredoc in native syntax, or of a JSON
// string, from its source bytes with delimiters. Parentheses and comments around it
// are allowed. start is the position of the first byte in the file. An error means
// that the source is no plain literal; it is an *InterpolationError where only an
// interpolation stands in the way.
func Decode(source []byte, start spec.Pos, file string, json bool) (Map, error) {
	m := Map{places: positions(source, start), base: start.Byte, file: file, origin: span{0, len(source)}}
	if json {
		return m, m.decodeJSON(source)
	}
	return m, m.decodeNative(source)
}

// Text is the decoded text. It is not Unicode normalized, as values of HCL are, so that
// its bytes and the table agree: parse this text, not the evaluated value.
func (m *Map) Text() string { return string(m.text) }

// Range returns the source range of the decoded bytes from..to. An escape or a
// character is covered whole. Where from equals to, the range is empty and stands
// right after the byte before. Offsets outside the text are moved to its ends.
func (m *Map) Range(from, to int) spec.Range {
	from = min(max(from, 0), len(m.text))
	to = min(max(to, from), len(m.text))
	s := m.origin
	switch {
	case from < to:
		s = span{m.spans[from].start, m.spans[to-1].end}
	case from > 0:
		s.start = m.spans[from-1].end
		s.end = s.start
	case len(m.text) > 0:
		s.start = m.spans[0].start
		s.end = s.start
	}
	return m.sourceRange(s)
}

func (m *Map) sourceRange(s span) spec.Range {
	return spec.Range{File: m.file, Start: m.places[s.start], End: m.places[s.end]}
}

func (m *Map) add(decoded string, from span) {
	for i := range len(decoded) {
		m.text = append(m.text, decoded[i])
		m.spans = append(m.spans, from)
	}
}
