package results

import (
	"math"
	"slices"
	"time"

	"aicv/metric"
	"aicv/spec"
)

// Rows are the requests of one run; those that failed have an Error.
type Rows []spec.RequestRow

// Good counts the requests that did not fail.
func (rows Rows) Good() int {
	n := 0
	for i := range rows {
		if rows[i].Error == "" {
			n++
		}
	}
	return n
}

// OutputTokens sums the output tokens of the requests that did not fail.
func (rows Rows) OutputTokens() int {
	n := 0
	for i := range rows {
		if rows[i].Error == "" {
			n += rows[i].OutputTokens
		}
	}
	return n
}

// TPOT is a request's time per output token, (latency - ttft) / (output tokens - 1), in
// ms; false for one token, and where nothing lies between first and last.
func TPOT(row *spec.RequestRow) (float64, bool) {
	if row.OutputTokens < 2 || row.Latency <= row.TTFT {
		return 0, false
	}
	return milliseconds(row.Latency-row.TTFT) / float64(row.OutputTokens-1), true
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// Durations are the figures of the requests that did not fail.
func (rows Rows) Durations() map[metric.Name]float64 {
	var s Samples
	for i := range rows {
		row := &rows[i]
		if row.Error != "" {
			continue
		}
		s.TTFT = append(s.TTFT, milliseconds(row.TTFT))
		s.Latency = append(s.Latency, milliseconds(row.Latency))
		if t, ok := TPOT(row); ok {
			s.TPOT = append(s.TPOT, t)
		}
	}
	return s.Figures()
}

// Samples are the durations of a run's requests in ms, in any order.
type Samples struct{ TTFT, TPOT, Latency []float64 }

// Figures are the means and percentiles of ttft, tpot and latency in ms, and what follows
// from them. A percentile is there only where there are enough requests to judge it
// (metric.MinRequests).
func (s Samples) Figures() map[metric.Name]float64 {
	samples := map[metric.Name][]float64{
		metric.TTFT: slices.Sorted(slices.Values(s.TTFT)), metric.TPOT: slices.Sorted(slices.Values(s.TPOT)), metric.Latency: slices.Sorted(slices.Values(s.Latency)),
	}
	figures := map[metric.Name]float64{}
	for _, m := range metric.All() {
		sorted, ok := samples[m.Base]
		switch {
		case !ok || len(sorted) < m.MinRequests():
		case m.Percentile == 0:
			figures[m.Name] = mean(sorted)
		default:
			figures[m.Name] = percentile(sorted, m.Percentile)
		}
	}
	if t := figures[metric.TPOT]; t > 0 {
		figures[metric.UserThroughput] = 1000 / t
	}
	return figures
}

// mean is the arithmetic mean; 0 of nothing.
func mean(values []float64) float64 {
	total := 0.0
	for _, v := range values {
		total += v
	}
	return total / max(1, float64(len(values)))
}

// percentile interpolates linearly between the closest ranks of sorted values, as numpy
// does by default.
func percentile(sorted []float64, p int) float64 {
	rank := float64(p) / 100 * float64(len(sorted)-1)
	low := int(math.Floor(rank))
	if low+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[low] + (rank-float64(low))*(sorted[low+1]-sorted[low])
}

// LittlesRate is the rate of output tokens per second that Little's law gives for a
// closed loop that keeps all its places busy: concurrency x mean output tokens / mean
// latency. It is free of what a window cuts off. 0: there is nothing to compute it from.
func (rows Rows) LittlesRate(concurrency int) float64 {
	var latency time.Duration
	for i := range rows {
		if rows[i].Error == "" {
			latency += rows[i].Latency
		}
	}
	if latency <= 0 {
		return 0
	}
	return float64(concurrency) * float64(rows.OutputTokens()) / latency.Seconds()
}

// Meeting counts the requests that did not fail and keep all limits that one request
// can be held to; false where there is no such limit, and thus no goodput.
func (rows Rows) Meeting(slo spec.SLO) (int, bool) {
	n := 0
	for i := range rows {
		if rows[i].Error == "" && Meets(&rows[i], slo) {
			n++
		}
	}
	return n, PerRequest(slo)
}

// PerRequest reports whether a single request can be held to any of the limits; without
// one there is no goodput.
func PerRequest(slo spec.SLO) bool {
	return slices.ContainsFunc(slo, func(limit spec.Limit) bool {
		return limit.Metric == metric.TTFT || limit.Metric == metric.TPOT || limit.Metric == metric.Latency
	})
}

// Meets reports whether a request that did not fail keeps all limits that a single request
// can be held to.
func Meets(row *spec.RequestRow, slo spec.SLO) bool {
	for _, limit := range slo {
		v := 0.0
		switch limit.Metric {
		case metric.TTFT:
			v = milliseconds(row.TTFT)
		case metric.Latency:
			v = milliseconds(row.Latency)
		case metric.TPOT:
			v, _ = TPOT(row) // a single token has none, and keeps any limit
		default:
			continue
		}
		if v > limit.Quantity.Float64() {
			return false
		}
	}
	return true
}
