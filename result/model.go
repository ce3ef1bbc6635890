// Package result joins the plan, the state and the judgements into the one model
// that the command line, reports and the web page read.
package result

import (
	"time"

	"aicv/catalog/fit"
	"aicv/metric"
	"aicv/spec"
)

// FormatVersion is the version of the model's JSON form. The first number rises when
// a reader of the old form would misread the new one.
const FormatVersion = "1.0"

// Result is everything that is known of a suite.
type Result struct {
	FormatVersion string         `json:"format_version"`
	Suite         Suite          `json:"suite"`
	Standing      Standing       `json:"standing"`
	ExitCode      int            `json:"exit_code"` // that the verdicts lead to
	Totals        Totals         `json:"totals"`
	Experiments   []Experiment   `json:"experiments"`
	Findings      []spec.Finding `json:"findings,omitempty"` // of the plan, not of one cell
	Gone          int            `json:"gone,omitempty"`     // measurements in the state that no cell asks for any more
}

// Standing is how the suite stands in one word.
type Standing string

// The standings. Only claims of severity error count.
const (
	StandingPass      Standing = "pass"
	StandingFail      Standing = "fail"
	StandingUndecided Standing = "undecided" // a claim is inconclusive, not comparable or without data
	StandingNoClaims  Standing = "no_claims"
)

// Suite identifies what the result is of.
type Suite struct {
	Name          string  `json:"name"`
	InputHash     string  `json:"input_hash"`
	Plan          spec.ID `json:"plan,omitempty"`
	StateRevision int64   `json:"state_revision"`
	OnUndecided   string  `json:"on_undecided,omitempty"`
}

// Totals counts over all experiments.
type Totals struct {
	Cells    int                  `json:"cells"`
	Measured int                  `json:"measured"` // cells with runs
	Runs     int                  `json:"runs"`     // each measurement once
	Claims   map[spec.Verdict]int `json:"claims"`   // over cells, all severities
}

// Experiment is one experiment with its claims and cells.
type Experiment struct {
	Name        string       `json:"name"`
	Repeats     Repeats      `json:"repeats"`
	SLO         []Limit      `json:"slo,omitempty"`
	Claims      []Claim      `json:"claims"`
	Cells       []Cell       `json:"cells"`
	Deployments []Deployment `json:"deployments,omitempty"`
}

// Repeats says how often cells are measured and looked at.
type Repeats struct {
	Min    int       `json:"min"`
	Max    int       `json:"max"`
	Starts int       `json:"starts"`
	Looks  []int     `json:"looks"`  // runs at each planned look
	Levels []float64 `json:"levels"` // of the interval at each look
}

// Limit is one limit of the slo, in the metric's unit.
type Limit struct {
	Metric   metric.Name    `json:"metric"`
	Quantity metric.Decimal `json:"quantity"`
}

// Claim is one claim over all cells of its experiment.
type Claim struct {
	Assert   string               `json:"assert"`
	Severity spec.AssertSeverity  `json:"severity"`
	Text     string               `json:"text"`
	Subject  metric.Name          `json:"subject"`
	Unit     metric.Unit          `json:"unit"`
	Verdict  spec.Verdict         `json:"verdict"`
	Reason   string               `json:"reason"`
	Marks    []string             `json:"marks,omitempty"`
	Counts   map[spec.Verdict]int `json:"counts"`
	Rules    spec.ClaimRules      `json:"rules"`
}

