package lang

import (
	"slices"
	"strconv"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"aicv/lang/schema"
	"aicv/spec"
)

// slot is one of the experiment's references, in the order of schema.References.
type slot int

const (
	slotModel slot = iota
	slotHardware
	slotTarget
	slotRuntime
	slotPredictor
	slotBenchmark
	slotWorkload
	slots
)

// experiment is one experiment block on its way to cells.
type experiment struct {
	l          *loader
	b          *block
	out        *spec.Experiment
	axes       []*axis
	scope      scope
	fixed      [slots]*node
	varying    [slots]*varying // references that read the matrix
	config     spec.Configuration
	configVary []*varying      // configuration items that read the matrix
	read       map[string]bool // axes that some expression reads
	places     map[*node]*spec.Places
	seed       int64
	fromPoints bool // it has points_from, if perhaps a wrong one
	ok         bool
}

// varying is an expression that is evaluated per cell.
type varying struct {
	row  *spec.Attribute
	expr hcl.Expression
	refs []reference
}

// experiments builds every experiment. One that has errors does not stop the next.
func (l *loader) experiments(suite *spec.Suite) {
	if len(l.experimentBlocks) == 0 && !l.diags.HasErrors() {
		d := problem(spec.Range{File: l.files[0], Start: spec.Pos{Line: 1, Column: 1}, End: spec.Pos{Line: 1, Column: 1}},
			"No experiment", "The suite declares nothing to predict, measure or judge.")
		d.Suggestion = `Add an experiment block: experiment "first" { ... }.`
		l.report(d)
	}
	for _, b := range l.experimentBlocks {
		e := &experiment{l: l, b: b, out: &spec.Experiment{Name: b.name(), Range: b.nameAt}, seed: suite.Seed, ok: true}
		e.build()
		suite.Experiments = append(suite.Experiments, e.out)
	}
	for _, name := range sortedKeys(l.fallbacks) {
		suite.Components = append(suite.Components, l.fallbacks[name].product.component)
	}
	l.checkEndpoints(suite)
}

func (e *experiment) build() {
	e.readGuards() // first: what the experiment accepts is no misspelling
	e.readMatrix()
	e.readReferences()
	e.readConfiguration()
	e.readBlocks()
	e.checkAxesRead()
	if e.ok {
		e.expand()
	}
	ready := e.ok
	e.readAsserts()
	if ready {
		e.checkClaims()
	}
}

// fail reports an error of this experiment.
func (e *experiment) fail(at spec.Range, summary, detail, suggestion string) {
	d := problem(at, summary, detail)
	d.Suggestion = suggestion
	e.l.report(d)
	e.ok = false
}

// readReferences finds what the experiment is about: as it says, as its axes say, or
// the only one declared.
func (e *experiment) readReferences() {
	e.readPointsFrom()
	for i := range e.l.slotRows {
		s, row := slot(i), &e.l.slotRows[i]
		attr := e.b.attrs[row.Name]
		switch {
		case attr != nil && e.axis(row.Name) != nil:
			e.fail(e.l.at(attr.Expr), quoted(row.Name)+" is set twice", "The experiment sets it, and so does an axis of its matrix.", "Remove one of them.")
		case attr != nil:
			e.readReference(s, row, attr)
		case e.axis(row.Name) == nil && e.fixed[s] == nil:
			e.fixed[s] = e.only(s, row.Name)
		}
	}
}

func (e *experiment) readPointsFrom() {
	attr := e.b.attrs["points_from"]
	if attr == nil {
		return
	}
	row := e.b.typ.rows["points_from"]
	n, ok := e.reference(row, attr.Expr, scope{})
	e.fromPoints, e.ok = !ok || n != nil, e.ok && ok
	if n == nil {
		return
	}
	if r := e.l.providers["benchmark."+n.path[0]]; r.New.Benchmark != nil {
		e.fail(e.l.at(attr.Expr), n.address()+" has no points", "Points come from recorded data; this benchmark drives a server.", "Name a recorded benchmark.")
		return
	}
	if m := e.b.one("matrix"); m != nil {
		e.fail(m.at, "A matrix beside points_from", "The points of the recorded data are the cells.", "Remove the matrix, or points_from.")
	}
	e.out.PointsFrom = n.product.component
	if e.b.attrs[string(spec.RoleBenchmark)] == nil {
		e.fixed[slotBenchmark] = n
	}
}

func (e *experiment) readReference(s slot, row *spec.Attribute, attr *hcl.Attribute) {
	refs, ok := e.l.references(attr.Expr, e.scope)
	if !ok {
		e.ok = false
		return
	}
	if e.noteAxes(refs) {
		e.varying[s] = &varying{row, attr.Expr, refs}
		return
	}
	n, ok := e.l.referenceValue(row, attr.Expr, refs, nil)
	e.ok = e.ok && ok
	e.fixed[s] = n
	if ok && n == nil {
		e.fixed[s] = e.forNull(s, row.Name)
	}
}

