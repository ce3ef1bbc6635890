package translate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"aicv/lang/schema"
	"aicv/metric"
	"aicv/spec"
)

// FromExperiment is the way back: what an experiment's cells have in common, and the items
// in which they differ. The error is of cells over several models or kinds of hardware,
// which no other tool's document can hold.
func FromExperiment(e *spec.Experiment, cells []spec.Cell) (*Experiment, error) {
	out := &Experiment{Name: e.Name, Origin: e.Origin, Limits: limitsOf(e.SLO), Asserts: assertsOf(e.Asserts)}
	if len(cells) == 0 {
		cells = []spec.Cell{e.Base}
	}
	if e.Recommended != nil {
		out.Recommended = e.Recommended.Top
	}
	for i := range cells {
		if err := out.cell(&cells[i], &cells[0]); err != nil {
			return nil, err
		}
	}
	out.subject(&cells[0])
	out.settle(len(cells))
	return out, nil
}

// subject takes what all cells have in common.
func (e *Experiment) subject(c *spec.Cell) {
	e.Model, e.Hardware = modelOf(c.Model), hardwareOf(c.Hardware)
	if c.Target != nil {
		e.Target = c.Target.Kind
	}
	e.Predictor, e.Benchmark = componentOf(c.Predictor), componentOf(c.Benchmark)
}

func modelOf(m *spec.Model) Model {
	if m == nil {
		return Model{}
	}
	return Model{m.ID, m.Path}
}

func hardwareOf(h *spec.Hardware) Hardware {
	if h == nil {
		return Hardware{}
	}
	return Hardware{h.System, h.GPUs}
}

func componentOf(c *spec.Component) *Component {
	if c == nil {
		return nil
	}
	return &Component{Kind: c.Kind, Label: c.Name, Given: c.Attrs}
}

func limitsOf(slo spec.SLO) []Limit {
	var limits []Limit
	for _, l := range slo {
		m, _ := metric.Lookup(l.Metric)
		limits = append(limits, Limit{string(l.Metric), l.Quantity.String() + unitOf(m)})
	}
	return limits
}

func assertsOf(asserts []spec.Assert) []Assert {
	var out []Assert
	for _, a := range asserts {
		out = append(out, Assert{Name: a.Name, Severity: a.Severity, Expect: texts(a.Claims)})
	}
	return out
}

func texts(claims []spec.Claim) []string {
	out := make([]string, len(claims))
	for i := range claims {
		out[i] = claims[i].Text
	}
	return out
}

func modelName(c *spec.Cell) string {
	if c.Model == nil {
		return "NAME"
	}
	return c.Model.Name
}

// unitOf is how the language writes a metric's unit after a number.
func unitOf(m metric.Metric) string {
	switch m.Unit {
	case metric.Milliseconds:
		return "ms"
	case metric.Share:
		return ""
	}
	return " " + string(m.Unit)
}

// cell adds a cell's items to the rows. All cells are of the subject of the first.
func (e *Experiment) cell(c, first *spec.Cell) error {
	if c.Model != first.Model || c.Hardware != first.Hardware || c.Target != first.Target {
		return &spec.Error{Kind: spec.ErrUsage, Summary: "experiment " + e.Name + " has cells over several models, hardware pools or targets",
			Fix: "choose those of one with --cell, " + e.Name + ":model=" + modelName(first)}
	}
	e.Rows = append(e.Rows, samplingItems(loadItems(slices.Clone(c.Config), c.Load), c.Sampling))
	return e.addRuntime(c.Runtime)
}

func loadItems(row spec.Configuration, l spec.Load) spec.Configuration {
	if l.InputTokens > 0 && l.OutputTokens > 0 {
		row = row.With(schema.ItemTraffic, spec.StringValue(fmt.Sprintf("D(%d,%d)", l.InputTokens, l.OutputTokens)))
	}
	switch {
	case l.Concurrency > 0:
		row = row.With(schema.ItemConcurrency, spec.IntValue(l.Concurrency))
	case l.RequestRate.Sign() > 0:
		row = row.With(schema.ItemRequestRate, spec.NumberValue(l.RequestRate.String()))
	}
	return row
}

