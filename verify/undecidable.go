package verify

import (
	"fmt"
	"math"

	"aicv/metric"
	"aicv/spec"
)

// Undecided is a claim that can not be decided on a cell, and why.
type Undecided struct {
	Claim *spec.Claim
	Why   string
}

// Undecidable lists the claims that can not be decided on a cell, as far as that is
// known before anything runs: nothing is measured, there is nothing to compare with, a run
// is too small for the percentile, or the noise seen so far is wider than the band.
func (j *Judge) Undecidable(in CellInput) []Undecided {
	var found []Undecided
	v := j.viewOf(&in)
	for i := range j.rules {
		if why := j.foreseen(&j.rules[i], v); why != "" {
			found = append(found, Undecided{j.rules[i].claim, why})
		}
	}
	return found
}

// foreseen says why a claim can not be decided; empty: nothing stands against it.
func (j *Judge) foreseen(r *rule, v *view) string {
	if len(v.in.Runs) == 0 && v.in.Withheld != "" {
		return v.in.Withheld
	}
	if o := checkSubject(r, v); o != nil {
		return o.reason
	}
	if o := checkPrediction(r, v); o != nil {
		return o.reason
	}
	need := r.metric.MinRequests()
	switch {
	case r.metric.PerGPU && !v.in.GPUsKnown && len(v.in.Runs) == 0:
		return "the number of GPUs is unknown, and " + string(r.claim.Subject) + " is per GPU"
	case r.claim.Subject == metric.Goodput && len(j.experiment.SLO) == 0:
		return "goodput needs an slo, and the experiment has none"
	case v.in.Requests > 0 && v.in.Requests < need:
		return fmt.Sprintf("%s needs at least %d requests per run, and a run has %d", r.claim.Subject, need, v.in.Requests)
	}
	return j.tooNoisy(r, v)
}

// tooNoisy compares the band with the interval that all planned runs would give if
// they spread as the runs seen so far. It speaks only where even a mean in the
// band's middle could not pass.
func (j *Judge) tooNoisy(r *rule, v *view) string {
	if r.claim.Form != spec.ClaimWithin || v.look == 0 || v.look == len(j.looks) || startsOf(j.experiment.Repeats) > 1 {
		return ""
	}
	if o := j.decide(r, v); o.settled || o.evidence == nil || o.evidence.Low == nil || o.evidence.BandHigh == nil {
		return ""
	}
	x := j.intervalOf(v.sample(r.claim.Subject, false), j.levelAt(v))
	deviation := (x.high - x.mean) * math.Sqrt(float64(x.n)) / j.quantile(x.n-1, x.level)
	planned := j.looks[len(j.looks)-1]
	half := j.quantile(planned-1, Level(j.looks, planned)) * deviation / math.Sqrt(float64(planned))
	predicted, _ := v.in.Prediction.Values.Get(r.claim.Subject)
	region := r.bounds().of(predicted)
	low, _ := region.low.at()
	high, bounded := region.high.at()
	if !bounded || 2*half <= high-low {
		return ""
	}
	return fmt.Sprintf("runs spread too much: at the %s seen over %s, %d runs would leave the mean at -/+ %s, and the band is %s wide",
		metric.AppendPercent(nil, deviation/x.mean), metric.Count(x.n, "run"), planned,
		metric.Quantity(half, r.metric.Unit), metric.Quantity(high-low, r.metric.Unit))
}
