package loadgen

import (
	"context"
	"fmt"
	"math"
)

// fit says how many tokens the server counts for a prompt of words.
type fit struct {
	fixed   float64 // tokens that every prompt has: the chat template's
	perWord float64
}

// words is the number of words that come closest to a prompt of tokens.
func (f fit) words(tokens int) int {
	return max(1, int(math.Round((float64(tokens)-f.fixed)/f.perWord)))
}

// The prompts that the fit is made from are of at least so many words: shorter ones
// differ by more than the rounding of one word.
const shortestProbe = 8

// probeNumber numbers the probes, far from the requests of a run.
const probeNumber = 1 << 23

// calibrate asks the server what it counts for two prompts, one of the load's length and
// one of half of it, so that prompts have the lengths asked for without a tokenizer here.
func (r *run) calibrate(ctx context.Context) error {
	long := max(2*shortestProbe, r.request.Load.InputTokens)
	short := max(shortestProbe, long/2)
	counted := [2]int{}
	for i, words := range [2]int{short, long} {
		o := r.client.order(1, 8*words, func(b []byte) []byte { return r.supply.prompts.appendWords(b, probeNumber+i, words) })
		got := r.client.do(ctx, o)
		if got.err != nil {
			return got.err
		}
		counted[i] = got.input
	}
	f := fit{perWord: float64(counted[1]-counted[0]) / float64(long-short)}
	f.fixed = float64(counted[1]) - f.perWord*float64(long)
	if f.perWord < 0.5 || f.perWord > 50 || f.fixed < -float64(long) {
		return fmt.Errorf("it counts %d tokens for %d words and %d for %d, which can not be", counted[0], short, counted[1], long)
	}
	r.supply.fit = f
	return nil
}
