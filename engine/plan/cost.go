package plan

import (
	"context"
	"fmt"
	"time"

	"aicv/engine"
	"aicv/spec"
)

// estimate says what applying costs: runs, time and GPU-hours, between the first
// looks that could decide all and the last ones.
func (b *builder) estimate(ctx context.Context) error {
	starts, err := b.earlierStarts(ctx)
	if err != nil {
		return err
	}
	for i := range b.plan.Deployments {
		d := &b.plan.Deployments[i]
		if err := b.estimateDeployment(d, meanElapsed(starts[d.ID])); err != nil {
			return err
		}
		addCost(&b.plan.Cost, d.Cost)
	}
	for i := range b.plan.Cells {
		if c := &b.plan.Cells[i]; b.offline(i) && works(c) && c.MeasuredBy == i {
			b.plan.Cost.RunsMin += c.RunsMin
			b.plan.Cost.RunsMax += c.RunsMax
		}
	}
	return nil
}

func (b *builder) earlierStarts(ctx context.Context) (map[spec.ID][]spec.ServerStart, error) {
	if b.empty || len(b.plan.Deployments) == 0 {
		return nil, nil
	}
	ids := make([]spec.ID, len(b.plan.Deployments))
	for i := range ids {
		ids[i] = b.plan.Deployments[i].ID
	}
	starts, err := b.request.State.Starts(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("read earlier starts: %w", err)
	}
	return starts, nil
}

// meanElapsed is how long earlier starts took until ready; 0 where there were none.
func meanElapsed(starts []spec.ServerStart) time.Duration {
	if len(starts) == 0 {
		return 0
	}
	var total time.Duration
	for i := range starts {
		total += starts[i].Elapsed
	}
	return total / time.Duration(len(starts))
}

func (b *builder) estimateDeployment(d *engine.Deployment, start time.Duration) error {
	startsMin := 1
	for _, i := range d.Cells {
		c := &b.plan.Cells[i]
		if c.MeasuredBy != i {
			continue
		}
		if repeats := b.experiment(c).source.Repeats; repeats.Starts > 1 && c.RunsMax > 0 {
			per := max(1, c.RunsMax/max(1, d.Starts))
			startsMin = max(startsMin, min(d.Starts, (c.RunsMin+per-1)/per))
		}
		d.Cost.RunsMin += c.RunsMin
		d.Cost.RunsMax += c.RunsMax
		run, err := b.runTime(c)
		if err != nil {
			return err
		}
		if run == 0 {
			d.Cost.Unknown++
		}
		d.Cost.TimeMin += run * time.Duration(c.RunsMin)
		d.Cost.TimeMax += run * time.Duration(c.RunsMax)
	}
	d.Cost.TimeMin += start * time.Duration(startsMin)
	d.Cost.TimeMax += start * time.Duration(d.Starts)
	d.Cost.GPUHoursMin = float64(d.GPUs) * d.Cost.TimeMin.Hours()
	d.Cost.GPUHoursMax = float64(d.GPUs) * d.Cost.TimeMax.Hours()
	return nil
}

// runTime is how long one run of the cell takes; 0 where nothing tells.
func (b *builder) runTime(c *engine.PlannedCell) (time.Duration, error) {
	latency := c.Prediction.Values.RequestTime(c.Cell.Load.OutputTokens)
	if latency == 0 {
		latency = b.earlierLatency(c)
	}
	if latency == 0 {
		return 0, nil
	}
	benchmark, err := b.makers.benchmark(c.Cell.Benchmark)
	if err != nil {
		return 0, err
	}
	return benchmark.Budget(spec.RunRequest{
		Model: *c.Cell.Model, GPUs: c.Cell.GPUs(), Load: c.Cell.Load, Sampling: c.Cell.Sampling, SLO: b.experiment(c).source.SLO,
	}, latency), nil
}

// earlierLatency is the mean latency of the measurement's earlier runs.
func (b *builder) earlierLatency(c *engine.PlannedCell) time.Duration {
	var total time.Duration
	n := time.Duration(0)
	for _, run := range b.past(c).Runs {
		if latency := run.Result.Values.RequestTime(c.Cell.Load.OutputTokens); latency > 0 {
			total += latency
			n++
		}
	}
	if n == 0 {
		return 0
	}
	return total / n
}

func addCost(sum *engine.Cost, c engine.Cost) {
	sum.RunsMin += c.RunsMin
	sum.RunsMax += c.RunsMax
	sum.TimeMin += c.TimeMin
	sum.TimeMax += c.TimeMax
	sum.GPUHoursMin += c.GPUHoursMin
	sum.GPUHoursMax += c.GPUHoursMax
	sum.Unknown += c.Unknown
}
