package lang

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"aicv/lang/schema"
	"aicv/metric"
	"aicv/spec"
)

// axisKind says what an axis sets.
type axisKind uint8

const (
	axisFree      axisKind = iota // read as matrix.NAME only
	axisConfig                    // an item of the configuration
	axisWorkload                  // an item of the workload
	axisReference                 // one of the experiment's references
)

// axis is one axis of a matrix.
type axis struct {
	name   string
	at     spec.Range
	kind   axisKind
	slot   slot            // of axisReference
	row    *spec.Attribute // of one value; nil for free axes
	values []axisValue
}

// axisValue is one value of an axis in the forms that are needed: plain for addresses,
// as expressions read it, and the block it refers to.
type axisValue struct {
	plain spec.Value
	cty   cty.Value
	node  *node
}

// choice is one axis of a row with its value there.
type choice struct {
	axis  *axis
	value *axisValue
}

func (e *experiment) axis(name string) *axis {
	for _, a := range e.axes {
		if a.name == name {
			return a
		}
	}
	return nil
}

// readMatrix evaluates the axes, each once.
func (e *experiment) readMatrix() {
	e.scope.why = "The experiment has no matrix."
	b := e.b.one("matrix")
	if b == nil {
		return
	}
	e.read = make(map[string]bool)
	e.scope.axes = []string{}
	for _, attr := range b.open {
		e.scope.axes = append(e.scope.axes, attr.Name)
		a := e.l.newAxis(attr.Name, e.l.inFile(rangeOf(attr.NameRange)))
		e.axes = append(e.axes, a)
		e.readAxis(a, attr)
	}
}

// newAxis finds out by name what an axis sets.
func (l *loader) newAxis(name string, at spec.Range) *axis {
	a := l.items[name]
	a.name, a.at = name, at
	return &a
}

// axisItems is every item that an axis can set, by name.
func axisItems() map[string]axis {
	items := make(map[string]axis)
	for _, row := range spec.ConfigurationItems() {
		items[row.Name] = axis{kind: axisConfig, row: &row}
	}
	for _, row := range schema.WorkloadItems() {
		if row.Type == spec.TypeIntList {
			row.Type = spec.TypeInt // one value of it
		}
		items[row.Name] = axis{kind: axisWorkload, row: &row}
	}
	for i, row := range schema.References() {
		items[row.Name] = axis{kind: axisReference, slot: slot(i), row: &row}
	}
	return items
}

func (e *experiment) readAxis(a *axis, attr *hcl.Attribute) {
	v, ok := e.l.expression(attr.Expr, scope{why: "An axis can not depend on another."})
	if !ok {
		e.ok = false
		return
	}
	at := e.l.at(attr.Expr)
	if v.ContainsMarked() {
		e.fail(at, "A sensitive axis", "The values of an axis are part of its cells' addresses, which are shown everywhere.", "Use a variable that is not sensitive.")
		return
	}
	if _, isNode := nodeOf(v); isNode || v.IsNull() || !isSequence(v) {
		e.fail(at, "An axis is a list", "Each value of "+quoted(a.name)+" gives its own cells; this is "+typeName(v)+".", "Write "+a.name+" = ["+e.l.sourceText(at)+"].")
		return
	}
	if v.LengthInt() == 0 {
		e.fail(at, "An axis without values", "The matrix would have no cells.", "List at least one value, or remove "+quoted(a.name)+".")
		return
	}
	e.readValues(a, v.AsValueSlice(), e.l.elementRanges(attr.Expr, v.LengthInt()))
	e.nameReferences(a)
}

// elementRanges are the places of a list's elements, as far as they stand there.
func (l *loader) elementRanges(expr hcl.Expression, n int) []spec.Range {
	ranges := make([]spec.Range, n)
	elements, diags := hcl.ExprList(expr)
	for i := range ranges {
		ranges[i] = l.at(expr)
		if !diags.HasErrors() && len(elements) == n {
			ranges[i] = l.at(elements[i])
		}
	}
	return ranges
}

func (e *experiment) readValues(a *axis, values []cty.Value, at []spec.Range) {
	seen := make(map[string]bool, len(values))
	a.values = make([]axisValue, 0, len(values))
	for i, v := range values {
		value, err := axisValueOf(a, v)
		if err != nil {
			e.ok = false
			e.l.wrongValue(a.name, at[i], err)
			continue
		}
		key := string(value.plain.AppendCanonical(nil))
		if value.node != nil {
			key = value.node.address()
		}
		if seen[key] {
			e.l.report(warning(at[i], "A value stands twice in axis "+quoted(a.name), "Its cells are there once."))
			continue
		}
		seen[key] = true
		a.values = append(a.values, value)
		e.checkKnown(a.row, value.plain, at[i])
	}
}

// axisValueOf checks one value of an axis against what the axis sets.
func axisValueOf(a *axis, v cty.Value) (axisValue, error) {
	c := conversion{}
	switch {
	case v.IsNull():
		return axisValue{}, c.expected("a value", v)
	case a.kind == axisReference:
		n, ok := nodeOf(v)
		if !ok || n.root != a.row.Ref {
			return axisValue{}, c.expected("a reference to a "+a.row.Ref, v)
		}
		return axisValue{spec.StringValue(n.name()), v, n}, nil
	case a.kind == axisFree:
		if n, ok := nodeOf(v); ok {
			return axisValue{spec.StringValue(n.address()), v, n}, nil
		}
		plain, err := c.plain(v)
		return axisValue{plain, v, nil}, err
	}
	plain, err := plainValue(a.row, v, c)
	if err == nil && a.kind == axisWorkload {
		if m := (&workload{}).set(a.name, plain); m != nil {
			return axisValue{}, m
		}
	}
	return axisValue{plain, v, nil}, err
}

