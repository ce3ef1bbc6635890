package recorded

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/agext/levenshtein"
)

// shortList writes at most 12 names.
func shortList(names []string) string {
	const most = 12
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// closest finds the name that was probably meant; empty where none is near.
func closest(name string, among []string) string {
	best, least := "", 1+len(name)/2
	for _, other := range among {
		if d := levenshtein.Distance(name, other, nil); d < least {
			best, least = other, d
		}
	}
	return best
}

// lineList writes rising line numbers, neighbours as a range: 3, 7-9.
func lineList(lines []int) string {
	var parts []string
	for i := 0; i < len(lines); {
		j := i
		for j+1 < len(lines) && lines[j+1] == lines[j]+1 {
			j++
		}
		part := strconv.Itoa(lines[i])
		if j > i {
			part += "-" + strconv.Itoa(lines[j])
		}
		parts = append(parts, part)
		i = j + 1
	}
	return shortList(parts)
}

// sortedTexts sorts numbers by size and texts by name.
func sortedTexts(texts []string) []string {
	slices.SortFunc(texts, func(a, b string) int {
		x, errX := strconv.ParseFloat(a, 64)
		y, errY := strconv.ParseFloat(b, 64)
		switch {
		case errX == nil && errY == nil && x != y:
			if x < y {
				return -1
			}
			return 1
		case errX == nil && errY != nil:
			return -1
		case errX != nil && errY == nil:
			return 1
		}
		return strings.Compare(a, b)
	})
	return texts
}
