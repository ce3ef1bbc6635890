// Package text cuts foreign text, such as the logs of servers, to a bounded size.
package text

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// Tail keeps the last bytes of what is written to it, whatever their number.
type Tail struct {
	limit  int
	kept   []byte
	lines  int
	longer bool // something was dropped
}

// NewTail keeps at most limit bytes.
func NewTail(limit int) *Tail { return &Tail{limit: max(limit, 0)} }

// Write takes everything and fails never.
func (t *Tail) Write(p []byte) (int, error) {
	t.lines += bytes.Count(p, []byte{'\n'})
	t.kept = append(t.kept, p...)
	if len(t.kept) > 2*t.limit+4096 {
		t.cut()
	}
	return len(p), nil
}

func (t *Tail) cut() {
	if over := len(t.kept) - t.limit; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
		t.longer = true
	}
}

// Lines is the number of line ends that were written.
func (t *Tail) Lines() int { return t.lines }

// Full reports whether at least the limit was written.
func (t *Tail) Full() bool { return t.longer || len(t.kept) >= t.limit }

// String is the tail, from the beginning of a line.
func (t *Tail) String() string {
	t.cut()
	if t.longer {
		return FromLine(string(t.kept))
	}
	return string(t.kept)
}

// FromLine drops the line that text, cut off somewhere, begins in the middle of, unless
// it is all that there is.
func FromLine(text string) string {
	if _, rest, found := strings.Cut(text, "\n"); found && rest != "" {
		return rest
	}
	for text != "" && !utf8.RuneStart(text[0]) {
		text = text[1:]
	}
	return text
}
