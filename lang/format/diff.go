package format

import (
	"fmt"
	"slices"
	"strings"
)

// context is how many unchanged lines stand around a change.
const context = 3

// maxEdits bounds the search for the shortest difference; beyond it everything between
// the first and the last change is shown as replaced.
const maxEdits = 500

// edit is one line of a difference: kept ' ', removed '-' or added '+'.
type edit struct {
	kind byte
	line string
}

// Diff writes the differences of two versions of a file as a unified diff; empty where
// there are none.
func Diff(name string, before, after []byte) string {
	edits := difference(linesOf(before), linesOf(after))
	var b strings.Builder
	for _, h := range hunks(edits) {
		if b.Len() == 0 {
			fmt.Fprintf(&b, "--- %s\n+++ %s (formatted)\n", name, name)
		}
		writeHunk(&b, edits, h)
	}
	return b.String()
}

// linesOf splits a text into lines that keep their line ends.
func linesOf(text []byte) []string {
	lines := strings.SplitAfter(string(text), "\n")
	if last := len(lines) - 1; lines[last] == "" {
		lines = lines[:last]
	}
	return lines
}

// difference sets common lines at both ends aside and compares what is left.
func difference(a, b []string) []edit {
	var head, tail []edit
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		head = append(head, edit{' ', a[0]})
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		tail = append(tail, edit{' ', a[len(a)-1]})
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	slices.Reverse(tail)
	middle, ok := shortest(a, b)
	if !ok {
		middle = replaced(a, b)
	}
	return slices.Concat(head, middle, tail)
}

// replaced compares line by line where there are as many, as formatting leaves them.
func replaced(a, b []string) []edit {
	var edits []edit
	if len(a) == len(b) {
		for i := range a {
			if a[i] == b[i] {
				edits = append(edits, edit{' ', a[i]})
				continue
			}
			edits = append(edits, edit{'-', a[i]}, edit{'+', b[i]})
		}
		return edits
	}
	for _, line := range a {
		edits = append(edits, edit{'-', line})
	}
	for _, line := range b {
		edits = append(edits, edit{'+', line})
	}
	return edits
}

// shortest finds a shortest edit script by the greedy method of Myers, An O(ND)
// Difference Algorithm and Its Variations (1986); false where it needs more than
// maxEdits steps.
func shortest(a, b []string) ([]edit, bool) {
	furthest := map[int]int{1: 0} // by diagonal x-y: the furthest x
	var trace []map[int]int
	for d := 0; d <= min(len(a)+len(b), maxEdits); d++ {
		trace = append(trace, clone(furthest, d))
		for k := -d; k <= d; k += 2 {
			x := furthest[k-1] + 1
			if down(furthest, k, d) {
				x = furthest[k+1]
			}
			for x < len(a) && x-k < len(b) && a[x] == b[x-k] {
				x++
			}
			furthest[k] = x
			if x >= len(a) && x-k >= len(b) {
				return walkBack(a, b, trace), true
			}
		}
	}
	return nil, false
}

// down says whether the best path to diagonal k in d steps ends with an added line.
func down(furthest map[int]int, k, d int) bool {
	return k == -d || k != d && furthest[k-1] < furthest[k+1]
}

// clone keeps the diagonals that step d can look at.
func clone(furthest map[int]int, d int) map[int]int {
	kept := make(map[int]int, d+2)
	for k := -d - 1; k <= d+1; k++ {
		if x, ok := furthest[k]; ok {
			kept[k] = x
		}
	}
	return kept
}

// walkBack follows the trace from the end and writes the edits down.
func walkBack(a, b []string, trace []map[int]int) []edit {
	var edits []edit
	x, y := len(a), len(b)
	for d := len(trace) - 1; d >= 0; d-- {
		k := x - y
		from := k - 1
		if down(trace[d], k, d) {
			from = k + 1
		}
		startX := trace[d][from]
		startY := startX - from
		for x > max(startX, 0) && y > max(startY, 0) {
			x, y = x-1, y-1
			edits = append(edits, edit{' ', a[x]})
		}
		switch {
		case d == 0:
		case from == k+1:
			y--
			edits = append(edits, edit{'+', b[y]})
		default:
			x--
			edits = append(edits, edit{'-', a[x]})
		}
	}
	slices.Reverse(edits)
	return edits
}

// hunk is a range of edits that is shown together.
type hunk struct{ from, to int }

// hunks groups the changes with their context; those whose contexts touch are one.
func hunks(edits []edit) []hunk {
	var list []hunk
	for i, e := range edits {
		if e.kind == ' ' {
			continue
		}
		h := hunk{max(0, i-context), min(len(edits), i+1+context)}
		if last := len(list) - 1; last >= 0 && list[last].to >= h.from {
			list[last].to = h.to
			continue
		}
		list = append(list, h)
	}
	return list
}

func writeHunk(b *strings.Builder, edits []edit, h hunk) {
	skippedOld, skippedNew := count(edits[:h.from])
	oldLines, newLines := count(edits[h.from:h.to])
	fmt.Fprintf(b, "@@ -%s +%s @@\n", place(skippedOld, oldLines), place(skippedNew, newLines))
	for _, e := range edits[h.from:h.to] {
		b.WriteByte(e.kind)
		b.WriteString(e.line)
		if !strings.HasSuffix(e.line, "\n") {
			b.WriteString("\n\\ No newline at end of file\n")
		}
	}
}

// place writes a hunk's place in one version: its first line and how many.
func place(skipped, lines int) string {
	if lines == 0 {
		return fmt.Sprintf("%d,0", skipped)
	}
	return fmt.Sprintf("%d,%d", skipped+1, lines)
}

// count counts the lines of the old and of the new version.
func count(edits []edit) (before, after int) {
	for _, e := range edits {
		if e.kind != '+' {
			before++
		}
		if e.kind != '-' {
			after++
		}
	}
	return before, after
}
