package report

import (
	"aicv/result"
	"aicv/spec"
)

// finding is a finding with the number of cells that it concerns; 0: the whole suite.
type finding struct {
	spec.Finding
	cells int
}

// allFindings joins the plan's findings with those of the cells, each text once.
func allFindings(r *result.Result) []finding {
	type key struct{ check, message string }
	var list []finding
	at := map[key]int{}
	add := func(f spec.Finding, cells int) {
		k := key{f.Check, f.Message}
		i, known := at[k]
		if !known {
			i = len(list)
			at[k] = i
			list = append(list, finding{Finding: f})
		}
		list[i].cells += cells
	}
	for _, f := range r.Findings {
		add(f, 0)
	}
	for i := range r.Experiments {
		for k := range r.Experiments[i].Cells {
			for _, f := range r.Experiments[i].Cells[k].Findings {
				add(f, 1)
			}
		}
	}
	return list
}
