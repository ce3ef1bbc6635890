package spec

import "aicv/metric"

// Observation is what was seen of a run beside its metrics. Self-checks are computed
// from it whenever the run is judged, so that a changed guard judges anew and measures
// nothing.
type Observation struct {
	Requests *RequestFacts `json:"requests,omitempty"` // nil: the benchmark gave no rows
	Client   *ClientUse    `json:"client,omitempty"`   // nil: the benchmark does not say
	Server   *ServerReport `json:"server,omitempty"`   // nil: recorded data, nobody could ask
	GPUs     []GPUUse      `json:"gpus,omitempty"`     // sampled during the run; none: not sampled
}

// RequestFacts sums up the raw rows of a run. Durations are in ms, and over measured
// requests that did not fail, where nothing else is said.
type RequestFacts struct {
	Warmup       int     `json:"warmup"` // requests before the window
	WarmupFailed int     `json:"warmup_failed,omitempty"`
	Input        Lengths `json:"input"`
	Output       Lengths `json:"output"`
	TTFT         float64 `json:"ttft"`    // mean
	TPOT         float64 `json:"tpot"`    // mean; 0: no request had two tokens
	Latency      float64 `json:"latency"` // mean
	// First and Second are the mean latencies of the halves, in order of start.
	First  float64 `json:"first"`
	Second float64 `json:"second"`
	// Burst is the mean TTFT of those requests that started first, as many as were in
	// flight at once; Later is that of all others. Both 0: there are too few others.
	Burst float64 `json:"burst,omitempty"`
	Later float64 `json:"later,omitempty"`
	// InFlight is the mean number of requests in flight inside the window, and Rate the
	// number that ended in it per second. Both 0: lost requests leave it unknown.
	InFlight float64 `json:"in_flight,omitempty"`
	Rate     float64 `json:"rate,omitempty"`
}

// Lengths are those of a run's requests, in tokens as the server counted them.
type Lengths struct {
	Mean float64 `json:"mean"` // 0: unknown
	Min  int     `json:"min"`
	Max  int     `json:"max"`
}

// ClientUse is what driving the load took of the client's machine.
type ClientUse struct {
	LagMean    float64 `json:"lag_mean_ms"`           // how late the client was for what it had to do next
	LagMax     float64 `json:"lag_max_ms"`            //
	CPUSeconds float64 `json:"cpu_seconds,omitempty"` // of the client; 0: unknown
	CPUShare   float64 `json:"cpu_share,omitempty"`   // of the CPUs that it may use, 0 to 1; 0: unknown
	GCPause    float64 `json:"gc_pause_ms,omitempty"` // all pauses together
}

// ServerReport is what a server said of itself around one run.
type ServerReport struct {
	Version string    `json:"version,omitempty"` // empty: it does not say
	Before  *Counters `json:"before,omitempty"`  // nil: it does not count
	After   *Counters `json:"after,omitempty"`
	Flushed bool      `json:"cache_flushed,omitempty"` // its prefix cache was emptied before the run
	// Effective is the configuration that it reported once it was ready. Items that it
	// does not report are absent. Changed holds those that it reported otherwise after
	// the run.
	Effective Configuration `json:"effective,omitempty"`
	Changed   Configuration `json:"changed,omitempty"`
	Mapping   []ItemMapping `json:"mapping,omitempty"` // of items that its flags do not express exactly
}

// Item is the value that the server reported of an item: the one after the run, where
// it changed. Null: it does not report it.
func (r *ServerReport) Item(name string) Value {
	if v := r.Changed.Get(name); !v.IsNull() {
		return v
	}
	return r.Effective.Get(name)
}

// GPUUse is one GPU during a run, from samples.
type GPUUse struct {
	Index      int     `json:"index"`
	UUID       string  `json:"uuid,omitempty"`
	Samples    int     `json:"samples"`
	SMClockMHz float64 `json:"sm_clock_mhz,omitempty"` // mean; 0: not reported
	PowerW     float64 `json:"power_w,omitempty"`      // mean; 0: not reported
	MemoryMiB  int     `json:"memory_mib,omitempty"`   // most in use; 0: not reported
	// Throttled is the share of samples in which a limit held the clocks down, and
	// Reasons names the limits seen. Idle clocks are none.
	Throttled float64  `json:"throttled,omitempty"`
	Reasons   []string `json:"reasons,omitempty"`
	Foreign   []string `json:"foreign,omitempty"` // processes on it that are none of the server's, "python (pid 17)"
}

// Guard sets thresholds of self-checks for an experiment.
type Guard struct {
	Name string
	// Severity is what exceeding a threshold of this guard comes to.
	Severity   FindingSeverity
	Thresholds []Threshold // sorted by name, each once
	Range      Range       `json:"-"`
}

// Threshold is one threshold of a guard.
type Threshold struct {
	Name  string         // "prefix_cache_hits_max"
	Limit metric.Decimal // a share, a number or ms, as the threshold has it; of a requirement 1 or 0
}
