package lang

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"aicv/spec"
)

// autoVarFile is read from the suite's folder without being named.
const autoVarFile = "aicv.auto.hclvars"

// envPrefix and a variable's name make the environment variable that sets it.
const envPrefix = "AICV_VAR_"

// given is a value that somebody gave a variable: a text from outside, or an
// expression in a file of variables.
type given struct {
	from string // for messages: "--var", "AICV_VAR_models", a file's name
	text string
	expr hcl.Expression
}

// variables gives every declared variable its value. In rising precedence: default,
// environment, aicv.auto.hclvars, --var-file, --var.
func (l *loader) variables() {
	values := l.givenValues()
	for _, n := range l.names.byRoot[rootVar] {
		l.variable(n, values[n.name()])
		n.state = unseen
	}
}

func (l *loader) givenValues() map[string]*given {
	values := make(map[string]*given)
	anyHidden := false
	for _, n := range l.names.byRoot[rootVar] {
		name := n.name()
		anyHidden = anyHidden || n.declaredSensitive()
		if text, ok := l.options.Environ(envPrefix + name); ok {
			values[name] = &given{from: envPrefix + name, text: text}
		}
	}
	auto := filepath.Join(l.options.Dir, autoVarFile)
	if _, err := os.Stat(auto); !errors.Is(err, fs.ErrNotExist) {
		l.varFile(auto, autoVarFile, anyHidden, values)
	}
	for _, path := range l.options.VarFiles {
		l.varFile(path, path, anyHidden, values)
	}
	for _, name := range sortedKeys(l.options.Vars) {
		if l.names.nodes[rootVar+"."+name] == nil {
			l.failNear(spec.Range{}, "Value for an undeclared variable: --var "+name, "The suite declares no variable of this name.", name, l.variableNames())
			continue
		}
		values[name] = &given{from: "--var", text: l.options.Vars[name]}
	}
	return values
}

func (l *loader) variableNames() []string {
	nodes := l.names.byRoot[rootVar]
	names := make([]string, len(nodes))
	for i, n := range nodes {
		names[i] = n.name()
	}
	return names
}

// varFile reads one file of variables. Names that the suite does not declare are a
// warning: such files are shared between suites. Where the suite has a sensitive
// variable, the file's lines are never shown.
func (l *loader) varFile(path, name string, hide bool, values map[string]*given) {
	body := l.readFile(path, name)
	if hide {
		l.hiddenFiles[name] = true
	}
	if body == nil {
		return
	}
	attrs, diags := body.JustAttributes()
	l.parserDiags(diags, hide)
	for _, key := range sortedKeys(attrs) {
		attr := attrs[key]
		if l.names.nodes[rootVar+"."+key] != nil {
			values[key] = &given{from: name, expr: attr.Expr}
			continue
		}
		d := warning(l.inFile(rangeOf(attr.NameRange)), "Value for an undeclared variable "+quoted(key), "The suite declares no variable of this name.")
		d.Suggestion = didYouMean(key, l.variableNames())
		l.report(d)
	}
}

// declaredSensitive reads the flag before anything is evaluated: it decides what
// messages may show.
func (n *node) declaredSensitive() bool {
	attr := n.block.attrs["sensitive"]
	if attr == nil {
		return false
	}
	v, diags := safely(attr.Expr, nil)
	return diags.HasErrors() || v.Type() != cty.Bool || !v.IsKnown() || v.IsNull() || v.True() // what can not be read is unknown
}

// variable evaluates one variable: its type, its default, the value given.
func (l *loader) variable(n *node, g *given) {
	n.hidden = n.declaredSensitive()
	n.failed = true // until everything is well
	if !l.checkVariableBlock(n) {
		return
	}
	want, defaults, typed := l.variableType(n)
	if !typed && n.block.attrs["type"] != nil {
		return
	}
	fallback := n.block.attrs["default"]
	var v cty.Value
	ok := false
	switch {
	case g != nil:
		v, ok = l.givenValue(n, g, l.impliedType(want, typed, fallback))
	case fallback != nil:
		n.expr = fallback.Expr
		v, ok = l.constant(fallback.Expr, n.hidden)
	default:
		d := problem(n.at, "No value for variable "+quoted(n.name()), "It has no default.")
		d.Suggestion = fmt.Sprintf("Give one with --var %s=..., a --var-file, or %s%s.", n.name(), envPrefix, n.name())
		l.report(d)
	}
	if ok {
		l.setVariable(n, g, v, want, defaults)
	}
}

// checkVariableBlock holds description and sensitive to their types; their values
// are constants.
func (l *loader) checkVariableBlock(n *node) bool {
	ok := true
	for _, name := range []string{"description", "sensitive"} {
		attr := n.block.attrs[name]
		if attr == nil {
			continue
		}
		v, good := l.constant(attr.Expr, false)
		if good {
			if _, err := plainValue(n.block.typ.rows[name], v, l.conversionAt(attr.Expr, false)); err != nil {
				l.wrongValue(name, l.at(attr.Expr), err)
				good = false
			}
		}
		ok = ok && good
	}
	return ok
}

func (l *loader) variableType(n *node) (cty.Type, *typeexpr.Defaults, bool) {
	attr := n.block.attrs["type"]
	if attr == nil {
		return cty.DynamicPseudoType, nil, false
	}
	want, defaults, diags := typeexpr.TypeConstraintWithDefaults(attr.Expr)
	l.parserDiags(diags, false)
	if diags.HasErrors() {
		return cty.DynamicPseudoType, nil, false
	}
	return want, defaults, true
}

