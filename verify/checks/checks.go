package checks

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"sync"
	"time"

	"aicv/metric"
	"aicv/spec"
)

// Input is what the checks of one run see.
type Input struct {
	Run        *spec.RunResult
	Load       spec.Load        // that was asked for
	Prediction *spec.Prediction // nil: none
	Duration   time.Duration    // shortest window that was asked for; 0: none was
}

// seen is what was observed of the run; an empty one where nothing was.
func (in *Input) seen() *spec.Observation {
	if in.Run.Seen == nil {
		return &spec.Observation{}
	}
	return in.Run.Seen
}

// reading is a check that was made: the figure that is held against the threshold, and
// what to say of it.
type reading struct {
	value float64
	text  func() string
}

// check reads a figure; false where it can not be computed.
type check func(in *Input) (reading, bool)

// measures pairs the checks with their functions. Those of likeness are not of runs.
func measures() map[string]check {
	return map[string]check{
		"few_requests": fewRequests, "short_window": shortWindow, "short_warmup": shortWarmup, "warmup_errors": warmupErrors,
		"achieved_concurrency": achievedConcurrency, "littles_law": littlesLaw, "drift": drift, "start_burst": startBurst,
		"input_length": inputLength, "output_length": outputLength, "latency_identity": latencyIdentity,
		"prefix_cache_hits": prefixCacheHits, "preemptions": preemptions, "kv_cache_fit": kvCacheFit, "saturation": saturation,
		"client_lag": clientLag, "client_cpu": clientCPU, "gpu_throttling": gpuThrottling, "foreign_processes": foreignProcesses,
	}
}

// Rules are the self-checks with the thresholds that are in force.
type Rules struct {
	list []rule
}

type rule struct {
	spec.SelfCheck
	measure  check // nil: a check of likeness
	limit    float64
	guard    string // that set the limit; empty: the default
	required bool   // of a requirement
}

// unguarded lists the checks as they stand without guards. It is built once and only
// read: a suite may have thousands of experiments.
var unguarded = sync.OnceValue(func() []rule {
	var list []rule
	by := measures()
	for _, c := range spec.SelfChecks() {
		list = append(list, rule{SelfCheck: c, measure: by[c.Name], limit: c.Limit})
	}
	return list
})

// NewRules puts guards in force; of several that set one threshold the last prevails.
func NewRules(guards []spec.Guard) *Rules {
	r := &Rules{list: slices.Clone(unguarded())}
	for _, g := range guards {
		for _, t := range g.Thresholds {
			if i := slices.IndexFunc(r.list, func(x rule) bool { return x.Threshold == t.Name }); i >= 0 {
				r.list[i].set(&g, t.Limit.Float64())
			}
		}
	}
	return r
}

// set puts a guard's threshold in force: beyond it stands what the guard says, and
// nothing else.
func (r *rule) set(g *spec.Guard, limit float64) {
	r.limit, r.guard, r.Severity, r.Spoils = limit, g.Name, g.Severity, 0
	if r.Kind != spec.ThresholdRequirement {
		return
	}
	r.required = limit != 0
	if !r.required {
		r.Severity = spec.FindingNote
	}
}

// find is a rule by the name of its check.
func (r *Rules) find(name string) *rule {
	for i := range r.list {
		if r.list[i].Name == name {
			return &r.list[i]
		}
	}
	return &rule{}
}

// Run makes the checks of one run and returns those that did not hold.
func (r *Rules) Run(in Input) []spec.Finding {
	var found []spec.Finding
	for i := range r.list {
		x := &r.list[i]
		if x.measure == nil {
			continue
		}
		if got, made := x.measure(&in); made && !math.IsNaN(got.value) && x.broken(got.value) {
			found = append(found, x.finding(got))
		}
	}
	return found
}

// tiny keeps a figure that is at its limit but for rounding from breaking it.
const tiny = 1e-9

func (r *rule) broken(value float64) bool {
	if r.Kind == spec.ThresholdLeast {
		return value < r.limit-tiny
	}
	return value > r.limit+tiny
}

func (r *rule) finding(got reading) spec.Finding {
	severity := r.Severity
	if r.Spoils > 0 && got.value > r.Spoils {
		severity = spec.FindingSpoils
	}
	return spec.Finding{Check: r.Name, Severity: severity, Message: got.text() + r.allowed(severity), Metrics: r.Metrics}
}

