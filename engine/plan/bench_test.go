package plan

import (
	"fmt"
	"io"
	"testing"

	"aicv/metric"
	"aicv/spec"
)

// byMatrix has n cells in four experiments.
func byMatrix(n int) *world {
	w := newWorld()
	for e := range 4 {
		concurrency := make([]int, n/16)
		for i := range concurrency {
			concurrency[i] = i + 1
		}
		w.experiment(fmt.Sprintf("e%d", e), []int{1, 2, 4, 8}, concurrency, repeats(3, 10, 1), benchClaims()...)
		for i := range w.suite.Experiments[e].Cells {
			w.suite.Experiments[e].Cells[i].Load.InputTokens += e
		}
	}
	return w
}

// byBlocks has n cells in experiments of four.
func byBlocks(n int) *world {
	w := newWorld()
	for e := range n / 4 {
		w.experiment(fmt.Sprintf("e%d", e), []int{1, 2}, []int{e + 1, e + 20000}, repeats(3, 10, 1), benchClaims()...)
	}
	return w
}

func benchClaims() []spec.Claim {
	return []spec.Claim{within10(metric.Throughput), within10(metric.TTFT), below(metric.TPOT, "30")}
}

func shapes() map[string]func(int) *world {
	return map[string]func(int) *world{"matrix": byMatrix, "blocks": byBlocks}
}

func BenchmarkFirstPlan(b *testing.B) {
	for _, n := range []int{1000, 10000} {
		for _, shape := range []string{"matrix", "blocks"} {
			b.Run(fmt.Sprintf("%s/%d", shape, n), func(b *testing.B) {
				w := shapes()[shape](n)
				w.cache = nil
				b.ReportAllocs()
				for b.Loop() {
					w.build(b)
				}
			})
		}
	}
}

// BenchmarkNoChange plans with three runs per cell in the state, all judged.
func BenchmarkNoChange(b *testing.B) {
	for _, n := range []int{1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			w := byMatrix(n)
			for _, e := range w.suite.Experiments {
				e.Repeats = repeats(3, 3, 1)
			}
			w.apply(w.build(b))
			b.ReportAllocs()
			for b.Loop() {
				if p := w.build(b); p.Changes() {
					b.Fatal("the plan is not empty")
				}
			}
		})
	}
}

func BenchmarkSave(b *testing.B) {
	p := byMatrix(10000).build(b)
	b.ReportAllocs()
	for b.Loop() {
		if err := Save(io.Discard, p); err != nil {
			b.Fatal(err)
		}
	}
}
