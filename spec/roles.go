package spec

import (
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"aicv/metric"
)

// Registration is one provider: data, and a constructor for its role. A new
// provider is one package and one line in cmd/aicv.
type Registration struct {
	Role    Role
	Kind    string
	Doc     string           // one sentence for the reference
	Schema  Block            // its own rows beside the role's common ones; Name and Labels are left empty
	Metrics []metric.Mapping // predictors and benchmarks: which of its fields answers which metric
	New     Constructor      // exactly one field is set
	// Validate checks a declaration beyond what its schema says, without any I/O; several
	// errors are joined. nil: constructing it is the check.
	Validate func(*Component) error
	// Answers lists the metrics that a component answers, where its declaration decides
	// that; nil: those of Metrics.
	Answers func(*Component) []metric.Name
	// Size is how a run of the benchmark is taken where the suite leaves it open: measured
	// requests, shortest window and warm-up. nil: UsualSampling.
	Size func(Load) Sampling
	// Serve runs the provider's embedded server until ctx ends; nil where it has none.
	// A runtime starts it as `aicv serve KIND ARGS...`, in a process or a container.
	Serve func(ctx context.Context, args []string, stdout, stderr io.Writer) error
}

// Constructor makes a provider from its declaration. The attributes have been
// checked against the schema. Constructors do no I/O.
type Constructor struct {
	Target    func(*Component, Env) (Target, error)
	Runtime   func(*Component, Env) (Runtime, error)
	Predictor func(*Component, Env) (Predictor, error)
	Benchmark func(*Component, Env) (Benchmark, error) // drives a server
	Recording func(*Component, Env) (Recording, error) // offline: recorded measurements
}

// Env is what a provider may know of the world around it.
type Env struct {
	SuiteDir string                           // paths in attributes are relative to it
	WorkDir  string                           // folder for logs and scratch files, beside the state
	Self     string                           // path of the aicv binary, for embedded servers
	Getenv   func(name string) (string, bool) // resolves secret references at the moment of use
}

// Predictor predicts cells.
type Predictor interface {
	// Fingerprint identifies everything but the points that answers depend on: tool,
	// version, database, interpreter, content of files. Cache keys are made from it.
	Fingerprint(ctx context.Context) (string, error)
	// Predict answers all points in one call, in order. A point without answer has
	// Missing set; an error means that no point could be answered.
	Predict(ctx context.Context, points []Point) ([]Prediction, error)
}

// Recommender is a predictor that can also search for good configurations.
type Recommender interface {
	// Recommend returns the rows that meet the limits, best first: at most request.Top that
	// can be deployed, and beside them rows that can not, with a finding that spoils them.
	Recommend(ctx context.Context, request RecommendRequest) ([]Row, error)
}

// RecommendRequest is what a search is asked for.
type RecommendRequest struct {
	Base   Point `json:"base"`   // model, system, runtime and lengths; items that are set are fixed
	GPUs   int   `json:"gpus"`   // that there are; 0: not declared
	Limits SLO   `json:"limits"` // that every row must meet
	Top    int   `json:"top"`    // at most so many rows
}

// Row is a recommended or recorded configuration at its own load.
type Row struct {
	Point    Point         `json:"point"`
	Claimed  metric.Values `json:"claimed,omitempty"`  // what the row itself promises
	Findings []Finding     `json:"findings,omitempty"` // where the row contradicts itself, or can not be deployed as it stands
}

// Supporter is an optional ability of a predictor: it knows early whether it has data.
type Supporter interface {
	// Support answers for each point, in order, whether the predictor has data for its
	// model, system and runtime.
	Support(ctx context.Context, points []Point) ([]Support, error)
}

// Support says whether a predictor has data for a point. A supported one with a Why is
// answered from other data than its own, the nearest.
type Support struct {
	Supported bool   `json:"supported"`
	Why       string `json:"why,omitempty"`     // what is missing
	Nearest   string `json:"nearest,omitempty"` // the nearest that has data: "sglang 0.5.14"
}

// Checker is an optional ability of every provider: it looks at all that it needs
// (aicv doctor). It changes nothing and starts no server.
type Checker interface {
	Check(ctx context.Context) []Check
}

// Check is one thing that doctor looked at.
type Check struct {
	Name   string      `json:"name"`            // "interpreter", "image", "docker daemon"
	Status CheckStatus `json:"status"`          //
	Found  string      `json:"found,omitempty"` // what is there: a path, a version
	Fix    string      `json:"fix,omitempty"`   // what to do about it
}

// CheckGPUs names a target's check of its host's GPUs. Where it finds none it skips: whether
// any is needed depends on what the suite runs there.
const CheckGPUs = "GPUs"

