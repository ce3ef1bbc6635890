package exec

import (
	"fmt"

	"aicv/engine"
	"aicv/metric"
	"aicv/spec"
	"aicv/verify"
)

// shape says what a test plan looks like: deployments of one experiment, each with
// the same loads, on one host.
type shape struct {
	deployments int
	loads       []int // concurrencies
	repeats     spec.Repeats
	offline     []int // concurrencies of recorded cells, with as many runs as the repeats' max
	noHost      bool  // nothing is exclusive
	wrong       bool  // predictions are twice the truth
}

func small() shape {
	return shape{deployments: 2, loads: []int{1, 8}, repeats: spec.Repeats{Min: 3, Max: 3, Starts: 1}}
}

func (s shape) plan() *engine.Plan {
	b := &planner{shape: s, plan: &engine.Plan{Format: engine.PlanFormat, ID: "plan-1", Suite: engine.SuiteInfo{Name: "suite", Seed: 7}, Hosts: []string{"target.fake.box"}}}
	b.plan.Experiments = []*spec.Experiment{{Name: "e", Repeats: s.repeats, Asserts: []spec.Assert{{
		Name: "accuracy", Severity: spec.AssertError, Claims: []spec.Claim{{Text: "tpot within 10%", Subject: metric.TPOT,
			Form: spec.ClaimWithin, Amount: metric.MustDecimal("0.1"), Reference: spec.ReferencePredicted}}}}}}
	for _, c := range s.offline {
		b.addOffline(c)
	}
	for d := range s.deployments {
		b.addDeployment(d)
	}
	b.add(engine.Node{Kind: engine.NodeJudge, Deployment: -1, Cell: -1, Exclusive: -1, After: b.ends()})
	return b.plan
}

// depID is the identity of a test plan's d-th deployment.
func depID(d int) spec.ID {
	return shape{deployments: d + 1, loads: []int{1}, repeats: spec.Repeats{Min: 1, Max: 1, Starts: 1}}.plan().Deployments[d].ID
}

type planner struct {
	shape
	plan *engine.Plan
	last int32
	any  bool
}

func (b *planner) add(n engine.Node) {
	b.plan.Graph.Nodes = append(b.plan.Graph.Nodes, n)
}

// chain adds a node behind the last one that it added.
func (b *planner) chain(n engine.Node) {
	if b.any {
		n.After = []int32{b.last}
	}
	b.last, b.any = int32(len(b.plan.Graph.Nodes)), true
	b.add(n)
}

// ends lists the nodes that nothing waits for.
func (b *planner) ends() []int32 {
	waited := map[int32]bool{}
	for _, n := range b.plan.Graph.Nodes {
		for _, before := range n.After {
			waited[before] = true
		}
	}
	var ends []int32
	for id := range b.plan.Graph.Nodes {
		if !waited[int32(id)] {
			ends = append(ends, int32(id))
		}
	}
	return ends
}

func (b *planner) cell(d, concurrency int, benchmark string) int {
	component := func(role spec.Role, kind string) *spec.Component {
		return &spec.Component{Role: role, Kind: kind, Name: "box"}
	}
	predicted := 10 * float64(concurrency)
	if b.wrong {
		predicted *= 2
	}
	values, _ := metric.NewValues(map[metric.Name]float64{metric.TPOT: predicted, metric.Latency: 1000})
	c := spec.Cell{Experiment: "e",
		Axes:  []spec.Setting{{Name: "concurrency", Value: spec.IntValue(concurrency)}, {Name: "tensor_parallel", Value: spec.IntValue(d + 1)}},
		Model: &spec.Model{Name: "m", ID: "org/model"}, Target: component(spec.RoleTarget, "fake"), Runtime: component(spec.RoleRuntime, "fake"),
		Predictor: component(spec.RolePredictor, "fake"), Benchmark: component(spec.RoleBenchmark, benchmark),
		Config: spec.NewConfiguration(spec.Setting{Name: spec.ItemTensorParallel, Value: spec.IntValue(d + 1)}),
		Load:   spec.Load{Concurrency: concurrency, InputTokens: 100, OutputTokens: 10}, Sampling: spec.Sampling{Requests: 20 * concurrency, Warmup: 2 * concurrency, Seed: 100}}
	at := len(b.plan.Cells)
	b.plan.Cells = append(b.plan.Cells, engine.PlannedCell{Cell: c, Measurement: spec.ID(fmt.Sprintf("m-%d-%d-%s", d, concurrency, benchmark)),
		Deployment: -1, Action: engine.ActionNew, Prediction: spec.Prediction{Values: values}, Looks: verify.RunsAtLooks(b.repeats),
		RunsMin: b.repeats.Min, RunsMax: b.repeats.Max, Basis: spec.ID(fmt.Sprintf("basis-%d", at)), MeasuredBy: at})
	return at
}

func (b *planner) addOffline(concurrency int) {
	at := b.cell(99, concurrency, "file")
	for run := 1; run <= b.repeats.Max; run++ {
		b.add(engine.Node{Kind: engine.NodeRun, Deployment: -1, Cell: int32(at), Run: int32(run), Exclusive: -1})
	}
}

func (b *planner) addDeployment(d int) {
	host := int32(0)
	if b.noHost {
		host, b.any = -1, false
	}
	dep := engine.Deployment{ID: spec.ID(fmt.Sprintf("dep%d", d)), Address: fmt.Sprintf("deployment.fake.box.m[%d]", d), Starts: max(1, b.repeats.Starts), GPUs: d + 1}
	for _, c := range b.loads {
		at := b.cell(d, c, "fake")
		b.plan.Cells[at].Deployment = d
		dep.Cells = append(dep.Cells, at)
	}
	b.plan.Deployments = append(b.plan.Deployments, dep)
	if d == 0 || b.noHost {
		b.chain(engine.Node{Kind: engine.NodeInventory, Deployment: int32(d), Cell: -1, Exclusive: -1})
	}
	b.plan.Deployments[d].ID = b.plan.Cells[dep.Cells[0]].Cell.DeploymentID()
	run := 0
	for start := 1; start <= dep.Starts; start++ {
		node := engine.Node{Kind: engine.NodeDeploy, Deployment: int32(d), Cell: -1, Start: int32(start), Exclusive: host}
		b.chain(node)
		for range b.repeats.Max / dep.Starts {
			run++
			b.round(node, dep.Cells, run)
		}
		node.Kind = engine.NodeStop
		b.chain(node)
	}
}

func (b *planner) round(node engine.Node, cells []int, run int) {
	for i := range cells { // every other round in reverse, for variety
		if run%2 == 0 {
			i = len(cells) - 1 - i
		}
		node.Kind, node.Cell, node.Run = engine.NodeRun, int32(cells[i]), int32(run)
		b.chain(node)
	}
	for _, look := range verify.RunsAtLooks(b.repeats) {
		if look == run {
			for _, c := range cells {
				node.Kind, node.Cell, node.Run = engine.NodeGate, int32(c), int32(run)
				b.chain(node)
			}
		}
	}
}
