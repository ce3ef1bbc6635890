package loadgen

import (
	"bytes"
	"io"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"aicv/spec"
)

// TestArrivalsBeginWithTheLoad: what a run does before its load, such as a calibration
// that a slow server takes seconds for, makes no request late. Otherwise the arrivals of
// that time would all come at once.
func TestArrivalsBeginWithTheLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var arrived []time.Time
		s := startHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			if bytes.Contains(body, []byte(`"max_tokens":1,`)) { // the calibration
				time.Sleep(7 * time.Second)
				answerWith(w, bytes.Count(body, []byte(" ")), 1)
				return
			}
			mu.Lock()
			arrived = append(arrived, time.Now())
			mu.Unlock()
			answerWith(w, 100, 2)
		}))
		defer s.stop()
		order := atRate("10", 100, 2)
		order.Load.Shape.Arrivals = spec.ArrivalsConstant
		order.Sampling.Requests, order.Sampling.Warmup = 40, 20
		result, err := s.bench(t, spec.Attrs{"calibrate": spec.BoolValue(true)}).Run(t.Context(), order, nil)
		if err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		defer mu.Unlock()
		for i := 1; i < len(arrived); i++ {
			if gap := arrived[i].Sub(arrived[i-1]); gap < 99*time.Millisecond || gap > 101*time.Millisecond {
				t.Fatalf("request %d came %s after the one before, at 10 requests/s", i+1, gap)
			}
		}
		if lag := result.Seen.Client.LagMax; lag > 1 {
			t.Errorf("the client was %v ms late", lag)
		}
		if result.Started.After(arrived[0]) || arrived[0].Sub(result.Started) > time.Second {
			t.Errorf("the run started at %s, and its first request came at %s", result.Started, arrived[0])
		}
	})
}

// TestConnectionsOfARateAreKept: an open loop uses idle connections again as well, so that
// a handshake is part of few times to the first token.
func TestConnectionsOfARateAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			select {
			case <-time.After(time.Second):
				answerWith(w, 8, 1)
			case <-r.Context().Done(): // cut off at the end of the run
			}
		}))
		defer s.stop()
		order := atRate("20", 8, 1)
		order.Sampling.Requests, order.Sampling.Warmup = 200, 50
		result, err := s.bench(t, nil).Run(t.Context(), order, nil)
		if err != nil || result.Failed > 0 {
			t.Fatalf("%v, %d failed", err, result.Failed)
		}
		if n := s.pipes.dials.Load(); n > 50 { // some 20 are in flight
			t.Errorf("%d connections for %d requests", n, len(result.Rows))
		}
	})
}
