package plan

import (
	"fmt"
	"strings"

	"aicv/engine"
	"aicv/spec"
)

// savedPlan is a plan's document: what cells share is listed once and referred to by
// its place. Fields of the same name hide those of the embedded plan.
type savedPlan struct {
	engine.Plan
	Models      []*spec.Model        `json:"models"`
	Hardware    []*spec.Hardware     `json:"hardware"`
	Components  []*spec.Component    `json:"components"`
	Configs     []spec.Configuration `json:"configurations"`
	Experiments []savedExperiment    `json:"experiments"`
	Cells       []savedCell          `json:"cells"`
	Graph       savedGraph           `json:"graph"`
}

// savedExperiment hides what an experiment of a plan leaves out.
type savedExperiment struct {
	spec.Experiment
	Cells      *struct{} `json:",omitempty"`
	Base       *struct{} `json:",omitempty"`
	PointsFrom int       // component; -1: none
}

type savedCell struct {
	engine.PlannedCell
	Cell cellContent `json:"cell"`
}

// cellContent is a cell with places instead of pointers; -1: none.
type cellContent struct {
	Axes      []spec.Setting  `json:"axes,omitempty"`
	Source    spec.CellSource `json:"source"`
	Model     int             `json:"model"`
	Hardware  int             `json:"hardware"`
	Target    int             `json:"target"`
	Runtime   int             `json:"runtime"`
	Predictor int             `json:"predictor"`
	Benchmark int             `json:"benchmark"`
	Config    int             `json:"configuration"`
	Assumed   int             `json:"assumed"`
	Load      spec.Load       `json:"load"`
	Sampling  spec.Sampling   `json:"sampling"`
}

// savedGraph holds the nodes by column; EdgeCounts says how many of Edges each has.
type savedGraph struct {
	Kinds      string  `json:"kinds"` // a letter per node
	Deployment []int32 `json:"deployment"`
	Cell       []int32 `json:"cell"`
	Start      []int32 `json:"start"`
	Run        []int32 `json:"run"`
	Exclusive  []int32 `json:"exclusive"`
	EdgeCounts []int32 `json:"edge_counts"`
	Edges      []int32 `json:"edges"`
}

// kindLetters pairs the kinds of nodes with their letters in savedGraph.Kinds.
func kindLetters() []struct {
	letter byte
	kind   engine.NodeKind
} {
	return []struct {
		letter byte
		kind   engine.NodeKind
	}{
		{'i', engine.NodeInventory}, {'d', engine.NodeDeploy}, {'r', engine.NodeRun},
		{'g', engine.NodeGate}, {'s', engine.NodeStop}, {'j', engine.NodeJudge},
	}
}

// table lists pointers once, in the order in which they are met.
type table[T any] struct {
	rows  []*T
	index map[*T]int
}

func (t *table[T]) place(row *T) int {
	if row == nil {
		return -1
	}
	if at, known := t.index[row]; known {
		return at
	}
	if t.index == nil {
		t.index = map[*T]int{}
	}
	t.index[row] = len(t.rows)
	t.rows = append(t.rows, row)
	return len(t.rows) - 1
}

// packer collects what cells share.
type packer struct {
	models      table[spec.Model]
	hardware    table[spec.Hardware]
	components  table[spec.Component]
	configs     []spec.Configuration
	configIndex map[string]int
	text        []byte
}

func pack(p *engine.Plan) *savedPlan {
	k := &packer{configIndex: map[string]int{}}
	s := &savedPlan{Plan: *p, Cells: make([]savedCell, len(p.Cells)), Graph: packGraph(p.Graph.Nodes)}
	s.Plan.Cells, s.Plan.Experiments, s.Plan.Graph = nil, nil, engine.Graph{}
	for _, e := range p.Experiments {
		s.Experiments = append(s.Experiments, savedExperiment{Experiment: *e, PointsFrom: k.components.place(e.PointsFrom)})
	}
	for i := range p.Cells {
		s.Cells[i] = savedCell{PlannedCell: p.Cells[i], Cell: k.content(&p.Cells[i])}
	}
	s.Models, s.Hardware, s.Components, s.Configs = k.models.rows, k.hardware.rows, k.components.rows, k.configs
	return s
}

