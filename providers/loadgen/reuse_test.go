package loadgen

import (
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"aicv/spec"
)

// TestConnectionsAreKept: servers may end a stream some time after its last event, in a
// packet of its own. The connection is used again all the same, and a server that never
// ends it holds nobody up.
func TestConnectionsAreKept(t *testing.T) {
	for name, c := range map[string]struct {
		after time.Duration // from the last event to the end of the answer
		most  int64         // connections
	}{
		"at once": {0, 1}, "a little later": {2 * time.Millisecond, 1}, "never": {time.Hour, 23},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := startHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body)
					time.Sleep(10 * time.Millisecond)
					answerWith(w, 8, 1)
					w.(http.Flusher).Flush()
					select {
					case <-time.After(c.after):
					case <-r.Context().Done():
					}
				}))
				defer s.stop()
				began := time.Now()
				result, err := s.bench(t, nil).Run(t.Context(), request(1, 8, 1), nil)
				if err != nil || result.Failed > 0 {
					t.Fatalf("%v, %d failed", err, result.Failed)
				}
				if n := s.pipes.dials.Load(); n > c.most {
					t.Errorf("%d connections, want %d at most", n, c.most)
				}
				if took := time.Since(began); took > 5*time.Second {
					t.Errorf("it took %s", took)
				}
				for _, row := range result.Rows {
					if row.Phase == spec.PhaseMeasure && row.TTFT != 10*time.Millisecond {
						t.Errorf("TTFT %s", row.TTFT)
					}
				}
			})
		})
	}
}
