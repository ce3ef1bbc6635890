package metric

import (
	"math"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	for _, test := range []struct {
		name Name
		v    float64
		want string // in the error; empty: none
	}{
		{TTFT, 12.5, ""}, {TTFT, 1e-9, ""}, {TTFT, 1e10, ""}, {ErrorRate, 0, ""}, {ErrorRate, 1, ""}, {Goodput, 0, ""},
		{TTFT, 0, "ttft is 0"}, {TTFT, math.Copysign(0, -1), "ttft is 0"}, {Throughput, -3, "-3, and can not be negative"},
		{TPOT, math.NaN(), "NaN"}, {TPOT, math.Inf(1), "too large"}, {TPOT, math.Inf(-1), "negative"}, {TPOT, 1.1e10, "too large"},
		{ErrorRate, 1.01, "a share is at most 1"}, {ErrorRate, -0.1, "negative"}, {"latency_p99", 0, "latency_p99 is 0"},
	} {
		m, ok := Lookup(test.name)
		if !ok {
			t.Fatal(test.name)
		}
		err := m.Check(test.v)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s %g: %v, want %q", test.name, test.v, err, test.want)
		}
	}
}
