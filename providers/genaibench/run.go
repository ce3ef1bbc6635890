package genaibench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"aicv/kit/pytool"
	"aicv/kit/subprocess"
	"aicv/spec"
)

// Run executes one run. See the package comment for what is measured.
func (b *benchmark) Run(ctx context.Context, request spec.RunRequest, emit spec.Emit) (spec.RunResult, error) {
	if err := refuse(request); err != nil {
		return spec.RunResult{}, err
	}
	if emit == nil {
		emit = func(spec.Event) {}
	}
	s := resolved(request)
	o, err := b.prepare(request)
	if err != nil {
		return spec.RunResult{}, err
	}
	warm, err := b.warmUp(ctx, o, s, emit)
	if err != nil {
		return spec.RunResult{}, err
	}
	o.requests = enough(s, o.load.Concurrency, warm.latency)
	o.minutes = minutes(b.limit(o.requests, o.load.Concurrency, warm.latency))
	c := newConversation(emit, o.key)
	ended, err := subprocess.Run(ctx, subprocess.Command{Args: b.argv(o), Dir: o.folder, Env: o.environment(), Line: c.line})
	c.stop()
	switch {
	case err != nil:
		return spec.RunResult{}, &spec.Error{Kind: spec.ErrBenchmark, Summary: "genai-bench could not be started", Cause: err, Fix: howToInstall}
	case ctx.Err() != nil:
		return spec.RunResult{}, interrupted(ctx, "genai-bench was ended")
	}
	if err := scrub(o); err != nil {
		return spec.RunResult{}, err
	}
	result, err := b.read(o, c, ended, request)
	if err != nil {
		return spec.RunResult{}, err
	}
	warm.join(&result, c.started)
	return result, nil
}

// join puts the warm-up before the rows of the tool, which keeps no times of its own: its
// requests all start when its traffic does.
func (w *warmed) join(result *spec.RunResult, traffic time.Time) {
	rows := make([]spec.RequestRow, 0, len(w.rows)+len(result.Rows))
	rows = append(append(rows, w.rows...), result.Rows...)
	for i := len(w.rows); i < len(rows); i++ {
		rows[i].Index, rows[i].Start = i, max(0, traffic.Sub(w.began))
	}
	result.Rows, result.Started = rows, w.began
}

func interrupted(ctx context.Context, what string) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return &spec.Error{Kind: spec.ErrBenchmark, Summary: what + ": the run did not end in time", Cause: context.Cause(ctx), Fix: "ask for fewer requests, or look whether the server stalls"}
	}
	return &spec.Error{Kind: spec.ErrInterrupted, Summary: what, Cause: context.Cause(ctx)}
}

// limit is how long the traffic of a run may take: several times what the warm-up lets
// expect, so that a server that stalls ends the run, and not above max_time.
func (b *benchmark) limit(requests, concurrency int, latency time.Duration) time.Duration {
	expected := time.Duration((requests+concurrency-1)/concurrency) * latency
	return min(b.maxTime, 5*expected+time.Minute)
}

// refuse names what genai-bench can not do.
func refuse(request spec.RunRequest) error {
	load := request.Load
	problem, fix := "", ""
	switch {
	case load.RequestRate.Sign() != 0:
		problem, fix = "a request rate is asked for, and it has no open loop", "set concurrency, or use loadgen"
	case load.Concurrency < 1:
		problem, fix = fmt.Sprintf("the concurrency is %d", load.Concurrency), "set concurrency to 1 or more"
	case load.InputTokens < 1 || load.OutputTokens < 1:
		problem, fix = fmt.Sprintf("a request has %d input and %d output tokens", load.InputTokens, load.OutputTokens), "set input_tokens and output_tokens to 1 or more"
	case load.OutputTokens == 1:
		problem, fix = "it drops every request with a single output token", "set output_tokens to 2 or more, or use loadgen"
	default:
		if _, problem = scenario(load); problem == "" {
			return nil
		}
		fix = "use loadgen, or change the workload"
	}
	return &spec.Error{Kind: spec.ErrUsage, Summary: "genai-bench can not drive this load: " + problem, Fix: fix}
}

