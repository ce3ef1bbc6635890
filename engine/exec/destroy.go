package exec

import (
	"context"
	"errors"
	"fmt"
	"time"

	"aicv/engine"
	"aicv/spec"
)

// DestroyRequest is an order to remove what a suite left running.
type DestroyRequest struct {
	Suite    *spec.Suite
	Store    engine.Store
	Registry *engine.Registry
	Emit     spec.Emit // hears of each server; nil: nobody does
}

// Destroy stops every server that the suite owns on every target that it names, and
// closes the steps that a crash left open. It never removes results. It returns the
// servers stopped, as "key on target"; the error names those that could not be, and
// targets that could not be asked.
func Destroy(ctx context.Context, r DestroyRequest) ([]string, error) {
	identity, err := r.Store.Identity(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the suite's identity: %w", err)
	}
	if identity == "" {
		return nil, nil
	}
	d := &destroyer{request: r, identity: identity, standing: map[string]bool{}}
	targets, err := managed(newTools(r.Registry, &redactor{}), SuiteTargets(r.Suite))
	if err != nil {
		d.errs = append(d.errs, err)
	}
	for _, t := range targets {
		d.clear(ctx, t)
	}
	if len(d.errs) == 0 && ctx.Err() == nil {
		d.closeSteps(ctx)
	}
	return d.stopped, errors.Join(d.errs...)
}

type destroyer struct {
	request  DestroyRequest
	identity string
	stopped  []string
	standing map[string]bool
	errs     []error
}

// SuiteTargets lists every target that the suite declares or uses by default.
func SuiteTargets(s *spec.Suite) []*spec.Component {
	var targets []*spec.Component
	add := func(c *spec.Component) {
		if c != nil && c.Role == spec.RoleTarget {
			targets = append(targets, c)
		}
	}
	for _, c := range s.Components {
		add(c)
	}
	for _, e := range s.Experiments {
		add(e.Base.Target)
		for i := range e.Cells {
			add(e.Cells[i].Target)
		}
	}
	return targets
}

func (d *destroyer) clear(ctx context.Context, t *target) {
	find, cancel := context.WithTimeout(ctx, findTimeout)
	servers, err := t.Find(find, d.identity, "")
	cancel()
	if err != nil {
		d.errs = append(d.errs, fmt.Errorf("ask %s what it runs: %w", t.address, err))
		return
	}
	for _, server := range servers {
		name := server.Key + " on " + t.address
		if err := stopServer(ctx, t, server, stopGrace); err != nil {
			d.standing[server.Key] = true
			d.errs = append(d.errs, fmt.Errorf("stop %s: %w", name, err))
			continue
		}
		d.stopped = append(d.stopped, name)
		if d.request.Emit != nil {
			d.request.Emit(spec.Event{Time: time.Now(), Type: spec.EventProgress, Kind: string(engine.NodeStop), Subject: name, Phase: "stopped"})
		}
		if err := noteGone(context.WithoutCancel(ctx), d.request.Store, server.Key, d.standing); err != nil {
			d.errs = append(d.errs, err)
		}
	}
}

func (d *destroyer) closeSteps(ctx context.Context) {
	steps, err := d.request.Store.OpenSteps(ctx)
	if err != nil {
		d.errs = append(d.errs, fmt.Errorf("read open steps: %w", err))
		return
	}
	for i := range steps {
		err := noteGone(ctx, d.request.Store, steps[i].Key, d.standing)
		if err == nil {
			_, err = d.request.Store.End(ctx, steps[i].ID, spec.Outcome{Status: spec.StepAbandoned,
				Message: "closed by destroy", Finished: time.Now()})
		}
		if err != nil {
			d.errs = append(d.errs, fmt.Errorf("close an open step: %w", err))
			return
		}
	}
}