// impliedType is how a raw text is read: by the declared type, else by the default's.
func (l *loader) impliedType(want cty.Type, typed bool, fallback *hcl.Attribute) cty.Type {
	if typed {
		return want
	}
	if fallback != nil {
		if v, diags := safely(fallback.Expr, nil); !diags.HasErrors() && !v.IsNull() {
			return v.Type()
		}
	}
	return cty.String
}

func (l *loader) setVariable(n *node, g *given, v cty.Value, want cty.Type, defaults *typeexpr.Defaults) {
	if defaults != nil && !v.IsNull() {
		v = defaults.Apply(v)
	}
	typed, err := convert.Convert(v, want)
	if err != nil {
		l.badVariable(n, g, "Its type is "+typeexpr.TypeString(want)+": "+hideIf(n.hidden, err.Error(), "the value does not fit")+".")
		return
	}
	l.inputs[n.address()] = hashValue(typed)
	if n.hidden {
		typed = typed.Mark(sensitive)
	}
	n.value, n.failed = typed, false
}

func hideIf(hidden bool, text, instead string) string {
	if hidden {
		return instead
	}
	return text
}

// hashValue tells values apart without keeping them.
func hashValue(v cty.Value) string {
	plain, err := conversion{}.plain(v)
	if err != nil {
		return string(spec.HashOf([]byte(v.GoString())))
	}
	return string(spec.HashOf(plain.AppendCanonical(nil)))
}

func (l *loader) badVariable(n *node, g *given, detail string) {
	from := "its default"
	if g != nil {
		from = g.from
	}
	at := n.at
	if g != nil && g.expr != nil {
		at = l.at(g.expr)
	}
	d := problem(at, "Bad value for variable "+quoted(n.name())+" from "+from, detail)
	if at != n.at {
		d.Notes = []spec.Note{{Text: "declared here", Range: n.at}}
	}
	l.report(d)
}

// constant evaluates an expression that may name nothing.
func (l *loader) constant(expr hcl.Expression, hidden bool) (cty.Value, bool) {
	if len(expr.Variables()) > 0 {
		l.fail(l.at(expr), "A variable's value is a constant", "Defaults and files of variables can not refer to anything; a local value can.")
		return cty.DynamicVal, false
	}
	v, diags := safely(expr, &hcl.EvalContext{})
	l.parserDiags(diags, hidden)
	if diags.HasErrors() {
		return cty.DynamicVal, false
	}
	if !v.IsWhollyKnown() { // the parser puts such values where it could not read on
		if !l.syntaxErrors {
			l.fail(l.at(expr), "Value is not known", "A variable's value is a constant.")
		}
		return cty.DynamicVal, false
	}
	return v, true
}

// givenValue reads a value from outside. Where a string is wanted the text is taken
// as it is, else it is an expression: --var 'sizes=[1, 2]'.
func (l *loader) givenValue(n *node, g *given, want cty.Type) (cty.Value, bool) {
	if g.expr != nil {
		n.expr = g.expr
		return l.constant(g.expr, n.hidden)
	}
	if want == cty.String || want == cty.DynamicPseudoType {
		return cty.StringVal(g.text), true
	}
	text := "a value like " + hideIf(n.hidden, quoted(shorten(g.text)), "this")
	if _, deep := tooDeep([]byte(g.text)); deep {
		l.badVariable(n, g, "It is nested too deeply.")
		return cty.DynamicVal, false
	}
	expr, diags := hclsyntax.ParseExpression([]byte(g.text), g.from, hcl.InitialPos)
	if diags.HasErrors() {
		l.badVariable(n, g, "Its type is "+typeexpr.TypeString(want)+", and "+text+" is not one.")
		return cty.DynamicVal, false
	}
	v, diags := safely(expr, &hcl.EvalContext{})
	if diags.HasErrors() || !v.IsWhollyKnown() {
		l.badVariable(n, g, "Its type is "+typeexpr.TypeString(want)+", and "+text+" is not one.")
		return cty.DynamicVal, false
	}
	return v, true
}

// validateVariables checks the variables' own conditions.
func (l *loader) validateVariables() {
	for _, n := range l.names.byRoot[rootVar] {
		for _, b := range n.block.nested["validation"] {
			l.validate(n, b)
		}
	}
}

func (l *loader) validate(n *node, b *block) {
	rows := b.typ.Attributes
	for i := range rows {
		if b.attrs[rows[i].Name] == nil {
			l.missing(b, &rows[i], nil)
			return
		}
	}
	condition := b.attrs["condition"].Expr
	v, ok := l.expression(condition, scope{})
	if !ok {
		return
	}
	hidden := v.ContainsMarked() || n.hidden
	v, _ = v.UnmarkDeep()
	if v.Type() != cty.Bool || v.IsNull() {
		l.fail(l.at(condition), "A condition is true or false", "This one is "+typeName(v)+".")
		return
	}
	if v.True() {
		return
	}
	d := problem(n.at, "Bad value for variable "+quoted(n.name()), l.validationMessage(b, hidden))
	d.Notes = []spec.Note{{Text: "its condition is not met", Range: l.at(condition)}}
	if text, shown := describe(n.value); shown {
		d.Values = []spec.Note{{Text: n.address() + " is " + text, Range: n.at}}
	}
	l.report(d)
}

// validationMessage is the suite's own text; a sensitive value in it is not shown.
func (l *loader) validationMessage(b *block, hidden bool) string {
	const unknown = "It does not meet its condition."
	v, ok := l.expression(b.attrs["error_message"].Expr, scope{})
	if !ok || v.ContainsMarked() || v.IsNull() || v.Type() != cty.String {
		return unknown
	}
	if hidden && strings.TrimSpace(v.AsString()) == "" {
		return unknown
	}
	return v.AsString()
}
