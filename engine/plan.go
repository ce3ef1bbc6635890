package engine

import (
	"time"

	"aicv/catalog/fit"
	"aicv/spec"
)

// PlanFormat is the version of the saved plan's format.
const PlanFormat = 3

// Plan says what an apply will do, and carries all that it needs to do it.
type Plan struct {
	Format        int                `json:"format"`
	ID            spec.ID            `json:"id"` // hash of everything below
	Suite         SuiteInfo          `json:"suite"`
	StateRevision int64              `json:"state_revision"`
	Experiments   []*spec.Experiment `json:"experiments"` // without their cells and their base
	Cells         []PlannedCell      `json:"cells"`
	Deployments   []Deployment       `json:"deployments"`
	Hosts         []string           `json:"hosts"` // target addresses that need exclusive use
	Graph         Graph              `json:"graph"`
	Gone          []GoneCell         `json:"gone,omitempty"`
	Undecidable   []Undecidable      `json:"undecidable,omitempty"`
	Findings      []spec.Finding     `json:"findings,omitempty"`
	Locks         []LockEntry        `json:"locks,omitempty"`
	Cost          Cost               `json:"cost"`
}

// SuiteInfo identifies the suite that a plan was made from.
type SuiteInfo struct {
	Name        string            `json:"name"`
	Dir         string            `json:"dir"`
	InputHash   string            `json:"input_hash"`
	Inputs      map[string]string `json:"inputs"` // file, variable or tool -> hash, to say what changed
	Seed        int64             `json:"seed"`
	OnUndecided string            `json:"on_undecided"`
}

// Action is what a plan will do with a cell.
type Action string

// The actions.
const (
	ActionNew      Action = "new"      // never measured
	ActionContinue Action = "continue" // some runs are there, more are needed
	ActionKept     Action = "kept"     // nothing to measure
	ActionRejudge  Action = "rejudge"  // nothing to measure, but its claims changed
	ActionRerun    Action = "rerun"    // asked for by --rerun
	ActionRefused  Action = "refused"  // not deployed, because it does not fit on its GPUs
)

// PlannedCell is one cell of the plan.
type PlannedCell struct {
	Cell        spec.Cell       `json:"cell"`
	Measurement spec.ID         `json:"measurement"`
	Experiment  int             `json:"experiment"` // Plan.Experiments
	Deployment  int             `json:"deployment"` // Plan.Deployments; -1: offline or nothing to do
	Action      Action          `json:"action"`
	Why         string          `json:"why"`
	Prediction  spec.Prediction `json:"prediction"`
	// Assumed is what the engine takes for items that the configuration leaves open, where
	// an engine is deployed and its runtime knows. The predictor was asked for exactly that.
	Assumed spec.Configuration `json:"-"` // saved beside the configurations
	// Fit says whether the configuration fits on its GPUs at the load; nil where nothing is
	// deployed on GPUs for the cell.
	Fit      *fit.Result `json:"fit,omitempty"`
	Have     int         `json:"have"`               // runs in the state
	Looks    []int       `json:"looks"`              // numbers of runs at which to look, rising; the last is the maximum
	RunsMin  int         `json:"runs_min"`           // runs that this plan takes at least
	RunsMax  int         `json:"runs_max"`           // and at most
	Excluded bool        `json:"excluded,omitempty"` // by --target or --exclude
	// Basis is the hash of what the cell is judged by: the claims, limits and repeats of
	// its experiment and its prediction. The judge node copies it into the cell's
	// judgements; a plan that finds another one in the state judges the cell again.
	Basis spec.ID `json:"basis"`
	// RunBase is added to the ordinal of each run of the measurement: its first run has
	// the index RunBase+1. It is above 0 only after runs were set aside. Of recorded data,
	// the k-th recorded run has the index RunBase+k.
	RunBase int `json:"run_base,omitempty"`
	// MeasuredBy is the cell whose run nodes measure this one: itself, unless several
	// cells ask for the same measurement. Each of these has gates of its own, and a run
	// is needed as long as one of them is undecided.
	MeasuredBy int `json:"measured_by"`
}

// Deployment is one server configuration that the plan brings up.
type Deployment struct {
	ID      spec.ID `json:"id"`
	Address string  `json:"address"` // short readable name
	Cells   []int   `json:"cells"`   // Plan.Cells that need it
	Starts  int     `json:"starts"`
	GPUs    int     `json:"gpus"` // 0: unknown
	Cost    Cost    `json:"cost"`
}

// GoneCell is a measurement in the state that no cell asks for any more.
type GoneCell struct {
	Measurement spec.ID `json:"measurement"`
	Address     string  `json:"address"`
	Runs        int     `json:"runs"`
}

// Undecidable are claims that can not be decided on a cell for one reason, known
// before anything runs.
type Undecidable struct {
	Cell   string   `json:"cell"`
	Claims []string `json:"claims"` // in the order of the suite, each once
	Why    string   `json:"why"`
}

// LockPoint begins the name of what pins a predictor's answer to one point; the start
// of the point's identity follows.
const LockPoint = "prediction_"

// LockEntry pins what the suite's files leave open.
type LockEntry struct {
	Name  string `json:"name"`  // "predictor.recorded.aic"
	What  string `json:"what"`  // "predictions", "version"
	Value string `json:"value"` // hash or version
}

// Cost is what applying costs, between the fewest and the most runs.
type Cost struct {
	RunsMin     int           `json:"runs_min"`
	RunsMax     int           `json:"runs_max"`
	TimeMin     time.Duration `json:"time_min_ns"`
	TimeMax     time.Duration `json:"time_max_ns"`
	GPUHoursMin float64       `json:"gpu_hours_min"`
	GPUHoursMax float64       `json:"gpu_hours_max"`
	Unknown     int           `json:"unknown,omitempty"` // cells whose time nothing tells
}

// Changes reports whether applying the plan would do anything.
func (p *Plan) Changes() bool {
	for i := range p.Cells {
		if c := &p.Cells[i]; !c.Excluded && c.Action != ActionKept && c.Action != ActionRefused {
			return true
		}
	}
	return false
}

// Withheld says why the plan deploys nothing for the cell although it was never measured;
// empty: it does, or need not.
func (c *PlannedCell) Withheld() string {
	if c.Action != ActionRefused {
		return ""
	}
	return "not deployed, because it does not fit: " + c.Fit.Why()
}
