package plan

import (
	"context"
	"slices"

	"aicv/engine"
	"aicv/metric"
)

// identify resolves how each cell is sampled and gives it its measurement's identity.
//
// The identity covers the sampling as declared. Only where the suite leaves the
// number of requests open and a claim's percentile needs more than the default is
// the raised number part of it: a run with too few requests is another measurement.
// So claims that need no more requests than the default never change an identity.
func (b *builder) identify(context.Context) error {
	for i := range b.plan.Cells {
		c := &b.plan.Cells[i]
		if b.makers.isOffline(c.Cell.Benchmark) {
			c.Measurement = b.ids.Measurement(&c.Cell)
			continue
		}
		b.identifyOnline(c)
	}
	return nil
}

func (b *builder) identifyOnline(c *engine.PlannedCell) {
	declared := c.Cell.Sampling
	usual := b.makers.registry.Size(c.Cell.Benchmark, c.Cell.Load)
	need := b.experiment(c).requests
	if declared.Requests == 0 && need > usual.Requests {
		c.Cell.Sampling.Requests = need
	}
	c.Measurement = b.ids.Measurement(&c.Cell)
	if declared.Requests == 0 && len(b.history) > 0 && !b.history[c.Measurement].Measured() {
		b.findLarger(c, max(need, usual.Requests))
	}
	if c.Cell.Sampling.Requests == 0 {
		c.Cell.Sampling.Requests = usual.Requests
	}
	if declared.Requests == 0 && declared.Duration == 0 {
		c.Cell.Sampling.Duration = usual.Duration
	}
	if declared.Warmup == 0 {
		c.Cell.Sampling.Warmup = usual.Warmup
	}
}

// findLarger takes a measurement with more requests than needed, where the state has
// one: it was raised for a claim that stands no more, and serves the others as well.
func (b *builder) findLarger(c *engine.PlannedCell, need int) {
	wanted := c.Cell.Sampling.Requests
	for _, n := range percentileRequests() {
		if n <= need {
			continue
		}
		c.Cell.Sampling.Requests = n
		if id := b.ids.Measurement(&c.Cell); b.history[id] != nil && len(b.history[id].Runs) > 0 {
			c.Measurement = id
			return
		}
	}
	c.Cell.Sampling.Requests = wanted
}

// percentileRequests lists the numbers of requests that percentiles need, rising.
func percentileRequests() []int {
	var needs []int
	for _, m := range metric.All() {
		if m.Percentile > 0 {
			needs = append(needs, m.MinRequests())
		}
	}
	slices.Sort(needs)
	return slices.Compact(needs)
}