// noteAxes remembers which axes are read; it reports whether any is.
func (e *experiment) noteAxes(refs []reference) bool {
	found := false
	for _, ref := range refs {
		if ref.to == nil {
			e.read[ref.axis] = true
			found = true
		}
	}
	return found
}

func (e *experiment) reference(row *spec.Attribute, expr hcl.Expression, s scope) (*node, bool) {
	refs, ok := e.l.references(expr, s)
	if !ok {
		return nil, false
	}
	return e.l.referenceValue(row, expr, refs, nil)
}

// referenceValue evaluates to the block that is referred to; nil for null.
func (l *loader) referenceValue(row *spec.Attribute, expr hcl.Expression, refs []reference, axes map[string]cty.Value) (*node, bool) {
	if _, plain := expr.(*hclsyntax.ScopeTraversalExpr); plain && refs[0].to != nil && refs[0].to.block != nil && refs[0].whole() && refs[0].to.root != rootVar {
		return l.checkedNode(row, refs[0].to, expr)
	}
	v, ok := l.value(expr, refs, axes)
	if !ok || v.IsNull() {
		return nil, ok
	}
	n, isNode := nodeOf(v)
	if !isNode {
		l.notAReference(row, v, l.at(expr))
		return nil, false
	}
	return l.checkedNode(row, n, expr)
}

// notAReference shows how a reference is written: the one that a text spells, where
// it is one.
func (l *loader) notAReference(row *spec.Attribute, v cty.Value, at spec.Range) {
	d := problem(at, "Wrong value for "+row.Name, "Expected a reference to a "+row.Ref+", got "+typeName(v)+".")
	example := row.Example
	if declared := l.names.addresses(row.Ref); len(declared) > 0 {
		example = declared[0]
	}
	if plain, marks := v.Unmark(); len(marks) == 0 && plain.Type() == cty.String && l.names.nodes[plain.AsString()] != nil {
		example = plain.AsString()
	}
	d.Suggestion = "Write " + row.Name + " = " + example + "."
	if v.Type() == cty.String {
		d.Suggestion = "Write " + row.Name + " = " + example + ", without quotes."
	}
	if isJSON(at.File) {
		d.Suggestion = `Write "${` + example + `}".`
	}
	l.report(d)
}

func (l *loader) checkedNode(row *spec.Attribute, n *node, expr hcl.Expression) (*node, bool) {
	if n.failed {
		return nil, false
	}
	if n.root == row.Ref {
		return n, true
	}
	l.failNear(l.at(expr), "Wrong value for "+row.Name, "Expected a reference to a "+row.Ref+", got "+n.address()+".", row.Ref+"."+n.name(), l.names.addresses(row.Ref))
	return nil, false
}

// only returns the one block declared for a slot, its default, or nil where none is
// needed. Several, or none where one is needed, are errors.
func (e *experiment) only(s slot, root string) *node {
	declared := e.l.names.byRoot[root]
	switch {
	case len(declared) == 1:
		e.ok = e.ok && !declared[0].failed
		return declared[0]
	case len(declared) == 0:
		return e.none(s, root)
	case e.fromPoints && (s == slotModel || s == slotWorkload || s == slotBenchmark):
		return nil // each point names its own
	}
	e.fail(e.b.nameAt, "Which "+root+" is meant?",
		"The suite declares "+strconv.Itoa(len(declared))+", and experiment "+quoted(e.b.name())+" names none: "+listed(e.l.names.addresses(root))+".",
		"Add "+root+" = "+declared[0].address()+", or another of them.")
	return nil
}

// forNull is what a slot holds that was set to null: as if it were not set, but for the
// predictor, where null asks for none. Else an experiment of a suite with one predictor
// could not be without.
func (e *experiment) forNull(s slot, root string) *node {
	if s == slotPredictor {
		return nil
	}
	return e.only(s, root)
}

func (e *experiment) none(s slot, root string) *node {
	switch s {
	case slotTarget:
		return e.l.fallback(root, "process")
	case slotBenchmark:
		return e.l.fallback(root, "loadgen")
	case slotModel, slotRuntime:
		e.fail(e.b.nameAt, "No "+root+" declared", "Every cell needs one.", "Add a "+root+" block to the suite.")
	}
	return nil
}

// fallback is the component that stands in where a suite declares none of its role.
func (l *loader) fallback(role, kind string) *node {
	if n := l.fallbacks[role]; n != nil {
		return n
	}
	c := &spec.Component{Role: spec.Role(role), Kind: kind, Name: "default", Attrs: make(spec.Attrs)}
	if typ := l.table.find(role, kind); typ != nil {
		for _, row := range typ.Attributes {
			if !row.Default.IsNull() {
				c.Attrs[row.Name] = row.Default
			}
		}
		c.Incidental = typ.Incidental()
	}
	l.fallbacks[role] = &node{root: role, path: []string{kind, "default"}, state: done, product: product{component: c}}
	return l.fallbacks[role]
}

