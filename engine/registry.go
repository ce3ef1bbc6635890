package engine

import (
	"fmt"

	"aicv/spec"
)

// Registry makes providers from declared components.
type Registry struct {
	registrations []spec.Registration
	env           spec.Env
}

// NewRegistry keeps the registrations; env is handed to every constructor.
func NewRegistry(registrations []spec.Registration, env spec.Env) *Registry {
	return &Registry{registrations, env}
}

// Getenv looks up an environment variable, as providers do for secrets; false without one.
func (r *Registry) Getenv(name string) (string, bool) {
	if r.env.Getenv == nil {
		return "", false
	}
	return r.env.Getenv(name)
}

func (r *Registry) find(c *spec.Component) (spec.Registration, error) {
	for _, reg := range r.registrations {
		if reg.Role == c.Role && reg.Kind == c.Kind {
			return reg, nil
		}
	}
	return spec.Registration{}, fmt.Errorf("no provider for %s", c.Address())
}

// Offline reports whether the component is a benchmark of recorded data, which
// needs no server.
func (r *Registry) Offline(c *spec.Component) bool {
	reg, err := r.find(c)
	return err == nil && reg.New.Recording != nil
}

// Size is how a run of the benchmark is taken where the suite leaves it open.
func (r *Registry) Size(c *spec.Component, load spec.Load) spec.Sampling {
	reg, err := r.find(c)
	if err != nil || reg.Size == nil {
		return spec.UsualSampling(load)
	}
	return reg.Size(load)
}

// Target makes a target.
func (r *Registry) Target(c *spec.Component) (spec.Target, error) {
	return construct(r, c, func(n spec.Constructor) maker[spec.Target] { return n.Target })
}

// Runtime makes a runtime.
func (r *Registry) Runtime(c *spec.Component) (spec.Runtime, error) {
	return construct(r, c, func(n spec.Constructor) maker[spec.Runtime] { return n.Runtime })
}

// Predictor makes a predictor.
func (r *Registry) Predictor(c *spec.Component) (spec.Predictor, error) {
	return construct(r, c, func(n spec.Constructor) maker[spec.Predictor] { return n.Predictor })
}

// Benchmark makes a benchmark that drives servers.
func (r *Registry) Benchmark(c *spec.Component) (spec.Benchmark, error) {
	return construct(r, c, func(n spec.Constructor) maker[spec.Benchmark] { return n.Benchmark })
}

// Recording makes an offline benchmark.
func (r *Registry) Recording(c *spec.Component) (spec.Recording, error) {
	return construct(r, c, func(n spec.Constructor) maker[spec.Recording] { return n.Recording })
}

// Checker makes a component's provider, whatever its role, and returns what it can check;
// nil where it checks nothing.
func (r *Registry) Checker(c *spec.Component) (spec.Checker, error) {
	return ability[spec.Checker](r, c)
}

// FileReader makes a component's provider and returns how it reads the files that its
// answers lie in; nil where there are none.
func (r *Registry) FileReader(c *spec.Component) (spec.FileReader, error) {
	return ability[spec.FileReader](r, c)
}

// ability makes a component's provider, whatever its role, and returns an optional ability
// of it; the zero value where it does not have it.
func ability[T any](r *Registry, c *spec.Component) (T, error) {
	var none T
	var provider any
	var err error
	switch {
	case c.Role == spec.RoleTarget:
		provider, err = r.Target(c)
	case c.Role == spec.RoleRuntime:
		provider, err = r.Runtime(c)
	case c.Role == spec.RolePredictor:
		provider, err = r.Predictor(c)
	case r.Offline(c):
		provider, err = r.Recording(c)
	default:
		provider, err = r.Benchmark(c)
	}
	if err != nil {
		return none, err
	}
	able, _ := provider.(T)
	return able, nil
}

type maker[T any] = func(*spec.Component, spec.Env) (T, error)

func construct[T any](r *Registry, c *spec.Component, pick func(spec.Constructor) maker[T]) (T, error) {
	var none T
	reg, err := r.find(c)
	if err != nil {
		return none, err
	}
	build := pick(reg.New)
	if build == nil {
		return none, fmt.Errorf("%s can not be used as asked: it offers another role", c.Address())
	}
	return build(c, r.env)
}
