package planview

import (
	"strings"

	"aicv/engine"
	"aicv/internal/tty"
	"aicv/metric"
	"aicv/spec"
)

// group is the cells of one experiment that meet one fate for one reason.
type group struct {
	action   engine.Action
	excluded bool
	why      string
	cells    []int
	rows     [][]string // of the cells that are listed
}

// cells lists the cells by experiment, and within it by what becomes of them.
func (t *text) cells() {
	byExperiment := make([][]int, len(t.plan.Experiments))
	for i := range t.plan.Cells {
		e := t.plan.Cells[i].Experiment
		byExperiment[e] = append(byExperiment[e], i)
	}
	leftCells, leftExperiments := 0, 0
	for e, cells := range byExperiment {
		if t.rows <= 0 && len(cells) > 0 {
			leftCells += len(cells)
			leftExperiments++
			continue
		}
		t.experiment(e, cells)
	}
	if leftExperiments > 0 {
		t.line("... %s more cells in %s more experiments; --all shows them\n", metric.Whole(leftCells), metric.Whole(leftExperiments))
	}
}

// experiment writes one experiment as a table with a line above each group.
func (t *text) experiment(e int, cells []int) {
	if len(cells) == 0 {
		return
	}
	shared, mixed := t.origins(cells)
	if shared != "" {
		shared = ", " + shared
	}
	t.line("%s: %s%s", t.bold("experiment."+t.plan.Experiments[e].Name), metric.Count(len(cells), "cell"), tty.Clean(shared))
	metrics := t.metricsOf(e, cells)
	head := heading(metrics)
	if mixed {
		head = append(head, "from")
	}
	widths := widen(nil, head)
	groups := t.groups(cells)
	for _, g := range groups {
		for _, i := range g.cells[:t.take(g)] {
			row := t.row(i, metrics)
			if mixed {
				row = append(row, origin(t.plan, i))
			}
			g.rows = append(g.rows, row)
			widths = widen(widths, g.rows[len(g.rows)-1])
		}
	}
	t.tableRow(head, widths)
	for _, g := range groups {
		sign, title := g.sign()
		if g.why != "" {
			title += ": " + g.why
		}
		t.wrapped(sign, metric.Whole(len(g.cells))+" "+title)
		for _, row := range g.rows {
			t.tableRow(row, widths)
		}
		t.more(len(g.cells)-len(g.rows), "cells")
	}
	t.line("")
}

// origins says where all cells come from, if not from the experiment's own matrix, or that
// they come from several places.
func (t *text) origins(cells []int) (shared string, mixed bool) {
	first := origin(t.plan, cells[0])
	for _, i := range cells[1:] {
		if origin(t.plan, i) != first {
			return "", true
		}
	}
	if first == string(spec.FromMatrix) {
		return "", false
	}
	return first, false
}

// origin says where a cell comes from: its experiment's matrix, the predictor that
// recommends it, or the recording that has its point.
func origin(p *engine.Plan, i int) string {
	c := &p.Cells[i]
	switch from := p.Experiments[c.Experiment].PointsFrom; {
	case c.Cell.Source == spec.FromRecommended && c.Cell.Predictor != nil:
		return "recommended by " + c.Cell.Predictor.Address()
	case c.Cell.Source == spec.FromPoints && from != nil:
		return "points of " + from.Address()
	}
	return string(c.Cell.Source)
}

// take says how many cells of a group are listed, and takes them from the budget.
func (t *text) take(g *group) int {
	n := len(g.cells)
	if t.short {
		n = max(0, min(n, t.rows, mostGroup))
	}
	t.rows -= n
	return n
}

// groups splits cells by fate and reason, in the order in which these come up.
func (t *text) groups(cells []int) []*group {
	type key struct {
		action   engine.Action
		excluded bool
		why      string
	}
	var all []*group
	index := map[key]*group{}
	for _, i := range cells {
		c := &t.plan.Cells[i]
		k := key{c.Action, c.Excluded, c.Why}
		if c.Excluded {
			k.action, k.why = "", ""
		}
		g := index[k]
		if g == nil {
			g = &group{action: k.action, excluded: k.excluded, why: k.why}
			index[k] = g
			all = append(all, g)
		}
		g.cells = append(g.cells, i)
	}
	return all
}

