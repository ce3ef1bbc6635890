package verify

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"aicv/metric"
	"aicv/spec"
)

// outcome is a verdict with its grounds.
type outcome struct {
	verdict  spec.Verdict
	reason   string
	evidence *spec.Evidence
	settled  bool // no further run can change the verdict
	point    bool // by one run alone
}

// stop ends judging without figures.
func stop(v spec.Verdict, settled bool, format string, args ...any) *outcome {
	return &outcome{verdict: v, settled: settled, reason: fmt.Sprintf(format, args...)}
}

// decide judges one claim on one cell. Whatever stands against judging it is looked
// for first; only then are figures compared.
func (j *Judge) decide(r *rule, v *view) outcome {
	for _, check := range []func(*rule, *view) *outcome{
		checkFailure, checkSubject, checkPrediction, j.checkLook, checkLikeness, checkRuns,
	} {
		if o := check(r, v); o != nil {
			return *o
		}
	}
	if equality(r.claim) {
		return j.judgeEqual(r, v)
	}
	return j.compare(r, v)
}

func checkFailure(_ *rule, v *view) *outcome {
	switch {
	case v.refused():
		return stop(spec.VerdictFail, true, "the engine can not run this configuration: %s", v.in.Failure.Message)
	case v.look == 0 && v.in.Failure != nil:
		return stop(spec.VerdictNoData, false, "not measured (%s): %s", v.in.Failure.Kind, v.in.Failure.Message)
	case len(v.in.Runs) == 0 && v.in.Withheld != "":
		return stop(spec.VerdictNoData, true, "%s", v.in.Withheld)
	}
	return nil
}

func checkSubject(r *rule, _ *view) *outcome {
	if !r.known {
		return stop(spec.VerdictNoData, true, "%s is not a metric that can be judged", r.claim.Subject)
	}
	if !judgeable(r.claim) {
		return stop(spec.VerdictNoData, true, "this version can not judge claims of the form %s %s %s", r.claim.Form, r.claim.Op, r.claim.Reference)
	}
	return nil
}

// judgeable guards against a claim that another version parsed: what is not known
// here must not fall into a rule by chance.
func judgeable(c *spec.Claim) bool {
	switch c.Form {
	case spec.ClaimWithin, spec.ClaimAtLeast, spec.ClaimAtMost:
		return c.Reference == spec.ReferencePredicted
	case spec.ClaimCompare:
		return slices.Contains([]string{"<", "<=", ">", ">=", "=="}, c.Op)
	}
	return false
}

// checkPrediction looks at what a relative claim compares with.
func checkPrediction(r *rule, v *view) *outcome {
	if !relative(r.claim) {
		return nil
	}
	if why := missingPrediction(r, v.in); why != "" {
		return stop(spec.VerdictNoData, true, "%s", why)
	}
	predicted, _ := v.in.Prediction.Values.Get(r.claim.Subject)
	if !(predicted > 0) || math.IsInf(predicted, 0) {
		return stop(spec.VerdictNotComparable, true, "the predicted %s is %v; nothing can be compared with it", r.claim.Subject, predicted)
	}
	if f := spoiler(v.in.Prediction.Findings, r.metric); f != nil {
		return stop(spec.VerdictNotComparable, true, "the prediction is not comparable (%s): %s", f.Check, f.Message)
	}
	return nil
}

func missingPrediction(r *rule, in *CellInput) string {
	switch {
	case in.Prediction == nil:
		return "the cell has no predictor"
	case in.Prediction.Missing != "":
		return "no prediction: " + in.Prediction.Missing
	}
	if _, ok := in.Prediction.Values.Get(r.claim.Subject); ok {
		return ""
	}
	why := fmt.Sprintf("the prediction gives no %s", r.claim.Subject)
	if r.metric.PerGPU && !in.GPUsKnown {
		why += ": the number of GPUs is unknown"
	}
	return why
}

// checkLook wants a completed look.
func (j *Judge) checkLook(_ *rule, v *view) *outcome {
	switch {
	case v.look > 0:
		return nil
	case len(v.in.Runs) == 0:
		return stop(spec.VerdictNoData, false, "not measured yet")
	case len(j.runs) == 0:
		return stop(spec.VerdictNoData, false, "the repeats asked for allow no run")
	}
	return stop(spec.VerdictInconclusive, false, "%d of %s", len(v.in.Runs), metric.Count(j.runs[0], "run"))
}

// checkLikeness refuses to hold a measurement against a prediction of something else.
// More runs of the same deployment would not change that.
func checkLikeness(r *rule, v *view) *outcome {
	if !relative(r.claim) {
		return nil
	}
	if f := spoiler(v.likeness.Findings, r.metric); f != nil {
		return stop(spec.VerdictNotComparable, true, "%s (%s)", f.Message, strings.ReplaceAll(f.Check, "_", " "))
	}
	return nil
}

// checkRuns looks for what keeps single runs from counting. Runs are not dropped:
// one that can not be used leaves the cell undecided.
func checkRuns(r *rule, v *view) *outcome {
	if v.mixed && windowed(r.metric) {
		return stop(spec.VerdictNotComparable, true, "the runs' windows are of unlike kinds, and %s depends on the window", r.claim.Subject)
	}
	for i := range v.runs {
		if o := checkRun(r, v.in, &v.runs[i], v.findings[i]); o != nil {
			return o
		}
	}
	return nil
}

