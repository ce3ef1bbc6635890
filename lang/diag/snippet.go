package diag

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"aicv/spec"
)

// minimumCode is the narrowest column in which a source line is still shown cut.
const minimumCode = 20

// snippet is one source line with what is marked in it.
type snippet struct {
	number             int // of the line
	lead, marked, rest string
	caret              int // columns before the caret line's first mark
	length             int // of the marks, at least 1
}

// snippetOf finds the line in which a range starts; false where the source is not at
// hand or does not reach so far.
func snippetOf(r spec.Range, sources map[string][]byte, width int) (snippet, bool) {
	source, ok := sources[r.File]
	start := r.Start.Byte
	if !ok || r.IsZero() || start < 0 || start > len(source) {
		return snippet{}, false
	}
	begin := bytes.LastIndexByte(source[:start], '\n') + 1
	line := source[begin:]
	if end := bytes.IndexByte(line, '\n'); end >= 0 {
		line = line[:end]
	}
	line = bytes.TrimSuffix(line, []byte("\r"))
	from := min(start-begin, len(line))
	to := min(max(r.End.Byte-begin, from), len(line))
	s := cut(glyphs(line), from, to, width)
	s.number = r.Start.Line
	return s, true
}

// cut splits a laid-out line around the marked bytes from..to, and shortens it to
// width columns (0: never) so that the beginning of the marked part stays in view.
func cut(line []glyph, from, to, width int) snippet {
	first, last := bounds(line, from, to)
	begin, end := window(line, first, last, width)
	var s snippet
	if begin > 0 {
		s.lead = "…"
	}
	s.lead += join(line[begin:first])
	s.marked = join(line[first:min(last, end)])
	s.rest = join(line[min(last, end):end])
	if end < len(line) {
		s.rest += "…"
	}
	s.caret = displayWidth(s.lead)
	s.length = max(1, columns(line[first:min(last, end)]))
	return s
}

// bounds finds the glyphs that bytes from..to touch.
func bounds(line []glyph, from, to int) (first, last int) {
	for first < len(line) && endOf(line, first) <= from {
		first++
	}
	last = first
	for last < len(line) && line[last].start < to {
		last++
	}
	return first, last
}

// endOf is the byte offset after a glyph.
func endOf(line []glyph, i int) int {
	if i+1 < len(line) {
		return line[i+1].start
	}
	return int(^uint(0) >> 1)
}

// window chooses the glyphs to show: as much as fits before the marked part after a
// third of the width, then what fits after it.
func window(line []glyph, first, last, width int) (begin, end int) {
	if width <= 0 || columns(line) <= width {
		return 0, len(line)
	}
	width = max(width, minimumCode) - 2 // two ellipses
	before := width / 3
	if left := columns(line[:first]) + columns(line[first:last]); left <= width {
		before = width
	}
	begin = first
	used := 0
	for begin > 0 && used+line[begin-1].width <= min(before, width-min(columns(line[first:last]), width-before)) {
		begin--
		used += line[begin].width
	}
	for end = begin; end < len(line) && columns(line[begin:end+1]) <= width; {
		end++
	}
	return begin, max(end, min(first+1, len(line)))
}

func join(line []glyph) string {
	var b strings.Builder
	for _, g := range line {
		b.WriteString(g.text)
	}
	return b.String()
}

func columns(line []glyph) int {
	width := 0
	for _, g := range line {
		width += g.width
	}
	return width
}

// writeSnippet writes the location, and the line with its caret line where the source
// is at hand.
func (p *printer) writeSnippet(r spec.Range, indent string) {
	p.printf("%sat %s\n", indent, p.paint(styleDim, clean(r.String())))
	gutter := len(strconv.Itoa(r.Start.Line))
	room := 0
	if p.width > 0 {
		room = max(p.width-len(indent)-gutter-3, minimumCode)
	}
	s, ok := snippetOf(r, p.sources, room)
	if !ok {
		return
	}
	number := p.paint(styleDim, fmt.Sprintf("%d |", s.number))
	p.printf("%s%s\n", indent, strings.TrimRight(number+" "+s.lead+p.paint(styleMark, s.marked)+s.rest, " "))
	bar := p.paint(styleDim, strings.Repeat(" ", gutter)+" |")
	p.printf("%s%s %s%s\n", indent, bar, strings.Repeat(" ", s.caret), p.paint(styleMark, strings.Repeat("^", s.length)))
}
