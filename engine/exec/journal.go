package exec

import (
	"errors"
	"fmt"
	"time"

	"aicv/engine"
	"aicv/spec"
)

// errState ends a node whose step could not be committed; the cause stopped the
// apply through x.fail.
var errState = errors.New("the state can not be written")

// step is an attempt whose intent is committed.
type step struct {
	id      int64
	node    int
	attempt int
	began   time.Time
}

// open commits the intent of the next attempt of a node.
func (x *executor) open(node int, kind engine.NodeKind, subject, key string) (*step, error) {
	s := &step{node: node, attempt: x.nextAttempt(node), began: time.Now()}
	x.mutex.Lock()
	x.attempts[node] = s.attempt
	x.mutex.Unlock()
	var err error
	s.id, err = x.store.Begin(x.durable, spec.Step{Apply: x.apply, Node: node, Attempt: s.attempt,
		Kind: string(kind), Subject: subject, Key: key, Started: s.began})
	if err != nil {
		x.fail(fmt.Errorf("record that %s of %s begins: %w", kind, subject, err))
		return nil, errState
	}
	return s, nil
}

// abandon closes an attempt that a stop ended, with what it measured until then (nil:
// nothing), and gives errInterrupted.
func (x *executor) abandon(s *step, aborted *spec.Aborted) error {
	if _, err := x.close(s, spec.Outcome{Status: spec.StepAbandoned, Message: errInterrupted.Error(), Aborted: aborted}); err != nil {
		return err
	}
	return errInterrupted
}

// nextAttempt is the number of a node's next attempt, counted over all sessions of
// the apply.
func (x *executor) nextAttempt(node int) int {
	x.mutex.Lock()
	defer x.mutex.Unlock()
	return x.attempts[node] + 1
}

// close commits what came of an attempt. It returns the id of the server start that
// the outcome brought.
func (x *executor) close(s *step, o spec.Outcome) (int64, error) {
	o.Finished = time.Now()
	start, err := x.store.End(x.durable, s.id, o)
	if err != nil {
		x.fail(fmt.Errorf("record what came of step %d: %w", s.id, err))
		return 0, errState
	}
	return start, nil
}
