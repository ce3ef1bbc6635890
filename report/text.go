package report

import (
	"bufio"
	"fmt"
	"io"
	"strconv"

	"aicv/internal/tty"
	"aicv/metric"
	"aicv/result"
	"aicv/spec"
)

// Text writes the report for a terminal: each claim with its verdict over all cells,
// then the cells behind it, the worst first.
func Text(w io.Writer, r *result.Result, o Options) error {
	t := newText(w, o)
	for i := range r.Experiments {
		t.experiment(&r.Experiments[i])
	}
	t.findings(groupFindings(r))
	t.conclusion(r)
	return t.flush("write the report")
}

// text writes lines; the writer keeps the first error for the end.
type text struct {
	w *bufio.Writer
	o Options
}

func newText(w io.Writer, o Options) *text { return &text{w: bufio.NewWriter(w), o: o} }

func (t *text) flush(what string) error {
	if err := t.w.Flush(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// line writes the parts joined as one line.
func (t *text) line(parts ...string) {
	for _, part := range parts {
		_, _ = t.w.WriteString(part)
	}
	_ = t.w.WriteByte('\n')
}

// wrapped writes text that may be longer than a line.
func (t *text) wrapped(indent, s string) {
	for _, line := range wrap(s, t.o.width()-len(indent)) {
		t.line(indent, line)
	}
}

// table writes a table whose head is dimmed, each row coloured by paint.
func (t *text) table(indent string, rows *table, paint func(row int, line string) string) {
	lines := rows.lines(indent, t.o.width())
	t.line(t.dim(lines[0]))
	for i, line := range lines[1:] {
		t.line(paint(i, line))
	}
}

func (t *text) style(code, s string) string {
	if !t.o.Color || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (t *text) bold(s string) string { return t.style("1", s) }

func (t *text) dim(s string) string { return t.style("2", s) }

// paint colours text by a verdict.
func (t *text) paint(s string, v spec.Verdict) string {
	switch v {
	case spec.VerdictPass:
		return t.style("32", s)
	case spec.VerdictFail:
		return t.style("31", s)
	}
	return t.style("33", s)
}

func (t *text) experiment(e *result.Experiment) {
	names := namingOf(e.Cells)
	t.line(t.bold("experiment."+tty.Clean(e.Name)), ": ", metric.Count(len(e.Cells), "cell"), ", ", repeats(e.Repeats))
	if len(names.shared) > 0 {
		t.wrapped("  ", "all cells: "+configuration(names.shared))
	}
	t.overview(e)
	for i := range e.Claims {
		t.claim(e, i, names)
	}
	t.items(e, names)
	t.line()
}

// overview has one line per claim.
func (t *text) overview(e *result.Experiment) {
	rows := table{columns: []column{{}, {shrink: true}, {}, {}}}
	for i := range e.Claims {
		c := &e.Claims[i]
		rows.add(badge(c.Verdict), tty.Clean(c.Text), gate(c), symbols(c.Counts))
	}
	for i, line := range rows.lines("  ", t.o.width())[1:] {
		t.line(t.paint(line, e.Claims[i].Verdict))
	}
}

// claim lists the cells of one claim.
func (t *text) claim(e *result.Experiment, at int, names naming) {
	c := &e.Claims[at]
	list := worstFirst(e, at)
	shared := common(list)
	t.line()
	t.line("  ", t.bold(tty.Clean(c.Text)), unitOf(c), marksBut(shared, nil))
	if len(list) == 0 {
		t.wrapped("    ", tty.Clean(c.Reason))
		return
	}
	part := list[:t.limit(len(list))]
	notes := notesOf(part, shared)
	t.table("    ", cellTable(part, c.Unit, names, notes), func(i int, line string) string { return t.paint(line, part[i].verdict.Verdict) })
	t.rest(list[len(part):])
	t.wrapped("    ", notes.legend())
	t.reasons(part)
}

// rest says what is not shown, and what came of it.
func (t *text) rest(list []judged) {
	if len(list) == 0 {
		return
	}
	counts := make(map[spec.Verdict]int)
	for _, x := range list {
		counts[x.verdict.Verdict]++
	}
	t.line("    ... and ", strconv.Itoa(len(list)), " more (", tally(counts), "); aicv report lists all")
}

// limit is how many of n are shown.
func (t *text) limit(n int) int {
	if t.o.All {
		return n
	}
	return min(n, shown)
}

func unitOf(c *result.Claim) string {
	if name := unitName(c.Unit); name != "" {
		return " (" + name + ")"
	}
	return ""
}

// reasons says why, once each, for cells whose figures do not.
func (t *text) reasons(list []judged) {
	said := make(map[string]bool)
	for _, x := range list {
		v := x.verdict
		if v.Evidence != nil || v.Reason == "" || said[v.Reason] {
			continue
		}
		said[v.Reason] = true
		t.wrapped("    ", word(v.Verdict)+": "+tty.Clean(v.Reason))
	}
}

func (t *text) findings(list []finding) {
	if len(list) == 0 {
		return
	}
	t.line(t.bold("findings"))
	part := list[:t.limit(len(list))]
	for _, f := range part {
		t.wrapped("  ", f.label()+": "+tty.Clean(f.Message)+f.where())
	}
	if rest := len(list) - len(part); rest > 0 {
		t.line("  ... and ", strconv.Itoa(rest), " more; aicv report lists all")
	}
	t.line()
}

func (t *text) conclusion(r *result.Result) {
	words, verdict := standing(r.Standing)
	claims := 0
	for i := range r.Experiments {
		claims += len(r.Experiments[i].Claims)
	}
	t.line(t.paint(words+" (exit code "+strconv.Itoa(r.ExitCode)+")", verdict), ": ", metric.Count(claims, "claim"), " over ",
		metric.Count(r.Totals.Cells, "cell"), " and ", metric.Count(r.Totals.Runs, "run"), tallied(r.Totals.Claims))
	t.line(t.dim("error = (predicted - measured) / measured; runs: n in k starts; intervals are of the mean over runs"))
}
