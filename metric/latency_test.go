package metric

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestRequestTime(t *testing.T) {
	day := float64(longestLatency / time.Millisecond)
	for name, c := range map[string]struct {
		values Values
		tokens int
		want   time.Duration
	}{
		"given":             {Values{{Latency, 1500}}, 10, 1500 * time.Millisecond},
		"given wins":        {Values{{Latency, 1500}, {TPOT, 10}, {TTFT, 100}}, 10, 1500 * time.Millisecond},
		"from both":         {Values{{TPOT, 10}, {TTFT, 108}}, 100, 1098 * time.Millisecond},
		"one token":         {Values{{TPOT, 10}, {TTFT, 108}}, 1, 108 * time.Millisecond},
		"no tokens":         {Values{{TPOT, 10}, {TTFT, 108}}, 0, 108 * time.Millisecond},
		"below a ms":        {Values{{Latency, 0.25}}, 1, 250 * time.Microsecond},
		"nothing":           {nil, 10, 0},
		"ttft alone":        {Values{{TTFT, 100}}, 10, 0},
		"tpot alone":        {Values{{TPOT, 100}}, 10, 0},
		"a percentile":      {Values{{"latency_p99", 100}}, 10, 0},
		"zero":              {Values{{Latency, 0}}, 10, 0},
		"negative":          {Values{{Latency, -5}}, 10, 0},
		"negative sum":      {Values{{TPOT, -10}, {TTFT, 5}}, 10, 0},
		"NaN":               {Values{{Latency, math.NaN()}}, 10, 0},
		"NaN in the sum":    {Values{{TPOT, math.NaN()}, {TTFT, 5}}, 10, 0},
		"infinite":          {Values{{Latency, math.Inf(1)}}, 10, 0},
		"infinite less":     {Values{{TPOT, math.Inf(-1)}, {TTFT, math.Inf(1)}}, 10, 0},
		"a day":             {Values{{Latency, day}}, 10, longestLatency},
		"more than a day":   {Values{{Latency, math.Nextafter(day, math.Inf(1))}}, 10, 0},
		"beyond a duration": {Values{{TPOT, 1e300}, {TTFT, 5}}, math.MaxInt, 0},
	} {
		if got := c.values.RequestTime(c.tokens); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// Whatever a provider answers, nothing negative and nothing beyond a day comes out.
func TestRequestTimeIsBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := Values{{TPOT, rapid.Float64().Draw(t, "tpot")}, {TTFT, rapid.Float64().Draw(t, "ttft")}}
		if got := values.RequestTime(rapid.Int().Draw(t, "tokens")); got < 0 || got > longestLatency {
			t.Errorf("%s", got)
		}
	})
}
