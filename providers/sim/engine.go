package sim

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	// arrivalGather is how long an idle engine waits after the first arrival for
	// others that come with it.
	arrivalGather = 50 * time.Microsecond
	// maxLag is how far the engine may run behind its deadlines before it gives the
	// lost time up: a suspended machine must not be followed by a burst of steps.
	maxLag = 100 * time.Millisecond
)

// errCrashed ends the engine when the fault crash_after_requests strikes.
var errCrashed = errors.New("an illegal memory access was encountered")

// engine runs the scheduler in time.
type engine struct {
	core  *scheduler
	cost  stepCost
	noise *noise
	crash int // completed requests after which the engine dies; 0: never

	lower      limits // that the engine runs with in the end, whatever it was asked for
	lowerAfter int    // completed requests after which they hold

	wake chan struct{} // something was submitted or cancelled
	dead chan struct{} // closed when run has ended

	mu        sync.Mutex
	arrived   []*sequence
	gone      []*sequence
	flushing  bool   // the prefix cache is to be emptied
	limits    limits // in force
	stats     counters
	busy      time.Duration // sum of step times
	completed int           // requests
}

func newEngine(core *scheduler, cost stepCost, n *noise, crash int) *engine {
	return &engine{core: core, cost: cost, noise: n, crash: crash, stats: core.snapshot(), limits: core.limits, lower: core.limits,
		wake: make(chan struct{}, 1), dead: make(chan struct{})}
}

// submit queues a request and returns where its tokens arrive.
func (e *engine) submit(input, output int, blocks []uint64) *stream {
	out := &stream{notify: make(chan struct{}, 1)}
	out.seq = &sequence{input: input, output: output, blocks: blocks, out: out}
	e.mu.Lock()
	e.arrived = append(e.arrived, out.seq)
	e.mu.Unlock()
	e.signal()
	return out
}

// cancel tells the engine that nobody waits for the stream any more.
func (e *engine) cancel(out *stream) {
	e.mu.Lock()
	e.gone = append(e.gone, out.seq)
	e.mu.Unlock()
	e.signal()
}

// flush empties the prefix cache before the next request is admitted.
func (e *engine) flush() {
	e.mu.Lock()
	e.flushing = true
	e.mu.Unlock()
}

// lowerLimits puts the lowered limits in force once their time has come.
func (e *engine) lowerLimits() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.completed >= e.lowerAfter {
		e.core.limits, e.limits = e.lower, e.lower
	}
}

// inForce are the limits that the engine runs with now.
func (e *engine) inForce() limits {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.limits
}

func (e *engine) signal() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// run steps until ctx ends (nil) or the engine crashes.
func (e *engine) run(ctx context.Context) error {
	defer close(e.dead)
	if !e.idle(ctx) {
		return nil
	}
	due := time.Now() // when the last step was due
	var given []production
	for {
		e.takeArrivals()
		next := e.core.plan()
		e.deliver(given)
		e.lowerLimits()
		if e.crashed() {
			return errCrashed
		}
		given = nil
		if len(next.works) == 0 {
			if !e.idle(ctx) {
				return nil
			}
			due = time.Now()
			continue
		}
		took := e.noise.apply(e.cost.of(next))
		due = deadline(due, took)
		if !sleepUntil(ctx, due) {
			return nil
		}
		given = e.core.apply(next)
		e.publish(took)
	}
}

// deadline adds a step to the time that the one before it was due.
func deadline(due time.Time, took time.Duration) time.Time {
	if now := time.Now(); now.Sub(due) > maxLag {
		due = now
	}
	return due.Add(took)
}

// takeArrivals moves what came in since the last step into the scheduler.
func (e *engine) takeArrivals() {
	e.mu.Lock()
	arrived, gone, flushing := e.arrived, e.gone, e.flushing
	e.arrived, e.gone, e.flushing = nil, nil, false
	e.mu.Unlock()
	if flushing && e.core.prefix != nil {
		e.core.prefix = newPrefixCache(e.core.limits.kvTokens)
	}
	for _, seq := range arrived {
		e.core.add(seq)
	}
	for _, seq := range gone {
		seq.cancelled = true
	}
}

// deliver hands the tokens of the last step to their streams. They are booked first,
// so that whoever has an answer finds it in the totals.
func (e *engine) deliver(given []production) {
	finished := 0
	for _, p := range given {
		if p.done {
			finished++
		}
	}
	e.mu.Lock()
	e.completed += finished
	e.stats = e.core.snapshot()
	e.mu.Unlock()
	for _, p := range given {
		p.seq.out.push(p.done)
	}
}

func (e *engine) publish(took time.Duration) {
	e.mu.Lock()
	e.busy += took
	e.stats = e.core.snapshot()
	e.mu.Unlock()
}

func (e *engine) crashed() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.crash > 0 && e.completed >= e.crash
}

// idle waits for work, then a moment for what arrives with it; false when ctx ended.
func (e *engine) idle(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-e.wake:
	}
	return sleepUntil(ctx, time.Now().Add(arrivalGather))
}

// totals is the state that /metrics reports.
func (e *engine) totals() (counters, time.Duration, int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.stats, e.busy, e.completed
}

// sleepUntil waits for an absolute time; false when ctx ended before.
func sleepUntil(ctx context.Context, at time.Time) bool {
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// stream carries the tokens of one request from the engine to its connection. It
// counts them instead of queueing, so that a slow client costs no memory.
type stream struct {
	seq    *sequence
	notify chan struct{}

	mu      sync.Mutex
	pending int
	done    bool
}

func (s *stream) push(done bool) {
	s.mu.Lock()
	s.pending++
	s.done = s.done || done
	s.mu.Unlock()
	select {
	case s.notify <- struct{}{}:
	default:
	}
}

// errGone says that the engine ended while a request was running.
var errGone = errors.New("the engine is gone")

// next waits for tokens: how many came, and whether the last of them is the
// request's last.
func (s *stream) next(ctx context.Context, dead <-chan struct{}) (tokens int, done bool, err error) {
	for {
		s.mu.Lock()
		tokens, done = s.pending, s.done
		s.pending = 0
		s.mu.Unlock()
		if tokens > 0 {
			return tokens, done, nil
		}
		select {
		case <-s.notify:
		case <-ctx.Done():
			return 0, false, ctx.Err()
		case <-dead:
			return 0, false, errGone
		}
	}
}
