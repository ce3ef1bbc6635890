package exec

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"aicv/spec"
)

// clients is a target's ability to run clients of benchmarks.
type clients struct {
	digest   string // of the image
	prepared int
	requests []spec.ClientRequest
	stays    bool // its containers can not be removed at once
}

type clientTarget struct{ fakeTarget }

func (w *world) target() spec.Target {
	if w.clients != nil {
		return clientTarget{fakeTarget{w}}
	}
	return fakeTarget{w}
}

func (t clientTarget) PrepareClient(_ context.Context, image spec.ClientImage) (string, error) {
	c := t.w.clients
	c.prepared++
	image.Tell("pulling " + image.Reference)
	time.Sleep(20 * time.Minute) // longer than a run may take
	if image.Digest != "" && image.Digest != c.digest {
		return "", &spec.Error{Kind: spec.ErrUsage, Summary: "it is another image"}
	}
	return c.digest, nil
}

func (t clientTarget) RunClient(_ context.Context, r spec.ClientRequest) (spec.ClientEnd, error) {
	c := t.w.clients
	c.requests = append(c.requests, r)
	if c.stays {
		t.w.mutex.Lock()
		t.w.servers[r.Key] = &fakeServer{Server: spec.Server{Suite: r.Suite, Key: r.Key}}
		t.w.mutex.Unlock()
	}
	return spec.ClientEnd{}, nil
}

// inImage is a bench whose benchmark runs its client in an image.
func inImage(t *testing.T, s shape, has *clients) *bench {
	b := newBench(t, s)
	b.world.clients, b.world.budget = has, time.Second
	for i := range b.plan.Cells {
		b.plan.Cells[i].Cell.Benchmark.Attrs = spec.Attrs{spec.AttrImage: spec.StringValue("bench:1")}
	}
	b.world.onRun = func(ctx context.Context, _ int, r spec.RunRequest, _ *fakeServer) error {
		if r.RunClient == nil {
			return errors.New("the benchmark has nothing to run its client with")
		}
		_, err := r.RunClient(ctx, spec.Client{Command: []string{"bench"}})
		return err
	}
	return b
}

func TestClientsRunInTheirPinnedImage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		has := &clients{digest: "bench@sha256:a"}
		b := inImage(t, small(), has)
		pins := map[string]string{}
		if _, err := b.applyPinning(nil, pins); err != nil {
			t.Fatal(err)
		}
		if pins["bench:1"] != "bench@sha256:a" || len(pins) != 1 || has.prepared != 1 || len(has.requests) != 12 {
			t.Errorf("pinned %v, prepared %d times, %d clients", pins, has.prepared, len(has.requests))
		}
		for _, r := range has.requests {
			if r.Image != "bench@sha256:a" || r.Suite == "" || r.Key != r.Server.Key+"+client" || !slices.Contains(b.world.calls, "start "+r.Server.Key) {
				t.Errorf("%+v", r)
			}
			if _, _, ok := parseKey(r.Key); ok {
				t.Errorf("%s is taken for a server's key", r.Key)
			}
		}
		if !slices.ContainsFunc(b.heard.of(spec.EventProgress), func(e spec.Event) bool { return e.Phase == "pulling bench:1" && e.Kind == "run" }) {
			t.Error("nobody hears of the pull")
		}
		b.clean()
	})
}

func TestAClientsImageThatIsAnotherOneIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := inImage(t, small(), &clients{digest: "bench@sha256:b"})
		_, err := b.applyPinning(map[string]string{"bench:1": "bench@sha256:a"}, map[string]string{})
		if spec.KindOf(err) != spec.ErrUsage || !strings.Contains(err.Error(), "another image") || b.world.benchRuns != 0 {
			t.Errorf("%d runs, error %v", b.world.benchRuns, err)
		}
		b.clean()
	})
}

func TestATargetThatRunsNoClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := inImage(t, small(), nil)
		_, err := b.apply()
		if spec.KindOf(err) != spec.ErrUsage || !strings.Contains(err.Error(), "runs no images") || b.world.benchRuns != 0 {
			t.Errorf("%d runs, error %v", b.world.benchRuns, err)
		}
		b.clean()
	})
}

// What a client's target could not remove is stopped with the server, before another
// deployment is measured.
func TestAClientThatStaysIsStoppedWithItsServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := inImage(t, small(), &clients{digest: "bench@sha256:a", stays: true})
		b.mustFinish()
		stops := 0
		for _, call := range b.world.calls {
			if strings.HasPrefix(call, "stop ") && strings.HasSuffix(call, "+client") {
				stops++
			}
		}
		if stops != 2 {
			t.Errorf("%d clients stopped: %q", stops, b.world.calls)
		}
	})
}
