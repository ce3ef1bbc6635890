package engine

import (
	"context"
	"maps"

	"aicv/spec"
)

// Remember wraps a reader so that the runs of a measurement are read once, however
// often they are asked for. It is for work that only reads, by one goroutine: what is
// committed meanwhile is not seen.
func Remember(r Reader) Reader {
	return &remembering{Reader: r, asked: map[spec.ID]bool{}, runs: map[spec.ID][]spec.Run{}}
}

type remembering struct {
	Reader
	asked map[spec.ID]bool
	runs  map[spec.ID][]spec.Run
}

// Runs reads those that were not asked for before.
func (r *remembering) Runs(ctx context.Context, measurements []spec.ID) (map[spec.ID][]spec.Run, error) {
	var fresh []spec.ID
	for _, id := range measurements {
		if !r.asked[id] {
			fresh = append(fresh, id)
		}
	}
	if len(fresh) > 0 {
		runs, err := r.Reader.Runs(ctx, fresh)
		if err != nil {
			return nil, err
		}
		maps.Copy(r.runs, runs)
	}
	found := make(map[spec.ID][]spec.Run, len(measurements))
	for _, id := range measurements {
		r.asked[id] = true
		if runs, ok := r.runs[id]; ok {
			found[id] = runs
		}
	}
	return found, nil
}
