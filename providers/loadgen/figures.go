package loadgen

import (
	"math"
	"slices"
	"time"

	"aicv/kit/results"
	"aicv/metric"
	"aicv/spec"
)

// figures are the measured requests' durations in ms, in order of their start.
type figures struct {
	requests, failed    int
	ttft, tpot, latency []float64
	input, output       []float64 // tokens
}

// newFigures reads the measured rows.
func newFigures(rows []spec.RequestRow) figures {
	var f figures
	for _, row := range rows {
		if row.Phase != spec.PhaseMeasure {
			continue
		}
		f.requests++
		if row.Error != "" {
			f.failed++
			continue
		}
		f.ttft = append(f.ttft, milliseconds(row.TTFT))
		f.latency = append(f.latency, milliseconds(row.Latency))
		if t, ok := tpot(row); ok {
			f.tpot = append(f.tpot, t)
		}
		f.input = append(f.input, float64(row.InputTokens))
		f.output = append(f.output, float64(row.OutputTokens))
	}
	return f
}

// values computes every metric of the contract that the run can answer.
func (r *run) values(f figures, window time.Duration) (metric.Values, error) {
	c, seconds := r.collect, window.Seconds()
	values := map[metric.Name]float64{}
	if f.requests > 0 {
		values[metric.ErrorRate] = float64(f.failed) / float64(f.requests)
	}
	if f.requests > f.failed {
		values[metric.TotalThroughput] = c.windowToken / seconds
		values[metric.RequestThroughput] = float64(c.windowEnded) / seconds
		if r.request.GPUs > 0 {
			values[metric.Throughput] = c.windowToken / seconds / float64(r.request.GPUs)
		}
		if results.PerRequest(r.request.SLO) {
			values[metric.Goodput] = float64(c.windowGood) / seconds
		}
		if mean := mean(f.tpot); mean > 0 {
			values[metric.UserThroughput] = 1000 / mean
		}
	}
	f.durations(values)
	return metric.NewValues(values)
}

// durations adds means and percentiles; a percentile only where there are enough
// requests to judge it.
func (f figures) durations(values map[metric.Name]float64) {
	samples := map[metric.Name][]float64{
		metric.TTFT: slices.Sorted(slices.Values(f.ttft)),
		metric.TPOT: slices.Sorted(slices.Values(f.tpot)), metric.Latency: slices.Sorted(slices.Values(f.latency)),
	}
	for _, m := range metric.All() {
		sorted, ok := samples[m.Base]
		if !ok || len(sorted) < m.MinRequests() {
			continue
		}
		if m.Percentile == 0 {
			values[m.Name] = mean(sorted)
		} else {
			values[m.Name] = percentile(sorted, m.Percentile)
		}
	}
}

// mean is the arithmetic mean; 0 of nothing.
func mean(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	total := 0.0
	for _, v := range values {
		total += v
	}
	return total / float64(len(values))
}

// percentile interpolates linearly between the closest ranks of sorted values: rank
// p/100 x (n-1), counted from 0, as numpy does by default.
func percentile(sorted []float64, p int) float64 {
	rank := float64(p) / 100 * float64(len(sorted)-1)
	low := int(math.Floor(rank))
	if low+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[low] + (rank-float64(low))*(sorted[low+1]-sorted[low])
}
