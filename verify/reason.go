package verify

import (
	"math"
	"strconv"

	"aicv/metric"
	"aicv/spec"
)

// sentence gives the grounds of a verdict by figures, in one line.
func (j *Judge) sentence(r *rule, v *view, x interval, o *outcome) string {
	b := make([]byte, 0, 192)
	e := o.evidence
	if relative(r.claim) {
		b = appendRelation(b, r, e)
	} else {
		b = append(b, "measured "...)
		b = metric.AppendQuantity(b, e.Measured, r.metric.Unit)
	}
	b = append(b, " ("...)
	b = j.appendSample(b, r, v, x)
	b = append(b, "); "...)
	b = appendAsked(b, r, e)
	if o.verdict == spec.VerdictInconclusive {
		b = j.appendUndecided(b, v)
	}
	return string(b)
}

// appendRelation sets prediction and measurement side by side.
func appendRelation(b []byte, r *rule, e *spec.Evidence) []byte {
	if r.claim.Form != spec.ClaimWithin {
		b = append(b, "measured "...)
		b = metric.AppendQuantity(b, e.Measured, r.metric.Unit)
		b = append(b, " is "...)
		b = metric.AppendPercent(b, e.Measured / *e.Predicted)
		b = append(b, " of predicted "...)
		return metric.AppendFigure(b, *e.Predicted)
	}
	b = append(b, "predicted "...)
	b = metric.AppendFigure(b, *e.Predicted)
	switch {
	case e.Error == nil:
		b = append(b, ", measured "...)
	case *e.Error == 0:
		b = append(b, " equals measured "...)
	default:
		b = append(b, " is "...)
		b = metric.AppendPercent(b, math.Abs(*e.Error))
		b = append(b, direction(*e.Error)...)
	}
	return metric.AppendQuantity(b, e.Measured, r.metric.Unit)
}

func direction(share float64) string {
	if share < 0 {
		return " below measured "
	}
	return " above measured "
}

// appendSample says what the mean is taken over, and how sure it is.
func (j *Judge) appendSample(b []byte, r *rule, v *view, x interval) []byte {
	switch {
	case x.n == 1:
	case x.exact:
		b = append(b, "without spread: "...)
	default:
		b = metric.AppendPercent(b, math.Round(x.level*1000)/1000)
		b = append(b, " interval "...)
		b = appendRange(b, x.low, x.high, r.metric.Unit)
		b = append(b, " of "...)
	}
	return appendRuns(b, v)
}

func appendRange(b []byte, low, high float64, unit metric.Unit) []byte {
	if unit == metric.Share {
		b = append(metric.AppendPercent(b, low), ".."...)
		return metric.AppendPercent(b, high)
	}
	b = append(metric.AppendFigure(b, low), ".."...)
	return metric.AppendFigure(b, high)
}

// appendRuns writes "3 runs in 1 start".
func appendRuns(b []byte, v *view) []byte {
	if v.starts == 0 {
		return metric.AppendCount(b, len(v.runs), "recorded run")
	}
	b = append(metric.AppendCount(b, len(v.runs), "run"), " in "...)
	return metric.AppendCount(b, v.starts, "start")
}

// appendAsked says where the mean must lie.
func appendAsked(b []byte, r *rule, e *spec.Evidence) []byte {
	unit := r.metric.Unit
	switch {
	case r.claim.Form == spec.ClaimCompare:
		b = append(append(append(b, "asked "...), r.claim.Op...), ' ')
		return metric.AppendQuantity(b, r.claim.Amount.Float64(), unit)
	case r.claim.Form == spec.ClaimAtLeast && e.BandLow != nil:
		return metric.AppendQuantity(append(b, "asked at least "...), *e.BandLow, unit)
	case r.claim.Form == spec.ClaimAtMost && e.BandHigh != nil:
		return metric.AppendQuantity(append(b, "asked at most "...), *e.BandHigh, unit)
	case e.BandLow != nil && e.BandHigh != nil:
		return appendRange(append(b, "allowed "...), *e.BandLow, *e.BandHigh, unit)
	case e.BandLow != nil:
		return metric.AppendQuantity(append(b, "allowed from "...), *e.BandLow, unit)
	}
	return append(b, "nothing is allowed"...)
}

// appendUndecided says whether more runs may decide it.
func (j *Judge) appendUndecided(b []byte, v *view) []byte {
	b = append(b, "; the interval crosses the edge"...)
	if v.look == len(j.looks) {
		return append(b, ", and no more runs are planned"...)
	}
	b = append(b, ", at most "...)
	return append(metric.AppendCount(b, j.runs[len(j.runs)-1], "run"), " are planned"...)
}

// equalBroken names the run that breaks a claim of equality.
func equalBroken(r *rule, run int, value float64) string {
	b := append([]byte("run "), strconv.Itoa(run)...)
	b = metric.AppendQuantity(append(b, " measured "...), value, r.metric.Unit)
	return string(appendAsked(append(b, "; "...), r, nil))
}

func equalHeld(r *rule, v *view) string {
	b := append(appendRuns(nil, v), " measured "...)
	return string(metric.AppendQuantity(b, r.claim.Amount.Float64(), r.metric.Unit))
}
