package plan

import (
	"strconv"

	"aicv/engine"
	"aicv/spec"
)

// claimsDigest hashes everything of an experiment that its verdicts depend on beside
// the data: claims by meaning and not by spelling, limits and repeats.
func claimsDigest(e *spec.Experiment) spec.ID {
	var b []byte
	text := func(s string) { b = append(append(b, s...), 0) }
	for _, a := range e.Asserts {
		text(a.Name)
		text(string(a.Severity))
		for i := range a.Claims {
			c := &a.Claims[i]
			text(string(c.Subject))
			text(string(c.Form))
			text(c.Op)
			text(c.Amount.String())
			text(string(c.Reference))
			text(c.Quantile.String())
		}
		b = append(b, 1)
	}
	text(string(e.GuardsID()))
	for _, limit := range e.SLO {
		text(string(limit.Metric))
		text(limit.Quantity.String())
	}
	for _, n := range []int{e.Repeats.Min, e.Repeats.Max, e.Repeats.Starts} {
		text(strconv.Itoa(n))
	}
	return spec.HashOf(b)
}

// basisOf hashes what the cell is judged by.
func (b *builder) basisOf(c *engine.PlannedCell) spec.ID {
	text := append(make([]byte, 0, 256), b.experiment(c).digest...)
	if c.Cell.Predictor == nil {
		return spec.HashOf(text)
	}
	return spec.HashOf(appendPrediction(append(text, 0), &c.Prediction))
}

// identityOf hashes what sets one plan apart from another on the same suite and
// state. The graph, the costs and the findings follow from it.
func identityOf(p *engine.Plan) spec.ID {
	b := make([]byte, 0, 64+80*len(p.Cells))
	number := func(n int64) { b = append(strconv.AppendInt(b, n, 10), 0) }
	text := func(s string) { b = append(append(b, s...), 0) }
	number(int64(p.Format))
	text(p.Suite.Name)
	text(p.Suite.InputHash)
	number(p.Suite.Seed)
	number(p.StateRevision)
	for i := range p.Cells {
		c := &p.Cells[i]
		text(string(c.Measurement))
		text(string(c.Basis))
		text(string(c.Action))
		number(int64(c.Have))
		number(int64(c.RunsMax))
		b = strconv.AppendBool(b, c.Excluded)
	}
	for _, lock := range p.Locks {
		text(lock.Name)
		text(lock.What)
		text(lock.Value)
	}
	return spec.HashOf(b)
}
