package vllm

import (
	"time"

	"aicv/kit/engine"
	"aicv/spec"
)

// phases are what vLLM's log says of its start.
func phases() []spec.LoadPhase {
	return []spec.LoadPhase{
		{Name: "starting processes", Pattern: `non-default args:|Initializing a V1 LLM engine`, Timeout: 10 * time.Minute},
		{Name: "loading weights", Pattern: `Starting to load model|Loading (?:safetensors|pt) checkpoint shards:.*?(?P<done>\d+)/(?P<total>\d+)`},
		{Name: "compiling", Pattern: `Warming up model for the compilation|Dynamo bytecode transform time|torch\.compile takes|Compiling a graph|Model loading took`, Timeout: 30 * time.Minute},
		{Name: "allocating the KV cache", Pattern: `[GC]PU KV cache size:|Available KV cache memory`, Timeout: 10 * time.Minute},
		{Name: "capturing graphs", Pattern: `Capturing CUDA graphs?.*?(?P<done>\d+)/(?P<total>\d+)|Graph capturing finished`, Timeout: 30 * time.Minute},
		{Name: "opening the API", Pattern: `Starting vLLM (?:API )?server|Waiting for application startup`, Timeout: 5 * time.Minute},
		{Name: "ready", Pattern: `Application startup complete`},
	}
}

// Failures are vLLM's own signatures.
func Failures() []engine.Signature {
	const (
		configuration  = spec.ErrConfiguration
		infrastructure = spec.ErrInfrastructure
	)
	return append([]engine.Signature{
		{Pattern: `No available memory for the cache blocks`, Kind: configuration,
			Summary: "the weights leave no room for the KV cache", Fix: "raise memory_fraction or tensor_parallel"},
		{Pattern: `larger than the available KV cache memory.*estimated maximum model length is (\d+)`, Kind: configuration,
			Summary: "the KV cache can not hold one sequence of max_sequence_length", Fix: "lower max_sequence_length to $1, or raise memory_fraction or tensor_parallel"},
		{Pattern: `larger than the (?:available KV cache memory|maximum number of tokens that can be stored in KV cache)`, Kind: configuration,
			Summary: "the KV cache can not hold one sequence of max_sequence_length", Fix: "lower max_sequence_length, or raise memory_fraction or tensor_parallel"},
		{Pattern: `Free memory on device.*is less than desired (?:GPU|CPU) memory utilization|Available memory on node .* is less than desired`, Kind: infrastructure,
			Summary: "another process holds memory of the device", Fix: "wait for it or stop it (nvidia-smi lists processes), or lower memory_fraction"},
		{Pattern: `Timed out waiting for engine (?:core )?processes to start`, Kind: infrastructure,
			Summary: "loading took longer than vLLM waits", Fix: `env = { VLLM_ENGINE_READY_TIMEOUT_S = "3600" }, with ready_timeout to match`},
		{Pattern: `is not supported for the current GPU\. Minimum capability|quantization .{0,80}is not supported|not supported in this build`, Kind: configuration,
			Summary: "this GPU can not run the quantization", Fix: "choose another quantization, or hardware that has it"},
		{Pattern: `Bfloat16 is only supported on GPUs with compute capability`, Kind: configuration,
			Summary: "this GPU can not compute in bfloat16", Fix: `set dtype = "float16"`},
		{Pattern: `max_num_batched_tokens \(\d+\) is smaller than max_model_len|max_num_batched_tokens \(\d+\) must be greater than or equal to max_num_seqs`, Kind: configuration,
			Summary: "max_batch_tokens is too small", Fix: "raise max_batch_tokens to max_batch_size and, without chunked_prefill, to max_sequence_length"},
		{Pattern: `Engine core initialization failed|EngineCore failed to start|WorkerProc initialization failed|EngineCore encountered a fatal error`, Kind: configuration, Wrapper: true,
			Summary: "one of the engine's processes failed", Fix: "read the first traceback in the server's log"},
	}, engine.Failures()...)
}

// Diagnose names the cause of a failure.
func (r *runtime) Diagnose(log string) (*spec.Error, bool) { return engine.Diagnose(log, Failures()) }
