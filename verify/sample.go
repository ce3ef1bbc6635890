package verify

import (
	"math"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"aicv/metric"
	"aicv/spec"
)

// interval is the two-sided confidence interval of a mean.
type interval struct {
	mean, low, high float64
	level           float64 // that the interval is taken at
	n               int     // size of the sample
	exact           bool    // all values are equal: the interval is a point
}

// finite reports whether all figures can be compared and stored.
func (x interval) finite() bool {
	return !math.IsInf(x.low, 0) && !math.IsInf(x.high, 0) && !math.IsNaN(x.low) && !math.IsNaN(x.high)
}

// intervalOf is Student's: mean -/+ t(df = n-1) x s / sqrt(n). One value, or equal
// ones, give a point.
func (j *Judge) intervalOf(values []float64, level float64) interval {
	if allEqual(values) {
		return interval{mean: values[0], low: values[0], high: values[0], level: level, n: len(values), exact: true}
	}
	mean, deviation := stat.MeanStdDev(values, nil)
	half := j.quantile(len(values)-1, level) * deviation / math.Sqrt(float64(len(values)))
	return interval{mean: mean, low: mean - half, high: mean + half, level: level, n: len(values)}
}

// allEqual is true of a single value too. Equal values are told apart first, because
// rounding could give them a spread.
func allEqual(values []float64) bool {
	for _, v := range values[1:] {
		if v != values[0] {
			return false
		}
	}
	return true
}

// student names a quantile: degrees of freedom, and the level of a two-sided interval.
type student struct {
	freedom int
	level   float64
}

// quantile is Student's t for one side of a two-sided interval. It is kept, because
// most cells ask for the same ones.
func (j *Judge) quantile(freedom int, level float64) float64 {
	key := student{freedom, level}
	if t, known := j.quantiles[key]; known {
		return t
	}
	t := distuv.StudentsT{Sigma: 1, Nu: float64(freedom)}.Quantile((1 + level) / 2)
	j.quantiles[key] = t
	return t
}

// sample collects a metric's values: one per run, or with several starts asked for
// one mean per start, in order. The metric must be in every run.
func (v *view) sample(name metric.Name, perStart bool) []float64 {
	values := make([]float64, 0, len(v.runs))
	for i := range v.runs {
		value, _ := v.runs[i].Result.Values.Get(name)
		values = append(values, value)
	}
	if !perStart {
		return values
	}
	return startMeans(v.runs, values)
}

// startMeans averages the runs of each start.
func startMeans(runs []spec.Run, values []float64) []float64 {
	means := make([]float64, 0, len(runs))
	for i := range runs {
		if firstOfStart(runs, i) {
			means = append(means, meanOfStart(runs, values, i))
		}
	}
	return means
}

func firstOfStart(runs []spec.Run, i int) bool {
	for k := range i {
		if runs[k].Start == runs[i].Start {
			return false
		}
	}
	return true
}

func meanOfStart(runs []spec.Run, values []float64, first int) float64 {
	var of []float64
	for i := first; i < len(runs); i++ {
		if runs[i].Start == runs[first].Start {
			of = append(of, values[i])
		}
	}
	if allEqual(of) {
		return of[0]
	}
	return stat.Mean(of, nil)
}

// countStarts counts the starts that runs belong to; 0 where recorded data does not say.
func countStarts(runs []spec.Run) int {
	n := 0
	for i := range runs {
		if runs[i].Start == 0 {
			return 0
		}
		if firstOfStart(runs, i) {
			n++
		}
	}
	return n
}
