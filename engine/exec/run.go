package exec

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"strconv"
	"time"

	"aicv/engine"
	"aicv/metric"
	"aicv/spec"
	"aicv/verify"
)

// deathCount is how often a server ended while it served a cell.
type deathCount struct {
	byItself, fromOutside int
}

func (d deathCount) total() int { return d.byItself + d.fromOutside }

// errServerDied ends a run whose server is gone.
var errServerDied = errors.New("the server ended")

// serverDied is the failure of a run whose server ended under it.
type serverDied struct {
	cause    *spec.Error
	byItself bool // not by a signal from outside, and for no reason of the host's
}

func (e *serverDied) Error() string { return e.cause.Error() }

// Unwrap gives the cause.
func (e *serverDied) Unwrap() error { return e.cause }

// run takes one run of one cell.
func (x *executor) run(id int) {
	n := &x.nodes[id]
	if why := x.settled(n); why != "" {
		x.skip(id, why)
		return
	}
	if n.Deployment < 0 {
		x.runRecorded(id)
		return
	}
	began := time.Now()
	x.started(id)
	message, err := x.measure(id)
	x.conclude(id, began, message, err)
}

// measure tries a run with its retry rule, and says what came of it.
func (x *executor) measure(id int) (string, error) {
	n := &x.nodes[id]
	g := x.groupOf[keyOf(n)]
	for tries := 1; ; tries++ {
		if err := x.ensureUp(g); err != nil {
			return "", err
		}
		message, err := x.tryRun(id, g, tries == runAttempts)
		if err == nil || errors.Is(err, errInterrupted) || errors.Is(err, errState) || x.givenUp(n.Cell) {
			return message, err
		}
		x.retried(id, tries, err)
		if err := x.pause(retryPause); err != nil {
			return "", err
		}
	}
}

func (x *executor) givenUp(cell int32) bool {
	x.mutex.Lock()
	defer x.mutex.Unlock()
	return x.failed[cell] != ""
}

// ensureUp brings a server up again that ended since it was last used.
func (x *executor) ensureUp(g *group) error {
	if g.up != nil {
		status, err := ask(x.work, func(ctx context.Context) (spec.ServerStatus, error) { return g.target.Status(ctx, g.up.server) })
		if err != nil || status.Running { // an unreadable status is left to the run to judge
			return nil
		}
		x.warn(g.address(), "the server ended between two runs")
		_ = x.takeDown(g) // x.leftovers and x.err keep what went wrong
	}
	began := time.Now()
	x.started(g.deploy)
	err := x.bringUp(g)
	if !errors.Is(err, errInterrupted) && !errors.Is(err, errState) {
		x.finished(g.deploy, began, g.url(), err)
	}
	return err
}

// tryRun is one attempt. last says that no other will follow, whatever its failure is.
func (x *executor) tryRun(id int, g *group, last bool) (string, error) {
	n := &x.nodes[id]
	c := &x.plan.Cells[n.Cell]
	s, err := x.open(id, engine.NodeRun, c.Cell.Address(), string(c.Measurement)+"#"+strconv.Itoa(int(n.Run)))
	if err != nil {
		return "", err
	}
	result, err := x.execute(id, g, s)
	if err != nil {
		return "", x.runFailed(id, g, s, err, last)
	}
	return summary(&result), x.keep(n, s, spec.Run{Measurement: c.Measurement, Index: int(n.Run), Start: g.up.start, Result: result})
}

// keep commits a run and remembers it without its rows.
func (x *executor) keep(n *engine.Node, s *step, run spec.Run) error {
	if _, err := x.close(s, spec.Outcome{Status: spec.StepDone, Run: &run}); err != nil {
		return err
	}
	run.Result.Rows = nil
	x.mutex.Lock()
	runs := x.runs[run.Measurement]
	at := len(runs)
	for at > 0 && runs[at-1].Index > run.Index {
		at--
	}
	x.runs[run.Measurement] = append(runs[:at:at], append([]spec.Run{run}, runs[at:]...)...)
	x.mutex.Unlock()
	in := x.plan.Cells[n.Cell].Input()
	for _, f := range verify.NewJudge(x.experimentOf(n.Cell)).OfRun(&in, &run) {
		x.emit(spec.Event{Type: spec.EventFinding, Subject: x.subject(n), Message: f.Check + ": " + f.Message})
	}
	return nil
}

