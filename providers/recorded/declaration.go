package recorded

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"aicv/metric"
	"aicv/spec"
)

// The names of the block's attributes.
const (
	attrFile           = "file"
	attrMatch          = "match"
	attrFixed          = "fixed"
	attrWhere          = "where"
	attrMetric         = "metric"
	attrColumn         = "column"
	attrUnit           = "unit"
	attrDerive         = "derive"
	attrModelled       = "modelled"
	attrTool           = "tool"
	attrVersion        = "version"
	attrDatabase       = "database"
	attrDatabaseColumn = "database_column"
	attrReasonColumn   = "reason_column"
	attrGPUsColumn     = "gpus_column"
	attrRunColumn      = "run_column"
	attrWindow         = "window"
)

// declaration is what a block says about its file.
type declaration struct {
	role           spec.Role
	address        string
	file           string // as written
	match          []matched
	fixed          []fixed
	where          []filter
	figures        []figure
	derive         []metric.Name
	modelled       []matched
	tool           string
	version        string
	database       string
	databaseColumn string
	reasonColumn   string
	gpusColumn     string
	runColumn      string
	window         spec.WindowKind
	layout         bool // the rows say how many GPUs their layout occupies
}

// matched is an item with the column that holds it.
type matched struct {
	item   item
	column string
}

// fixed is an item with the value that holds for all rows.
type fixed struct {
	item item
	text string // canonical
}

// filter keeps the rows whose column has the value.
type filter struct{ column, value string }

// figure is a metric with the column that holds it.
type figure struct {
	metric metric.Metric
	column string
	factor float64 // from the column's unit to the contract's
}

