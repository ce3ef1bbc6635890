package loadgen

import (
	"cmp"
	"path/filepath"
	"time"

	"aicv/metric"
	"aicv/spec"
)

// Kind is the kind under which suites declare the benchmark, and their default.
const Kind = "loadgen"

// Version of the load generator, kept with every measurement.
const Version = "0.1.0"

// The endpoints that a suite may ask for.
const (
	endpointChat        = "chat"
	endpointCompletions = "completions"
)

const defaultTimeout = "10m"

// Registration is the load generator as a benchmark.
func Registration() spec.Registration {
	return spec.Registration{
		Role:    spec.RoleBenchmark,
		Kind:    Kind,
		Doc:     "The embedded load generator: closed loop, open loop and static batches; one uninterrupted stream of warm-up, measurement and cool-down.",
		Schema:  schema(),
		Metrics: mappings(),
		New:     spec.Constructor{Benchmark: newBenchmark},
	}
}

func schema() spec.Block {
	return spec.Block{
		Doc: "The embedded load generator. It holds a number of streamed requests in flight or starts them at a rate, and counts tokens by their arrival inside the window.",
		Attributes: []spec.Attribute{
			{Name: "endpoint", Type: spec.TypeString, Default: spec.StringValue(endpointChat), Allowed: []string{endpointChat, endpointCompletions}, Since: "0.1",
				Doc: "Which endpoint is loaded: /v1/chat/completions or /v1/completions.", Example: `"completions"`},
			{Name: "window", Type: spec.TypeString, Default: spec.StringValue(string(spec.WindowSteady)), Allowed: []string{string(spec.WindowSteady), string(spec.WindowWholeRun)}, Since: "0.1",
				Doc: "Over what time rates are taken: steady, inside one uninterrupted stream; or whole_run, start burst included and cut off at the end, as genai-bench does.", Example: `"whole_run"`},
			{Name: "calibrate", Type: spec.TypeBool, Default: spec.BoolValue(true), Since: "0.1",
				Doc: "Whether prompts are fitted to the server's own count of their tokens, by two short requests before each run. Otherwise they have a word per token.", Example: "false"},
			{Name: "ca_file", Type: spec.TypePath, Incidental: true, Since: "0.1",
				Doc: "Certificates in PEM form that the client trusts beside the system's: of the server's authority, or the server's own where it signed itself.", Example: `"server.pem"`},
			{Name: "timeout", Type: spec.TypeDuration, Default: spec.StringValue(defaultTimeout), Since: "0.1",
				Doc: "Longest time of one request; one that takes longer has failed.", Example: `"2m"`},
			{Name: "api_key", Type: spec.TypeString, Secret: true, Incidental: true, Since: "0.1",
				Doc: "Bearer token that requests carry. It is never stored.", Example: `env("API_KEY")`},
		},
	}
}

// mappings declares where each metric of the contract comes from.
func mappings() []metric.Mapping {
	const perSecond = "/ seconds of the window"
	return metric.Mappings(map[metric.Name][2]string{
		metric.Throughput:        {"tokens that arrive in the window", perSecond + " / GPUs"},
		metric.TotalThroughput:   {"tokens that arrive in the window", perSecond},
		metric.RequestThroughput: {"requests that end in the window", perSecond},
		metric.UserThroughput:    {"mean TPOT of the measured requests", "1000 / it"},
		metric.TTFT:              {"first event with text of each measured request", ""},
		metric.TPOT:              {"(latency - ttft) / (output tokens - 1) of each measured request", ""},
		metric.Latency:           {"last event with text of each measured request", ""},
		metric.ErrorRate:         {"measured requests that failed", "/ measured requests"},
		metric.Goodput:           {"requests that end in the window and meet the slo", perSecond},
	})
}

// resolved fills in what a request leaves open. In a closed loop the number of requests is
// rounded up to a whole multiple of the concurrency, so that the window spans whole
// generations of requests.
func resolved(load spec.Load, sampling spec.Sampling) spec.Sampling {
	usual := spec.UsualSampling(load)
	sampling.Requests, sampling.Warmup = cmp.Or(sampling.Requests, usual.Requests), cmp.Or(sampling.Warmup, usual.Warmup)
	if load.RequestRate.Sign() == 0 {
		sampling.Requests = roundUp(sampling.Requests, max(1, load.Concurrency))
	}
	return sampling
}

// roundUp returns the smallest multiple of unit that is not below n.
func roundUp(n, unit int) int { return (n + unit - 1) / unit * unit }

// benchmark drives servers as its declaration says.
type benchmark struct {
	address    string
	endpoint   string
	window     spec.WindowKind
	calibrates bool
	caFile     string // absolute; empty: the system's authorities alone
	timeout    time.Duration
	apiKey     spec.Value
	env        spec.Env
	dial       dialer // nil: the network

	connections int // the most that may be open at once; 0: mostInFlight
	datasets    datasets
}

func newBenchmark(c *spec.Component, env spec.Env) (spec.Benchmark, error) {
	a := c.Attrs
	text := cmp.Or(a.Text("timeout"), defaultTimeout)
	timeout, err := time.ParseDuration(text)
	if err != nil || timeout <= 0 {
		return nil, &spec.Error{Kind: spec.ErrUsage, Attribute: "timeout", Summary: "timeout of " + c.Address() + " is " + text, Cause: err, Fix: `write a positive duration like "2m"`}
	}
	b := &benchmark{endpoint: cmp.Or(a.Text("endpoint"), endpointChat), window: spec.WindowKind(cmp.Or(a.Text("window"), string(spec.WindowSteady))),
		calibrates: a.Bool("calibrate"), caFile: a.Text("ca_file"), timeout: timeout, apiKey: a["api_key"], address: c.Address(), env: env}
	if b.caFile != "" && !filepath.IsAbs(b.caFile) {
		b.caFile = filepath.Join(env.SuiteDir, b.caFile)
	}
	return b, nil
}

// Budget estimates how long one run takes when a request takes latency: the
// generations of warm-up and measurement, and one more of cool-down.
func (b *benchmark) Budget(request spec.RunRequest, latency time.Duration) time.Duration {
	c := max(1, request.Load.Concurrency)
	s := resolved(request.Load, request.Sampling)
	if rate := request.Load.RequestRate.Float64(); rate > 0 {
		return openTime(s, rate) + latency
	}
	warmup := max(time.Duration(roundUp(s.Warmup+c-1, c)/c)*latency, s.WarmupTime)
	window := max(time.Duration(s.Requests/c)*latency, s.Duration)
	return warmup + window + latency
}

// openTime is how long the warm-up and the window of an open loop take.
func openTime(s spec.Sampling, rate float64) time.Duration {
	seconds := max(float64(s.Warmup)/rate, s.WarmupTime.Seconds()) + max(float64(s.Requests)/rate, s.Duration.Seconds())
	return time.Duration(seconds * float64(time.Second))
}
