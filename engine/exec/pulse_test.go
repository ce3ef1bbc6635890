package exec

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"aicv/spec"
)

// TestASilentProviderCanBeSeen: whatever a benchmark or a target does, each second says
// that it is at it, and for how long nothing has moved.
func TestASilentProviderCanBeSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, small())
		b.world.onStart = func(int, *fakeServer) error { time.Sleep(20 * time.Second); return nil }
		b.world.runTime = 30 * time.Second // the fake reports once, at its beginning
		b.mustFinish()
		longest, at := map[string]time.Duration{}, map[string]time.Time{}
		for _, e := range b.heard.of(spec.EventProgress) {
			key := e.Kind + " " + e.Phase
			longest[key] = max(longest[key], e.Idle)
			if before, ok := at[e.Subject]; ok && e.Time.Sub(before) > 2*aliveEvery && e.Idle > 0 {
				t.Errorf("%s: %s without a sign of life", e.Subject, e.Time.Sub(before))
			}
			at[e.Subject] = e.Time
		}
		if d := longest["run measuring"]; d < 25*time.Second || d > 30*time.Second {
			t.Errorf("a run of 30 s that moves at its beginning only was idle for %s", d)
		}
		if d := longest["deploy starting"]; d < 15*time.Second || d > 20*time.Second {
			t.Errorf("a start of 20 s was idle for %s", d)
		}
	})
}

// TestEventsSufficeToFollow: each names its apply, and the last says what stays behind.
func TestEventsSufficeToFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, small())
		b.world.onStop = func(context.Context, *fakeServer, time.Duration) error { return errors.New("the daemon is gone") }
		if _, err := b.apply(); err != nil {
			t.Fatal(err)
		}
		events := b.heard.events
		for _, e := range events {
			if e.Apply != string(b.plan.ID) {
				t.Fatalf("%s belongs to the apply %q", e.Type, e.Apply)
			}
		}
		first, last := events[0], events[len(events)-1]
		if first.Type != spec.EventApplyStarted || first.Total != 14 || first.Subject == "" || first.Phase != string(b.plan.ID) {
			t.Errorf("first: %+v", first)
		}
		if last.Type != spec.EventApplyFinished || !strings.Contains(last.Message, "could not tear down") {
			t.Errorf("last: %+v", last)
		}
		estimated := false
		for _, e := range b.heard.of(spec.EventNodeFinished) {
			estimated = estimated || e.Left > 0
		}
		if !estimated {
			t.Error("no event says how long the rest may take")
		}
	})
}

// TestAServerStartedInAnotherWayIsNotAdopted: after a crash, an aicv that renders the
// deployment differently does not measure on the old server.
func TestAServerStartedInAnotherWayIsNotAdopted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, small())
		crashAfterRun(b, 2)
		b.world.image = "engine:2"
		b.mustFinish()
		if n := len(b.store.starts); n != 3 {
			t.Errorf("%d starts, want 3: the crashed session's server is another one", n)
		}
		for _, call := range b.world.calls {
			if strings.HasPrefix(call, "adopt ") {
				t.Errorf("%s", call)
			}
		}
	})
}

// TestAFailedStartThatCanNotBeAskedForStays: the target does not say what the attempt
// left, so it counts as left until it could be stopped.
func TestAFailedStartThatCanNotBeAskedForStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, small())
		started := false
		b.world.onStart = func(_ int, s *fakeServer) error {
			started = true
			b.world.servers[s.Key] = s
			return errors.New("half way")
		}
		b.world.onFind = func() error {
			if started {
				return errors.New("the daemon is gone")
			}
			return nil
		}
		b.world.onStop = func(context.Context, *fakeServer, time.Duration) error { return errors.New("the daemon is gone") }
		result, err := b.apply()
		if err != nil {
			t.Fatal(err)
		}
		if len(result.Left) == 0 {
			t.Error("nothing is named as left")
		}
	})
}
