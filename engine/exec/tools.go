package exec

import (
	"fmt"

	"aicv/engine"
	"aicv/spec"
)

// tools makes each component's provider once, by address, and guards it.
type tools struct {
	registry   *engine.Registry
	redact     *redactor // of what servers print
	targets    map[string]*target
	runtimes   map[string]spec.Runtime
	benchmarks map[string]spec.Benchmark
	recordings map[string]spec.Recording
}

// target is a target with the address that it was declared under.
type target struct {
	spec.Target
	address string
	broken  error   // it could not be asked what is left of earlier applies
	whole   *target // the target that this one starts replicas on; nil: none
}

// base is the target as the suite declares it.
func (t *target) base() *target {
	if t.whole != nil {
		return t.whole
	}
	return t
}

func newTools(r *engine.Registry, redact *redactor) *tools {
	return &tools{registry: r, redact: redact, targets: map[string]*target{}, runtimes: map[string]spec.Runtime{},
		benchmarks: map[string]spec.Benchmark{}, recordings: map[string]spec.Recording{}}
}

func (t *tools) target(c *spec.Component) (*target, error) {
	return once(t.targets, c, func(c *spec.Component) (*target, error) {
		made, err := t.registry.Target(c)
		return &target{Target: safeTarget{made, c.Address(), t.redact}, address: c.Address()}, err
	})
}

func (t *tools) runtime(c *spec.Component) (spec.Runtime, error) {
	return once(t.runtimes, c, func(c *spec.Component) (spec.Runtime, error) {
		made, err := t.registry.Runtime(c)
		safe := safeRuntime{made, c.Address()}
		if reader, ok := made.(spec.LogReader); ok {
			return readingRuntime{safe, reader}, err
		}
		return safe, err
	})
}

func (t *tools) benchmark(c *spec.Component) (spec.Benchmark, error) {
	return once(t.benchmarks, c, func(c *spec.Component) (spec.Benchmark, error) {
		made, err := t.registry.Benchmark(c)
		return safeBenchmark{made, c.Address()}, err
	})
}

func (t *tools) recording(c *spec.Component) (spec.Recording, error) {
	return once(t.recordings, c, t.registry.Recording)
}

func once[T any](made map[string]T, c *spec.Component, construct func(*spec.Component) (T, error)) (T, error) {
	if provider, known := made[c.Address()]; known {
		return provider, nil
	}
	provider, err := construct(c)
	if err != nil {
		return provider, fmt.Errorf("%s: %w", c.Address(), err)
	}
	made[c.Address()] = provider
	return provider, nil
}
