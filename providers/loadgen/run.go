package loadgen

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"aicv/spec"
)

// progressInterval is the time between two progress events.
const progressInterval = time.Second

// Run executes one run. See the package comment for what is measured.
func (b *benchmark) Run(ctx context.Context, request spec.RunRequest, emit spec.Emit) (spec.RunResult, error) {
	if err := refuse(request); err != nil {
		return spec.RunResult{}, err
	}
	key, err := b.key()
	if err != nil {
		return spec.RunResult{}, err
	}
	request.Sampling = Defaults(request.Load, request.Sampling)
	c, err := newClient(b, request, key)
	if err != nil {
		return spec.RunResult{}, &spec.Error{Kind: spec.ErrBenchmark, Summary: "prepare the load", Cause: err}
	}
	defer c.close()
	r := &run{client: c, request: request, phases: newPhases(request.Load.Concurrency, request.Sampling)}
	r.collect = &collector{phases: r.phases, slo: request.SLO}
	if err := r.drive(ctx, emit); err != nil {
		return spec.RunResult{}, err
	}
	result, err := r.result()
	result.Provenance = spec.Provenance{Tool: "aicv-loadgen", Version: Version, Source: "POST " + c.url}
	return result, err
}

// refuse names what the load generator can not do.
func refuse(request spec.RunRequest) error {
	load := request.Load
	problem, fix := "", ""
	switch {
	case load.RequestRate.Sign() != 0:
		problem, fix = "a request rate is asked for", "set concurrency instead: this version drives a closed loop only"
	case load.Concurrency < 1:
		problem, fix = fmt.Sprintf("the concurrency is %d", load.Concurrency), "set concurrency to 1 or more"
	case load.InputTokens < 1 || load.OutputTokens < 1:
		problem, fix = fmt.Sprintf("a request has %d input and %d output tokens", load.InputTokens, load.OutputTokens), "set input_tokens and output_tokens to 1 or more"
	case request.Sampling.Requests < 0 || request.Sampling.Warmup < 0 || request.Sampling.Duration < 0:
		problem, fix = "requests, warmup or duration is negative", "leave it out for the default"
	case request.Server.URL == "":
		problem, fix = "the server has no URL", "deploy it first, or name an endpoint"
	default:
		return nil
	}
	return &spec.Error{Kind: spec.ErrUsage, Summary: "loadgen can not drive this load: " + problem, Fix: fix}
}

// key resolves the API key at the moment of use.
func (b *benchmark) key() (string, error) {
	if b.apiKey.Kind() != spec.Secret {
		return "", nil // the schema takes nothing else
	}
	name := b.apiKey.Text()
	if b.getenv != nil {
		if key, ok := b.getenv(name); ok {
			return key, nil
		}
	}
	return "", &spec.Error{Kind: spec.ErrUsage, Summary: "the API key's environment variable " + name + " is not set", Fix: "export " + name}
}

// run is one run in the making.
type run struct {
	client  *client
	request spec.RunRequest
	phases  *phases
	collect *collector
}

var errServerGone = errors.New("the server does not answer")

// drive holds the load until the last measured request has ended.
func (r *run) drive(ctx context.Context, emit spec.Emit) error {
	load, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	bodies := make(chan []byte, r.request.Load.Concurrency)
	var workers sync.WaitGroup
	workers.Go(func() { r.prepare(load, bodies) })
	for range r.request.Load.Concurrency {
		workers.Go(func() { r.work(load, bodies, stop) })
	}
	r.watch(load, emit)
	stop(nil)
	workers.Wait()
	return r.ending(ctx, load)
}

// ending explains a run that was cut short.
func (r *run) ending(ctx, load context.Context) error {
	select {
	case <-r.phases.done:
		return nil
	default:
	}
	if cause := context.Cause(load); errors.Is(cause, errServerGone) {
		return &spec.Error{Kind: spec.ErrInfrastructure, Summary: "the run was given up", Cause: cause, Fix: "see the server's log"}
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		phase, done, total := r.phases.progress()
		return &spec.Error{Kind: spec.ErrBenchmark, Summary: fmt.Sprintf("the run did not end in time: %d of %d requests of the %s phase had ended", done, total, phase), Cause: context.Cause(ctx),
			Fix: "ask for fewer requests, or look whether the server stalls"}
	}
	return &spec.Error{Kind: spec.ErrInterrupted, Summary: "the run was interrupted", Cause: context.Cause(ctx)}
}

// prepare builds requests ahead of their time, so that a client that is free sends
// at once.
func (r *run) prepare(ctx context.Context, bodies chan<- []byte) {
	p := newPrompts(r.request.Sampling.Seed, r.request.Load.InputTokens)
	for index := 0; ; index++ {
		select {
		case <-ctx.Done():
			return
		case bodies <- r.client.body(p, index):
		}
	}
}

// work is one client of the closed loop.
func (r *run) work(ctx context.Context, bodies <-chan []byte, giveUp context.CancelCauseFunc) {
	limit := max(16, 2*r.request.Load.Concurrency)
	for {
		var body []byte
		select {
		case <-ctx.Done():
			return
		case body = <-bodies:
		}
		index, phase, start := r.phases.start(r.client.now)
		got := r.client.do(ctx, body)
		if ctx.Err() != nil && got.err != nil {
			return // cut off at the end of the run
		}
		lost := r.collect.add(finished{index, phase, start, got})
		r.phases.end(phase)
		if lost >= limit {
			giveUp(fmt.Errorf("%w: %d requests in a row failed, the last with: %w", errServerGone, lost, got.err))
			return
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

// result puts the run's figures together.
func (r *run) result() (spec.RunResult, error) {
	c := r.collect
	slices.SortFunc(c.rows, func(a, b spec.RequestRow) int { return cmp.Compare(a.Index, b.Index) })
	opened, closed := r.phases.window()
	f := newFigures(c.rows)
	result := spec.RunResult{
		Window: spec.WindowSteady, Started: r.client.began, Elapsed: closed - opened,
		Requests: f.requests, Failed: f.failed, Rows: c.rows,
	}
	if result.Elapsed <= 0 {
		return result, &spec.Error{Kind: spec.ErrBenchmark, Summary: "the window is empty: requests were answered in no time", Fix: "ask for more requests or a duration"}
	}
	values, err := r.values(f, result.Elapsed)
	if err != nil {
		return result, &spec.Error{Kind: spec.ErrBenchmark, Summary: "compute the metrics", Cause: err}
	}
	result.Values = values
	result.Findings = r.findings()
	return result, nil
}
