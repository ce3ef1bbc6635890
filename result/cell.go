package result

import (
	"cmp"
	"fmt"
	"slices"

	"aicv/engine"
	"aicv/metric"
	"aicv/spec"
	"aicv/verify"
)

// bareCell describes a cell of the plan, without verdicts and figures.
func (b *builder) bareCell(i int) Cell {
	p := &b.plan.Cells[i]
	c := Cell{Address: p.Cell.Address(), Key: p.Cell.Key(), Axes: p.Cell.Axes, Source: p.Cell.Source, Measurement: p.Measurement,
		Deployment: b.deployments[i], Excluded: p.Excluded, Identity: identityOf(&p.Cell), Config: p.Cell.Config,
		Load: Load(p.Cell.Load), Prediction: predictionOf(p), Verdicts: []CellVerdict{}, Fit: p.Fit, Aborted: b.aborted[p.Measurement]}
	if failure, failed := b.failures[p.Measurement]; failed {
		c.Failure = &failure
	}
	runs := b.runs[p.Measurement]
	c.Runs = make([]Run, len(runs))
	for k := range runs {
		c.Runs[k] = runOf(&runs[k])
	}
	return c
}

func identityOf(c *spec.Cell) Identity {
	id := Identity{}
	if c.Model != nil {
		id.Model = c.Model.ID
	}
	if c.Hardware != nil {
		id.System = c.Hardware.System
	}
	id.GPUs = c.GPUs()
	if c.Runtime != nil {
		id.Runtime, id.Version = c.Runtime.Kind, c.Runtime.Version()
	}
	id.Target, id.Benchmark, id.Predictor = addressOf(c.Target), addressOf(c.Benchmark), addressOf(c.Predictor)
	return id
}

func addressOf(c *spec.Component) string {
	if c == nil {
		return ""
	}
	return c.Address()
}

func predictionOf(p *engine.PlannedCell) *Prediction {
	if p.Cell.Predictor == nil {
		return nil
	}
	return &Prediction{Values: p.Prediction.Values, Derived: p.Prediction.Derived, Modelled: p.Prediction.Modelled, Memory: p.Prediction.Memory,
		Provenance: p.Prediction.Provenance, Missing: p.Prediction.Missing}
}

func runOf(r *spec.Run) Run {
	x := &r.Result
	return Run{Index: r.Index, Start: r.Start, Started: x.Started, Elapsed: x.Elapsed, Window: x.Window, Requests: x.Requests,
		Failed: x.Failed, Merged: x.Merged, Values: x.Values, Derived: x.Derived, Provenance: x.Provenance}
}

// cutShort says which attempts at runs were cut short, and that what they measured is
// kept and not judged.
func cutShort(list []spec.Aborted) []spec.Finding {
	var findings []spec.Finding
	for i := range list {
		a := &list[i]
		findings = append(findings, spec.Finding{Check: "aborted_run", Severity: spec.FindingNote,
			Message: fmt.Sprintf("an attempt at run %d was cut short, what it measured is kept and not judged: %s ended, %d of them to warm up, %d failed (%s): %s",
				a.Index, metric.Count(a.Requests, "request"), a.Warmup, a.Failed, cmp.Or(a.Source, "its client left nothing else"), a.Why)})
	}
	return findings
}

// eachOnce drops findings that say the same again.
func eachOnce(all []spec.Finding) []spec.Finding {
	var findings []spec.Finding
	for _, f := range all {
		known := slices.ContainsFunc(findings, func(g spec.Finding) bool {
			return g.Check == f.Check && g.Severity == f.Severity && g.Message == f.Message
		})
		if !known {
			findings = append(findings, f)
		}
	}
	return findings
}

// fillCells adds the figures. Cells stand in the experiments in plan order.
func (b *builder) fillCells(r *Result) {
	next, asked := make([]int, len(r.Experiments)), make([][]askedMetric, len(r.Experiments))
	contract := metric.All()
	for i := range r.Experiments {
		asked[i] = askedMetrics(contract, r.Experiments[i].Claims)
	}
	for i := range b.plan.Cells {
		p := &b.plan.Cells[i]
		c := &r.Experiments[p.Experiment].Cells[next[p.Experiment]]
		next[p.Experiment]++
		in := p.Input()
		in.Runs = b.runs[p.Measurement]
		c.Figures = figuresOf(asked[p.Experiment], b.judges[p.Experiment], in)
		seen := b.judges[p.Experiment].Examine(in)
		c.Findings, c.Compared = eachOnce(append(seen.Findings, cutShort(c.Aborted)...)), spec.WithAssumed(seen.Compared, p.Cell.Config, p.Assumed)
	}
}

// askedMetric is a metric of the contract, and whether a report shows it where it was
// measured: it does of the bare ones and of those that a claim is about.
type askedMetric struct {
	*metric.Metric
	asked bool
}

func askedMetrics(contract []metric.Metric, claims []Claim) []askedMetric {
	rows := make([]askedMetric, len(contract))
	for i := range contract {
		m := &contract[i]
		claimed := slices.ContainsFunc(claims, func(c Claim) bool { return c.Subject == m.Name })
		rows[i] = askedMetric{m, m.Percentile == 0 || claimed}
	}
	return rows
}

// figuresOf lists the metrics that are asked for or predicted, in the contract's order.
func figuresOf(metrics []askedMetric, j *verify.Judge, in verify.CellInput) []Figure {
	var figures []Figure
	cell := j.Figures(in)
	for i := range metrics {
		m := &metrics[i]
		predicted := predictedFigure(&in, m.Name)
		if !m.asked && predicted == nil {
			continue
		}
		if e := cell.Of(m.Name); e != nil {
			figures = append(figures, Figure{Metric: m.Name, Unit: m.Unit, Evidence: *e})
		} else if predicted != nil {
			figures = append(figures, Figure{Metric: m.Name, Unit: m.Unit, Unmeasured: true, Evidence: spec.Evidence{Predicted: predicted}})
		}
	}
	return figures
}

func predictedFigure(in *verify.CellInput, name metric.Name) *float64 {
	if in.Prediction == nil {
		return nil
	}
	if v, ok := in.Prediction.Values.Get(name); ok {
		return &v
	}
	return nil
}

// Verdict finds the verdict of a claim (its position in Experiment.Claims) on the
// cell; nil where it was not judged.
func (c *Cell) Verdict(claim int) *CellVerdict {
	if claim < len(c.Verdicts) && c.Verdicts[claim].Claim == claim { // the usual place
		return &c.Verdicts[claim]
	}
	for i := range c.Verdicts {
		if c.Verdicts[i].Claim == claim {
			return &c.Verdicts[i]
		}
	}
	return nil
}

// Measurable are the figure's measured side with its prediction; nil where it was
// not measured.
func (f *Figure) Measurable() *spec.Evidence {
	if f.Unmeasured {
		return nil
	}
	return &f.Evidence
}
