package vllmbench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"aicv/kit/benchtool"
	"aicv/kit/results"
	"aicv/kit/subprocess"
	"aicv/metric"
	"aicv/spec"
)

// name is the tool's.
const name = "vllm bench serve"

// folderName is of the folder that keeps what the tool writes.
const folderName = "vllm-bench"

// resultName is the file of the result in a run's folder.
const resultName = "result.json"

// order is one call of the tool.
type order struct {
	benchtool.Call
	folder   string // of this run, absolute
	model    string // as requests name it
	requests int
	seed     int64
	load     spec.Load
}

// Run executes one run. See the package comment for what is measured.
func (b *benchmark) Run(ctx context.Context, request spec.RunRequest, emit spec.Emit) (spec.RunResult, error) {
	if err := b.CheckLoad(request.Load); err != nil {
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
	o.seed = s.Seed
	warm, err := b.warmUp(o, s).Run(ctx, emit)
	if refused := (*benchtool.Refused)(nil); errors.As(err, &refused) {
		return refused.Result(name)
	}
	if err != nil {
		return warm.CutShort(nil, time.Time{}, benchtool.Shown(b.Env, o.folder)), err
	}
	o.requests = enough(s, o.load, warm.Latency)
	c := benchtool.Converse(emit, o.Key, heard)
	defer c.Stop()
	ended, err := b.call(ctx, o, c, startup+b.limit(o, warm.Latency))
	result, unread := b.read(o, c, ended, request)
	if err = cmp.Or(err, unread); err != nil {
		return warm.CutShort(result.Rows, c.Began(phaseMeasure), benchtool.Shown(b.Env, o.folder)), err
	}
	result.Rows, result.Started = warm.Before(result.Rows, c.Began(phaseMeasure)), warm.Began
	return result, nil
}

// warmUp is sent to the endpoint that is measured, with prompts of its own each time.
func (b *benchmark) warmUp(o *order, s spec.Sampling) *benchtool.Warmup {
	return &benchtool.Warmup{URL: o.URL, Key: o.Key, Model: o.model, Completions: b.endpoint == endpointCompletions, Concurrency: places(o.load, s.Warmup),
		Load: o.load, Requests: s.Warmup, Least: s.WarmupTime, Seed: uint64(s.Seed) ^ rand.Uint64()}
}

// startup is how long the tool may take to import what it needs and to make its prompts:
// about 15 s on two old cores, and minutes from a cold disk.
const startup = 5 * time.Minute

// call runs the tool to its end.
func (b *benchmark) call(ctx context.Context, o *order, c *benchtool.Conversation, most time.Duration) (subprocess.Ended, error) {
	limited, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	ended, err := subprocess.Run(limited, subprocess.Command{Args: b.argv(o), Dir: o.folder, Env: o.environment(), Line: c.Line})
	c.Stop()
	scrubbed := benchtool.Scrub(name, o.folder, o.Key) // however it ended
	switch {
	case err != nil:
		return ended, &spec.Error{Kind: spec.ErrBenchmark, Summary: name + " could not be started", Cause: err, Fix: howToInstall}
	case limited.Err() != nil && ended.Cause != nil:
		return ended, benchtool.Interrupted(limited, name+" was ended")
	}
	return ended, scrubbed
}

// limit bounds the traffic: of a closed loop by what the warm-up lets expect, of an open
// one by its arrivals.
func (b *benchmark) limit(o *order, latency time.Duration) time.Duration {
	if rate := o.load.RequestRate.Float64(); rate > 0 {
		return min(b.MaxTime, 5*span(o.requests, rate)+10*latency+time.Minute)
	}
	return benchtool.Limit(o.requests, o.load.Concurrency, latency, b.MaxTime)
}

// span is how long n arrivals at a rate per second take.
func span(n int, rate float64) time.Duration {
	return time.Duration(min(float64(n)/rate, (24*time.Hour).Seconds()) * float64(time.Second))
}

// places is how many warm-up requests are in flight.
func places(load spec.Load, warmup int) int {
	if load.Concurrency > 0 {
		return load.Concurrency
	}
	return max(1, min(warmup, openWarmup/2))
}

// enough is how many requests fill the shortest window, when one takes latency, and not
// fewer than were asked for.
func enough(s spec.Sampling, load spec.Load, latency time.Duration) int {
	rate := load.RequestRate.Float64()
	if rate == 0 && latency > 0 {
		rate = float64(load.Concurrency) / latency.Seconds()
	}
	return max(1, s.Requests, int(math.Ceil(s.Duration.Seconds()*rate)))
}

// prepare finds all that a call needs and makes the run's folder.
func (b *benchmark) prepare(request spec.RunRequest) (*order, error) {
	call, err := b.Call(name, &request)
	if err != nil {
		return nil, err
	}
	o := &order{Call: call, model: request.Server.ModelName, load: request.Load}
	o.folder, err = benchtool.Folder(b.Env, folderName, label(request.Load))
	return o, err
}

// label tells the folders of loads apart.
func label(load spec.Load) string {
	if load.RequestRate.Sign() > 0 {
		return "r" + load.RequestRate.String()
	}
	return fmt.Sprintf("c%d", load.Concurrency)
}

// argv is the call. Its own warm-up and readiness check are off: both send the first
// prompt that is measured.
func (b *benchmark) argv(o *order) []string {
	backend, path := "openai", "/v1/completions"
	if b.endpoint == endpointChat {
		backend, path = "openai-chat", "/v1/chat/completions"
	}
	args := []string{"bench", "serve", "--backend", backend, "--base-url", o.URL, "--endpoint", path, "--model", o.model, "--tokenizer", o.Tokenizer}
	args = append(append(args, lengths(o.load)...),
		"--num-prompts", strconv.Itoa(o.requests), "--seed", strconv.FormatInt(int64(uint32(o.seed)), 10), "--ignore-eos", "--temperature", "0",
		"--num-warmups", "0", "--ready-check-timeout-sec", "0", "--disable-tqdm", "--percentile-metrics", "ttft,tpot,itl,e2el",
		"--save-result", "--save-detailed", "--result-dir", o.folder, "--result-filename", resultName)
	args = append(args, traffic(o.load)...)
	if len(b.Params.Fields()) > 0 {
		args = append(args, "--extra-body", b.Params.String())
	}
	if o.Tool.Command != "" {
		return append([]string{o.Tool.Command}, args...)
	}
	return append([]string{o.Tool.Python, "-m", "vllm.entrypoints.cli.main"}, args...)
}

// environment has the key where the tool looks for one. NETRC keeps those of other hosts
// from it.
func (o *order) environment() []string {
	env := benchtool.Environment(o.URL, "NETRC="+os.DevNull, "VLLM_NO_USAGE_STATS=1", "VLLM_CONFIG_ROOT="+o.folder)
	if o.Key != "" {
		env = append(env, "OPENAI_API_KEY="+o.Key)
	}
	return env
}

// phaseMeasure is the phase of the tool's traffic.
const phaseMeasure = "measure"

// heard reads one line of the tool's output.
func heard(text string) (phase string, worth bool) {
	switch {
	case strings.HasPrefix(text, "Starting main benchmark run"):
		phase = phaseMeasure
	case strings.Contains(text, " Serving Benchmark Result "):
		phase = "write the result"
	}
	chatter := strings.HasPrefix(text, "Namespace(") || strings.Contains(text, " INFO ") || strings.HasPrefix(text, "tip: ")
	return phase, !chatter
}

// read makes the run's result from what the tool wrote.
func (b *benchmark) read(o *order, c *benchtool.Conversation, ended subprocess.Ended, request spec.RunRequest) (spec.RunResult, error) {
	run, err := results.ReadVLLMBench(filepath.Join(o.folder, resultName))
	switch {
	case errors.Is(err, os.ErrNotExist):
		return spec.RunResult{}, b.failed(o, c, ended, "it wrote no result", nil)
	case err != nil:
		return spec.RunResult{}, b.failed(o, c, ended, "its result can not be read", err)
	case run.Prompts != o.requests || run.Concurrency != o.load.Concurrency && o.load.RequestRate.Sign() == 0:
		return spec.RunResult{}, b.failed(o, c, ended, fmt.Sprintf("its result is of %d requests at concurrency %d, and %d at %d were asked for", run.Prompts, run.Concurrency, o.requests, o.load.Concurrency), nil)
	}
	result, err := run.Result(request.GPUs, request.SLO)
	if err != nil {
		return spec.RunResult{}, err
	}
	result.Provenance = spec.Provenance{Tool: name, Version: o.Tool.Version(), Source: benchtool.Shown(b.Env, o.folder) + ": " + benchtool.Quoted(b.argv(o))}
	if !ended.OK() {
		result.Findings = append(result.Findings, spec.Finding{Check: "tool_exit", Severity: spec.FindingNote,
			Message: name + " wrote its result and then ended with " + ended.String() + ": " + c.Detail(ended.Stderr)})
	}
	if o.load.RequestRate.Sign() > 0 {
		result.Findings = append(result.Findings, spec.Finding{Check: "sent_late", Severity: spec.FindingNote, Metrics: []metric.Name{metric.TTFT, metric.Latency},
			Message: "times count from the moment at which the tool sent a request, and not from when it was due"})
	}
	return result, nil
}

func (b *benchmark) failed(o *order, c *benchtool.Conversation, ended subprocess.Ended, why string, cause error) error {
	return &spec.Error{Kind: spec.ErrBenchmark, Summary: name + " measured nothing: " + why + " (" + ended.String() + ")", Cause: cause,
		Detail: c.Detail(ended.Stderr), Fix: "see " + benchtool.Shown(b.Env, o.folder) + " and the server's log"}
}

// fixedCost is what one process takes beside its traffic: mostly imports.
const fixedCost = 15 * time.Second

// Budget estimates how long one run takes when a request takes latency.
func (b *benchmark) Budget(request spec.RunRequest, latency time.Duration) time.Duration {
	s, c := resolved(request), max(1, request.Load.Concurrency)
	generations := func(n int) time.Duration { return time.Duration((n+c-1)/c) * latency }
	if rate := request.Load.RequestRate.Float64(); rate > 0 {
		n := enough(s, request.Load, latency)
		return fixedCost + max(2*latency, s.WarmupTime) + min(b.MaxTime, span(n, rate)+latency)
	}
	return fixedCost + max(generations(s.Warmup), s.WarmupTime) + min(b.MaxTime, max(generations(s.Requests), s.Duration))
}

// testedVersion is the release that this package was written and tested against.
const testedVersion = "0.32.0"

// Check looks for the tool, its version, the tokenizer and the API key.
func (b *benchmark) Check(context.Context) []spec.Check {
	return b.Client.Check(name, testedVersion, func(version string) string {
		release, _, _ := strings.Cut(version, "+") // what follows is how it was built
		return release
	})
}
