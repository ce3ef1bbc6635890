package lang

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"aicv/spec"
)

// scope says what else than declared nodes the expressions of a place may name.
type scope struct {
	axes []string // names after matrix.; nil where matrix can not be read
	why  string   // why matrix can not be read here
}

// references resolves every name in an expression before anything is evaluated;
// false where one of them was reported.
func (l *loader) references(expr hcl.Expression, s scope) ([]reference, bool) {
	if isLiteral(expr) {
		return nil, true
	}
	traversals := expr.Variables()
	refs, ok := make([]reference, 0, len(traversals)), true
	for _, t := range traversals {
		ref, good := l.resolve(t, s)
		if !good {
			ok = false
			continue
		}
		refs = append(refs, ref)
	}
	return refs, ok
}

// isLiteral recognizes the commonest expressions without names, as a shortcut.
func isLiteral(expr hcl.Expression) bool {
	switch x := expr.(type) {
	case *hclsyntax.LiteralValueExpr:
		return true
	case *hclsyntax.TemplateExpr:
		return x.IsStringLiteral()
	}
	return false
}

func (l *loader) resolve(t hcl.Traversal, s scope) (reference, bool) {
	ref := reference{traversal: t, at: l.inFile(rangeOf(t.SourceRange()))}
	root := t.RootName()
	if root == rootMatrix {
		return l.resolveAxis(ref, s)
	}
	if !l.isRoot(root) {
		l.unknownRoot(ref, root)
		return ref, false
	}
	words := 1
	if l.isRole(root) {
		words = 2
	}
	path, ok := l.pathOf(ref, root, words)
	if !ok {
		return ref, false
	}
	ref.steps = 1 + words
	if ref.to = l.names.nodes[root+"."+strings.Join(path, ".")]; ref.to == nil {
		l.undeclared(ref, root, path)
		return ref, false
	}
	return ref, l.checkMember(ref)
}

// pathOf reads the names after the root.
func (l *loader) pathOf(ref reference, root string, words int) ([]string, bool) {
	path := make([]string, 0, words)
	for _, step := range ref.traversal[1:] {
		if len(path) == words {
			break
		}
		name, ok := stepName(step)
		if !ok {
			break
		}
		path = append(path, name)
	}
	if len(path) == words {
		return path, true
	}
	form := root + ".NAME"
	if words == 2 {
		form = root + ".KIND.NAME"
	}
	l.failNear(ref.at, "Incomplete reference "+quoted(traversalText(ref.traversal)), "A reference is written "+form+".", "", l.names.addresses(root))
	return nil, false
}

// stepName reads .name and ["name"].
func stepName(step hcl.Traverser) (string, bool) {
	switch x := step.(type) {
	case hcl.TraverseAttr:
		return x.Name, true
	case hcl.TraverseIndex:
		if x.Key.Type() == cty.String && x.Key.IsKnown() && !x.Key.IsNull() {
			return x.Key.AsString(), true
		}
	}
	return "", false
}

func (l *loader) unknownRoot(ref reference, root string) {
	d := problem(ref.at, "Unknown name "+quoted(root), "References start with "+listed(l.rootNames())+".")
	d.Suggestion = didYouMean(root, l.rootNames())
	if len(ref.traversal) == 1 {
		d.Suggestion = `A text is written in quotes: "` + root + `".`
		if best, ok := l.declaredAs(root); ok {
			d.Suggestion = "Did you mean " + best + "?"
		}
	}
	l.report(d)
}

// declaredAs finds a node by its bare name: `model = qwen` for model.qwen.
func (l *loader) declaredAs(name string) (string, bool) {
	for _, n := range l.names.order {
		if n.name() == name {
			return n.address(), true
		}
	}
	return "", false
}

func (l *loader) undeclared(ref reference, root string, path []string) {
	address := root + "." + strings.Join(path, ".")
	detail := "No " + declarationOf(root) + " of this name is declared."
	if len(l.names.byRoot[root]) == 0 {
		detail = "The suite declares no " + declarationOf(root) + "."
	}
	l.failNear(ref.at, "Reference to undeclared "+quoted(address), detail, address, l.names.addresses(root))
}

// declarationOf names what declares a root's names.
func declarationOf(root string) string {
	switch root {
	case rootVar:
		return "variable"
	case rootLocal:
		return "local value"
	}
	return root
}

