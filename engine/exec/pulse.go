package exec

import (
	"context"
	"sync"
	"time"

	"aicv/spec"
)

// pulse hands a provider's events on under the node that called it, and says of its
// progress how long nothing has moved. Where the provider keeps silent it speaks for
// it, so that a stall can be seen whatever the provider does.
type pulse struct {
	x             *executor
	node, attempt int
	kind, subject string
	began         time.Time
	mutex         sync.Mutex
	last          spec.Event // progress
	sent, moved   time.Time
}

func (x *executor) newPulse(id, attempt int) *pulse {
	n, now := &x.nodes[id], time.Now()
	return &pulse{x: x, node: id, attempt: attempt, kind: string(n.Kind), subject: x.subject(n), began: now, sent: now, moved: now,
		last: spec.Event{Type: spec.EventProgress, Phase: "running"}}
}

// relay is what the provider reports to.
func (p *pulse) relay(e spec.Event) {
	if e.Type == spec.EventProgress {
		e = p.note(e)
	}
	p.emit(e)
}

// note remembers how far the provider is.
func (p *pulse) note(e spec.Event) spec.Event {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	now := time.Now()
	if e.Phase != p.last.Phase || e.Done != p.last.Done || e.Message != p.last.Message {
		p.moved = now
	}
	p.last, p.sent = e, now
	e.Idle = now.Sub(p.moved)
	return e
}

// beat repeats the last progress where the provider has been silent for a while.
func (p *pulse) beat() {
	p.mutex.Lock()
	now := time.Now()
	if now.Sub(p.sent) < aliveEvery {
		p.mutex.Unlock()
		return
	}
	e := p.last
	e.Time, e.Elapsed, e.Idle = now, now.Sub(p.began), now.Sub(p.moved)
	p.sent = now
	p.mutex.Unlock()
	p.emit(e)
}

// keep beats until ctx ends.
func (p *pulse) keep(ctx context.Context) {
	every(ctx, aliveEvery, func() bool {
		p.beat()
		return true
	})
}

// every does something at each tick, until ctx ends or it wants no more.
func every(ctx context.Context, interval time.Duration, do func() (more bool)) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if !do() {
				return
			}
		}
	}
}

// withBeat makes a call of a node, and says each second that it is at it.
func (x *executor) withBeat(ctx context.Context, id, attempt int, phase string, call func()) {
	p := x.newPulse(id, attempt)
	p.last.Phase = phase
	beating, stop := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() { p.keep(beating) })
	call()
	stop()
	done.Wait()
}

func (p *pulse) emit(e spec.Event) {
	e.Node, e.Kind, e.Attempt = p.node, p.kind, p.attempt
	if e.Subject == "" {
		e.Subject = p.subject
	}
	p.x.emit(e)
}
