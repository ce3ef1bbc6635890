// Package sglang is the inference engine SGLang as a runtime: a table of its flags, and
// what its answers and its log mean.
package sglang

import (
	"time"

	"aicv/kit/engine"
	"aicv/spec"
)

// Kind is the kind under which suites declare it: runtime "sglang" "name".
const Kind = "sglang"

const gib = 1 << 30

// Registration is SGLang as a runtime.
func Registration() spec.Registration {
	return spec.Registration{
		Role: spec.RoleRuntime,
		Kind: Kind,
		Doc:  "The inference engine SGLang, as a process, in a container, or behind an endpoint.",
		Schema: spec.Block{
			Doc:        "The inference engine SGLang. How each item of a configuration becomes a flag: docs/runtimes.md.",
			Example:    "runtime \"sglang\" \"name\" {\n  version = \"0.5.14\"\n}",
			Attributes: append(engine.Release("0.5.14", "lmsysorg/sglang:v0.5.14"), engine.Attributes("SGLang", "python3 -m sglang.launch_server", "32GiB")...),
		},
		New: spec.Constructor{Runtime: newRuntime},
	}
}

func newRuntime(c *spec.Component, env spec.Env) (spec.Runtime, error) {
	r, err := engine.New(c, env, Table(), launch())
	return &runtime{r}, err
}

// runtime renders SGLang servers and reads them.
type runtime struct{ *engine.Runtime }

// launch is how SGLang is started. Its /health generates a token unless it is told not
// to, which would disturb a measurement; aicv's own generation proves that it answers.
func launch() engine.Launch {
	module := []string{"-m", "sglang.launch_server"}
	return engine.Launch{
		Program: append([]string{"python3"}, module...),
		Module:  module,
		Inside:  append([]string{"python3"}, module...),
		Help:    []string{"--help"},
		Model:   "--model-path",
		CPU:     []string{"--device", "cpu", "--disable-overlap-schedule"},
		Fixed:   []string{"--enable-metrics"},
		Env:     []spec.EnvVar{{Name: "SGLANG_ENABLE_HEALTH_ENDPOINT_GENERATION", Value: spec.StringValue("0")}},
		Shm:     32 * gib, HubCache: "/root/.cache/huggingface",
		Ready: spec.Readiness{HealthPath: "/health", ModelsPath: "/v1/models", Generate: true, Phases: phases()},
		Grace: 30 * time.Second,
	}
}