// execute drives the benchmark and checks what it brought and that the server lives.
func (x *executor) execute(id int, g *group, s *step) (spec.RunResult, error) {
	n := &x.nodes[id]
	c := &x.plan.Cells[n.Cell]
	bench, err := x.tools.benchmark(c.Cell.Benchmark)
	if err != nil {
		return spec.RunResult{}, err
	}
	request := x.runRequest(n, g)
	if request.RunClient, err = x.client(id, s.attempt, g, &c.Cell); err != nil {
		return spec.RunResult{}, err
	}
	expected := bench.Budget(request, x.latencyOf(c))
	limit := runTimeout
	if expected > 0 {
		limit = runFactor*expected + runSlack
	}
	ctx, cancel := context.WithCancelCause(x.work)
	defer cancel(nil)
	timed, cancelTimer := context.WithTimeout(ctx, limit)
	defer cancelTimer()
	report := x.observeBefore(x.work, g)
	p := x.newPulse(id, s.attempt)
	m := x.mind(timed, cancel, g, expected, p)
	gpus := x.sample(timed, g, &m.done)
	result, err := bench.Run(timed, request, p.relay)
	cancel(nil)
	m.done.Wait()
	if why := x.ending(ctx, timed, g, m, limit, err); why != nil {
		if errors.Is(err, errDeaf) {
			why = fmt.Errorf("%w; the client: %w", why, errDeaf)
		}
		return spec.RunResult{}, why
	}
	if err != nil {
		return spec.RunResult{}, err
	}
	if err := checkResult(&result, true); err != nil {
		return spec.RunResult{}, err
	}
	x.observeAfter(x.work, g, report, &result, c.Cell.Load)
	result.Seen.GPUs = gpus.uses
	x.warnUnread(x.work, g, "its GPUs could not be looked at: ", gpus.err)
	return result, nil
}

// ending explains a run that did not end by itself, or whose server did.
func (x *executor) ending(ctx, timed context.Context, g *group, m *minder, limit time.Duration, failure error) error {
	switch {
	case errors.Is(context.Cause(ctx), errInterrupted) || x.work.Err() != nil:
		return errInterrupted
	case m.died == nil:
		m.died = x.deathOf(g, failure != nil)
	}
	if m.died != nil {
		return x.death(g, *m.died)
	}
	if errors.Is(timed.Err(), context.DeadlineExceeded) {
		return &spec.Error{Kind: spec.ErrBenchmark, Summary: fmt.Sprintf("the run did not end within %s", limit.Round(time.Second)),
			Fix: "see the server's log and the load; a run may take ten times what its prediction or its earlier runs let expect"}
	}
	return nil
}

// deathOf finds out whether the server ended. A dying server refuses connections
// before it is gone, so after a failed run it is asked for a while.
func (x *executor) deathOf(g *group, failed bool) *spec.ServerStatus {
	for asked := time.Duration(0); ; asked += firstPoll {
		status, err := ask(x.work, func(ctx context.Context) (spec.ServerStatus, error) { return g.target.Status(ctx, g.up.server) })
		if err == nil && !status.Running {
			return &status
		}
		if !failed || asked >= dyingGrace || x.pause(firstPoll) != nil {
			return nil
		}
	}
}

// death explains why a server ended under a run.
func (x *executor) death(g *group, status spec.ServerStatus) error {
	log, err := ask(x.work, func(ctx context.Context) (string, error) { return g.target.Log(ctx, g.up.server, logTail) })
	if err != nil {
		log = ""
	}
	cause := g.exited(status, log, "during a run")
	return &serverDied{cause, cause.Kind == spec.ErrConfiguration}
}

// runFailed records why an attempt failed. A server that died is taken down, for the
// next attempt to bring it up again.
func (x *executor) runFailed(id int, g *group, s *step, err error, last bool) error {
	if errors.Is(err, errInterrupted) {
		return x.abandon(s)
	}
	n := &x.nodes[id]
	var died *serverDied
	if errors.As(err, &died) {
		var deaths int
		deaths, err = x.countDeath(n.Cell, died)
		last = last || deaths > 1
	}
	outcome := spec.Outcome{Status: spec.StepFailed, Message: explain(err)}
	if last || spec.KindOf(err) == spec.ErrUsage {
		outcome.Failures = []spec.CellFailure{{Measurement: x.plan.Cells[n.Cell].Measurement,
			Failure: spec.Failure{Kind: spec.KindOf(err), Message: err.Error()}}}
		x.giveUp(n.Cell, err.Error())
		x.stopOnUsage(err)
	}
	if _, closeErr := x.close(s, outcome); closeErr != nil {
		return closeErr
	}
	if died != nil || errors.Is(err, errDeaf) { // a client that goes on would load the next run too
		_ = x.takeDown(g) // x.leftovers and x.err keep what went wrong
	}
	return err
}

