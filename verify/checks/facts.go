package checks

import (
	"cmp"
	"slices"
	"time"

	"aicv/spec"
)

// fewestInHalf is the number of requests that each half of a run must have before the
// halves are compared.
const fewestInHalf = 10

// Facts sums up a run's raw rows; nil where it has none. The load is the one that was
// asked for: its concurrency says how many requests the start burst has.
func Facts(result *spec.RunResult, load spec.Load) *spec.RequestFacts {
	if len(result.Rows) == 0 {
		return nil
	}
	f := &spec.RequestFacts{}
	measured := make([]spec.RequestRow, 0, len(result.Rows)) // that did not fail
	for i := range result.Rows {
		row := &result.Rows[i]
		switch {
		case row.Phase == spec.PhaseWarmup:
			f.Warmup++
			if row.Error != "" {
				f.WarmupFailed++
			}
		case row.Phase == spec.PhaseMeasure && row.Error == "":
			measured = append(measured, *row)
		}
	}
	slices.SortStableFunc(measured, func(a, b spec.RequestRow) int { return cmp.Compare(a.Start, b.Start) })
	lengths(f, measured)
	durations(f, measured)
	if half := len(measured) / 2; half >= fewestInHalf {
		f.First, f.Second = meanOf(measured[:half], latency), meanOf(measured[half:], latency)
	}
	if c := load.Concurrency; c > 0 && len(measured) >= 2*c {
		f.Burst, f.Later = meanOf(measured[:c], ttft), meanOf(measured[c:], ttft)
	}
	window(f, result)
	return f
}

func lengths(f *spec.RequestFacts, rows []spec.RequestRow) {
	f.Input = lengthsOf(rows, func(r *spec.RequestRow) int { return r.InputTokens })
	f.Output = lengthsOf(rows, func(r *spec.RequestRow) int { return r.OutputTokens })
}

func lengthsOf(rows []spec.RequestRow, of func(*spec.RequestRow) int) spec.Lengths {
	if len(rows) == 0 {
		return spec.Lengths{}
	}
	l, total := spec.Lengths{Min: of(&rows[0])}, 0
	for i := range rows {
		n := of(&rows[i])
		total += n
		l.Min, l.Max = min(l.Min, n), max(l.Max, n)
	}
	l.Mean = float64(total) / float64(len(rows))
	return l
}

func durations(f *spec.RequestFacts, rows []spec.RequestRow) {
	f.TTFT, f.Latency = meanOf(rows, ttft), meanOf(rows, latency)
	several := 0
	for i := range rows {
		if rows[i].OutputTokens > 1 {
			several++
			f.TPOT += milliseconds(rows[i].Latency-rows[i].TTFT) / float64(rows[i].OutputTokens-1)
		}
	}
	if several > 0 {
		f.TPOT /= float64(several)
	}
}

// window takes the load inside the window, which opens with the first measured
// request. A request that was lost held its
// place for a time that nobody knows, so nothing can be said then.
func window(f *spec.RequestFacts, result *spec.RunResult) {
	opened, any := opening(result)
	if !any || result.Elapsed <= 0 {
		return
	}
	closed := opened + result.Elapsed
	var inside time.Duration
	ended := 0
	for i := range result.Rows {
		row := &result.Rows[i]
		if row.Error != "" {
			return
		}
		end := row.Start + row.Latency
		inside += max(0, min(end, closed)-max(row.Start, opened))
		if end > opened && end <= closed {
			ended++
		}
	}
	f.InFlight = float64(inside) / float64(result.Elapsed)
	f.Rate = float64(ended) / result.Elapsed.Seconds()
}

func opening(result *spec.RunResult) (at time.Duration, any bool) {
	for i := range result.Rows {
		row := &result.Rows[i]
		if row.Phase != spec.PhaseMeasure {
			continue
		}
		if !any || row.Start < at {
			at, any = row.Start, true
		}
	}
	return at, any
}

func ttft(r *spec.RequestRow) time.Duration    { return r.TTFT }
func latency(r *spec.RequestRow) time.Duration { return r.Latency }

// meanOf is a mean in ms; 0 of nothing.
func meanOf(rows []spec.RequestRow, of func(*spec.RequestRow) time.Duration) float64 {
	total := 0.0
	for i := range rows {
		total += milliseconds(of(&rows[i]))
	}
	return total / float64(max(1, len(rows)))
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
