package exec

import (
	"errors"
	"fmt"
	"time"

	"aicv/engine"
	"aicv/spec"
)

// logBatch is how many events are stored in one commit. A crash loses at most so many
// lines of the log, and no facts.
const logBatch = 256

// emit stamps an event, hands it on and keeps it for the stored log.
func (x *executor) emit(e spec.Event) {
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	e = x.redact.event(e)
	x.mutex.Lock()
	e.Apply = x.apply
	x.mutex.Unlock()
	if x.request.Emit != nil {
		x.request.Emit(e)
	}
	x.mutex.Lock()
	x.pending = append(x.pending, e)
	full := len(x.pending) >= logBatch && x.apply != ""
	x.mutex.Unlock()
	if full {
		x.flushLog()
	}
}

// flushLog stores the events so far.
func (x *executor) flushLog() {
	x.mutex.Lock()
	events := x.pending
	x.pending = nil
	x.mutex.Unlock()
	if len(events) == 0 {
		return
	}
	if err := x.store.Log(x.durable, x.apply, events); err != nil {
		x.fail(fmt.Errorf("store events: %w", err))
	}
}

// work reports whether a node counts in "k of n": what takes time does.
func isWork(n *engine.Node) bool { return n.Kind == engine.NodeDeploy || n.Kind == engine.NodeRun }

// subject names what a node is about.
func (x *executor) subject(n *engine.Node) string {
	switch {
	case n.Cell >= 0:
		return x.plan.Cells[n.Cell].Cell.Address()
	case n.Kind == engine.NodeInventory:
		return x.plan.Cells[x.plan.Deployments[n.Deployment].Cells[0]].Cell.Target.Address()
	case n.Deployment >= 0:
		return x.plan.Deployments[n.Deployment].Address
	}
	return x.plan.Suite.Name
}

// event starts an event about a node, with the progress of the whole apply.
func (x *executor) event(t spec.EventType, id int) spec.Event {
	n := &x.nodes[id]
	x.mutex.Lock()
	defer x.mutex.Unlock()
	return spec.Event{Type: t, Node: id, Kind: string(n.Kind), Subject: x.subject(n), Done: x.done, Total: x.total, Left: x.remaining()}
}

// remaining extrapolates from the work done so far; gates may shorten it. The caller
// holds the mutex.
func (x *executor) remaining() time.Duration {
	if x.done == 0 || x.done >= x.total {
		return 0
	}
	return time.Since(x.began) / time.Duration(x.done) * time.Duration(x.total-x.done)
}

// countDone notes that a node ended, in whatever way.
func (x *executor) countDone(id int) {
	x.mutex.Lock()
	x.ended++
	if isWork(&x.nodes[id]) {
		x.done++
	}
	x.mutex.Unlock()
}

// started announces a node's next attempt.
func (x *executor) started(id int) {
	e := x.event(spec.EventNodeStarted, id)
	e.Attempt = x.nextAttempt(id)
	x.emit(e)
}

// finished announces what an attempt of a node came to. Its phase is "failed" where
// the node could not do what it is there for.
func (x *executor) finished(id int, began time.Time, message string, err error) {
	e := x.event(spec.EventNodeFinished, id)
	e.Elapsed, e.Message = time.Since(began), message
	if err != nil {
		e.Phase, e.Message = "failed", "failed: "+err.Error()
	}
	x.emit(e)
}

// conclude counts a node as ended and says so. One that was interrupted, or could not
// be recorded, has not ended: the next session does it again.
func (x *executor) conclude(id int, began time.Time, message string, err error) {
	if errors.Is(err, errInterrupted) || errors.Is(err, errState) {
		e := x.event(spec.EventNodeSkipped, id)
		e.Elapsed, e.Message = time.Since(began), err.Error()
		x.emit(e)
		return
	}
	x.countDone(id)
	x.finished(id, began, message, err)
}

// retried announces that an attempt failed and another one follows.
func (x *executor) retried(id, attempt int, err error) {
	e := x.event(spec.EventNodeRetried, id)
	e.Attempt, e.Message = attempt, err.Error()
	x.emit(e)
}

// progress says what a node is doing, and since when nothing has moved.
func (x *executor) progress(id int, phase string, began, moved time.Time) {
	n := &x.nodes[id]
	x.emit(spec.Event{Type: spec.EventProgress, Node: id, Kind: string(n.Kind), Subject: x.subject(n), Phase: phase, Elapsed: time.Since(began), Idle: time.Since(moved)})
}

func (x *executor) warn(subject, message string) {
	x.emit(spec.Event{Type: spec.EventWarning, Subject: subject, Message: message})
}
