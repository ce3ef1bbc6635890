package lang

import (
	"slices"
	"strconv"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"aicv/lang/claim"
	"aicv/lang/srcpos"
	"aicv/spec"
)

// claimList is the claims of one expression, parsed once however often it is used.
type claimList struct {
	claims []spec.Claim
	ok     bool
}

// literal is one text of the files, with the way back to its characters.
type literal struct {
	text   string
	at     spec.Range  // where it was written, or the expression that made it
	source *srcpos.Map // nil where the text was computed
	hidden bool        // a sensitive value is in it
}

// part is the place of some bytes of the text.
func (s literal) part(from, to int) spec.Range {
	if s.source == nil {
		return s.at
	}
	return s.source.Range(from, to)
}

// readAsserts takes the assert blocks with their claims.
func (e *experiment) readAsserts() {
	for _, b := range e.b.nested["assert"] {
		a := spec.Assert{Name: b.name(), Severity: spec.AssertError}
		if attr := b.attrs["severity"]; attr != nil {
			_, v, ok := e.l.attribute(b.typ.rows["severity"], attr, false)
			e.ok = e.ok && ok
			if !v.IsNull() {
				a.Severity = spec.AssertSeverity(v.Text())
			}
		}
		attr := b.attrs["expect"]
		if attr == nil {
			e.ok = e.l.missing(b, b.typ.rows["expect"], nil) && e.ok
			continue
		}
		list := e.l.claimsOf(attr.Expr)
		e.ok = e.ok && list.ok
		a.Claims = list.claims
		e.out.Asserts = append(e.out.Asserts, a)
	}
}

// claimsOf parses the claims of an expression. A list that a local value holds is
// parsed once, and its errors point at where it stands.
func (l *loader) claimsOf(expr hcl.Expression) *claimList {
	refs, ok := l.references(expr, scope{why: "Claims are the same for all cells."})
	if !ok {
		return &claimList{}
	}
	if n := l.origin(expr, refs); n != nil {
		if n.failed {
			return &claimList{}
		}
		if n.claims == nil {
			n.claims = &claimList{} // a chain of locals ends: cycles were refused
			n.claims = l.claimsOf(n.expr)
		}
		return n.claims
	}
	if elements, diags := hcl.ExprList(expr); !diags.HasErrors() {
		return l.claimElements(expr, elements)
	}
	texts, ok := l.computedTexts(expr, refs)
	if !ok {
		return &claimList{}
	}
	return l.parseClaims(texts)
}

// origin finds the local value or variable whose own expression this one stands for;
// nil where the value was computed, or came from outside the files.
func (l *loader) origin(expr hcl.Expression, refs []reference) *node {
	if len(refs) != 1 || refs[0].to == nil || !refs[0].whole() || refs[0].to.expr == nil || refs[0].to.hidden {
		return nil
	}
	if _, plain := expr.(*hclsyntax.ScopeTraversalExpr); plain {
		return refs[0].to
	}
	if l.sourceText(l.at(expr)) == `"${`+traversalText(refs[0].traversal)+`}"` {
		return refs[0].to
	}
	return nil
}

// claimElements takes a list that stands in the files, element by element.
func (l *loader) claimElements(list hcl.Expression, elements []hcl.Expression) *claimList {
	if len(elements) == 0 {
		l.fail(l.at(list), "No claims", "An assert that expects nothing would always pass.")
		return &claimList{}
	}
	out := &claimList{ok: true}
	for _, element := range elements {
		one := l.claimsOf(element)
		out.ok = out.ok && one.ok
		out.claims = append(out.claims, one.claims...)
	}
	return out
}

