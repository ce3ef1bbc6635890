package lang

import (
	"errors"
	"reflect"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"aicv/lang/schema"
	"aicv/spec"
)

// decoded is a block's attributes, checked, with defaults filled in.
type decoded struct {
	attrs spec.Attrs
	raw   map[string]cty.Value // as written, marks included; only what was set
}

// attributes evaluates and checks a block's attributes and those of its nested
// blocks. Every error is reported; false where there was one.
func (l *loader) attributes(b *block, secrets bool) (decoded, bool) {
	out, ok := decoded{make(spec.Attrs, len(b.typ.Attributes)), make(map[string]cty.Value, len(b.attrs))}, true
	for i := range b.typ.Attributes {
		row := &b.typ.Attributes[i]
		attr := b.attrs[row.Name]
		if attr == nil {
			ok = l.missing(b, row, out.attrs) && ok
			continue
		}
		raw, plain, good := l.attribute(row, attr, secrets)
		ok = ok && good
		if !plain.IsNull() {
			out.raw[row.Name], out.attrs[row.Name] = raw, plain
		} else if good {
			ok = l.missing(b, row, out.attrs) && ok // null is the same as nothing
		}
	}
	ok = l.openAttributes(b, out, secrets) && ok
	return out, l.nestedAttributes(b, out.attrs, secrets) && ok
}

// missing fills in a default, or reports a required attribute.
func (l *loader) missing(b *block, row *spec.Attribute, attrs spec.Attrs) bool {
	if !row.Required {
		if !row.Default.IsNull() {
			attrs[row.Name] = row.Default
		}
		return true
	}
	d := problem(b.at, "Missing attribute "+quoted(row.Name), row.Doc)
	d.Suggestion = "Add " + row.Name + " = " + row.Example + "."
	l.report(d)
	return false
}

func (l *loader) attribute(row *spec.Attribute, attr *hcl.Attribute, secrets bool) (cty.Value, spec.Value, bool) {
	v, ok := l.expression(attr.Expr, scope{})
	if !ok {
		return v, spec.Value{}, false
	}
	plain, err := plainValue(row, v, l.conversionAt(attr.Expr, secrets))
	if err != nil {
		l.wrongValue(row.Name, l.at(attr.Expr), err)
		return v, spec.Value{}, false
	}
	return v, plain, true
}

func (l *loader) conversionAt(expr hcl.Expression, secrets bool) conversion {
	return conversion{secrets: secrets, quoted: strings.HasPrefix(l.sourceText(l.at(expr)), `"`)}
}

// wrongValue reports a value that does not fit.
func (l *loader) wrongValue(name string, at spec.Range, err error) {
	d := problem(at, "Wrong value for "+name, upperFirst(err.Error())+".")
	if m := (*mismatch)(nil); errors.As(err, &m) {
		d.Suggestion, d.Unshown = m.suggestion, m.unshown
	}
	l.report(d)
}

func upperFirst(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// openAttributes takes what no row names, of a block that accepts it.
func (l *loader) openAttributes(b *block, out decoded, secrets bool) bool {
	ok := true
	for _, attr := range b.open {
		raw, plain, good := l.attribute(&spec.Attribute{Name: attr.Name, Type: spec.TypeAny}, attr, secrets)
		ok = ok && good
		if !plain.IsNull() {
			out.raw[attr.Name], out.attrs[attr.Name] = raw, plain
		}
	}
	return ok
}

// nestedAttributes makes values of nested blocks: a map, or a list of maps for a
// repeatable one, its label under "label".
func (l *loader) nestedAttributes(b *block, attrs spec.Attrs, secrets bool) bool {
	ok := true
	for _, typ := range b.typ.Blocks {
		var items []spec.Value
		for _, inner := range b.nested[typ.Name] {
			in, good := l.attributes(inner, secrets)
			ok = ok && good
			if len(inner.labels) > 0 {
				in.attrs["label"] = spec.StringValue(inner.name())
			}
			items = append(items, in.attrs.Value())
		}
		switch {
		case len(items) == 0:
		case typ.Repeatable:
			attrs[typ.Name] = spec.ListValue(items...)
		default:
			attrs[typ.Name] = items[0]
		}
	}
	return ok
}

// refKey is the attribute of a block's value that leads back to the block. It is not
// an identifier, so that no expression can name it.
const refKey = "(block)"

// nodeOf finds the block that a value refers to as a whole.
func nodeOf(v cty.Value) (*node, bool) {
	if v.IsMarked() {
		v, _ = v.Unmark()
	}
	if t := v.Type(); v.IsNull() || !v.IsKnown() || !t.IsObjectType() || !t.HasAttribute(refKey) {
		return nil, false
	}
	inner := v.GetAttr(refKey)
	if t := inner.Type(); !t.IsCapsuleType() || t.EncapsulatedType() != reflect.TypeFor[node]() {
		return nil, false
	}
	n, ok := inner.EncapsulatedValue().(*node)
	return n, ok
}

// objectOf is what references to a block read: every attribute of its schema, null
// where it is not set, so that all blocks of one kind have one type.
func (l *loader) objectOf(n *node, d decoded) cty.Value {
	fields := make(map[string]cty.Value, len(n.block.typ.Attributes)+1)
	for i := range n.block.typ.Attributes {
		row := &n.block.typ.Attributes[i]
		want := ctyType(row)
		raw, set := d.raw[row.Name]
		switch {
		case !set && d.attrs.Has(row.Name):
			raw = ctyOf(d.attrs[row.Name])
		case !set:
			raw = cty.NullVal(want)
		}
		if typed, err := convert.Convert(raw, want); err == nil {
			raw = typed
		}
		fields[row.Name] = raw
	}
	fields[refKey] = cty.CapsuleVal(l.nodeType, n)
	return cty.ObjectVal(fields)
}

// ctyType is the type under which expressions read an attribute.
func ctyType(row *spec.Attribute) cty.Type {
	switch row.Type {
	case spec.TypeString, spec.TypePath, spec.TypeDuration, spec.TypeSize:
		return cty.String
	case spec.TypeInt, spec.TypeNumber:
		return cty.Number
	case spec.TypeBool:
		return cty.Bool
	case spec.TypeStringList:
		return cty.List(cty.String)
	}
	return cty.DynamicPseudoType // lists that may be one value, maps with secrets, anything
}

// ctyOf makes an expression's value of a plain one; defaults hold no secrets.
func ctyOf(v spec.Value) cty.Value {
	switch v.Kind() {
	case spec.Bool:
		return cty.BoolVal(v.Bool())
	case spec.Number:
		if n, err := cty.ParseNumberVal(v.Text()); err == nil {
			return n
		}
	case spec.String:
		return cty.StringVal(v.Text())
	case spec.List:
		items := make([]cty.Value, len(v.Items()))
		for i, item := range v.Items() {
			items[i] = ctyOf(item)
		}
		return cty.TupleVal(items)
	case spec.Map:
		fields := make(map[string]cty.Value, len(v.Fields()))
		for _, f := range v.Fields() {
			fields[f.Name] = ctyOf(f.Value)
		}
		return cty.ObjectVal(fields)
	}
	return cty.NullVal(cty.DynamicPseudoType)
}

// secretsAllowed reports whether the node's attributes may hold secret references:
// only what providers get, at the moment of use.
func (n *node) secretsAllowed() bool {
	switch n.root {
	case schema.Model, schema.Hardware, schema.Workload:
		return false
	}
	return true
}
