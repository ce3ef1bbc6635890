// Package write writes suites: typed blocks in, source text in canonical format out. Texts
// from outside can stand in any value; they are quoted, so that nothing in them is read as
// an expression.
package write

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"aicv/spec"
)

// Expr is the right side of an attribute: a value, a reference, or a list of either.
type Expr struct {
	value spec.Value
	ref   string
	list  []Expr
}

// Value is a plain value. A secret is written as env("NAME").
func Value(v spec.Value) Expr { return Expr{value: v} }

// Plain is the value of an expression that is one; Null for references.
func (e Expr) Plain() spec.Value { return e.value }

// Ref is a reference such as runtime.sglang.main.
func Ref(address string) Expr { return Expr{ref: address} }

// Refs is a list of references.
func Refs(addresses ...string) Expr {
	e := Expr{list: make([]Expr, len(addresses))}
	for i, a := range addresses {
		e.list[i] = Ref(a)
	}
	return e
}

// Attr is one attribute of a block.
type Attr struct {
	Name  string
	Value Expr
}

// Block is one block.
type Block struct {
	Type    string
	Labels  []string
	Comment string // stands above it, one # per line; empty: none
	Attrs   []Attr
	Blocks  []Block
}

// Source writes a file: an opening comment and blocks. The error is of a name or a
// reference that the language does not have.
func Source(comment string, blocks []Block) ([]byte, error) {
	w := &writer{}
	w.comment(comment)
	for i := range blocks {
		if w.b.Len() > 0 {
			w.b.WriteByte('\n')
		}
		w.block(&blocks[i])
	}
	if w.err != nil {
		return nil, w.err
	}
	source := hclwrite.Format([]byte(w.b.String()))
	if _, diags := hclsyntax.ParseConfig(source, "written.hcl", hcl.InitialPos); diags.HasErrors() {
		return nil, fmt.Errorf("write suite: %w", diags)
	}
	return source, nil
}

type writer struct {
	b   strings.Builder
	err error
}

func (w *writer) comment(text string) {
	if text == "" {
		return
	}
	for line := range strings.SplitSeq(text, "\n") {
		w.b.WriteString(strings.TrimRight("# "+printable(line), " ") + "\n")
	}
}

// printable keeps a comment on its line.
func printable(line string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' || r == '\ufeff' || r == '\ufffd' {
			return ' '
		}
		return r
	}, line)
}

func (w *writer) block(b *Block) {
	w.comment(b.Comment)
	w.name(b.Type)
	for _, label := range b.Labels {
		w.b.WriteString(" " + w.quoted(label))
	}
	if len(b.Attrs)+len(b.Blocks) == 0 {
		w.b.WriteString(" {}\n")
		return
	}
	w.b.WriteString(" {\n")
	for _, a := range b.Attrs {
		w.name(a.Name)
		w.b.WriteString(" = ")
		w.expr(a.Value, 0)
		w.b.WriteByte('\n')
	}
	for i := range b.Blocks {
		if i > 0 || len(b.Attrs) > 0 {
			w.b.WriteByte('\n')
		}
		w.block(&b.Blocks[i])
	}
	w.b.WriteString("}\n")
}

func (w *writer) name(name string) {
	if !hclsyntax.ValidIdentifier(name) {
		w.fail(fmt.Errorf("write suite: %q is no name", name))
	}
	w.b.WriteString(name)
}

func (w *writer) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

// expr writes an expression; lists of maps and maps of an attribute itself stand on
// several lines.
func (w *writer) expr(e Expr, depth int) {
	switch {
	case e.ref != "":
		if _, diags := hclsyntax.ParseTraversalAbs([]byte(e.ref), "reference", hcl.InitialPos); diags.HasErrors() {
			w.fail(fmt.Errorf("write suite: %q is no reference", e.ref))
		}
		w.b.WriteString(e.ref)
	case e.list != nil:
		w.items(len(e.list), false, func(i int) { w.expr(e.list[i], depth+1) })
	default:
		w.value(e.value, depth)
	}
}

func (w *writer) items(count int, lines bool, each func(i int)) {
	w.b.WriteByte('[')
	for i := range count {
		if lines {
			w.b.WriteByte('\n')
		} else if i > 0 {
			w.b.WriteByte(' ')
		}
		each(i)
		if lines || i < count-1 {
			w.b.WriteByte(',')
		}
	}
	if lines && count > 0 {
		w.b.WriteByte('\n')
	}
	w.b.WriteByte(']')
}

func (w *writer) value(v spec.Value, depth int) {
	switch v.Kind() {
	case spec.String:
		w.b.WriteString(w.quoted(v.Text()))
	case spec.Secret:
		w.b.WriteString("env(" + w.quoted(v.Text()) + ")")
	case spec.List:
		items := v.Items()
		w.items(len(items), len(items) > 0 && items[0].Kind() == spec.Map, func(i int) { w.value(items[i], depth+1) })
	case spec.Map:
		w.fields(v.Fields(), depth)
	case spec.Null:
		w.b.WriteString("null")
	default:
		w.b.WriteString(v.Text())
	}
}

func (w *writer) fields(fields []spec.Field, depth int) {
	if len(fields) == 0 {
		w.b.WriteString("{}")
		return
	}
	separator, end := ", ", " }"
	if depth == 0 && len(fields) > 2 {
		separator, end = "\n", "\n}"
	}
	w.b.WriteString("{" + strings.TrimPrefix(separator, ","))
	for i, f := range fields {
		if i > 0 {
			w.b.WriteString(separator)
		}
		name := f.Name
		if !hclsyntax.ValidIdentifier(name) {
			name = w.quoted(name)
		}
		w.b.WriteString(name + " = ")
		w.value(f.Value, depth+1)
	}
	w.b.WriteString(end)
}

// quoted escapes template sequences too.
func (w *writer) quoted(s string) string {
	if !utf8.ValidString(s) {
		w.fail(fmt.Errorf("write suite: %q is not UTF-8", s))
	}
	return string(hclwrite.TokensForValue(cty.StringVal(s)).Bytes())
}

// Label makes a name out of any text: what a reference can not name becomes an underscore.
func Label(text string) string {
	var b strings.Builder
	for _, r := range text {
		ok := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		if !ok {
			r = '_'
		}
		if r == '_' && strings.HasSuffix(b.String(), "_") || b.Len() >= 60 {
			continue
		}
		b.WriteRune(r)
	}
	label := strings.Trim(b.String(), "_")
	switch {
	case label == "":
		return "unnamed"
	case label[0] >= '0' && label[0] <= '9':
		return "v" + label
	}
	return label
}
