package loadgen

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"aicv/metric"
	"aicv/spec"
)

// A run of which no request succeeds ends early, and is the measurement of an error rate:
// nothing of it is lost.
func TestNoneSucceeds(t *testing.T) {
	refuses := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		http.Error(w, "no place", http.StatusServiceUnavailable)
	}
	slowly := func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(time.Minute)
		refuses(w, r)
	}
	stalls := func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}
	for name, x := range map[string]struct {
		handler     http.HandlerFunc
		concurrency int
		attrs       spec.Attrs
		change      func(*spec.RunRequest)
		requests    int // that end
		longest     time.Duration
		says        string
	}{
		"refuses":         {handler: refuses, concurrency: 4, requests: 20, longest: time.Second, says: "HTTP 503: no place"},
		"refuses many":    {handler: refuses, concurrency: 50, requests: 50, longest: time.Second, says: "HTTP 503"},
		"refuses batches": {handler: refuses, concurrency: 4, change: func(r *spec.RunRequest) { r.Load.Shape.Static = true }, requests: 20, longest: time.Second, says: "HTTP 503"},
		"refuses a rate": {handler: refuses, change: func(r *spec.RunRequest) { r.Load.RequestRate = metric.MustDecimal("2") },
			requests: 20, longest: 20 * time.Second, says: "HTTP 503"},
		"refuses a whole run": {handler: refuses, concurrency: 4, attrs: spec.Attrs{"window": spec.StringValue("whole_run")}, requests: 20, longest: time.Second, says: "HTTP 503"},
		"refuses slowly":      {handler: slowly, concurrency: 1, requests: 5, longest: 5*time.Minute + time.Second, says: "HTTP 503"},
		"stalls":              {handler: stalls, concurrency: 4, requests: 4, longest: 10*time.Minute + time.Second, says: "timeout after 10m0s"},
		"stalls alone":        {handler: stalls, concurrency: 1, requests: 3, longest: 30*time.Minute + time.Second, says: "timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := startHandler(x.handler)
				defer time.Sleep(2 * time.Minute) // what was cut off at the end of the run ends
				defer s.stop()
				order, began := request(x.concurrency, 8, 4), time.Now()
				order.Sampling.Requests = 1_000_000
				if x.change != nil {
					x.change(&order)
				}
				b := s.bench(t, x.attrs)
				b.calibrates = false
				result, err := b.Run(t.Context(), order, nil)
				if err != nil {
					t.Fatal(err)
				}
				rate, _ := result.Values.Get(metric.ErrorRate)
				if rate != 1 || len(result.Values) != 1 || result.Failed != result.Requests || len(result.Rows) != result.Requests {
					t.Errorf("%+v", result)
				}
				if n := result.Requests; n < x.requests || n == 1_000_000 || time.Since(began) > x.longest || result.Elapsed <= 0 {
					t.Errorf("%d requests in %s, window %s", n, time.Since(began), result.Elapsed)
				}
				if len(result.Findings) != 1 || result.Findings[0].Check != "given_up" || !strings.Contains(result.Findings[0].Message, x.says) {
					t.Errorf("%+v", result.Findings)
				}
			})
		})
	}
}

// A server that turns the client away has no error rate: the run is without data.
func TestTurnedAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			http.Error(w, "who are you", http.StatusUnauthorized)
		}))
		defer time.Sleep(time.Second)
		defer s.stop()
		_, err := s.bench(t, nil).Run(t.Context(), request(2, 8, 4), nil)
		if spec.KindOf(err) != spec.ErrInfrastructure || !strings.Contains(fmt.Sprint(err), "HTTP 401: who are you") || !strings.Contains(fmt.Sprint(err), "api_key") {
			t.Errorf("%v", err)
		}
	})
}

// One request that succeeds keeps a run going, however many fail.
func TestOneThatSucceeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		s := startHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if n := asked.Add(1); n != 19 && n < 200 {
				_, _ = io.Copy(io.Discard, r.Body)
				w.WriteHeader(http.StatusInternalServerError)
				return
			}
			inEvents(w, r, 4)
		}))
		defer time.Sleep(time.Second)
		defer s.stop()
		order := request(2, 8, 4)
		order.Sampling.Requests, order.Sampling.Warmup = 300, 2
		b := s.bench(t, nil)
		b.calibrates = false
		result, err := b.Run(t.Context(), order, nil)
		if err != nil {
			t.Fatal(err)
		}
		rate, _ := result.Values.Get(metric.ErrorRate)
		if _, measured := result.Values.Get(metric.TTFT); !measured || rate < 0.5 || rate >= 1 || result.Requests != 300 {
			t.Errorf("%d requests, %+v", result.Requests, result.Values)
		}
	})
}

// A run that its time limit ends gives the requests that had ended by then, and no figure.
func TestARunThatIsCutShortKeepsItsRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		s := startHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if asked.Add(1) > 10 {
				time.Sleep(2 * time.Minute)
				return
			}
			answer200("data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\ndata: {\"usage\":{\"prompt_tokens\":30,\"completion_tokens\":4}}\n\ndata: [DONE]\n\n")(w, r)
		}))
		defer time.Sleep(2 * time.Minute) // what was cut off at the end of the run ends
		defer s.stop()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		b := s.bench(t, nil)
		b.calibrates = false
		r, err := b.Run(ctx, request(2, 30, 4), nil)
		if spec.KindOf(err) != spec.ErrBenchmark || len(r.Rows) != 10 || len(r.Values) > 0 || r.Started.IsZero() || r.Provenance.Source == "" {
			t.Errorf("%d rows, %v, %v", len(r.Rows), r.Values, err)
		}
	})
}
