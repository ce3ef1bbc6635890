package main

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

// cellOf is a cell of the report with a tpot and a ttft for each run.
func cellOf(benchmark string, tpot, ttft []float64) string {
	var runs []string
	for i := range tpot {
		runs = append(runs, fmt.Sprintf(`{"index": %d, "values": {"tpot": %g, "ttft": %g}}`, i+1, tpot[i], ttft[i]))
	}
	return fmt.Sprintf(`{"identity": {"benchmark": %q}, "load": {"concurrency": 4}, "runs": [%s]}`, benchmark, strings.Join(runs, ","))
}

func judged(t *testing.T, cells ...string) string {
	t.Helper()
	var b strings.Builder
	if err := judge(strings.NewReader(`{"experiments": [{"cells": [`+strings.Join(cells, ",")+`]}]}`), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// The drift that both clients see cancels in pairs; a client that is 5 % off is told.
func TestAgreement(t *testing.T) {
	got := judged(t, cellOf("a", []float64{10, 20, 40}, []float64{100, 100, 100}), cellOf("b", []float64{10.1, 20.1, 40.4}, []float64{90, 100, 120}), cellOf("c", []float64{10.5, 21, 42}, []float64{105, 105, 105}))
	for _, want := range []string{
		"| 4 | b / a | tpot | 3 | +0.83 % | +0.35 to +1.32 % | 3 % | shown |",
		"| 4 | c / a | tpot | 3 | +5.00 % | +5.00 to +5.00 % | 3 % | not shown |",
		"| 4 | c / a | ttft | 3 | +5.00 % | +5.00 to +5.00 % | 10 % | shown |",
		"| 4 | c / a | total_throughput | 0 | | | 3 % | not shown: not measured |",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no line %s in\n%s", want, got)
		}
	}
	if line := got[strings.Index(got, "| b / a | ttft"):]; !strings.Contains(line[:strings.Index(line, "\n")], "not shown |") {
		t.Errorf("a wide interval: %s", line)
	}
}

func TestOnePairShowsNothing(t *testing.T) {
	if got := judged(t, cellOf("a", []float64{10}, []float64{1}), cellOf("b", []float64{10}, []float64{1})); strings.Contains(got, "| shown") || !strings.Contains(got, "one pair has no interval") {
		t.Error(got)
	}
}

func TestWhatIsNoReport(t *testing.T) {
	for _, text := range []string{"", "[]", `{"experiments": []}`} {
		if err := judge(strings.NewReader(text), &strings.Builder{}); err == nil {
			t.Errorf("%q: no error", text)
		}
	}
}

// Student's t for 4 degrees of freedom at 90 % is 2.132.
func TestInterval(t *testing.T) {
	mean, half := interval([]float64{1, 2, 3, 4, 5})
	if mean != 3 || math.Abs(half-2.1318*math.Sqrt(2.5)/math.Sqrt(5)) > 1e-3 {
		t.Errorf("%v, %v", mean, half)
	}
}
