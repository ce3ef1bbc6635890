package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"aicv/result"
)

// Markdown writes the report for a pull request or a wiki. Everything that comes from
// files or tools is escaped.
func Markdown(w io.Writer, r *result.Result) error {
	m := &markdown{bufio.NewWriter(w)}
	m.line("# %s", escape(r.Suite.Name))
	m.line("")
	m.line("Exit code %d: %s over cells and claims.", r.ExitCode, tally(r.Totals.Claims))
	for i := range r.Experiments {
		m.experiment(&r.Experiments[i])
	}
	m.findings(allFindings(r))
	m.line("")
	m.line("Errors are (predicted - measured) / measured. The unit of every interval is the run.")
	if err := m.w.Flush(); err != nil {
		return fmt.Errorf("write the Markdown report: %w", err)
	}
	return nil
}

type markdown struct{ w *bufio.Writer }

func (m *markdown) line(format string, args ...any) { fmt.Fprintf(m.w, format+"\n", args...) }

// row writes a table row of escaped columns.
func (m *markdown) row(columns ...string) {
	for i := range columns {
		columns[i] = escape(columns[i])
	}
	m.line("| %s |", strings.Join(columns, " | "))
}

func (m *markdown) head(columns ...string) {
	m.line("")
	m.row(columns...)
	m.line("|%s", strings.Repeat("---|", len(columns)))
}

func (m *markdown) experiment(e *result.Experiment) {
	m.line("")
	m.line("## experiment.%s", escape(e.Name))
	m.head("verdict", "claim", "assert", "cells", "marks")
	for i := range e.Claims {
		c := &e.Claims[i]
		m.row(word(c.Verdict), c.Text, c.Assert+gate(c.Severity), tally(c.Counts), strings.Join(c.Marks, ", "))
	}
	for i := range e.Claims {
		c := &e.Claims[i]
		m.line("")
		m.line("### %s", escape(c.Text))
		m.head("cell", "predicted", "measured", "interval", "error", "verdict", "why")
		for _, cell := range worstFirst(e.Cells, i) {
			row := evidenceRow(cell, i, c)
			m.row(append(trimmed(row), verdictOf(cell, i).Reason)...)
		}
	}
}

func trimmed(columns []string) []string {
	for i := range columns {
		columns[i] = strings.TrimSpace(columns[i])
	}
	return columns
}

func (m *markdown) findings(list []finding) {
	if len(list) == 0 {
		return
	}
	m.line("")
	m.line("## Findings")
	m.head("severity", "check", "finding", "cells")
	for _, f := range list {
		m.row(string(f.Severity), f.Check, f.Message, fmt.Sprint(f.cells))
	}
}

// escape keeps text from being read as Markdown or HTML.
func escape(s string) string {
	return strings.NewReplacer(
		"\\", "\\\\", "|", "\\|", "`", "\\`", "*", "\\*", "_", "\\_", "[", "\\[", "]", "\\]",
		"<", "&lt;", ">", "&gt;", "&", "&amp;", "\n", " ", "\r", " ", "#", "\\#",
	).Replace(s)
}
