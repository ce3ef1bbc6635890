package result

import (
	"context"
	"fmt"

	"aicv/engine"
	"aicv/spec"
	"aicv/verify"
)

// Input is what a result is joined from.
type Input struct {
	Plan       *engine.Plan
	Judgements []spec.Judgement // of all experiments: for each claim its cells, then the claim over them
	State      engine.Reader    // nil: nothing was measured
}

// Build joins a result. Judgements of cells or experiments that the plan does not
// have are an error: they would be lost from the report.
func Build(ctx context.Context, in Input) (*Result, error) {
	b := &builder{plan: in.Plan, ids: spec.NewIdentities(), judges: make([]*verify.Judge, len(in.Plan.Experiments))}
	if err := b.read(ctx, in.State); err != nil {
		return nil, err
	}
	r := &Result{FormatVersion: FormatVersion, Suite: suiteOf(in.Plan), Findings: in.Plan.Findings, Gone: len(in.Plan.Gone),
		ExitCode: verify.ExitCode(in.Judgements, in.Plan.Suite.OnUndecided)}
	b.experiments(r)
	if err := join(r, in.Judgements); err != nil {
		return nil, err
	}
	b.fillCells(r)
	r.Totals = b.totals(r)
	r.Standing = standingOf(r)
	return r, nil
}

func suiteOf(p *engine.Plan) Suite {
	return Suite{Name: p.Suite.Name, InputHash: p.Suite.InputHash, Plan: p.ID,
		StateRevision: p.StateRevision, OnUndecided: p.Suite.OnUndecided}
}

// builder holds what the state said.
type builder struct {
	plan        *engine.Plan
	ids         *spec.Identities
	judges      []*verify.Judge // by experiment, made when needed
	deployments []spec.ID       // by cell of the plan; empty for recorded data
	runs        map[spec.ID][]spec.Run
	failures    map[spec.ID]spec.Failure
	aborted     map[spec.ID][]spec.Aborted
	starts      map[spec.ID][]spec.ServerStart
}

func (b *builder) read(ctx context.Context, state engine.Reader) error {
	measurements := make([]spec.ID, 0, len(b.plan.Cells))
	known := make(map[spec.ID]bool, len(b.plan.Cells))
	for i := range b.plan.Cells {
		if id := b.plan.Cells[i].Measurement; !known[id] {
			known[id] = true
			measurements = append(measurements, id)
		}
	}
	deployments := b.identify()
	if state == nil {
		return nil
	}
	var err error
	if b.runs, err = state.Runs(ctx, measurements); err != nil {
		return fmt.Errorf("read the runs: %w", err)
	}
	if b.failures, err = state.Failures(ctx, measurements); err != nil {
		return fmt.Errorf("read the failures: %w", err)
	}
	if b.aborted, err = state.Aborted(ctx, measurements); err != nil {
		return fmt.Errorf("read the runs that were cut short: %w", err)
	}
	if b.starts, err = state.Starts(ctx, deployments); err != nil {
		return fmt.Errorf("read the server starts: %w", err)
	}
	return nil
}

// identify computes each cell's deployment and lists them once, in cell order. Plans
// list only the deployments that they bring up; reports show the earlier ones too.
func (b *builder) identify() []spec.ID {
	b.deployments = make([]spec.ID, len(b.plan.Cells))
	seen := make(map[spec.ID]bool)
	var distinct []spec.ID
	for i := range b.plan.Cells {
		c := &b.plan.Cells[i].Cell
		if c.Target == nil || c.Model == nil {
			continue
		}
		id := b.ids.Deployment(c)
		b.deployments[i] = id
		if !seen[id] {
			seen[id] = true
			distinct = append(distinct, id)
		}
	}
	return distinct
}

// experiments lays out the experiments with their bare cells, in plan order.
func (b *builder) experiments(r *Result) {
	r.Experiments = make([]Experiment, len(b.plan.Experiments))
	for i, e := range b.plan.Experiments {
		b.judges[i] = verify.NewJudge(e)
		looks := verify.RunsAtLooks(e.Repeats)
		r.Experiments[i] = Experiment{Name: e.Name, Claims: []Claim{}, Cells: []Cell{}, Repeats: Repeats{
			Min: e.Repeats.Min, Max: e.Repeats.Max, Starts: e.Repeats.Starts, Looks: looks, Levels: levels(looks)}}
		for _, limit := range e.SLO {
			r.Experiments[i].SLO = append(r.Experiments[i].SLO, Limit(limit))
		}
	}
	for i := range b.plan.Cells {
		e := &r.Experiments[b.plan.Cells[i].Experiment]
		e.Cells = append(e.Cells, b.bareCell(i))
	}
	for i := range r.Experiments {
		b.addDeployments(&r.Experiments[i])
	}
}

func (b *builder) addDeployments(e *Experiment) {
	at := make(map[spec.ID]int)
	for i := range e.Cells {
		id := e.Cells[i].Deployment
		if id == "" {
			continue
		}
		k, known := at[id]
		if !known {
			k = len(e.Deployments)
			at[id] = k
			e.Deployments = append(e.Deployments, Deployment{ID: id, Starts: b.starts[id]})
		}
		e.Deployments[k].Cells++
	}
}

func (b *builder) totals(r *Result) Totals {
	t := Totals{Claims: make(map[spec.Verdict]int)}
	counted := make(map[spec.ID]bool)
	for i := range r.Experiments {
		e := &r.Experiments[i]
		t.Cells += len(e.Cells)
		for k := range e.Claims {
			t.Claims[e.Claims[k].Verdict]++
		}
		for k := range e.Cells {
			c := &e.Cells[k]
			if len(c.Runs) == 0 {
				continue
			}
			t.Measured++
			if !counted[c.Measurement] {
				counted[c.Measurement] = true
				t.Runs += len(c.Runs)
			}
		}
	}
	return t
}

// standingOf sums up the claims that gate, whatever on_undecided says.
func standingOf(r *Result) Standing {
	standing := StandingNoClaims
	for i := range r.Experiments {
		for k := range r.Experiments[i].Claims {
			c := &r.Experiments[i].Claims[k]
			switch {
			case !c.Gates():
			case c.Verdict == spec.VerdictFail:
				return StandingFail
			case c.Verdict != spec.VerdictPass:
				standing = StandingUndecided
			case standing == StandingNoClaims:
				standing = StandingPass
			}
		}
	}
	return standing
}

// Gates reports whether the claim counts for the exit code.
func (c *Claim) Gates() bool { return c.Severity != spec.AssertWarn && c.Severity != spec.AssertInfo }

// levels are those of the intervals at the planned looks.
func levels(looks []int) []float64 {
	out := make([]float64, len(looks))
	for i, n := range looks {
		out[i] = verify.Level(looks, n)
	}
	return out
}
