package spec

import (
	"time"

	"aicv/metric"
)

// Point is what a predictor is asked and what recorded data is matched by: one
// configuration at one load, with everything that the answer depends on.
type Point struct {
	ModelID        string        `json:"model"`
	ModelPath      string        `json:"model_path,omitempty"`
	System         string        `json:"system,omitempty"`
	Runtime        string        `json:"runtime"`
	RuntimeVersion string        `json:"runtime_version,omitempty"`
	Config         Configuration `json:"configuration"`
	// Assumed is what the engine takes for items that Config leaves open, where the
	// runtime knows it. A predictor must be asked for exactly that.
	Assumed Configuration `json:"assumed,omitempty"`
	Load    Load          `json:"load"`
}

// Item finds an item as set, else as assumed; Null where neither knows it.
func (p *Point) Item(name string) Value {
	if v := p.Config.Get(name); !v.IsNull() {
		return v
	}
	return p.Assumed.Get(name)
}

// PointOf is the question that a cell puts.
func PointOf(c *Cell) Point {
	p := Point{ModelID: c.Model.ID, ModelPath: c.Model.Path, Config: c.Config, Load: c.Load,
		Runtime: c.Runtime.Kind, RuntimeVersion: c.Runtime.Version()}
	if c.Hardware != nil {
		p.System = c.Hardware.System
	}
	return p
}

// Prediction is a predictor's answer for one point.
type Prediction struct {
	Values     metric.Values `json:"values"`
	Derived    []metric.Name `json:"derived,omitempty"`      // computed by us from other answers, not given by the predictor
	Modelled   Configuration `json:"modelled,omitempty"`     // the configuration that the answer assumed, as far as known
	Memory     int64         `json:"memory_bytes,omitempty"` // that it takes the model to need on each GPU, weights and KV cache included; 0: not said
	Findings   []Finding     `json:"findings,omitempty"`
	Provenance Provenance    `json:"provenance"`
	Missing    string        `json:"missing,omitempty"` // why there is no answer; empty where there is one
	// Transient says that the answer is missing because the predictor failed on the point,
	// not because it has none: it is not cached, and the next plan asks again.
	Transient bool `json:"-"`
}

// Provenance names the tool behind a figure.
type Provenance struct {
	Tool     string `json:"tool"`
	Version  string `json:"version,omitempty"`
	Database string `json:"database,omitempty"` // performance database and its version
	Source   string `json:"source,omitempty"`   // file, row or command line
}

// WindowKind says over what time a run's rates were taken.
type WindowKind string

// The kinds of window. Unlike kinds are not compared on TTFT or throughput.
const (
	WindowSteady   WindowKind = "steady"    // inside one uninterrupted stream, warm-up and cool-down outside
	WindowWholeRun WindowKind = "whole_run" // from the first request to the last, start burst included
	WindowStatic   WindowKind = "static"    // batches that start together and end before the next, no request beside them
	WindowUnknown  WindowKind = "unknown"   // recorded data that does not say
)

// RunResult is what one benchmark execution of one cell gave.
type RunResult struct {
	Values     metric.Values `json:"values"`
	Derived    []metric.Name `json:"derived,omitempty"` // not measured but computed from what was
	Window     WindowKind    `json:"window"`
	Started    time.Time     `json:"started"`
	Elapsed    time.Duration `json:"elapsed_ns"` // of the window
	Requests   int           `json:"requests"`   // measured, failed ones included
	Failed     int           `json:"failed"`
	Merged     int           `json:"merged,omitempty"` // recorded data: exact repeats merged into this run, beyond the first
	Rows       []RequestRow  `json:"-"`                // raw, kept apart by the store
	Provenance Provenance    `json:"provenance"`
	Findings   []Finding     `json:"findings,omitempty"` // of the benchmark's own; self-checks are computed from Seen
	Seen       *Observation  `json:"seen,omitempty"`     // evidence beside the metrics; nil: none
}

// RequestPhase says in which part of the stream a request was started.
type RequestPhase string

// The phases of a run.
const (
	PhaseWarmup   RequestPhase = "warmup"
	PhaseMeasure  RequestPhase = "measure"
	PhaseCooldown RequestPhase = "cooldown"
)

// RequestRow is one request as the client saw it. Times are monotonic, counted
// from the start of the run.
type RequestRow struct {
	Index        int             `json:"index"`
	Phase        RequestPhase    `json:"phase"`
	Start        time.Duration   `json:"start_ns"`
	TTFT         time.Duration   `json:"ttft_ns"`
	Latency      time.Duration   `json:"latency_ns"`
	InputTokens  int             `json:"input_tokens"`  // the server's count
	OutputTokens int             `json:"output_tokens"` // the server's count
	TokenTimes   []time.Duration `json:"token_ns,omitempty"`
	Error        string          `json:"error,omitempty"` // non-empty: the request failed, its times are not used
}

// Finding is something that makes a number doubtful.
type Finding struct {
	Check    string          `json:"check"`    // stable name: "littles_law"
	Severity FindingSeverity `json:"severity"` //
	Message  string          `json:"message"`  // with the figures
	Metrics  []metric.Name   `json:"metrics,omitempty"`
}

// FindingSeverity says what a finding does to a verdict.
type FindingSeverity string

// The severities of findings: spoils makes the metrics named not comparable.
const (
	FindingNote   FindingSeverity = "note"
	FindingWarn   FindingSeverity = "warn"
	FindingSpoils FindingSeverity = "not_comparable"
)

// Run is a stored run: the statistical sampling unit.
type Run struct {
	Measurement ID    // what was measured
	Index       int   // from 1, unique within the measurement
	Start       int64 // the start (bring-up) of the deployment that it belongs to; 0 for recorded data
	Result      RunResult
}

// Failure is a cell's end without a measurement.
type Failure struct {
	Kind    ErrorKind `json:"kind"`
	Message string    `json:"message"` // cause and fix
}

// Comparison is one configuration item side by side.
type Comparison struct {
	Item      string   `json:"item"`
	Requested Value    `json:"requested"`          // Null: left to the engine
	Assumed   Value    `json:"assumed,omitzero"`   // left to the engine: what it takes by its documentation; Null: unknown
	Effective Value    `json:"effective"`          // what the running engine reported; Null: unknown
	Modelled  Value    `json:"modelled"`           // what the prediction assumed; Null: unknown
	Fidelity  Fidelity `json:"fidelity,omitempty"` // of the engine's flags; empty: exact, or nobody asked
	Why       string   `json:"why,omitempty"`      // of the fidelity
	// The pairs.
	RequestedEffective Agreement `json:"requested_effective"`
	EffectiveModelled  Agreement `json:"effective_modelled"`
	RequestedModelled  Agreement `json:"requested_modelled"`
	Accepted           bool      `json:"accepted,omitempty"` // the suite accepts what it differs in
}
