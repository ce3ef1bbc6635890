package exec

import (
	"fmt"

	"aicv/engine"
	"aicv/spec"
)

// check refuses a plan whose tables and graph do not fit together, so that no index
// of a damaged or hand-made plan can lead astray.
func check(p *engine.Plan) error {
	if p == nil {
		return malformed("there is none")
	}
	for i := range p.Cells {
		if err := checkCell(p, i); err != nil {
			return err
		}
	}
	for i := range p.Deployments {
		if err := checkDeployment(p, i); err != nil {
			return err
		}
	}
	deployed := map[groupKey]bool{}
	for id := range p.Graph.Nodes {
		n := &p.Graph.Nodes[id]
		if err := checkNode(p, id, n); err != nil {
			return err
		}
		if err := checkGroup(deployed, id, n); err != nil {
			return err
		}
	}
	return nil
}

func malformed(format string, args ...any) error {
	return &spec.Error{Kind: spec.ErrUsage, Summary: "the plan is malformed: " + fmt.Sprintf(format, args...), Fix: "make a new plan: aicv plan"}
}

func inside(i, n int) bool { return i >= 0 && i < n }

func checkCell(p *engine.Plan, i int) error {
	c := &p.Cells[i]
	switch {
	case !inside(c.Experiment, len(p.Experiments)) || p.Experiments[c.Experiment] == nil:
		return malformed("cell %d belongs to no experiment", i)
	case !inside(c.MeasuredBy, len(p.Cells)):
		return malformed("cell %d is measured by no cell", i)
	case c.Cell.Model == nil || c.Cell.Runtime == nil || c.Cell.Benchmark == nil:
		return malformed("cell %d lacks its model, runtime or benchmark", i)
	}
	return nil
}

func checkDeployment(p *engine.Plan, i int) error {
	d := &p.Deployments[i]
	if len(d.Cells) == 0 {
		return malformed("deployment %d has no cells", i)
	}
	for _, c := range d.Cells {
		if !inside(c, len(p.Cells)) || p.Cells[c].Cell.Target == nil {
			return malformed("deployment %d has a cell that can not be deployed", i)
		}
	}
	return nil
}

func checkNode(p *engine.Plan, id int, n *engine.Node) error {
	for _, before := range n.After {
		if before < 0 || int(before) >= id {
			return malformed("node %d waits for node %d", id, before)
		}
	}
	if n.Exclusive != -1 && !inside(int(n.Exclusive), len(p.Hosts)) {
		return malformed("node %d needs host %d", id, n.Exclusive)
	}
	deployment := inside(int(n.Deployment), len(p.Deployments))
	cell := inside(int(n.Cell), len(p.Cells))
	ok := false
	switch n.Kind {
	case engine.NodeInventory, engine.NodeDeploy, engine.NodeStop:
		ok = deployment
	case engine.NodeRun:
		ok = cell && (deployment || n.Deployment == -1) && int(n.Run) > p.Cells[n.Cell].RunBase
	case engine.NodeGate:
		ok = cell
	case engine.NodeJudge:
		ok = true
	}
	if !ok {
		return malformed("node %d, a %q, refers to nothing", id, n.Kind)
	}
	return nil
}

// checkGroup wants each bring-up once, and before everything that needs it.
func checkGroup(deployed map[groupKey]bool, id int, n *engine.Node) error {
	switch {
	case n.Kind == engine.NodeDeploy && deployed[keyOf(n)]:
		return malformed("node %d brings a deployment up that is up", id)
	case n.Kind == engine.NodeDeploy:
		deployed[keyOf(n)] = true
	case (n.Kind == engine.NodeRun || n.Kind == engine.NodeStop) && n.Deployment >= 0 && !deployed[keyOf(n)]:
		return malformed("node %d needs a deployment that is not up", id)
	}
	return nil
}
