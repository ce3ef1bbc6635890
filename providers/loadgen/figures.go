package loadgen

import (
	"time"

	"aicv/kit/results"
	"aicv/metric"
	"aicv/spec"
)

// figures are what the measured requests gave.
type figures struct {
	results.Samples
	requests, failed int
}

// newFigures reads the measured rows. Answers whose tokens came all at once count with a
// TPOT of 0: coarse_stream says so.
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
		f.TTFT = append(f.TTFT, milliseconds(row.TTFT))
		f.Latency = append(f.Latency, milliseconds(row.Latency))
		if row.OutputTokens > 1 {
			f.TPOT = append(f.TPOT, milliseconds(row.Latency-row.TTFT)/float64(row.OutputTokens-1))
		}
	}
	return f
}

// values computes every metric of the contract that the run can answer.
func (r *run) values(f figures, window time.Duration) (metric.Values, error) {
	c, seconds := r.collect, window.Seconds()
	values := f.Figures()
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
	}
	return metric.NewValues(values)
}
