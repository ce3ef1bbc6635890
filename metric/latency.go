package metric

import "time"

// longestLatency bounds what counts as a request's latency: no server answers a
// request for longer, and a multiple of it is still a duration.
const longestLatency = 24 * time.Hour

// RequestTime is how long one request takes on average: the mean latency as given,
// else ttft + (output tokens - 1) x tpot (the definition of tpot, turned around).
// It is 0 where neither is there, and where the figure can not be a latency: NaN,
// zero, negative, or longer than a day.
func (v Values) RequestTime(outputTokens int) time.Duration {
	ms, given := v.Get(Latency)
	if !given {
		ttft, hasTTFT := v.Get(TTFT)
		tpot, hasTPOT := v.Get(TPOT)
		if !hasTTFT || !hasTPOT {
			return 0
		}
		ms = ttft + float64(max(0, outputTokens-1))*tpot
	}
	if !(ms > 0 && ms <= float64(longestLatency/time.Millisecond)) {
		return 0
	}
	return time.Duration(ms * float64(time.Millisecond))
}
