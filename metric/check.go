package metric

import (
	"fmt"
	"math"
)

// maxFigure bounds figures in the contract's units: a month in ms is below it.
const maxFigure = 1e10

// Check says why a figure, in the contract's unit, can not be one of this metric; nil
// where it can. Only shares and goodput may be zero: any other zero stands for a figure
// that is not there.
func (m Metric) Check(v float64) error {
	mayBeZero := m.Unit == Share || m.Name == Goodput
	switch {
	case math.IsNaN(v):
		return fmt.Errorf("%s is NaN, which is no figure", m.Name)
	case v < 0:
		return fmt.Errorf("%s is %g, and can not be negative", m.Name, v)
	case v == 0 && !mayBeZero:
		return fmt.Errorf("%s is 0, and can not be zero", m.Name)
	case m.Unit == Share && v > 1:
		return fmt.Errorf("%s is %g, and a share is at most 1", m.Name, v)
	case v > maxFigure:
		return fmt.Errorf("%s is %g, which is too large to be real", m.Name, v)
	}
	return nil
}
