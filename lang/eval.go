package lang

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"aicv/spec"
)

// mark is put on values that must not be shown.
type mark string

const sensitive mark = "sensitive"

// evaluateAll gives every node its value, each once.
func (l *loader) evaluateAll() {
	for _, n := range l.names.order {
		l.evaluate(n)
	}
}

func (l *loader) evaluate(n *node) {
	if n.state != unseen {
		return
	}
	n.state = onStack
	for _, ref := range n.refs {
		l.evaluate(ref.to)
		n.failed = n.failed || ref.to.failed
	}
	n.state = done
	if n.failed || n.root == rootVar {
		return
	}
	l.evaluations++
	if n.block == nil {
		v, ok := l.value(n.expr, n.refs, nil)
		n.value, n.failed = v, !ok
	} else {
		l.evaluateBlock(n)
	}
	n.hidden = !n.failed && n.value.ContainsMarked()
}

// evaluateBlock decodes a block's attributes, makes the value that references read,
// and the thing that the suite lists.
func (l *loader) evaluateBlock(n *node) {
	decoded, ok := l.attributes(n.block, n.secretsAllowed())
	if !ok {
		n.failed = true
		return
	}
	n.value = l.objectOf(n, decoded)
	n.failed = !l.produce(n, decoded)
}

// value evaluates an expression whose references are resolved. A false result was
// reported, or follows from an error that was. The axes of a matrix are there where
// an expression of an experiment reads them.
func (l *loader) value(expr hcl.Expression, refs []reference, axes map[string]cty.Value) (cty.Value, bool) {
	hidden := false
	for _, ref := range refs {
		if ref.to == nil {
			continue
		}
		if ref.to.failed {
			return cty.DynamicVal, false
		}
		hidden = hidden || ref.to.hidden
	}
	l.evaluating.Store(&expr)
	v, diags := safely(expr, l.contextFor(refs, axes))
	l.parserDiags(diags, hidden)
	if diags.HasErrors() {
		return cty.DynamicVal, false
	}
	if !v.IsWhollyKnown() {
		if l.syntaxErrors { // the parser puts such values where it could not read on
			return cty.DynamicVal, false
		}
		l.fail(l.inFile(rangeOf(expr.Range())), "Value is not known", "Everything in a suite is known before anything runs; this expression has no definite value.")
		return cty.DynamicVal, false
	}
	return v, true
}

// safely evaluates; a panic of the evaluator becomes an error of the expression.
func safely(expr hcl.Expression, ctx *hcl.EvalContext) (v cty.Value, diags hcl.Diagnostics) {
	defer func() {
		if r := recover(); r != nil {
			at := expr.Range()
			v = cty.DynamicVal
			diags = hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Expression can not be evaluated",
				Detail: "Its parts do not go together.", Subject: &at}}
		}
	}()
	return expr.Value(ctx)
}

// contextFor holds just what an expression names: suites have thousands of nodes,
// expressions name a few.
func (l *loader) contextFor(refs []reference, axes map[string]cty.Value) *hcl.EvalContext {
	if len(refs) == 0 {
		return l.base
	}
	ctx := l.base.NewChild()
	ctx.Variables = make(map[string]cty.Value)
	tree := make(map[string]map[string]cty.Value)
	for _, ref := range refs {
		if ref.to == nil {
			ctx.Variables[rootMatrix] = cty.ObjectVal(axes)
			continue
		}
		group := ref.to.root
		for _, kind := range ref.to.path[:len(ref.to.path)-1] {
			group += "." + kind
		}
		if tree[group] == nil {
			tree[group] = make(map[string]cty.Value)
		}
		tree[group][ref.to.name()] = ref.to.value
	}
	for _, ref := range refs {
		if ref.to != nil {
			l.addRoot(ctx, ref.to, tree)
		}
	}
	return ctx
}

// addRoot puts the object of one root into the context, once.
func (l *loader) addRoot(ctx *hcl.EvalContext, n *node, tree map[string]map[string]cty.Value) {
	if _, there := ctx.Variables[n.root]; there {
		return
	}
	if !l.isRole(n.root) {
		ctx.Variables[n.root] = cty.ObjectVal(tree[n.root])
		return
	}
	kinds := make(map[string]cty.Value)
	for kind := range l.table.kinds[n.root] {
		if group := tree[n.root+"."+kind]; group != nil {
			kinds[kind] = cty.ObjectVal(group)
		}
	}
	ctx.Variables[n.root] = cty.ObjectVal(kinds)
}

// expression resolves and evaluates in one go, for places that nothing refers to.
func (l *loader) expression(expr hcl.Expression, s scope) (cty.Value, bool) {
	refs, ok := l.references(expr, s)
	if !ok {
		return cty.DynamicVal, false
	}
	return l.value(expr, refs, nil)
}

// describe writes a value for a message; false for what must not or can not be shown.
func describe(v cty.Value) (string, bool) {
	if v.ContainsMarked() || !v.IsKnown() {
		return "", false
	}
	if n, ok := nodeOf(v); ok {
		return n.address(), true
	}
	switch t := v.Type(); {
	case v.IsNull():
		return "null", true
	case t == cty.String:
		return shorten(fmt.Sprintf("%q", v.AsString())), true
	case t == cty.Number:
		text, err := numberText(v.AsBigFloat())
		return text, err == nil
	case t == cty.Bool:
		return fmt.Sprint(v.True()), true
	case t.IsTupleType() || t.IsListType() || t.IsSetType():
		return fmt.Sprintf("a list of %d", v.LengthInt()), true
	case t.IsObjectType() || t.IsMapType():
		return fmt.Sprintf("an object of %d attributes", v.LengthInt()), true
	}
	return "", false
}

// shorten cuts a long text, between runes.
func shorten(text string) string {
	const most = 80
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "..."
	}
	return text
}

// typeName names a value's type for a message.
func typeName(v cty.Value) string {
	v, _ = v.Unmark()
	if n, ok := nodeOf(v); ok {
		return "the " + n.root + " " + n.address()
	}
	switch t := v.Type(); {
	case v.IsNull():
		return "null"
	case t == cty.String:
		return "a string"
	case t == cty.Number:
		return "a number"
	case t == cty.Bool:
		return "true or false"
	case t.IsTupleType() || t.IsListType() || t.IsSetType():
		return "a list"
	case t.IsObjectType() || t.IsMapType():
		return "an object"
	}
	if _, ok := secretOf(v); ok {
		return "a secret"
	}
	return "something else"
}

// at is the range of an expression.
func (l *loader) at(expr hcl.Expression) spec.Range { return l.inFile(rangeOf(expr.Range())) }
