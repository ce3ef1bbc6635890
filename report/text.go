package report

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"aicv/result"
	"aicv/spec"
)

// Options say how a report is written.
type Options struct {
	Color bool // terminal colours
	Width int  // columns
	All   bool // every cell, however many there are
}

// shown is how many cells of a claim a short report lists, the worst first.
const shown = 8

// Text writes the report for a terminal: each claim with its verdict over all cells,
// then the cells behind it.
func Text(w io.Writer, r *result.Result, o Options) error {
	t := &text{w: bufio.NewWriter(w), o: o}
	for i := range r.Experiments {
		t.experiment(&r.Experiments[i])
	}
	t.findings(allFindings(r))
	t.conclusion(r)
	if err := t.w.Flush(); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

type text struct {
	w *bufio.Writer
	o Options
}

func (t *text) line(format string, args ...any) { fmt.Fprintf(t.w, format+"\n", args...) }

func (t *text) experiment(e *result.Experiment) {
	t.line("%s: %s", t.bold("experiment."+e.Name), plural(len(e.Cells), "cell"))
	var claims table
	for i := range e.Claims {
		c := &e.Claims[i]
		claims.add("  "+word(c.Verdict), c.Text, c.Assert+gate(c.Severity), tally(c.Counts), strings.Join(c.Marks, ", "))
	}
	for i, line := range claims.lines() {
		t.line("%s", t.paint(line, e.Claims[i].Verdict))
	}
	for i := range e.Claims {
		t.claim(e, i)
	}
	t.line("")
}

// claim lists the cells of one claim, the worst first.
func (t *text) claim(e *result.Experiment, at int) {
	c := &e.Claims[at]
	cells := worstFirst(e.Cells, at)
	limit := len(cells)
	if !t.o.All && limit > shown {
		limit = shown
	}
	t.line("\n  %s", t.bold(c.Text))
	rows := table{right: []bool{false, true, true, false, true}}
	rows.add("    cell", "predicted", "measured", "interval", "error", "verdict")
	for _, cell := range cells[:limit] {
		rows.add(evidenceRow(cell, at, c)...)
	}
	for i, line := range rows.lines() {
		if i == 0 {
			t.line("%s", t.dim(line))
			continue
		}
		t.line("%s", t.paint(line, verdictOf(cells[i-1], at).Verdict))
	}
	if rest := len(cells) - limit; rest > 0 {
		t.line("    ... and %s more; aicv report lists all", plural(rest, "cell"))
	}
	t.reasons(cells[:limit], at)
}

// evidenceRow is one cell's line: what was predicted, measured, and by how much they
// differ, relative to the measured value.
func evidenceRow(cell *result.Cell, at int, c *result.Claim) []string {
	v := verdictOf(cell, at)
	predicted, measured, interval, off := "-", "-", "", ""
	if e := v.Evidence; e != nil {
		measured = quantity(e.Measured, c.Unit)
		if e.Predicted != nil {
			predicted = quantity(*e.Predicted, c.Unit)
		}
		if e.Low != nil && e.High != nil {
			interval = number(*e.Low*scale(c)) + ".." + number(*e.High*scale(c))
		}
		if e.Error != nil {
			off = percent(*e.Error)
		}
		interval = strings.TrimSpace(interval + " " + sample(e))
	}
	return []string{"    " + name(cell), predicted, measured, interval, off, strings.TrimSpace(word(v.Verdict) + " " + marks(v.Marks))}
}

// scale turns shares into the percentages that quantity writes.
func scale(c *result.Claim) float64 {
	if strings.HasSuffix(quantity(1, c.Unit), "%") {
		return 100
	}
	return 1
}

func sample(e *spec.Evidence) string {
	if e.Starts == 0 {
		return fmt.Sprintf("(n=%d)", e.Runs)
	}
	return fmt.Sprintf("(n=%d in %s)", e.Runs, plural(e.Starts, "start"))
}

// name is a cell's address without its experiment, which stands above it.
func name(c *result.Cell) string {
	if len(c.Axes) == 0 {
		return c.Address
	}
	return configuration(c.Axes, ",")
}

// verdictOf finds the verdict of a claim; a cell that was not judged has an empty one.
func verdictOf(c *result.Cell, claim int) *result.CellVerdict {
	if v := c.Verdict(claim); v != nil {
		return v
	}
	return &result.CellVerdict{Claim: claim}
}

func marks(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return "[" + strings.Join(list, ", ") + "]"
}

// reasons says why, for cells whose figures do not.
func (t *text) reasons(cells []*result.Cell, at int) {
	said := map[string]bool{}
	for _, cell := range cells {
		v := verdictOf(cell, at)
		if (v.Evidence != nil && v.Verdict != spec.VerdictNotComparable) || v.Reason == "" || said[v.Reason] {
			continue
		}
		said[v.Reason] = true
		t.line("    %s: %s", word(v.Verdict), v.Reason)
	}
}

// worstFirst orders cells by verdict, then by how far the prediction is off.
func worstFirst(cells []result.Cell, at int) []*result.Cell {
	order := make([]*result.Cell, len(cells))
	for i := range cells {
		order[i] = &cells[i]
	}
	slices.SortStableFunc(order, func(a, b *result.Cell) int {
		x, y := verdictOf(a, at), verdictOf(b, at)
		return cmp.Or(y.Verdict.Rank()-x.Verdict.Rank(), cmp.Compare(size(y.Evidence), size(x.Evidence)))
	})
	return order
}

func size(e *spec.Evidence) float64 {
	if e == nil || e.Error == nil {
		return 0
	}
	return max(*e.Error, -*e.Error)
}

func (t *text) findings(list []finding) {
	if len(list) == 0 {
		return
	}
	t.line("%s", t.bold("findings"))
	limit := len(list)
	if !t.o.All {
		limit = min(limit, shown)
	}
	for _, f := range list[:limit] {
		where := ""
		if f.cells > 0 {
			where = " (" + plural(f.cells, "cell") + ")"
		}
		t.line("  %s: %s%s", f.Severity, f.Message, where)
	}
	if rest := len(list) - limit; rest > 0 {
		t.line("  ... and %s more; aicv report lists all", plural(rest, "finding"))
	}
	t.line("")
}

func (t *text) conclusion(r *result.Result) {
	sentence, worst := "All claims pass", spec.VerdictPass
	switch r.Standing {
	case result.StandingNoClaims:
		t.line("No claim gates the exit code.")
		return
	case result.StandingFail:
		sentence, worst = "A claim failed", spec.VerdictFail
	case result.StandingUndecided:
		sentence, worst = "A claim is undecided", spec.VerdictInconclusive
	}
	t.line("%s (exit code %d): %s over cells and claims", t.paint(sentence, worst), r.ExitCode, tally(r.Totals.Claims))
}
