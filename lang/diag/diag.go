// Package diag shows messages about the user's files: for people with a snippet and a
// caret line under the exact characters, for programs as JSON.
package diag

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"aicv/spec"
)

// Options say how messages are shown.
type Options struct {
	Color bool
	Width int // columns of the terminal; details are wrapped there
}

// formatVersion is the version of the JSON form.
const formatVersion = "1.0"

// JSON writes sorted messages as one JSON document.
func JSON(diags spec.Diagnostics) ([]byte, error) {
	out, err := json.MarshalIndent(struct {
		FormatVersion string           `json:"format_version"`
		Valid         bool             `json:"valid"`
		Diagnostics   spec.Diagnostics `json:"diagnostics"`
	}{formatVersion, !diags.HasErrors(), append(spec.Diagnostics{}, sorted(diags)...)}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the messages: %w", err)
	}
	return out, nil
}

// Write shows messages for people, sorted by file and position. Sources are the
// files' contents by the names that the ranges use; a missing one costs its snippet.
func Write(w io.Writer, diags spec.Diagnostics, sources map[string][]byte, o Options) error {
	p := &printer{bufio.NewWriter(w), sources, o}
	for i, d := range sorted(diags) {
		if i > 0 {
			p.line("")
		}
		p.message(d)
	}
	if err := p.w.Flush(); err != nil {
		return fmt.Errorf("write the messages: %w", err)
	}
	return nil
}

// sorted orders by file, position, severity and text; messages about no file first.
func sorted(diags spec.Diagnostics) spec.Diagnostics {
	out := slices.Clone(diags)
	slices.SortStableFunc(out, func(a, b spec.Diagnostic) int {
		return cmp.Or(
			strings.Compare(a.Subject.File, b.Subject.File),
			cmp.Compare(a.Subject.Start.Byte, b.Subject.Start.Byte),
			strings.Compare(string(a.Severity), string(b.Severity)),
			strings.Compare(a.Summary, b.Summary),
		)
	})
	return out
}

type printer struct {
	w       *bufio.Writer
	sources map[string][]byte
	o       Options
}

func (p *printer) line(format string, args ...any) { fmt.Fprintf(p.w, format+"\n", args...) }

func (p *printer) style(code, text string) string {
	if !p.o.Color {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (p *printer) message(d spec.Diagnostic) {
	title, colour := "Error", "31"
	if d.Severity == spec.SeverityWarning {
		title, colour = "Warning", "33"
	}
	p.line("%s: %s", p.style("1;"+colour, title), p.style("1", d.Summary))
	if !d.Subject.IsZero() {
		p.snippet(d.Subject, colour, "")
	}
	for i, note := range d.Notes {
		p.note(note, i+1, len(d.Notes))
	}
	for _, value := range d.Values {
		p.line("  with %s", value.Text)
	}
	for _, text := range wrap(d.Detail, p.o.Width-2) {
		p.line("  %s", text)
	}
	if d.Suggestion != "" {
		p.line("  %s %s", p.style("36", "Fix:"), d.Suggestion)
	}
}

// note shows a further place; several, such as the hops of a cycle, are numbered.
func (p *printer) note(n spec.Note, number, of int) {
	text := n.Text
	if of > 1 {
		text = fmt.Sprintf("%d. %s", number, text)
	}
	if n.Range.IsZero() {
		p.line("  %s", text)
		return
	}
	p.snippet(n.Range, "34", text)
}

// snippet shows the place and its line, carets under the exact characters.
func (p *printer) snippet(r spec.Range, colour, label string) {
	p.line("  %s %s", p.style("34", "-->"), strings.TrimSpace(r.String()+"  "+label))
	text, ok := p.sourceLine(r)
	if !ok {
		return
	}
	number := fmt.Sprint(r.Start.Line)
	p.line("%s | %s", number, text)
	p.line("%s | %s", strings.Repeat(" ", len(number)), p.style(colour, underline(text, r)))
}

// sourceLine is the line on which the range starts, without its end.
func (p *printer) sourceLine(r spec.Range) (string, bool) {
	source, ok := p.sources[r.File]
	if !ok || r.Start.Byte < 0 || r.Start.Byte > len(source) {
		return "", false
	}
	start := strings.LastIndexByte(string(source[:r.Start.Byte]), '\n') + 1
	text, _, _ := strings.Cut(string(source[start:]), "\n")
	return printable(strings.TrimSuffix(text, "\r")), true
}

// printable keeps control characters of a file away from the terminal; each becomes
// one visible character, so that columns stay.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r != '\t' && (r < 0x20 || r == 0x7f) {
			return '�'
		}
		return r
	}, text)
}

// wrap breaks a text into lines of at most width columns, between words.
func wrap(text string, width int) []string {
	if text == "" {
		return nil
	}
	var lines []string
	for _, paragraph := range strings.Split(text, "\n") {
		lines = append(lines, wrapLine(paragraph, max(width, 40))...)
	}
	return lines
}

func wrapLine(paragraph string, width int) []string {
	var lines []string
	current := ""
	for _, word := range strings.Fields(paragraph) {
		switch {
		case current == "":
			current = word
		case columns(current)+1+columns(word) > width:
			lines = append(lines, current)
			current = word
		default:
			current += " " + word
		}
	}
	return append(lines, current)
}
