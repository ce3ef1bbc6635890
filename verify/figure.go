package verify

import (
	"math"

	"aicv/metric"
	"aicv/spec"
)

// CellFigures gives the figures of one cell without judging a claim.
type CellFigures struct {
	judge  *Judge
	view   *view
	looked bool // a look was completed, so that there are intervals
}

// Figures prepares the figures of a cell.
func (j *Judge) Figures(in CellInput) CellFigures {
	v := j.viewOf(&in)
	looked := v.look > 0
	if !looked {
		v.runs, v.starts = in.Runs, countStarts(in.Runs)
	}
	return CellFigures{j, v, looked}
}

// Of is a metric's mean over the runs up to the last completed look with its interval,
// or over the runs so far without one, beside the prediction. It is nil where the
// metric was not measured in all of these runs. Its band is open.
func (c CellFigures) Of(name metric.Name) *spec.Evidence {
	j, v := c.judge, c.view
	if len(v.runs) == 0 || !v.has(name) {
		return nil
	}
	perStart := c.looked && v.starts > 0 && startsOf(j.experiment.Repeats) > 1
	x := j.intervalOf(v.sample(name, perStart), j.levelAt(v))
	if !x.finite() {
		return nil
	}
	f := figures{}
	if predicted, ok := predictedOf(v.in, name); ok {
		f.predicted = &predicted
	}
	e := j.evidence(v, x, f)
	if !c.looked {
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
