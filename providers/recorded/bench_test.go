package recorded

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"aicv/spec"
)

// grid is a file of n rows, and their points.
func grid(n int) (string, []spec.Point) {
	var b strings.Builder
	b.WriteString(header)
	points := make([]spec.Point, n)
	for i := range n {
		tp, conc := 1+i%8, 1+i/8
		fmt.Fprintf(&b, "%d,%d,100,11,%d.5,5.25\n", tp, conc, 10+i)
		points[i] = point(tp, conc)
	}
	return b.String(), points
}

// BenchmarkPredict reads a file of 10,000 rows and answers 10,000 points.
func BenchmarkPredict(b *testing.B) {
	content, points := grid(10_000)
	for b.Loop() {
		predict(b, predictorOf(b, content, nil), points...)
	}
}

// BenchmarkLookup answers 10,000 points from a file that was read.
func BenchmarkLookup(b *testing.B) {
	content, points := grid(10_000)
	r := recordingOf(b, content, spec.Attrs{"derive": spec.ListValue(spec.StringValue("throughput"))})
	if _, err := r.Points(context.Background()); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		lookup(b, r, points...)
	}
}

// BenchmarkMissing asks for 10,000 points that the file does not have.
func BenchmarkMissing(b *testing.B) {
	content, points := grid(10_000)
	for i := range points {
		points[i].Load.Concurrency += 100_000
	}
	p := predictorOf(b, content, nil)
	for b.Loop() {
		predict(b, p, points...)
	}
}
