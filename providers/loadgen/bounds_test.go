package loadgen

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"aicv/metric"
	"aicv/spec"
)

// inEvents answers with a number of events, 10 ms of each token before them.
func inEvents(w http.ResponseWriter, r *http.Request, events int) {
	var body struct {
		MaxTokens int `json:"max_tokens"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		panic(err)
	}
	for range events {
		time.Sleep(time.Duration(body.MaxTokens/events) * 10 * time.Millisecond)
		_, _ = io.WriteString(w, "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n")
		w.(http.Flusher).Flush()
	}
	_, _ = fmt.Fprintf(w, "data: {\"usage\":{\"prompt_tokens\":8,\"completion_tokens\":%d}}\n\ndata: [DONE]\n\n", body.MaxTokens)
}

// A server that holds tokens back makes them look faster than they are: with 2 events of
// 10 tokens each, TPOT is 100 ms / 19, and tokens take 10 ms.
func TestTokensThatComeTogether(t *testing.T) {
	for _, x := range []struct {
		events int
		want   spec.FindingSeverity // empty: none
	}{{20, ""}, {10, spec.FindingWarn}, {2, spec.FindingSpoils}, {1, spec.FindingSpoils}} {
		synctest.Test(t, func(t *testing.T) {
			s := startHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { inEvents(w, r, x.events) }))
			defer time.Sleep(time.Second) // what was cut off at the end of the run ends
			defer s.stop()
			result, err := s.bench(t, nil).Run(t.Context(), request(2, 8, 20), nil)
			if err != nil {
				t.Fatal(err)
			}
			var got spec.FindingSeverity
			for _, f := range result.Findings {
				if f.Check == "coarse_stream" {
					got = f.Severity
				}
			}
			tpot, _ := result.Values.Get(metric.TPOT)
			if got != x.want || x.events == 20 && tpot != 10 {
				t.Errorf("%d events: %q, want %q; tpot %v", x.events, got, x.want, tpot)
			}
		})
	}
}

// Counts whose sums would overflow are no counts.
func TestCountsBeyondAllMeasure(t *testing.T) {
	for _, a := range []answer{{input: 8, output: 1e18}, {input: 1e18, output: 8}} {
		a.times, a.finish = make([]time.Duration, 4), "stop"
		if err := a.check(8); err == nil || !strings.Contains(err.Error(), "wrong usage") {
			t.Errorf("%d in, %d out: %v", a.input, a.output, err)
		}
	}
}

// A rate that a server never keeps up with ends once the client holds all that it can.
func TestRateThatFillsTheClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startHandler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		}))
		defer s.stop()
		b := s.bench(t, nil)
		b.connections = 100
		order := request(0, 8, 2)
		order.Load.RequestRate = metric.MustDecimal("1000000000")
		_, err := b.Run(t.Context(), order, nil)
		if spec.KindOf(err) != spec.ErrBenchmark || !strings.Contains(fmt.Sprint(err), "100 requests are in flight") {
			t.Errorf("error %v", err)
		}
	})
}

// Long prompts are not built far ahead of their time.
func TestBuiltAhead(t *testing.T) {
	for input, want := range map[int]int{1: ahead, 100_000: ahead, 1 << 22: 8, 1 << 28: 1} {
		load := spec.Load{Concurrency: 1, InputTokens: input, OutputTokens: 1}
		r := &run{request: spec.RunRequest{Load: load}, supply: &supply{sizes: newSizes(1, load)}}
		if got := r.builtAhead(); got != want {
			t.Errorf("%d tokens: %d ahead, want %d", input, got, want)
		}
	}
}

// TestWarmupByTime: whatever the load, nothing is measured before its time.
func TestWarmupByTime(t *testing.T) {
	const least = 9 * time.Second
	batches := request(2, 50, 16)
	batches.Load.Shape.Static = true
	for name, c := range map[string]struct {
		order spec.RunRequest
		attrs spec.Attrs
	}{
		"closed loop": {request(2, 50, 16), nil}, "rate": {atRate("8", 50, 16), nil}, "batches": {batches, nil},
		"whole run": {request(2, 50, 16), attrs("window", "whole_run")},
	} {
		t.Run(name, func(t *testing.T) {
			c.order.Sampling.Requests, c.order.Sampling.Warmup, c.order.Sampling.WarmupTime = 20, 2, least
			against(t, nil, c.attrs, c.order, func(t *testing.T, result spec.RunResult, err error) {
				if err != nil {
					t.Fatal(err)
				}
				first := never
				for _, row := range result.Rows {
					if row.Phase == spec.PhaseMeasure {
						first = min(first, row.Start)
					}
				}
				if first < least || first > least+time.Second || result.Requests < 20 || result.Failed > 0 {
					t.Errorf("%d requests from %s on, %d failed", result.Requests, first, result.Failed)
				}
			})
		})
	}
	b := &benchmark{}
	long := request(8, 100, 10)
	long.Sampling.WarmupTime = time.Minute
	if got := b.Budget(long, time.Second); got != 81*time.Second {
		t.Errorf("budget %s, want a minute, 20 generations and one", got)
	}
}

// TestAnEchoedKeyIsNotKept: what a server says of a request is stored, and some say the
// request's own headers.
func TestAnEchoedKeyIsNotKept(t *testing.T) {
	const key = "s3cret-key"
	for name, answer := range map[string]http.HandlerFunc{
		"body": func(w http.ResponseWriter, r *http.Request) {
			http.Error(w, strings.Repeat("x", 505)+r.Header.Get("Authorization"), http.StatusBadGateway)
		},
		"header": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", r.Header.Get("Authorization"))
			http.Redirect(w, r, "http://elsewhere/?key="+key, http.StatusFound)
		},
		"stream": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "data: {\"error\":{\"message\":\""+r.Header.Get("Authorization")+"\"}}\n\n")
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := startHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				time.Sleep(time.Millisecond)
				answer(w, r)
			}))
			defer s.stop()
			b := s.bench(t, spec.Attrs{"api_key": spec.SecretValue("KEY")})
			b.env.Getenv = func(string) (string, bool) { return key, true }
			result, err := b.Run(t.Context(), request(1, 8, 2), nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range result.Rows {
				if row.Error == "" || strings.Contains(row.Error, key) || strings.Contains(row.Error, "Bearer s3cr") {
					t.Fatalf("%s: %q", name, row.Error)
				}
			}
		})
	}
}

// TestALateClientHidesNothing: where the client itself can not send in time, times count
// from the moment at which a request was due all the same.
func TestALateClientHidesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			time.Sleep(time.Millisecond)
			answerWith(w, 8, 1)
		}))
		defer s.stop()
		request := atRate("10", 8, 1)
		request.Load.Shape.Arrivals = spec.ArrivalsConstant
		request.Sampling = spec.Sampling{Requests: 30, Warmup: 2, Seed: 1}
		c, err := newClient(s.bench(t, nil), request, "")
		if err != nil {
			t.Fatal(err)
		}
		defer c.close()
		r := &run{client: c, request: request, connections: mostInFlight}
		if r.supply, err = newSupply(c, request); err != nil {
			t.Fatal(err)
		}
		r.phases = r.newPhases()
		r.collect = &collector{phases: r.phases}
		load, stop := context.WithCancelCause(t.Context())
		orders := make(chan order)
		var group sync.WaitGroup
		group.Go(func() {
			for i := 0; load.Err() == nil; i++ {
				if i == 10 {
					time.Sleep(2 * time.Second) // the client is busy with something else
				}
				select {
				case orders <- r.supply.next(i):
				case <-load.Done():
				}
			}
		})
		group.Go(func() { r.openLoop(load, orders, stop) })
		<-r.phases.done
		stop(nil)
		group.Wait()
		most := time.Duration(0)
		for _, row := range r.collect.rows {
			most = max(most, row.TTFT)
		}
		if _, late := r.lag.figures(); most < 1800*time.Millisecond || late < 1800 {
			t.Errorf("the longest TTFT is %s, the client was late by %v ms", most, late)
		}
	})
}

// TestIdleConnectionsAreNotUsedAgain: servers close a connection that was idle for a while,
// and a request that goes out at that moment is lost.
func TestIdleConnectionsAreNotUsedAgain(t *testing.T) {
	for rate, want := range map[string]int64{"0.25": 12, "4": 1} {
		synctest.Test(t, func(t *testing.T) {
			s := startHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				time.Sleep(time.Millisecond)
				answerWith(w, 8, 1)
			}))
			defer s.stop()
			order := atRate(rate, 8, 1)
			order.Load.Shape.Arrivals = spec.ArrivalsConstant
			order.Sampling.Requests, order.Sampling.Warmup = 10, 2
			result, err := s.bench(t, nil).Run(t.Context(), order, nil)
			if err != nil || result.Failed > 0 {
				t.Fatalf("%v, %d failed", err, result.Failed)
			}
			if n := s.pipes.dials.Load(); n < want || n > want+1 {
				t.Errorf("at %s requests/s: %d connections, want %d", rate, n, want)
			}
		})
	}
}
