package spec

import (
	"math"
	"time"

	"aicv/metric"
)

// Role is what a provider does.
type Role string

// The roles.
const (
	RoleTarget    Role = "target"
	RoleRuntime   Role = "runtime"
	RolePredictor Role = "predictor"
	RoleBenchmark Role = "benchmark"
)

// Suite is everything that the files of one folder declare, evaluated and checked.
type Suite struct {
	Dir         string   // the suite's folder
	Name        string   // from the suite block, else the folder's name
	OnUndecided string   // "fail" (exit 4) or "warn" (exit 0)
	Seed        int64    // seeds shuffles and prompts
	Files       []string // names relative to Dir, sorted
	InputHash   string   // hash over the files' contents, variables and recorded inputs
	// Inputs has one hash per input that InputHash covers ("suite.hcl", "var.models"), to
	// say which one changed; nil: only the whole is known.
	Inputs      map[string]string
	Models      []*Model
	Hardware    []*Hardware
	Components  []*Component // targets, runtimes, predictors and benchmarks in source order
	Experiments []*Experiment
}

// Model is a model as the predictor and the model hub know it.
type Model struct {
	Name       string // label in the suite
	ID         string // "Qwen/Qwen3-32B-FP8"
	Path       string // optional local checkpoint, absolute
	ConfigHash string // hash of the checkpoint's config.json; empty without one
	Range      Range  `json:"-"`
}

// Hardware is a pool of like GPUs.
type Hardware struct {
	Name   string
	System string // aiconfigurator's name: h200_sxm
	GPUs   int
	Memory int64 // bytes of one GPU that an engine can use at most; 0: unknown, so nobody can say what fits
	Range  Range `json:"-"`
}

// Component is a declared target, runtime, predictor or benchmark.
type Component struct {
	Role  Role
	Kind  string // the provider: "process", "sglang", "aiconfigurator", "loadgen" ...
	Name  string
	Attrs Attrs // the role's common rows and the provider's own
	// Incidental names the attributes that identities leave out, as the schema has them
	// (Block.Incidental). It travels with the component, into saved plans too.
	Incidental []string `json:",omitempty"`
	Range      Range    `json:"-"`
}

// Content is what identities cover of the component beside its kind: its attributes
// without the incidental ones.
func (c *Component) Content() Value { return c.Attrs.without(c.Incidental) }

// Address is `runtime.sglang.v0_5_14`.
func (c *Component) Address() string { return string(c.Role) + "." + c.Kind + "." + c.Name }

// Version is a runtime's declared version; empty for other roles.
func (c *Component) Version() string { return c.Attrs.Text("version") }

// Experiment is one experiment with its cells expanded.
type Experiment struct {
	Name        string
	Cells       []Cell       // the matrix's rows, in row order (last axis varies fastest)
	Recommended *Recommended // nil: none asked for
	PointsFrom  *Component   // recorded benchmark whose points become cells; nil: none
	Base        Cell         // what all rows share; rows from Recommended and PointsFrom start from it
	SLO         SLO
	Repeats     Repeats
	DeployUnfit bool // deploy cells that by estimate do not fit on their GPUs, instead of leaving them out
	Asserts     []Assert
	Guards      []Guard   // thresholds of self-checks; a later one prevails
	Accept      []string  // configuration items that may differ, or that the engine may not support; sorted
	Origin      *Imported `json:",omitempty"` // nil: written by hand
	Range       Range     `json:"-"`
}

// Imported says what an experiment was translated from, so that it can be translated back
// without losing what a suite has no word for. It is no part of any identity.
type Imported struct {
	Format string // as aicv import names it
	File   string // copy of the document, relative to the suite's folder
	Entry  string // part of the document that the experiment stands for; empty: all of it
}

// Recommended asks the predictor for its best rows under the experiment's slo.
type Recommended struct {
	Top int
}

// SLO holds the limits of an experiment, in the contract's units, by metric.
type SLO []Limit

// Limit is one limit: the metric must not be worse than Quantity.
type Limit struct {
	Metric   metric.Name
	Quantity metric.Decimal // in the metric's unit
}

// Broken finds the first limit that figures break; false where they keep all that they
// have a figure for.
func (s SLO) Broken(figures metric.Values) (Limit, bool) {
	for _, limit := range s {
		v, there := figures.Get(limit.Metric)
		m, known := metric.Lookup(limit.Metric)
		if !there || !known {
			continue
		}
		bound := limit.Quantity.Float64()
		if m.Direction == metric.LessIsBetter && v > bound || m.Direction == metric.MoreIsBetter && v < bound {
			return limit, true
		}
	}
	return Limit{}, false
}

// Repeats says how often each cell is measured.
type Repeats struct {
	Min, Max int // runs of a cell
	Starts   int // times that its deployment is brought up
}

// Assert is one named group of claims.
type Assert struct {
	Name     string
	Severity AssertSeverity
	Claims   []Claim
}

// AssertSeverity says whether a claim gates the exit code.
type AssertSeverity string

