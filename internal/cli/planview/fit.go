package planview

import (
	"fmt"
	"strings"

	"aicv/catalog/fit"
	"aicv/metric"
)

// memory says what fits on its GPUs: in one line where everything does, else with the
// reason of what does not. The arithmetic is written where it is asked for.
func (t *text) memory() {
	groups, counts := t.fitGroups()
	if len(counts) == 0 {
		return
	}
	t.line("%s: %s", t.bold("On the GPUs"), countFits(counts))
	shown := t.limit(len(groups))
	for _, g := range groups[:shown] {
		if g.verdict != fit.Fits {
			t.wrapped(fitSign(g.verdict), t.keys(g.cells)+": "+g.verdict.String()+": "+g.why)
		}
		if t.options.Verbose {
			t.arithmetic(g)
		}
	}
	t.more(len(groups)-shown, "reasons")
	if !t.options.Verbose && counts[fit.Tight]+counts[fit.DoesNotFit] > 0 {
		t.line("    aicv plan -v shows the arithmetic.")
	}
	if counts[fit.DoesNotFit] > 0 {
		t.line(`    With does_not_fit = "deploy" in the experiment, what does not fit is deployed all the same.`)
	}
	t.line("")
}

// countFits counts cells by verdict: "3 fit, 1 tight, 2 do not fit".
func countFits(counts map[fit.Verdict]int) string {
	var parts []string
	for _, v := range []struct {
		verdict   fit.Verdict
		one, many string
	}{{fit.Fits, "fits", "fit"}, {fit.Tight, "tight", "tight"}, {fit.DoesNotFit, "does not fit", "do not fit"}, {fit.Unknown, "unknown", "unknown"}} {
		switch n := counts[v.verdict]; n {
		case 0:
		case 1:
			parts = append(parts, "1 "+v.one)
		default:
			parts = append(parts, metric.Whole(n)+" "+v.many)
		}
	}
	return strings.Join(parts, ", ")
}

// fitGroup is the cells with one verdict for one reason.
type fitGroup struct {
	verdict fit.Verdict
	why     string
	cells   []int
}

// fitGroups lists the cells by verdict and reason, in the order in which these come up;
// with the arithmetic, cells that fit stand for themselves.
func (t *text) fitGroups() ([]*fitGroup, map[fit.Verdict]int) {
	type key struct {
		verdict fit.Verdict
		why     string
		cell    int
	}
	var groups []*fitGroup
	index, counts := map[key]*fitGroup{}, map[fit.Verdict]int{}
	for i := range t.plan.Cells {
		r := t.plan.Cells[i].Fit
		if r == nil {
			continue
		}
		counts[r.Verdict]++
		if r.Verdict == fit.Fits && !t.options.Verbose {
			continue
		}
		k := key{r.Verdict, r.Why(), -1}
		if r.Verdict == fit.Fits {
			k.cell = i
		}
		g := index[k]
		if g == nil {
			g = &fitGroup{verdict: k.verdict, why: k.why}
			index[k] = g
			groups = append(groups, g)
		}
		g.cells = append(g.cells, i)
	}
	return groups, counts
}

// arithmetic writes how the memory of a group's first cell adds up.
func (t *text) arithmetic(g *fitGroup) {
	m := t.plan.Cells[g.cells[0]].Fit.Memory
	if m == nil {
		return
	}
	if g.verdict == fit.Fits {
		t.wrapped(fitSign(fit.Fits), t.keys(g.cells)+": "+fit.Fits.String())
	}
	for _, l := range m.Lines() {
		t.line("%s", strings.TrimRight(fmt.Sprintf("      %-21s %10s  %s", l.What, fit.GiB(l.Bytes), l.How), " "))
	}
}

func fitSign(v fit.Verdict) string {
	switch v {
	case fit.DoesNotFit:
		return signRefused
	case fit.Unknown:
		return signDoubt
	case fit.Tight:
		return signNote
	}
	return signKept
}
