package exec

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"aicv/engine"
	"aicv/spec"
)

// TestReadinessIsSeenSoon: aicv adds less than 100 ms to the engine's own time to be
// ready, however long that is. In virtual time.
func TestReadinessIsSeenSoon(t *testing.T) {
	for _, load := range []time.Duration{10 * time.Millisecond, 1100 * time.Millisecond, 3333 * time.Millisecond, 95 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			took := awaited(t, &clockProbe{ready: time.Now().Add(load)}, spec.Server{URL: "http://x"}, &rack{up: map[string]*httptest.Server{"": {}}})
			if added := took - load; added < 0 || added >= 100*time.Millisecond {
				t.Errorf("ready after %s, seen %s later", load, added)
			}
		})
	}
}

// awaited is how long a server took until it was seen to be ready.
func awaited(t testing.TB, p probe, server spec.Server, on spec.Target) time.Duration {
	t.Helper()
	x := newExecutor(context.Background(), Request{Plan: &engine.Plan{Graph: engine.Graph{Nodes: []engine.Node{{Kind: engine.NodeDeploy, Cell: -1}}}, Deployments: []engine.Deployment{{}}}}, p)
	defer x.release()
	g := &group{target: &target{Target: on}, deployment: &engine.Deployment{}, up: &upServer{server: server}}
	g.spec.Ready = spec.Readiness{HealthPath: "/health"}
	began := time.Now()
	if err := x.awaitReady(g, began, time.Hour, false); err != nil {
		t.Fatal(err)
	}
	return time.Since(began)
}

// clockProbe answers from a moment on.
type clockProbe struct {
	probe
	ready time.Time
}

func (p *clockProbe) get(context.Context, string) (int, []byte, error) {
	if time.Now().Before(p.ready) {
		return http.StatusServiceUnavailable, nil, nil
	}
	return http.StatusOK, nil, nil
}

func (p *clockProbe) close() {}
