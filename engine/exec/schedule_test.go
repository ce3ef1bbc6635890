package exec

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"aicv/engine"
	"aicv/spec"
)

// drawGraph makes a random graph of bring-ups on a few hosts, of offline nodes and of
// edges that point back.
func drawGraph(t *rapid.T) ([]engine.Node, int) {
	hosts := rapid.IntRange(1, 3).Draw(t, "hosts")
	var nodes []engine.Node
	add := func(n engine.Node, after ...int32) int32 {
		id := int32(len(nodes))
		if id > 0 && rapid.IntRange(0, 3).Draw(t, "more") == 0 {
			if extra := rapid.Int32Range(0, id-1).Draw(t, "extra"); nodes[extra].Exclusive < 0 {
				after = append(after, extra)
			}
		}
		n.After = after
		nodes = append(nodes, n)
		return id
	}
	for d := range rapid.IntRange(0, 6).Draw(t, "deployments") {
		n := engine.Node{Kind: engine.NodeDeploy, Deployment: int32(d), Start: 1, Exclusive: int32(rapid.IntRange(0, hosts-1).Draw(t, "host"))}
		last := add(n)
		n.Kind = engine.NodeRun
		for range rapid.IntRange(0, 4).Draw(t, "runs") {
			last = add(n, last)
		}
		n.Kind = engine.NodeStop
		add(n, last)
	}
	for range rapid.IntRange(0, 6).Draw(t, "offline") {
		add(engine.Node{Kind: engine.NodeRun, Deployment: -1, Exclusive: -1})
	}
	return nodes, hosts
}

// TestScheduler ends nodes in any order and wants every node to run once, after what
// it waits for, alone on its host, with no other bring-up between deploy and stop.
func TestScheduler(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nodes, hosts := drawGraph(t)
		s := newScheduler(nodes, hosts)
		var running []int
		ended, begun := map[int]bool{}, map[int]bool{}
		owner := map[int32]groupKey{}
		for {
			for {
				id, ok := s.begin()
				if !ok {
					break
				}
				checkBegin(t, nodes, id, running, ended, begun, owner)
				begun[id] = true
				running = append(running, id)
			}
			if len(running) == 0 {
				break
			}
			at := rapid.IntRange(0, len(running)-1).Draw(t, "ends")
			id := running[at]
			running = slices.Delete(running, at, at+1)
			ended[id] = true
			if nodes[id].Kind == engine.NodeStop {
				delete(owner, nodes[id].Exclusive)
			}
			s.end(id)
		}
		if s.left != 0 || len(ended) != len(nodes) {
			t.Fatalf("%d of %d nodes never began", s.left, len(nodes))
		}
	})
}

func checkBegin(t *rapid.T, nodes []engine.Node, id int, running []int, ended, begun map[int]bool, owner map[int32]groupKey) {
	n := &nodes[id]
	if begun[id] {
		t.Fatalf("node %d began twice", id)
	}
	for _, before := range n.After {
		if !ended[int(before)] {
			t.Fatalf("node %d began before node %d ended", id, before)
		}
	}
	if n.Exclusive < 0 {
		return
	}
	for _, other := range running {
		if nodes[other].Exclusive == n.Exclusive {
			t.Fatalf("nodes %d and %d share a host", id, other)
		}
	}
	if o, owned := owner[n.Exclusive]; owned && o != keyOf(n) {
		t.Fatalf("node %d of %v runs while %v is up", id, keyOf(n), o)
	}
	if n.Kind == engine.NodeDeploy {
		owner[n.Exclusive] = keyOf(n)
	}
}

// TestSchedulerIsLowestFirst wants a serial execution in order of the ids.
func TestSchedulerIsLowestFirst(t *testing.T) {
	p := small().plan()
	s := newScheduler(p.Graph.Nodes, len(p.Hosts))
	for want := range p.Graph.Nodes {
		id, ok := s.begin()
		if !ok || id != want {
			t.Fatalf("began %d (%v), want %d", id, ok, want)
		}
		s.end(id)
	}
}

// BenchmarkSteps runs 10,000 recorded runs that do nothing over the store in memory:
// what is left is the engine's own work for each step.
func BenchmarkSteps(b *testing.B) {
	const cells = 10_000
	loads := make([]int, cells)
	recorded := map[string][]spec.RunResult{}
	for i := range loads {
		loads[i] = i + 1
		result := goodResult(i+1, 0)
		result.Rows = nil
		recorded[fmt.Sprint(i+1)] = []spec.RunResult{result}
	}
	p := shape{offline: loads, repeats: spec.Repeats{Min: 1, Max: 1, Starts: 1}}.plan()
	b.ReportAllocs()
	for b.Loop() {
		w, m := newWorld(), &quick{memory: newMemory()}
		w.recordedRuns = recorded
		r, err := apply(b.Context(), Request{Plan: p, Store: m, Registry: w.registry()}, fakeProbe{w})
		if err != nil || r.Status != spec.ApplyFinished || len(m.runs) != cells {
			b.Fatalf("%+v, %v, %d runs", r, err, len(m.runs))
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/cells, "µs/step")
}
