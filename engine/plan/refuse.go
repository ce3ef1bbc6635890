package plan

import (
	"context"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"aicv/engine"
	"aicv/spec"
)

// Refused lists what providers refuse of a suite before anything is predicted: loads that
// a benchmark can not drive, configurations that a runtime can not start, files that can
// not be read. It starts no tool and touches no target. A plan refuses the same of what it
// would measure.
func Refused(ctx context.Context, suite *spec.Suite, registry *engine.Registry) spec.Diagnostics {
	r := newRefusals(newProviders(registry))
	ids := spec.NewIdentities()
	rendered := map[spec.ID]bool{}
	for _, e := range suite.Experiments {
		r.files(ctx, e.PointsFrom)
		for i := range e.Cells {
			c := &e.Cells[i]
			r.files(ctx, c.Predictor)
			if r.makers.isOffline(c.Benchmark) {
				r.files(ctx, c.Benchmark)
				continue
			}
			r.load(e, c)
			r.client(c)
			if id := ids.Deployment(c); !rendered[id] {
				rendered[id] = true
				r.server(e, c)
			}
		}
	}
	return r.diags
}

// refuse looks at the loads that the plan would measure, each once, and at what would
// drive them.
func (b *builder) refuse(context.Context) error {
	r := newRefusals(b.makers)
	for i := range b.plan.Cells {
		if c := &b.plan.Cells[i]; works(c) && !b.offline(i) {
			r.load(b.experiment(c).source, &c.Cell)
			r.client(&c.Cell)
		}
	}
	return r.err()
}

// refusals collects what is refused, each message once.
type refusals struct {
	makers *providers
	diags  spec.Diagnostics
	said   map[spec.Range]map[string]bool
	loads  map[drivenLoad]bool
	read   map[*spec.Component]bool
}

// drivenLoad is a load with the benchmark that shall drive it.
type drivenLoad struct {
	benchmark *spec.Component
	load      spec.Load
}

func newRefusals(makers *providers) *refusals {
	return &refusals{makers: makers, said: map[spec.Range]map[string]bool{}, loads: map[drivenLoad]bool{}, read: map[*spec.Component]bool{}}
}

// load asks the benchmark of a cell about its load.
func (r *refusals) load(e *spec.Experiment, c *spec.Cell) {
	key := drivenLoad{c.Benchmark, c.Load}
	if r.loads[key] {
		return
	}
	r.loads[key] = true
	benchmark, err := r.makers.benchmark(c.Benchmark)
	if err != nil {
		r.add(c.Benchmark.Range, err)
		return
	}
	checker, able := benchmark.(spec.LoadChecker)
	if !able {
		return
	}
	if err := checker.CheckLoad(c.Load); err != nil {
		at := e.Range
		if c.DeclaredAt != nil {
			at = c.DeclaredAt.Of(attributeOf(err))
		}
		r.add(at, err, placed("it is driven by "+c.Benchmark.Address(), c.Benchmark.Range)...)
	}
}

// client asks whether the target of a cell can run its benchmark's client.
func (r *refusals) client(c *spec.Cell) {
	if spec.ClientImageOf(c.Benchmark) == "" {
		return
	}
	target, err := r.makers.target(c.Target)
	if err != nil { // said where the target is asked for
		return
	}
	if _, able := target.(spec.ClientRunner); !able {
		r.add(c.Benchmark.Range, spec.ClientImageUnfit(c), placed("it is to run on "+c.Target.Address(), c.Target.Range)...)
	}
}

// server has the runtime of a cell render what would be started. What only the engine can
// refuse is left to the engine.
func (r *refusals) server(e *spec.Experiment, c *spec.Cell) {
	target, err := r.makers.target(c.Target)
	if err != nil || !target.Managed() { // whether a target can be used is the host's matter
		return
	}
	runtime, err := r.makers.runtime(c.Runtime)
	if err == nil {
		_, _, err = runtime.Render(requestOf(c).One())
	}
	if err != nil && spec.KindOf(err) == spec.ErrUsage {
		r.add(c.Runtime.Range, err, placed("a cell of this experiment would start it", e.Range)...)
	}
}

// files has a component read what its answers lie in.
func (r *refusals) files(ctx context.Context, c *spec.Component) {
	if c == nil || r.read[c] {
		return
	}
	r.read[c] = true
	reader, err := r.makers.registry.FileReader(c)
	if err == nil && reader != nil {
		err = reader.ReadFiles(ctx)
	}
	if err != nil {
		r.add(c.Range, err)
	}
}

func (r *refusals) add(at spec.Range, err error, notes ...spec.Note) {
	d := diagnosticOf(at, err)
	d.Notes = notes
	text := d.Summary + "\x00" + d.Detail
	if r.said[at] == nil {
		r.said[at] = map[string]bool{}
	}
	if r.said[at][text] {
		return
	}
	r.said[at][text] = true
	r.diags = append(r.diags, d)
}

// err is what was refused; nil: nothing was.
func (r *refusals) err() error {
	if len(r.diags) == 0 {
		return nil
	}
	return &spec.Refusal{Diagnostics: r.diags}
}

// notRendered places what a runtime refuses to start for a cell of an experiment.
func notRendered(e *spec.Experiment, c *spec.Cell, err error) error {
	if c.Runtime.Range.IsZero() {
		return err
	}
	r := newRefusals(nil)
	r.add(c.Runtime.Range, err, placed("a cell of this experiment would start it", e.Range)...)
	return r.err()
}

func placed(text string, at spec.Range) []spec.Note {
	if at.IsZero() {
		return nil
	}
	return []spec.Note{{Text: text, Range: at}}
}

func attributeOf(err error) string {
	var known *spec.Error
	if errors.As(err, &known) {
		return known.Attribute
	}
	return ""
}

// diagnosticOf writes an error as a message about the suite.
func diagnosticOf(at spec.Range, err error) spec.Diagnostic {
	d := spec.Diagnostic{Severity: spec.SeverityError, Summary: err.Error(), Subject: at}
	var known *spec.Error
	if !errors.As(err, &known) {
		return d
	}
	d.Summary, d.Detail, d.Suggestion = known.Summary, known.Detail, sentence(known.Fix)
	if known.Cause != nil {
		d.Detail = strings.TrimSpace(sentence(known.Cause.Error()) + " " + known.Detail)
	}
	return d
}

// sentence begins with a capital letter and ends with a full stop.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	first, size := utf8.DecodeRuneInString(text)
	return strings.TrimSuffix(string(unicode.ToUpper(first))+text[size:], ".") + "."
}