func checkRun(r *rule, in *CellInput, run *spec.Run, findings []spec.Finding) *outcome {
	result := &run.Result
	if f := spoiler(findings, r.metric); f != nil {
		return stop(spec.VerdictNotComparable, true, "run %d is not comparable (%s): %s", run.Index, f.Check, f.Message)
	}
	succeeded := result.Requests - result.Failed
	if result.Requests > 0 && succeeded <= 0 && ofRequests(r.metric) {
		return stop(spec.VerdictNoData, true, "run %d has no %s: all %s failed", run.Index, r.claim.Subject, metric.Count(result.Requests, "request"))
	}
	value, ok := result.Values.Get(r.claim.Subject)
	if !ok {
		return stop(spec.VerdictNoData, true, "run %d has no %s%s", run.Index, r.claim.Subject, whyAbsent(r, in))
	}
	if !possible(value, r.metric) {
		return stop(spec.VerdictNotComparable, true, "run %d gives %v %s for %s, which can not be", run.Index, value, r.metric.Unit, r.claim.Subject)
	}
	if need := r.metric.MinRequests(); r.metric.Percentile > 0 && result.Requests > 0 && succeeded < need {
		return stop(spec.VerdictInconclusive, true, "run %d has %s; %s needs at least %d", run.Index, metric.Count(succeeded, "completed request"), r.claim.Subject, need)
	}
	return nil
}

func whyAbsent(r *rule, in *CellInput) string {
	if r.metric.PerGPU && !in.GPUsKnown {
		return ": the number of GPUs is unknown"
	}
	return ""
}

// judgeEqual judges `==`, which only a figure without noise can meet: every run must
// have exactly the quantity.
func (j *Judge) judgeEqual(r *rule, v *view) outcome {
	values := v.sample(r.claim.Subject, false)
	x := j.intervalOf(values, j.levelAt(v))
	if o := unusable(r, x); o != nil {
		return *o
	}
	quantity := r.claim.Amount.Float64()
	o := outcome{verdict: spec.VerdictPass, settled: true, point: len(values) == 1}
	o.evidence = j.evidence(v, x, figures{low: &quantity, high: &quantity})
	for i, value := range values {
		if !equals(value, r.claim.Amount) {
			o.verdict = spec.VerdictFail
			o.reason = equalBroken(r, v.runs[i].Index, value)
			break
		}
	}
	if o.verdict == spec.VerdictPass {
		o.reason = equalHeld(r, v)
	}
	return o
}

// compare judges the interval of the measured mean against the claim's region.
func (j *Judge) compare(r *rule, v *view) outcome {
	perStart := startsOf(j.experiment.Repeats) > 1
	values := v.sample(r.claim.Subject, perStart)
	if o := j.tooFew(v, len(values), perStart); o != nil {
		return *o
	}
	x := j.intervalOf(values, j.levelAt(v))
	if o := unusable(r, x); o != nil {
		return *o
	}
	f := figures{region: r.bounds()}
	if relative(r.claim) {
		predicted, _ := v.in.Prediction.Values.Get(r.claim.Subject)
		f.region, f.predicted = f.region.of(predicted), &predicted
	}
	f.bounds()
	o := outcome{verdict: f.region.verdict(x), point: x.n == 1}
	o.settled = o.verdict != spec.VerdictInconclusive
	o.evidence = j.evidence(v, x, f)
	o.reason = j.sentence(r, v, x, &o)
	return o
}

// tooFew refuses a sample that has no interval. One run is a point verdict only
// where the suite asks for one run.
func (j *Judge) tooFew(v *view, n int, perStart bool) *outcome {
	switch {
	case perStart && v.starts == 0:
		return stop(spec.VerdictInconclusive, true, "the runs do not say which start they belong to, and %d starts are asked for", j.experiment.Repeats.Starts)
	case n < 2 && j.experiment.Repeats.Max > 1:
		return stop(spec.VerdictInconclusive, v.look == len(j.looks), "%s in 1 start; several starts are asked for, and their means are the sample", metric.Count(len(v.runs), "run"))
	}
	return nil
}

// unusable guards against figures that overflow.
func unusable(r *rule, x interval) *outcome {
	if x.finite() {
		return nil
	}
	return stop(spec.VerdictNotComparable, true, "the runs' values of %s are too large to average", r.claim.Subject)
}

// figures are what the measured mean is compared with.
type figures struct {
	region    region
	predicted *float64
	low, high *float64 // the band; nil: open
}

func (f *figures) bounds() {
	if low, ok := f.region.low.at(); ok {
		f.low = &low
	}
	if high, ok := f.region.high.at(); ok {
		f.high = &high
	}
}

// evidence keeps the figures behind the verdict. A point has no interval.
func (j *Judge) evidence(v *view, x interval, f figures) *spec.Evidence {
	e := &spec.Evidence{Predicted: f.predicted, Measured: x.mean, BandLow: f.low, BandHigh: f.high,
		Runs: len(v.runs), Starts: v.starts}
	if x.n > 1 {
		e.Low, e.High, e.Level = &x.low, &x.high, x.level
	}
	if f.predicted != nil && x.mean != 0 {
		if share := (*f.predicted - x.mean) / x.mean; !math.IsInf(share, 0) {
			e.Error = &share
		}
	}
	return e
}