// countDeath judges the death of a server under a cell: one may be bad luck, a second
// one by the engine itself is the configuration's under this load.
func (x *executor) countDeath(cell int32, died *serverDied) (int, error) {
	x.mutex.Lock()
	deaths := x.deaths[cell]
	if died.byItself {
		deaths.byItself++
	} else {
		deaths.fromOutside++
	}
	x.deaths[cell] = deaths
	x.mutex.Unlock()
	judged := *died.cause
	judged.Kind = spec.ErrInfrastructure
	if deaths.byItself > 1 {
		judged.Kind = spec.ErrConfiguration
		judged.Summary = "the engine died under this load, twice: " + judged.Summary
	}
	return deaths.total(), &judged
}

// seedsPerLoad is how many runs of one load have seeds of their own, as many as a suite
// may ask for.
const seedsPerLoad = 1000

// loadSeed sets the cells of a server apart: prompts of one cell must not be prefixes of
// another's. It follows from the load alone, so that engines that are compared get the
// same prompts.
func loadSeed(l spec.Load) int64 {
	h := fnv.New32a()
	_, _ = fmt.Fprintf(h, "%d %s %d %d", l.Concurrency, l.RequestRate, l.InputTokens, l.OutputTokens) // a hash takes everything
	return int64(h.Sum32()%1_000_000) * seedsPerLoad
}

// runRequest is the order of one run: each has its own seed, so that repeats sample
// the workload too, and no run finds the prompts of another in a cache.
func (x *executor) runRequest(n *engine.Node, g *group) spec.RunRequest {
	c := &x.plan.Cells[n.Cell]
	sampling := c.Cell.Sampling
	sampling.Seed += loadSeed(c.Cell.Load) + int64(n.Run)
	return spec.RunRequest{Server: g.up.server, Model: *c.Cell.Model, GPUs: g.deployment.GPUs, Load: c.Cell.Load, Sampling: sampling,
		SLO: x.plan.Experiments[c.Experiment].SLO}
}

// latencyOf is how long a request of the cell takes at most, as predicted and as its
// last run showed; 0: nobody knows.
func (x *executor) latencyOf(c *engine.PlannedCell) time.Duration {
	tokens := c.Cell.Load.OutputTokens
	latency := c.Prediction.Values.RequestTime(tokens)
	x.mutex.Lock()
	defer x.mutex.Unlock()
	if runs := x.runs[c.Measurement]; len(runs) > 0 {
		latency = max(latency, runs[len(runs)-1].Result.Values.RequestTime(tokens))
	}
	return latency
}

// checkResult refuses what can not be a measurement.
func checkResult(r *spec.RunResult, counted bool) error {
	refused := func(format string, args ...any) error {
		return &spec.Error{Kind: spec.ErrBenchmark, Summary: "the benchmark's result is refused: " + fmt.Sprintf(format, args...)}
	}
	switch {
	case len(r.Values) == 0:
		return refused("it has no values")
	case counted && r.Requests <= 0:
		return refused("no request was measured")
	case r.Failed < 0 || counted && r.Failed > r.Requests:
		return refused("%d of %d requests failed", r.Failed, r.Requests)
	}
	for _, v := range r.Values {
		if math.IsNaN(v.Value) || math.IsInf(v.Value, 0) || v.Value < 0 {
			return refused("%s is %v", v.Metric, v.Value)
		}
	}
	if r.Window == "" {
		r.Window = spec.WindowUnknown
	}
	return nil
}

// summary is a run in one line.
func summary(r *spec.RunResult) string {
	text := ""
	for _, name := range []metric.Name{metric.Throughput, metric.TotalThroughput, metric.TTFT, metric.TPOT} {
		if v, ok := r.Values.Get(name); ok && !(name == metric.TotalThroughput && text != "") {
			m, _ := metric.Lookup(name)
			if text != "" {
				text += ", "
			}
			text += fmt.Sprintf("%s %.4g %s", name, v, m.Unit)
		}
	}
	if r.Failed > 0 {
		text += fmt.Sprintf(", %d of %s failed", r.Failed, metric.Count(r.Requests, "request"))
	}
	return text
}
