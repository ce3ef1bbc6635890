package graphview

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"aicv/engine"
	"aicv/internal/golden"
	"aicv/spec"
)

// sample has every kind of node, a recorded run beside them, and a name that needs
// quoting.
func sample() *engine.Plan {
	target := &spec.Component{Role: spec.RoleTarget, Kind: "process", Name: "local"}
	cell := func(value string, deployment int) engine.PlannedCell {
		return engine.PlannedCell{Deployment: deployment, Cell: spec.Cell{Experiment: "scaling", Target: target,
			Axes: []spec.Setting{{Name: "quant", Value: spec.StringValue(value)}}}}
	}
	node := func(kind engine.NodeKind, deployment, cell, start, run, exclusive int32, after ...int32) engine.Node {
		return engine.Node{Kind: kind, Deployment: deployment, Cell: cell, Start: start, Run: run, Exclusive: exclusive, After: after}
	}
	return &engine.Plan{
		ID:    "0123",
		Hosts: []string{"target.process.local"},
		Cells: []engine.PlannedCell{cell(`a "b" #\`, 0), cell("recorded", -1)},
		Deployments: []engine.Deployment{
			{Address: `deployment.sim.fast.llama["quant=x"]`, Cells: []int{0}, Starts: 2},
		},
		Graph: engine.Graph{Nodes: []engine.Node{
			node(engine.NodeRun, -1, 1, 0, 1, -1),
			node(engine.NodeInventory, 0, -1, 0, 0, -1),
			node(engine.NodeDeploy, 0, -1, 1, 0, 0, 1),
			node(engine.NodeRun, 0, 0, 1, 1, 0, 2),
			node(engine.NodeGate, 0, 0, 1, 1, 0, 3),
			node(engine.NodeStop, 0, -1, 1, 0, 0, 4),
			node(engine.NodeDeploy, 0, -1, 2, 0, 0, 5),
			node(engine.NodeRun, 0, 0, 2, 2, 0, 6),
			node(engine.NodeStop, 0, -1, 2, 0, 0, 7),
			node(engine.NodeJudge, -1, -1, 0, 0, -1, 0, 8),
		}},
	}
}

func written(t *testing.T, p *engine.Plan, format string) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, p, format); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestFormats(t *testing.T) {
	golden.Check(t, "graph.dot", written(t, sample(), "dot"))
	golden.Check(t, "graph.mmd", written(t, sample(), "mermaid"))
	golden.Check(t, "graph.json", written(t, sample(), "json"))
}

func TestUnknownFormat(t *testing.T) {
	err := Write(&bytes.Buffer{}, sample(), "svg")
	if err == nil || spec.KindOf(err) != spec.ErrUsage || !strings.Contains(err.Error(), "use dot, mermaid or json") {
		t.Errorf("error %v", err)
	}
}

func TestEmptyGraph(t *testing.T) {
	for _, format := range []string{"dot", "mermaid", "json"} {
		if got := written(t, &engine.Plan{}, format); got == "" {
			t.Errorf("%s: nothing is written", format)
		}
	}
	var d struct{ Nodes []struct{} }
	if err := json.Unmarshal([]byte(written(t, &engine.Plan{}, "json")), &d); err != nil || d.Nodes == nil {
		t.Errorf("nodes %v, error %v; want an empty list", d.Nodes, err)
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestWriteErrorsAreReported(t *testing.T) {
	for _, format := range []string{"dot", "mermaid", "json"} {
		if err := Write(brokenWriter{}, sample(), format); err == nil {
			t.Errorf("%s: a write error is lost", format)
		}
	}
}