func samplingItems(row spec.Configuration, s spec.Sampling) spec.Configuration {
	if s.Requests > 0 {
		row = row.With(schema.ItemRequests, spec.IntValue(s.Requests))
	}
	if s.Warmup > 0 {
		row = row.With(schema.ItemWarmup, spec.IntValue(s.Warmup))
	}
	if s.WarmupTime > 0 {
		row = row.With(schema.ItemWarmupTime, spec.StringValue(s.WarmupTime.String()))
	}
	if s.Duration > 0 {
		row = row.With(schema.ItemDuration, spec.StringValue(s.Duration.String()))
	}
	return row
}

func (e *Experiment) addRuntime(c *spec.Component) error {
	if c == nil {
		return nil
	}
	r := runtimeOf(c)
	if !slices.ContainsFunc(e.Runtimes, func(known Runtime) bool { return fmt.Sprint(known) == fmt.Sprint(r) }) {
		e.Runtimes = append(e.Runtimes, r)
	}
	if r.Kind != e.Runtimes[0].Kind {
		return &spec.Error{Kind: spec.ErrUsage, Summary: "experiment " + e.Name + " has cells over several engines",
			Fix: "choose those of one with --cell, " + e.Name + ":runtime=" + c.Name}
	}
	return nil
}

func runtimeOf(c *spec.Component) Runtime {
	r := Runtime{Kind: c.Kind, Version: c.Version(), Image: c.Attrs.Text("image")}
	for _, f := range c.Attrs["args"].Fields() {
		r.Args = append(r.Args, spec.Setting(f))
	}
	for _, f := range c.Attrs["env"].Fields() {
		r.Env = append(r.Env, spec.Setting(f))
	}
	return r
}

// settle turns rows that are a full product into axes.
func (e *Experiment) settle(cells int) {
	for _, row := range e.Rows {
		for _, s := range row {
			e.Collect(s)
		}
	}
	product := max(len(e.Runtimes), 1)
	for _, a := range e.Axes {
		product *= len(a.Values)
	}
	even := !slices.ContainsFunc(e.Rows, func(row []spec.Setting) bool { return len(row) != len(e.Axes) })
	if product == cells && even {
		e.Rows = nil
	}
}

// Collect adds a value to its axis.
func (e *Experiment) Collect(s spec.Setting) {
	a := e.Axis(s.Name)
	if a == nil {
		e.Axes = append(e.Axes, Axis{Name: s.Name})
		a = &e.Axes[len(e.Axes)-1]
	}
	if !slices.ContainsFunc(a.Values, s.Value.Equal) {
		a.Values = append(a.Values, s.Value)
	}
}

// Cells lists the cells that an experiment stands for, each as its items in canonical
// order, sorted: two experiments are the same question where these are equal.
func (e *Experiment) Cells() []string {
	var cells []string
	for _, c := range e.Configurations() {
		for i := range e.Runtimes {
			cells = append(cells, cellText(c, &e.Runtimes[i]))
		}
	}
	slices.Sort(cells)
	return slices.Compact(cells)
}

// Configurations lists what the experiment stands for under one runtime: the items of the
// configuration and of the load of each cell.
func (e *Experiment) Configurations() []spec.Configuration {
	if len(e.Rows) == 0 {
		return e.expand(nil)
	}
	var all []spec.Configuration
	for _, row := range e.Rows {
		all = append(all, e.expand(spec.NewConfiguration(row...))...)
	}
	return all
}

// expand multiplies a row by the axes that it does not set itself.
func (e *Experiment) expand(row spec.Configuration) []spec.Configuration {
	partial := []spec.Configuration{row}
	for _, a := range e.Axes {
		if !row.Get(a.Name).IsNull() {
			continue
		}
		var next []spec.Configuration
		for _, c := range partial {
			for _, v := range a.Values {
				next = append(next, c.With(a.Name, v))
			}
		}
		partial = next
	}
	return partial
}

func cellText(c spec.Configuration, r *Runtime) string {
	in, _ := c.Get(schema.ItemInputTokens).Int()
	out, _ := c.Get(schema.ItemOutputTokens).Int()
	var b strings.Builder
	for _, s := range c {
		if s.Name != schema.ItemInputTokens && s.Name != schema.ItemOutputTokens {
			b.WriteString(s.Name + "=" + s.Value.String() + " ")
		}
	}
	if in > 0 && out > 0 {
		b.WriteString("traffic=D(" + strconv.Itoa(in) + "," + strconv.Itoa(out) + ") ")
	}
	return b.String() + fmt.Sprint(r.Kind, r.Version, r.Image, r.Args)
}
