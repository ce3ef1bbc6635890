// Package command is any server with OpenAI's interface as a runtime: TensorRT-LLM,
// llama.cpp, TGI, a Dynamo frontend, a team's own. The suite says how it is started; what
// it does not say is unsupported, and what the server really runs is unknown.
package command

import (
	"aicv/kit/engine"
	"aicv/spec"
)

// Kind is the kind under which suites declare it: runtime "command" "name".
const Kind = "command"

const since = "0.1"

// The attributes of its block.
const (
	attrCommand  = "command"
	attrOptions  = "options"
	attrImage    = "image"
	attrEnv      = "env"
	attrServed   = "served_name"
	attrDevice   = "device"
	attrHealth   = "health_path"
	attrModels   = "models_path"
	attrGenerate = "generate"
	attrMetrics  = "metrics_path"
	attrShm      = "shm_size"
	attrTimeout  = "ready_timeout"
	attrGrace    = "grace"
	blockCounter = "counters"
)

// Registration is a command as a runtime.
func Registration() spec.Registration {
	return spec.Registration{
		Role: spec.RoleRuntime, Kind: Kind, Schema: block(),
		Doc: "Any server with OpenAI's interface, started by a command or an image of the suite's choice.",
		New: spec.Constructor{Runtime: newRuntime},
	}
}

func block() spec.Block {
	text := func(name, initial, example, doc string) spec.Attribute {
		a := spec.Attribute{Name: name, Type: spec.TypeString, Since: since, Example: example, Doc: doc}
		if initial != "" {
			a.Default = spec.StringValue(initial)
		}
		return a
	}
	return spec.Block{
		Doc: "Any server with OpenAI's interface. Its arguments are a template over the items of the configuration: an item that the template does not use is `unsupported`, and what the server runs is unknown, unless it is asked by hand.",
		Example: `runtime "command" "llama_cpp" {
  version = "b6000"
  command = ["llama-server", "--model", "/models/qwen.gguf", "--alias", "{model}", "--host", "{host}", "--port", "{port}", "--metrics"]
  options = {
    max_batch_size      = ["--parallel", "{max_batch_size}"]
    max_sequence_length = ["--ctx-size", "{max_sequence_length*max_batch_size}"]
  }
  metrics_path = "/metrics"

  counters {
    prompt_tokens     = "llamacpp:prompt_tokens_total"
    generation_tokens = "llamacpp:tokens_predicted_total"
  }
}`,
		Attributes: []spec.Attribute{
			{Name: attrCommand, Type: spec.TypeStringList, Required: true, Since: since, Example: `["llama-server", "--host", "{host}", "--port", "{port}"]`,
				Doc: "Program and arguments; no shell reads them. With an image, the arguments of its entrypoint. {host}, {port}, {model} (the served name), {model_path} and items of the configuration are filled in, items also multiplied and divided: {max_sequence_length*max_batch_size}."},
			{Name: attrOptions, Type: spec.TypeMap, Since: since, Example: `{ max_batch_size = ["--parallel", "{max_batch_size}"], prefix_cache = { "false" = ["--no-cache"], "true" = [] } }`,
				Doc: "Further arguments by item, for where it is set: a list, or a map from its values to lists."},
			{Name: "args", Type: spec.TypeStringList, Since: since, Example: `["--threads", "8"]`,
				Doc: "Arguments that follow all others, as they are."},
			text(attrServed, "", `"qwen3"`, "Name under which the server serves the model. The model's id where it is not set."),
			{Name: attrDevice, Type: spec.TypeString, Allowed: []string{"gpu", "cpu"}, Default: spec.StringValue("gpu"), Since: since, Example: `"cpu"`,
				Doc: "What the server runs on. On cpu no GPU is reserved."},
			text(attrHealth, "/health", `"/v1/health/ready"`, "Path that answers 200 once the server is ready."),
			text(attrModels, "/v1/models", `"/v1/models"`, "Path that lists the served models. Empty where the server has none."),
			{Name: attrGenerate, Type: spec.TypeBool, Default: spec.BoolValue(true), Since: since, Example: "false",
				Doc: "Whether a short generation must be answered before the server counts as ready."},
			text(attrMetrics, "", `"/metrics"`, "Path of its metrics in Prometheus' text form. Its counters are not read where it is not set."),
			{Name: attrShm, Type: spec.TypeSize, Since: since, Example: `"16GiB"`, Doc: "Containers: size of shared memory. The daemon's default where it is not set."},
			{Name: attrTimeout, Type: spec.TypeDuration, Default: spec.StringValue("20m"), Incidental: true, Since: since, Example: `"1h"`,
				Doc: "Most time from start until requests are answered."},
			{Name: attrGrace, Type: spec.TypeDuration, Default: spec.StringValue("30s"), Incidental: true, Since: since, Example: `"10s"`,
				Doc: "Time between the request to end and the kill."},
		},
		Blocks: []spec.Block{counters()},
	}
}

func counters() spec.Block {
	b := spec.Block{Name: blockCounter, Since: since, Doc: "Names of the server's metrics, summed over their labels. What has no name is not read."}
	for _, c := range counterFields() {
		b.Attributes = append(b.Attributes, spec.Attribute{Name: c.name, Type: spec.TypeString, Since: since, Doc: c.doc, Example: `"` + c.example + `"`})
	}
	return b
}

// counterField is one counter that a suite can name.
type counterField struct {
	name, doc, example string
	to                 func(*engine.CounterNames) *[]string
}

func counterFields() []counterField {
	return []counterField{
		{"prompt_tokens", "Prompt tokens computed.", "server:prompt_tokens_total", func(n *engine.CounterNames) *[]string { return &n.PromptTokens }},
		{"generation_tokens", "Tokens generated.", "server:generation_tokens_total", func(n *engine.CounterNames) *[]string { return &n.GenerationTokens }},
		{"prefix_cache_queries", "Prompt tokens looked up in the prefix cache.", "server:prefix_queries_total", func(n *engine.CounterNames) *[]string { return &n.PrefixCacheQueries }},
		{"prefix_cache_hits", "Prompt tokens found in the prefix cache.", "server:prefix_hits_total", func(n *engine.CounterNames) *[]string { return &n.PrefixCacheHits }},
		{"preemptions", "Requests evicted and computed again.", "server:preemptions_total", func(n *engine.CounterNames) *[]string { return &n.Preemptions }},
		{"running", "Requests that run now.", "server:requests_running", func(n *engine.CounterNames) *[]string { return &n.Running }},
		{"waiting", "Requests that wait now.", "server:requests_waiting", func(n *engine.CounterNames) *[]string { return &n.Waiting }},
		{"kv_cache_usage", "Share of the KV cache in use, 0 to 1.", "server:kv_cache_usage", func(n *engine.CounterNames) *[]string { return &n.KVCacheUsage }},
	}
}