func (g *group) sign() (sign, title string) {
	if g.excluded {
		return signExcluded, "left out by --target or --exclude"
	}
	switch g.action {
	case engine.ActionContinue:
		return signContinue, "continue"
	case engine.ActionKept:
		return signKept, "kept"
	case engine.ActionRejudge:
		return signRejudge, "re-judge"
	case engine.ActionRerun:
		return signRerun, "measure again"
	case engine.ActionRefused:
		return signRefused, "not deployed"
	}
	return signNew, "new"
}

func heading(metrics []metric.Metric) []string {
	row := []string{"cell"}
	if len(metrics) > 0 {
		row[0] = "cell, with predicted"
	}
	for _, m := range metrics {
		row = append(row, string(m.Name)+" "+string(m.Unit))
	}
	return append(row, "runs")
}

func (t *text) row(i int, metrics []metric.Metric) []string {
	c := &t.plan.Cells[i]
	key := c.Cell.Key()
	if key == "" {
		key = "(one cell)"
	}
	row := []string{tty.Clean(key)}
	for _, m := range metrics {
		figure := "-"
		if v, ok := c.Prediction.Values.Get(m.Name); ok {
			figure = number(v, m.Unit)
		}
		row = append(row, figure)
	}
	return append(row, t.runs(i))
}

// runs says how many runs the plan takes for a cell, or how many there are.
func (t *text) runs(i int) string {
	c := &t.plan.Cells[i]
	switch {
	case c.Have > 0 && (c.Excluded || c.RunsMax == 0):
		return metric.Count(c.Have, "run") + " kept"
	case c.Excluded || c.RunsMax == 0:
		return "none"
	case c.MeasuredBy != i:
		return "shared with experiment." + t.plan.Cells[c.MeasuredBy].Cell.Experiment
	}
	return span(metric.Whole(c.RunsMin), metric.Whole(c.RunsMax))
}

// metricsOf picks the columns of an experiment: predicted metrics that its claims are
// about, else the usual ones; all of them where asked.
func (t *text) metricsOf(e int, cells []int) []metric.Metric {
	claimed := map[metric.Name]bool{}
	for _, a := range t.plan.Experiments[e].Asserts {
		for _, c := range a.Claims {
			claimed[c.Subject] = true
		}
	}
	predicted := map[metric.Name]bool{}
	for _, i := range cells {
		for _, v := range t.plan.Cells[i].Prediction.Values {
			predicted[v.Metric] = true
		}
	}
	usual := map[metric.Name]bool{metric.Throughput: true, metric.TTFT: true, metric.TPOT: true}
	pick := func(wanted func(metric.Name) bool) (metrics []metric.Metric) {
		for _, m := range metric.All() {
			if predicted[m.Name] && wanted(m.Name) {
				metrics = append(metrics, m)
			}
		}
		return metrics
	}
	if t.options.Verbose {
		return pick(func(metric.Name) bool { return true })
	}
	if metrics := pick(func(n metric.Name) bool { return claimed[n] }); len(metrics) > 0 {
		return metrics
	}
	return pick(func(n metric.Name) bool { return usual[n] })
}

// widen keeps the greatest width of each column.
func widen(widths []int, row []string) []int {
	for i, cell := range row {
		if i == len(widths) {
			widths = append(widths, 0)
		}
		widths[i] = max(widths[i], width(cell))
	}
	return widths
}

// tableRow aligns the first column to the left and the others to the right.
func (t *text) tableRow(row []string, widths []int) {
	var b strings.Builder
	b.WriteString("      ")
	for i, cell := range row {
		gap := strings.Repeat(" ", widths[i]-width(cell))
		if i == 0 {
			b.WriteString(cell + gap)
		} else {
			b.WriteString("  " + gap + cell)
		}
	}
	t.line("%s", strings.TrimRight(b.String(), " "))
}
