package loadgen

import (
	"fmt"
	"time"

	"aicv/kit/results"
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
	stream := results.Stream{Answers: f.requests - f.failed, Events: r.collect.events, Tokens: r.collect.tokens}
	if coarse, is := stream.Coarse(); is {
		found = append(found, coarse)
	}
	r.checkRate(f, window, report)
	return found
}

type reporter func(check string, severity spec.FindingSeverity, message string, metrics ...metric.Name)

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
