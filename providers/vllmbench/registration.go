package vllmbench

import (
	"time"

	"aicv/kit/benchtool"
	"aicv/kit/pytool"
	"aicv/metric"
	"aicv/spec"
)

// Kind is the kind under which suites declare the benchmark.
const Kind = "vllmbench"

// since is the version of aicv that brought the provider.
const since = "0.1"

// The names of the block's attributes.
const (
	attrTokenizer = "tokenizer"
	attrEndpoint  = "endpoint"
	attrParams    = "params"
	attrMaxTime   = "max_time"
	attrAPIKey    = "api_key"
	attrCommand   = "command"
	attrVenv      = "venv"
)

// The endpoints.
const (
	endpointCompletions = "completions"
	endpointChat        = "chat"
)

const defaultMaxTime = "30m"

// Registration is vllm bench serve as a benchmark.
func Registration() spec.Registration {
	return spec.Registration{
		Role: spec.RoleBenchmark, Kind: Kind, Schema: block(), Metrics: mappings(), Size: size,
		Doc: "vllm bench serve, vLLM's own client: closed and open loop, rates over the whole run.",
		New: spec.Constructor{Benchmark: newBenchmark},
	}
}

func block() spec.Block {
	return spec.Block{
		Doc: "vllm bench serve of an installed vLLM (tested with 0.32.0; scripts/real-tools installs a build for processors), one process per run. It measures servers of any runtime.",
		Attributes: []spec.Attribute{
			{Name: attrTokenizer, Type: spec.TypeString, Since: since, Example: `"/models/qwen3-32b"`,
				Doc: "Folder of the tokenizer that shapes the prompts, or an id that the local Hugging Face cache holds; nothing is downloaded. The model's path where it is not set, else its id."},
			{Name: attrEndpoint, Type: spec.TypeString, Default: spec.StringValue(endpointCompletions), Allowed: []string{endpointCompletions, endpointChat}, Since: since, Example: `"chat"`,
				Doc: "What is called: /v1/completions, or /v1/chat/completions, of which the tool's TTFT is not comparable."},
			{Name: attrParams, Type: spec.TypeMap, Since: since, Example: `{ top_k = 1 }`,
				Doc: "Further parameters of every request."},
			{Name: attrMaxTime, Type: spec.TypeDuration, Default: spec.StringValue(defaultMaxTime), Incidental: true, Since: since, Example: `"10m"`,
				Doc: "Longest time of one run's traffic. The tool is ended then, and nothing is measured: it writes at its end."},
			{Name: attrAPIKey, Type: spec.TypeString, Secret: true, Incidental: true, Since: since, Example: `env("API_KEY")`,
				Doc: "Bearer token that requests carry. It is handed over in the tool's environment and never stored."},
			{Name: attrCommand, Type: spec.TypeString, Incidental: true, Since: since, Example: `"vllm"`,
				Doc: "The tool's command, by name or path. It is looked for on PATH where neither this nor venv is set."},
			{Name: attrVenv, Type: spec.TypePath, Incidental: true, Since: since, Example: `".tools/vllm"`,
				Doc: "Virtual environment that has vLLM."},
		},
	}
}

// mappings declares where each metric of the contract comes from.
func mappings() []metric.Mapping {
	fields := map[metric.Name][2]string{
		metric.Throughput:        {"output_lens", "sum / duration / GPUs"},
		metric.TotalThroughput:   {"output_lens", "sum / duration"},
		metric.RequestThroughput: {"rows without error", "/ duration"},
		metric.UserThroughput:    {"tpot of the rows", "1000 / their mean in ms"},
		metric.TTFT:              {"ttfts", "x 1000; not comparable of chat endpoints"},
		metric.TPOT:              {"latencies, ttfts and output_lens", "(latency - ttft) / (output_len - 1)"},
		metric.Latency:           {"latencies", "x 1000"},
		metric.ErrorRate:         {"errors and requests without a row", "/ all requests"},
		metric.Goodput:           {"rows that meet the slo", "/ duration"},
	}
	var rows []metric.Mapping
	for _, m := range metric.All() {
		rows = append(rows, metric.Mapping{Metric: m.Name, Field: fields[m.Base][0], Conversion: fields[m.Base][1]})
	}
	return rows
}

// The usual size of a run. The whole-run window holds the start burst and the end, in
// which places stand empty; only length makes these small.
const (
	requestsPerPlace = 50
	warmupPerPlace   = 2
	usualWindow      = 100 * time.Second
	openWarmup       = 10 // requests before an open loop
)

// size is the usual size of a run. The requests of an open loop come from the shortest
// window.
func size(load spec.Load) spec.Sampling {
	if load.RequestRate.Sign() > 0 {
		return spec.Sampling{Duration: usualWindow, Warmup: openWarmup}
	}
	c := max(1, load.Concurrency)
	return spec.Sampling{Requests: requestsPerPlace * c, Duration: usualWindow, Warmup: warmupPerPlace * c}
}

// benchmark drives servers as its declaration says.
type benchmark struct {
	address   string
	tokenizer string
	endpoint  string
	params    spec.Value
	maxTime   time.Duration
	apiKey    spec.Value
	query     pytool.Query
	env       spec.Env
}

const howToInstall = "scripts/real-tools vllm installs it into .tools/vllm; then set venv, or set command where vLLM is installed already"

func newBenchmark(c *spec.Component, env spec.Env) (spec.Benchmark, error) {
	a := c.Attrs
	b := &benchmark{address: c.Address(), tokenizer: a.Text(attrTokenizer), endpoint: a.Text(attrEndpoint), params: a[attrParams],
		maxTime: a.Duration(attrMaxTime), apiKey: a[attrAPIKey], env: env}
	if b.endpoint == "" {
		b.endpoint = endpointCompletions
	}
	b.query = pytool.Query{Script: "vllm", Distributions: []string{"vllm"}, Command: a.Text(attrCommand), Venv: a.Text(attrVenv), Dir: env.SuiteDir, Install: howToInstall}
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
// which would stand in the tool's arguments.
func (b *benchmark) checkParams() error {
	for _, f := range b.params.Fields() {
		switch f.Name {
		case "ignore_eos", "max_tokens", "max_completion_tokens", "stream", "stream_options", "model", "messages", "prompt":
			return b.wrong("params sets "+f.Name+", which the load decides", "remove it")
		}
	}
	if benchtool.HoldsSecret(b.params) {
		return b.wrong("params holds a secret, and everybody can read a tool's arguments", "give the server's key as api_key")
	}
	return nil
}

// resolved fills in what the plan left open.
func resolved(request spec.RunRequest) spec.Sampling {
	return benchtool.Resolved(request.Sampling, size(request.Load))
}
