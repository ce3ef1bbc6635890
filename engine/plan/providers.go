package plan

import (
	"fmt"

	"aicv/engine"
	"aicv/spec"
)

// providers makes each component's provider once.
type providers struct {
	registry   *engine.Registry
	offline    map[*spec.Component]bool
	predictors map[*spec.Component]spec.Predictor
	recordings map[*spec.Component]spec.Recording
	benchmarks map[*spec.Component]spec.Benchmark
	targets    map[*spec.Component]spec.Target
	runtimes   map[*spec.Component]spec.Runtime
}

func newProviders(r *engine.Registry) *providers {
	return &providers{
		registry:   r,
		offline:    map[*spec.Component]bool{},
		predictors: map[*spec.Component]spec.Predictor{},
		recordings: map[*spec.Component]spec.Recording{},
		benchmarks: map[*spec.Component]spec.Benchmark{},
		targets:    map[*spec.Component]spec.Target{},
		runtimes:   map[*spec.Component]spec.Runtime{},
	}
}

func (p *providers) isOffline(c *spec.Component) bool {
	offline, known := p.offline[c]
	if !known {
		offline = p.registry.Offline(c)
		p.offline[c] = offline
	}
	return offline
}

func (p *providers) predictor(c *spec.Component) (spec.Predictor, error) {
	return once(p.predictors, c, p.registry.Predictor)
}

func (p *providers) recording(c *spec.Component) (spec.Recording, error) {
	return once(p.recordings, c, p.registry.Recording)
}

func (p *providers) benchmark(c *spec.Component) (spec.Benchmark, error) {
	return once(p.benchmarks, c, p.registry.Benchmark)
}

func (p *providers) target(c *spec.Component) (spec.Target, error) {
	return once(p.targets, c, p.registry.Target)
}

func (p *providers) runtime(c *spec.Component) (spec.Runtime, error) {
	return once(p.runtimes, c, p.registry.Runtime)
}

// once makes a provider at the first call and finds it at later ones.
func once[T any](made map[*spec.Component]T, c *spec.Component, construct func(*spec.Component) (T, error)) (T, error) {
	if provider, ok := made[c]; ok {
		return provider, nil
	}
	provider, err := construct(c)
	if err != nil {
		return provider, fmt.Errorf("%s: %w", c.Address(), err)
	}
	made[c] = provider
	return provider, nil
}