// FileReader is an optional ability of every provider: its answers lie in files that the
// declaration names. Validate has it read them, as a plan would.
type FileReader interface {
	ReadFiles(ctx context.Context) error
}

// ImageChecker is an optional ability of a target: it looks whether the image of a server
// that it would start is there, and has the content that is pinned (empty: none is).
type ImageChecker interface {
	CheckImage(ctx context.Context, server *ServerSpec, pinned string) Check
}

// CheckStatus is the outcome of a check.
type CheckStatus string

// The outcomes. Only a failed check stops an apply from working.
const (
	CheckOK   CheckStatus = "ok"
	CheckWarn CheckStatus = "warn"
	CheckFail CheckStatus = "fail"
	CheckSkip CheckStatus = "skip" // nothing to look at here
)

// FailedCheck is the check that an error makes: what is wrong, the evidence, and the fix.
func FailedCheck(name string, err error) Check {
	c := Check{Name: name, Status: CheckFail, Found: err.Error()}
	var e *Error
	if !errors.As(err, &e) {
		return c
	}
	c.Found, c.Fix = e.Summary, e.Fix
	if e.Cause != nil {
		c.Found += ": " + e.Cause.Error()
	}
	if e.Detail != "" {
		c.Found += ": " + e.Detail
	}
	return c
}

// Recording is an offline benchmark: measurements that somebody took before.
type Recording interface {
	// Lookup finds each point's runs, in order; a point without data has none.
	Lookup(ctx context.Context, points []Point) ([]Recorded, error)
	// Points lists every point of the data, for points_from.
	Points(ctx context.Context) ([]Row, error)
	// Notes lists what was merged or set aside when the data was read.
	Notes(ctx context.Context) ([]Finding, error)
}

// Recorded is what a recording holds for one point.
type Recorded struct {
	Runs    []RunResult
	Missing string // why there is nothing; empty where there is
}

// Runtime is an inference engine: it turns a configuration into a server spec.
type Runtime interface {
	// Render says how to start the engine, with one mapping row per item.
	Render(request RenderRequest) (ServerSpec, []ItemMapping, error)
	// Effective reads the configuration that a running server reports. Items that it
	// does not report are absent.
	Effective(ctx context.Context, server Server) (Configuration, error)
	// Diagnose names a cause from a server's log; false where it knows none.
	Diagnose(log string) (*Error, bool)
}

// Defaulter is an optional ability of a runtime: it knows what the engine takes for
// items that a suite leaves open, so that a predictor can be asked the same.
type Defaulter interface {
	// Defaults returns the documented values of items that the request leaves open, as far
	// as they follow from version, model and hardware. Items that it does not know are absent.
	Defaults(request RenderRequest) Configuration
}

// CounterReader is an optional ability of a runtime: it reads what a running server
// counts of itself. It is asked before and after a run.
type CounterReader interface {
	Counters(ctx context.Context, server Server) (Counters, error)
}

// CacheFlusher is an optional ability of a runtime: it empties a running server's
// prefix cache between runs.
type CacheFlusher interface {
	FlushCache(ctx context.Context, server Server) error
}

// VersionReader is an optional ability of a runtime: it reads the version that a
// running server reports, as its project numbers it. Empty: it does not say.
type VersionReader interface {
	Version(ctx context.Context, server Server) (string, error)
}

// LogReader is an optional ability of a runtime: it reads a configuration from the log of a
// server that got ready, for what the server does not tell when it is asked. Items that the
// log does not tell are absent. A log may hold secrets: known fields only are read.
type LogReader interface {
	EffectiveFromLog(log string) Configuration
}

// Counters are what an engine counts, cumulative since its start but for Running and
// Waiting. A nil figure is one that the engine does not give.
type Counters struct {
	PromptTokens       *float64 `json:"prompt_tokens,omitempty"`
	GenerationTokens   *float64 `json:"generation_tokens,omitempty"`
	PrefixCacheQueries *float64 `json:"prefix_cache_queries,omitempty"` // tokens looked up
	PrefixCacheHits    *float64 `json:"prefix_cache_hits,omitempty"`    // tokens found
	Preemptions        *float64 `json:"preemptions,omitempty"`          // requests evicted or retracted
	Running            *float64 `json:"running,omitempty"`              // requests now
	Waiting            *float64 `json:"waiting,omitempty"`              // requests now
	KVCacheUsage       *float64 `json:"kv_cache_usage,omitempty"`       // share in use now, 0 to 1
}

// One is the request for one of a deployment's replicas: runtimes render single servers.
func (r RenderRequest) One() RenderRequest {
	if r.Config.Size(ItemReplicas) < 2 {
		return r
	}
	r.Config = slices.DeleteFunc(slices.Clone(r.Config), func(s Setting) bool { return s.Name == ItemReplicas })
	return r
}

