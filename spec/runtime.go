package spec

import (
	"context"
	"slices"
)

// Runtime is an inference engine: it turns a configuration into a server spec.
type Runtime interface {
	// Render says how to start the engine, with one mapping row per item.
	Render(request RenderRequest) (ServerSpec, []ItemMapping, error)
	// Effective reads the configuration that a running server reports. Items that it
	// does not report are absent.
	Effective(ctx context.Context, server Server) (Configuration, error)
	// Diagnose names a cause from a server's log; false where it knows none.
	Diagnose(log string) (*Error, bool)
}

// RenderRequest is what a runtime needs to know.
type RenderRequest struct {
	Model    Model
	Hardware *Hardware
	Config   Configuration
}

// One is the request for one of a deployment's replicas: runtimes render single servers.
func (r RenderRequest) One() RenderRequest {
	if r.Config.Size(ItemReplicas) < 2 {
		return r
	}
	r.Config = slices.DeleteFunc(slices.Clone(r.Config), func(s Setting) bool { return s.Name == ItemReplicas })
	return r
}

// Fidelity is how exactly a configuration item maps to an engine flag.
type Fidelity string

// The fidelities.
const (
	FidelityExact       Fidelity = "exact"
	FidelityApproximate Fidelity = "approximate"
	FidelityUnsupported Fidelity = "unsupported"
)

// ItemMapping says what became of one configuration item.
type ItemMapping struct {
	Item     string   `json:"item"`
	Flag     string   `json:"flag,omitempty"`
	Fidelity Fidelity `json:"fidelity"`
	Why      string   `json:"why,omitempty"`
}

// Defaulter is an optional ability of a runtime: it knows what the engine takes for
// items that a suite leaves open, so that a predictor can be asked the same.
type Defaulter interface {
	// Defaults returns the documented values of items that the request leaves open, as far
	// as they follow from version, model and hardware. Items that it does not know are absent.
	Defaults(request RenderRequest) Configuration
}

// VersionReader is an optional ability of a runtime: it reads the version that a
// running server reports, as its project numbers it. Empty: it does not say.
type VersionReader interface {
	Version(ctx context.Context, server Server) (string, error)
}

// LogReader is an optional ability of a runtime: it reads a configuration from the log of a
// server that got ready, for what the server does not tell when it is asked. Items that the
// log does not tell are absent. A log may hold secrets: known fields only are read.
type LogReader interface {
	EffectiveFromLog(log string) Configuration
}

// CacheFlusher is an optional ability of a runtime: it empties a running server's
// prefix cache between runs.
type CacheFlusher interface {
	FlushCache(ctx context.Context, server Server) error
}

// CounterReader is an optional ability of a runtime: it reads what a running server
// counts of itself. It is asked before and after a run.
type CounterReader interface {
	Counters(ctx context.Context, server Server) (Counters, error)
}

// Counters are what an engine counts, cumulative since its start but for Running and
// Waiting. A nil figure is one that the engine does not give.
type Counters struct {
	PromptTokens       *float64 `json:"prompt_tokens,omitempty"`
	GenerationTokens   *float64 `json:"generation_tokens,omitempty"`
	PrefixCacheQueries *float64 `json:"prefix_cache_queries,omitempty"` // tokens looked up
	PrefixCacheHits    *float64 `json:"prefix_cache_hits,omitempty"`    // tokens found
	Preemptions        *float64 `json:"preemptions,omitempty"`          // requests evicted or retracted
	Running            *float64 `json:"running,omitempty"`              // requests now
	Waiting            *float64 `json:"waiting,omitempty"`              // requests now
	KVCacheUsage       *float64 `json:"kv_cache_usage,omitempty"`       // share in use now, 0 to 1
}
