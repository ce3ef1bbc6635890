package loadgen

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"aicv/kit/results"
	"aicv/spec"
)

// maxTokenTimes bounds the token times that a run keeps, 8 bytes each. Beyond it
// rows are kept without them; the rates have been counted by then.
const maxTokenTimes = 4 << 20

// collector gathers what the requests of a run gave.
type collector struct {
	mu          sync.Mutex
	phases      *phases
	slo         spec.SLO
	concurrency int

	rows        []spec.RequestRow
	tokenTimes  int // kept
	unkept      int // rows whose token times were let go
	windowToken float64
	windowEnded int // requests that ended well in the window
	windowGood  int // of them, those that meet the slo
	events      int // with text, of the measured requests
	tokens      int // of the same
	toll        toll
	lastEnd     time.Duration // of a request
}

// finished is one request that has ended.
type finished struct {
	index  int
	phase  spec.RequestPhase
	start  time.Duration
	end    time.Duration // when the client was free again
	answer answer
}

// add books a request and returns what has become of all so far.
func (c *collector) add(f finished) toll {
	opened, closed := c.phases.window()
	if c.phases.whole && f.end > closed {
		f.phase = spec.PhaseCooldown // it ended while the run was cut off
	}
	row := rowOf(f)
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.answer.err != nil {
		c.toll.bookFailure(f, c.concurrency)
	} else {
		c.toll.lostInRow = 0
		if !c.phases.whole || f.phase == spec.PhaseMeasure {
			c.count(f, row, opened, closed)
		}
	}
	c.keep(row, f)
	c.lastEnd = max(c.lastEnd, f.end)
	return c.toll
}

// count adds a request's part to the rates of the window.
func (c *collector) count(f finished, row spec.RequestRow, opened, closed time.Duration) {
	inside := 0
	for _, at := range f.answer.times {
		if at > opened && at <= closed {
			inside++
		}
	}
	// The usage is spread over the events, which may carry several tokens each.
	c.windowToken += float64(inside) * float64(f.answer.output) / float64(len(f.answer.times))
	if last := f.answer.times[len(f.answer.times)-1]; last > opened && last <= closed {
		c.windowEnded++
		if results.Meets(&row, c.slo) {
			c.windowGood++
		}
	}
}

// keep stores the row; the token times only of measured requests.
func (c *collector) keep(row spec.RequestRow, f finished) {
	if f.phase == spec.PhaseMeasure && f.answer.err == nil {
		c.events += len(f.answer.times)
		c.tokens += f.answer.output
		if c.tokenTimes+len(f.answer.times) <= maxTokenTimes {
			row.TokenTimes = f.answer.times
			c.tokenTimes += len(f.answer.times)
		} else {
			c.unkept++
		}
	}
	c.rows = append(c.rows, row)
}

// sort puts the rows in the order in which they were sent.
func (c *collector) sort() {
	slices.SortFunc(c.rows, func(a, b spec.RequestRow) int { return cmp.Compare(a.Index, b.Index) })
}

// rowOf makes the stored form of a request.
func rowOf(f finished) spec.RequestRow {
	row := spec.RequestRow{Index: f.index, Phase: f.phase, Start: f.start, InputTokens: f.answer.input, OutputTokens: f.answer.output}
	if f.answer.err != nil {
		row.Error = f.answer.err.Error()
		return row
	}
	row.TTFT = f.answer.times[0] - f.start
	row.Latency = f.answer.times[len(f.answer.times)-1] - f.start
	return row
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
