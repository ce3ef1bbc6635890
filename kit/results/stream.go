package results

import (
	"fmt"

	"aicv/metric"
	"aicv/spec"
)

// How much too low the time per token may be because tokens came together: from the
// first on it is said, beyond the second the figure is of something else.
const (
	coarseWarn   = 0.02
	coarseSpoils = 0.10
)

// Stream counts what came in the streams of the requests that did not fail.
type Stream struct {
	Answers int
	Events  int // that carry text
	Tokens  int // as the server counts them
}

// Coarse checks that tokens came one by one; false where they did, or nobody counted. TTFT
// is the time of the first event, and TPOT spreads what follows over all tokens but one:
// where the first event carries more than one, TPOT is too low by their share.
func (s Stream) Coarse() (spec.Finding, bool) {
	if s.Answers == 0 || s.Events == 0 || s.Tokens <= s.Answers {
		return spec.Finding{}, false
	}
	each, length := float64(s.Tokens)/float64(s.Events), float64(s.Tokens)/float64(s.Answers)
	low := (each - 1) / (length - 1)
	if low <= coarseWarn {
		return spec.Finding{}, false
	}
	severity := spec.FindingWarn
	if low > coarseSpoils {
		severity = spec.FindingSpoils
	}
	return spec.Finding{Check: "coarse_stream", Severity: severity, Metrics: []metric.Name{metric.TPOT, metric.UserThroughput},
		Message: fmt.Sprintf("an event of the stream carries %.3g tokens on average, of %.4g: the first one too, so that the time per token is about %.0f %% too low (at most %.0f %%); look for an option of the server that sends several tokens at once, or for a proxy that holds them back",
			each, length, 100*low, 100*coarseWarn)}, true
}
