package sim

import (
	"aicv/spec"
)

// Kind is the kind under which suites declare the simulator: runtime "sim" "name".
const Kind = "sim"

// defaultReadyTimeout bounds the time from start to ready.
const defaultReadyTimeout = "30s"

// Registration is the simulated engine as a runtime, with its embedded server.
func Registration() spec.Registration {
	return spec.Registration{
		Role:   spec.RoleRuntime,
		Kind:   Kind,
		Doc:    "A simulated inference engine: continuous batching and a declared cost model behind the real OpenAI HTTP interface. It needs no GPU.",
		Schema: schema(),
		New:    spec.Constructor{Runtime: newRuntime},
		Serve:  Serve,
	}
}

// schema lists the simulator's own rows; env is common to all runtimes.
func schema() spec.Block {
	one := 1.0
	return spec.Block{
		Doc: "A simulated inference engine. Its step time is declared, so predictions of it can be checked without hardware.",
		Example: `runtime "sim" "name" {
  noise = 0.02
  seed  = 1
}`,
		Attributes: append([]spec.Attribute{
			{Name: "image", Type: spec.TypeString, Since: "0.1", Example: `"debian:12-slim"`,
				Doc: "Image in which a target docker runs the simulator. None is needed: aicv then makes one of itself."},
			{Name: "args", Type: spec.TypeMap, Public: true, Since: "0.1", Example: `{ "tensor-parallel" = 2 }`,
				Doc: "Further flags of the simulator, without their leading dashes: aicv serve sim --help lists them."},
			{Name: "version", Type: spec.TypeString, Default: spec.StringValue(defaultVersion), Since: "0.1",
				Doc: "Version that the engine reports.", Example: `"0.1"`},
			{Name: "kv_cache_tokens", Type: spec.TypeInt, Min: &one, Default: spec.IntValue(defaultKVTokens), Since: "0.1",
				Doc: "Size of the KV cache in tokens at bfloat16; fp8 holds twice as many.", Example: "100000"},
			{Name: "request_log", Type: spec.TypePath, Incidental: true, Since: "0.1",
				Doc: "File to which the engine appends each request's true timestamps, as JSON lines.", Example: `"requests.jsonl"`},
			{Name: "ready_timeout", Type: spec.TypeDuration, Default: spec.StringValue(defaultReadyTimeout), Incidental: true, Since: "0.1",
				Doc: "Longest time from start to ready, a slow start on demand apart.", Example: `"10s"`},
		}, noiseRows()...),
		Blocks: []spec.Block{costBlock(), faultsBlock()},
	}
}

func costBlock() spec.Block {
	d := defaultCost()
	duration := func(name, value, doc string) spec.Attribute {
		return spec.Attribute{Name: name, Type: spec.TypeDuration, Default: spec.StringValue(value), Doc: doc, Example: `"` + value + `"`, Since: "0.1"}
	}
	low, high := 0.01, 1.0
	return spec.Block{
		Name: "cost", Since: "0.1",
		Doc: "The coefficients of the step time at bfloat16 on one GPU: base + (weights + prefill_token x prompt tokens + decode_request x decoding requests) x gemm factor x parallel factor + kv_token x cached tokens x KV factor x parallel factor. Factors: bfloat16 1, fp8 0.5; parallel 1 / (tp x tp_efficiency^log2 tp).",
		Attributes: []spec.Attribute{
			duration("base", d.base.String(), "Time of each step that no parallelism or quantization shortens."),
			duration("weights", d.weights.String(), "Time of each step for reading the weights."),
			duration("prefill_token", "25us", "Time of each prompt token."),
			duration("decode_request", "20us", "Time of each request that decodes in the step."),
			duration("kv_token", d.kvToken.String(), "Time of each cached token that the step attends to."),
			{Name: "tp_efficiency", Type: spec.TypeNumber, Min: &low, Max: &high, Default: spec.NumberValue("0.9"), Since: "0.1",
				Doc: "Efficiency of each doubling of the tensor parallel size: 1 halves the time.", Example: "0.9"},
		},
	}
}

// noiseRows are the rows of what differs from step to step and start to start.
func noiseRows() []spec.Attribute {
	zero, two := 0.0, 2.0
	number := func(name, doc string) spec.Attribute {
		return spec.Attribute{Name: name, Type: spec.TypeNumber, Min: &zero, Max: &two, Default: spec.NumberValue("0"), Doc: doc, Example: "0.02", Since: "0.1"}
	}
	return []spec.Attribute{
		number("noise", "Coefficient of variation of the step time from step to step: lognormal, of mean 1."),
		number("start_noise", "Coefficient of variation of the step time from start to start of the server: lognormal, of mean 1."),
		{Name: "seed", Type: spec.TypeInt, Since: "0.1", Example: "1",
			Doc: "Seed of noise and faults. With a seed every start draws the same factors; without one each start draws its own."},
	}
}

func faultsBlock() spec.Block {
	zero, one := 0.0, 1.0
	share := func(name, doc string) spec.Attribute {
		return spec.Attribute{Name: name, Type: spec.TypeNumber, Min: &zero, Max: &one, Default: spec.NumberValue("0"), Doc: doc, Example: "0.05", Since: "0.1"}
	}
	count := func(name, initial, doc string) spec.Attribute {
		return spec.Attribute{Name: name, Type: spec.TypeInt, Min: &zero, Default: spec.NumberValue(initial), Doc: doc, Example: "10", Since: "0.1"}
	}
	flag := func(name, doc string) spec.Attribute {
		return spec.Attribute{Name: name, Type: spec.TypeBool, Default: spec.BoolValue(false), Doc: doc, Example: "true", Since: "0.1"}
	}
	return spec.Block{
		Name: "faults", Since: "0.1",
		Doc: "What goes wrong on demand, to see what a suite makes of it.",
		Attributes: []spec.Attribute{
			{Name: "slow_start", Type: spec.TypeDuration, Default: spec.StringValue("0s"), Doc: "Time until the server is ready.", Example: `"5s"`, Since: "0.1"},
			flag("never_ready", "The server listens but never becomes ready."),
			flag("crash_at_start", "The engine runs out of GPU memory at start and exits with 1."),
			count("crash_after_requests", "0", "The engine dies after it has finished so many requests; 0: never."),
			share("http_500_share", "Share of requests that are answered with HTTP 500."),
			share("stall_share", "Share of requests that stop giving tokens and never end."),
			count("stall_after", "1", "Tokens after which a stalling request stops."),
			share("truncate_share", "Share of streams that break off half-way."),
			share("wrong_usage_share", "Share of requests whose usage gives wrong token counts."),
			share("early_stop_share", "Share of requests that end after half of their output, although they ask to ignore the end of the text."),
			count("lower_batch_tokens", "0", "The engine computes no more tokens in a step, whatever it was asked for, and reports the lower limit; 0: not."),
			count("lower_batch_size", "0", "The engine runs no more requests at once, whatever it was asked for, and reports the lower limit; 0: not."),
			count("lower_after_requests", "0", "The limits are lowered only after so many requests, while the engine runs."),
			count("system_prompt", "0", "Tokens that the chat template puts before every prompt, the same each time."),
			flag("hide_configuration", "The engine does not report its configuration."),
			flag("keep_cache", "The engine refuses to empty its prefix cache."),
			{Name: "version", Type: spec.TypeString, Doc: "The engine reports this version, not the one that was asked for.", Example: `"0.2"`, Since: "0.1"},
		},
	}
}