// RenderRequest is what a runtime needs to know.
type RenderRequest struct {
	Model    Model
	Hardware *Hardware
	Config   Configuration
}

// Fidelity is how exactly a configuration item maps to an engine flag.
type Fidelity string

// The fidelities.
const (
	FidelityExact       Fidelity = "exact"
	FidelityApproximate Fidelity = "approximate"
	FidelityUnsupported Fidelity = "unsupported"
)

// ItemMapping says what became of one configuration item.
type ItemMapping struct {
	Item     string   `json:"item"`
	Flag     string   `json:"flag,omitempty"`
	Fidelity Fidelity `json:"fidelity"`
	Why      string   `json:"why,omitempty"`
}

// Placeholders in a server spec's arguments and environment that the target fills in.
const (
	HostPlaceholder = "{{host}}"
	PortPlaceholder = "{{port}}"
)

// ServerSpec is how to run one server.
type ServerSpec struct {
	Image     string        // containers; empty for processes
	Contained bool          // Command and paths hold inside Image only: it can not run as a process of the host
	Command   []string      // argv with placeholders; never a shell line
	Env       []EnvVar      // added to the target's own
	GPUs      int           // to reserve; 0: none
	Mounts    []Mount       // containers: what they see of the host
	ShmBytes  int64         // containers: size of shared memory; 0: the daemon's default
	ModelName string        // served model name, as requests must give it
	Ready     Readiness     //
	Grace     time.Duration // between SIGTERM and SIGKILL
	Simulated bool          // it serves no model really, so that it needs no host for itself
}

// Mount is a folder or file of the host inside a container. Processes see the host as it is.
type Mount struct {
	Source   string // absolute path on the target's host
	Target   string // absolute path inside
	ReadOnly bool
}

// EnvVar is one environment variable; its value may be a secret reference.
type EnvVar struct {
	Name  string
	Value Value
}

// Readiness says when a server may be used.
type Readiness struct {
	HealthPath string        // answers 200 when ready; empty: not asked
	ModelsPath string        // lists the served model; empty: not asked
	LogPattern string        // regular expression that a log line must match; empty: none
	Generate   bool          // a short generation must be answered: health alone does not prove it
	Phases     []LoadPhase   // what the log says of the way to readiness, in order
	Timeout    time.Duration // from start to ready
}

// LoadPhase is one phase of a server's start, told by its log.
type LoadPhase struct {
	Name    string        // "loading weights"
	Pattern string        // regular expression of the line that begins it or tells of its progress; a group `done` and one `total` are counted
	Timeout time.Duration // most time in it; 0: only the whole's
}

// Target is where servers run.
type Target interface {
	// Inventory looks at the host: GPUs, driver, name.
	Inventory(ctx context.Context) (Inventory, error)
	// Start brings a server up, or returns the one that already runs under the key.
	// It returns once the server was started, not once it is ready.
	Start(ctx context.Context, request StartRequest) (Server, error)
	// Find lists the servers of a suite that run or left something behind. An empty
	// key means all.
	Find(ctx context.Context, suite, key string) ([]Server, error)
	// Status says whether the server still runs, and if not how it ended.
	Status(ctx context.Context, server Server) (ServerStatus, error)
	// Log returns the last bytes of the server's log.
	Log(ctx context.Context, server Server, bytes int) (string, error)
	// Stop ends the server with everything that it started, and removes what the
	// target keeps of it. Stopping what is gone is no error.
	Stop(ctx context.Context, server Server, grace time.Duration) error
	// Managed is false where somebody else runs the servers (endpoint): one
	// deployment, never started or stopped by us.
	Managed() bool
}

// StartRequest asks a target for a server.
type StartRequest struct {
	Suite    string // suite identity, kept as a label
	Key      string // idempotency key
	Spec     ServerSpec
	Digest   string             // content that the image must have, as Server.Image says it; empty: any
	Hardware *Hardware          // declared for the server: its GPUs must be of that system; nil: not declared
	Tell     func(phase string) // hears what takes long, such as the pull of an image; nil: nobody does
}

// GPUSampler is an optional ability of a target: it looks at the GPUs of a running
// server. It is asked every few seconds during a run; of a server without GPUs there are
// no samples.
type GPUSampler interface {
	SampleGPUs(ctx context.Context, server Server) ([]GPUSample, error)
}

// GPUSample is one look at one GPU.
type GPUSample struct {
	Index      int
	UUID       string
	SMClockMHz float64  // 0: not reported
	PowerW     float64  // 0: not reported
	MemoryMiB  int      // in use; 0: not reported
	Slowdowns  []string // heat or power that holds its clocks down now
	Foreign    []string // processes on it that are none of the server's
}

