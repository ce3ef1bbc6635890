// Package planview shows a plan: as text for people and as a document for programs.
package planview

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"aicv/engine"
	"aicv/internal/tty"
	"aicv/metric"
)

// Options say how a plan is written as text.
type Options struct {
	Color   bool
	Width   int  // columns; 0: 100
	All     bool // every cell, however many there are
	Verbose bool // every predicted metric, not only those that claims are about, the arithmetic of memory, and all items of the configurations
}

// The limits of a long plan's text.
const (
	defaultWidth = 100
	longPlan     = 60 // cells above which the text is shortened
	mostRows     = 40 // cells that a shortened text lists
	mostGroup    = 10 // of them in one group
	mostOthers   = 10 // deployments, gone cells and the like that a shortened text lists
)

// Text writes the plan for people: cells with their predictions and what becomes of
// them, deployments, what can not be decided, and the cost. A long plan is shortened
// unless o.All is set.
func Text(w io.Writer, p *engine.Plan, o Options) error {
	if o.Width <= 0 {
		o.Width = defaultWidth
	}
	t := &text{out: bufio.NewWriter(w), plan: p, options: o, rows: len(p.Cells)}
	if len(p.Cells) > longPlan && !o.All {
		t.rows, t.short = mostRows, true
	}
	for _, part := range []func(){t.cells, t.modelled, t.memory, t.deployments, t.gone, t.undecidable, t.findings, t.summary} {
		part()
	}
	if err := t.out.Flush(); err != nil {
		return fmt.Errorf("write the plan: %w", err)
	}
	return nil
}

// text is one writing of a plan. Errors of the buffered writer stick until Flush.
type text struct {
	out     *bufio.Writer
	plan    *engine.Plan
	options Options
	rows    int  // cells that may still be listed
	short   bool // the text is shortened
}

func (t *text) line(format string, args ...string) {
	values := make([]any, len(args))
	for i, a := range args {
		values[i] = a
	}
	_, _ = fmt.Fprintf(t.out, format+"\n", values...)
}

// wrapped writes a paragraph behind a sign, broken between words.
func (t *text) wrapped(sign, paragraph string) {
	_, _ = t.out.WriteString("  " + t.paint(sign) + " ")
	t.flow(4, 4, paragraph)
}

// flow writes a paragraph from a column on, broken between words; further lines are
// indented.
func (t *text) flow(used, indent int, paragraph string) {
	for i, word := range strings.Fields(tty.Clean(paragraph)) {
		n := width(word)
		switch {
		case i == 0:
		case used+1+n > t.options.Width:
			_, _ = t.out.WriteString("\n" + strings.Repeat(" ", indent))
			used = indent
		default:
			_ = t.out.WriteByte(' ')
			used++
		}
		_, _ = t.out.WriteString(word)
		used += n
	}
	_ = t.out.WriteByte('\n')
}

// limit is how many entries of a list other than cells are written.
func (t *text) limit(n int) int {
	if t.short || (n > longPlan && !t.options.All) {
		return min(n, mostOthers)
	}
	return n
}

func (t *text) more(left int, what string) {
	if left > 0 {
		t.line("    ... %s more %s; --all shows them", metric.Whole(left), what)
	}
}

// The signs before cells, by what becomes of them.
const (
	signNew      = "+"
	signRerun    = "±"
	signContinue = "~"
	signKept     = "="
	signRejudge  = "*"
	signGone     = "-"
	signDoubt    = "?"
	signNote     = "!"
	signExcluded = "."
	signRefused  = "x"
)

// paint colours a sign.
func (t *text) paint(sign string) string {
	if !t.options.Color {
		return sign
	}
	codes := map[string]string{
		signNew: "32", signRerun: "33", signContinue: "33", signKept: "2", signRejudge: "36",
		signGone: "31", signDoubt: "35", signNote: "33", signExcluded: "2", signRefused: "31",
	}
	return "\x1b[" + codes[sign] + "m" + sign + "\x1b[0m"
}

func (t *text) bold(s string) string {
	if !t.options.Color {
		return s
	}
	return "\x1b[1m" + s + "\x1b[0m"
}
