package spec

import (
	"fmt"
	"strings"
	"time"

	"aicv/metric"
)

// ApplyStatus is how an apply stands.
type ApplyStatus string

// The statuses. A running apply whose holder is gone was interrupted by a crash.
const (
	ApplyRunning     ApplyStatus = "running"
	ApplyInterrupted ApplyStatus = "interrupted"
	ApplyFinished    ApplyStatus = "finished"
)

// ApplyRecord is one apply of one plan.
type ApplyRecord struct {
	ID       string      `json:"id"`
	Plan     ID          `json:"plan"`
	Started  time.Time   `json:"started"`
	Finished time.Time   `json:"finished,omitzero"`
	Status   ApplyStatus `json:"status"`
	Origin   Origin      `json:"origin"`
	PlanData []byte      `json:"-"` // the saved form of the plan, to continue from
}

// Origin says by what and where an apply was made.
type Origin struct {
	Version  string `json:"version"`            // of aicv
	Host     string `json:"host"`               //
	Revision string `json:"revision,omitempty"` // git revision of the suite, with "+dirty"
	Command  string `json:"command"`            // argv, secrets never in it
}

// Step is the intent of one attempt of one node of the execution graph. It is
// committed before the side effect that it announces.
type Step struct {
	ID      int64     `json:"id"` // given by the store
	Apply   string    `json:"apply"`
	Node    int       `json:"node"`
	Attempt int       `json:"attempt"`
	Kind    string    `json:"kind"`
	Subject string    `json:"subject"`
	Key     string    `json:"key"` // idempotency key that the provider can be asked by
	Started time.Time `json:"started"`
}

// StepStatus is how a step ended.
type StepStatus string

// The statuses of steps.
const (
	StepDone      StepStatus = "done"
	StepFailed    StepStatus = "failed"
	StepAbandoned StepStatus = "abandoned" // interrupted, or lost in a crash
)

// Outcome is what came of a step, committed in one transaction with the facts that
// it brought. Fields that do not apply are nil.
type Outcome struct {
	Status   StepStatus
	Message  string
	Finished time.Time
	Start    *ServerStart
	Run      *Run
	Failures []CellFailure
	Look     *Look
}

// ServerStart is one bring-up of a deployment.
type ServerStart struct {
	ID         int64         `json:"id"` // given by the store; Run.Start refers to it
	Deployment ID            `json:"deployment"`
	Number     int           `json:"number"` // from 1, over all applies
	Target     string        `json:"target"` // component address
	Server     Server        `json:"server"`
	Argv       []string      `json:"argv"` // resolved; secrets as references
	Mapping    []ItemMapping `json:"mapping,omitempty"`
	Effective  Configuration `json:"effective,omitempty"`
	Version    string        `json:"version,omitempty"` // that the server reported
	Inventory  Inventory     `json:"inventory"`
	Elapsed    time.Duration `json:"elapsed_ns"` // from start to ready
	Ready      time.Time     `json:"ready"`
	Stopped    time.Time     `json:"stopped,omitzero"`
}

// Drift says what of the system under a server is another one than at an earlier start
// of it: its image, its host, its driver, its GPUs. What either does not tell is no drift.
func (s *ServerStart) Drift(earlier *ServerStart) []string {
	var drift []string
	for _, f := range []struct{ what, was, is string }{
		{"image", earlier.Server.Image, s.Server.Image},
		{"host", earlier.Inventory.Host, s.Inventory.Host},
		{"driver", earlier.Inventory.Driver, s.Inventory.Driver},
		{"GPUs", gpuKinds(earlier.Inventory.GPUs), gpuKinds(s.Inventory.GPUs)},
	} {
		if f.was != "" && f.is != "" && f.was != f.is {
			drift = append(drift, fmt.Sprintf("its %s: %s at the start before, %s now", f.what, f.was, f.is))
		}
	}
	return drift
}

// gpuKinds says what the GPUs are and what they may draw, not which ones they are.
func gpuKinds(gpus []GPU) string {
	kinds := make([]string, len(gpus))
	for i, g := range gpus {
		kinds[i] = g.Name
		if g.PowerLimitW > 0 {
			kinds[i] = fmt.Sprintf("%s at %g W", g.Name, g.PowerLimitW)
		}
	}
	return strings.Join(kinds, ", ")
}

// CellFailure is a cell that ended without a measurement.
type CellFailure struct {
	Measurement ID
	Failure     Failure
}

