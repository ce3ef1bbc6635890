package verify

import (
	"math"
	"testing"

	"aicv/metric"
)

// closedForm gives Student's t quantile where it has a closed form: 1, 2 and 4
// degrees of freedom (W. T. Shaw, 2006).
func closedForm(freedom int, p float64) float64 {
	a := 4 * p * (1 - p)
	switch freedom {
	case 1:
		return math.Tan(math.Pi * (p - 0.5))
	case 2:
		return 2 * (p - 0.5) * math.Sqrt(2/a)
	case 4:
		q := math.Cos(math.Acos(math.Sqrt(a))/3) / math.Sqrt(a)
		return math.Copysign(2*math.Sqrt(q-1), p-0.5)
	}
	return math.NaN()
}

// upperTail integrates Student's density from t on, by Simpson's rule over
// x = t + u/(1-u).
func upperTail(t float64, freedom int) float64 {
	nu := float64(freedom)
	lg1, _ := math.Lgamma((nu + 1) / 2)
	lg2, _ := math.Lgamma(nu / 2)
	scale := math.Exp(lg1-lg2) / math.Sqrt(nu*math.Pi)
	density := func(u float64) float64 {
		x := t + u/(1-u)
		return scale * math.Pow(1+x*x/nu, -(nu+1)/2) / ((1 - u) * (1 - u))
	}
	const steps = 20000
	h := (1 - 1e-9) / steps
	sum := density(0) + density(h*steps)
	for i := 1; i < steps; i++ {
		sum += density(float64(i)*h) * float64(2+2*(i%2))
	}
	return sum * h / 3
}

func TestQuantiles(t *testing.T) {
	typed := map[int]map[int]float64{ // level in % -> degrees of freedom -> printed tables
		90: {1: 6.3138, 2: 2.9200, 3: 2.3534, 4: 2.1318, 9: 1.8331, 19: 1.7291, 29: 1.6991},
		98: {1: 31.8205, 2: 6.9646, 3: 4.5407, 4: 3.7469, 9: 2.8214, 19: 2.5395, 29: 2.4620},
	}
	j := NewJudge(experiment(repeated(3, 10)))
	for _, percent := range []int{90, 94, 96, 98} {
		level := float64(percent) / 100
		p := (1 + level) / 2
		for _, freedom := range []int{1, 2, 3, 4, 9, 19, 29} {
			got := j.quantile(freedom, level)
			if want, ok := typed[percent][freedom]; ok && math.Abs(got-want) > 6e-5 {
				t.Errorf("%d %%, %d degrees: %v, tables say %v", percent, freedom, got, want)
			}
			if want := closedForm(freedom, p); !math.IsNaN(want) && math.Abs(got/want-1) > 1e-9 {
				t.Errorf("%d %%, %d degrees: %v, the closed form gives %v", percent, freedom, got, want)
			}
			if tail := upperTail(got, freedom); math.Abs(tail-(1-p)) > 1e-6 {
				t.Errorf("%d %%, %d degrees: the tail above %v is %v, want %v", percent, freedom, got, tail, 1-p)
			}
		}
	}
}

func TestIntervalGolden(t *testing.T) {
	for _, test := range []struct {
		name      string
		max       int
		values    []float64
		mean      float64
		low, high float64
	}{
		// s = 1, n = 3, t(2) = 2.919986: half = t / sqrt(3) = 1.685854
		{"three runs, one look", 3, []float64{9, 10, 11}, 10, 8.314146, 11.685854},
		// s = sqrt(2.5), n = 5, t(4) = 2.131847: half = t x s / sqrt(5) = 1.507443
		{"five runs, one look", 5, []float64{8, 9, 10, 11, 12}, 10, 8.492557, 11.507443},
		// s = sqrt(55/6) = 3.02765, n = 10, t(9) = 1.833113: half = t x s / sqrt(10) = 1.755072
		{"ten runs, one look", 10, []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 5.5, 3.744928, 7.255072},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := experiment(repeated(test.max, test.max), within(metric.TTFT, "0.1"))
			got := judgeFirst(e, measured(metric.TTFT, 10, test.values...)).Evidence
			if got.Measured != test.mean || math.Abs(*got.Low-test.low) > 1e-6 || math.Abs(*got.High-test.high) > 1e-6 {
				t.Errorf("mean %v, interval %v..%v; want %v, %v..%v", got.Measured, *got.Low, *got.High, test.mean, test.low, test.high)
			}
			if got.Level != 0.9 || got.Runs != test.max || got.Starts != 1 {
				t.Errorf("level %v, %d runs, %d starts", got.Level, got.Runs, got.Starts)
			}
		})
	}
}

// TestLooksWiden pins that the looks split the error: the first of three has t(2) at
// 0.99, 6.9646, instead of 2.9200.
func TestLooksWiden(t *testing.T) {
	e := experiment(repeated(3, 10), within(metric.TTFT, "0.9"))
	got := judgeFirst(e, measured(metric.TTFT, 10, 9, 10, 11)).Evidence
	if half := *got.High - 10; math.Abs(half-closedForm(2, 0.99)/math.Sqrt(3)) > 1e-9 || math.Abs(half-4.021) > 1e-3 {
		t.Errorf("half width %v", half)
	}
	if math.Abs(got.Level-0.98) > 1e-12 {
		t.Errorf("level %v", got.Level)
	}
}

func TestEqualValuesGiveAPoint(t *testing.T) {
	j := NewJudge(experiment(repeated(3, 3)))
	if x := j.intervalOf([]float64{0.1, 0.1, 0.1}, 0.9); !x.exact || x.low != 0.1 || x.high != 0.1 || x.mean != 0.1 {
		t.Errorf("three times 0.1 gives %+v", x)
	}
}