// readConfiguration takes the items that are fixed apart from those that read the
// matrix.
func (e *experiment) readConfiguration() {
	b := e.b.one("configuration")
	if b == nil {
		return
	}
	for i := range b.typ.Attributes {
		row := &b.typ.Attributes[i]
		attr := b.attrs[row.Name]
		if attr == nil {
			continue
		}
		if e.axis(row.Name) != nil {
			e.fail(e.l.at(attr.Expr), quoted(row.Name)+" is set twice", "The configuration sets it, and so does an axis of the matrix.", "Remove one of them.")
			continue
		}
		e.readItem(row, attr)
	}
	slices.SortFunc(e.config, bySetting)
}

func bySetting(a, b spec.Setting) int {
	switch {
	case a.Name < b.Name:
		return -1
	case a.Name > b.Name:
		return 1
	}
	return 0
}

func (e *experiment) readItem(row *spec.Attribute, attr *hcl.Attribute) {
	refs, ok := e.l.references(attr.Expr, e.scope)
	if !ok {
		e.ok = false
		return
	}
	v := &varying{row, attr.Expr, refs}
	if e.noteAxes(refs) {
		e.configVary = append(e.configVary, v)
		return
	}
	value, ok := e.item(v, nil)
	e.ok = e.ok && ok
	if ok && !value.IsNull() {
		e.config = append(e.config, spec.Setting{Name: row.Name, Value: value})
	}
}

// item evaluates one configuration item.
func (e *experiment) item(v *varying, axes map[string]cty.Value) (spec.Value, bool) {
	value, ok := e.l.value(v.expr, v.refs, axes)
	if !ok {
		return spec.Value{}, false
	}
	plain, err := plainValue(v.row, value, e.l.conversionAt(v.expr, false))
	if err != nil {
		e.l.wrongValue(v.row.Name, e.l.at(v.expr), err)
		return spec.Value{}, false
	}
	if !value.ContainsMarked() {
		e.checkKnown(v.row, plain, e.l.at(v.expr))
	}
	return plain, true
}

// readBlocks takes slo, repeats, recommended, origin and what becomes of cells that do not fit.
func (e *experiment) readBlocks() {
	e.out.SLO = e.l.limits(e.b.one("slo"))
	e.out.Repeats = spec.Repeats{Min: 3, Max: 10, Starts: 1}
	if b := e.b.one("repeats"); b != nil {
		e.readRepeats(b)
	}
	if attr := e.b.attrs[schema.DoesNotFit]; attr != nil {
		_, policy, ok := e.l.attribute(e.b.typ.rows[schema.DoesNotFit], attr, false)
		e.ok = e.ok && ok
		e.out.DeployUnfit = policy.Text() == schema.UnfitDeploy
	}
	if d, ok := e.optional("recommended"); ok {
		e.out.Recommended = &spec.Recommended{Top: d.attrs.Int("top")}
	}
	if d, ok := e.optional("origin"); ok {
		e.out.Origin = &spec.Imported{Format: d.attrs.Text("format"), File: d.attrs.Text("file"), Entry: d.attrs.Text("entry")}
	}
}

// optional reads a block of plain attributes; false where there is none, or a wrong one.
func (e *experiment) optional(name string) (decoded, bool) {
	b := e.b.one(name)
	if b == nil {
		return decoded{}, false
	}
	d, ok := e.l.attributes(b, false)
	e.ok = e.ok && ok
	return d, ok
}

func (e *experiment) readRepeats(b *block) {
	d, ok := e.l.attributes(b, false)
	if !ok {
		e.ok = false
		return
	}
	r := spec.Repeats{Min: d.attrs.Int("min"), Max: d.attrs.Int("max"), Starts: d.attrs.Int("starts")}
	e.out.Repeats = r
	at := b.at
	if attr := b.attrs["max"]; attr != nil {
		at = e.l.at(attr.Expr)
	}
	const most = 1000
	switch {
	case r.Min > r.Max:
		e.fail(at, "repeats: min is above max", "min is "+strconv.Itoa(r.Min)+origin(b, "min")+", max is "+strconv.Itoa(r.Max)+origin(b, "max")+".", "Set both.")
	case r.Max > most:
		e.fail(at, "repeats: max is above "+strconv.Itoa(most), "", "Use fewer runs.")
	case r.Starts > r.Max:
		e.fail(at, "repeats: starts is above max", "Each start needs at least one run.", "Set max to at least "+strconv.Itoa(r.Starts)+".")
	}
}

// origin says of a value that it is the default.
func origin(b *block, name string) string {
	if b.attrs[name] == nil {
		return " (its default)"
	}
	return ""
}
