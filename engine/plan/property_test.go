package plan

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"aicv/engine"
	"aicv/metric"
	"aicv/spec"
)

// drawWorld makes a suite of any shape, partly measured.
func drawWorld(t *rapid.T) *world {
	w := newWorld()
	for e := range rapid.IntRange(1, 3).Draw(t, "experiments") {
		low := rapid.IntRange(1, 4).Draw(t, "min")
		r := repeats(low, low+rapid.IntRange(0, 8).Draw(t, "more"), rapid.IntRange(1, 3).Draw(t, "starts"))
		tp := rapid.SliceOfNDistinct(rapid.SampledFrom([]int{1, 2, 4, 8}), 1, 3, rapid.ID[int]).Draw(t, "tensor parallel")
		concurrency := rapid.SliceOfNDistinct(rapid.IntRange(1, 64), 1, 4, rapid.ID[int]).Draw(t, "concurrency")
		w.experiment(fmt.Sprintf("e%d", e), tp, concurrency, r, within10(metric.TTFT))
	}
	w.suite.Seed = rapid.Int64().Draw(t, "seed")
	first, err := w.tryBuild()
	if err != nil {
		t.Fatal(err)
	}
	for i := range first.Cells {
		c := &first.Cells[i]
		if n := rapid.IntRange(0, 4).Draw(t, "stored"); c.MeasuredBy == i && len(w.state.runs[c.Measurement]) == 0 {
			for index := 1; index <= n; index++ {
				w.measure(c, 0.2, index*rapid.IntRange(1, 1).Draw(t, "step"))
			}
		}
	}
	return w
}

func TestEveryGraph(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		p, err := w.tryBuild()
		if err != nil {
			t.Fatal(err)
		}
		checkEdges(t, p)
		checkRuns(t, w, p)
		checkStarts(t, p)
		if err := check(p); err != nil {
			t.Errorf("Load would refuse the plan: %v", err)
		}
	})
}

// checkEdges: edges point to smaller ids, none is doubled, and there are few of them.
func checkEdges(t *rapid.T, p *engine.Plan) {
	edges := 0
	for id, n := range p.Graph.Nodes {
		seen := map[int32]bool{}
		for _, before := range n.After {
			if before < 0 || int(before) >= id || seen[before] {
				t.Errorf("node %d waits for %d", id, before)
			}
			seen[before] = true
		}
		edges += len(n.After)
	}
	if edges > 2*len(p.Graph.Nodes) {
		t.Errorf("%d edges for %d nodes", edges, len(p.Graph.Nodes))
	}
}

// checkRuns: every index that a measurement needs has one run node, stored ones have
// none, and a gate stands behind exactly the runs that it looks at.
func checkRuns(t *rapid.T, w *world, p *engine.Plan) {
	type key struct {
		id    spec.ID
		index int32
	}
	seen := map[key]bool{}
	for id, runs := range w.state.runs {
		for _, run := range runs {
			seen[key{id, int32(run.Index)}] = true
		}
	}
	done := map[spec.ID]int{}
	for i, n := range p.Graph.Nodes {
		switch n.Kind {
		case engine.NodeRun:
			c := &p.Cells[n.Cell]
			k := key{c.Measurement, n.Run}
			if seen[k] || n.Run < 1 {
				t.Errorf("node %d: run %d of a measurement stands twice", i, n.Run)
			}
			seen[k] = true
			done[c.Measurement]++
			if c.MeasuredBy != int(n.Cell) {
				t.Errorf("node %d: a run of a cell that another cell measures", i)
			}
		case engine.NodeGate:
			c := &p.Cells[n.Cell]
			owner := &p.Cells[c.MeasuredBy]
			if c.MeasuredBy == int(n.Cell) && c.Have+done[c.Measurement] != int(n.Run) {
				t.Errorf("node %d: gate at %d runs after %d + %d of %d", i, n.Run, c.Have, done[c.Measurement], owner.RunsMax)
			}
		}
	}
	for i := range p.Cells {
		if c := &p.Cells[i]; c.MeasuredBy == i && done[c.Measurement] != c.RunsMax {
			t.Errorf("cell %d: %d run nodes, want %d", i, done[c.Measurement], c.RunsMax)
		}
	}
}

// checkStarts: what a deployment runs lies between its deploy and its stop, and no
// two deployments are up at once.
func checkStarts(t *rapid.T, p *engine.Plan) {
	up := none
	for i, n := range p.Graph.Nodes {
		switch n.Kind {
		case engine.NodeDeploy:
			if up != none {
				t.Errorf("node %d: deployment %d comes up while %d is", i, n.Deployment, up)
			}
			up = n.Deployment
		case engine.NodeStop:
			if up != n.Deployment {
				t.Errorf("node %d: deployment %d is stopped while %d is up", i, n.Deployment, up)
			}
			up = none
		case engine.NodeRun, engine.NodeGate:
			if up != n.Deployment || p.Cells[n.Cell].Deployment != int(n.Deployment) {
				t.Errorf("node %d: %s on deployment %d while %d is up", i, n.Kind, n.Deployment, up)
			}
		}
	}
	if up != none {
		t.Errorf("deployment %d is never stopped", up)
	}
}

// TestApplyingConverges: after an apply the next plan has nothing to measure, as long
// as all claims are decided or the maximum is reached.
func TestApplyingConverges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		for range 3 {
			p, err := w.tryBuild()
			if err != nil {
				t.Fatal(err)
			}
			w.apply(p)
		}
		p, err := w.tryBuild()
		if err != nil {
			t.Fatal(err)
		}
		if p.Changes() {
			t.Errorf("the plan after three applies is not empty: %v", actions(p))
		}
	})
}