// allowed says which limit was broken, and who set it.
func (r *rule) allowed(severity spec.FindingSeverity) string {
	limit, most := r.limit, " (at most "
	if severity == spec.FindingSpoils && r.Spoils > 0 {
		limit = r.Spoils
	}
	if r.Kind == spec.ThresholdLeast {
		most = " (at least "
	}
	text := most + figure(limit)
	switch r.Kind {
	case spec.ThresholdShare:
		text = most + percent(limit)
	case spec.ThresholdLeast:
		text += " x"
	}
	if r.guard != "" {
		text += " by guard " + strconv.Quote(r.guard)
	}
	return text + ")"
}

func percent(share float64) string { return string(metric.AppendPercent(nil, share)) }

func figure(v float64) string { return metric.Figure(v) }

func ms(v float64) string { return metric.Quantity(v, metric.Milliseconds) }

// off is the relative distance of a value from what it should be.
func off(value, expected float64) float64 { return math.Abs(value-expected) / expected }

// closedLoop is the concurrency of a closed loop, with the facts of its requests. Static
// batches are none: they end together.
func closedLoop(in *Input) (float64, *spec.RequestFacts, bool) {
	facts := in.seen().Requests
	return float64(in.Load.Concurrency), facts, facts != nil && in.Load.Concurrency > 0 && !in.Load.Shape.Static
}

// fewRequests leaves out runs of which nothing was seen, as saturation does: a recording
// is what it is.
func fewRequests(in *Input) (reading, bool) {
	c, n := float64(in.Load.Concurrency), in.Run.Requests
	return reading{float64(n) / c, func() string {
		return "the run measured " + metric.Count(n, "request") + " at a concurrency of " + figure(c)
	}}, c > 0 && n > 0 && in.Run.Seen != nil
}

// shortWindow leaves out recordings: nobody asked them for a duration.
func shortWindow(in *Input) (reading, bool) {
	asked, took := in.Duration.Seconds(), in.Run.Elapsed.Seconds()
	return reading{1 - took/asked, func() string {
		return "the window took " + in.Run.Elapsed.Round(100*time.Millisecond).String() + ", and at least " + in.Duration.String() + " were asked for: set requests, or ask for a longer duration"
	}}, asked > 0 && took > 0 && in.Run.Seen != nil
}

func shortWarmup(in *Input) (reading, bool) {
	c, facts, ok := closedLoop(in)
	if !ok {
		return reading{}, false
	}
	return reading{float64(facts.Warmup) / c, func() string {
		return "the warm-up had " + metric.Count(facts.Warmup, "request") + " at a concurrency of " + figure(c)
	}}, true
}

func warmupErrors(in *Input) (reading, bool) {
	facts := in.seen().Requests
	if facts == nil || facts.Warmup == 0 {
		return reading{}, false
	}
	return reading{float64(facts.WarmupFailed) / float64(facts.Warmup), func() string {
		return metric.Count(facts.WarmupFailed, "request") + " of the warm-up failed"
	}}, true
}

func achievedConcurrency(in *Input) (reading, bool) {
	c, facts, ok := closedLoop(in)
	if !ok || facts.InFlight == 0 {
		return reading{}, false
	}
	return reading{off(facts.InFlight, c), func() string {
		return figure(facts.InFlight) + " requests were in flight on average, " + figure(c) + " were asked for"
	}}, true
}

func littlesLaw(in *Input) (reading, bool) {
	c, facts, ok := closedLoop(in)
	if !ok || facts.Rate == 0 || facts.Latency == 0 {
		return reading{}, false
	}
	law := facts.Rate * facts.Latency / 1000
	return reading{off(law, c), func() string {
		return "request rate x mean latency gives " + figure(law) + " requests in flight (" + figure(facts.Rate) + "/s x " + ms(facts.Latency) + "), " +
			figure(c) + " were held: the run is not in a steady state, or too short"
	}}, true
}

// drift leaves out loads whose requests differ in length: their halves differ by chance.
func drift(in *Input) (reading, bool) {
	facts := in.seen().Requests
	if facts == nil || in.Load.Shape.Varies() || facts.First == 0 || facts.Second == 0 {
		return reading{}, false
	}
	return reading{off(facts.Second, facts.First), func() string {
		return "the mean latency went from " + ms(facts.First) + " in the first half of the requests to " + ms(facts.Second) + " in the second"
	}}, true
}