func (k *packer) content(p *engine.PlannedCell) cellContent {
	c := &p.Cell
	return cellContent{
		Axes: c.Axes, Source: c.Source, Load: c.Load, Sampling: c.Sampling, Config: k.config(c.Config), Assumed: k.config(p.Assumed),
		Model: k.models.place(c.Model), Hardware: k.hardware.place(c.Hardware),
		Target: k.components.place(c.Target), Runtime: k.components.place(c.Runtime),
		Predictor: k.components.place(c.Predictor), Benchmark: k.components.place(c.Benchmark),
	}
}

func (k *packer) config(c spec.Configuration) int {
	if c == nil {
		return -1
	}
	k.text = c.AppendCanonical(k.text[:0])
	if at, known := k.configIndex[string(k.text)]; known {
		return at
	}
	k.configIndex[string(k.text)] = len(k.configs)
	k.configs = append(k.configs, c)
	return len(k.configs) - 1
}

func packGraph(nodes []engine.Node) savedGraph {
	columns := make([]int32, 6*len(nodes))
	column := func(i int) []int32 { return columns[i*len(nodes) : (i+1)*len(nodes)] }
	g := savedGraph{Deployment: column(0), Cell: column(1), Start: column(2), Run: column(3), Exclusive: column(4), EdgeCounts: column(5)}
	letters := map[engine.NodeKind]byte{}
	for _, l := range kindLetters() {
		letters[l.kind] = l.letter
	}
	kinds := make([]byte, len(nodes))
	for i := range nodes {
		n := &nodes[i]
		kinds[i] = letters[n.Kind]
		g.Deployment[i], g.Cell[i], g.Start[i], g.Run[i], g.Exclusive[i] = n.Deployment, n.Cell, n.Start, n.Run, n.Exclusive
		g.EdgeCounts[i] = int32(len(n.After))
		g.Edges = append(g.Edges, n.After...)
	}
	g.Kinds = string(kinds)
	return g
}

func (s *savedPlan) unpack() (*engine.Plan, error) {
	p := s.Plan
	p.Experiments = make([]*spec.Experiment, len(s.Experiments))
	u := &unpacker{s: s}
	for i := range s.Experiments {
		e := s.Experiments[i].Experiment
		e.PointsFrom = u.component(s.Experiments[i].PointsFrom, "")
		p.Experiments[i] = &e
	}
	p.Cells = make([]engine.PlannedCell, len(s.Cells))
	for i := range s.Cells {
		p.Cells[i] = s.Cells[i].PlannedCell
		if e := p.Cells[i].Experiment; e < 0 || e >= len(p.Experiments) {
			return nil, fmt.Errorf("cell %d: experiment %d does not exist", i, e)
		}
		p.Cells[i].Assumed = u.config(s.Cells[i].Cell.Assumed)
		p.Cells[i].Cell = u.cell(&s.Cells[i].Cell, p.Experiments[p.Cells[i].Experiment].Name)
	}
	var err error
	if u.err != nil {
		return nil, u.err
	}
	p.Graph.Nodes, err = s.Graph.unpack()
	return &p, err
}

// unpacker resolves places; the first one that does not exist is kept as the error.
type unpacker struct {
	s   *savedPlan
	err error
}

func (u *unpacker) cell(c *cellContent, experiment string) spec.Cell {
	return spec.Cell{
		Experiment: experiment, Axes: c.Axes, Source: c.Source, Load: c.Load, Sampling: c.Sampling,
		Model: resolve(u, u.s.Models, c.Model, "model"), Hardware: resolve(u, u.s.Hardware, c.Hardware, ""),
		Target: u.component(c.Target, ""), Runtime: u.component(c.Runtime, "runtime"),
		Predictor: u.component(c.Predictor, ""), Benchmark: u.component(c.Benchmark, "benchmark"),
		Config: u.config(c.Config),
	}
}

func (u *unpacker) component(at int, required string) *spec.Component {
	return resolve(u, u.s.Components, at, required)
}

func (u *unpacker) config(at int) spec.Configuration {
	if at < -1 || at >= len(u.s.Configs) {
		u.err = fmt.Errorf("configuration %d does not exist", at)
		return nil
	}
	if at == -1 {
		return nil
	}
	return u.s.Configs[at]
}

