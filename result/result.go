// Package result joins what was asked (spec and plan), what was measured (state) and
// what came of it (verify) into the one model that reports, the command line and
// later the user interface read. It computes nothing that a verdict depends on.
package result

import (
	"aicv/engine"
	"aicv/metric"
	"aicv/spec"
)

// FormatVersion is the version of the result's JSON form.
const FormatVersion = "1.0"

// Result is everything that there is to say about a suite.
type Result struct {
	FormatVersion string       `json:"format_version"`
	Suite         Suite        `json:"suite"`
	ExitCode      int          `json:"exit_code"` // what the gating claims come to: 0, 3 or 4
	Counts        Counts       `json:"counts"`    // of all claims over their cells
	Experiments   []Experiment `json:"experiments"`
	Starts        []Start      `json:"starts,omitempty"` // servers that were brought up for the cells
	Findings      []Finding    `json:"findings,omitempty"`
	Gone          int          `json:"gone,omitempty"` // measurements that no cell asks for any more
}

// Suite names the suite.
type Suite struct {
	Name string `json:"name"`
	Dir  string `json:"dir"`
}

// Counts counts verdicts.
type Counts map[spec.Verdict]int

// Experiment is one experiment with its claims and cells.
type Experiment struct {
	Name   string  `json:"name"`
	Claims []Claim `json:"claims"`
	Cells  []Cell  `json:"cells"`
}

// Claim is one claim with its verdict over all cells.
type Claim struct {
	Assert   string              `json:"assert"`
	Severity spec.AssertSeverity `json:"severity"`
	Text     string              `json:"claim"`
	Metric   metric.Name         `json:"metric"`
	Unit     metric.Unit         `json:"unit"`
	Verdict  spec.Verdict        `json:"verdict"`
	Reason   string              `json:"reason"`
	Marks    []string            `json:"marks,omitempty"`
	Counts   Counts              `json:"counts"`
}

// Cell is one cell with its evidence.
type Cell struct {
	Address     string             `json:"address"`
	Key         string             `json:"key"` // the address inside its experiment
	Measurement spec.ID            `json:"measurement"`
	Source      spec.CellSource    `json:"source"`
	Model       string             `json:"model"`
	Runtime     string             `json:"runtime"` // kind and version
	Action      engine.Action      `json:"action"`
	Requested   spec.Configuration `json:"configuration"`
	Load        spec.Load          `json:"load"`
	Prediction  *spec.Prediction   `json:"prediction,omitempty"` // nil: the experiment has no predictor
	Runs        []spec.Run         `json:"runs,omitempty"`
	Failure     *spec.Failure      `json:"failure,omitempty"`
	Verdicts    []Verdict          `json:"verdicts"` // one per claim of the experiment, in order
}

// Verdict is the verdict of one claim on one cell.
type Verdict struct {
	Verdict  spec.Verdict   `json:"verdict"`
	Reason   string         `json:"reason"`
	Marks    []string       `json:"marks,omitempty"`
	Evidence *spec.Evidence `json:"evidence,omitempty"`
}

// Start is one bring-up of a server, with the deployment's readable name.
type Start struct {
	Deployment string `json:"deployment_address"`
	spec.ServerStart
}

// Finding is a finding with the cells that it concerns.
type Finding struct {
	spec.Finding
	Cells []string `json:"cells,omitempty"` // addresses; none: the whole suite
}
