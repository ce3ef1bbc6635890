package loadgen

import (
	"fmt"
	"math"
	"time"

	"aicv/metric"
	"aicv/spec"
)

// tolerance is how far a self-check may be off before it is reported.
const tolerance = 0.02

// driftTolerance is how far the second half of the requests may lie from the first.
const driftTolerance = 0.10

// findings are the run's self-checks that did not hold.
func (r *run) findings(f figures, window time.Duration) []spec.Finding {
	var found []spec.Finding
	report := func(check, message string, metrics ...metric.Name) {
		found = append(found, spec.Finding{Check: check, Severity: spec.FindingWarn, Message: message, Metrics: metrics})
	}
	if r.request.Load.RequestRate.Sign() != 0 {
		r.checkRate(f, window, report)
	} else {
		r.checkLoad(f, window, report)
	}
	r.checkDataset(f, report)
	if r.uncalibrated != nil {
		report("uncalibrated", "the server's count of a prompt's tokens could not be learnt: "+r.uncalibrated.Error())
	}
	r.checkLengths(f, report)
	f.checkIdentity(report)
	f.checkDrift(report)
	if n := r.collect.warmupFails; n > 0 {
		report("warmup_errors", metric.Count(n, "request")+" of the warm-up failed")
	}
	if n := r.collect.unkept; n > 0 {
		found = append(found, spec.Finding{Check: "token_times", Severity: spec.FindingNote,
			Message: "the token times of " + metric.Count(n, "request") + " were not kept, to bound memory; the figures use all"})
	}
	return found
}

// reporter takes one finding.
type reporter func(check, message string, metrics ...metric.Name)

// checkLoad checks that the load was what was asked for: long enough, at the
// concurrency, and in agreement with Little's law.
func (r *run) checkLoad(f figures, window time.Duration, report reporter) {
	c := float64(r.request.Load.Concurrency)
	rates := []metric.Name{metric.Throughput, metric.TotalThroughput, metric.RequestThroughput}
	if f.requests < 10*r.request.Load.Concurrency {
		report("few_requests", fmt.Sprintf("the run measured %s, fewer than 10 x the concurrency of %g", metric.Count(f.requests, "request"), c))
	}
	if w := r.request.Sampling.Warmup; w < 2*r.request.Load.Concurrency {
		report("short_warmup", fmt.Sprintf("the warm-up had %s, fewer than 2 x the concurrency of %g", metric.Count(w, "request"), c), rates...)
	}
	achieved := float64(r.collect.inFlight) / float64(window)
	if off(achieved, c) > tolerance {
		report("achieved_concurrency", fmt.Sprintf("%.2f requests were in flight on average, %g were asked for", achieved, c), rates...)
	}
	if f.failed > 0 || r.collect.windowFails > 0 || len(f.latency) == 0 {
		return // lost requests hold places for unlike times: the law says nothing of the rest
	}
	rate := float64(r.collect.windowEnded) / window.Seconds()
	if law := rate * mean(f.latency) / 1000; off(law, c) > tolerance {
		report("littles_law", fmt.Sprintf("request rate x mean latency gives %.2f requests in flight (%.4g/s x %.4g ms), %g were held: the run is not in a steady state, or too short", law, rate, mean(f.latency), c), rates...)
	}
}

// keepsUp is how much of the arriving load a server must end to be said to keep up with
// it. What is in flight at the window's edges moves the share by little more than that.
const keepsUp = 0.95

// checkRate checks that the server ends requests as fast as they arrive: otherwise its
// queue grows, and durations say how long the run was.
func (r *run) checkRate(f figures, window time.Duration, report reporter) {
	ended, arrived := float64(r.collect.windowEnded)/window.Seconds(), float64(f.requests)/window.Seconds()
	if f.failed == 0 && ended < keepsUp*arrived {
		report("overload", fmt.Sprintf("%.4g requests/s arrived and %.4g ended: the server does not keep up, its queue grows, and a longer run would show longer times", arrived, ended),
			metric.TTFT, metric.Latency, metric.Throughput, metric.TotalThroughput, metric.RequestThroughput)
	}
}

// checkDataset checks that no prompt was measured twice.
func (r *run) checkDataset(f figures, report reporter) {
	if n := r.distinct; n > 0 && f.requests > n {
		report("dataset_repeats", fmt.Sprintf("%s were measured with a dataset of %s: a prefix cache can find them", metric.Count(f.requests, "request"), metric.Count(n, "prompt")), metric.TTFT)
	}
}

// off is the relative difference of a value to what it should be.
func off(value, expected float64) float64 { return math.Abs(value-expected) / expected }

// checkLengths checks that requests had the lengths that were asked for.
func (r *run) checkLengths(f figures, report reporter) {
	load := r.request.Load
	if load.Shape.Varies() {
		return
	}
	if m := mean(f.input); len(f.input) > 0 && off(m, float64(load.InputTokens)) > tolerance {
		report("input_length", fmt.Sprintf("the server counted %.1f prompt tokens on average, %d were asked for: the chat template or the tokenizer adds some", m, load.InputTokens), metric.TTFT, metric.Throughput, metric.TotalThroughput)
	}
	short := 0
	for _, n := range f.output {
		if n != float64(load.OutputTokens) {
			short++
		}
	}
	if short > 0 {
		report("output_length", fmt.Sprintf("%d of %d requests gave other than the %d output tokens asked for (mean %.1f): the server may not honour ignore_eos", short, len(f.output), load.OutputTokens, mean(f.output)),
			metric.Throughput, metric.TotalThroughput, metric.Latency)
	}
}

// checkIdentity checks latency = ttft + (n-1) tpot on the means. It holds exactly
// for equal lengths; where lengths vary the means must not be put together so.
func (f figures) checkIdentity(report reporter) {
	if len(f.tpot) == 0 || len(f.latency) == 0 {
		return
	}
	sum := mean(f.ttft) + (mean(f.output)-1)*mean(f.tpot)
	if m := mean(f.latency); off(sum, m) > tolerance {
		report("latency_identity", fmt.Sprintf("ttft + (n-1) x tpot gives %.4g ms, the mean latency is %.4g ms: requests differ too much in length for their means to add up", sum, m),
			metric.TTFT, metric.TPOT, metric.Latency)
	}
}

// checkDrift compares the first half of the measured requests with the second.
func (f figures) checkDrift(report reporter) {
	half := len(f.latency) / 2
	if half < 10 {
		return
	}
	first, second := mean(f.latency[:half]), mean(f.latency[half:])
	if off(second, first) > driftTolerance {
		report("drift", fmt.Sprintf("the mean latency went from %.4g ms in the first half of the requests to %.4g ms in the second", first, second),
			metric.Latency, metric.TTFT, metric.TPOT, metric.Throughput, metric.TotalThroughput)
	}
}
