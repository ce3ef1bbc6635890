package report

import (
	"cmp"
	"slices"
	"strings"

	"aicv/internal/tty"
	"aicv/metric"
	"aicv/result"
	"aicv/spec"
)

// finding is a finding with the number of cells that it was made on.
type finding struct {
	spec.Finding
	cells int // 0: it is of the whole suite
}

// groupFindings joins findings of one text; the gravest come first, then in order of
// appearance.
func groupFindings(r *result.Result) []finding {
	g := grouper{at: make(map[string]int)}
	for _, f := range r.Findings {
		g.add(f, 0)
	}
	for i := range r.Experiments {
		for k := range r.Experiments[i].Cells {
			for _, f := range r.Experiments[i].Cells[k].Findings {
				if !summed(r.Findings, f) {
					g.add(f, 1)
				}
			}
		}
	}
	slices.SortStableFunc(g.list, func(a, b finding) int { return cmp.Compare(gravity(b.Severity), gravity(a.Severity)) })
	return g.list
}

type grouper struct {
	at   map[string]int
	list []finding
}

func (g *grouper) add(f spec.Finding, cells int) {
	key := string(f.Severity) + "\x00" + f.Check + "\x00" + f.Message
	i, known := g.at[key]
	if !known {
		i = len(g.list)
		g.at[key] = i
		g.list = append(g.list, finding{Finding: f})
	}
	g.list[i].cells += cells
}

func gravity(s spec.FindingSeverity) int {
	switch s {
	case spec.FindingSpoils:
		return 2
	case spec.FindingWarn:
		return 1
	}
	return 0
}

func (f finding) label() string {
	return strings.ReplaceAll(string(f.Severity), "_", " ") + " (" + strings.ReplaceAll(tty.Clean(f.Check), "_", " ") + ")"
}

func (f finding) where() string {
	if f.cells == 0 {
		return ""
	}
	return " (" + metric.Count(f.cells, "cell") + ")"
}

// summed reports whether the plan says the same for all cells at once.
func summed(plan []spec.Finding, f spec.Finding) bool {
	return slices.ContainsFunc(plan, func(p spec.Finding) bool { return strings.Contains(p.Message, f.Message) })
}