// startBurst leaves out runs whose window opens in a steady stream: their first requests
// did not start together.
func startBurst(in *Input) (reading, bool) {
	facts := in.seen().Requests
	if facts == nil || in.Run.Window == spec.WindowSteady || in.Load.Shape.Static || facts.Later == 0 || facts.TTFT == 0 {
		return reading{}, false
	}
	return reading{(facts.TTFT - facts.Later) / facts.Later, func() string {
		return "the requests that started together waited " + ms(facts.Burst) + " for their first token, later ones " + ms(facts.Later) +
			": they raise the mean to " + ms(facts.TTFT)
	}}, true
}

func inputLength(in *Input) (reading, bool) {
	facts, asked := in.seen().Requests, float64(in.Load.InputTokens)
	if facts == nil || facts.Input.Mean == 0 || asked == 0 || in.Load.Shape.Varies() {
		return reading{}, false
	}
	return reading{off(facts.Input.Mean, asked), func() string {
		return "the server counted " + figure(facts.Input.Mean) + " prompt tokens on average, " + figure(asked) + " were asked for: the chat template or the tokenizer adds some"
	}}, true
}

// outputLength holds single requests to the length asked for as well: too long and too
// short ones must not make up for one another.
func outputLength(in *Input) (reading, bool) {
	facts, asked := in.seen().Requests, float64(in.Load.OutputTokens)
	if facts == nil || facts.Output.Mean == 0 || asked == 0 || in.Load.Shape.Varies() {
		return reading{}, false
	}
	value := off(facts.Output.Mean, asked)
	if float64(facts.Output.Min) < asked && float64(facts.Output.Max) > asked {
		value = cmp.Or(value, off(float64(facts.Output.Min), asked))
	}
	return reading{value, func() string {
		return "requests gave " + strconv.Itoa(facts.Output.Min) + " to " + strconv.Itoa(facts.Output.Max) + " output tokens (mean " + figure(facts.Output.Mean) + "), " +
			figure(asked) + " were asked for: the server may not honour ignore_eos"
	}}, true
}

// latencyIdentity puts the reported means together, which holds exactly for requests
// of one length. It is asked of recordings too: what others call the time per token has
// several definitions.
func latencyIdentity(in *Input) (reading, bool) {
	tokens := oneLength(in)
	ttft, hasTTFT := in.Run.Values.Get(metric.TTFT)
	tpot, hasTPOT := in.Run.Values.Get(metric.TPOT)
	latency, hasLatency := in.Run.Values.Get(metric.Latency)
	if tokens == 0 || !hasTTFT || !hasTPOT || !hasLatency || latency <= 0 {
		return reading{}, false
	}
	sum := ttft + (tokens-1)*tpot
	return reading{off(sum, latency), func() string {
		return "ttft + (n-1) x tpot gives " + ms(sum) + ", the mean latency is " + ms(latency) + ": one of the figures is not what its name says"
	}}, true
}

// oneLength is the output length that all requests had, or where nobody counted them that
// all were to have; 0: they differ.
func oneLength(in *Input) float64 {
	if facts := in.seen().Requests; facts != nil {
		if facts.Output.Min != facts.Output.Max {
			return 0
		}
		return facts.Output.Mean
	}
	if in.Load.Shape.Varies() {
		return 0
	}
	return float64(in.Load.OutputTokens)
}

// saturation compares in which part of a request's time it waits for its first token.
func saturation(in *Input) (reading, bool) {
	if in.Prediction == nil || in.Run.Seen == nil {
		return reading{}, false
	}
	predicted, known := firstTokenShare(in.Prediction.Values, in.Load)
	measured, ok := firstTokenShare(in.Run.Values, in.Load)
	if !known || !ok {
		return reading{}, false
	}
	value := math.Abs(predicted - measured)
	if (predicted > 0.5) == (measured > 0.5) {
		value = 0
	}
	return reading{value, func() string {
		return "a request passes " + percent(measured) + " of its time before its first token, " + percent(predicted) + " were predicted: one is of a queue, the other is not"
	}}, true
}

// firstTokenShare is ttft over latency.
func firstTokenShare(values metric.Values, load spec.Load) (float64, bool) {
	ttft, known := values.Get(metric.TTFT)
	latency := values.RequestTime(load.OutputTokens)
	if !known || latency <= 0 {
		return 0, false
	}
	return ttft / milliseconds(latency), true
}
