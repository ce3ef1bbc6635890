package verify

import (
	"fmt"
	"testing"

	"aicv/metric"
	"aicv/spec"
)

// manyCells makes n cells with runs, all of the same metrics.
func manyCells(n, runs int) []CellInput {
	cells := make([]CellInput, n)
	for i := range cells {
		cells[i] = measured(metric.TTFT, 100)
		cells[i].Address = fmt.Sprintf(`experiment.e["concurrency=%d"]`, i)
		cells[i].Prediction = &spec.Prediction{Values: metric.Values{{Metric: metric.TPOT, Value: 20}, {Metric: metric.Throughput, Value: 1000}, {Metric: metric.TTFT, Value: 100}}}
		for k := range runs {
			off := 1 + float64((i*7+k*13)%23)/100
			cells[i].Runs = append(cells[i].Runs, spec.Run{Index: k + 1, Start: 1, Result: spec.RunResult{Window: spec.WindowSteady, Requests: 100,
				Values: metric.Values{{Metric: metric.Throughput, Value: 1000 * off}, {Metric: metric.TPOT, Value: 20 * off}, {Metric: metric.TTFT, Value: 100 * off}}}})
		}
	}
	return cells
}

func threeClaims() *spec.Experiment {
	return experiment(repeated(3, 10), within(metric.Throughput, "0.1"), within(metric.TPOT, "0.1"), within(metric.TTFT, "0.15"))
}

// BenchmarkJudge10000 judges 10,000 cells by 3 claims; the aim is 0.1 s of CPU.
func BenchmarkJudge10000(b *testing.B) {
	e, cells := threeClaims(), manyCells(10_000, 3)
	b.ReportAllocs()
	for b.Loop() {
		if got := JudgeExperiment(e, cells); len(got) != 3*10_001 {
			b.Fatalf("%d judgements", len(got))
		}
	}
}

// BenchmarkDecided10000 asks for 10,000 cells whether they are decided, as plans do.
func BenchmarkDecided10000(b *testing.B) {
	e, cells := threeClaims(), manyCells(10_000, 3)
	b.ReportAllocs()
	for b.Loop() {
		j := NewJudge(e)
		for i := range cells {
			j.Decided(cells[i])
		}
	}
}
