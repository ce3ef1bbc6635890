package results

import (
	"fmt"
	"math"
	"time"

	"aicv/metric"
	"aicv/spec"
)

// The tolerances of the checks, as shares.
const (
	// aggregateTolerance covers rounding: both figures come from the same rows.
	aggregateTolerance = 0.001
	// littlesTolerance is how far a whole run's throughput may lie from the rate that
	// Little's law gives before the start burst and the closing tick are worth a word.
	littlesTolerance = 0.01
)

// measured is one run of another client, of which there are all rows: figures come from
// these, and what the client says itself is compared with them.
type measured struct {
	tool        string
	rows        Rows
	duration    time.Duration      // of the whole run; 0: nobody says
	buffered    int                // answers that came all at once
	concurrency int                // of a closed loop; 0: it was none
	stated      map[string]float64 // what the client says, in the contract's units
	found       []spec.Finding
}

// statement is what the client says of a metric, by the name of its field.
type statement struct {
	field  string
	metric metric.Name
}

// figures computes the run's figures; failed counts requests with and without a row.
func (m *measured) figures(gpus, failed int, slo spec.SLO) map[metric.Name]float64 {
	good := m.rows.Good()
	figures := m.rows.Durations()
	figures[metric.ErrorRate] = float64(failed) / float64(good+failed)
	seconds := m.duration.Seconds()
	if seconds <= 0 {
		return figures
	}
	total := float64(m.rows.OutputTokens()) / seconds
	figures[metric.TotalThroughput] = total
	figures[metric.RequestThroughput] = float64(good) / seconds
	if gpus > 0 {
		figures[metric.Throughput] = total / float64(gpus)
	}
	if n, held := m.rows.Meeting(slo); held {
		figures[metric.Goodput] = float64(n) / seconds
	}
	return figures
}

func (m *measured) report(check string, severity spec.FindingSeverity, message string, metrics ...metric.Name) {
	m.found = append(m.found, spec.Finding{Check: check, Severity: severity, Message: message, Metrics: metrics})
}

func rateNames() []metric.Name {
	return []metric.Name{metric.Throughput, metric.TotalThroughput, metric.RequestThroughput}
}

// check compares the run with itself.
func (m *measured) check(figures map[metric.Name]float64, statements []statement) {
	if m.buffered > 0 {
		m.report("buffered_stream", spec.FindingWarn, fmt.Sprintf("%d of %d answers came all at once, so that their tpot says nothing: something between server and client buffers, or the machine is busy", m.buffered, m.rows.Good()),
			metric.TPOT, metric.UserThroughput, metric.TTFT)
	}
	for _, s := range statements {
		stated, said := m.stated[s.field]
		computed, known := figures[s.metric]
		if said && known && math.Abs(stated-computed) > aggregateTolerance*math.Abs(computed) {
			m.report("tool_aggregates", spec.FindingWarn, fmt.Sprintf("%s says %s = %.6g, its rows give %.6g; the rows count", m.tool, s.field, stated, computed), s.metric)
		}
	}
	m.checkLittle(figures)
}

// checkLittle keeps the rate by Little's law beside the measured one.
func (m *measured) checkLittle(figures map[metric.Name]float64) {
	rate := figures[metric.TotalThroughput]
	law := m.rows.LittlesRate(m.concurrency)
	if rate <= 0 || law <= 0 {
		return
	}
	gap := rate/law - 1
	text := fmt.Sprintf("Little's law (concurrency x mean output tokens / mean latency) gives %.4f output tokens/s; over the whole run there were %.4f, %+.2f %%", law, rate, 100*gap)
	if math.Abs(gap) <= littlesTolerance {
		m.report("littles_rate", spec.FindingNote, text)
		return
	}
	m.report("littles_rate", spec.FindingWarn, text+": the window holds the start burst and the closing tick, or places stood empty; a longer run shows less of it", rateNames()...)
}
