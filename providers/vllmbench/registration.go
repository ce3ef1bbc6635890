package vllmbench

import (
	"cmp"
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

// attrEndpoint is the attribute that this client alone has.
const attrEndpoint = "endpoint"

// The endpoints.
const (
	endpointCompletions = "completions"
	endpointChat        = "chat"
)

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
		Attributes: benchtool.Attributes(benchtool.Words{Since: since, Params: `{ top_k = 1 }`, Command: `"vllm"`, Venv: `".tools/vllm"`, Has: "vLLM",
			MaxTime: "Longest time of one run's traffic. The tool is ended then, and nothing is measured: it writes at its end."},
			spec.Attribute{Name: attrEndpoint, Type: spec.TypeString, Default: spec.StringValue(endpointCompletions), Allowed: []string{endpointCompletions, endpointChat}, Since: since, Example: `"chat"`,
				Doc: "What is called: /v1/completions, or /v1/chat/completions, of which the tool's TTFT is not comparable."}),
	}
}

// mappings declares where each metric of the contract comes from.
func mappings() []metric.Mapping {
	return metric.Mappings(map[metric.Name][2]string{
		metric.Throughput:        {"output_lens", "sum / duration / GPUs"},
		metric.TotalThroughput:   {"output_lens", "sum / duration"},
		metric.RequestThroughput: {"rows without error", "/ duration"},
		metric.UserThroughput:    {"tpot of the rows", "1000 / their mean in ms"},
		metric.TTFT:              {"ttfts", "x 1000; not comparable of chat endpoints"},
		metric.TPOT:              {"latencies, ttfts and output_lens", "(latency - ttft) / (output_len - 1)"},
		metric.Latency:           {"latencies", "x 1000"},
		metric.ErrorRate:         {"errors and requests without a row", "/ all requests"},
		metric.Goodput:           {"rows that meet the slo", "/ duration"},
	})
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
	*benchtool.Client
	endpoint string
}

const howToInstall = "scripts/real-tools vllm installs it into .tools/vllm; then set venv, or set command where vLLM is installed already"

// newBenchmark refuses parameters that would change the load behind the suite's back.
func newBenchmark(c *spec.Component, env spec.Env) (spec.Benchmark, error) {
	client, err := benchtool.NewClient(c, env, pytool.Query{Script: "vllm", Distributions: []string{"vllm"}, Install: howToInstall},
		"ignore_eos", "max_tokens", "max_completion_tokens", "stream", "stream_options", "model", "messages", "prompt")
	if err != nil {
		return nil, err
	}
	return &benchmark{Client: client, endpoint: cmp.Or(c.Attrs.Text(attrEndpoint), endpointCompletions)}, nil
}

// resolved fills in what the plan left open.
func resolved(request spec.RunRequest) spec.Sampling {
	return benchtool.Resolved(request.Sampling, size(request.Load))
}
