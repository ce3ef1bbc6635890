package exec

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"aicv/engine/exec/proxy"
	"aicv/spec"
)

// rack is a target whose servers are handlers in this process.
type rack struct {
	spec.Target
	mutex  sync.Mutex
	failAt int // the start that fails; 0: none
	starts int
	up     map[string]*httptest.Server
}

func (r *rack) Managed() bool { return true }

func (r *rack) Start(_ context.Context, request spec.StartRequest) (spec.Server, error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.starts++; r.starts == r.failAt {
		return spec.Server{}, errors.New("no room")
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, request.Key) }))
	r.up[request.Key] = s
	return spec.Server{Suite: request.Suite, Key: request.Key, ID: request.Key, URL: s.URL}, nil
}

func (r *rack) Find(context.Context, string, string) ([]spec.Server, error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	var found []spec.Server
	for key := range r.up {
		found = append(found, spec.Server{Key: key})
	}
	slices.SortFunc(found, func(a, b spec.Server) int { return strings.Compare(a.Key, b.Key) })
	return found, nil
}

func (r *rack) Status(_ context.Context, s spec.Server) (spec.ServerStatus, error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.up[s.Key] == nil {
		return spec.ServerStatus{ExitCode: 3, Why: "gone"}, nil
	}
	return spec.ServerStatus{Running: true}, nil
}

func (r *rack) Log(_ context.Context, s spec.Server, _ int) (string, error) {
	return "log of " + s.Key + "\n", nil
}

func (r *rack) Stop(_ context.Context, s spec.Server, _ time.Duration) error {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if up := r.up[s.Key]; up != nil {
		up.Close()
		delete(r.up, s.Key)
	}
	return nil
}

func (r *rack) SampleGPUs(_ context.Context, s spec.Server) ([]spec.GPUSample, error) {
	if r.up[s.Key] == nil {
		return nil, errors.New("gone")
	}
	return []spec.GPUSample{{UUID: s.Key}}, nil
}

func replicatedRack(n, failAt int) (*replicated, *rack) {
	inner := &rack{failAt: failAt, up: map[string]*httptest.Server{}}
	return &replicated{Target: inner, n: n, policy: proxy.RoundRobin, open: map[string]*proxy.Proxy{}}, inner
}

func TestReplicasAreOneServer(t *testing.T) {
	r, inner := replicatedRack(3, 0)
	ctx := context.Background()
	server, err := r.Start(ctx, spec.StartRequest{Suite: "s", Key: "k"})
	if err != nil || len(server.Replicas) != 3 || server.URL == server.Replicas[0].URL {
		t.Fatalf("%+v, error %v", server, err)
	}
	code, body, err := newHTTPProbe().get(ctx, server.URL)
	if err != nil || code != http.StatusOK || string(body) != "k~1" {
		t.Errorf("%d %q, error %v", code, body, err)
	}
	inner.up["other~1"] = httptest.NewServer(nil)
	found, err := r.Find(ctx, "s", "k")
	if err != nil || len(found) != 3 {
		t.Errorf("found %+v, error %v", found, err)
	}
	samples, err := r.SampleGPUs(ctx, server)
	if err != nil || len(samples) != 3 || samples[2].UUID != "k~3" {
		t.Errorf("sampled %+v, error %v", samples, err)
	}
	log, err := r.Log(ctx, server, 300)
	if err != nil || log != "log of k~1\nlog of k~2\nlog of k~3\n" {
		t.Errorf("log %q, error %v", log, err)
	}
	_ = inner.Stop(ctx, server.Replicas[1], 0)
	status, err := r.Status(ctx, server)
	if want := (spec.ServerStatus{ExitCode: 3, Why: "gone; replica 2 of 3"}); err != nil || status != want {
		t.Errorf("%+v, error %v", status, err)
	}
	if log, _ := r.Log(ctx, server, 300); log != "log of k~2\n" {
		t.Errorf("log %q of the replica that ended", log)
	}
	if err := r.Stop(ctx, server, 0); err != nil || len(inner.up) != 1 {
		t.Errorf("%d servers are left, error %v", len(inner.up), err)
	}
	if _, _, err := newHTTPProbe().get(ctx, server.URL); err == nil {
		t.Error("the proxy is still there")
	}
	inner.up["other~1"].Close()
}

func TestAReplicaThatDoesNotStartTakesTheOthersDown(t *testing.T) {
	r, inner := replicatedRack(3, 3)
	_, err := r.Start(context.Background(), spec.StartRequest{Suite: "s", Key: "k"})
	if err == nil || !strings.Contains(err.Error(), "replica 3 of 3: no room") || len(inner.up) != 0 {
		t.Errorf("%d servers are left, error %v", len(inner.up), err)
	}
}

func TestReplicasAreSummedAndCompared(t *testing.T) {
	one, two := spec.Counters{PromptTokens: new(3.0), Running: new(1.0), KVCacheUsage: new(0.5)}, spec.Counters{PromptTokens: new(4.0), KVCacheUsage: new(0.25)}
	if got, want := summed([]spec.Counters{one, two}), (spec.Counters{PromptTokens: new(7.0), KVCacheUsage: new(0.5)}); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	item := func(name string, n int) spec.Setting { return spec.Setting{Name: name, Value: spec.IntValue(n)} }
	got := agreed([]spec.Configuration{
		spec.NewConfiguration(item(spec.ItemMaxBatchSize, 8), item(spec.ItemMaxBatchTokens, 100), item(spec.ItemReplicas, 1)),
		spec.NewConfiguration(item(spec.ItemMaxBatchSize, 8), item(spec.ItemMaxBatchTokens, 90), item(spec.ItemReplicas, 1))})
	want := spec.NewConfiguration(item(spec.ItemMaxBatchSize, 8), item(spec.ItemReplicas, 2))
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