// The severities of an assert: error gates, warn and info are reported only.
const (
	AssertError AssertSeverity = "error"
	AssertWarn  AssertSeverity = "warn"
	AssertInfo  AssertSeverity = "info"
)

// Load is how hard a server is driven. Exactly one of Concurrency and RequestRate
// is set.
type Load struct {
	Concurrency  int            // requests in flight, over all replicas
	RequestRate  metric.Decimal // requests/s
	InputTokens  int            // ISL, tokens per request; their mean where lengths vary, 0 where a dataset decides
	OutputTokens int            // OSL, tokens per request; their mean where lengths vary, 0 where a dataset decides
	Shape        Shape          `json:",omitzero"`
}

// Sampling is how one run is taken.
type Sampling struct {
	Requests   int           // measured requests; 0: as is usual (Registration.Size), and at least what the claims' percentiles need
	Duration   time.Duration // shortest window; 0: requests alone decide
	Warmup     int           // warm-up requests; 0: as is usual
	WarmupTime time.Duration `json:",omitzero"` // shortest warm-up; 0: requests alone decide
	Seed       int64         // of prompts; each load and each repeat has its own
}

// UsualSampling is how a run is taken where neither the suite nor the benchmark says: 20
// requests per place of a closed loop after 2 of warm-up; at a request rate there are no
// places, and a minute is measured after ten seconds.
func UsualSampling(l Load) Sampling {
	if l.Concurrency > 0 {
		return Sampling{Requests: 20 * l.Concurrency, Warmup: 2 * l.Concurrency}
	}
	arriving := func(seconds float64) int { return int(math.Ceil(l.RequestRate.Float64() * seconds)) }
	return Sampling{Requests: max(20, arriving(60)), Warmup: arriving(10)}
}

// CellSource says where a cell came from.
type CellSource string

// The sources of cells. A cell that several sources give keeps the first.
const (
	FromMatrix      CellSource = "matrix"
	FromRecommended CellSource = "recommended"
	FromPoints      CellSource = "points"
)

// Cell is one configuration at one load: what is predicted, measured and judged.
type Cell struct {
	Experiment string
	Axes       []Setting // sorted by name; they make the address unique in its experiment
	Source     CellSource
	Model      *Model
	Hardware   *Hardware  // nil: GPUs unknown, per-GPU metrics do not exist
	Target     *Component // nil in a plan where the benchmark is recorded: nothing is deployed
	Runtime    *Component
	Predictor  *Component // nil: no predictions
	Benchmark  *Component
	Config     Configuration
	Load       Load
	Sampling   Sampling
	DeclaredAt *Places `json:"-"` // of the load; nil: nobody says
}

// AttrGPUs is the attribute by which a target that somebody else runs says how many
// GPUs are behind it.
const AttrGPUs = "gpus"

// The blocks by which a target that somebody else runs declares the workers of a
// disaggregated deployment, and the attributes in them and beside them.
const (
	BlockPrefill = "prefill"
	BlockDecode  = "decode"
	AttrWorkers  = "workers"
)

// DeclaredGPUs is how many GPUs a target says are behind it: in total, or by the workers
// of each replica; 0 where it says nothing.
func DeclaredGPUs(target *Component) int {
	if target == nil {
		return 0
	}
	if target.Attrs.Has(AttrGPUs) {
		return target.Attrs.Int(AttrGPUs)
	}
	return WorkerGPUs(target.Attrs)
}

// WorkerGPUs is replicas x (prefill workers x their GPUs + decode workers x theirs), as a
// target declares them; 0 where it declares no workers.
func WorkerGPUs(a Attrs) int {
	sum := 0
	for _, name := range []string{BlockPrefill, BlockDecode} {
		workers, _ := a[name].Field(AttrWorkers)
		gpus, _ := a[name].Field(AttrGPUs)
		n, _ := workers.Int()
		each, _ := gpus.Int()
		sum += n * each
	}
	return sum * max(1, a.Int(ItemReplicas))
}

// AttrBalance is the attribute by which a target says how requests are spread over the
// replicas of a deployment.
const AttrBalance = "balance"

// BalanceRow is its row of the schema, for targets that start servers.
func BalanceRow() Attribute {
	return Attribute{Name: AttrBalance, Type: TypeString, Default: StringValue("least_requests"), Allowed: []string{"least_requests", "round_robin"},
		Since: "0.1", Example: `"round_robin"`,
		Doc: "How aicv's own proxy spreads requests over the replicas of a deployment: to the one with the fewest in flight, or in turn."}
}

// GPUs is the number of GPUs that the cell's deployment occupies, over all replicas:
// what the target says, else what the configuration takes of the hardware; 0 where
// neither is known, and metrics per GPU do not exist then.
func (c *Cell) GPUs() int {
	if n := DeclaredGPUs(c.Target); n > 0 {
		return n
	}
	if c.Hardware == nil {
		return 0
	}
	return c.Config.GPUs()
}
