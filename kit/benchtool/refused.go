package benchtool

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"aicv/kit/results"
	"aicv/metric"
	"aicv/spec"
)

// enoughFailures is how many requests of a warm-up fail before it is believed that the
// server answers none, and not fewer than are in flight at once.
const enoughFailures = 20

// statusError is an answer of the server other than 200.
type statusError struct {
	status int
	said   []byte
}

func (e *statusError) Error() string { return fmt.Sprintf("HTTP %d: %s", e.status, e.said) }

// overwhelmed reports whether the server failed on a request, or had no place for it. A
// request that it does not know may be the warm-up's alone, and not the tool's.
func overwhelmed(err error) bool {
	var answer *statusError
	return errors.As(err, &answer) && (answer.status >= http.StatusInternalServerError || answer.status == http.StatusTooManyRequests)
}

// Refused is a warm-up of which the server failed every request: there is nothing for a
// tool to measure but that.
type Refused struct{ warmed *Warmed }

// Error says how many failed, and how the first did.
func (e *Refused) Error() string {
	return fmt.Sprintf("none of the first %s succeeded, the first failed with: %s", metric.Count(len(e.warmed.Rows), "request"), e.warmed.Rows[0].Error)
}

// Result is the measurement of an error rate: all requests count, and all have failed.
// tool is the one that was not started for it.
func (e *Refused) Result(tool string) (spec.RunResult, error) {
	w := e.warmed
	for i := range w.Rows {
		w.Rows[i].Phase = spec.PhaseMeasure
	}
	values, err := metric.NewValues(map[metric.Name]float64{metric.ErrorRate: 1})
	return spec.RunResult{
		Values: values, Window: spec.WindowWholeRun, Started: w.Began, Elapsed: max(w.took, 1),
		Requests: len(w.Rows), Failed: len(w.Rows), Rows: w.Rows, Provenance: spec.Provenance{Tool: "aicv's warm-up for " + tool},
		Findings: []spec.Finding{{Check: "given_up", Severity: spec.FindingWarn, Metrics: []metric.Name{metric.ErrorRate},
			Message: tool + " was not started: " + e.Error() + "; these requests, sent to warm up, count as measured"}},
	}, err
}

// book adds a request that started at a time and has just ended.
func (w *Warmed) book(start time.Duration, input int, err error) {
	row := spec.RequestRow{Index: len(w.Rows), Phase: spec.PhaseWarmup, Start: start, Latency: time.Since(w.Began) - start, InputTokens: input}
	if err != nil {
		row.Error, row.Latency = err.Error(), 0
	}
	if overwhelmed(err) {
		w.overwhelmed++
	}
	w.took = start + row.Latency
	w.Rows = append(w.Rows, row)
}

// refused reports whether the server has failed all requests so far.
func (w *Warmed) refused() bool { return len(w.Rows) > 0 && w.overwhelmed == len(w.Rows) }

// finish takes the mean latency; an error where no request was answered, a *Refused
// where the server failed enough of them and had no other answer.
func (w *Warmed) finish(concurrency int) error {
	good := results.Rows(w.Rows).Good()
	switch {
	case w.refused() && len(w.Rows) >= max(concurrency, enoughFailures):
		return &Refused{w}
	case len(w.Rows) > 0 && good == 0:
		return fmt.Errorf("none of %d warm-up requests was answered: %s", len(w.Rows), w.Rows[0].Error)
	}
	for i := range w.Rows {
		w.Latency += w.Rows[i].Latency / time.Duration(max(1, good))
	}
	return nil
}
