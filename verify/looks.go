package verify

import (
	"slices"

	"aicv/spec"
)

// tail is the share of false passes that a claim may have at its band's edge: one
// side of the interval, over all looks together.
const tail = 0.05

// PlannedLooks lists the sizes of sample at which a cell is looked at, rising; the
// last is the largest. They count runs: min, max, and of 3, 5 and 10 what lies
// between. With several starts they count starts, because start means are the
// sample; RunsAtLooks says how many runs these take. A single run out of several
// has no interval and could decide nothing, so it is no look. Repeats that allow no
// run give none.
func PlannedLooks(r spec.Repeats) []int {
	if r.Max < 1 {
		return nil
	}
	if starts := startsOf(r); starts > 1 {
		return looksAtStarts(r, starts)
	}
	least := min(max(r.Min, 1), r.Max)
	var looks []int
	for _, n := range []int{least, 3, 5, 10, r.Max} {
		if n >= least && n <= r.Max && (n > 1 || r.Max == 1) {
			looks = append(looks, n)
		}
	}
	slices.Sort(looks)
	return slices.Compact(looks)
}

// looksAtStarts keeps the looks by which the fewest runs asked for are there.
func looksAtStarts(r spec.Repeats, starts int) []int {
	var looks []int
	for _, n := range []int{3, 5, 10} {
		if n < starts && runsIn(r, n) >= r.Min {
			looks = append(looks, n)
		}
	}
	return append(looks, starts)
}

// RunsAtLooks lists the numbers of runs by which the planned looks are complete,
// one for each of PlannedLooks. Starts share the runs evenly, the earlier ones
// taking what is left over.
func RunsAtLooks(r spec.Repeats) []int {
	looks := PlannedLooks(r)
	if startsOf(r) > 1 {
		for i, n := range looks {
			looks[i] = runsIn(r, n)
		}
	}
	return looks
}

// startsOf is the number of starts that the runs can really be spread over.
func startsOf(r spec.Repeats) int { return max(1, min(r.Starts, r.Max)) }

// runsIn is the number of runs in the first starts.
func runsIn(r spec.Repeats, starts int) int {
	all := startsOf(r)
	return r.Max/all*starts + min(starts, r.Max%all)
}

// lastShare is the part of the error that the last of several looks has; the looks
// before it share the rest evenly. The last sees most runs and decides for good.
const lastShare = 0.6

// Level is the confidence level of the two-sided interval at a look of n. All looks
// together share the 5 % of false passes at the band's edge, so that they stay within
// it (Bonferroni): of three, the first two have 98 % and the last 94 %. One look: 90 %,
// which is Schuirmann's two one-sided tests; each end of the interval is a one-sided
// 95 % bound.
func Level(looks []int, n int) float64 {
	share := 1.0
	switch early := len(looks) - 1; {
	case early <= 0:
	case n >= looks[early]:
		share = lastShare
	default:
		share = (1 - lastShare) / float64(early)
	}
	return 1 - 2*tail*share
}
