package sglang

import (
	"time"

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
