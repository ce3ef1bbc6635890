package models

import (
	"math"
	"math/bits"
)

// product multiplies non-negative factors and saturates at the largest int64.
func product(factors ...int64) int64 {
	total := uint64(1)
	for _, f := range factors {
		if f <= 0 {
			return 0
		}
		high, low := bits.Mul64(total, uint64(f))
		if high != 0 || low > math.MaxInt64 {
			low = math.MaxInt64
		}
		total = low
	}
	return int64(total)
}

// sum adds non-negative terms and saturates at the largest int64.
func sum(terms ...int64) int64 {
	var total int64
	for _, t := range terms {
		if t > math.MaxInt64-total {
			return math.MaxInt64
		}
		total += t
	}
	return total
}

// ceil divides and rounds up; a divisor below 1 counts as 1.
func ceil(n, divisor int64) int64 {
	if divisor <= 1 {
		return n
	}
	q := n / divisor
	if n%divisor != 0 {
		q++
	}
	return q
}

// share is n x part / whole, rounded up and without overflow for part <= whole.
func share(n, part, whole int64) int64 {
	if part >= whole {
		return n
	}
	high, low := bits.Mul64(uint64(n), uint64(part))
	quotient, rest := bits.Div64(high, low, uint64(whole))
	if rest > 0 {
		quotient++
	}
	return int64(quotient)
}

// Sum adds sizes in bytes, none of which is negative, and saturates at the largest int64.
func Sum(terms ...int64) int64 { return sum(terms...) }
