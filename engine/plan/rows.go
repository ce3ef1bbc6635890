package plan

import (
	"fmt"
	"slices"
	"strings"

	"aicv/metric"
	"aicv/spec"
)

// rowMatcher turns recorded and recommended points into cells of an experiment.
type rowMatcher struct {
	suite      *spec.Suite
	base       *spec.Cell
	free       bool     // rows may differ from the base in configuration and load
	undeclared []string // models of points that no model of the suite stands for
}

// cell makes the cell of a point, or says in what the point differs from what the
// experiment fixes.
func (m *rowMatcher) cell(p *spec.Point, source spec.CellSource) (spec.Cell, string) {
	c := *m.base
	c.Source = source
	if differs := m.place(&c, p); differs != "" {
		return c, differs
	}
	if !m.free {
		if differs := m.contradiction(p); differs != "" {
			return c, differs
		}
	}
	for _, s := range p.Config {
		if !c.Config.Get(s.Name).Equal(s.Value) {
			c.Config = c.Config.With(s.Name, s.Value)
		}
	}
	c.Load = mergedLoad(m.base.Load, p.Load)
	c.Axes = m.axes(&c)
	return c, ""
}

// place finds model, hardware and runtime of the point: the experiment's own where
// it fixes them, else the declared ones that match.
func (m *rowMatcher) place(c *spec.Cell, p *spec.Point) string {
	if differs := m.placeModel(c, p); differs != "" {
		return differs
	}
	if differs := m.placeHardware(c, p); differs != "" {
		return differs
	}
	return m.placeRuntime(c, p)
}

func (m *rowMatcher) placeModel(c *spec.Cell, p *spec.Point) string {
	if c.Model != nil {
		return unlike("model", p.ModelID, c.Model.ID)
	}
	for _, model := range m.suite.Models {
		if model.ID == p.ModelID {
			c.Model = model
			return ""
		}
	}
	m.undeclared = append(m.undeclared, p.ModelID)
	return fmt.Sprintf("no declared model has the id %q", p.ModelID)
}

func (m *rowMatcher) placeHardware(c *spec.Cell, p *spec.Point) string {
	if c.Hardware != nil {
		return unlike("system", p.System, c.Hardware.System)
	}
	if p.System == "" {
		return ""
	}
	for _, h := range m.suite.Hardware {
		if h.System == p.System {
			if c.Hardware != nil {
				return fmt.Sprintf("several declared hardware pools have the system %q", p.System)
			}
			c.Hardware = h
		}
	}
	return ""
}

func (m *rowMatcher) placeRuntime(c *spec.Cell, p *spec.Point) string {
	if c.Runtime != nil {
		if differs := unlike("runtime", p.Runtime, c.Runtime.Kind); differs != "" {
			return differs
		}
		return unlike("runtime version", p.RuntimeVersion, c.Runtime.Version())
	}
	for _, r := range m.suite.Components {
		if r.Role != spec.RoleRuntime || r.Kind != p.Runtime || unlike("", p.RuntimeVersion, r.Version()) != "" {
			continue
		}
		if c.Runtime != nil {
			return fmt.Sprintf("several declared runtimes match %s %s", p.Runtime, p.RuntimeVersion)
		}
		c.Runtime = r
	}
	if c.Runtime == nil {
		return fmt.Sprintf("no declared runtime matches %s %s", p.Runtime, p.RuntimeVersion)
	}
	return ""
}

// unlike says that a point's text differs from what is fixed; either side may leave
// it open.
func unlike(what, point, fixed string) string {
	if point == "" || fixed == "" || point == fixed {
		return ""
	}
	return fmt.Sprintf("its %s is %s, not %s", what, point, fixed)
}

// contradiction says in which item of configuration or load the point differs from
// what the experiment fixes. An item that the point does not name is kept as the
// experiment has it; looking the cell up then tells whether the data covers it.
func (m *rowMatcher) contradiction(p *spec.Point) string {
	for _, s := range p.Config {
		if fixed := m.base.Config.Get(s.Name); !fixed.IsNull() && !fixed.Equal(s.Value) {
			return fmt.Sprintf("its %s is %s, not %s", s.Name, s.Value, fixed)
		}
	}
	point, fixed := loadItems(p.Load), loadItems(m.base.Load)
	for i := range point {
		if !fixed[i].Value.IsNull() && !point[i].Value.Equal(fixed[i].Value) {
			return fmt.Sprintf("its %s is %s, not %s", point[i].Name, point[i].Value, fixed[i].Value)
		}
	}
	return ""
}

// mergedLoad takes what the point says and keeps the base's figures for the rest.
func mergedLoad(base, point spec.Load) spec.Load {
	load := base
	if point.Concurrency != 0 || point.RequestRate.Sign() != 0 {
		load.Concurrency, load.RequestRate = point.Concurrency, point.RequestRate
	}
	if point.InputTokens != 0 {
		load.InputTokens = point.InputTokens
	}
	if point.OutputTokens != 0 {
		load.OutputTokens = point.OutputTokens
	}
	return load
}

// The names of the axes that are no items of the configuration.
const (
	axisConcurrency  = "concurrency"
	axisRequestRate  = "request_rate"
	axisInputTokens  = "input_tokens"
	axisOutputTokens = "output_tokens"
	axisModel        = "model"
	axisHardware     = "hardware"
	axisRuntime      = "runtime"
)

// loadItems lists a load's figures by axis name; Null where one is not set.
func loadItems(l spec.Load) [4]spec.Setting {
	count := func(n int) spec.Value {
		if n == 0 {
			return spec.Value{}
		}
		return spec.IntValue(n)
	}
	rate := spec.Value{}
	if l.RequestRate != (metric.Decimal{}) {
		rate = spec.NumberValue(l.RequestRate.String())
	}
	return [4]spec.Setting{
		{Name: axisConcurrency, Value: count(l.Concurrency)},
		{Name: axisInputTokens, Value: count(l.InputTokens)},
		{Name: axisOutputTokens, Value: count(l.OutputTokens)},
		{Name: axisRequestRate, Value: rate},
	}
}

// axes lists what the cell has beyond the base, sorted: a row's key is its content.
func (m *rowMatcher) axes(c *spec.Cell) []spec.Setting {
	axes := slices.Clone(m.base.Axes)
	for _, s := range c.Config {
		if !m.base.Config.Get(s.Name).Equal(s.Value) {
			axes = append(axes, s)
		}
	}
	fixed := loadItems(m.base.Load)
	for i, s := range loadItems(c.Load) {
		if !s.Value.IsNull() && !s.Value.Equal(fixed[i].Value) {
			axes = append(axes, s)
		}
	}
	if m.base.Model == nil {
		axes = append(axes, spec.Setting{Name: axisModel, Value: spec.StringValue(c.Model.Name)})
	}
	if m.base.Hardware == nil && c.Hardware != nil {
		axes = append(axes, spec.Setting{Name: axisHardware, Value: spec.StringValue(c.Hardware.Name)})
	}
	if m.base.Runtime == nil {
		axes = append(axes, spec.Setting{Name: axisRuntime, Value: spec.StringValue(c.Runtime.Name)})
	}
	slices.SortStableFunc(axes, func(a, b spec.Setting) int { return strings.Compare(a.Name, b.Name) })
	return axes
}
