// Package engine holds the contracts of planning and execution: the plan, the
// execution graph as pure data, the registry of providers, and the store that the
// engine needs. engine/plan makes plans, engine/exec runs them.
package engine

// NodeKind is what a node of the execution graph does.
type NodeKind string

// The kinds of nodes.
const (
	NodeInventory NodeKind = "inventory" // look at a target's host
	NodeDeploy    NodeKind = "deploy"    // bring a deployment up, wait until it is ready
	NodeRun       NodeKind = "run"       // one run of one cell
	NodeGate      NodeKind = "gate"      // look at a cell's runs; a decided cell closes its later runs
	NodeStop      NodeKind = "stop"      // tear the deployment down
	NodeJudge     NodeKind = "judge"     // judge every claim
)

// Node is one step. The indexes refer to the plan's tables; -1 where none applies.
// An inventory node names the first deployment on its target.
type Node struct {
	Kind       NodeKind `json:"kind"`
	Deployment int32    `json:"deployment"` // Plan.Deployments
	Cell       int32    `json:"cell"`       // Plan.Cells
	Start      int32    `json:"start"`      // of the deployment, from 1, within this plan
	Run        int32    `json:"run"`        // of a run: its index within the measurement, from 1; of a gate: the runs that it looks at
	Exclusive  int32    `json:"exclusive"`  // Plan.Hosts: the host that the node needs for itself; -1: none
	After      []int32  `json:"after"`      // nodes that must have ended, in any way, before; direct edges only
}

// Graph is the execution graph: ids are positions in Nodes, edges point to smaller
// ids only, so the order of ids is a valid order of execution.
type Graph struct {
	Nodes []Node `json:"nodes"`
}
