package report

import (
	"io"
	"strconv"
	"strings"

	"aicv/internal/tty"
	"aicv/metric"
	"aicv/result"
)

// Markdown writes the report for a pull request or a wiki, with every cell.
// Everything that comes from files or tools is escaped.
func Markdown(w io.Writer, r *result.Result) error {
	m := &markdown{text: newText(w, Options{All: true})}
	m.line("# ", escape(r.Suite.Name))
	m.line()
	words, _ := standing(r.Standing)
	m.line("**", words, "** (exit code ", strconv.Itoa(r.ExitCode), "): ", metric.Count(r.Totals.Cells, "cell"), ", ",
		metric.Count(r.Totals.Runs, "run"), tallied(r.Totals.Claims), ".")
	for i := range r.Experiments {
		m.experiment(&r.Experiments[i])
	}
	m.findings(groupFindings(r))
	m.line()
	m.line("Errors are (predicted - measured) / measured. Intervals are of the mean over runs; runs are written as n in k starts.")
	return m.flush("write the Markdown report")
}

type markdown struct{ *text }

// row writes a table row of columns that are escaped already.
func (m *markdown) row(columns ...string) { m.line("| ", strings.Join(columns, " | "), " |") }

func (m *markdown) head(columns ...string) {
	m.line()
	m.row(columns...)
	m.line("|", strings.Repeat(" --- |", len(columns)))
}

func (m *markdown) experiment(e *result.Experiment) {
	names := namingOf(e.Cells)
	m.line()
	m.line("## experiment.", escape(e.Name))
	m.line()
	m.line(metric.Count(len(e.Cells), "cell"), ", ", repeats(e.Repeats), ".")
	if len(names.shared) > 0 {
		m.line()
		m.line("All cells: ", escape(configuration(names.shared)))
	}
	if len(e.Claims) > 0 {
		m.claims(e, names)
	}
	m.items(e, names)
}

func (m *markdown) claims(e *result.Experiment, names naming) {
	m.head("verdict", "claim", "assert", "cells", "marks")
	for i := range e.Claims {
		c := &e.Claims[i]
		m.row(badge(c.Verdict), code(c.Text), escape(gate(c)), tally(c.Counts), escape(strings.Join(c.Marks, ", ")))
	}
	for i := range e.Claims {
		m.claim(e, i, names)
	}
}

func (m *markdown) claim(e *result.Experiment, at int, names naming) {
	c := &e.Claims[at]
	list := worstFirst(e, at)
	m.line()
	m.line("### ", code(c.Text), escape(unitOf(c)))
	m.line()
	m.line(escape(c.Reason))
	if len(list) == 0 {
		return
	}
	m.head("cell", "predicted", "measured", interval(list), "error", "runs", "verdict", "marks", "why")
	for _, x := range list {
		row := append([]string{escape(names.name(x.cell))}, entries(x.verdict.Evidence, c.Unit)...)
		m.row(append(row, badge(x.verdict.Verdict), escape(strings.Join(x.verdict.Marks, ", ")), escape(x.verdict.Reason))...)
	}
}

func (m *markdown) findings(list []finding) {
	if len(list) == 0 {
		return
	}
	m.line()
	m.line("## Findings")
	m.head("severity", "finding", "cells")
	for _, f := range list {
		cells := ""
		if f.cells > 0 {
			cells = strconv.Itoa(f.cells)
		}
		m.row(escape(f.label()), escape(f.Message), cells)
	}
}

// escape keeps text from being read as Markdown or HTML, in a table's row or outside.
func escape(s string) string {
	var b strings.Builder
	for _, r := range tty.Clean(s) {
		if strings.ContainsRune("\\|`*_[]<>#~&", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// code writes text as a code span, whose fence is longer than any run of backticks
// inside. A pipe would end a table's entry even there.
func code(s string) string {
	s = strings.ReplaceAll(tty.Clean(s), "|", "\\|")
	fence := "`"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	if len(fence) > 1 {
		s = " " + s + " "
	}
	return fence + s + fence
}