// Lister is an optional ability of a target: it lists what any aicv left on it.
type Lister interface {
	// List finds the servers of all suites, running or not.
	List(ctx context.Context) ([]Owned, error)
}

// Owned is a server with who started it.
type Owned struct {
	Server  Server `json:"server"`
	Running bool   `json:"running"`
	Owner   Owner  `json:"owner"`
}

// Owner says which aicv started a server, as far as the server's labels tell.
type Owner struct {
	Host string `json:"host,omitempty"` // where that aicv ran
	User string `json:"user,omitempty"`
	Work string `json:"work,omitempty"` // the folder beside its state
}

// Server is a started server.
type Server struct {
	Suite     string `json:"suite"`
	Key       string `json:"key"`
	ID        string `json:"id"`  // the target's own name: pid and start time, container id
	URL       string `json:"url"` // base URL, no trailing slash
	ModelName string `json:"model_name"`
	Adopted   bool   `json:"adopted,omitempty"` // it ran already under the key
	Image     string `json:"image,omitempty"`   // containers: content digest of the image that runs
	// Command is the argv that really ran, placeholders filled in; empty: the target did
	// not start it, or does not know any more.
	Command []string `json:"command,omitempty"`
	// Replicas are the servers behind the URL, where aicv's own proxy spreads requests over
	// several; ProxyOverhead is what it adds to a short request.
	Replicas      []Server      `json:"replicas,omitempty"`
	ProxyOverhead time.Duration `json:"proxy_overhead,omitempty"`
}

// SignalUnknown stands for the end of a server that nobody watched: it was adopted,
// and whoever waited for it did not keep how it ended.
const SignalUnknown = "unknown"

// ServerStatus is how a server is doing.
type ServerStatus struct {
	Running  bool
	ExitCode int    // where it exited by itself
	Signal   string // where a signal ended it: "killed"; SignalUnknown where nobody kept how it ended
	Why      string // what the target knows of the end beside that: "out of memory"; empty: nothing
}

// Inventory is what a target's host has.
type Inventory struct {
	Host   string `json:"host"`
	OS     string `json:"os"`
	CPUs   int    `json:"cpus"`
	GPUs   []GPU  `json:"gpus,omitempty"`
	Driver string `json:"driver,omitempty"` // of the GPUs; where it can not be read, why
	CUDA   string `json:"cuda,omitempty"`   // newest CUDA version that the driver supports: an engine built for a newer one does not start
}

// GPU is one device. What can change its speed from one day to the next is part of it,
// so that a measurement says under which limits it was taken.
type GPU struct {
	Index             int     `json:"index"`
	UUID              string  `json:"uuid"`
	Name              string  `json:"name"`                           // as the driver reports it
	MemoryMiB         int     `json:"memory_mib"`                     // in total; 0: not reported
	PowerLimitW       float64 `json:"power_limit_w,omitempty"`        // that is enforced; 0: not reported
	MaxSMClockMHz     int     `json:"max_sm_clock_mhz,omitempty"`     // 0: not reported
	MaxMemoryClockMHz int     `json:"max_memory_clock_mhz,omitempty"` // 0: not reported
	ECC               string  `json:"ecc,omitempty"`                  // "enabled" or "disabled"; empty: not reported
	MIG               bool    `json:"mig,omitempty"`                  // split into MIG instances: it can not be used whole
}

// Benchmark drives a server at one load point.
type Benchmark interface {
	// Budget estimates how long one run takes when a request takes latency.
	Budget(request RunRequest, latency time.Duration) time.Duration
	// Run executes one run. Failed requests are rows, not errors; an error means that
	// nothing was measured.
	Run(ctx context.Context, request RunRequest, emit Emit) (RunResult, error)
}

// LoadChecker is an optional ability of a benchmark: it says of a load, before anything is
// deployed, whether it can drive it as the suite means it. A plan asks for every load that
// it would measure, validate for all of a suite. It may read files that the load names; it
// starts no tool and asks no server. The error's Attribute names the item of the workload
// that is in the way.
type LoadChecker interface {
	CheckLoad(load Load) error
}

// RunRequest is one run's order.
type RunRequest struct {
	Server   Server
	Model    Model // as the suite declares it
	GPUs     int   // of the deployment, all replicas; 0: unknown, per-GPU metrics are left out
	Load     Load
	Sampling Sampling // every field resolved, the seed varied per run
	SLO      SLO      // for goodput; empty: none
	// RunClient runs the benchmark's client where its declaration names an image; nil in a
	// request that is only estimated, and where there is no image.
	RunClient RunClient
}