// prepare finds all that a call needs and makes the run's folder.
func (b *benchmark) prepare(request spec.RunRequest) (*order, error) {
	tool, err := pytool.Find(b.query)
	if err != nil {
		return nil, err
	}
	o := &order{tool: tool, model: request.Server.ModelName, load: request.Load, label: cmp.Or(filepath.Base(request.Model.ID), "model")}
	o.scenario, _ = scenario(request.Load)
	if o.url, err = baseURL(request.Server.URL); err != nil {
		return nil, err
	}
	if o.key, err = b.key(); err != nil {
		return nil, err
	}
	if o.key != "" && tool.Python == "" {
		return nil, b.wrong("the key can not be handed to "+tool.Command+" without its arguments, where everybody can read it", "set venv, so that its interpreter is known")
	}
	if o.tokenizer, err = b.tokenizerOf(request.Model); err != nil {
		return nil, err
	}
	o.folder, err = b.makeFolder(request.Load.Concurrency)
	return o, err
}

// makeFolder makes the folder that keeps what the tool writes.
func (b *benchmark) makeFolder(concurrency int) (string, error) {
	base, err := filepath.Abs(filepath.Join(b.env.WorkDir, "genai-bench"))
	if err == nil {
		err = os.MkdirAll(base, 0o755)
	}
	var folder string
	if err == nil {
		folder, err = os.MkdirTemp(base, fmt.Sprintf("c%d-%s-", concurrency, time.Now().UTC().Format("20060102-150405")))
	}
	if err == nil {
		err = os.Mkdir(filepath.Join(folder, logsName), 0o755)
	}
	if err != nil {
		return "", &spec.Error{Kind: spec.ErrInfrastructure, Summary: "the folder for genai-bench's results can not be made", Cause: err, Fix: "check the rights and the space of the state's folder"}
	}
	return folder, nil
}

// tokenizerOf finds what shapes the prompts, without any network.
func (b *benchmark) tokenizerOf(model spec.Model) (string, error) {
	name := cmp.Or(b.tokenizer, model.Path, model.ID)
	path := name
	if !filepath.IsAbs(path) {
		path = filepath.Join(b.env.SuiteDir, path)
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return filepath.Clean(path), nil
	}
	if filepath.IsAbs(name) || strings.HasPrefix(name, ".") || name == "" {
		return "", b.wrong("there is no tokenizer folder "+name, "set tokenizer to a folder with tokenizer.json and tokenizer_config.json")
	}
	return name, nil // an id, which the tool looks for in the local cache alone
}

// key resolves the API key at the moment of use.
func (b *benchmark) key() (string, error) {
	if b.apiKey.Kind() != spec.Secret {
		return b.apiKey.Text(), nil
	}
	name := b.apiKey.Text()
	if b.env.Getenv != nil {
		if key, ok := b.env.Getenv(name); ok {
			return key, nil
		}
	}
	return "", b.wrong("the API key's environment variable "+name+" is not set", "export "+name)
}

// warmUp sends the warm-up, with prompts of their own each time.
func (b *benchmark) warmUp(ctx context.Context, o *order, s spec.Sampling, emit spec.Emit) (*warmed, error) {
	client := warmupClient(o.load.Concurrency)
	defer client.CloseIdleConnections()
	began := time.Now()
	w := &warmer{http: client, url: o.url, key: o.key, model: o.model, load: o.load, seed: uint64(s.Seed) ^ rand.Uint64()}
	got, err := w.run(ctx, s.Warmup, func(done int) {
		emit(spec.Event{Time: time.Now(), Type: spec.EventProgress, Phase: "warm-up", Done: done, Total: s.Warmup, Elapsed: time.Since(began)})
	})
	switch {
	case ctx.Err() != nil:
		return got, interrupted(ctx, "the warm-up was ended")
	case err != nil:
		return got, &spec.Error{Kind: spec.ErrInfrastructure, Summary: "the warm-up failed", Cause: err, Fix: "see the server's log"}
	}
	return got, nil
}
