package exec

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"aicv/engine"
	"aicv/spec"
	"aicv/verify"
)

// replan makes the plan that planning anew would make: cells that are decided are
// kept, and deployments that no other cell needs are not in it.
func (b *bench) replan(s shape) {
	b.t.Helper()
	p := s.plan()
	p.ID = spec.ID(fmt.Sprintf("plan-%d", len(b.store.applies)+1))
	needed := map[int]bool{}
	for i := range p.Cells {
		c := &p.Cells[i]
		c.Have = len(b.store.runs[c.Measurement])
		in := c.Input()
		in.Runs = b.store.runs[c.Measurement]
		if c.Have == c.RunsMax || c.Cell.Benchmark.Kind != "file" && c.Have > 0 && verify.NewJudge(p.Experiments[0]).Decided(in) { // recorded runs are all taken
			c.Action, c.Deployment = engine.ActionKept, -1
			continue
		}
		if c.Deployment >= 0 {
			needed[c.Deployment] = true
		}
	}
	var kept []engine.Deployment
	moved := map[int32]int32{-1: -1}
	for d := range p.Deployments {
		if needed[d] {
			moved[int32(d)] = int32(len(kept))
			kept = append(kept, p.Deployments[d])
		}
	}
	p.Deployments = kept
	var nodes []engine.Node
	for _, n := range p.Graph.Nodes {
		if to, stays := moved[n.Deployment]; stays && b.stillToDo(p, &n) {
			n.Deployment, n.After = to, nil
			if len(nodes) > 0 {
				n.After = []int32{int32(len(nodes) - 1)}
			}
			nodes = append(nodes, n)
		}
	}
	for i := range p.Cells {
		if c := &p.Cells[i]; c.Deployment >= 0 {
			c.Deployment = int(moved[int32(c.Deployment)])
		}
	}
	for d := range p.Deployments {
		cells := p.Deployments[d].Cells
		p.Deployments[d].Cells = nil
		for _, c := range cells {
			if p.Cells[c].Action != engine.ActionKept {
				p.Deployments[d].Cells = append(p.Deployments[d].Cells, c)
			}
		}
	}
	p.Graph.Nodes = nodes
	b.plan = p
}

// stillToDo reports whether a new plan would have the node.
func (b *bench) stillToDo(p *engine.Plan, n *engine.Node) bool {
	if n.Cell < 0 {
		return true
	}
	c := &p.Cells[n.Cell]
	if c.Action == engine.ActionKept {
		return false
	}
	for _, run := range b.store.runs[c.Measurement] {
		if n.Kind == engine.NodeRun && run.Index == int(n.Run) {
			return false
		}
	}
	return n.Kind != engine.NodeGate || int(n.Run) > c.Have
}

// TestSweepAndPlanAnew is TestSweep with a new plan after each break, as `aicv apply`
// makes one.
func TestSweepAndPlanAnew(t *testing.T) {
	total := 0
	var want outcome
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, sweepShape())
		b.world.recordedRuns = recordedFor(sweepShape())
		var err error
		if total, err = b.broken(0, trapErrorBefore); err != nil {
			t.Fatal(err)
		}
		want = b.outcome(b.resume())
	})
	for n := 1; n <= total; n++ {
		for _, mode := range []trapMode{trapErrorBefore, trapErrorAfter, trapDeadBefore, trapDeadAfter} {
			t.Run(fmt.Sprintf("%d/%d", n, mode), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := newBench(t, sweepShape())
					b.world.recordedRuns = recordedFor(sweepShape())
					_, _ = b.broken(n, mode)
					b.replan(sweepShape())
					if diff := cmp.Diff(want, b.outcome(b.mustFinish())); diff != "" {
						t.Errorf("outcome (-clean +resumed):\n%s", diff)
					}
				})
			})
		}
	}
}

// TestStartsOfKeptCellsAreNotedAsOver finds a start whose end nobody could note.
func TestStartsOfKeptCellsAreNotedAsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, small())
		b.mustFinish()
		b.store.starts[0].Stopped = time.Time{}
		delete(b.store.runs, "m-1-1-fake")
		b.replan(small())
		if len(b.plan.Deployments) != 1 {
			t.Fatalf("%d deployments are planned, want 1", len(b.plan.Deployments))
		}
		b.mustFinish()
	})
}

// TestStartsOfOtherPlansAreNotedAsOver fails to note the end of a start, and goes on
// with a plan that knows nothing of its deployment.
func TestStartsOfOtherPlansAreNotedAsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for n := 1; ; n++ {
			b := newBench(t, small())
			total, _ := b.broken(n, trapErrorBefore)
			if n > total {
				t.Fatal("no call notes the end of a start")
			}
			if len(b.store.starts) != 1 || !b.store.starts[0].Stopped.IsZero() {
				continue
			}
			b.plan = shape{offline: []int{4}, repeats: spec.Repeats{Min: 1, Max: 1, Starts: 1}}.plan()
			b.plan.ID = "plan-2"
			b.mustFinish()
			return
		}
	})
}

// TestAnOrphanThatCouldBeStoppedAfterAll resists for a while.
func TestAnOrphanThatCouldBeStoppedAfterAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, small())
		crashAfterRun(b, 2)
		b.plan = shape{offline: []int{4}, repeats: spec.Repeats{Min: 1, Max: 1, Starts: 1}}.plan()
		b.plan.ID = "plan-2"
		resists := 2
		b.world.onStop = func(context.Context, *fakeServer, time.Duration) error {
			resists--
			return map[bool]error{true: errFlaky}[resists >= 0]
		}
		if r := b.mustFinish(); len(r.Left) > 0 {
			t.Errorf("left: %v", r.Left)
		}
	})
}
