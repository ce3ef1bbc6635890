package plan

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"aicv/engine"
	"aicv/spec"
)

// Stale says what changed since a plan was saved: inputs of the suite, the tools
// behind its predictions, and the state, unless the plan's own apply was begun and
// changed it. Nothing: the plan may be applied.
func Stale(ctx context.Context, saved *engine.Plan, suite *spec.Suite, registry *engine.Registry, state engine.Reader, begun bool) ([]string, error) {
	current := inputsOf(suite)
	makers := newProviders(registry)
	for _, c := range suite.Components {
		if _, used := saved.Suite.Inputs[c.Address()]; !used {
			continue
		}
		fingerprint, err := fingerprintOf(ctx, makers, c)
		if err != nil {
			return nil, err
		}
		current[c.Address()] = string(spec.HashOf([]byte(fingerprint)))
	}
	changes := inputChanges(saved.Suite.Inputs, current)
	if len(changes) == 0 && saved.Suite.InputHash != suite.InputHash {
		changes = append(changes, "the suite's inputs changed")
	}
	if begun {
		return changes, nil
	}
	revision, err := state.Revision(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the state's revision: %w", err)
	}
	if revision != saved.StateRevision {
		changes = append(changes, fmt.Sprintf("the state changed: it is at revision %d, the plan was made on %d", revision, saved.StateRevision))
	}
	return changes, nil
}

// fingerprintOf asks a predictor or a recording what it is.
func fingerprintOf(ctx context.Context, makers *providers, c *spec.Component) (string, error) {
	var tool fingerprinted
	if c.Role == spec.RolePredictor {
		predictor, err := makers.predictor(c)
		if err != nil {
			return "", err
		}
		tool = predictor
	} else {
		recording, err := makers.recording(c)
		if err != nil {
			return "", err
		}
		offers, ok := recording.(fingerprinted)
		if !ok {
			return "", fmt.Errorf("%s: %w", c.Address(), errors.New("it no longer says what data it holds"))
		}
		tool = offers
	}
	fingerprint, err := tool.Fingerprint(ctx)
	if err != nil {
		return "", fmt.Errorf("%s: identify the tool: %w", c.Address(), err)
	}
	return fingerprint, nil
}

// inputChanges names the inputs that differ, sorted.
func inputChanges(saved, current map[string]string) []string {
	var changes []string
	for _, name := range slices.Sorted(maps.Keys(saved)) {
		now, there := current[name]
		switch {
		case !there:
			changes = append(changes, name+" is gone")
		case now != saved[name]:
			changes = append(changes, name+" changed")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(current)) {
		if _, known := saved[name]; !known {
			changes = append(changes, name+" is new")
		}
	}
	return changes
}
