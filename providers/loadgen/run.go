package loadgen

import (
	"cmp"
	"context"
	"errors"
	"fmt"
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
	key, err := b.env.APIKey(b.address, b.apiKey)
	if err != nil {
		return spec.RunResult{}, err
	}
	request.Sampling = resolved(request.Load, request.Sampling)
	c, err := newClient(b, request, key)
	if err != nil {
		return spec.RunResult{}, err
	}
	defer c.close()
	r := &run{client: c, request: request, whole: b.window == spec.WindowWholeRun, connections: cmp.Or(b.connections, mostInFlight)}
	if r.supply, err = newSupply(c, request); err != nil {
		return spec.RunResult{}, err
	}
	r.distinct = len(r.supply.entries)
	r.phases = r.newPhases()
	r.collect = &collector{phases: r.phases, slo: request.SLO, concurrency: request.Load.Concurrency}
	if b.calibrates && request.Load.Shape.Dataset == "" {
		r.uncalibrated = r.calibrate(ctx)
	}
	c.began = time.Now() // the load is on time, however long the dataset and the calibration took
	r.before = usedSoFar()
	result, err := r.measure(ctx, emit)
	if err != nil {
		return spec.RunResult{}, err
	}
	result.Provenance = spec.Provenance{Tool: "aicv-loadgen", Version: Version, Source: "POST " + c.url}
	return result, nil
}

// measure drives the load and puts together what came of it.
func (r *run) measure(ctx context.Context, emit spec.Emit) (spec.RunResult, error) {
	err := r.drive(ctx, emit)
	why := (*noneSucceeded)(nil)
	if err != nil && !errors.As(err, &why) {
		return spec.RunResult{}, err
	}
	if away := r.turnedAway(); away != nil {
		return spec.RunResult{}, away
	}
	if why != nil {
		return r.givenUp(why)
	}
	return r.result()
}

// CheckLoad says before anything is deployed whether a load can be driven, and reads the
// dataset that it takes prompts from.
func (b *benchmark) CheckLoad(load spec.Load) error {
	if err := refuseLoad(load); err != nil {
		return err
	}
	if load.Shape.Dataset == "" {
		return nil
	}
	return b.datasets.check(load)
}

// refuse names what the load generator can not do.
func refuse(request spec.RunRequest) error {
	s := request.Sampling
	switch {
	case min(s.Requests, s.Warmup) < 0 || min(s.WarmupTime, s.Duration) < 0:
		return refusal("", "requests, warmup or duration is negative", "leave it out for the default")
	case request.Server.URL == "":
		return refusal("", "the server has no URL", "deploy it first, or name an endpoint")
	}
	return refuseLoad(request.Load)
}

// refuseLoad names what of a load can not be driven.
func refuseLoad(load spec.Load) error {
	generated := load.Shape.Dataset == ""
	switch {
	case load.RequestRate.Sign() < 0 || load.RequestRate.Sign() > 0 && load.Concurrency != 0:
		return refusal(spec.LoadRequestRate, "it has a request rate of "+load.RequestRate.String()+" and a concurrency", "set one of them")
	case load.RequestRate.Sign() == 0 && load.Concurrency < 1:
		return refusal(spec.LoadConcurrency, fmt.Sprintf("the concurrency is %d", load.Concurrency), "set concurrency to 1 or more")
	case load.Concurrency > mostInFlight:
		return refusal(spec.LoadConcurrency, fmt.Sprintf("the concurrency is %d", load.Concurrency), fmt.Sprintf("set concurrency to at most %d: one host has no more connections to a server", mostInFlight))
	case generated && (load.InputTokens < 1 || load.OutputTokens < 1):
		return refusal(spec.LoadInputTokens, fmt.Sprintf("a request has %d input and %d output tokens", load.InputTokens, load.OutputTokens), "set input_tokens and output_tokens to 1 or more")
	case generated && promptTokens(load) > mostPrompt:
		return refusal(spec.LoadInputTokens, fmt.Sprintf("prompts of up to %.0f tokens, %d at once, do not fit in the client's memory", newSizes(0, load).input.most(), max(1, load.Concurrency)), fmt.Sprintf("ask for at most %d prompt tokens in flight", mostPrompt))
	}
	return nil
}

func refusal(item, problem, fix string) error {
	return &spec.Error{Kind: spec.ErrUsage, Attribute: item, Summary: "loadgen can not drive this load: " + problem, Fix: fix}
}

// The most that a client holds at once: requests, each a connection, of which one host
// has about 28,000 to one address; and tokens of their prompts, some 7 bytes each.
const (
	mostInFlight = 1 << 15
	mostPrompt   = 1 << 28
)

// promptTokens is how many tokens the prompts of a load may have at once. Those of a
// rate are counted when they are there (see openLoop).
func promptTokens(load spec.Load) float64 {
	return float64(max(1, load.Concurrency)) * newSizes(0, load).input.most()
}

// newPhases divides the stream as the load and the window ask for.
func (r *run) newPhases() *phases {
	load, s := r.request.Load, r.request.Sampling
	switch {
	case load.RequestRate.Sign() != 0:
		return streamPhases(s)
	case load.Shape.Static:
		return batchPhases(load.Concurrency, s)
	case r.whole:
		return wholePhases(s)
	}
	return newPhases(load.Concurrency, s)
}

// window is the kind of what was measured.
func (r *run) window() spec.WindowKind {
	switch {
	case r.request.Load.Shape.Static:
		return spec.WindowStatic
	case r.whole:
		return spec.WindowWholeRun
	}
	return spec.WindowSteady
}

// result puts the run's figures together.
func (r *run) result() (spec.RunResult, error) {
	c := r.collect
	c.sort()
	opened, closed := r.phases.window()
	f := newFigures(c.rows)
	result := spec.RunResult{
		Window: r.window(), Started: r.client.began, Elapsed: closed - opened,
		Requests: f.requests, Failed: f.failed, Rows: c.rows,
	}
	if f.requests > 0 && f.failed == f.requests { // they may fail in no time
		result.Elapsed = max(result.Elapsed, 1)
	}
	if result.Elapsed <= 0 {
		return result, &spec.Error{Kind: spec.ErrBenchmark, Summary: "the window is empty: requests were answered in no time", Fix: "ask for more requests or a duration"}
	}
	values, err := r.values(f, result.Elapsed)
	if err != nil {
		return result, &spec.Error{Kind: spec.ErrBenchmark, Summary: "compute the metrics", Cause: err}
	}
	result.Values = values
	result.Findings = r.findings(f, result.Elapsed)
	result.Seen = &spec.Observation{Client: r.clientUse()}
	return result, nil
}
