package spec

import (
	"context"
	"io"

	"aicv/metric"
)

// Registration is one provider: data, and a constructor for its role. A new
// provider is one package and one line in cmd/aicv.
type Registration struct {
	Role    Role
	Kind    string
	Doc     string           // one sentence for the reference
	Schema  Block            // its own rows beside the role's common ones; Name and Labels are left empty
	Metrics []metric.Mapping // predictors and benchmarks: which of its fields answers which metric
	New     Constructor      // exactly one field is set
	// Validate checks a declaration beyond what its schema says, without any I/O; several
	// errors are joined. nil: constructing it is the check.
	Validate func(*Component) error
	// Answers lists the metrics that a component answers, where its declaration decides
	// that; nil: those of Metrics.
	Answers func(*Component) []metric.Name
	// Size is how a run of the benchmark is taken where the suite leaves it open: measured
	// requests, shortest window and warm-up. nil: UsualSampling.
	Size func(Load) Sampling
	// Serve runs the provider's embedded server until ctx ends; nil where it has none.
	// A runtime starts it as `aicv serve KIND ARGS...`, in a process or a container.
	Serve func(ctx context.Context, args []string, stdout, stderr io.Writer) error
}

// Constructor makes a provider from its declaration. The attributes have been
// checked against the schema. Constructors do no I/O.
type Constructor struct {
	Target    func(*Component, Env) (Target, error)
	Runtime   func(*Component, Env) (Runtime, error)
	Predictor func(*Component, Env) (Predictor, error)
	Benchmark func(*Component, Env) (Benchmark, error) // drives a server
	Recording func(*Component, Env) (Recording, error) // offline: recorded measurements
}

// Env is what a provider may know of the world around it.
type Env struct {
	SuiteDir string                           // paths in attributes are relative to it
	WorkDir  string                           // folder for logs and scratch files, beside the state
	Self     string                           // path of the aicv binary, for embedded servers
	Getenv   func(name string) (string, bool) // resolves secret references at the moment of use
}

// APIKey resolves the reference to a bearer token at the moment of use; empty where none is
// declared. address is the component's, for the error: a variable that is not set, or empty,
// holds no token, and requests must not go without.
func (e Env) APIKey(address string, v Value) (string, error) {
	if v.Kind() != Secret {
		return "", nil // the schema takes nothing else
	}
	name := v.Text()
	if e.Getenv != nil {
		if key, set := e.Getenv(name); set && key != "" {
			return key, nil
		}
	}
	return "", &Error{Kind: ErrUsage, Summary: address + ": the API key's environment variable " + name + " is not set, or empty", Fix: "export " + name}
}

// CheckAPIKey is doctor's check of the same.
func (e Env) CheckAPIKey(address string, v Value) Check {
	if _, err := e.APIKey(address, v); err != nil {
		return FailedCheck("API key", err)
	}
	return Check{Name: "API key", Status: CheckOK, Found: "is set"}
}
