package results

import (
	"math"
	"testing"

	"aicv/metric"
)

func TestPercentile(t *testing.T) {
	values := []float64{1, 2, 3, 4}
	for p, want := range map[int]float64{50: 2.5, 75: 3.25, 90: 3.7, 99: 3.97} { // numpy.percentile
		if got := percentile(values, p); math.Abs(got-want) > 1e-12 {
			t.Errorf("p%d is %v, want %v", p, got, want)
		}
	}
	if got := percentile([]float64{5}, 99); got != 5 {
		t.Errorf("of one value: %v", got)
	}
}

// The means and percentiles of a run, each only where there are enough requests; speed per
// user is the inverse of the mean, not the mean of inverses.
func TestSamples(t *testing.T) {
	s := Samples{TTFT: []float64{30, 10, 20}, TPOT: []float64{1, 3}, Latency: make([]float64, 29)}
	for i := range s.Latency {
		s.Latency[i] = float64(29 - i) // 29 requests: enough for p90, not for p95
	}
	figures := s.Figures()
	for name, want := range map[metric.Name]float64{metric.TTFT: 20, metric.TPOT: 2, metric.UserThroughput: 500, metric.Latency: 15, "latency_p50": 15, "latency_p90": 26.2} {
		if got, has := figures[name]; !has || math.Abs(got-want) > 1e-9 {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	for _, name := range []metric.Name{"ttft_p50", "latency_p95", metric.Throughput} {
		if v, has := figures[name]; has {
			t.Errorf("%s is %v, and there are too few requests", name, v)
		}
	}
	if s.Latency[0] != 29 {
		t.Error("the sample was sorted in place")
	}
	if got := (Samples{}).Figures(); len(got) != 0 {
		t.Errorf("of nothing: %v", got)
	}
}
