package exec

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"aicv/engine"
	"aicv/spec"
)

// errInterrupted ends a node that the user's wish to stop abandons.
var errInterrupted = errors.New("interrupted")

// executor is one apply in progress.
type executor struct {
	request  Request
	plan     *engine.Plan
	nodes    []engine.Node
	store    engine.Store
	probe    probe
	tools    *tools
	redact   *redactor
	began    time.Time
	identity string // of the suite
	apply    string // id
	resumed  bool   // an earlier session began this apply

	// Three contexts, each ending with the one before it: hard is the caller's, work
	// ends too when the apply fails, graceful also when a stop at a safe point is
	// wanted. durable never ends: what was done is always committed.
	hard, work, graceful, durable context.Context
	stopWork, stopGracefully      context.CancelFunc
	listener                      sync.WaitGroup

	groups   []*group            // in order of their deploy nodes
	groupOf  map[groupKey]*group // by deployment and start
	gated    [][]int32           // by cell that measures: the cells whose gates close its runs
	starts   map[spec.ID]*startList
	startIDs []spec.ID    // its keys, in order
	attempts map[int]int  // by node: how often it was tried, in earlier sessions too
	gateDone map[int]bool // gates whose look is stored
	retired  bool         // runs were set aside for --rerun in an earlier session
	recorded map[string]*recording

	mutex      sync.Mutex
	err        error                  // the first that stops the apply
	runs       map[spec.ID][]spec.Run // that count, in order of their index
	closed     []string               // by cell: why its gates let nothing more be measured; empty: open
	failed     []string               // by cell that measures: why it gives nothing more in this apply
	deaths     map[int32]deathCount   // by cell: servers that ended under its load
	inventory  map[string]spec.Inventory
	images     map[string]string // contents that are pinned, by reference
	clients    map[string]string // images of benchmarks' clients that are ready, by target and reference
	leftovers  []*leftover
	judgements []spec.Judgement
	ended      int // nodes
	done       int // of the nodes that count as work
	total      int
	pending    []spec.Event // not stored yet
}

type groupKey struct{ deployment, start int32 }

// group is one bring-up that the plan asks for, with the runs that it serves.
type group struct {
	deployment *engine.Deployment
	key        groupKey
	cell       *spec.Cell // any of its cells: they share all but the load
	deploy     int        // node
	stop       int        // node
	host       int32
	runs       []int32 // nodes, in order
	target     *target
	runtime    spec.Runtime
	spec       spec.ServerSpec
	specHash   string // of how the server is started
	mapping    []spec.ItemMapping
	mutex      sync.Mutex // held by the node that works on the group
	up         *upServer  // nil: nothing runs
	wasReady   bool       // it was ready once, in this apply or an earlier one
	failure    error      // it was given up
	stray      *stray     // a server of a crashed session to go on with
	lastKey    string     // of the server that the node brought up in an earlier session
}

// upServer is a server that was started.
type upServer struct {
	server    spec.Server
	start     int64              // id in the state; 0: not committed
	effective spec.Configuration // that it reported once it was ready; nil: unknown
	version   string             // that it reported; empty: unknown
}

func newExecutor(ctx context.Context, r Request, p probe) *executor {
	redact := newRedactor(r.Plan, r.Registry.Getenv)
	x := &executor{
		request: r, plan: r.Plan, nodes: r.Plan.Graph.Nodes, store: discreetStore{r.Store, redact}, redact: redact, probe: p,
		tools: newTools(r.Registry, redact), began: time.Now(), hard: ctx, durable: context.WithoutCancel(ctx),
		groupOf: map[groupKey]*group{}, attempts: map[int]int{}, gateDone: map[int]bool{},
		runs: map[spec.ID][]spec.Run{}, deaths: map[int32]deathCount{}, inventory: map[string]spec.Inventory{}, images: maps.Clone(r.Images), clients: map[string]string{},
		closed: make([]string, len(r.Plan.Cells)), failed: make([]string, len(r.Plan.Cells)),
		gated: make([][]int32, len(r.Plan.Cells)), recorded: map[string]*recording{},
	}
	x.work, x.stopWork = context.WithCancel(ctx)
	x.graceful, x.stopGracefully = context.WithCancel(x.work)
	x.listener.Go(x.listen)
	return x
}

// listen waits for the wish to stop at a safe point.
func (x *executor) listen() {
	select {
	case <-x.request.Stop:
		x.emit(spec.Event{Type: spec.EventInterrupted, Message: "stopping at a safe point and tearing down"})
		x.stopGracefully()
	case <-x.graceful.Done():
	}
}

