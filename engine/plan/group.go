package plan

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"aicv/engine"
	"aicv/spec"
)

// works reports whether the plan measures something for the cell.
func works(c *engine.PlannedCell) bool {
	return !c.Excluded && c.RunsMax > 0
}

// share finds cells that ask for the same measurement: it is taken once, for the one
// that needs the most runs, and judged in all of them.
func (b *builder) share(context.Context) error {
	owner := make(map[spec.ID]int, len(b.plan.Cells))
	for i := range b.plan.Cells {
		c := &b.plan.Cells[i]
		best, known := owner[c.Measurement]
		if !known || b.needs(i) > b.needs(best) {
			owner[c.Measurement] = i
		}
	}
	for i := range b.plan.Cells {
		b.plan.Cells[i].MeasuredBy = owner[b.plan.Cells[i].Measurement]
	}
	return nil
}

// needs is the number of runs that the plan takes for the cell alone, at most.
func (b *builder) needs(i int) int {
	if c := &b.plan.Cells[i]; works(c) {
		return c.RunsMax
	}
	return 0
}

// group puts the cells that need a server into deployments, by the part of their
// configuration that needs a restart.
func (b *builder) group(context.Context) error {
	if err := b.checkEndpoints(); err != nil {
		return err
	}
	index := map[spec.ID]int{}
	names := map[string]int{}
	for i := range b.plan.Cells {
		c := &b.plan.Cells[i]
		if b.offline(i) || !works(c) {
			continue
		}
		id := b.serverOf(i)
		at, known := index[id]
		if !known {
			at = len(b.plan.Deployments)
			index[id] = at
			b.plan.Deployments = append(b.plan.Deployments, engine.Deployment{
				ID: id, Address: distinct(names, deploymentAddress(&c.Cell)), GPUs: c.Cell.GPUs(),
			})
		}
		c.Deployment = at
		b.plan.Deployments[at].Cells = append(b.plan.Deployments[at].Cells, i)
	}
	return b.placeDeployments()
}

// checkEndpoints refuses cells that would need different servers behind one
// endpoint: somebody else runs that server, so there is only one.
func (b *builder) checkEndpoints() error {
	first := map[*spec.Component]int{}
	for i := range b.plan.Cells {
		c := &b.plan.Cells[i].Cell
		if b.offline(i) {
			continue
		}
		target, err := b.makers.target(c.Target)
		if err != nil {
			return err
		}
		if target.Managed() {
			continue
		}
		other, known := first[c.Target]
		if !known {
			first[c.Target] = i
			continue
		}
		if o := &b.plan.Cells[other].Cell; b.ids.Deployment(o) != b.ids.Deployment(c) {
			return &spec.Error{Kind: spec.ErrUsage,
				Summary: fmt.Sprintf("%s is one server, and %s and %s need different ones", c.Target.Address(), o.Address(), c.Address()),
				Fix:     "let the cells of an endpoint differ in load only, or declare one endpoint per configuration"}
		}
	}
	return nil
}

// placeDeployments assigns each deployment to the host that it needs for itself.
// Targets that do not say otherwise are all on one host, the one that drives the
// load, because neighbours disturb a measurement.
func (b *builder) placeDeployments() error {
	hosts := map[string]int32{}
	b.hosts = make([]int32, len(b.plan.Deployments))
	for i := range b.plan.Deployments {
		component := b.plan.Cells[b.plan.Deployments[i].Cells[0]].Cell.Target
		target, err := b.makers.target(component)
		if err != nil {
			return err
		}
		name := ""
		if err := b.checkRenders(&b.plan.Cells[b.plan.Deployments[i].Cells[0]], target); err != nil {
			return err
		}
		if hosted, ok := target.(Hosted); ok {
			name = hosted.Host()
		}
		host, known := hosts[name]
		if !known {
			host = int32(len(b.plan.Hosts))
			hosts[name] = host
			b.plan.Hosts = append(b.plan.Hosts, component.Address())
		}
		b.hosts[i] = host
	}
	return nil
}

// checkRenders has the runtime render a deployment's server, so that what can not be
// started is refused before anything runs. What the engine itself would refuse is
// left to the engine: it counts against the claims.
func (b *builder) checkRenders(c *engine.PlannedCell, target spec.Target) error {
	if !target.Managed() {
		return nil
	}
	runtime, err := b.makers.runtime(c.Cell.Runtime)
	if err != nil {
		return err
	}
	_, mapping, err := runtime.Render(requestOf(&c.Cell).One())
	if err != nil && spec.KindOf(err) == spec.ErrUsage {
		return notRendered(b.experiment(c).source, &c.Cell, err)
	}
	b.noteUnsupported(c, mapping)
	return nil
}

// noteUnsupported says early what no engine flag stands for: what is measured then is not
// what was predicted, unless the engine does the same unasked.
func (b *builder) noteUnsupported(c *engine.PlannedCell, mapping []spec.ItemMapping) {
	accepted := b.experiment(c).source.Accept
	for _, m := range mapping {
		if m.Fidelity != spec.FidelityUnsupported || slices.Contains(accepted, m.Item) {
			continue
		}
		consequence := "claims against predictions are not comparable"
		if c.Cell.Predictor == nil {
			consequence = "what is measured is something else than what was asked for,"
		}
		b.findings.addFrom(c.Cell.Runtime, spec.Finding{Check: "config_unsupported", Severity: spec.FindingWarn,
			Message: fmt.Sprintf("it has no flag for %s = %s (%s): %s unless the engine reports this value, or accept names the item",
				m.Item, c.Cell.Config.Get(m.Item), m.Why, consequence)})
	}
}

// deploymentAddress is a short readable name:
// deployment.sim.default.llama["tensor_parallel=2"].
func deploymentAddress(c *spec.Cell) string {
	var b strings.Builder
	b.WriteString("deployment.")
	b.WriteString(c.Runtime.Kind)
	b.WriteByte('.')
	b.WriteString(c.Runtime.Name)
	b.WriteByte('.')
	b.WriteString(c.Model.Name)
	for i, s := range c.Config {
		b.WriteString([2]string{`["`, ","}[min(i, 1)])
		b.WriteString(s.Name)
		b.WriteByte('=')
		b.WriteString(s.Value.String())
	}
	if len(c.Config) > 0 {
		b.WriteString(`"]`)
	}
	return b.String()
}

// distinct numbers names that several deployments have: they differ in hardware or
// target, which the short name leaves out.
func distinct(names map[string]int, name string) string {
	names[name]++
	if n := names[name]; n > 1 {
		return fmt.Sprintf("%s#%d", name, n)
	}
	return name
}
