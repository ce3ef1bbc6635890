package spec

import (
	"testing"

	"aicv/metric"
)

func TestUsualSampling(t *testing.T) {
	for _, x := range []struct {
		load             Load
		requests, warmup int
	}{
		{Load{Concurrency: 8}, 160, 16},
		{Load{RequestRate: metric.MustDecimal("2.5")}, 150, 25},
		{Load{RequestRate: metric.MustDecimal("0.01")}, 20, 1},
	} {
		if got := UsualSampling(x.load); got != (Sampling{Requests: x.requests, Warmup: x.warmup}) {
			t.Errorf("%+v: %+v", x.load, got)
		}
	}
}
