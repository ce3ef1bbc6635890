package exec

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"aicv/engine"
	"aicv/spec"
)

// keyParts is how much of the suite's identity goes into a key: enough to keep the
// names of containers and processes of different suites apart.
const keyParts = 12

// serverKey is the idempotency key of one bring-up: it follows from the suite, what is
// started, the deployment and the number of the start, so that a crashed bring-up is
// found again, and a server that was started in another way is not taken for it.
func serverKey(identity, specHash string, deployment spec.ID, number int) string {
	return fmt.Sprintf("%s%s-%s-%d", identity[:min(keyParts, len(identity))], specHash, deployment, number)
}

// serverKey is the key of the group's start of a number.
func (g *group) serverKey(identity string, number int) string {
	return serverKey(identity, g.specHash, g.deployment.ID, number)
}

// parseKey reads the deployment and the number of the start from a key.
func parseKey(key string) (spec.ID, int, bool) {
	_, rest, found := strings.Cut(key, "-")
	at := strings.LastIndexByte(rest, '-')
	if !found || at < 0 {
		return "", 0, false
	}
	number, err := strconv.Atoi(rest[at+1:])
	return spec.ID(rest[:at]), number, err == nil && number > 0
}

// recover cleans up after sessions that ended without doing so. Each target is asked
// what it still runs of the suite: what the plan needs next is kept for adoption, the
// rest is stopped, and the open steps are closed.
func (x *executor) recover() error {
	steps, err := x.store.OpenSteps(x.durable)
	if err != nil {
		return fmt.Errorf("read open steps: %w", err)
	}
	if err := x.readStarts(); err != nil {
		return err
	}
	standing := map[string]bool{}
	wanted := x.wantedKeys(steps)
	targets, err := x.planTargets()
	if err != nil {
		return err
	}
	for _, t := range targets {
		if err := x.sweep(t, wanted, standing); err != nil {
			return err
		}
	}
	if x.work.Err() != nil { // not every target was asked
		return nil
	}
	if err := x.closeStarts(standing); err != nil {
		return err
	}
	return x.closeSteps(steps, standing)
}

