package result

import (
	"fmt"

	"aicv/metric"
	"aicv/spec"
)

// join files the judgements: a claim's cells come first, then the claim over them.
func join(r *Result, judgements []spec.Judgement) error {
	j := joiner{experiments: make(map[string]*Experiment), cells: make(map[string]*Cell)}
	for i := range r.Experiments {
		e := &r.Experiments[i]
		j.experiments[e.Name] = e
		for k := range e.Cells {
			j.cells[e.Cells[k].Address] = &e.Cells[k]
		}
	}
	for i := range judgements {
		if err := j.add(&judgements[i]); err != nil {
			return err
		}
	}
	return nil
}

type joiner struct {
	experiments map[string]*Experiment
	cells       map[string]*Cell
}

func (j *joiner) add(judgement *spec.Judgement) error {
	e := j.experiments[judgement.Experiment]
	if e == nil {
		return fmt.Errorf("join verdicts: no experiment %q in the plan", judgement.Experiment)
	}
	if judgement.Cell == "" {
		e.Claims = append(e.Claims, claimOf(judgement))
		return nil
	}
	cell := j.cells[judgement.Cell]
	if cell == nil {
		return fmt.Errorf("join verdicts: no cell %s in the plan", judgement.Cell)
	}
	cell.Verdicts = append(cell.Verdicts, CellVerdict{Claim: len(e.Claims), Verdict: judgement.Verdict,
		Reason: judgement.Reason, Marks: judgement.Marks, Evidence: judgement.Evidence})
	return nil
}

func claimOf(judgement *spec.Judgement) Claim {
	c := Claim{Assert: judgement.Assert, Severity: judgement.Severity, Text: judgement.Claim, Subject: judgement.Subject,
		Verdict: judgement.Verdict, Reason: judgement.Reason, Marks: judgement.Marks, Counts: judgement.Counts, Rules: judgement.Rules}
	if m, ok := metric.Lookup(judgement.Subject); ok {
		c.Unit = m.Unit
	}
	return c
}

// Select keeps the cells whose address is in the set, and the experiments that then
// have any. Claims keep their verdict over all cells. The result itself is not changed.
func Select(r *Result, cells map[string]bool) *Result {
	selected := *r
	selected.Experiments = nil
	for _, e := range r.Experiments {
		e.Cells = cellsIn(e.Cells, cells)
		if len(e.Cells) == 0 {
			continue
		}
		e.Deployments = deploymentsOf(e)
		selected.Experiments = append(selected.Experiments, e)
	}
	return &selected
}

func cellsIn(cells []Cell, wanted map[string]bool) []Cell {
	var kept []Cell
	for i := range cells {
		if wanted[cells[i].Address] {
			kept = append(kept, cells[i])
		}
	}
	return kept
}

func deploymentsOf(e Experiment) []Deployment {
	count := make(map[spec.ID]int)
	for i := range e.Cells {
		count[e.Cells[i].Deployment]++
	}
	var kept []Deployment
	for _, d := range e.Deployments {
		if d.Cells = count[d.ID]; d.Cells > 0 {
			kept = append(kept, d)
		}
	}
	return kept
}