// Cell is one configuration at one load with all that is known of it.
type Cell struct {
	Address     string             `json:"address"`
	Key         string             `json:"key"` // the address inside its experiment
	Axes        []spec.Setting     `json:"axes"`
	Source      spec.CellSource    `json:"source,omitempty"`
	Measurement spec.ID            `json:"measurement"`
	Deployment  spec.ID            `json:"deployment,omitempty"` // Experiment.Deployments; empty for recorded data
	Excluded    bool               `json:"excluded,omitempty"`   // left out of this plan by a selector
	Identity    Identity           `json:"identity"`
	Config      spec.Configuration `json:"configuration"`
	Load        Load               `json:"load"`
	Prediction  *Prediction        `json:"prediction,omitempty"`
	Figures     []Figure           `json:"figures,omitempty"`
	Verdicts    []CellVerdict      `json:"verdicts"`
	Runs        []Run              `json:"runs,omitempty"`
	Aborted     []spec.Aborted     `json:"aborted,omitempty"` // attempts at runs that were cut short; never judged
	Failure     *spec.Failure      `json:"failure,omitempty"`
	Findings    []spec.Finding     `json:"findings,omitempty"` // of its prediction and runs and of how they compare, each once
	Compared    []spec.Comparison  `json:"compared,omitempty"` // configuration items: asked for, assumed, effective, modelled
	Fit         *fit.Result        `json:"fit,omitempty"`      // by estimate, of what is still to be deployed on GPUs
}

// Identity names what the cell runs on.
type Identity struct {
	Model     string `json:"model"` // as the model hub knows it
	System    string `json:"system,omitempty"`
	GPUs      int    `json:"gpus,omitempty"` // of the deployment; 0: unknown
	Runtime   string `json:"runtime"`        // kind
	Version   string `json:"runtime_version,omitempty"`
	Target    string `json:"target,omitempty"`
	Benchmark string `json:"benchmark"`
	Predictor string `json:"predictor,omitempty"`
}

// Load is how hard the server was driven.
type Load struct {
	Concurrency  int            `json:"concurrency,omitempty"`
	RequestRate  metric.Decimal `json:"request_rate,omitzero"` // requests/s
	InputTokens  int            `json:"input_tokens"`          // their mean where lengths vary
	OutputTokens int            `json:"output_tokens"`         // their mean where lengths vary
	Shape        spec.Shape     `json:"shape,omitzero"`
}

// Prediction is what was predicted, and by what.
type Prediction struct {
	Values     metric.Values      `json:"values,omitempty"`
	Derived    []metric.Name      `json:"derived,omitempty"`
	Modelled   spec.Configuration `json:"modelled,omitempty"`
	Memory     int64              `json:"memory_bytes,omitempty"` // on each GPU, as the predictor takes it; 0: not said
	Provenance spec.Provenance    `json:"provenance"`
	Missing    string             `json:"missing,omitempty"`
}

// Figure is one metric of a cell: predicted, measured, and the error between them.
// Bare metrics stand here, and whatever is predicted or claimed.
type Figure struct {
	Metric metric.Name `json:"metric"`
	Unit   metric.Unit `json:"unit"`
	spec.Evidence
	Unmeasured bool `json:"unmeasured,omitempty"` // predicted alone: the measured figure does not exist
}

// CellVerdict is one claim on one cell.
type CellVerdict struct {
	Claim    int            `json:"claim"` // Experiment.Claims
	Verdict  spec.Verdict   `json:"verdict"`
	Reason   string         `json:"reason"`
	Marks    []string       `json:"marks,omitempty"`
	Evidence *spec.Evidence `json:"evidence,omitempty"`
}

// Run is one stored run.
type Run struct {
	Index      int             `json:"index"`
	Start      int64           `json:"start,omitempty"` // Start.ID; 0 for recorded data
	Started    time.Time       `json:"started,omitzero"`
	Elapsed    time.Duration   `json:"elapsed_ns"`
	Window     spec.WindowKind `json:"window"`
	Requests   int             `json:"requests"`
	Failed     int             `json:"failed"`
	Merged     int             `json:"merged,omitempty"`
	Values     metric.Values   `json:"values"`
	Derived    []metric.Name   `json:"derived,omitempty"`
	Provenance spec.Provenance `json:"provenance"`
}

// Deployment is one server configuration and its bring-ups.
type Deployment struct {
	ID     spec.ID            `json:"id"`
	Cells  int                `json:"cells"` // of the experiment that need it
	Starts []spec.ServerStart `json:"starts"`
}
