package translate

import (
	"slices"

	"aicv/lang/write"
	"aicv/spec"
)

// Suite is a translated suite.
type Suite struct {
	Name        string
	Comment     string // opens the file
	Experiments []Experiment
	Files       []File // that stand beside the suite
}

// File is a file of a suite's folder.
type File struct {
	Name    string // relative to the folder, with slashes
	Content []byte
}

// Experiment is what all formats have in common: one model on one kind of hardware under
// axes of items, or under rows.
type Experiment struct {
	Name        string
	Comment     string
	Model       Model
	Hardware    Hardware
	Target      string    // the provider's kind; empty: the default
	Runtimes    []Runtime // several are an axis
	Predictor   *Component
	Benchmark   *Component       // nil: the default
	Axes        []Axis           // items of configuration and workload, each with one value or more
	Rows        [][]spec.Setting // configurations at their own loads, beside or in place of axes
	Recommended int              // rows that the predictor is asked for; 0: none
	Limits      []Limit
	Asserts     []Assert
	Origin      *spec.Imported
}

// Model is a model with its names.
type Model struct {
	ID   string
	Path string // local checkpoint; empty: none
}

// Hardware is a pool of GPUs; without System it is unknown.
type Hardware struct {
	System string
	GPUs   int
}

// Runtime is an engine.
type Runtime struct {
	Kind    string // "sglang"
	Version string
	Image   string
	Args    []spec.Setting // flags that are no items
	Env     []spec.Setting
}

// Component is a further declaration that the experiment needs.
type Component struct {
	Kind, Label string
	Attrs       []write.Attr
	Blocks      []write.Block
	Given       spec.Attrs // of a suite that was read
}

// Axis is one item with its values.
type Axis struct {
	Name   string
	Values []spec.Value
	From   string // path of the field that it was read from; empty: of none
}

// Limit is one limit of the slo block, as the language writes it.
type Limit struct {
	Metric   string // "latency_p90"
	Quantity string // "5s"
}

// Assert is one assert block.
type Assert struct {
	Name     string
	Severity spec.AssertSeverity
	Expect   []string
}

// Axis finds an axis by its item; nil where there is none.
func (e *Experiment) Axis(name string) *Axis {
	for i := range e.Axes {
		if e.Axes[i].Name == name {
			return &e.Axes[i]
		}
	}
	return nil
}

// Add gives an item its values. A second source of the same item is refused: false.
func (e *Experiment) Add(a Axis) bool {
	if e.Axis(a.Name) != nil {
		return false
	}
	e.Axes = append(e.Axes, a)
	return true
}

// Options say what a document leaves open.
type Options struct {
	Hardware Hardware                     // what it runs on; zero: as the document says
	Engine   string                       // in place of the source's; empty: as the source says
	Version  string                       // of the engine, in place of the source's; empty: as the source says
	Has      func(role, kind string) bool // whether this aicv has a provider; nil: it has all
}

// HasProvider reports whether a suite may name a provider.
func (o Options) HasProvider(role spec.Role, kind string) bool {
	return o.Has == nil || o.Has(string(role), kind)
}

// Ranks is the number of ranks of data-parallel attention; 1 where there are none, 0
// where it varies.
func (e *Experiment) Ranks() int {
	a := e.Axis(spec.ItemAttentionDataParallel)
	if a == nil {
		return 1
	}
	if len(a.Values) != 1 {
		return 0
	}
	n, _ := a.Values[0].Int()
	return n
}

// Rescale changes the numbers of an axis; false where one of them can not be.
func (a *Axis) Rescale(change func(n int) (int, bool)) bool {
	scaled := slices.Clone(a.Values)
	for i, v := range a.Values {
		n, isInt := v.Int()
		if !isInt {
			continue
		}
		m, ok := change(n)
		if !ok {
			return false
		}
		scaled[i] = spec.IntValue(m)
	}
	a.Values = scaled
	return true
}

// Export says what a document is written of beside the experiment.
type Export struct {
	Suite   string // its name
	Origin  *Source
	Syntax  string // of the document: json or yaml; empty: the origin's, else the format's own
	Options Options
}
