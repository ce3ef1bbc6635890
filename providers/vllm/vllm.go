// Package vllm is the inference engine vLLM as a runtime: a table of its flags, and what
// its answers and its log mean.
package vllm

import (
	"time"

	"aicv/kit/engine"
	"aicv/spec"
)

// Kind is the kind under which suites declare it: runtime "vllm" "name".
const Kind = "vllm"

const gib = 1 << 30

// attrDevMode asks for vLLM's development endpoints.
const attrDevMode = "dev_mode"

// Registration is vLLM as a runtime.
func Registration() spec.Registration {
	rows := append(engine.Release("0.24.0", "vllm/vllm-openai:v0.24.0"), engine.Attributes("vLLM", "vllm serve", "16GiB")...)
	rows = append(rows, spec.Attribute{Name: attrDevMode, Type: spec.TypeBool, Default: spec.BoolValue(true), Since: "0.1", Example: "false",
		Doc: "Whether the server opens vLLM's development endpoints, from which the effective configuration is read in full and by which the prefix cache is emptied. They let whoever reaches the server pause it: turn them off where it listens on a public address."})
	return spec.Registration{
		Role: spec.RoleRuntime,
		Kind: Kind,
		Doc:  "The inference engine vLLM, as a process, in a container, or behind an endpoint.",
		Schema: spec.Block{
			Doc:        "The inference engine vLLM. How each item of a configuration becomes a flag: docs/runtimes.md.",
			Example:    "runtime \"vllm\" \"name\" {\n  version = \"0.24.0\"\n}",
			Attributes: rows,
		},
		New: spec.Constructor{Runtime: newRuntime},
	}
}

func newRuntime(c *spec.Component, env spec.Env) (spec.Runtime, error) {
	l := launch()
	if !c.Attrs.Has(attrDevMode) || c.Attrs.Bool(attrDevMode) {
		l.Env = append(l.Env, spec.EnvVar{Name: "VLLM_SERVER_DEV_MODE", Value: spec.StringValue("1")})
	}
	r, err := engine.New(c, env, Table(), l)
	return &runtime{r}, err
}

// runtime renders vLLM servers and reads them.
type runtime struct{ *engine.Runtime }

// launch is how vLLM is started. The entrypoint of its images takes arguments alone.
func launch() engine.Launch {
	return engine.Launch{
		Program: []string{"vllm", "serve"},
		Module:  []string{"-m", "vllm.entrypoints.cli.main", "serve"},
		Help:    []string{"--help=all"},
		Model:   "--model",
		Bare:    true,
		Shm:     16 * gib, HubCache: "/root/.cache/huggingface",
		Ready: spec.Readiness{HealthPath: "/health", ModelsPath: "/v1/models", Generate: true, Phases: phases()},
		Grace: 30 * time.Second,
	}
}
