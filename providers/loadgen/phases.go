package loadgen

import (
	"math"
	"sync"
	"time"

	"aicv/spec"
)

// never is a time that no request reaches.
const never = time.Duration(math.MaxInt64)

// phases decides to which part of the stream a request belongs, and where the
// window lies. See the package comment.
type phases struct {
	mu          sync.Mutex
	unit        int           // the window spans whole multiples of so many requests
	pause       int           // requests that start in the warm-up beyond those that must end in it
	whole       bool          // the window closes when the planned requests have ended
	first       int           // number of the first measured request, from 0: the least until it has started
	planned     int           // measured requests
	shortest    time.Duration // of the window
	settle      time.Duration // the window opens then at the earliest
	started     int
	ended       int // requests, of any phase
	measured    int // started in the window
	outstanding int // measured and not ended
	opened      time.Duration
	closed      time.Duration
	done        chan struct{} // closed when the last measured request has ended
}

// newPhases are those of a closed loop.
func newPhases(concurrency int, s spec.Sampling) *phases {
	p := streamPhases(s)
	p.unit, p.pause = concurrency, concurrency-1
	p.first += p.pause
	return p
}

// streamPhases are those of requests that start whether or not others have ended.
func streamPhases(s spec.Sampling) *phases {
	return &phases{unit: 1, first: s.Warmup, planned: s.Requests, shortest: s.Duration, settle: s.WarmupTime, opened: never, closed: never, done: make(chan struct{})}
}

// wholePhases have a window that is the whole run behind the warm-up, which ends before
// it: from the first request until the planned number has ended. What is in flight then
// is cut off.
func wholePhases(s spec.Sampling) *phases {
	p := streamPhases(s)
	p.whole = true
	return p
}

// batchPhases are those of batches of the concurrency.
func batchPhases(concurrency int, s spec.Sampling) *phases {
	p := streamPhases(s)
	p.unit, p.first = concurrency, roundUp(s.Warmup, concurrency)
	return p
}

// start numbers a request that is sent now, and moves the window's edges.
func (p *phases) start(now func() time.Duration) (index int, phase spec.RequestPhase, at time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at = now()
	index = p.started
	p.started++
	if p.opened == never {
		if index < p.first || at < p.settle {
			return index, spec.PhaseWarmup, at
		}
		p.opened, p.first = at, index
	}
	if p.closed == never && !p.whole && p.full(at) {
		p.closed = at
		p.finishIfDone() // at concurrency 1 nothing is in flight here
	}
	if p.closed != never {
		return index, spec.PhaseCooldown, at
	}
	p.measured++
	p.outstanding++
	return index, spec.PhaseMeasure, at
}

// full reports whether the window has all that was planned, in whole generations.
func (p *phases) full(at time.Duration) bool {
	return p.measured >= p.planned && p.measured%p.unit == 0 && at-p.opened >= p.shortest
}

// end books the end of a request.
func (p *phases) end(phase spec.RequestPhase, at time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended++
	if phase != spec.PhaseMeasure {
		return
	}
	p.outstanding--
	p.closeWhole(at)
	p.finishIfDone()
}

// closeWhole closes the window of a whole run when enough has ended in it.
func (p *phases) closeWhole(at time.Duration) {
	if p.whole && p.closed == never && p.measured-p.outstanding >= p.planned && at-p.opened >= p.shortest {
		p.closed, p.outstanding = at, 0
	}
}

// shutIfFull closes the window between two batches, once it has all that was planned.
func (p *phases) shutIfFull(at time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.opened == never || p.closed != never || p.outstanding > 0 || !p.full(at) {
		return
	}
	p.closed = at
	p.finishIfDone()
}

// enough is how many requests a stream that does not wait for its requests needs at the
// most to hold the load until the window's requests have ended.
func (p *phases) enough() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.first + 2*p.planned + ahead
}

// over reports whether the window is closed.
func (p *phases) over() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed != never
}

// finishIfDone ends the run once the window is closed and nothing measured is open.
func (p *phases) finishIfDone() {
	if p.closed == never || p.outstanding > 0 {
		return
	}
	select {
	case <-p.done:
	default:
		close(p.done)
	}
}

// window returns the edges as they stand.
func (p *phases) window() (opened, closed time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.opened, p.closed
}

// progress is how far the stream is: its phase, and requests of that phase that
// have ended, out of how many.
func (p *phases) progress() (phase string, done, total int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.opened == never:
		return "warm-up", p.ended, max(p.ended, p.first-p.pause)
	case p.closed == never:
		return "measure", p.measured - p.outstanding, p.planned
	}
	return "cool-down", p.measured - p.outstanding, p.measured
}
