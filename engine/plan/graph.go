package plan

import (
	"context"
	"encoding/binary"
	"math/rand/v2"

	"aicv/engine"
	"aicv/spec"
)

const (
	none      = int32(-1) // no index
	edgeBlock = 4096      // edges that are allocated at once
)

// portion is what one start of a deployment measures of one cell.
type portion struct {
	runs  int
	gates []int // after so many runs of this start, rising
	looks []int // beside each gate: the runs that it looks at, kept ones included
}

// track is one cell's way through the starts of its deployment.
type track struct {
	cell     int32
	measures bool // has run nodes; else another cell's runs serve it
	starts   []portion
	next     indexes
}

// indexes hands out the free run indexes of a measurement, lowest first.
type indexes struct {
	live []spec.Run // stored runs, by index
	next int32
}

func (x *indexes) take() int32 {
	for len(x.live) > 0 && int32(x.live[0].Index) <= x.next {
		if int32(x.live[0].Index) == x.next {
			x.next++
		}
		x.live = x.live[1:]
	}
	x.next++
	return x.next - 1
}

// layOut builds the execution graph. The nodes of one host form a chain, because its
// deployments exclude each other; a run waits for the gates before it through the
// chain. Recorded runs hang on nothing. The judge node comes after all.
func (b *builder) layOut(context.Context) error {
	g := &layout{builder: b, nodes: make([]engine.Node, 0, b.countNodes())}
	g.addRecorded()
	for host := range b.plan.Hosts {
		g.addHost(int32(host))
	}
	if b.plan.Changes() {
		g.add(engine.Node{Kind: engine.NodeJudge, Deployment: none, Cell: none, Exclusive: none, After: g.ends})
	}
	b.plan.Graph.Nodes = g.nodes
	return nil
}

// countNodes bounds the number of nodes, so that they are allocated once.
func (b *builder) countNodes() int {
	n, starts := 1, 1
	for i := range b.plan.Cells {
		if c := &b.plan.Cells[i]; works(c) {
			n += c.RunsMax + len(c.Looks)
			starts = max(starts, b.experiment(c).source.Repeats.Starts)
		}
	}
	return n + len(b.plan.Deployments)*(1+2*min(starts, 4))
}

type layout struct {
	*builder
	nodes []engine.Node
	edges []int32 // what is left of the array that chains' edges are cut from
	ends  []int32 // nodes that nothing follows
	last  int32   // of the chain that is being built
}

func (g *layout) add(n engine.Node) int32 {
	g.nodes = append(g.nodes, n)
	return int32(len(g.nodes) - 1)
}

// follow appends a node to the chain.
func (g *layout) follow(n engine.Node) {
	if g.last != none {
		n.After = g.edge(g.last)
	}
	g.last = g.add(n)
}

// edge cuts a list of one edge from a shared array.
func (g *layout) edge(to int32) []int32 {
	if len(g.edges) == 0 {
		g.edges = make([]int32, edgeBlock)
	}
	cut := g.edges[:1:1]
	g.edges = g.edges[1:]
	cut[0] = to
	return cut
}

// addRecorded adds one node per recorded run that is not in the state yet.
func (g *layout) addRecorded() {
	for i := range g.plan.Cells {
		c := &g.plan.Cells[i]
		if g.recorded[i] == nil || !works(c) || c.MeasuredBy != i {
			continue
		}
		next := g.indexesOf(c)
		for range c.RunsMax {
			g.ends = append(g.ends, g.add(engine.Node{Kind: engine.NodeRun, Deployment: none, Cell: int32(i),
				Run: next.take(), Exclusive: none}))
		}
	}
}

func (g *layout) indexesOf(c *engine.PlannedCell) indexes {
	x := indexes{next: int32(c.RunBase) + 1}
	if c.Have > 0 {
		x.live = g.past(c).Runs
	}
	return x
}

// addHost chains all that one host does: a look at each target, then the
// deployments one after another, reversed at every even start, so that slow drift of
// the host does not favour one of them (ABBA).
func (g *layout) addHost(host int32) {
	g.last = none
	tracks := map[int32][]*track{}
	most := 0
	var order []int32
	targets := map[*spec.Component]bool{}
	for i := range g.plan.Deployments {
		if g.hosts[i] != host {
			continue
		}
		d := &g.plan.Deployments[i]
		order = append(order, int32(i))
		tracks[int32(i)], d.Starts = g.tracksOf(d)
		most = max(most, d.Starts)
		if target := g.plan.Cells[d.Cells[0]].Cell.Target; !targets[target] {
			targets[target] = true
			g.follow(engine.Node{Kind: engine.NodeInventory, Deployment: int32(i), Cell: none, Exclusive: none})
		}
	}
	for start := 1; start <= most; start++ {
		for at := range order {
			deployment := order[at]
			if start%2 == 0 {
				deployment = order[len(order)-1-at]
			}
			if start <= g.plan.Deployments[deployment].Starts {
				g.addStart(deployment, int32(start), tracks[deployment])
			}
		}
	}
	if g.last != none {
		g.ends = append(g.ends, g.last)
	}
}

