package exec

import (
	"context"
	"sync"
	"time"

	"aicv/spec"
)

// minder watches over one run: it ends the run when the server dies, and when a
// graceful stop can not wait for its end.
type minder struct {
	x        *executor
	g        *group
	cancel   context.CancelCauseFunc
	began    time.Time
	expected time.Duration // of the run; 0: unknown
	pulse    *pulse
	died     *spec.ServerStatus
	done     sync.WaitGroup
}

// mind begins to watch. After ctx has ended and done was waited for, died holds how
// the server ended, if it did.
func (x *executor) mind(ctx context.Context, cancel context.CancelCauseFunc, g *group, expected time.Duration, p *pulse) *minder {
	m := &minder{x: x, g: g, cancel: cancel, began: time.Now(), expected: expected, pulse: p}
	m.done.Go(func() { m.watch(ctx) })
	return m
}

func (m *minder) watch(ctx context.Context) {
	tick := time.NewTicker(aliveEvery)
	defer tick.Stop()
	graceful := m.x.graceful.Done()
	var deadline <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			m.pulse.beat()
			if m.look(ctx) {
				return
			}
		case <-graceful:
			graceful = nil
			timer := time.NewTimer(m.patience())
			defer timer.Stop()
			deadline = timer.C
		case <-deadline:
			m.cancel(errInterrupted)
			return
		}
	}
}

// look ends the run when the server is gone.
func (m *minder) look(ctx context.Context) bool {
	status, err := ask(ctx, func(ctx context.Context) (spec.ServerStatus, error) { return m.g.target.Status(ctx, m.g.up.server) })
	if err != nil || status.Running || ctx.Err() != nil {
		return false
	}
	m.died = &status
	m.cancel(errServerDied)
	return true
}

// patience is how long a graceful stop waits for the run: a little, unless it is
// known to need more.
func (m *minder) patience() time.Duration {
	if left := m.expected - time.Since(m.began); left > finishGrace {
		return 0
	}
	return finishGrace
}