// deployments lists those of the plan, and those that its kept cells were measured in:
// a start of theirs may not be noted as over yet.
func (x *executor) deployments() []spec.ID {
	seen := map[spec.ID]bool{}
	var ids []spec.ID
	add := func(id spec.ID) {
		if !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	for i := range x.plan.Deployments {
		add(x.plan.Deployments[i].ID)
	}
	identities := spec.NewIdentities()
	for i := range x.plan.Cells {
		if c := &x.plan.Cells[i]; c.Deployment < 0 && c.Have > 0 && c.Cell.Target != nil {
			add(identities.Deployment(&c.Cell))
		}
	}
	return ids
}

// readStarts learns the bring-ups of these deployments so far.
func (x *executor) readStarts() error {
	ids := x.deployments()
	starts, err := x.store.Starts(x.durable, ids)
	if err != nil {
		return fmt.Errorf("read the servers' starts: %w", err)
	}
	x.starts, x.startIDs = map[spec.ID]*startList{}, ids
	for _, id := range ids {
		list := &startList{next: 1}
		for i, s := range starts[id] {
			if list.last == nil || s.Number > list.last.Number {
				list.last = &starts[id][i]
			}
			list.next = max(list.next, s.Number+1)
			if s.Stopped.IsZero() {
				list.open = append(list.open, s)
			}
		}
		x.starts[id] = list
	}
	for _, g := range x.groups {
		g.wasReady = x.starts[g.deployment.ID].next > 1
	}
	return nil
}

// startList is what the state holds of a deployment's bring-ups.
type startList struct {
	next int                // number of the next one
	open []spec.ServerStart // not known to be over
	last *spec.ServerStart  // nil: there is none
}

// wantedKeys are the keys under which a running server serves the plan: on each host
// those of the first bring-up that is still needed, because a later one would disturb
// the measurements before it. A server that was being stopped serves nobody.
func (x *executor) wantedKeys(steps []spec.Step) map[string]*group {
	wanted := map[string]*group{}
	taken := map[int32]bool{}
	for _, g := range x.groups {
		if g.failure != nil || len(x.openRuns(g)) == 0 || (g.host >= 0 && taken[g.host]) {
			continue
		}
		taken[g.host] = true
		list := x.starts[g.deployment.ID]
		wanted[g.serverKey(x.identity, list.next)] = g
		for _, s := range list.open {
			// With several starts wanted, only a start of this very node counts as its own.
			own := g.deployment.Starts <= 1 || s.Server.Key == g.lastKey
			if own && s.Server.Key == g.serverKey(x.identity, s.Number) {
				wanted[s.Server.Key] = g
			}
		}
	}
	for i := range steps {
		if steps[i].Kind == string(engine.NodeStop) {
			delete(wanted, steps[i].Key)
		}
	}
	return wanted
}

// planTargets lists the targets of the plan's cells, managed ones only.
func (x *executor) planTargets() ([]*target, error) {
	components := make([]*spec.Component, 0, 1)
	for i := range x.plan.Cells {
		if c := x.plan.Cells[i].Cell.Target; c != nil {
			components = append(components, c)
		}
	}
	return managed(x.tools, components)
}

// managed makes the targets that run servers of ours, each once. Those that can not
// be made are left out and named by the error.
func managed(made *tools, components []*spec.Component) ([]*target, error) {
	seen := map[*spec.Component]bool{}
	known := map[string]bool{}
	var targets []*target
	var errs []error
	for _, c := range components {
		if seen[c] {
			continue
		}
		seen[c] = true
		t, err := made.target(c)
		if err != nil {
			errs = append(errs, err)
		} else if t.Managed() && !known[t.address] {
			known[t.address] = true
			targets = append(targets, t)
		}
	}
	return targets, errors.Join(errs...)
}

// sweep stops what a target runs of the suite and nobody needs. standing collects the
// keys that stay.
func (x *executor) sweep(t *target, wanted map[string]*group, standing map[string]bool) error {
	ctx, cancel := context.WithTimeout(x.work, findTimeout)
	defer cancel()
	servers, err := t.Find(ctx, x.identity, "")
	if x.work.Err() != nil {
		return nil
	}
	if err != nil {
		t.broken = fmt.Errorf("%s can not be asked what it runs: %w", t.address, err)
		x.warn(t.address, t.broken.Error())
		return nil
	}
	for _, server := range servers {
		if g := wanted[server.Key]; g != nil && g.target == t && g.stray == nil && x.lives(ctx, t, server) {
			standing[server.Key] = true
			g.stray = x.strayOf(g, server)
			continue
		}
		x.warn(server.Key, "a server that an earlier apply left behind is stopped")
		if err := x.stopServer(t, server, stopGrace); err != nil {
			x.leave(&leftover{target: t, server: server, name: server.Key + " on " + t.address, host: -1}, err)
			standing[server.Key] = true
		} else if err := noteGone(x.durable, x.store, server.Key, standing); err != nil {
			return err
		}
	}
	return nil
}

func (x *executor) lives(ctx context.Context, t *target, server spec.Server) bool {
	status, err := t.Status(ctx, server)
	return err == nil && status.Running
}

// stray is a server of a crashed session that a group can go on with.
type stray struct {
	server spec.Server
	start  *spec.ServerStart // nil: never committed; Target.Start finds it under its key
}

func (x *executor) strayOf(g *group, server spec.Server) *stray {
	for _, s := range x.starts[g.deployment.ID].open {
		if s.Server.Key == server.Key {
			return &stray{server, &s}
		}
	}
	return &stray{server: server}
}

// closeStarts notes the starts whose servers are gone.
func (x *executor) closeStarts(standing map[string]bool) error {
	for _, id := range x.startIDs {
		for _, s := range x.starts[id].open {
			if standing[s.Server.Key] || x.unreachable(s.Target) {
				continue
			}
			if err := x.store.Stopped(x.durable, s.ID); err != nil {
				return fmt.Errorf("note that a server is gone: %w", err)
			}
		}
	}
	return nil
}

func (x *executor) unreachable(address string) bool {
	t := x.tools.targets[address]
	return t != nil && t.broken != nil
}

// closeSteps closes the steps that a crash left open, and the starts that they were
// about. Steps of a target that could not be asked stay open, to be asked for again.
func (x *executor) closeSteps(steps []spec.Step, standing map[string]bool) error {
	for i := range steps {
		s := &steps[i]
		server := s.Kind == string(engine.NodeDeploy) || s.Kind == string(engine.NodeStop)
		if server && x.anyBroken() || s.Kind == string(engine.NodeStop) && standing[s.Key] {
			continue
		}
		if err := noteGone(x.durable, x.store, s.Key, standing); err != nil {
			return err
		}
		if _, err := x.store.End(x.durable, s.ID, spec.Outcome{Status: spec.StepAbandoned,
			Message: "lost when an earlier session ended", Finished: time.Now()}); err != nil {
			return fmt.Errorf("close a step of an earlier session: %w", err)
		}
	}
	return nil
}

func (x *executor) anyBroken() bool {
	for _, t := range x.tools.targets {
		if t.broken != nil {
			return true
		}
	}
	return false
}

// noteGone marks the start that a key names as over, unless its server stands.
func noteGone(ctx context.Context, store engine.Store, key string, standing map[string]bool) error {
	deployment, number, ok := parseKey(key)
	if !ok || standing[key] {
		return nil
	}
	starts, err := store.Starts(ctx, []spec.ID{deployment})
	if err != nil {
		return fmt.Errorf("read the servers' starts: %w", err)
	}
	for _, s := range starts[deployment] {
		if s.Number == number && s.Stopped.IsZero() {
			if err := store.Stopped(ctx, s.ID); err != nil {
				return fmt.Errorf("note that a server is gone: %w", err)
			}
		}
	}
	return nil
}
