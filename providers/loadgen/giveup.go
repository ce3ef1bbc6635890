package loadgen

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"aicv/metric"
	"aicv/spec"
)

// When a run that nothing comes of is given up: when all of its first requests have
// failed, so many of them, or a few once patience is at its end, for a request that times
// out takes minutes. One that is still being answered may succeed, whatever becomes of
// those after it.
const (
	enoughFailures = 20 // and not fewer than are in flight at once
	fewFailures    = 3  // the same
	patience       = 5 * time.Minute
)

var (
	errServerGone = errors.New("the server does not answer")
	errFarBehind  = errors.New("the server can not keep up with the rate")
)

// noneSucceeded is why a run was given up whose requests got answers, or no answer in
// time, that were all failures. It is a measurement: of an error rate.
type noneSucceeded struct {
	failed int
	last   error
}

func (e *noneSucceeded) Error() string {
	return fmt.Sprintf("none of the first %s succeeded, the last failed with: %v", metric.Count(e.failed, "request"), e.last)
}

// turnedAway is the error of a run in which the server turned the client away, whatever it
// asked for; nil where it did not. A wrong key, endpoint or name is no error rate of the
// server.
func (r *run) turnedAway() error {
	t := &r.collect.toll
	var answer *refusedError
	if t.failed < len(r.collect.rows) || !errors.As(t.last, &answer) ||
		!slices.Contains([]int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed}, answer.status) {
		return nil
	}
	return &spec.Error{Kind: spec.ErrInfrastructure, Summary: "the server turns the client away", Cause: &noneSucceeded{t.failed, t.last},
		Fix: "see that api_key, endpoint and the model's served name are what the server knows"}
}

// toll is what has become of a run's requests so far.
type toll struct {
	lostInRow int // got no answer at all, in a row
	refused   int // failed with an answer, or with none in time
	first     int // of the first that decide whether a run is given up, those that failed
	few       int // the same of the few
	failed    int // all that failed
	last      error
}

// bookFailure counts a request that failed.
func (t *toll) bookFailure(f finished, concurrency int) {
	t.failed, t.last = t.failed+1, f.answer.err
	t.lostInRow++
	if !f.answer.lost {
		t.lostInRow = 0
		t.refused++
	}
	if f.index < max(concurrency, enoughFailures) {
		t.first++
	}
	if f.index < max(concurrency, fewFailures) {
		t.few++
	}
}

// hopeless says why a load can not go on after a request that ended at a time; nil where
// it can.
func (r *run) hopeless(t toll, failure error, end time.Duration) error {
	if why, ok := distrusted(failure); ok {
		return why
	}
	c := r.request.Load.Concurrency
	switch {
	case t.lostInRow >= max(16, 2*c):
		return fmt.Errorf("%w: %d requests in a row failed, the last with: %w", errServerGone, t.lostInRow, failure)
	case failure == nil || t.refused == 0: // without any answer there may be no server
		return nil
	case t.first == max(c, enoughFailures):
		return &noneSucceeded{t.first, failure}
	case t.few == max(c, fewFailures) && end >= patience:
		return &noneSucceeded{t.few, failure}
	}
	return nil
}

// givenUp is the result of a run of which no request succeeded: all that ended count,
// whether they were to warm up or to measure, and there is no figure but the error rate.
func (r *run) givenUp(why *noneSucceeded) (spec.RunResult, error) {
	c := r.collect
	c.sort()
	first := c.rows[0].Start
	for i := range c.rows {
		c.rows[i].Phase = spec.PhaseMeasure
	}
	values, err := metric.NewValues(map[metric.Name]float64{metric.ErrorRate: 1})
	return spec.RunResult{
		Values: values, Window: r.window(), Started: r.client.began, Elapsed: max(c.lastEnd-first, 1),
		Requests: len(c.rows), Failed: len(c.rows), Rows: c.rows,
		Findings: []spec.Finding{{Check: "given_up", Severity: spec.FindingWarn,
			Message: "the run was given up: " + why.Error() + "; all requests count as measured, and all have failed", Metrics: []metric.Name{metric.ErrorRate}}},
		Seen: &spec.Observation{Client: r.clientUse()},
	}, err
}
