package verify

import (
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"aicv/spec"
)

func TestPlannedLooks(t *testing.T) {
	for _, test := range []struct {
		name        string
		repeats     spec.Repeats
		looks, runs []int
	}{
		{"the default", spec.Repeats{Min: 3, Max: 10, Starts: 1}, []int{3, 5, 10}, []int{3, 5, 10}},
		{"starts left out", spec.Repeats{Min: 3, Max: 10}, []int{3, 5, 10}, []int{3, 5, 10}},
		{"one run", spec.Repeats{Min: 1, Max: 1, Starts: 1}, []int{1}, []int{1}},
		{"one look", spec.Repeats{Min: 4, Max: 4, Starts: 1}, []int{4}, []int{4}},
		{"min and max beside the usual", spec.Repeats{Min: 4, Max: 20, Starts: 1}, []int{4, 5, 10, 20}, []int{4, 5, 10, 20}},
		{"a single run of several decides nothing", spec.Repeats{Min: 1, Max: 4, Starts: 1}, []int{3, 4}, []int{3, 4}},
		{"two runs", spec.Repeats{Min: 1, Max: 2, Starts: 1}, []int{2}, []int{2}},
		{"none", spec.Repeats{}, nil, nil},
		{"two starts", spec.Repeats{Min: 3, Max: 10, Starts: 2}, []int{2}, []int{10}},
		{"three uneven starts", spec.Repeats{Min: 3, Max: 10, Starts: 3}, []int{3}, []int{10}},
		{"four starts share ten as 3 3 2 2", spec.Repeats{Min: 3, Max: 10, Starts: 4}, []int{3, 4}, []int{8, 10}},
		{"five starts", spec.Repeats{Min: 3, Max: 10, Starts: 5}, []int{3, 5}, []int{6, 10}},
		{"a look before the least runs is none", spec.Repeats{Min: 8, Max: 10, Starts: 5}, []int{5}, []int{10}},
		{"more starts than runs", spec.Repeats{Min: 3, Max: 4, Starts: 9}, []int{3, 4}, []int{3, 4}},
		{"starts of single runs", spec.Repeats{Min: 1, Max: 1, Starts: 4}, []int{1}, []int{1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.looks, PlannedLooks(test.repeats)); diff != "" {
				t.Errorf("looks (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.runs, RunsAtLooks(test.repeats)); diff != "" {
				t.Errorf("runs at looks (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLooksRise(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.IntRange(1, 50).Draw(t, "max")
		r := spec.Repeats{Min: rapid.IntRange(1, most).Draw(t, "min"), Max: most, Starts: rapid.IntRange(0, 60).Draw(t, "starts")}
		looks, runs := PlannedLooks(r), RunsAtLooks(r)
		if len(looks) == 0 || len(looks) != len(runs) {
			t.Fatalf("%+v: looks %v, runs %v", r, looks, runs)
		}
		if runs[len(runs)-1] != r.Max {
			t.Fatalf("%+v: the last look is at %d runs, not at the maximum", r, runs[len(runs)-1])
		}
		for _, list := range [][]int{looks, runs} {
			if !slices.IsSorted(list) || len(slices.Compact(slices.Clone(list))) != len(list) {
				t.Fatalf("%+v: %v does not rise", r, list)
			}
		}
	})
}

func TestLevel(t *testing.T) {
	for _, c := range []struct {
		looks []int
		n     int
		want  float64
	}{
		{[]int{1}, 1, 0.90}, {[]int{7}, 7, 0.90}, {[]int{5, 15}, 5, 0.96}, {[]int{5, 15}, 15, 0.94},
		{[]int{3, 5, 10}, 3, 0.98}, {[]int{3, 5, 10}, 5, 0.98}, {[]int{3, 5, 10}, 10, 0.94},
	} {
		if got := Level(c.looks, c.n); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("Level(%v, %d) = %v, want %v", c.looks, c.n, got, c.want)
		}
	}
}

// TestLevelsShareTheError: the tails of all looks add up to 5 %, however many there are.
func TestLevelsShareTheError(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		looks := PlannedLooks(drawRepeats(t))
		sum := 0.0
		for _, n := range looks {
			sum += (1 - Level(looks, n)) / 2
		}
		if len(looks) > 0 && math.Abs(sum-tail) > 1e-12 {
			t.Fatalf("%v: the looks' tails add up to %v", looks, sum)
		}
	})
}
