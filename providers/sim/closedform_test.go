package sim

import (
	"context"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// sample is what a client of the engine sees of one request, in seconds.
type sample struct{ ttft, latency float64 }

// closedLoop keeps c requests in flight until each client has sent rounds of them,
// and returns the samples of all rounds but the first, and the seconds from the end
// of the first round to the end of the last.
func closedLoop(t *testing.T, args []string, c, input, output, rounds int) ([]sample, float64) {
	t.Helper()
	server, err := NewServer(args)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var engine, clients sync.WaitGroup
	engine.Go(func() { _ = server.Run(ctx) })
	var mu sync.Mutex
	var samples []sample
	began := time.Now()
	firstRound, lastEnd := 0.0, 0.0
	for range c {
		clients.Go(func() {
			for round := range rounds {
				start := time.Now()
				out := server.engine.submit(input, output, nil)
				var first time.Time
				for done := false; !done; {
					var err error
					if _, done, err = out.next(ctx, server.engine.dead); err != nil {
						t.Errorf("wait for a token: %v", err)
						return
					}
					if first.IsZero() {
						first = time.Now()
					}
				}
				mu.Lock()
				end := time.Since(began).Seconds()
				if round == 0 {
					firstRound = max(firstRound, end)
				} else {
					samples = append(samples, sample{first.Sub(start).Seconds(), time.Since(start).Seconds()})
				}
				lastEnd = max(lastEnd, end)
				mu.Unlock()
			}
		})
	}
	clients.Wait()
	cancel()
	engine.Wait()
	return samples, lastEnd - firstRound
}

// near fails unless got lies within half a percent of want.
func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	t.Logf("%s: sim %.6f, closed form %.6f (%+.4f %%)", what, got, want, 100*(got/want-1))
	if math.Abs(got/want-1) > 0.005 {
		t.Errorf("%s is %v, the closed form gives %v", what, got, want)
	}
}

// TestClosedForm compares the engine with plain arithmetic. The default costs are
// written out here on purpose: base 1 ms, weights 5 ms, 25 us a prompt token, 20 us
// a decoding request, 40 ns a cached token.
func TestClosedForm(t *testing.T) {
	const base, weights, prompt, decode, cached = 1e-3, 5e-3, 25e-6, 20e-6, 40e-9
	// decodeTime sums the steps that give tokens 2..osl of c requests in step: before
	// the step that gives token j+1, isl+j-1 tokens are cached.
	decodeTime := func(c, isl, osl, dense, kv float64) float64 {
		steps := osl - 1
		contexts := steps*isl + steps*(steps-1)/2
		return steps*(base+dense*(weights+decode*c)) + kv*cached*c*contexts
	}
	for _, x := range []struct {
		name          string
		args          []string
		c, isl, osl   int
		ttft, latency float64
	}{
		{"one request, one prefill step", nil, 1, 1000, 100,
			base + weights + prompt*1000, base + weights + prompt*1000 + decodeTime(1, 1000, 100, 1, 1)},
		{"eight in step", nil, 8, 500, 64,
			base + weights + prompt*4000, base + weights + prompt*4000 + decodeTime(8, 500, 64, 1, 1)},
		{"chunked prefill of 4 steps", []string{"--max-batch-tokens", "512"}, 1, 2048, 32,
			// three later chunks attend to 512, 1024 and 1536 cached tokens
			4*(base+weights) + prompt*2048 + cached*3072, 4*(base+weights) + prompt*2048 + cached*3072 + decodeTime(1, 2048, 32, 1, 1)},
		{"tensor parallel 4", []string{"--tensor-parallel", "4"}, 8, 500, 64,
			base + (weights+prompt*4000)/(4*0.81), base + (weights+prompt*4000)/(4*0.81) + decodeTime(8, 500, 64, 1/(4*0.81), 1/(4*0.81))},
		{"fp8 everywhere", []string{"--gemm-quant", "fp8", "--kv-cache-quant", "fp8"}, 8, 500, 64,
			base + (weights+prompt*4000)/2, base + (weights+prompt*4000)/2 + decodeTime(8, 500, 64, 0.5, 0.5)},
	} {
		t.Run(x.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const rounds = 5
				samples, span := closedLoop(t, x.args, x.c, x.isl, x.osl, rounds)
				for _, s := range samples {
					near(t, "ttft", s.ttft, x.ttft)
					near(t, "latency", s.latency, x.latency)
				}
				near(t, "throughput", float64(x.c*x.osl*(rounds-1))/span, float64(x.c*x.osl)/x.latency)
			})
		})
	}
}

// TestClosedFormQueue has room for 4 of 8 requests, so two groups take turns: each
// request waits for the other group, then has the engine with its own.
func TestClosedFormQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		service := 0.006 + 25e-6*4*200 // prefill of 4 prompts
		for j := range 49 {
			service += 0.006 + 4*20e-6 + 40e-9*4*float64(200+j)
		}
		samples, span := closedLoop(t, []string{"--max-batch-size", "4"}, 8, 200, 50, 6)
		for _, s := range samples {
			near(t, "latency", s.latency, 2*service)
			near(t, "ttft", s.ttft, service+0.006+25e-6*4*200)
		}
		near(t, "throughput", 8*50*5/span, 4*50/service)
	})
}
