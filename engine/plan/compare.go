package plan

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"aicv/engine"
	"aicv/metric"
	"aicv/spec"
	"aicv/verify"
)

// history is what the state holds of the plan's measurements.
type history struct {
	runs     map[spec.ID][]spec.Run
	failures map[spec.ID]spec.Failure
	judged   map[spec.ID][]spec.ID
}

// compare decides what to do with each cell from what the state holds.
func (b *builder) compare(ctx context.Context) error {
	h, err := b.readHistory(ctx)
	if err != nil {
		return err
	}
	b.runs = h.runs
	for i := range b.plan.Cells {
		c := &b.plan.Cells[i]
		c.Looks = b.experiment(c).looks
		c.Basis = b.basisOf(c)
		if recorded := b.recorded[i]; recorded != nil {
			b.decideRecorded(c, recorded, h)
		} else {
			b.decideOnline(c, h)
		}
		b.rejudge(c, h)
	}
	return nil
}

func (b *builder) readHistory(ctx context.Context) (history, error) {
	h := history{}
	if b.empty {
		return h, nil
	}
	ids := make([]spec.ID, 0, len(b.plan.Cells))
	measured := make([]spec.ID, 0, len(b.plan.Cells))
	seen := make(map[spec.ID]bool, len(b.plan.Cells))
	for i := range b.plan.Cells {
		id := b.plan.Cells[i].Measurement
		if seen[id] {
			continue
		}
		seen[id] = true
		ids = append(ids, id)
		if info := b.known[id]; info != nil && info.Runs > 0 {
			measured = append(measured, id)
		}
	}
	var err error
	if h.runs, err = b.request.State.Runs(ctx, measured); err != nil {
		return h, fmt.Errorf("read the runs in the state: %w", err)
	}
	if h.failures, err = b.request.State.Failures(ctx, ids); err != nil {
		return h, fmt.Errorf("read the failures in the state: %w", err)
	}
	if h.judged, err = b.request.State.Judged(ctx, ids); err != nil {
		return h, fmt.Errorf("read what was judged before: %w", err)
	}
	return h, nil
}

// decideOnline decides on a cell that a server is needed for.
func (b *builder) decideOnline(c *engine.PlannedCell, h history) {
	runs := h.runs[c.Measurement]
	failure, failed := h.failures[c.Measurement]
	b.count(c, len(runs))
	if b.rerun[c.Measurement] && (len(runs) > 0 || failed) {
		b.planRerun(c, runs, "asked for by --rerun")
		return
	}
	last := c.Looks[len(c.Looks)-1]
	switch {
	case failed && failure.Kind == spec.ErrConfiguration:
		keep(c, "failed by its configuration; --rerun measures it again")
	case c.Have >= last:
		keep(c, "all "+metric.Count(last, "run")+" are there")
	case c.Have >= c.Looks[0] && b.decided(c, runs):
		keep(c, "decided after "+metric.Count(c.Have, "run"))
	case c.Have > 0:
		b.planRuns(c, engine.ActionContinue, metric.Count(c.Have, "run")+" of at most "+strconv.Itoa(last)+" are there")
	case failed:
		b.planRuns(c, engine.ActionNew, "without data before: "+failure.Message)
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
	input := verify.CellInput{Measurement: c.Measurement, Runs: runs, GPUsKnown: c.Cell.GPUs() > 0}
	if c.Cell.Predictor != nil {
		input.Prediction = &c.Prediction
	}
	return input
}

// count notes which runs stand, and from where the indexes of new ones count.
func (b *builder) count(c *engine.PlannedCell, runs int) {
	c.Have = runs
	if info := b.known[c.Measurement]; info != nil {
		c.RunBase = max(info.LastRetired, info.Retired)
	}
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
func (b *builder) decideRecorded(c *engine.PlannedCell, recorded *spec.Recorded, h history) {
	runs := h.runs[c.Measurement]
	b.count(c, len(runs))
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
func (b *builder) rejudge(c *engine.PlannedCell, h history) {
	if _, failed := h.failures[c.Measurement]; c.Action != engine.ActionKept || (c.Have == 0 && !failed) {
		return
	}
	judged := h.judged[c.Measurement]
	switch {
	case slices.Contains(judged, c.Basis):
	case len(judged) == 0:
		c.Action, c.Why = engine.ActionRejudge, "measured, not judged yet"
	default:
		c.Action, c.Why = engine.ActionRejudge, "its claims or its prediction changed since it was judged"
	}
}
