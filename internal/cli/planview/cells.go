package planview

import (
	"strings"

	"aicv/engine"
	"aicv/metric"
)

// group is the cells of one experiment that meet one fate for one reason.
type group struct {
	action   engine.Action
	excluded bool
	why      string
	cells    []int
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
		t.line("... %s more cells in %s more experiments; --all shows them\n", grouped(leftCells), grouped(leftExperiments))
	}
}

func (t *text) experiment(e int, cells []int) {
	t.line("%s: %s", t.bold("experiment."+t.plan.Experiments[e].Name), count(len(cells), "cell"))
	metrics := t.metricsOf(e, cells)
	for _, g := range t.groups(cells) {
		t.group(g, metrics)
	}
	t.line("")
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
	}
	return signNew, "new"
}

// group writes one group as a table: the cells' keys, their predictions and runs.
func (t *text) group(g *group, metrics []metric.Metric) {
	sign, title := g.sign()
	if g.why != "" {
		title += ": " + g.why
	}
	t.wrapped(sign, grouped(len(g.cells))+" "+title)
	shown := len(g.cells)
	if t.short {
		shown = max(0, min(shown, t.rows, mostGroup))
	}
	t.rows -= shown
	table := make([][]string, 0, shown+1)
	if len(metrics) > 0 && shown > 0 {
		table = append(table, heading(metrics))
	}
	for _, i := range g.cells[:shown] {
		table = append(table, t.row(i, metrics))
	}
	t.table(table)
	t.more(len(g.cells)-shown, "cells")
}

func heading(metrics []metric.Metric) []string {
	row := []string{"predicted"}
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
	row := []string{key}
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
	case c.Excluded || c.RunsMax == 0:
		return count(c.Have, "run") + " kept"
	case c.MeasuredBy != i:
		return "shared with experiment." + t.plan.Cells[c.MeasuredBy].Cell.Experiment
	}
	return span(grouped(c.RunsMin), grouped(c.RunsMax))
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

// table writes rows in aligned columns: the first to the left, others to the right.
func (t *text) table(rows [][]string) {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], width(cell))
		}
	}
	for _, row := range rows {
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
}
