package loadgen

import (
	"aicv/metric"
	"aicv/spec"
)

// findings are what only the load generator knows of the run. The self-checks that any
// benchmark's rows can be put through are made when the run is judged.
func (r *run) findings() []spec.Finding {
	n := r.collect.unkept
	if n == 0 {
		return nil
	}
	return []spec.Finding{{Check: "token_times", Severity: spec.FindingNote,
		Message: "the token times of " + metric.Count(n, "request") + " were not kept, to bound memory; the figures use all"}}
}