// checkMember checks the attribute that is read from a block.
func (l *loader) checkMember(ref reference) bool {
	if ref.whole() || ref.to.block == nil || ref.to.root == rootVar {
		return true
	}
	step := ref.traversal[ref.steps]
	name, ok := stepName(step)
	if !ok {
		return true // the evaluator knows what is wrong with it
	}
	if _, ok := ref.to.block.typ.rows[name]; ok {
		return true
	}
	l.failNear(l.inFile(rangeOf(step.SourceRange())), ref.to.address()+" has no attribute "+quoted(name), "", name, ref.to.block.typ.attributeNames())
	return false
}

func (l *loader) resolveAxis(ref reference, s scope) (reference, bool) {
	if s.axes == nil {
		why := s.why
		if why == "" {
			why = "Only an experiment's references and its configuration can read the matrix."
		}
		l.fail(ref.at, "matrix can not be read here", why)
		return ref, false
	}
	if len(ref.traversal) > 1 {
		if name, ok := stepName(ref.traversal[1]); ok {
			return l.knownAxis(ref, name, s.axes)
		}
	}
	l.failNear(ref.at, "Incomplete reference \"matrix\"", "An axis is read as matrix.NAME.", "", s.axes)
	return ref, false
}

func (l *loader) knownAxis(ref reference, name string, axes []string) (reference, bool) {
	if slices.Contains(axes, name) {
		ref.axis, ref.steps = name, 2
		return ref, true
	}
	l.failNear(ref.at, "The matrix has no axis "+quoted(name), "", name, axes)
	return ref, false
}

// traversalText writes a traversal as in the source.
func traversalText(t hcl.Traversal) string {
	var b strings.Builder
	for i, step := range t {
		switch x := step.(type) {
		case hcl.TraverseRoot:
			b.WriteString(x.Name)
		case hcl.TraverseAttr:
			if i > 0 {
				b.WriteByte('.')
			}
			b.WriteString(x.Name)
		case hcl.TraverseIndex:
			text, _ := describe(x.Key)
			b.WriteString("[" + text + "]")
		default:
			b.WriteString("[*]")
		}
	}
	return b.String()
}

// link resolves the references of every node.
func (l *loader) link() {
	for _, n := range l.names.order {
		for _, expr := range n.expressions() {
			refs, ok := l.references(expr, scope{})
			n.refs = append(n.refs, refs...)
			n.failed = n.failed || !ok
		}
	}
}

// expressions lists what a node's value is computed from, in schema order. A
// variable's value was found before; it names nothing.
func (n *node) expressions() []hcl.Expression {
	if n.root == rootVar {
		return nil
	}
	if n.block == nil {
		return []hcl.Expression{n.expr}
	}
	return n.block.expressions(nil)
}

func (b *block) expressions(into []hcl.Expression) []hcl.Expression {
	for _, row := range b.typ.Attributes {
		if attr := b.attrs[row.Name]; attr != nil {
			into = append(into, attr.Expr)
		}
	}
	for _, attr := range b.open {
		into = append(into, attr.Expr)
	}
	for _, n := range b.typ.Blocks {
		for _, inner := range b.nested[n.Name] {
			into = inner.expressions(into)
		}
	}
	return into
}

// findCycles reports each cycle of references once, hop by hop, and marks its nodes
// as failed. Nodes are walked in source order, so that the output is stable.
func (l *loader) findCycles() {
	var stack []hop
	for _, n := range l.names.order {
		l.walk(n, &stack)
	}
	for _, n := range l.names.order {
		n.state = unseen
	}
}

// hop is one step of the walk: a node, and the reference that leads on from it.
type hop struct {
	from *node
	use  reference
}

func (l *loader) walk(n *node, stack *[]hop) {
	if n.state != unseen {
		return
	}
	n.state = onStack
	for _, ref := range n.refs {
		*stack = append(*stack, hop{n, ref})
		if ref.to.state == onStack {
			l.cycle(*stack, ref.to)
		}
		l.walk(ref.to, stack)
		*stack = (*stack)[:len(*stack)-1]
	}
	n.state = done
}

func (l *loader) cycle(stack []hop, back *node) {
	start := slices.IndexFunc(stack, func(h hop) bool { return h.from == back })
	hops := stack[start:]
	for _, h := range hops {
		h.from.failed = true
	}
	d := problem(hops[0].use.at, "Cycle of references", cycleText(hops))
	d.Suggestion = "Break the cycle: give one of them a value of its own."
	for _, h := range hops {
		d.Notes = append(d.Notes, spec.Note{Text: h.from.address() + " uses " + h.use.to.address() + " here", Range: h.use.at})
	}
	l.report(d)
}

func cycleText(hops []hop) string {
	names := make([]string, 0, len(hops)+1)
	for _, h := range hops {
		names = append(names, h.from.address())
	}
	return strings.Join(append(names, hops[0].from.address()), " -> ")
}
