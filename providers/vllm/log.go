package vllm

import (
	"time"

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