func declare(c *spec.Component) (*declaration, error) {
	d := &declaration{
		role:           c.Role,
		address:        c.Address(),
		file:           c.Attrs.Text(attrFile),
		tool:           cmp.Or(c.Attrs.Text(attrTool), Kind),
		version:        c.Attrs.Text(attrVersion),
		database:       c.Attrs.Text(attrDatabase),
		databaseColumn: c.Attrs.Text(attrDatabaseColumn),
		reasonColumn:   c.Attrs.Text(attrReasonColumn),
		gpusColumn:     c.Attrs.Text(attrGPUsColumn),
		runColumn:      c.Attrs.Text(attrRunColumn),
		window:         spec.WindowKind(cmp.Or(c.Attrs.Text(attrWindow), string(spec.WindowUnknown))),
	}
	for _, read := range []func(spec.Attrs) error{d.readMatch, d.readModelled, d.readFixed, d.readLayout, d.readWhere, d.readFigures, d.readDerive} {
		if err := read(c.Attrs); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// wrong is an error of the declaration itself.
func (d *declaration) wrong(fix, format string, args ...any) error {
	return usage(d.address+": "+fmt.Sprintf(format, args...), fix)
}

func (d *declaration) item(attribute, name string) (item, error) {
	x, ok := findItem(name)
	if ok {
		return x, nil
	}
	fix := "items are " + strings.Join(itemNames(), ", ")
	if like := closest(name, itemNames()); like != "" {
		fix = fmt.Sprintf("did you mean %q? %s", like, fix)
	}
	return item{}, d.wrong(fix, "%s names %q, which is no item", attribute, name)
}

func (d *declaration) columns(attribute string, v spec.Value) ([]matched, error) {
	var list []matched
	for _, f := range v.Fields() {
		x, err := d.item(attribute, f.Name)
		if err != nil {
			return nil, err
		}
		if f.Value.Kind() != spec.String || f.Value.Text() == "" {
			return nil, d.wrong("write the column's name in quotes", "%s of %s must be a column's name", attribute, f.Name)
		}
		list = append(list, matched{x, f.Value.Text()})
	}
	return list, nil
}

func (d *declaration) readMatch(attrs spec.Attrs) (err error) {
	d.match, err = d.columns(attrMatch, attrs[attrMatch])
	if err == nil && len(d.match) == 0 {
		return d.wrong(`write match = { concurrency = "the column that holds it", ... }`, "match names no item, so no row could be found")
	}
	return err
}

func (d *declaration) readModelled(attrs spec.Attrs) (err error) {
	d.modelled, err = d.columns(attrModelled, attrs[attrModelled])
	for _, m := range d.modelled {
		if !m.item.configured() {
			return d.wrong("name items of the configuration only", "modelled names %s, which is no item of the configuration", m.item.name)
		}
	}
	return err
}

func (d *declaration) readFixed(attrs spec.Attrs) error {
	for _, f := range attrs[attrFixed].Fields() {
		x, err := d.item(attrFixed, f.Name)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(d.match, func(m matched) bool { return m.item.name == x.name }) {
			return d.wrong("keep one of them", "%s is in match and in fixed", x.name)
		}
		text, err := x.canonical(f.Value.Text())
		if err != nil {
			return d.wrong("correct the value", "fixed: %v", err)
		}
		if text == "" {
			return d.wrong("give it a value, or leave it out", "fixed: %s has no value", x.name)
		}
		d.fixed = append(d.fixed, fixed{x, text})
	}
	return nil
}

// readLayout notes whether any of the sizes that count GPUs is said.
func (d *declaration) readLayout(spec.Attrs) error {
	d.layout = slices.ContainsFunc(items(), func(x item) bool { return x.size && d.says(x.name) })
	return nil
}

func (d *declaration) readWhere(attrs spec.Attrs) error {
	for _, f := range attrs[attrWhere].Fields() {
		d.where = append(d.where, filter{f.Name, f.Value.Text()})
	}
	return nil
}

func (d *declaration) readFigures(attrs spec.Attrs) error {
	for _, block := range attrs[attrMetric].Items() {
		f, err := d.figure(block)
		if err != nil {
			return err
		}
		if d.hasFigure(f.metric.Name) {
			return d.wrong("keep one of the blocks", "the metric %s is declared twice", f.metric.Name)
		}
		d.figures = append(d.figures, f)
	}
	if len(d.figures) == 0 {
		return d.wrong(`add a block such as metric "ttft" { column = "ttft_ms", unit = "ms" }`, "no metric block says which figures the file holds")
	}
	return nil
}

func (d *declaration) figure(block spec.Value) (figure, error) {
	name := labelOf(block)
	m, ok := metric.Lookup(metric.Name(name))
	if !ok {
		fix := "metrics are " + strings.Join(metric.Names(), ", ")
		if like := closest(name, metric.Names()); like != "" {
			fix = fmt.Sprintf("did you mean %q?", like)
		}
		return figure{}, d.wrong(fix, "%q is no metric", name)
	}
	column, _ := block.Field(attrColumn)
	unit, _ := block.Field(attrUnit)
	if column.Text() == "" {
		return figure{}, d.wrong("name the column that holds it", "the metric %s has no column", name)
	}
	var accepted []string
	for _, s := range metric.Spellings() {
		if s.Unit != m.Unit {
			continue
		}
		if s.Text == unit.Text() {
			return figure{m, column.Text(), s.Factor.Float64()}, nil
		}
		accepted = append(accepted, fmt.Sprintf("%q", s.Text))
	}
	return figure{}, d.wrong("units of it are "+strings.Join(accepted, ", "), "the metric %s can not have the unit %q", name, unit.Text())
}

// labelOf returns a nested block's label.
func labelOf(block spec.Value) string {
	label, _ := block.Field("label")
	if items := label.Items(); len(items) > 0 {
		return items[0].Text()
	}
	return label.Text()
}

func (d *declaration) hasFigure(name metric.Name) bool {
	return slices.ContainsFunc(d.figures, func(f figure) bool { return f.metric.Name == name })
}

// says reports whether every row has the item: from a column, or fixed.
func (d *declaration) says(name string) bool {
	return slices.ContainsFunc(d.match, func(m matched) bool { return m.item.name == name }) ||
		slices.ContainsFunc(d.fixed, func(f fixed) bool { return f.item.name == name })
}
