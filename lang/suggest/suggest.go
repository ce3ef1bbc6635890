// Package suggest finds the name that a misspelt word probably stood for. It knows
// nothing of the language: blocks, attributes, references, metrics, units and
// keywords all ask it with their own candidates.
package suggest

import "strings"

// maxRunes bounds the words that are compared; a longer one is no misspelling.
const maxRunes = 64

// Best returns the candidate that is closest to the word, and false where none is
// close enough. Distance is the optimal string alignment form of Damerau-Levenshtein
// (insertion, deletion, substitution, swap of neighbours), in runes and without regard
// to case, divided by the longer length; it must not exceed 0.4. Of equals the
// candidate that stands first wins.
func Best(word string, candidates []string) (string, bool) {
	folded := []rune(strings.ToLower(word))
	if len(folded) == 0 || len(folded) > maxRunes {
		return "", false
	}
	best, bestCost := "", closeEnough()
	for _, candidate := range candidates {
		other := []rune(strings.ToLower(candidate))
		if len(other) == 0 || len(other) > maxRunes {
			continue
		}
		c := cost{distance(folded, other), max(len(folded), len(other))}
		if c.less(bestCost) {
			best, bestCost = candidate, c
		}
	}
	return best, best != ""
}

// cost is a distance in proportion to a length, compared exactly.
type cost struct{ distance, length int }

func (c cost) less(o cost) bool { return c.distance*o.length < o.distance*c.length }

// closeEnough is just above the largest cost that still counts as a misspelling.
func closeEnough() cost { return cost{401, 1000} }

// distance keeps three rows: the optimal string alignment recurrence looks at most
// two rows back, for the swap.
func distance(a, b []rune) int {
	before, previous, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range previous {
		previous[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			same := 1
			if a[i-1] == b[j-1] {
				same = 0
			}
			row[j] = min(previous[j]+1, row[j-1]+1, previous[j-1]+same)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, previous, row = previous, row, before
	}
	return previous[len(b)]
}