// release ends what the executor started for itself.
func (x *executor) release() {
	x.stopGracefully()
	x.stopWork()
	x.listener.Wait()
	x.probe.close()
}

func (x *executor) interrupted() bool { return x.graceful.Err() != nil }

// fail stops the apply: nothing new begins, what runs is abandoned.
func (x *executor) fail(err error) {
	x.mutex.Lock()
	if x.err == nil {
		x.err = err
	}
	x.mutex.Unlock()
	x.stopWork()
}

func (x *executor) failure() error {
	x.mutex.Lock()
	defer x.mutex.Unlock()
	return x.err
}

func (x *executor) complete() bool {
	x.mutex.Lock()
	defer x.mutex.Unlock()
	return x.ended == len(x.nodes)
}

// prepare makes the providers and asks the runtimes for their servers, so that what
// can not be done at all is refused before anything is touched.
func (x *executor) prepare() error {
	if err := secretsAreSet(x.plan, x.request.Registry.Getenv); err != nil {
		return err
	}
	for id := range x.nodes {
		if err := x.prepareNode(id, &x.nodes[id]); err != nil {
			return err
		}
	}
	return nil
}

func (x *executor) prepareNode(id int, n *engine.Node) error {
	g := x.groupOf[keyOf(n)]
	switch n.Kind {
	case engine.NodeInventory:
		_, err := x.tools.target(x.plan.Cells[x.plan.Deployments[n.Deployment].Cells[0]].Cell.Target)
		return err
	case engine.NodeDeploy:
		return x.addGroup(id, n)
	case engine.NodeRun:
		x.total++
		if g != nil {
			g.runs = append(g.runs, int32(id))
		}
		return x.prepareRun(n)
	case engine.NodeGate:
		x.addGated(x.plan.Cells[n.Cell].MeasuredBy, n.Cell)
	case engine.NodeStop:
		if g != nil {
			g.stop = id
		}
	}
	return nil
}

func keyOf(n *engine.Node) groupKey { return groupKey{n.Deployment, n.Start} }

func (x *executor) addGated(measures int, cell int32) {
	for _, known := range x.gated[measures] {
		if known == cell {
			return
		}
	}
	x.gated[measures] = append(x.gated[measures], cell)
}

func (x *executor) addGroup(id int, n *engine.Node) error {
	d := &x.plan.Deployments[n.Deployment]
	g := &group{deployment: d, key: keyOf(n), deploy: id, stop: id, host: n.Exclusive, cell: &x.plan.Cells[d.Cells[0]].Cell}
	x.total++
	var err error
	if g.target, err = x.tools.target(g.cell.Target); err != nil {
		return err
	}
	if g.runtime, err = x.tools.runtime(g.cell.Runtime); err != nil {
		return err
	}
	if err := g.render(); err != nil {
		return err
	}
	g.replicate()
	x.groups = append(x.groups, g)
	x.groupOf[g.key] = g
	return nil
}

// render asks the runtime how to start the server. Somebody else's server is only
// asked for the model. A configuration that the runtime refuses is the deployment's
// failure; whatever else it refuses stops the apply.
func (g *group) render() error {
	if !g.target.Managed() {
		g.spec = spec.ServerSpec{ModelName: g.cell.Model.ID}
		return nil
	}
	var err error
	g.spec, g.mapping, err = g.runtime.Render(spec.RenderRequest{Model: *g.cell.Model, Hardware: g.cell.Hardware, Config: g.cell.Config}.One())
	if err == nil {
		g.mapReplicas()
		return g.hashSpec()
	}
	if spec.KindOf(err) == spec.ErrConfiguration {
		g.failure = err
		return nil
	}
	return fmt.Errorf("%s: %w", g.deployment.Address, err)
}

// mapReplicas adds what becomes of the one item that no runtime is asked for.
func (g *group) mapReplicas() {
	if n := g.cell.Config.Size(spec.ItemReplicas); n > 1 {
		g.mapping = append(g.mapping, spec.ItemMapping{Item: spec.ItemReplicas, Fidelity: spec.FidelityExact, Why: "servers behind aicv's own proxy"})
	}
}

// hashSpec identifies how the server is started, secrets by their names: what a crashed
// session started in another way, by another version of aicv say, is not adopted.
func (g *group) hashSpec() error {
	content, err := json.Marshal(g.spec)
	if err != nil {
		return fmt.Errorf("%s: identify its server: %w", g.deployment.Address, err)
	}
	g.specHash = string(spec.HashOf(content))[:8]
	return nil
}

func (g *group) address() string { return g.deployment.Address }

func (g *group) grace() time.Duration {
	if g.spec.Grace > 0 {
		return g.spec.Grace
	}
	return stopGrace
}
