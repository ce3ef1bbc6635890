package loadgen

import (
	"math"
	"math/rand/v2"

	"aicv/spec"
)

// sizes draws the lengths of each request. They depend on the seed and the request's
// number alone, so that a run with more requests has the same ones first.
type sizes struct {
	seed          uint64
	input, output spread
}

// spread is a distribution of lengths around their mean.
type spread struct {
	spec.Spread
	mean int
}

func newSizes(seed int64, load spec.Load) sizes {
	return sizes{seed: uint64(seed) ^ 0x6c656e67746873, input: spread{load.Shape.Input, load.InputTokens}, output: spread{load.Shape.Output, load.OutputTokens}}
}

// of gives a request's lengths in tokens.
func (s sizes) of(index int) (input, output int) {
	if s.input.Kind == "" && s.output.Kind == "" {
		return s.input.mean, s.output.mean
	}
	random := rand.New(rand.NewPCG(s.seed, uint64(index)))
	return s.input.draw(random), s.output.draw(random)
}

// widest bounds a drawn length, in deviations from the mean.
const widest = 10

// most is the greatest length that can be drawn.
func (s spread) most() float64 {
	if s.Kind == spec.SpreadUniform {
		return float64(s.High)
	}
	return float64(s.mean) + widest*float64(s.Deviation)
}

// draw takes one length, at least 1. A normal one that is below 1 is 1, as with
// genai-bench, which moves the mean of wide distributions up a little.
func (s spread) draw(random *rand.Rand) int {
	mean, deviation := float64(s.mean), float64(s.Deviation)
	length := mean
	switch s.Kind {
	case spec.SpreadUniform:
		return s.Low + random.IntN(s.High-s.Low+1)
	case spec.SpreadNormal:
		length = mean + deviation*random.NormFloat64()
	case spec.SpreadLognormal:
		// Of a lognormal variable with mean m and deviation s, the logarithm has the
		// variance ln(1 + s2/m2) and the mean ln m - variance/2.
		variance := math.Log1p(deviation * deviation / (mean * mean))
		length = math.Exp(math.Log(mean) - variance/2 + math.Sqrt(variance)*random.NormFloat64())
	}
	return int(math.Round(min(max(length, 1), s.most())))
}
