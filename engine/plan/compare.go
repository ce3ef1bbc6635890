package plan

import (
	"context"
	"slices"
	"strconv"

	"aicv/engine"
	"aicv/metric"
	"aicv/spec"
	"aicv/verify"
)

// compare decides what to do with each cell from what the state holds.
func (b *builder) compare(context.Context) error {
	for i := range b.plan.Cells {
		c := &b.plan.Cells[i]
		c.Looks = b.experiment(c).looks
		c.Basis = b.basisOf(c)
		past := b.past(c)
		if recorded := b.recorded[i]; recorded != nil {
			b.decideRecorded(c, recorded, past)
		} else {
			b.decideOnline(c, past)
		}
		if b.claims(c) {
			rejudge(c, past)
		}
	}
	return nil
}

// claims reports whether there is anything to judge the cell by. Without a claim no
// verdict is ever stored, so a cell would wait for its judgement for ever.
func (b *builder) claims(c *engine.PlannedCell) bool {
	return slices.ContainsFunc(b.experiment(c).source.Asserts, func(a spec.Assert) bool { return len(a.Claims) > 0 })
}

// past is what the state holds of the cell's measurement; empty where nothing.
func (b *builder) past(c *engine.PlannedCell) *spec.History {
	if past := b.history[c.Measurement]; past != nil {
		return past
	}
	return &b.nothing
}

// decideOnline decides on a cell that a server is needed for.
func (b *builder) decideOnline(c *engine.PlannedCell, past *spec.History) {
	runs, failed := past.Runs, past.Failure != nil
	noteRuns(c, past)
	if b.rerun[c.Measurement] && (len(runs) > 0 || failed) {
		b.planRerun(c, runs, "asked for by --rerun")
		return
	}
	last := c.Looks[len(c.Looks)-1]
	switch {
	case failed && past.Failure.Kind == spec.ErrConfiguration:
		keep(c, "failed by its configuration; --rerun measures it again")
	case c.Have >= last:
		keep(c, "all "+metric.Count(last, "run")+" are there")
	case c.Have >= c.Looks[0] && b.decided(c, runs):
		keep(c, "decided after "+metric.Count(c.Have, "run"))
	case c.Have > 0:
		b.planRuns(c, engine.ActionContinue, metric.Count(c.Have, "run")+" of at most "+strconv.Itoa(last)+" are there")
	case failed:
		b.planRuns(c, engine.ActionNew, "without data before: "+past.Failure.Message)
	default:
		b.planRuns(c, engine.ActionNew, "never measured")
	}
}

// decided asks whether all claims of the cell are decided at its last completed look.
func (b *builder) decided(c *engine.PlannedCell, runs []spec.Run) bool {
	return b.experiment(c).judge.Decided(b.cellInput(c, runs))
}

// cellInput is what judging knows of the cell, as far as deciding needs it.
func (b *builder) cellInput(c *engine.PlannedCell, runs []spec.Run) verify.CellInput {
	input := verify.CellInput{Measurement: c.Measurement, Runs: runs, GPUsKnown: c.Cell.GPUs() > 0, Withheld: c.Withheld(),
		Config: c.Cell.Config, Load: c.Cell.Load, Version: c.Cell.Runtime.Version(), Duration: c.Cell.Sampling.Duration}
	if c.Cell.Predictor != nil {
		input.Prediction = &c.Prediction
	}
	return input
}

// noteRuns notes which runs stand, and from where the indexes of new ones count.
func noteRuns(c *engine.PlannedCell, past *spec.History) {
	c.Have, c.RunBase = len(past.Runs), past.LastRetired
}

func keep(c *engine.PlannedCell, why string) {
	c.Action, c.Why = engine.ActionKept, why
}

// planRuns asks for the runs up to the next look at least, and up to the last at most.
func (b *builder) planRuns(c *engine.PlannedCell, action engine.Action, why string) {
	c.Action, c.Why = action, why
	c.RunsMax = c.Looks[len(c.Looks)-1] - c.Have
	c.RunsMin = c.RunsMax
	for _, look := range c.Looks {
		if look > c.Have {
			c.RunsMin = look - c.Have
			return
		}
	}
}

// planRerun sets the standing runs aside and starts over.
func (b *builder) planRerun(c *engine.PlannedCell, runs []spec.Run, why string) {
	if len(runs) > 0 {
		why += "; " + metric.Count(len(runs), "run") + " set aside"
		c.RunBase = max(c.RunBase, runs[len(runs)-1].Index)
	}
	c.Have = 0
	b.planRuns(c, engine.ActionRerun, why)
}

// decideRecorded decides on a cell of recorded data: all of its runs are taken,
// once. Data that changed since is taken anew.
func (b *builder) decideRecorded(c *engine.PlannedCell, recorded *spec.Recorded, past *spec.History) {
	runs := past.Runs
	noteRuns(c, past)
	n := len(recorded.Runs)
	switch {
	case b.rerun[c.Measurement] && len(runs) > 0 && n > 0:
		b.planRerun(c, runs, "asked for by --rerun")
	case sameRecorded(runs, recorded.Runs, c.RunBase):
		b.standRecorded(c, n, recorded)
		return
	default:
		b.planRerun(c, runs, "the recorded data changed")
	}
	c.RunsMin, c.RunsMax = n, n
}

// standRecorded plans what is not in the state yet.
func (b *builder) standRecorded(c *engine.PlannedCell, n int, recorded *spec.Recorded) {
	left := n - c.Have
	c.RunsMin, c.RunsMax = left, left
	switch {
	case n == 0:
		keep(c, "no recorded data: "+recorded.Missing)
	case left == 0:
		keep(c, "recorded data, "+metric.Count(n, "run"))
	case c.Have > 0:
		c.Action, c.Why = engine.ActionContinue, metric.Count(c.Have, "run")+" of "+strconv.Itoa(n)+" recorded are there"
	default:
		c.Action, c.Why = engine.ActionNew, "recorded data, "+metric.Count(n, "run")
	}
}

// sameRecorded reports whether each stored run is what the recording holds for it.
func sameRecorded(runs []spec.Run, recorded []spec.RunResult, base int) bool {
	for i := range runs {
		at := runs[i].Index - base - 1
		if at < 0 || at >= len(recorded) || !slices.Equal(runs[i].Result.Values, recorded[at].Values) {
			return false
		}
	}
	return true
}

// rejudge finds cells with nothing to measure whose claims or prediction changed
// since they were judged.
func rejudge(c *engine.PlannedCell, past *spec.History) {
	if c.Action != engine.ActionKept || (c.Have == 0 && past.Failure == nil) {
		return
	}
	switch {
	case slices.Contains(past.Bases, c.Basis):
	case len(past.Bases) == 0:
		c.Action, c.Why = engine.ActionRejudge, "measured, not judged yet"
	default:
		c.Action, c.Why = engine.ActionRejudge, "its claims, guards or prediction changed since it was judged"
	}
}
