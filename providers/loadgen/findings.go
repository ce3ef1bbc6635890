package loadgen

import (
	"fmt"
	"time"

	"aicv/metric"
	"aicv/spec"
)

// findings are what only the load generator knows of the run. The self-checks that any
// benchmark's rows can be put through are made when the run is judged.
func (r *run) findings(f figures, window time.Duration) []spec.Finding {
	var found []spec.Finding
	report := func(check string, severity spec.FindingSeverity, message string, metrics ...metric.Name) {
		found = append(found, spec.Finding{Check: check, Severity: severity, Message: message, Metrics: metrics})
	}
	if n := r.collect.unkept; n > 0 {
		report("token_times", spec.FindingNote, "the token times of "+metric.Count(n, "request")+" were not kept, to bound memory; the figures use all")
	}
	if r.uncalibrated != nil {
		report("uncalibrated", spec.FindingWarn, "the server's count of a prompt's tokens could not be learnt, so prompts have a word per token: "+r.uncalibrated.Error())
	}
	if n := r.distinct; n > 0 && f.requests > n {
		report("dataset_repeats", spec.FindingWarn, fmt.Sprintf("%s were measured with a dataset of %s: a prefix cache can find them", metric.Count(f.requests, "request"), metric.Count(n, "prompt")), metric.TTFT)
	}
	r.checkStream(f, report)
	r.checkRate(f, window, report)
	return found
}

type reporter func(check string, severity spec.FindingSeverity, message string, metrics ...metric.Name)

// How much too low the time per token may be because tokens came together: from the
// first on it is said, beyond the second the figure is of something else.
const (
	coarseWarn   = 0.02
	coarseSpoils = 0.10
)

// checkStream checks that tokens came one by one. TTFT is the time of the first event,
// and TPOT spreads what follows over all tokens but one: where the first event carries
// more than one, TPOT is too low by their share.
func (r *run) checkStream(f figures, report reporter) {
	answered, events, tokens := f.requests-f.failed, float64(r.collect.events), float64(r.collect.tokens)
	if answered == 0 || events == 0 || tokens <= float64(answered) {
		return
	}
	each, length := tokens/events, tokens/float64(answered)
	low := (each - 1) / (length - 1)
	if low <= coarseWarn {
		return
	}
	severity := spec.FindingWarn
	if low > coarseSpoils {
		severity = spec.FindingSpoils
	}
	report("coarse_stream", severity, fmt.Sprintf("an event of the stream carries %.3g tokens on average, of %.4g: the first one too, so that the time per token is about %.0f %% too low (at most %.0f %%); look for an option of the server that sends several tokens at once, or for a proxy that holds them back",
		each, length, 100*low, 100*coarseWarn), metric.TPOT, metric.UserThroughput)
}

// keepsUp is how much of the arriving load a server must end to be said to keep up with
// it. What is in flight at the window's edges moves the share by little more than that.
const keepsUp = 0.95

// checkRate checks that the server ends requests as fast as they arrive: otherwise its
// queue grows, and durations say how long the run was.
func (r *run) checkRate(f figures, window time.Duration, report reporter) {
	if r.request.Load.RequestRate.Sign() == 0 || f.failed > 0 {
		return
	}
	ended, arrived := float64(r.collect.windowEnded)/window.Seconds(), float64(f.requests)/window.Seconds()
	if ended < keepsUp*arrived {
		report("overload", spec.FindingWarn, fmt.Sprintf("%.4g requests/s arrived and %.4g ended: the server does not keep up, its queue grows, and a longer run would show longer times", arrived, ended),
			metric.TTFT, metric.Latency, metric.Throughput, metric.TotalThroughput, metric.RequestThroughput)
	}
}