// Look is one planned look at a cell's runs.
type Look struct {
	Measurement ID       `json:"measurement"`
	Runs        int      `json:"runs"`    // runs seen, kept ones included
	Of          int      `json:"of"`      // planned looks in all (K)
	Level       float64  `json:"level"`   // of this look's intervals
	Decided     bool     `json:"decided"` // nothing is left to measure for this cell
	Claims      []string `json:"claims"`  // "throughput within 10%: pass"
}

// Judgement is the verdict of one claim on one cell, or of one claim over all
// cells of its experiment (Cell empty).
type Judgement struct {
	Experiment string         `json:"experiment"`
	Assert     string         `json:"assert"`
	Severity   AssertSeverity `json:"severity"`
	Claim      string         `json:"claim"`
	Subject    metric.Name    `json:"subject"`
	Cell       string         `json:"cell,omitempty"` // address
	Measured   ID             `json:"measurement,omitempty"`
	Verdict    Verdict        `json:"verdict"`
	Reason     string         `json:"reason"`          // why, with the figures, one sentence
	Marks      []string       `json:"marks,omitempty"` // "n=1", "edited after data", "derived", "version skew"
	Evidence   *Evidence      `json:"evidence,omitempty"`
	// Compared lists, for a claim against a prediction on one cell, the configuration
	// items that are not the same everywhere.
	Compared []Comparison    `json:"compared,omitempty"`
	Counts   map[Verdict]int `json:"counts,omitempty"` // of a claim over cells
	Rules    ClaimRules      `json:"rules"`
	Basis    ID              `json:"basis,omitempty"` // of a cell: hash of the claims and the prediction that it was judged by (engine.PlannedCell.Basis)
}

// ClaimRules are the parts of a claim that must not change once data is there.
type ClaimRules struct {
	Form   ClaimForm      `json:"form"`
	Op     string         `json:"op,omitempty"`
	Amount metric.Decimal `json:"amount"`
	Max    int            `json:"max"`              // runs
	Guards ID             `json:"guards,omitempty"` // hash of the experiment's guards and accepted items; empty: none
}

// Evidence holds the figures behind a verdict, in the metric's unit.
type Evidence struct {
	Predicted *float64 `json:"predicted,omitempty"`
	Measured  float64  `json:"measured"`            // mean over the samples
	Low       *float64 `json:"low,omitempty"`       // interval of the mean; nil for a point verdict
	High      *float64 `json:"high,omitempty"`      //
	Level     float64  `json:"level,omitempty"`     // of the interval
	BandLow   *float64 `json:"band_low,omitempty"`  // where the measured mean must lie; nil: open
	BandHigh  *float64 `json:"band_high,omitempty"` //
	Error     *float64 `json:"error,omitempty"`     // (predicted - measured) / measured
	Runs      int      `json:"runs"`
	Starts    int      `json:"starts"`
}

// MeasurementInfo describes a measurement in the state.
type MeasurementInfo struct {
	ID      ID     `json:"id"`
	Address string `json:"address"` // cell address under which it was last asked for
	Content Value  `json:"content"` // what the identity covers, readable
	Runs    int    `json:"runs"`    // that count
	Retired int    `json:"retired"` // set aside
	// LastRetired is the highest run index that was set aside, 0 where none was: the
	// indexes of new runs count on from it, so that no index ever stands for two runs.
	LastRetired int `json:"last_retired,omitempty"`
}

// History is what the state holds of a measurement, as planning and judging need it.
type History struct {
	ID          ID
	Address     string   // cell address under which it was last asked for
	Runs        []Run    // that count, in order of their index, without raw rows
	LastRetired int      // highest run index that was set aside, 0 where none was
	Failure     *Failure // that stands; nil: none
	// Bases is what it was judged by in the last judging that concerned it: the distinct
	// Judgement.Basis there. A cell whose own basis is not among them is judged again.
	Bases []ID
	// Rules are those under which its claims were judged once it had runs, oldest first,
	// each once. The slice may be shared, and must not be changed.
	Rules []PastRule
}

// Measured reports whether it ever had a run.
func (h *History) Measured() bool { return h != nil && (len(h.Runs) > 0 || h.LastRetired > 0) }

// PastRule is the rule under which a claim was judged once there was data.
type PastRule struct {
	Subject metric.Name
	Rules   ClaimRules
}

// StepRecord is a step with its outcome; Status is empty while it is open.
type StepRecord struct {
	Step
	Status  StepStatus `json:"status,omitempty"`
	Message string     `json:"message,omitempty"`
}
