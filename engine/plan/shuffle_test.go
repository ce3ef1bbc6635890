package plan

import (
	"fmt"
	"slices"
	"testing"

	"aicv/engine"
	"aicv/metric"
)

// roundsOf are the cells in the order in which a deployment's runs measure them, cut into
// rounds of n.
func roundsOf(p *engine.Plan, n int) [][]int32 {
	var order []int32
	for _, node := range p.Graph.Nodes {
		if node.Kind == engine.NodeRun {
			order = append(order, node.Cell)
		}
	}
	return slices.Collect(slices.Chunk(order, n))
}

// TestCellsAreInterleaved: every round measures each cell once, in an order that changes
// from round to round and with the suite's seed, so that no cell always comes after the
// same other one, or last.
func TestCellsAreInterleaved(t *testing.T) {
	loads := []int{1, 2, 4, 8, 16, 32}
	rounds := func(seed int64) [][]int32 {
		w := newWorld()
		w.suite.Seed = seed
		w.experiment("one", []int{1}, loads, repeats(10, 10, 1), within10(metric.TTFT))
		return roundsOf(w.build(t), len(loads))
	}
	one := rounds(1)
	if len(one) != 10 {
		t.Fatalf("%d rounds", len(one))
	}
	orders := map[string]bool{}
	for i, round := range one {
		orders[fmt.Sprint(round)] = true
		if sorted := slices.Sorted(slices.Values(round)); !slices.Equal(sorted, []int32{0, 1, 2, 3, 4, 5}) {
			t.Errorf("round %d measures %v", i+1, round)
		}
	}
	if len(orders) < 8 {
		t.Errorf("%d different orders of 10: %v", len(orders), one)
	}
	if fmt.Sprint(one) == fmt.Sprint(rounds(2)) {
		t.Error("another seed gives the same order")
	}
	if fmt.Sprint(one) != fmt.Sprint(rounds(1)) {
		t.Error("the same seed gives another order")
	}
}
