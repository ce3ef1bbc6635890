package diag

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

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

// reach is how many bytes of a line around the marked part are looked at. Machine-made
// files can be one line of megabytes.
const reach = 1000

// snippetOf finds the line in which a range starts; false where the source is not at
// hand or does not reach so far. width limits the columns; 0: no limit.
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
	left, right := vicinity(line, from)
	s := layOutLine(glyphs(line[left:right]), from-left, min(to, right)-left, width)
	if left > 0 {
		s.lead = ellipsis + strings.TrimPrefix(s.lead, ellipsis)
	}
	if right < len(line) {
		s.rest = strings.TrimSuffix(s.rest, ellipsis) + ellipsis
	}
	s.number, s.caret = r.Start.Line, displayWidth(s.lead)
	return s, true
}

const ellipsis = "…"

// vicinity bounds the part of a line around offset at, on boundaries of characters.
func vicinity(line []byte, at int) (left, right int) {
	left, right = max(0, at-reach), min(len(line), at+reach)
	for left < at && !utf8.RuneStart(line[left]) {
		left++
	}
	for right < len(line) && right > at && !utf8.RuneStart(line[right]) {
		right--
	}
	return left, right
}

// layOutLine splits a line around the marked bytes from..to, and shortens it to width
// columns so that the beginning of the marked part stays in view.
func layOutLine(line []glyph, from, to, width int) snippet {
	first, last := bounds(line, from, to)
	begin, end := window(line, first, last, width)
	last = min(last, end)
	s := snippet{lead: join(line[begin:first]), marked: join(line[first:last]), rest: join(line[last:end])}
	if begin > 0 {
		s.lead = ellipsis + s.lead
	}
	if end < len(line) {
		s.rest += ellipsis
	}
	s.length = max(1, columns(line[first:last]))
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
	return line[i].start + line[i].size
}

// window chooses the glyphs to show where a line is too long: from its start if the
// marked part is in view then, else from a third of the width before that part.
func window(line []glyph, first, last, width int) (begin, end int) {
	if width <= 0 || columns(line) <= width {
		return 0, len(line)
	}
	width = max(width, minimumCode) - 2 // both ellipses
	if columns(line[:last]) > width {
		for begin = first; begin > 0 && columns(line[begin-1:first]) <= width/3; {
			begin--
		}
	}
	for end = begin; end < len(line) && columns(line[begin:end+1]) <= width; {
		end++
	}
	return begin, end
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