// tracksOf plans the cells of a deployment over its starts, and says how many of
// these there are.
func (g *layout) tracksOf(d *engine.Deployment) ([]*track, int) {
	tracks := make([]*track, len(d.Cells))
	starts := 0
	for i, cell := range d.Cells {
		c := &g.plan.Cells[cell]
		tracks[i] = &track{cell: int32(cell), measures: c.MeasuredBy == cell,
			starts: portionsOf(c, g.experiment(c).source.Repeats, g.past(c).Runs), next: g.indexesOf(c)}
		starts = max(starts, len(tracks[i].starts))
	}
	return tracks, starts
}

// portionsOf spreads the runs that a cell still needs evenly over the starts that it
// has left, earlier ones taking what is left over, as verify.RunsAtLooks does. A look
// follows the run that completes it.
func portionsOf(c *engine.PlannedCell, r spec.Repeats, runs []spec.Run) []portion {
	left := min(r.Starts, r.Max)
	if left > 1 && c.Have > 0 {
		left -= startsOf(runs)
	}
	left = max(left, 1)
	portions := make([]portion, 0, left)
	total, open := c.Have, c.RunsMax
	for ; open > 0; left-- {
		p := portion{runs: (open + left - 1) / left}
		for _, look := range c.Looks {
			if total < look && look <= total+p.runs {
				p.gates = append(p.gates, look-total)
				p.looks = append(p.looks, look)
			}
		}
		total += p.runs
		open -= p.runs
		portions = append(portions, p)
	}
	return portions
}

// startsOf counts the starts that runs belong to.
func startsOf(runs []spec.Run) int {
	seen := map[int64]bool{}
	for i := range runs {
		seen[runs[i].Start] = true
	}
	return len(seen)
}

// addStart brings a deployment up once: rounds of runs, each in a seeded shuffle of
// the cells that still need one, with gates where a look is complete.
func (g *layout) addStart(deployment, start int32, tracks []*track) {
	node := engine.Node{Deployment: deployment, Cell: none, Start: start, Exclusive: g.hosts[deployment]}
	step := func(kind engine.NodeKind, cell, run int32) {
		node.Kind, node.Cell, node.Run = kind, cell, run
		g.follow(node)
	}
	step(engine.NodeDeploy, none, 0)
	order := make([]*track, 0, len(tracks))
	for round := 1; ; round++ {
		order = order[:0]
		for _, t := range tracks {
			if p := t.portion(start); p != nil && round <= p.runs {
				order = append(order, t)
			}
		}
		if len(order) == 0 {
			break
		}
		g.shuffle(order, deployment, start, round)
		for _, t := range order {
			if t.measures {
				step(engine.NodeRun, t.cell, t.next.take())
			}
		}
		for _, t := range order {
			if look, ok := t.portion(start).lookAfter(round); ok {
				step(engine.NodeGate, t.cell, int32(look))
			}
		}
	}
	step(engine.NodeStop, none, 0)
}

// portion is what the start measures of the cell; nil where nothing.
func (t *track) portion(start int32) *portion {
	if int(start) > len(t.starts) {
		return nil
	}
	return &t.starts[start-1]
}

// lookAfter finds the look that is complete after so many runs of the start.
func (p *portion) lookAfter(runs int) (int, bool) {
	for i, gate := range p.gates {
		if gate == runs {
			return p.looks[i], true
		}
	}
	return 0, false
}

// shuffle orders a round by the suite's seed, the deployment, the start and the round.
func (g *layout) shuffle(order []*track, deployment, start int32, round int) {
	id := g.plan.Deployments[deployment].ID
	seed := binary.AppendVarint([]byte(id), g.plan.Suite.Seed)
	seed = binary.AppendVarint(seed, int64(start))
	hash := spec.HashOf(binary.AppendVarint(seed, int64(round)))
	r := rand.New(rand.NewPCG(binary.LittleEndian.Uint64([]byte(hash[:8])), binary.LittleEndian.Uint64([]byte(hash[8:16]))))
	r.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
}
