package conformance

import (
	"context"
	"testing"

	"aicv/spec"
)

// External runs what a target must pass whose servers somebody else runs. The target is
// over a server that is healthy and serves "model-a"; broken is over none.
func External(t *testing.T, target, broken spec.Target) {
	s := &session{T: t, harness: Harness{Broken: func(*testing.T) spec.Target { return broken }}, target: target, suite: "suite-external"}
	ctx := context.Background()
	if target.Managed() {
		t.Error("what somebody else runs is not managed")
	}
	server := s.start("k", modeServe)
	if server.Suite != s.suite || server.Key != "k" || server.ModelName != "model-a" || !server.Adopted || server.URL == "" {
		t.Errorf("started %+v", server)
	}
	again := s.start("other", modeServe)
	if again.URL != server.URL || again.ID != server.ID {
		t.Errorf("one endpoint gave two servers: %+v, %+v", server, again)
	}
	if !s.status(server).Running || !answers(server, "/health") {
		t.Error("a healthy server does not run")
	}
	s.finds(s.suite, "")
	s.stop(server, 0)
	if !s.status(server).Running || !answers(server, "/health") {
		t.Error("somebody else's server was stopped")
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := target.Start(ended, s.request("k", modeServe)); spec.KindOf(err) != spec.ErrInterrupted {
		t.Errorf("start in an ended context: %v", err)
	}
	typed(s)
}

// Refusal calls everything of a target that can do nothing: whatever fails must say its
// kind, what failed, and what to do about it.
func Refusal(t *testing.T, broken spec.Target) {
	typed(&session{T: t, harness: Harness{Broken: func(*testing.T) spec.Target { return broken }}, target: broken, suite: "suite-refusal"})
}