// nameReferences makes the values of a reference axis unique: by name, and by kind
// and name where two kinds share a name.
func (e *experiment) nameReferences(a *axis) {
	if a.kind != axisReference {
		return
	}
	count := make(map[string]int)
	for _, v := range a.values {
		count[v.node.name()]++
	}
	for i, v := range a.values {
		if count[v.node.name()] > 1 {
			a.values[i].plain = spec.StringValue(strings.Join(v.node.path, "."))
		}
	}
}

// checkAxesRead refuses an axis that sets nothing and that nothing reads: most likely
// its name is misspelt.
func (e *experiment) checkAxesRead() {
	if !e.ok { // an expression that could not be read may read it
		return
	}
	for _, a := range e.axes {
		if a.kind != axisFree || e.read[a.name] {
			continue
		}
		e.l.failNear(a.at, "Axis "+quoted(a.name)+" has no effect",
			"It is no item of the configuration, the workload or the experiment, and no expression reads matrix."+a.name+".", meant(a.name, itemNames()), itemNames())
		e.ok = false
	}
}

// itemNames lists every item that an axis can set.
func itemNames() []string {
	var names []string
	for _, rows := range [][]spec.Attribute{spec.ConfigurationItems(), schema.WorkloadItems(), schema.References()} {
		for _, r := range rows {
			names = append(names, r.Name)
		}
	}
	return names
}

// rowSpec is one include or exclude row, checked.
type rowSpec struct {
	choices []choice
	at      spec.Range
	matched bool
}

// extraRows reads include or exclude.
func (e *experiment) extraRows(name string) []*rowSpec {
	b := e.b.one("matrix")
	if b == nil || b.attrs[name] == nil {
		return nil
	}
	attr := b.attrs[name]
	v, ok := e.l.expression(attr.Expr, scope{why: name + " holds plain rows."})
	if !ok {
		e.ok = false
		return nil
	}
	at := e.l.at(attr.Expr)
	if v.ContainsMarked() || v.IsNull() || !isSequence(v) {
		e.fail(at, name+" is a list of rows", "Each row is an object of axes and values.", "Write "+e.b.one("matrix").typ.rows[name].Example+".")
		return nil
	}
	ranges := e.l.elementRanges(attr.Expr, v.LengthInt())
	var rows []*rowSpec
	for i, row := range v.AsValueSlice() {
		if r := e.extraRow(name, row, ranges[i]); r != nil {
			rows = append(rows, r)
		}
	}
	return rows
}

func (e *experiment) extraRow(name string, row cty.Value, at spec.Range) *rowSpec {
	if _, isNode := nodeOf(row); isNode || row.IsNull() || !row.Type().IsObjectType() && !row.Type().IsMapType() || row.LengthInt() == 0 {
		e.fail(at, name+" is a list of rows", "A row is an object of axes and values; this is "+typeName(row)+".", "Write { "+itemExample(e.axes)+" }.")
		return nil
	}
	r := &rowSpec{at: at}
	values := row.AsValueMap()
	for _, key := range sortedKeys(values) {
		c, ok := e.extraChoice(name, key, values[key], at)
		if !ok {
			e.ok = false
			return nil
		}
		r.choices = append(r.choices, c)
	}
	return r
}

func itemExample(axes []*axis) string {
	if len(axes) > 0 {
		return axes[0].name + " = ..."
	}
	return "tensor_parallel = 8"
}

// extraChoice is one entry of a row. Rows to exclude name axes of the matrix; rows to
// include may set any item.
func (e *experiment) extraChoice(name, key string, v cty.Value, at spec.Range) (choice, bool) {
	a := e.axis(key)
	if a == nil && name == "include" {
		if a = e.l.newAxis(key, at); a.kind == axisFree {
			a = nil
		}
	}
	if a == nil {
		known := slices.Clone(e.scope.axes)
		if name == "include" {
			known = append(known, itemNames()...)
		}
		e.l.failNear(at, "Unknown axis "+quoted(key)+" in "+name, "", key, known)
		return choice{}, false
	}
	value, err := axisValueOf(a, v)
	if err != nil {
		e.l.wrongValue(key, at, err)
		return choice{}, false
	}
	e.checkKnown(a.row, value.plain, at)
	if value.node != nil { // as the axis calls it
		for _, known := range a.values {
			if known.node == value.node {
				value.plain = known.plain
			}
		}
	}
	return choice{a, &value}, true
}

// cellCount multiplies the lengths of the axes, and writes the multiplication out.
func cellCount(axes []*axis) (n int, text string) {
	n = 1
	var factors []string
	for _, a := range axes {
		if n <= schema.MaxCells*schema.MaxCells { // beyond, the exact figure is of no use
			n *= max(len(a.values), 1)
		}
		factors = append(factors, fmt.Sprintf("%s %d", a.name, len(a.values)))
	}
	return n, strings.Join(factors, " x ") + " = " + metric.Whole(n)
}
