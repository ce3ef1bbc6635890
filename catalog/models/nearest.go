package models

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// Nearest lists at most n ids that a name, or an alias like it, probably stood for, best first. Names
// of models are made of words such as a family, a size and a variant, so what counts is
// the words that both have (Dice's coefficient over words, numbers apart from letters);
// words of one letter's difference count half. Below a score of one half nothing is near.
func Nearest(name string, n int) []string {
	const most = 200
	wanted := words(name)
	if len(name) > most || len(wanted) == 0 {
		return nil
	}
	scores := make(map[string]float64)
	consider := func(candidate, id string) {
		if s := likeness(wanted, words(candidate)); s >= 0.5 {
			scores[id] = max(scores[id], s)
		}
	}
	for _, row := range known().rows {
		consider(row.ID, row.ID)
	}
	for _, a := range known().aliases {
		consider(a.Name, a.ID)
	}
	found := slices.SortedFunc(maps.Keys(scores), func(a, b string) int {
		return cmp.Or(cmp.Compare(scores[b], scores[a]), cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
	return found[:min(n, len(found))]
}

// words splits a name at everything that is no letter, digit or decimal point, and between
// letters and digits. The organization before the slash is left out.
func words(name string) []string {
	if _, model, found := strings.Cut(name, "/"); found {
		name = model
	}
	var out []string
	var word []rune
	end := func() {
		if w := strings.Trim(string(word), "."); w != "" {
			out = append(out, w)
		}
		word = word[:0]
	}
	for _, c := range strings.ToLower(name) {
		digit := unicode.IsDigit(c) || c == '.'
		switch {
		case !digit && !unicode.IsLetter(c):
			end()
			continue
		case len(word) > 0 && digit != isNumber(word[len(word)-1]):
			end()
		}
		word = append(word, c)
	}
	end()
	return out
}

func isNumber(c rune) bool { return unicode.IsDigit(c) || c == '.' }

// likeness is twice the words in common by the words of both.
func likeness(a, b []string) float64 {
	rest := slices.Clone(b)
	common := 0.0
	for _, w := range a {
		if i := slices.Index(rest, w); i >= 0 {
			common++
			rest = slices.Delete(rest, i, i+1)
			continue
		}
		if i := slices.IndexFunc(rest, func(o string) bool { return oneOff(w, o) }); i >= 0 {
			common += 0.5
			rest = slices.Delete(rest, i, i+1)
		}
	}
	return 2 * common / float64(len(a)+len(b))
}

// oneOff reports words of letters, at least four long, that one letter too many, too few or
// another one tells apart, or two that are swapped.
func oneOff(a, b string) bool {
	if len(a) < len(b) {
		a, b = b, a
	}
	if len(b) < 4 || len(a)-len(b) > 1 || isNumber(rune(a[0])) || isNumber(rune(b[0])) {
		return false
	}
	i := 0
	for i < len(b) && a[i] == b[i] {
		i++
	}
	if len(a) > len(b) {
		return a[i+1:] == b[i:]
	}
	return i < len(a) && (a[i+1:] == b[i+1:] ||
		i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:])
}
