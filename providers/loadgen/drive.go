package loadgen

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"aicv/spec"
)

// run is one run in the making.
type run struct {
	client  *client
	request spec.RunRequest
	phases  *phases
	collect *collector
	supply  *supply
	lag     lag
	before  use  // what the process had used when the load began
	whole   bool // the window is the whole run

	connections int // the most that may be open at once

	distinct     int   // prompts of the dataset; 0: prompts are generated
	uncalibrated error // why prompts have as many words as tokens were asked for; nil: they are calibrated, or shall not be
}

// drive holds the load until the last measured request has ended.
func (r *run) drive(ctx context.Context, emit spec.Emit) error {
	load, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	orders := make(chan order, r.builtAhead())
	var workers sync.WaitGroup
	workers.Go(func() { r.prepare(load, orders) })
	workers.Go(func() { r.keepTime(load) })
	workers.Go(func() { r.produce(load, orders, stop) })
	r.watch(load, emit)
	stop(nil)
	workers.Wait()
	return r.ending(ctx, load)
}

// ahead is how many requests are built before they are due, at least.
const ahead = 64

// builtAhead is how many requests wait to be sent: fewer where their prompts are so long
// that they would fill the memory.
func (r *run) builtAhead() int {
	fitting := mostPrompt / 8 / max(1, r.supply.sizes.input.most())
	return max(1, min(max(r.request.Load.Concurrency, ahead), int(fitting)))
}

// produce sends the load in its way, and returns once nothing of it is in flight.
func (r *run) produce(ctx context.Context, orders <-chan order, giveUp context.CancelCauseFunc) {
	switch {
	case r.request.Load.RequestRate.Sign() != 0:
		r.openLoop(ctx, orders, giveUp)
	case r.request.Load.Shape.Static:
		r.batches(ctx, orders, giveUp)
	default:
		r.closedLoop(ctx, orders, giveUp)
	}
}

// closedLoop keeps as many clients as requests shall be in flight.
func (r *run) closedLoop(ctx context.Context, orders <-chan order, giveUp context.CancelCauseFunc) {
	if r.whole && !r.warmUp(ctx, orders, giveUp) {
		return
	}
	var clients sync.WaitGroup
	for range r.request.Load.Concurrency {
		clients.Go(func() {
			for more := true; more; {
				more = r.again(ctx, orders, giveUp)
			}
		})
	}
	clients.Wait()
}

// again sends a free client's next request; false where the run is over.
func (r *run) again(ctx context.Context, orders <-chan order, giveUp context.CancelCauseFunc) bool {
	free := r.client.now()
	o, ok := take(ctx, orders)
	if !ok {
		return false
	}
	index, phase, start := r.phases.start(r.client.now)
	r.lag.add(start - free)
	return r.send(ctx, sending{index, phase, start, o}, giveUp)
}

// warmUp sends the warm-up before the window and lets it end; false where the run is over.
func (r *run) warmUp(ctx context.Context, orders <-chan order, giveUp context.CancelCauseFunc) bool {
	s := r.request.Sampling
	for sent := 0; sent < s.Warmup || r.client.now() < r.phases.settle; {
		n := r.request.Load.Concurrency
		if sent < s.Warmup {
			n = min(n, s.Warmup-sent)
		}
		var clients sync.WaitGroup
		for range n {
			o, ok := take(ctx, orders)
			if !ok {
				break
			}
			index, phase, start := r.phases.start(r.client.now)
			clients.Go(func() { r.send(ctx, sending{index, phase, start, o}, giveUp) })
		}
		clients.Wait()
		if ctx.Err() != nil {
			return false
		}
		sent += n
	}
	return true
}

// openLoop starts each request when it is due, whatever became of those before it. Its
// times count from that moment, so that a client or a server that falls behind shows.
func (r *run) openLoop(ctx context.Context, orders <-chan order, giveUp context.CancelCauseFunc) {
	var clients sync.WaitGroup
	defer clients.Wait()
	var flying atomic.Int64
	due := newArrivals(r.request.Sampling.Seed, r.request.Load)
	for n := 0; ; n++ {
		at := due.next()
		o, ok := take(ctx, orders)
		if !ok || !r.sleepUntil(ctx, at) {
			return
		}
		if r.phases.over() && n >= r.phases.enough() {
			<-ctx.Done() // the tail of a server that falls behind: no more is added to it
			return
		}
		if int(flying.Load()) >= r.mostFlying() {
			giveUp(fmt.Errorf("%w: %d requests are in flight, which is all that a client holds", errFarBehind, flying.Load()))
			return
		}
		index, phase, start := r.phases.start(func() time.Duration { return at })
		flying.Add(1)
		clients.Go(func() {
			defer flying.Add(-1)
			r.lag.add(r.client.now() - at)
			r.send(ctx, sending{index, phase, start, o}, giveUp)
		})
	}
}

