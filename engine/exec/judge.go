package exec

import (
	"context"
	"fmt"
	"time"

	"aicv/engine"
	"aicv/metric"
	"aicv/spec"
	"aicv/verify"
)

// Judge puts the runs that the state holds through the claims of the plan as they
// stand. It writes nothing.
func Judge(ctx context.Context, p *engine.Plan, state engine.Reader) ([]spec.Judgement, error) {
	if err := check(p); err != nil {
		return nil, err
	}
	facts, err := readEvidence(ctx, p, state)
	if err != nil {
		return nil, err
	}
	cells := make([][]int, len(p.Experiments))
	for i := range p.Cells {
		e := p.Cells[i].Experiment
		cells[e] = append(cells[e], i)
	}
	var judgements []spec.Judgement
	for e, experiment := range p.Experiments {
		if experiment != nil {
			judgements = append(judgements, facts.judge(p, experiment, cells[e])...)
		}
	}
	return judgements, nil
}

// evidence is what the state holds of a plan's cells.
type evidence struct {
	runs     map[spec.ID][]spec.Run
	failures map[spec.ID]spec.Failure
	past     map[spec.ID][]spec.PastRule
	askers   map[spec.ID][]int       // experiments by measurement, each once
	rules    map[int][]spec.PastRule // by experiment
}

func readEvidence(ctx context.Context, p *engine.Plan, state engine.Reader) (*evidence, error) {
	f := &evidence{askers: make(map[spec.ID][]int, len(p.Cells)), rules: map[int][]spec.PastRule{}}
	ids := make([]spec.ID, 0, len(p.Cells))
	for i := range p.Cells {
		c := &p.Cells[i]
		askers := f.askers[c.Measurement]
		if len(askers) == 0 {
			ids = append(ids, c.Measurement)
		}
		if len(askers) == 0 || askers[len(askers)-1] != c.Experiment {
			f.askers[c.Measurement] = append(askers, c.Experiment)
		}
	}
	for i, e := range p.Experiments {
		if e != nil {
			f.rules[i] = verify.Rules(e)
		}
	}
	var err error
	if f.runs, err = state.Runs(ctx, ids); err != nil {
		return nil, fmt.Errorf("read runs: %w", err)
	}
	if f.failures, err = state.Failures(ctx, ids); err != nil {
		return nil, fmt.Errorf("read failures: %w", err)
	}
	if f.past, err = state.Rules(ctx, ids); err != nil {
		return nil, fmt.Errorf("read the rules of earlier judgements: %w", err)
	}
	return f, nil
}

// judge judges one experiment, and notes on each cell's judgements what they rest on.
func (f *evidence) judge(p *engine.Plan, e *spec.Experiment, cells []int) []spec.Judgement {
	inputs := make([]verify.CellInput, len(cells))
	for i, cell := range cells {
		inputs[i] = f.input(&p.Cells[cell])
	}
	judgements := verify.JudgeExperiment(e, inputs)
	next := 0
	for i := range judgements {
		j := &judgements[i]
		if j.Cell == "" { // the claim over all cells ends each claim's list
			next = 0
			continue
		}
		if next < len(cells) {
			j.Basis = p.Cells[cells[next]].Basis
		}
		next++
	}
	return judgements
}

func (f *evidence) input(c *engine.PlannedCell) verify.CellInput {
	in := c.Input()
	in.Runs, in.Past = f.runs[c.Measurement], f.past[c.Measurement]
	if failure, failed := f.failures[c.Measurement]; failed {
		in.Failure = &failure
	}
	for _, asker := range f.askers[c.Measurement] {
		if asker != c.Experiment {
			in.Others = append(in.Others, f.rules[asker]...)
		}
	}
	return in
}

// judge is the node that judges every claim.
func (x *executor) judge(id int) {
	began := time.Now()
	x.started(id)
	s, err := x.open(id, engine.NodeJudge, x.plan.Suite.Name, "")
	if err != nil {
		return
	}
	judgements, err := Judge(x.durable, x.plan, x.store)
	if err == nil {
		err = x.store.Judge(x.durable, x.apply, judgements)
	}
	if err != nil {
		x.fail(fmt.Errorf("judge the claims: %w", err))
		return
	}
	if _, err := x.close(s, spec.Outcome{Status: spec.StepDone}); err != nil {
		return
	}
	x.mutex.Lock()
	x.judgements = append([]spec.Judgement{}, judgements...)
	x.mutex.Unlock()
	for i := range judgements {
		x.emit(verdictEvent(&judgements[i]))
	}
	x.conclude(id, began, "", nil)
}

func verdictEvent(j *spec.Judgement) spec.Event {
	subject := j.Cell
	if subject == "" {
		subject = "experiment." + j.Experiment
	}
	return spec.Event{Type: spec.EventVerdict, Kind: string(engine.NodeJudge), Subject: subject, Phase: j.Claim,
		Verdict: j.Verdict, Message: j.Reason}
}

// gate looks at a cell's runs. A decided cell closes its later runs.
func (x *executor) gate(id int) {
	n := &x.nodes[id]
	in := x.cellInput(n.Cell)
	if why := x.closedReason(n.Cell); why != "" && len(in.Runs) < int(n.Run) {
		x.skip(id, why)
		return
	}
	if len(in.Runs) < int(n.Run) {
		x.skip(id, fmt.Sprintf("only %d of %s are there", len(in.Runs), metric.Count(int(n.Run), "run")))
		return
	}
	in.Runs = in.Runs[:n.Run] // later ones belong to later looks
	look := verify.LookAt(x.experimentOf(n.Cell), in)
	if look.Decided {
		x.mutex.Lock()
		x.closed[n.Cell] = decidedBefore
		x.mutex.Unlock()
	}
	if x.gateDone[id] {
		x.countDone(id)
		return
	}
	if !x.storeLook(id, n, &look) {
		return
	}
	x.countDone(id)
	e := x.event(spec.EventLook, id)
	e.Message = lookText(&look)
	x.emit(e)
}

// closedReason is why a cell needs no more runs; empty: it does.
func (x *executor) closedReason(cell int32) string {
	x.mutex.Lock()
	defer x.mutex.Unlock()
	if why := x.failed[x.plan.Cells[cell].MeasuredBy]; why != "" {
		return why
	}
	return x.closed[cell]
}

func (x *executor) storeLook(id int, n *engine.Node, look *spec.Look) bool {
	s, err := x.open(id, engine.NodeGate, x.subject(n), "")
	if err != nil {
		return false
	}
	_, err = x.close(s, spec.Outcome{Status: spec.StepDone, Look: look})
	return err == nil
}

func lookText(l *spec.Look) string {
	text := "after " + metric.Count(l.Runs, "run") + ": "
	if l.Decided {
		text += "decided"
	} else {
		text += "more runs are needed"
	}
	for _, claim := range l.Claims {
		text += "; " + claim
	}
	return text
}
