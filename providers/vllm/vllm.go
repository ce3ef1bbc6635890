// Package vllm is the runtime vLLM as an identity: recorded data can name it,
// and a plan that would deploy it is refused.
package vllm

import (
	"context"

	"aicv/spec"
)

// Kind is the kind under which suites declare it: runtime "vllm" "name".
const Kind = "vllm"

// Registration is vLLM as a runtime; its rows are the ones common to all runtimes.
func Registration() spec.Registration {
	return spec.Registration{
		Role:   spec.RoleRuntime,
		Kind:   Kind,
		Doc:    "The inference engine vLLM. It names the engine of recorded data and of endpoints; it can not be deployed yet.",
		Schema: spec.Block{Doc: "The inference engine vLLM, as recorded data and endpoints name it. It can not be deployed yet."},
		New: spec.Constructor{Runtime: func(c *spec.Component, _ spec.Env) (spec.Runtime, error) {
			return identity{c.Address()}, nil
		}},
	}
}

// identity is a runtime that can be named and not started.
type identity struct{ address string }

// Render refuses: nothing can be deployed.
func (i identity) Render(spec.RenderRequest) (spec.ServerSpec, []spec.ItemMapping, error) {
	return spec.ServerSpec{}, nil, &spec.Error{
		Kind:    spec.ErrUsage,
		Summary: i.address + " can not be deployed: this version of aicv knows vllm by name only",
		Fix:     "start the server yourself and declare a target \"endpoint\", or measure from a file with benchmark \"recorded\"",
	}
}

// Effective knows nothing: every item stays unknown.
func (identity) Effective(context.Context, spec.Server) (spec.Configuration, error) { return nil, nil }

// Diagnose knows no cause.
func (identity) Diagnose(string) (*spec.Error, bool) { return nil, false }
