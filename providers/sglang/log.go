package sglang

import (
	"time"

	"aicv/kit/engine"
	"aicv/spec"
)

// phases are what SGLang's log says of its start.
func phases() []spec.LoadPhase {
	return []spec.LoadPhase{
		{Name: "starting processes", Pattern: `server_args=ServerArgs|Init torch distributed`, Timeout: 10 * time.Minute},
		{Name: "loading weights", Pattern: `Load weight begin|Loading (?:safetensors|pt) checkpoint shards:.*?(?P<done>\d+)/(?P<total>\d+)`},
		{Name: "allocating the KV cache", Pattern: `Load weight end|KV Cache is allocated|Memory pool end`, Timeout: 10 * time.Minute},
		{Name: "capturing graphs", Pattern: `Capture (?:\w+ )*[cC][uU][dD][aA] graph begin|Capturing (?:batches|num tokens).*?(?P<done>\d+)/(?P<total>\d+)`, Timeout: 30 * time.Minute},
		{Name: "warming up", Pattern: `Capture (?:\w+ )*[cC][uU][dD][aA] graph end|Application startup complete`, Timeout: 30 * time.Minute},
		{Name: "ready", Pattern: `The server is fired up and ready to roll!`},
	}
}

// Failures are SGLang's own signatures.
func Failures() []engine.Signature {
	const (
		configuration  = spec.ErrConfiguration
		infrastructure = spec.ErrInfrastructure
	)
	return append([]engine.Signature{
		{Pattern: `Not enough memory\. Please try to increase --mem-fraction-static`, Kind: configuration,
			Summary: "the weights leave no room for the KV cache", Fix: "raise memory_fraction or tensor_parallel"},
		{Pattern: `Capture (?:\w+ )*[cC][uU][dD][aA] graph failed`, Kind: configuration,
			Summary: "memory ran out while CUDA graphs were captured", Fix: "lower memory_fraction or max_batch_size, or set cuda_graphs = false"},
		{Pattern: `Prefill out of memory`, Kind: configuration,
			Summary: "the KV cache ran out while prompts were computed", Fix: "lower the load, or raise memory_fraction or tensor_parallel"},
		{Pattern: `Decode out of memory`, Kind: configuration,
			Summary: "the KV cache ran out while tokens were generated", Fix: "lower max_batch_size or the load"},
		{Pattern: `quantization .{0,80}is not supported|(?:FP8|fp8|FP4|fp4).{0,80}(?:requires|only supported on).{0,40}(?:SM|capability|Hopper|Blackwell|GPU)|Minimum capability`, Kind: configuration,
			Summary: "this GPU can not run the quantization", Fix: "choose another quantization, or hardware that has it"},
		{Pattern: `kernel.{0,40}(?:version|is installed with version) .{0,60}(?:is less than|lower than) the minimum required`, Kind: infrastructure,
			Summary: "the kernels that are installed are older than SGLang needs", Fix: "install the version of sglang-kernel that this SGLang names, or use its image"},
		{Pattern: `Initialization failed\. warmup error`, Kind: infrastructure, Wrapper: true,
			Summary: "the first request failed", Fix: "read the traceback above that line in the server's log"},
		{Pattern: `Received sigquit from a child process|[Ss]cheduler (?:or \w+ )?(?:died|hit an exception)|Scheduler hit an exception`, Kind: configuration, Wrapper: true,
			Summary: "one of the engine's processes failed", Fix: "read the first traceback in the server's log"},
	}, engine.Failures()...)
}

// Diagnose names the cause of a failure.
func (r *runtime) Diagnose(log string) (*spec.Error, bool) { return engine.Diagnose(log, Failures()) }