// resolve finds a row; required names what must be there, empty where nothing may be.
func resolve[T any](u *unpacker, rows []*T, at int, required string) *T {
	if at == -1 && required == "" {
		return nil
	}
	if at < 0 || at >= len(rows) || rows[at] == nil {
		u.err = fmt.Errorf("a cell refers to row %d of a table of %d (%s)", at, len(rows), required)
		return nil
	}
	return rows[at]
}

func (g *savedGraph) unpack() ([]engine.Node, error) {
	n := len(g.Kinds)
	for _, column := range [][]int32{g.Deployment, g.Cell, g.Start, g.Run, g.Exclusive, g.EdgeCounts} {
		if len(column) != n {
			return nil, fmt.Errorf("the graph has %d nodes and a column of %d", n, len(column))
		}
	}
	var kinds [256]engine.NodeKind
	for _, l := range kindLetters() {
		kinds[l.letter] = l.kind
	}
	if n == 0 {
		return nil, nil
	}
	nodes := make([]engine.Node, n)
	edges := g.Edges
	for i := range nodes {
		count := int(g.EdgeCounts[i])
		if count < 0 || count > len(edges) {
			return nil, fmt.Errorf("node %d has %d edges, and %d are left", i, count, len(edges))
		}
		nodes[i] = engine.Node{Kind: kinds[g.Kinds[i]], Deployment: g.Deployment[i], Cell: g.Cell[i], Start: g.Start[i],
			Run: g.Run[i], Exclusive: g.Exclusive[i]}
		if count > 0 {
			nodes[i].After = edges[:count:count]
		}
		edges = edges[count:]
	}
	if len(edges) > 0 {
		return nil, fmt.Errorf("%d edges belong to no node", len(edges))
	}
	return nodes, nil
}

// check verifies every index of a plan that was read from outside.
func check(p *engine.Plan) error {
	for i := range p.Cells {
		c := &p.Cells[i]
		switch {
		case !within(c.Deployment, -1, len(p.Deployments)):
			return fmt.Errorf("cell %d: deployment %d does not exist", i, c.Deployment)
		case !within(c.MeasuredBy, 0, len(p.Cells)):
			return fmt.Errorf("cell %d: cell %d does not exist", i, c.MeasuredBy)
		case c.Have < 0 || c.RunsMin < 0 || c.RunsMax < 0 || c.RunBase < 0:
			return fmt.Errorf("cell %d: a number of runs is negative", i)
		case c.Action == engine.ActionRefused && c.Fit == nil:
			return fmt.Errorf("cell %d: nothing says why it is not deployed", i)
		case c.Deployment >= 0 && c.Cell.Target == nil:
			return fmt.Errorf("cell %d: its deployment has no target", i)
		}
	}
	for i := range p.Deployments {
		if len(p.Deployments[i].Cells) == 0 {
			return fmt.Errorf("deployment %d has no cells", i)
		}
		for _, cell := range p.Deployments[i].Cells {
			if !within(cell, 0, len(p.Cells)) || p.Cells[cell].Deployment != i {
				return fmt.Errorf("deployment %d: cell %d does not belong to it", i, cell)
			}
		}
	}
	return checkGraph(p)
}

func checkGraph(p *engine.Plan) error {
	for i := range p.Graph.Nodes {
		n := &p.Graph.Nodes[i]
		if n.Kind == "" {
			return fmt.Errorf("node %d has an unknown kind", i)
		}
		if !within(int(n.Deployment), -1, len(p.Deployments)) || !within(int(n.Cell), -1, len(p.Cells)) ||
			!within(int(n.Exclusive), -1, len(p.Hosts)) || n.Run < 0 || n.Start < 0 {
			return fmt.Errorf("node %d refers to what does not exist", i)
		}
		needsCell := n.Kind == engine.NodeRun || n.Kind == engine.NodeGate
		needsDeployment := strings.Contains(" inventory deploy stop ", " "+string(n.Kind)+" ")
		if (needsCell && n.Cell < 0) || (needsDeployment && n.Deployment < 0) {
			return fmt.Errorf("node %d (%s) does not say what it concerns", i, n.Kind)
		}
		for _, before := range n.After {
			if !within(int(before), 0, i) {
				return fmt.Errorf("node %d waits for node %d", i, before)
			}
		}
	}
	return nil
}

// within reports low <= n < high.
func within(n, low, high int) bool { return n >= low && n < high }
