// Package lang reads suites: HCL files in, the typed domain out. It is the only place
// that knows HCL and its values; neither leaves this package. Every error of a suite
// is reported in one go, with its exact place.
package lang

import (
	"path/filepath"
	"reflect"
	"sync/atomic"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"aicv/lang/schema"
	"aicv/metric"
	"aicv/spec"
)

// Options say what to load.
type Options struct {
	Dir      string            // the suite's folder
	Vars     map[string]string // variables by name, as raw text (--var)
	VarFiles []string          // files of variables (--var-file), later ones win
	// Environ looks up an environment variable, for AICV_VAR_name; nil: there is none.
	// Secrets that the suite refers to are never looked up here.
	Environ       func(name string) (string, bool)
	Registrations []spec.Registration // the providers, whose rows the language has
}

// Loaded is what a suite's files gave. It is never nil.
type Loaded struct {
	Suite   *spec.Suite       // nil where there are errors
	Sources map[string][]byte // content by Range.File, for the snippets of messages
}

// loader is one run of Load. It is used by one goroutine, once.
type loader struct {
	options   Options
	absDir    string
	table     *table
	functions map[string]function.Function
	base      *hcl.EvalContext
	nodeType  cty.Type
	metrics   map[metric.Name]metric.Metric
	providers map[string]spec.Registration // by role and kind
	items     map[string]axis              // what an axis can set
	slotRows  []spec.Attribute             // the experiment's references, by slot

	files        []string
	sources      map[string][]byte
	inputs       map[string]string
	datasets     map[string]string // hash of each dataset, by its absolute path
	diags        spec.Diagnostics
	syntaxErrors bool // a file could not be read to its end
	evaluations  int  // of nodes, for the test that each is evaluated once
	evaluating   atomic.Pointer[hcl.Expression]

	blocks           []*block
	suiteBlock       *block
	experimentBlocks []*block
	guardBlocks      []*block     // of the whole suite
	suiteGuards      []spec.Guard // made when first needed; not nil then
	guardsGood       bool
	names            *namespace
	hiddenFiles      map[string]bool // files of variables that may hold sensitive values
	fallbacks        map[string]*node
	offered          map[*spec.Component][]string // metrics that a predictor answers
}

// Load reads, evaluates and checks the suite of one folder. All messages come
// together; after an error Loaded.Suite is nil.
func Load(options Options) (*Loaded, spec.Diagnostics) {
	l := newLoader(options)
	return l.bounded(bounds{time: 2 * time.Minute, heap: 2 << 30})
}

// loadAll is Load without bounds.
func (l *loader) loadAll() (*Loaded, spec.Diagnostics) {
	suite := l.load()
	for file := range l.hiddenFiles {
		delete(l.sources, file)
	}
	if l.diags.HasErrors() {
		suite = nil
	}
	return &Loaded{Suite: suite, Sources: l.sources}, l.diags
}

func newLoader(options Options) *loader {
	if options.Environ == nil {
		options.Environ = func(string) (string, bool) { return "", false }
	}
	l := &loader{
		options: options, table: newTable(schema.Language(options.Registrations)), functions: functions(),
		nodeType: cty.Capsule("block", reflect.TypeFor[node]()), names: newNamespace(),
		sources: make(map[string][]byte), inputs: make(map[string]string), datasets: make(map[string]string), hiddenFiles: make(map[string]bool),
		metrics: make(map[metric.Name]metric.Metric), providers: make(map[string]spec.Registration), fallbacks: make(map[string]*node),
		offered: make(map[*spec.Component][]string),
		items:   axisItems(), slotRows: schema.References(),
	}
	l.base = &hcl.EvalContext{Functions: l.functions}
	for _, m := range metric.All() {
		l.metrics[m.Name] = m
	}
	for _, r := range options.Registrations {
		l.providers[string(r.Role)+"."+r.Kind] = r
	}
	return l
}

// load runs the phases. A phase goes on where the one before left something to work
// with, so that one run shows as many errors as can be told apart.
func (l *loader) load() *spec.Suite {
	var err error
	if l.absDir, err = filepath.Abs(l.options.Dir); err != nil {
		l.fail(spec.Range{}, "Folder can not be found", err.Error())
		return nil
	}
	bodies := l.readFiles()
	for _, body := range bodies {
		l.decodeFile(body)
	}
	if len(bodies) == 0 {
		return nil
	}
	l.declare()
	l.variables()
	l.link()
	l.findCycles()
	l.evaluateAll()
	l.validateVariables()
	suite := &spec.Suite{Dir: l.options.Dir, Files: l.files}
	l.settings(suite)
	l.collect(suite)
	l.experiments(suite)
	l.hashInputs(suite)
	return suite
}

// collect lists what the nodes became, in source order.
func (l *loader) collect(suite *spec.Suite) {
	for _, n := range l.names.order {
		switch p := n.product; {
		case p.model != nil:
			suite.Models = append(suite.Models, p.model)
		case p.hardware != nil:
			suite.Hardware = append(suite.Hardware, p.hardware)
		case p.component != nil:
			suite.Components = append(suite.Components, p.component)
		}
	}
}
