package planview

import (
	"aicv/catalog/fit"
	"aicv/engine"
	"aicv/metric"
	"aicv/spec"
)

// FormatVersion is the version of the document's form.
const FormatVersion = "1.0"

// PlanDocument is a plan as `aicv plan --json` prints it: complete, however many
// cells there are.
type PlanDocument struct {
	FormatVersion string               `json:"format_version"`
	ID            spec.ID              `json:"id"`
	Suite         string               `json:"suite"`
	InputHash     string               `json:"input_hash"`
	StateRevision int64                `json:"state_revision"`
	Changes       bool                 `json:"changes"` // whether an apply would do anything
	Summary       Summary              `json:"summary"`
	Cells         []Cell               `json:"cells"`
	Deployments   []Deployment         `json:"deployments"`
	Gone          []engine.GoneCell    `json:"gone"`
	Undecidable   []engine.Undecidable `json:"undecidable"`
	Findings      []spec.Finding       `json:"findings"`
	Locks         []engine.LockEntry   `json:"locks"`
	Cost          engine.Cost          `json:"cost"`
}

// Cell is one cell of the document.
type Cell struct {
	Address     string         `json:"address"`
	Measurement spec.ID        `json:"measurement"`
	Source      string         `json:"source"`
	From        string         `json:"from"` // what gives the cell: the matrix, or the address of a predictor or a recording
	Action      engine.Action  `json:"action"`
	Why         string         `json:"why"`
	Excluded    bool           `json:"excluded"`
	Deployment  string         `json:"deployment,omitempty"`  // address; empty: none is brought up for it
	MeasuredBy  string         `json:"measured_by,omitempty"` // the cell whose runs serve this one; empty: its own
	Have        int            `json:"have"`
	RunsMin     int            `json:"runs_min"`
	RunsMax     int            `json:"runs_max"`
	Looks       []int          `json:"looks"`
	Requests    int            `json:"requests,omitempty"`      // measured requests per run; 0: recorded data
	Predicted   metric.Values  `json:"predicted,omitempty"`     // by metric, in the contract's units
	Derived     []metric.Name  `json:"derived,omitempty"`       // predicted figures that were computed from others
	Missing     string         `json:"not_predicted,omitempty"` // why there is no prediction
	Findings    []spec.Finding `json:"findings,omitempty"`
	Fit         *fit.Result    `json:"fit,omitempty"` // whether it fits on its GPUs; left out where none are used
	// Items compares the items of the configuration: asked for, taken by the engine unasked,
	// modelled by the prediction.
	Items []spec.Comparison `json:"items,omitempty"`
}

// Deployment is one deployment of the document.
type Deployment struct {
	ID      spec.ID     `json:"id"`
	Address string      `json:"address"`
	Cells   []string    `json:"cells"`
	Starts  int         `json:"starts"`
	GPUs    int         `json:"gpus,omitempty"` // left out where unknown
	Cost    engine.Cost `json:"cost"`
}

// Document makes the complete document of a plan.
func Document(p *engine.Plan) *PlanDocument {
	d := &PlanDocument{
		FormatVersion: FormatVersion, ID: p.ID, Suite: p.Suite.Name, InputHash: p.Suite.InputHash,
		StateRevision: p.StateRevision, Changes: p.Changes(), Summary: Summarize(p),
		Cells: make([]Cell, len(p.Cells)), Deployments: make([]Deployment, len(p.Deployments)),
		Gone: listed(p.Gone), Undecidable: listed(p.Undecidable), Findings: listed(p.Findings),
		Locks: listed(p.Locks), Cost: p.Cost,
	}
	addresses := make([]string, len(p.Cells))
	for i := range p.Cells {
		addresses[i] = p.Cells[i].Cell.Address()
	}
	for i := range p.Cells {
		d.Cells[i] = documentCell(p, i, addresses)
	}
	for i := range p.Deployments {
		x := &p.Deployments[i]
		cells := make([]string, len(x.Cells))
		for j, cell := range x.Cells {
			cells[j] = addresses[cell]
		}
		d.Deployments[i] = Deployment{ID: x.ID, Address: x.Address, Cells: cells, Starts: x.Starts, GPUs: x.GPUs, Cost: x.Cost}
	}
	return d
}

func documentCell(p *engine.Plan, i int, addresses []string) Cell {
	c := &p.Cells[i]
	cell := Cell{
		Address: addresses[i], Measurement: c.Measurement, Source: string(c.Cell.Source), From: origin(p, i), Action: c.Action, Why: c.Why,
		Excluded: c.Excluded, Have: c.Have, RunsMin: c.RunsMin, RunsMax: c.RunsMax, Looks: c.Looks,
		Requests: c.Cell.Sampling.Requests, Predicted: c.Prediction.Values, Derived: c.Prediction.Derived,
		Missing: c.Prediction.Missing, Findings: c.Prediction.Findings, Fit: c.Fit, Items: itemsOf(c),
	}
	if c.Deployment >= 0 {
		cell.Deployment = p.Deployments[c.Deployment].Address
	}
	if c.MeasuredBy != i {
		cell.MeasuredBy = addresses[c.MeasuredBy]
	}
	return cell
}

// listed writes an empty list as [] and not as null.
func listed[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}
