package loadgen

import (
	"context"
	"math"
	"runtime"
	"runtime/metrics"
	"sync"
	"time"

	"aicv/spec"
)

// lag is how late the client was for what it had to do: sending a request that was due,
// and waking up when it wanted to.
type lag struct {
	mu    sync.Mutex
	n     int
	total time.Duration
	most  time.Duration
}

func (l *lag) add(late time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.n++
	l.total += max(0, late)
	l.most = max(l.most, late)
}

// mean and most are in ms.
func (l *lag) figures() (mean, most float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return milliseconds(l.total) / float64(max(1, l.n)), milliseconds(l.most)
}

// wakeInterval is the time between two looks at how late the client wakes up. Each look
// wakes two threads: every 10 ms they took a sixth of the CPU time of 16 quick streams.
const wakeInterval = 50 * time.Millisecond

// timerGrain is how much later than asked a timer may fire on a machine that has nothing
// else to do: that much is no lag.
const timerGrain = time.Millisecond

// keepTime sleeps for short times and books by how much it overslept: a client without
// CPU to spare stamps its tokens as late.
func (r *run) keepTime(ctx context.Context) {
	timer := time.NewTimer(wakeInterval)
	defer timer.Stop()
	for {
		due := r.client.now() + wakeInterval
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			r.lag.add(r.client.now() - due - timerGrain)
			timer.Reset(wakeInterval)
		}
	}
}

// use is what this process has used so far.
type use struct {
	at    time.Time
	cpu   float64 // seconds; 0: unknown
	pause float64 // ms in which garbage collection stopped everything
}

func usedSoFar() use {
	return use{at: time.Now(), cpu: cpuSeconds(), pause: pauses()}
}

// clientUse is what driving the load took.
func (r *run) clientUse() *spec.ClientUse {
	now := usedSoFar()
	u := &spec.ClientUse{CPUSeconds: now.cpu - r.before.cpu, GCPause: now.pause - r.before.pause}
	u.LagMean, u.LagMax = r.lag.figures()
	if seconds := now.at.Sub(r.before.at).Seconds(); seconds > 0 {
		u.CPUShare = min(1, u.CPUSeconds/seconds/float64(runtime.GOMAXPROCS(0)))
	}
	return u
}

// pauses sums the runtime's histogram of pauses, each at the middle of its bucket.
func pauses() float64 {
	sample := []metrics.Sample{{Name: "/sched/pauses/total/gc:seconds"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindFloat64Histogram {
		return 0
	}
	h, total := sample[0].Value.Float64Histogram(), 0.0
	for i, n := range h.Counts {
		low, high := h.Buckets[i], h.Buckets[i+1]
		if math.IsInf(low, 0) {
			low = high
		}
		if math.IsInf(high, 0) {
			high = low
		}
		total += float64(n) * (low + high) / 2 * 1000
	}
	return total
}
