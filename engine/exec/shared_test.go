package exec

import (
	"testing"
	"testing/synctest"

	"aicv/engine"
	"aicv/metric"
	"aicv/spec"
)

// TestSharedMeasurement has two cells ask for one measurement: its runs go on until
// both are decided.
func TestSharedMeasurement(t *testing.T) {
	for _, first := range []int32{0, 1} {
		synctest.Test(t, func(t *testing.T) { shareWith(t, first) })
	}
}

// shareWith has the gate of cell first come first.
func shareWith(t *testing.T, first int32) {
	s := small()
	s.deployments, s.loads, s.repeats = 1, []int{1}, spec.Repeats{Min: 3, Max: 5, Starts: 1}
	b := newBench(t, s)
	// The second asker's prediction lies at the band's edge, so it needs more runs.
	other := b.plan.Cells[0]
	other.Cell.Axes = []spec.Setting{{Name: "other", Value: spec.IntValue(1)}}
	other.Prediction.Values, _ = metric.NewValues(map[metric.Name]float64{metric.TPOT: 11.011})
	other.MeasuredBy = 0
	b.plan.Cells = append(b.plan.Cells, other)
	gate := b.plan.Graph.Nodes[5]
	if gate.Kind != engine.NodeGate {
		t.Fatalf("node 5 is a %s", gate.Kind)
	}
	b.plan.Graph.Nodes[5].Cell, gate.Cell = first, 1-first
	nodes := append([]engine.Node{}, b.plan.Graph.Nodes[:6]...)
	nodes = append(nodes, gate)
	nodes = append(nodes, b.plan.Graph.Nodes[6:]...)
	for id := 1; id < len(nodes); id++ {
		nodes[id].After = []int32{int32(id - 1)}
	}
	b.plan.Graph.Nodes = nodes
	b.mustFinish()
	if n := b.runs()["m-0-1-fake"]; n != 5 {
		t.Errorf("%d runs, want 5\n%s", n, b.heard.text(spec.EventLook))
	}
}
