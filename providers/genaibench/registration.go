package genaibench

import (
	"cmp"
	"time"

	"aicv/kit/benchtool"
	"aicv/kit/pytool"
	"aicv/metric"
	"aicv/spec"
)

// Kind is the kind under which suites declare the benchmark.
const Kind = "genaibench"

// since is the version of aicv that brought the provider.
const since = "0.1"

// The attributes that this client alone has.
const (
	attrBackend = "backend"
	attrWorkers = "workers"
)

const defaultBackend = "vllm"

// Registration is genai-bench as a benchmark.
func Registration() spec.Registration {
	return spec.Registration{
		Role: spec.RoleBenchmark, Kind: Kind, Schema: block(), Metrics: mappings(), Size: size,
		Doc: "The real genai-bench: closed loop, rates over the whole run.",
		New: spec.Constructor{Benchmark: newBenchmark},
	}
}

func block() spec.Block {
	least, most := 0.0, 16.0
	return spec.Block{
		Doc: "The real genai-bench (0.0.5; scripts/real-tools installs it), one process or container per run. Where the workload leaves the size open, a run has 50 requests per place and takes 100 s.",
		Attributes: benchtool.Attributes(benchtool.Words{Since: since, Params: `{ chat_template_kwargs = { enable_thinking = false } }`, Command: `"genai-bench"`, Venv: `".tools/genai-bench"`, Has: "the tool",
			MaxTime: "Longest time of one run's traffic, rounded up to whole minutes as the tool counts."},
			spec.Attribute{Name: attrBackend, Type: spec.TypeString, Default: spec.StringValue(defaultBackend), Allowed: []string{"sglang", "vllm"}, Since: since, Example: `"sglang"`,
				Doc: "How the tool calls the server. Both make it ignore the end of sequence, so that outputs have the length asked for."},
			spec.Attribute{Name: attrWorkers, Type: spec.TypeInt, Default: spec.IntValue(0), Min: &least, Max: &most, Since: since, Example: "4",
				Doc: "Processes of the tool beside its main one. One process does not keep up with more than about 64 requests in flight."},
			spec.ClientImageRow(`"registry.example/genai-bench:0.0.5"`)),
	}
}

// mappings declares where each metric of the contract comes from.
func mappings() []metric.Mapping {
	return metric.Mappings(map[metric.Name][2]string{
		metric.Throughput:        {"num_output_tokens of the rows", "sum / run_duration / GPUs"},
		metric.TotalThroughput:   {"num_output_tokens of the rows", "sum / run_duration"},
		metric.RequestThroughput: {"rows without error", "/ run_duration"},
		metric.UserThroughput:    {"tpot of the rows", "1000 / their mean in ms; never the mean of output_inference_speed"},
		metric.TTFT:              {"ttft of the rows", ""},
		metric.TPOT:              {"e2e_latency, ttft and num_output_tokens of the rows", "(e2e_latency - ttft) / (num_output_tokens - 1)"},
		metric.Latency:           {"e2e_latency of the rows", ""},
		metric.ErrorRate:         {"num_error_requests and requests without a row", "/ all requests; its own error_rate is always 0"},
		metric.Goodput:           {"rows that meet the slo", "/ run_duration"},
	})
}

// The usual size of a run. The whole-run window is biased by about half a generation of
// requests that are cut off at its end, the start burst and a tick of up to a second.
const (
	requestsPerPlace = 50
	warmupPerPlace   = 2
	usualWindow      = 100 * time.Second
)

func size(load spec.Load) spec.Sampling {
	c := max(1, load.Concurrency)
	return spec.Sampling{Requests: requestsPerPlace * c, Duration: usualWindow, Warmup: warmupPerPlace * c}
}

// benchmark drives servers as its declaration says.
type benchmark struct {
	*benchtool.Client
	backend string
	workers int
}

const howToInstall = "scripts/real-tools genai-bench installs it into .tools/genai-bench; then set venv, or pip install genai-bench==0.0.5 and set command"

// newBenchmark refuses parameters that would change the load behind the suite's back.
func newBenchmark(c *spec.Component, env spec.Env) (spec.Benchmark, error) {
	client, err := benchtool.NewClient(c, env, pytool.Query{Script: "genai-bench", Distributions: []string{"genai-bench"}, Install: howToInstall},
		"ignore_eos", "max_tokens", "stream", "stream_options", "model", "messages")
	if err != nil {
		return nil, err
	}
	return &benchmark{Client: client, backend: cmp.Or(c.Attrs.Text(attrBackend), defaultBackend), workers: c.Attrs.Int(attrWorkers)}, nil
}

// fixedCost is what one process takes beside its traffic: imports, sheets and plots.
const fixedCost = 18 * time.Second

// Budget estimates how long one run takes when a request takes latency.
func (b *benchmark) Budget(request spec.RunRequest, latency time.Duration) time.Duration {
	c := max(1, request.Load.Concurrency)
	s := resolved(request)
	generations := func(n int) time.Duration { return time.Duration((n+c-1)/c) * latency }
	return fixedCost + max(generations(s.Warmup), s.WarmupTime) + min(b.MaxTime, max(generations(s.Requests), s.Duration)) + time.Second
}

// resolved fills in what the plan left open.
func resolved(request spec.RunRequest) spec.Sampling {
	return benchtool.Resolved(request.Sampling, size(request.Load))
}
