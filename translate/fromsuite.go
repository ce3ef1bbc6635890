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
func FromExperiment(s *spec.Suite, e *spec.Experiment, cells []spec.Cell) (*Experiment, error) {
	out := &Experiment{Name: e.Name, Origin: e.Origin}
	if len(cells) == 0 {
		cells = []spec.Cell{e.Base}
	}
	if e.Recommended != nil {
		out.Recommended = e.Recommended.Top
	}
	first := &cells[0]
	for i := range cells {
		c := &cells[i]
		if c.Model != first.Model || c.Hardware != first.Hardware || c.Target != first.Target {
			return nil, &spec.Error{Kind: spec.ErrUsage, Summary: "experiment " + e.Name + " has cells over several models, hardware pools or targets",
				Fix: "choose those of one with --cell, " + e.Name + ":model=" + modelName(first)}
		}
		if err := out.cell(c); err != nil {
			return nil, err
		}
	}
	if first.Model != nil {
		out.Model = Model{first.Model.ID, first.Model.Path}
	}
	if h := first.Hardware; h != nil {
		out.Hardware = Hardware{h.System, h.GPUs}
	}
	if first.Target != nil {
		out.Target = first.Target.Kind
	}
	if first.Predictor != nil {
		out.Predictor = &Component{Kind: first.Predictor.Kind, Label: first.Predictor.Name}
	}
	if first.Benchmark != nil {
		out.Benchmark = &Component{Kind: first.Benchmark.Kind, Label: first.Benchmark.Name, Given: first.Benchmark.Attrs}
	}
	for _, l := range e.SLO {
		m, _ := metric.Lookup(l.Metric)
		out.Limits = append(out.Limits, Limit{string(l.Metric), l.Quantity.String() + unitOf(m)})
	}
	for _, a := range e.Asserts {
		assert := Assert{Name: a.Name, Severity: a.Severity}
		for _, claim := range a.Claims {
			assert.Expect = append(assert.Expect, claim.Text)
		}
		out.Asserts = append(out.Asserts, assert)
	}
	out.settle(len(cells))
	return out, nil
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

// cell adds a cell's items to the rows.
func (e *Experiment) cell(c *spec.Cell) error {
	row := slices.Clone(c.Config)
	if c.Load.InputTokens > 0 && c.Load.OutputTokens > 0 {
		row = row.With(schema.ItemTraffic, spec.StringValue(fmt.Sprintf("D(%d,%d)", c.Load.InputTokens, c.Load.OutputTokens)))
	}
	switch {
	case c.Load.Concurrency > 0:
		row = row.With(schema.ItemConcurrency, spec.IntValue(c.Load.Concurrency))
	case c.Load.RequestRate.Sign() > 0:
		row = row.With(schema.ItemRequestRate, spec.NumberValue(c.Load.RequestRate.String()))
	}
	for name, n := range map[string]int{schema.ItemRequests: c.Sampling.Requests, schema.ItemWarmup: c.Sampling.Warmup} {
		if n > 0 {
			row = row.With(name, spec.IntValue(n))
		}
	}
	if c.Sampling.Duration > 0 {
		row = row.With(schema.ItemDuration, spec.StringValue(c.Sampling.Duration.String()))
	}
	if c.Runtime != nil {
		r := runtimeOf(c.Runtime)
		if !slices.ContainsFunc(e.Runtimes, func(known Runtime) bool { return fmt.Sprint(known) == fmt.Sprint(r) }) {
			e.Runtimes = append(e.Runtimes, r)
		}
		if r.Kind != e.Runtimes[0].Kind {
			return &spec.Error{Kind: spec.ErrUsage, Summary: "experiment " + e.Name + " has cells over several engines", Fix: "choose those of one with --cell, " + e.Name + ":runtime=" + c.Runtime.Name}
		}
	}
	e.Rows = append(e.Rows, row)
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
	var axes []Axis
	for _, row := range e.Rows {
		for _, s := range row {
			i := slices.IndexFunc(axes, func(a Axis) bool { return a.Name == s.Name })
			if i < 0 {
				axes = append(axes, Axis{Name: s.Name})
				i = len(axes) - 1
			}
			if !slices.ContainsFunc(axes[i].Values, s.Value.Equal) {
				axes[i].Values = append(axes[i].Values, s.Value)
			}
		}
	}
	e.Axes = axes
	product := max(len(e.Runtimes), 1)
	for _, a := range axes {
		product *= len(a.Values)
	}
	even := !slices.ContainsFunc(e.Rows, func(row []spec.Setting) bool { return len(row) != len(axes) })
	if product == cells && even {
		e.Rows = nil
	}
}

// Cells lists the cells that an experiment stands for, each as its items in canonical
// order, sorted: two experiments are the same question where these are equal.
func (e *Experiment) Cells() []string {
	rows := e.Rows
	if len(rows) == 0 {
		rows = [][]spec.Setting{nil}
	}
	var cells []string
	for _, row := range rows {
		partial := []spec.Configuration{spec.NewConfiguration(row...)}
		for _, a := range e.Axes {
			if len(e.Rows) > 0 && slices.ContainsFunc(row, func(s spec.Setting) bool { return s.Name == a.Name }) {
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
		for _, c := range partial {
			for i := range e.Runtimes {
				cells = append(cells, cellText(c, &e.Runtimes[i]))
			}
		}
	}
	slices.Sort(cells)
	return slices.Compact(cells)
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