// mostFlying is how many requests of a rate may be in flight before the run is given up:
// a server that is so far behind never catches up, and its requests fill the memory.
func (r *run) mostFlying() int {
	return max(1, min(r.connections, int(mostPrompt/max(1, r.supply.sizes.input.most()))))
}

// batches starts all requests of a batch together and the next batch when all have ended.
func (r *run) batches(ctx context.Context, orders <-chan order, giveUp context.CancelCauseFunc) {
	for !r.phases.over() {
		var clients sync.WaitGroup
		together := r.client.now()
		for range r.request.Load.Concurrency {
			o, ok := take(ctx, orders)
			if !ok {
				break
			}
			index, phase, start := r.phases.start(func() time.Duration { return together })
			clients.Go(func() {
				r.lag.add(r.client.now() - together)
				r.send(ctx, sending{index, phase, start, o}, giveUp)
			})
		}
		clients.Wait()
		if ctx.Err() != nil {
			return
		}
		r.phases.shutIfFull(r.client.now())
	}
}

// take gets the next request; false where the run is over.
func take(ctx context.Context, orders <-chan order) (order, bool) {
	select {
	case <-ctx.Done():
		return order{}, false
	case o := <-orders:
		return o, true
	}
}

// sleepUntil waits for a moment of the run; false where the run is over.
func (r *run) sleepUntil(ctx context.Context, at time.Duration) bool {
	wait := at - r.client.now()
	if wait <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// sending is one request on its way.
type sending struct {
	index int
	phase spec.RequestPhase
	start time.Duration
	order order
}

// send sends one request and books it; false where the run is over.
func (r *run) send(ctx context.Context, s sending, giveUp context.CancelCauseFunc) bool {
	got := r.client.do(ctx, s.order)
	if ctx.Err() != nil && got.err != nil {
		return false // cut off at the end of the run
	}
	end := r.client.now()
	t := r.collect.add(finished{s.index, s.phase, s.start, end, got})
	r.phases.end(s.phase, end)
	if why := r.hopeless(t, got.err, end); why != nil {
		giveUp(why)
		return false
	}
	return true
}

// prepare builds requests ahead of their time, so that a client that is free sends
// at once.
func (r *run) prepare(ctx context.Context, orders chan<- order) {
	for index := 0; ; index++ {
		select {
		case <-ctx.Done():
			return
		case orders <- r.supply.next(index):
		}
	}
}

// watch reports progress until the run is over.
func (r *run) watch(ctx context.Context, emit spec.Emit) {
	ticker := time.NewTicker(progressInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.phases.done:
			r.progress(emit)
			return
		case <-ticker.C:
			r.progress(emit)
		}
	}
}

func (r *run) progress(emit spec.Emit) {
	if emit == nil {
		return
	}
	phase, done, total := r.phases.progress()
	emit(spec.Event{Time: time.Now(), Type: spec.EventProgress, Phase: phase, Done: done, Total: total, Elapsed: r.client.now()})
}

// ending explains a run that was cut short.
func (r *run) ending(ctx, load context.Context) error {
	select {
	case <-r.phases.done:
		return nil
	default:
	}
	cause := context.Cause(load)
	if e := (*spec.Error)(nil); errors.As(cause, &e) && ctx.Err() == nil {
		return e
	}
	if why := (*noneSucceeded)(nil); errors.As(cause, &why) && ctx.Err() == nil {
		return why
	}
	if errors.Is(cause, errServerGone) {
		return &spec.Error{Kind: spec.ErrInfrastructure, Summary: "the run was given up", Cause: cause, Fix: "see the server's log"}
	}
	if errors.Is(cause, errFarBehind) {
		return &spec.Error{Kind: spec.ErrBenchmark, Summary: "the run was given up", Cause: cause, Fix: "lower request_rate"}
	}
	return r.interrupted(ctx)
}

// interrupted is the error of a run that was ended from outside.
func (r *run) interrupted(ctx context.Context) error {
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return &spec.Error{Kind: spec.ErrInterrupted, Summary: "the run was interrupted", Cause: context.Cause(ctx)}
	}
	phase, done, total := r.phases.progress()
	return &spec.Error{Kind: spec.ErrBenchmark, Summary: fmt.Sprintf("the run did not end in time: %d of %d requests of the %s phase had ended", done, total, phase), Cause: context.Cause(ctx),
		Fix: "ask for fewer requests, or look whether the server stalls"}
}
