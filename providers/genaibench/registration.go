package genaibench

import (
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

// The names of the block's attributes.
const (
	attrTokenizer = "tokenizer"
	attrBackend   = "backend"
	attrWorkers   = "workers"
	attrParams    = "params"
	attrMaxTime   = "max_time"
	attrAPIKey    = "api_key"
	attrCommand   = "command"
	attrVenv      = "venv"
)

const (
	defaultBackend = "vllm"
	defaultMaxTime = "30m"
)

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
		Doc: "The real genai-bench (0.0.5; scripts/real-tools installs it), one process per run. Where the workload leaves the size open, a run has 50 requests per place and takes 100 s.",
		Attributes: []spec.Attribute{
			{Name: attrTokenizer, Type: spec.TypeString, Since: since, Example: `"/models/qwen3-32b"`,
				Doc: "Folder of the tokenizer that shapes the prompts, or an id that the local Hugging Face cache holds; nothing is downloaded. The model's path where it is not set, else its id."},
			{Name: attrBackend, Type: spec.TypeString, Default: spec.StringValue(defaultBackend), Allowed: []string{"sglang", "vllm"}, Since: since, Example: `"sglang"`,
				Doc: "How the tool calls the server. Both make it ignore the end of sequence, so that outputs have the length asked for."},
			{Name: attrWorkers, Type: spec.TypeInt, Default: spec.IntValue(0), Min: &least, Max: &most, Since: since, Example: "4",
				Doc: "Processes of the tool beside its main one. One process does not keep up with more than about 64 requests in flight."},
			{Name: attrParams, Type: spec.TypeMap, Since: since, Example: `{ chat_template_kwargs = { enable_thinking = false } }`,
				Doc: "Further parameters of every request."},
			{Name: attrMaxTime, Type: spec.TypeDuration, Default: spec.StringValue(defaultMaxTime), Incidental: true, Since: since, Example: `"10m"`,
				Doc: "Longest time of one run's traffic, rounded up to whole minutes as the tool counts."},
			{Name: attrAPIKey, Type: spec.TypeString, Secret: true, Incidental: true, Since: since, Example: `env("API_KEY")`,
				Doc: "Bearer token that requests carry. It is handed over in the tool's environment and never stored."},
			{Name: attrCommand, Type: spec.TypeString, Incidental: true, Since: since, Example: `"genai-bench"`,
				Doc: "The tool's command, by name or path. It is looked for on PATH where neither this nor venv is set."},
			{Name: attrVenv, Type: spec.TypePath, Incidental: true, Since: since, Example: `".tools/genai-bench"`,
				Doc: "Virtual environment that has the tool."},
		},
	}
}

// mappings declares where each metric of the contract comes from.
func mappings() []metric.Mapping {
	fields := map[metric.Name][2]string{
		metric.Throughput:        {"num_output_tokens of the rows", "sum / run_duration / GPUs"},
		metric.TotalThroughput:   {"num_output_tokens of the rows", "sum / run_duration"},
		metric.RequestThroughput: {"rows without error", "/ run_duration"},
		metric.UserThroughput:    {"tpot of the rows", "1000 / their mean in ms; never the mean of output_inference_speed"},
		metric.TTFT:              {"ttft of the rows", ""},
		metric.TPOT:              {"e2e_latency, ttft and num_output_tokens of the rows", "(e2e_latency - ttft) / (num_output_tokens - 1)"},
		metric.Latency:           {"e2e_latency of the rows", ""},
		metric.ErrorRate:         {"num_error_requests and requests without a row", "/ all requests; its own error_rate is always 0"},
		metric.Goodput:           {"rows that meet the slo", "/ run_duration"},
	}
	var rows []metric.Mapping
	for _, m := range metric.All() {
		rows = append(rows, metric.Mapping{Metric: m.Name, Field: fields[m.Base][0], Conversion: fields[m.Base][1]})
	}
	return rows
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
	address   string
	tokenizer string
	backend   string
	workers   int
	params    spec.Value
	maxTime   time.Duration
	apiKey    spec.Value
	query     pytool.Query
	env       spec.Env
}

const howToInstall = "scripts/real-tools genai-bench installs it into .tools/genai-bench; then set venv, or pip install genai-bench==0.0.5 and set command"

func newBenchmark(c *spec.Component, env spec.Env) (spec.Benchmark, error) {
	a := c.Attrs
	b := &benchmark{address: c.Address(), tokenizer: a.Text(attrTokenizer), backend: a.Text(attrBackend), workers: a.Int(attrWorkers),
		params: a[attrParams], maxTime: a.Duration(attrMaxTime), apiKey: a[attrAPIKey], env: env}
	if b.backend == "" {
		b.backend = defaultBackend
	}
	b.query = pytool.Query{Script: "genai-bench", Distributions: []string{"genai-bench"}, Command: a.Text(attrCommand), Venv: a.Text(attrVenv),
		Dir: env.SuiteDir, Install: howToInstall}
	switch {
	case b.query.Command != "" && b.query.Venv != "":
		return nil, b.wrong("command and venv are both set", "keep one of them")
	case b.maxTime < 0:
		return nil, b.wrong("max_time is negative", `write a duration like "10m"`)
	case b.maxTime == 0:
		b.maxTime = 30 * time.Minute
	}
	return b, b.checkParams()
}

func (b *benchmark) wrong(problem, fix string) error {
	return &spec.Error{Kind: spec.ErrUsage, Summary: b.address + ": " + problem, Fix: fix}
}

// checkParams refuses what would change the load behind the suite's back, and secrets,
// which the tool would write down.
func (b *benchmark) checkParams() error {
	for _, f := range b.params.Fields() {
		switch f.Name {
		case "ignore_eos", "max_tokens", "stream", "stream_options", "model", "messages":
			return b.wrong("params sets "+f.Name+", which the load decides", "remove it")
		}
	}
	if benchtool.HoldsSecret(b.params) {
		return b.wrong("params holds a secret, and genai-bench writes all parameters into its log", "give the server's key as api_key")
	}
	return nil
}

// fixedCost is what one process takes beside its traffic: imports, sheets and plots.
const fixedCost = 18 * time.Second

// Budget estimates how long one run takes when a request takes latency.
func (b *benchmark) Budget(request spec.RunRequest, latency time.Duration) time.Duration {
	c := max(1, request.Load.Concurrency)
	s := resolved(request)
	generations := func(n int) time.Duration { return time.Duration((n+c-1)/c) * latency }
	return fixedCost + max(generations(s.Warmup), s.WarmupTime) + min(b.maxTime, max(generations(s.Requests), s.Duration)) + time.Second
}

// resolved fills in what the plan left open.
func resolved(request spec.RunRequest) spec.Sampling {
	return benchtool.Resolved(request.Sampling, size(request.Load))
}
