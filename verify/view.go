package verify

import (
	"math"
	"slices"

	"aicv/metric"
	"aicv/spec"
	"aicv/verify/checks"
)

// view is what the last completed look sees of a cell.
type view struct {
	in     *CellInput
	runs   []spec.Run // up to the look; none before the first
	look   int        // looks completed
	starts int        // that the runs belong to; 0: recorded data does not say
	window spec.WindowKind
	mixed  bool // the runs' windows are of unlike kinds
	lost   bool // requests were lost in some run

	findings [][]spec.Finding // by run: the benchmark's own and the self-checks'
	likeness checks.Likeness
}

// viewOf takes the runs up to the last completed look; later ones wait for the next.
func (j *Judge) viewOf(in *CellInput) *view {
	v := &view{in: in}
	for v.look < len(j.runs) && j.runs[v.look] <= len(in.Runs) {
		v.look++
	}
	if v.look == 0 {
		return v
	}
	v.runs = in.Runs[:j.runs[v.look-1]]
	v.starts = countStarts(v.runs)
	v.window = windowOf(&v.runs[0])
	for i := range v.runs {
		v.mixed = v.mixed || windowOf(&v.runs[i]) != v.window
		v.lost = v.lost || v.runs[i].Result.Failed > 0
	}
	v.findings, v.likeness = j.examine(in, v.runs)
	return v
}

// windowOf counts a run that does not say its window's kind as unknown.
func windowOf(r *spec.Run) spec.WindowKind {
	if r.Result.Window == "" {
		return spec.WindowUnknown
	}
	return r.Result.Window
}

// refused reports that the engine refused its configuration or died on it.
func (v *view) refused() bool {
	return v.in.Failure != nil && v.in.Failure.Kind == spec.ErrConfiguration
}

// spoiler finds what makes a metric not comparable. A finding that names no metric
// concerns them all.
func spoiler(findings []spec.Finding, m metric.Metric) *spec.Finding {
	for i := range findings {
		if findings[i].Severity == spec.FindingSpoils && concerns(&findings[i], m) {
			return &findings[i]
		}
	}
	return nil
}

// concerns reports whether a finding is about a metric: it names the metric, the
// metric that its percentile belongs to, or the figure that it is computed from.
func concerns(f *spec.Finding, m metric.Metric) bool {
	if len(f.Metrics) == 0 || slices.Contains(f.Metrics, m.Name) || slices.Contains(f.Metrics, m.Base) {
		return true
	}
	switch m.Name {
	case metric.Throughput:
		return slices.Contains(f.Metrics, metric.TotalThroughput)
	case metric.UserThroughput:
		return slices.Contains(f.Metrics, metric.TPOT)
	}
	return false
}

// windowed reports whether a metric depends on what its window includes.
func windowed(m metric.Metric) bool {
	switch m.Base {
	case metric.TTFT, metric.Throughput, metric.TotalThroughput, metric.RequestThroughput, metric.Goodput:
		return true
	}
	return false
}

// ofRequests reports whether a metric exists only where requests succeeded.
func ofRequests(m metric.Metric) bool {
	return m.Unit == metric.Milliseconds || m.Name == metric.UserThroughput
}

// possible reports whether a figure can be a value of the metric at all.
func possible(v float64, m metric.Metric) bool {
	if math.IsNaN(v) || math.IsInf(v, 0) || v < 0 || m.Unit == metric.Share && v > 1 {
		return false
	}
	return v > 0 || m.Unit != metric.Milliseconds
}
