package loadgen

import (
	"math"
	"math/rand/v2"
	"time"

	"aicv/spec"
)

// arrivals draws the moments at which the requests of a rate are due.
type arrivals struct {
	random *rand.Rand
	kind   spec.Arrivals
	gap    float64 // mean, in seconds
	shape  float64 // of gamma gaps
	at     float64 // seconds from the start of the run
}

func newArrivals(seed int64, load spec.Load) *arrivals {
	a := &arrivals{random: rand.New(rand.NewPCG(uint64(seed), 0x617272697665)), kind: load.Shape.Arrivals, gap: 1 / load.RequestRate.Float64(), shape: 1}
	if load.Shape.Burstiness.Sign() > 0 {
		a.shape = load.Shape.Burstiness.Float64()
	}
	return a
}

// next is the moment at which the next request is due.
func (a *arrivals) next() time.Duration {
	a.at += a.draw() * a.gap
	return time.Duration(a.at * float64(time.Second))
}

// draw is one gap, of which the mean is 1.
func (a *arrivals) draw() float64 {
	switch a.kind {
	case spec.ArrivalsConstant:
		return 1
	case spec.ArrivalsGamma:
		return gamma(a.random, a.shape) / a.shape
	}
	return a.random.ExpFloat64()
}

// gamma draws from the gamma distribution with scale 1 (Marsaglia and Tsang, ACM TOMS
// 26, 2000; shapes below 1 by their remark in section 6).
func gamma(random *rand.Rand, shape float64) float64 {
	if shape < 1 {
		return gamma(random, shape+1) * math.Pow(1-random.Float64(), 1/shape)
	}
	d := shape - 1.0/3
	c := 1 / math.Sqrt(9*d)
	for {
		x := random.NormFloat64()
		v := 1 + c*x
		if v <= 0 {
			continue
		}
		v = v * v * v
		u := 1 - random.Float64()
		if math.Log(u) < x*x/2+d-d*v+d*math.Log(v) {
			return d * v
		}
	}
}