// computedTexts evaluates an expression to one text, or to a list of them.
func (l *loader) computedTexts(expr hcl.Expression, refs []reference) ([]literal, bool) {
	v, ok := l.value(expr, refs, nil)
	if !ok {
		return nil, false
	}
	hidden := v.ContainsMarked()
	v, _ = v.UnmarkDeep()
	at := l.at(expr)
	if v.Type() == cty.String && !v.IsNull() {
		return []literal{l.literalAt(expr, v.AsString(), hidden)}, true
	}
	if _, isNode := nodeOf(v); isNode || v.IsNull() || !isSequence(v) {
		l.fail(at, "Claims are texts", "Expected a sentence such as \"throughput within 10%\", or a list of them, got "+typeName(v)+".")
		return nil, false
	}
	if v.LengthInt() == 0 {
		l.fail(at, "No claims", "An assert that expects nothing would always pass.")
		return nil, false
	}
	var texts []literal
	for _, item := range v.AsValueSlice() {
		if item.Type() != cty.String || item.IsNull() {
			l.fail(at, "Claims are texts", "One element of the list is "+typeName(item)+".")
			return nil, false
		}
		texts = append(texts, literal{text: item.AsString(), at: at, hidden: hidden})
	}
	return texts, true
}

// literalAt finds the characters of a text that stands in the files as it is.
func (l *loader) literalAt(expr hcl.Expression, text string, hidden bool) literal {
	s := literal{text: text, at: l.at(expr), hidden: hidden}
	if len(expr.Variables()) > 0 {
		return s
	}
	source := l.sourceText(s.at)
	if source == "" || (source[0] != '"' && source[0] != '<') {
		return s
	}
	if source[0] == '<' {
		source += "\n" // the end of a heredoc is a line of its own
	}
	m, err := srcpos.Decode([]byte(source), s.at.Start, s.at.File, isJSON(s.at.File))
	if err == nil && m.Text() == text { // else only the whole expression can be pointed at
		s.source = &m
	}
	return s
}

func (l *loader) parseClaims(texts []literal) *claimList {
	out := &claimList{claims: make([]spec.Claim, 0, len(texts)), ok: true}
	for _, t := range texts {
		c, err := claim.Parse(t.text)
		if err != nil {
			l.wrongClaim(t, err)
			out.ok = false
			continue
		}
		c.Range = t.part(0, len(t.text))
		out.claims = append(out.claims, c)
	}
	return out
}

// wrongClaim points at the characters of a sentence that are wrong.
func (l *loader) wrongClaim(t literal, err *claim.Error) {
	if t.hidden {
		l.fail(t.at, "A claim can not be read", "A sensitive value is in it, so that the details are not shown.")
		return
	}
	d := problem(t.part(err.Offset, err.End), err.Message, err.Detail)
	d.Suggestion = err.Suggestion
	if t.source == nil {
		d.Notes = []spec.Note{{Text: "the claim reads " + shorten(strconv.Quote(t.text)), Range: t.at}}
	}
	l.report(d)
}

// checkClaims refuses claims that nothing could ever answer.
func (e *experiment) checkClaims() {
	if e.out.Recommended != nil && e.fixed[slotPredictor] == nil && e.axis(string(spec.RolePredictor)) == nil && e.varying[slotPredictor] == nil {
		e.fail(e.b.one("recommended").at, "recommended needs a predictor", "Rows are recommended by the experiment's predictor, and it has none.", "Declare a predictor.")
	}
	for _, a := range e.out.Asserts {
		for _, c := range a.Claims {
			e.checkClaim(c)
		}
	}
}

func (e *experiment) checkClaim(c spec.Claim) {
	m := e.l.metrics[c.Subject]
	if c.Form != spec.ClaimCompare {
		e.checkRelative(c)
	}
	if m.PerGPU && !e.knowsGPUs() {
		e.failClaim(c, string(c.Subject)+" needs a number of GPUs",
			"It is a figure per GPU, and experiment "+quoted(e.out.Name)+" has no hardware.", "Declare hardware, or claim total_throughput.")
	}
	if c.Subject == "goodput" && len(e.out.SLO) == 0 {
		e.failClaim(c, "goodput needs an slo", "It counts the requests that meet the experiment's slo, and experiment "+quoted(e.out.Name)+" has none.",
			`Add slo { ttft = "1s" } or other limits.`)
	}
}

// failClaim reports a claim that does not fit its experiment; both places are shown.
func (e *experiment) failClaim(c spec.Claim, summary, detail, suggestion string) {
	d := problem(c.Range, summary, detail)
	d.Suggestion = suggestion
	d.Notes = []spec.Note{{Text: "experiment " + quoted(e.out.Name), Range: e.out.Range}}
	e.l.report(d)
	e.ok = false
}

