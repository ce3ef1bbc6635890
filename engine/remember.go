package engine

import (
	"context"

	"aicv/spec"
)

// Remember wraps a reader so that the history is read once, and answers what is asked
// of runs, failures and rules. It is for work that only reads, by one goroutine: what is
// committed meanwhile is not seen.
func Remember(r Reader) Reader { return &remembering{Reader: r} }

type remembering struct {
	Reader
	history map[spec.ID]*spec.History // nil: not read yet
}

// History reads the history at the first call.
func (r *remembering) History(ctx context.Context) (map[spec.ID]*spec.History, error) {
	if r.history != nil {
		return r.history, nil
	}
	history, err := r.Reader.History(ctx)
	if err == nil {
		r.history = history
	}
	return history, err
}

// Runs finds the runs in the history.
func (r *remembering) Runs(ctx context.Context, measurements []spec.ID) (map[spec.ID][]spec.Run, error) {
	history, err := r.History(ctx)
	if err != nil {
		return nil, err
	}
	found := make(map[spec.ID][]spec.Run, len(measurements))
	for _, id := range measurements {
		if past := history[id]; past != nil && len(past.Runs) > 0 {
			found[id] = past.Runs
		}
	}
	return found, nil
}

// Failures finds the failures in the history.
func (r *remembering) Failures(ctx context.Context, measurements []spec.ID) (map[spec.ID]spec.Failure, error) {
	history, err := r.History(ctx)
	if err != nil {
		return nil, err
	}
	found := map[spec.ID]spec.Failure{}
	for _, id := range measurements {
		if past := history[id]; past != nil && past.Failure != nil {
			found[id] = *past.Failure
		}
	}
	return found, nil
}

// Rules finds the rules in the history.
func (r *remembering) Rules(ctx context.Context, measurements []spec.ID) (map[spec.ID][]spec.PastRule, error) {
	history, err := r.History(ctx)
	if err != nil {
		return nil, err
	}
	found := make(map[spec.ID][]spec.PastRule, len(measurements))
	for _, id := range measurements {
		if past := history[id]; past != nil && len(past.Rules) > 0 {
			found[id] = past.Rules
		}
	}
	return found, nil
}
