package sim

import (
	"math"
	"math/rand/v2"
	"time"
)

// noise multiplies step times by lognormal factors of mean 1.
type noise struct {
	random *rand.Rand
	step   float64 // sigma of each step's factor
	start  float64 // the factor of this start
}

// newNoise draws the start's factor. step and start are coefficients of variation.
func newNoise(step, start float64, seed uint64) *noise {
	n := &noise{random: rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15)), step: sigmaOf(step)}
	n.start = n.draw(sigmaOf(start))
	return n
}

// sigmaOf is the lognormal sigma that gives a coefficient of variation.
func sigmaOf(cv float64) float64 { return math.Sqrt(math.Log1p(cv * cv)) }

func (n *noise) draw(sigma float64) float64 {
	if sigma == 0 {
		return 1
	}
	return math.Exp(sigma*n.random.NormFloat64() - sigma*sigma/2)
}

// apply is the time that a step takes with noise.
func (n *noise) apply(took time.Duration) time.Duration {
	return time.Duration(float64(took) * n.start * n.draw(n.step))
}