// checkRelative holds a claim about a prediction to what the predictors can give.
func (e *experiment) checkRelative(c spec.Claim) {
	predictors := e.predictors()
	if len(predictors) == 0 {
		e.failClaim(c, "A claim about a prediction, without a predictor",
			"It compares with the predicted "+string(c.Subject)+", and experiment "+quoted(e.out.Name)+" has no predictor.",
			"Declare a predictor, or compare with a quantity.")
		return
	}
	for _, p := range predictors {
		if p == nil {
			continue
		}
		offered := e.l.offeredBy(p)
		if len(offered) == 0 || slices.Contains(offered, string(c.Subject)) {
			continue
		}
		e.failClaim(c, p.Address()+" does not predict "+string(c.Subject),
			"So there is nothing to compare with. It predicts "+listed(offered)+".", e.instead(c, offered))
		return
	}
}

// offeredBy lists the metrics that a predictor answers; each predictor is asked once,
// because all experiments may share it.
func (l *loader) offeredBy(p *spec.Component) []string {
	names, asked := l.offered[p]
	if !asked {
		names = predictedMetrics(l.providers["predictor."+p.Kind], p)
		l.offered[p] = names
	}
	return names
}

// predictedMetrics lists what a predictor answers, as its provider or its declaration
// says.
func predictedMetrics(r spec.Registration, p *spec.Component) []string {
	var names []string
	if r.Answers != nil {
		for _, name := range r.Answers(p) {
			names = append(names, string(name))
		}
		return names
	}
	for _, m := range r.Metrics {
		names = append(names, string(m.Metric))
	}
	return names
}

// instead says what can be asked of the same predictor.
func (e *experiment) instead(c spec.Claim, offered []string) string {
	if base := string(e.l.metrics[c.Subject].Base); slices.Contains(offered, base) && base != string(c.Subject) {
		return "Claim the mean, " + base + ", or compare " + string(c.Subject) + " with a quantity."
	}
	return "Compare " + string(c.Subject) + " with a quantity, or claim one of the metrics that it predicts."
}

// predictors are the distinct predictors of the experiment's cells.
func (e *experiment) predictors() []*spec.Component {
	var found []*spec.Component
	add := func(p *spec.Component) {
		if p != nil && !slices.Contains(found, p) {
			found = append(found, p)
		}
	}
	add(e.out.Base.Predictor)
	if e.axis(string(spec.RolePredictor)) != nil || e.varying[slotPredictor] != nil {
		for i := range e.out.Cells {
			add(e.out.Cells[i].Predictor)
		}
	}
	return found
}

// knowsGPUs reports whether metrics per GPU exist in every cell.
func (e *experiment) knowsGPUs() bool {
	if e.axis("hardware") == nil && e.axis("target") == nil && e.varying[slotHardware] == nil && e.varying[slotTarget] == nil {
		return e.out.Base.GPUs() > 0
	}
	for i := range e.out.Cells {
		if e.out.Cells[i].GPUs() == 0 {
			return false
		}
	}
	return true
}

// endpointKind is the target that somebody else runs: one endpoint is one deployment.
const endpointKind = "endpoint"

// checkEndpoints refuses cells of one endpoint that would need different servers.
func (l *loader) checkEndpoints(suite *spec.Suite) {
	first := make(map[*spec.Component]*spec.Cell)
	for _, x := range suite.Experiments {
		for i := range x.Cells {
			c := &x.Cells[i]
			if c.Target == nil || c.Target.Kind != endpointKind {
				continue
			}
			if first[c.Target] == nil {
				first[c.Target] = c
			}
			if other := first[c.Target]; c.DeploymentID() != other.DeploymentID() {
				d := problem(x.Range, "Cells of one endpoint need different servers",
					c.Target.Address()+" is one running server, and these differ in more than load: "+other.Address()+" and "+c.Address()+".")
				d.Suggestion = "Declare one endpoint per configuration."
				l.report(d)
				break
			}
		}
	}
}
