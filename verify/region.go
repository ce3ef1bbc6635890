package verify

import (
	"math"
	"math/big"
	"strconv"

	"aicv/metric"
	"aicv/spec"
)

// edge is one end of the region in which a measured mean must lie: the value m at
// which m x own = reference x factor. Comparisons are exact, in the decimals that
// users see, so that a value on the edge is judged as written.
type edge struct {
	own, factor           *big.Rat // nil: the region is open at this end
	ownFloat, factorFloat float64
	reference             float64
	strict                bool // the edge itself lies outside
}

func newEdge(own, factor *big.Rat) edge {
	e := edge{own: own, factor: factor, reference: 1}
	e.ownFloat, _ = own.Float64()
	e.factorFloat, _ = factor.Float64()
	return e
}

// closeTo is the relative distance below which floats are not trusted to order two
// products; the exact comparison decides there.
const closeTo = 1e-9

// side is -1, 0 or 1: m lies below, on or above the edge.
func (e *edge) side(m float64) int {
	x, y := m*e.ownFloat, e.reference*e.factorFloat
	if gap := math.Abs(x - y); gap > closeTo*math.Max(math.Abs(x), math.Abs(y)) && !math.IsInf(gap, 0) {
		if x < y {
			return -1
		}
		return 1
	}
	left := new(big.Rat).Mul(exactly(m), e.own)
	return left.Cmp(new(big.Rat).Mul(exactly(e.reference), e.factor))
}

// exactly is the shortest decimal that stands for the float: 1.1 and not
// 1.100000000000000088. The value must be finite.
func exactly(v float64) *big.Rat {
	r, ok := new(big.Rat).SetString(strconv.FormatFloat(v, 'e', -1, 64))
	if !ok { // a finite float always parses
		return new(big.Rat)
	}
	return r
}

// at is the edge's position; false where the end is open.
func (e *edge) at() (float64, bool) {
	if e.own == nil {
		return 0, false
	}
	return e.reference * e.factorFloat / e.ownFloat, true
}

// region is where the measured mean must lie.
type region struct{ low, high edge }

// regionOf builds the region of a claim for a prediction of 1: [1/(1+d), 1/(1-d)]
// of `within`, that is |p - m|/m <= d; [s, open) of `at least`; (open, s] of `at
// most`; and the quantity's of a comparison. `==` is judged run by run instead.
func regionOf(c *spec.Claim) region {
	one, amount := big.NewRat(1, 1), c.Amount.Rat()
	switch c.Form {
	case spec.ClaimWithin:
		r := region{low: newEdge(new(big.Rat).Add(one, amount), one)}
		if amount.Cmp(one) < 0 { // from 100 % on, no measured value is too high
			r.high = newEdge(new(big.Rat).Sub(one, amount), one)
		}
		return r
	case spec.ClaimAtLeast:
		return region{low: newEdge(one, amount)}
	case spec.ClaimAtMost:
		return region{high: newEdge(one, amount)}
	}
	bound := newEdge(one, amount)
	bound.strict = c.Op == "<" || c.Op == ">"
	if c.Op == ">" || c.Op == ">=" {
		return region{low: bound}
	}
	return region{high: bound}
}

// of is the region for a prediction.
func (r region) of(predicted float64) region {
	r.low.reference, r.high.reference = predicted, predicted
	return r
}

// below reports that m lies under the region, above that it lies over it.
func (r region) below(m float64) bool {
	if r.low.own == nil {
		return false
	}
	side := r.low.side(m)
	return side < 0 || side == 0 && r.low.strict
}

func (r region) above(m float64) bool {
	if r.high.own == nil {
		return false
	}
	side := r.high.side(m)
	return side > 0 || side == 0 && r.high.strict
}

// verdict applies the equivalence rule: wholly inside, wholly outside, or neither.
func (r region) verdict(x interval) spec.Verdict {
	if r.below(x.high) || r.above(x.low) {
		return spec.VerdictFail
	}
	if r.below(x.low) || r.above(x.high) {
		return spec.VerdictInconclusive
	}
	return spec.VerdictPass
}

// relative reports whether the claim compares with a prediction.
func relative(c *spec.Claim) bool { return c.Form != spec.ClaimCompare }

// equality reports whether the claim asks for one exact value.
func equality(c *spec.Claim) bool { return c.Form == spec.ClaimCompare && c.Op == "==" }

// equals compares a figure with a claim's exact quantity, as written.
func equals(v float64, amount metric.Decimal) bool { return exactly(v).Cmp(amount.Rat()) == 0 }
