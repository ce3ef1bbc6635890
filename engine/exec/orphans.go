package exec

import (
	"context"
	"errors"
	"fmt"

	"aicv/engine"
	"aicv/spec"
)

// Orphan is a server that some aicv left, or runs now, on a target.
type Orphan struct {
	Target string `json:"target"` // component address
	spec.Owned
}

// Orphans lists the servers of all suites on the targets that can list them. The error
// names targets that could not be asked.
func Orphans(ctx context.Context, registry *engine.Registry, targets []*spec.Component) ([]Orphan, error) {
	var found []Orphan
	var errs []error
	seen := map[string]bool{} // two targets may be over one place
	for _, c := range targets {
		owned, err := list(ctx, registry, c)
		if err != nil {
			errs = append(errs, fmt.Errorf("ask %s what it runs: %w", c.Address(), err))
		}
		for _, o := range owned {
			if id := c.Kind + "\x00" + o.Server.Suite + "\x00" + o.Server.Key + "\x00" + o.Server.ID; !seen[id] {
				seen[id] = true
				found = append(found, Orphan{c.Address(), o})
			}
		}
	}
	return found, errors.Join(errs...)
}

func list(ctx context.Context, registry *engine.Registry, c *spec.Component) (owned []spec.Owned, err error) {
	made, err := registry.Target(c)
	if err != nil {
		return nil, err
	}
	lister, ok := made.(spec.Lister)
	if !ok {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, findTimeout)
	defer cancel()
	return bounded(ctx, c.Address(), func() ([]spec.Owned, error) { return lister.List(ctx) })
}
