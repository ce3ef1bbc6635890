package verify

import (
	"math"

	"aicv/metric"
	"aicv/spec"
)

// Figure gives a metric's figures on a cell without judging a claim: the mean of the
// runs up to the last completed look with its interval, or of the runs so far without
// one, beside the prediction. It is nil where the metric was not measured in all of
// these runs. Its band is open.
func (j *Judge) Figure(in CellInput, name metric.Name) *spec.Evidence {
	v := j.viewOf(&in)
	looked := v.look > 0
	if !looked {
		v.runs, v.starts = in.Runs, countStarts(in.Runs)
	}
	if len(v.runs) == 0 || !v.has(name) {
		return nil
	}
	x := j.intervalOf(v.sample(name, looked && v.starts > 0 && startsOf(j.experiment.Repeats) > 1), j.levelAt(v))
	if !x.finite() {
		return nil
	}
	f := figures{}
	if predicted, ok := predictedOf(&in, name); ok {
		f.predicted = &predicted
	}
	e := j.evidence(v, x, f)
	if !looked {
		e.Low, e.High, e.Level = nil, nil, 0
	}
	return e
}

func (v *view) has(name metric.Name) bool {
	for i := range v.runs {
		value, ok := v.runs[i].Result.Values.Get(name)
		if !ok || math.IsNaN(value) || math.IsInf(value, 0) {
			return false
		}
	}
	return true
}

func predictedOf(in *CellInput, name metric.Name) (float64, bool) {
	if in.Prediction == nil {
		return 0, false
	}
	value, ok := in.Prediction.Values.Get(name)
	return value, ok && !math.IsNaN(value) && !math.IsInf(value, 0)
}
