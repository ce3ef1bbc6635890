package diag

import (
	"fmt"
	"io"
	"strings"

	"aicv/spec"
)

// Options say how text is written.
type Options struct {
	Color bool // ANSI colours
	Width int  // columns of the terminal; 0: unlimited, nothing is wrapped or cut
}

// The styles, as ANSI sequences.
const (
	styleError   = "\x1b[1;31m"
	styleWarning = "\x1b[1;33m"
	styleBold    = "\x1b[1m"
	styleDim     = "\x1b[2m"
	styleMark    = "\x1b[1;31m"
	styleReset   = "\x1b[0m"
)

// Write shows the diagnostics in the order of file, position and severity, each with
// its source line from sources (by the file name that ranges carry), a caret line, its
// detail, values, notes and suggestion. It fails only where w does.
func Write(w io.Writer, diags spec.Diagnostics, sources map[string][]byte, opts Options) error {
	p := &printer{sources: sources, color: opts.Color, width: opts.Width}
	for i, d := range sorted(diags) {
		if i > 0 {
			p.printf("\n")
		}
		p.diagnostic(d)
	}
	if _, err := io.WriteString(w, p.out.String()); err != nil {
		return fmt.Errorf("write diagnostics: %w", err)
	}
	return nil
}

type printer struct {
	out     strings.Builder
	sources map[string][]byte
	color   bool
	width   int
}

func (p *printer) printf(format string, args ...any) { fmt.Fprintf(&p.out, format, args...) }

func (p *printer) paint(style, text string) string {
	if !p.color || text == "" {
		return text
	}
	return style + text + styleReset
}

func (p *printer) diagnostic(d spec.Diagnostic) {
	heading := p.paint(styleError, "Error:")
	switch d.Severity {
	case spec.SeverityWarning:
		heading = p.paint(styleWarning, "Warning:")
	case spec.SeverityNote:
		heading = p.paint(styleBold, "Note:")
	}
	p.printf("%s %s\n", heading, p.paint(styleBold, clean(d.Summary)))
	switch {
	case d.Unshown && !d.Subject.IsZero():
		p.printf("  at %s\n", p.paint(styleDim, clean(d.Subject.String())))
	case !d.Subject.IsZero():
		p.writeSnippet(d.Subject, "  ")
	}
	p.paragraph(d.Detail)
	for i, v := range d.Values {
		if i == 0 {
			p.printf("\n")
		}
		p.wrapped("  - ", "    ", v.Text)
	}
	p.notes(d.Notes)
	p.paragraph(d.Suggestion)
}

// paragraph writes a text after an empty line.
func (p *printer) paragraph(text string) {
	if text == "" {
		return
	}
	p.printf("\n")
	p.wrapped("  ", "  ", text)
}

// notes lists further places; several are numbered, since they are steps of a way.
func (p *printer) notes(notes []spec.Note) {
	for i, n := range notes {
		lead := "  "
		if len(notes) > 1 {
			lead = fmt.Sprintf("  %d. ", i+1)
		}
		p.printf("\n")
		indent := strings.Repeat(" ", len(lead))
		p.wrapped(lead, indent, n.Text)
		if !n.Range.IsZero() {
			p.writeSnippet(n.Range, indent)
		}
	}
}

// wrapped writes a text in lines of at most the width, the first behind lead and the
// others behind indent. Line breaks of the text stay; a word that is too long stands
// alone.
func (p *printer) wrapped(lead, indent, text string) {
	for paragraph := range strings.SplitSeq(clean(text), "\n") {
		p.fill(lead, indent, paragraph)
		lead = indent
	}
}

func (p *printer) fill(lead, indent, paragraph string) {
	if p.width <= 0 || displayWidth(lead+paragraph) <= p.width {
		p.printf("%s\n", strings.TrimRight(lead+paragraph, " "))
		return
	}
	line, used := lead, len(lead)
	empty := true
	for word := range strings.FieldsSeq(paragraph) {
		n := displayWidth(word)
		if !empty && used+1+n > p.width {
			p.printf("%s\n", line)
			line, used, empty = indent, len(indent), true
		}
		if !empty {
			line, used = line+" ", used+1
		}
		line, used, empty = line+word, used+n, false
	}
	p.printf("%s\n", line)
}
