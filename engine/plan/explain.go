package plan

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"aicv/engine"
	"aicv/metric"
	"aicv/spec"
)

// explain lists what can not be decided, what is gone, and what came up.
func (b *builder) explain(context.Context) error {
	b.listUndecidable()
	b.listGone()
	b.plan.Findings = b.findings.list()
	return nil
}

func (b *builder) listUndecidable() {
	for i := range b.plan.Cells {
		if c := &b.plan.Cells[i]; !c.Excluded {
			b.undecidableOf(i, c)
		}
	}
}

func (b *builder) undecidableOf(i int, c *engine.PlannedCell) {
	input := b.cellInput(c, nil)
	if c.Have > 0 {
		input.Runs = b.past(c).Runs
	}
	if !b.offline(i) {
		input.Requests = c.Cell.Sampling.Requests
	}
	if input.Withheld != "" { // one reason for all of them; each cell's own is in its Fit
		input.Withheld = "not deployed, because it does not fit on the GPUs"
	}
	var found []engine.Undecidable
	for _, u := range b.experiment(c).judge.Undecidable(input) {
		found = addUndecidable(found, u.Claim.Text, u.Why)
	}
	if why := b.tooFewRecorded(i, c); why != "" {
		found = addToAll(found, b.experiment(c).source.Asserts, why)
	}
	for k := range found {
		found[k].Cell = c.Cell.Address()
	}
	b.plan.Undecidable = append(b.plan.Undecidable, found...)
}

// tooFewRecorded says where a recording holds fewer runs of a cell than the first look
// wants: no apply ever adds one.
func (b *builder) tooFewRecorded(i int, c *engine.PlannedCell) string {
	if !b.offline(i) {
		return ""
	}
	n, least := len(b.recorded[i].Runs), b.experiment(c).source.Repeats.Min
	if n == 0 || n >= least {
		return ""
	}
	return fmt.Sprintf("the recording holds %s of it, and repeats wants %d at least: set min and max to %d", metric.Count(n, "run"), least, n)
}

// addToAll gives one reason to every claim that has none yet.
func addToAll(found []engine.Undecidable, asserts []spec.Assert, why string) []engine.Undecidable {
	for _, a := range asserts {
		for i := range a.Claims {
			if claim := a.Claims[i].Text; !claimed(found, claim) {
				found = addUndecidable(found, claim, why)
			}
		}
	}
	return found
}

// claimed reports whether a claim is among those that can not be decided.
func claimed(found []engine.Undecidable, claim string) bool {
	return slices.ContainsFunc(found, func(u engine.Undecidable) bool { return slices.Contains(u.Claims, claim) })
}

// addUndecidable puts claims with one reason together: a missing prediction is one
// fact, however many claims wait for it.
func addUndecidable(found []engine.Undecidable, claim, why string) []engine.Undecidable {
	for i := range found {
		if found[i].Why != why {
			continue
		}
		if !slices.Contains(found[i].Claims, claim) {
			found[i].Claims = append(found[i].Claims, claim)
		}
		return found
	}
	return append(found, engine.Undecidable{Claims: []string{claim}, Why: why})
}

func (b *builder) offline(cell int) bool { return b.recorded[cell] != nil }

// listGone finds measurements in the state that no cell asks for any more.
func (b *builder) listGone() {
	asked := make(map[spec.ID]bool, len(b.plan.Cells))
	for i := range b.plan.Cells {
		asked[b.plan.Cells[i].Measurement] = true
	}
	for id, past := range b.history {
		if runs := len(past.Runs); runs > 0 && !asked[id] {
			b.plan.Gone = append(b.plan.Gone, engine.GoneCell{Measurement: id, Address: past.Address, Runs: runs})
		}
	}
	slices.SortFunc(b.plan.Gone, func(x, y engine.GoneCell) int {
		return cmp.Or(cmp.Compare(x.Address, y.Address), cmp.Compare(x.Measurement, y.Measurement))
	})
}
