package claim

import (
	"fmt"
	"strings"

	"aicv/lang/suggest"
	"aicv/metric"
	"aicv/spec"
)

// parser walks over the tokens; the last one, kindEnd, is never passed.
type parser struct {
	tokens []token
	at     int
}

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) next() token {
	t := p.tokens[p.at]
	if t.kind != kindEnd {
		p.at++
	}
	return t
}

// keyword takes a fixed word, and suggests it where a similar one stands.
func (p *parser) keyword(word, context string) *Error {
	t := p.peek()
	if t.is(word) {
		p.next()
		return nil
	}
	if t.kind == kindEnd {
		return fail(t, fmt.Sprintf("The claim ends where %q is missing", word), context, "")
	}
	return fail(t, fmt.Sprintf("Expected %q, found %q", word, t.text), context, didYouMean(t.text, []string{word}))
}

func didYouMean(word string, candidates []string) string {
	if best, ok := suggest.Best(word, candidates); ok {
		return fmt.Sprintf("Did you mean %q?", best)
	}
	return ""
}

const predicateForms = `After the metric stands one of: "within 10%", "at least 90% of predicted", "at most 110% of predicted", or a comparison (< <= > >= ==) with a quantity.`

// predicate parses everything between the subject and the quantifier.
func (p *parser) predicate(c *spec.Claim, m metric.Metric) *Error {
	t := p.next()
	switch {
	case t.is("within"):
		c.Form = spec.ClaimWithin
		return p.within(c, m)
	case t.is("at"):
		return p.atShare(c, m)
	case t.kind == kindOperator:
		c.Form = spec.ClaimCompare
		return p.compare(c, m, t)
	case t.kind == kindEnd:
		return fail(t, fmt.Sprintf("The claim says nothing about %s", m.Name), predicateForms, "")
	}
	return fail(t, fmt.Sprintf("Unexpected %q after the metric", t.text), predicateForms,
		didYouMean(t.text, []string{"within", "at"}))
}

func (p *parser) within(c *spec.Claim, m metric.Metric) *Error {
	number := p.peek()
	amount, unit, err := p.figure(`A tolerance such as "10%" is missing after "within"`)
	if err != nil {
		return err
	}
	if unit.text != "%" && unit.text != "" {
		return toleranceUnit(m, number, unit)
	}
	share, err := shareOf(amount, number, unit)
	if err != nil {
		return err
	}
	if share.Sign() <= 0 || share.Rat().Cmp(one()) >= 0 {
		return fail(span(number, unit), "A tolerance lies above 0% and below 100%",
			fmt.Sprintf("%s%s is outside.", number.text, unit.text), badPercentage(number, unit, m))
	}
	c.Amount = share
	return p.reference(c, m, false)
}

// badPercentage guesses that a bare `10` was meant as 10%.
func badPercentage(number, unit token, m metric.Metric) string {
	if value, err := metric.ParseDecimal(number.text); unit.text == "" && err == nil && value.Sign() > 0 && value.Rat().Cmp(hundred()) < 0 {
		return write("%s within %s%%", m.Name, number.text)
	}
	return ""
}

func toleranceUnit(m metric.Metric, number, unit token) *Error {
	at := span(number, unit)
	written := number.text + unit.text
	if s, ok := spelling(unit.text); ok && s.Unit == m.Unit {
		return fail(at, fmt.Sprintf("A tolerance is a share such as 10%%, not %s", written),
			fmt.Sprintf(`"within" compares %s with its reference. A limit in %s is a comparison.`, m.Name, m.Unit),
			write("%s <= %s", m.Name, quantityText(number.text, unit.text)))
	}
	return fail(at, fmt.Sprintf("A tolerance is a share such as 10%%, not %s", written),
		fmt.Sprintf(`"within" compares %s, which is in %s, with its reference.`, m.Name, m.Unit),
		write("%s within 10%%", m.Name))
}

func (p *parser) atShare(c *spec.Claim, m metric.Metric) *Error {
	word := p.next()
	op := ">="
	switch {
	case word.is("least"):
		c.Form = spec.ClaimAtLeast
	case word.is("most"):
		c.Form, op = spec.ClaimAtMost, "<="
	default:
		return fail(word, `Expected "at least" or "at most"`, "", didYouMean(word.text, []string{"least", "most"}))
	}
	number := p.peek()
	amount, unit, err := p.figure(fmt.Sprintf(`A share such as "90%%" is missing after "at %s"`, word.text))
	if err != nil {
		return err
	}
	if unit.text != "%" && unit.text != "" {
		return fail(span(number, unit), fmt.Sprintf(`"at %s" takes a share of a reference, not %s`, word.text, number.text+unit.text),
			fmt.Sprintf("A limit in %s is a comparison.", m.Unit),
			write("%s %s %s", m.Name, op, quantityText(number.text, unit.text)))
	}
	share, err := shareOf(amount, number, unit)
	if err != nil {
		return err
	}
	if err := atShareBounds(share, number, unit); err != nil {
		return err
	}
	c.Amount = share
	return p.reference(c, m, true)
}

// atShareBounds refuses shares that no figure can miss, and a bare 90 meant as 90%.
func atShareBounds(share metric.Decimal, number, unit token) *Error {
	at := span(number, unit)
	if share.Sign() <= 0 {
		return fail(at, "The share of a reference lies above 0%", "", "")
	}
	if unit.text == "" && share.Rat().Cmp(ten()) >= 0 {
		return fail(at, fmt.Sprintf("A bare %s is a factor of %s, not a percentage", number.text, number.text), "",
			write("%s%%", number.text))
	}
	return nil
}

// reference parses `of predicted`.
func (p *parser) reference(c *spec.Claim, m metric.Metric, required bool) *Error {
	c.Reference = spec.ReferencePredicted
	t := p.peek()
	if !t.is("of") {
		if required {
			return p.missingReference(c, m)
		}
		return nil
	}
	p.next()
	t = p.peek()
	if t.is(string(spec.ReferencePredicted)) {
		p.next()
		return nil
	}
	at := p.restBefore("for")
	if at.kind == kindEnd {
		return fail(at, `A reference is missing after "of"`, `The reference of this version is "predicted".`, "")
	}
	if best, ok := suggest.Best(t.text, references()); ok && best == string(spec.ReferencePredicted) {
		return fail(t, fmt.Sprintf("Unknown reference %q", t.text), "", fmt.Sprintf("Did you mean %q?", best))
	}
	return fail(at, fmt.Sprintf("The reference %q is not available in this version", t.text),
		`Relative claims compare with "predicted" only; a baseline and other cells can not be judged yet.`,
		fmt.Sprintf(`Write "of %s".`, spec.ReferencePredicted))
}

func references() []string { return []string{string(spec.ReferencePredicted), "baseline"} }

func (p *parser) missingReference(c *spec.Claim, m metric.Metric) *Error {
	t := p.peek()
	suggestion := didYouMean(t.text, []string{"of"})
	if t.kind == kindEnd || t.is("for") {
		suggestion = write("%s of predicted", phrase(*c))
		t.end = t.start
		if m.Unit == metric.Share {
			suggestion += fmt.Sprintf(" For a limit write %q.", fmt.Sprintf("%s %s %s", m.Name, limitOperator(c.Form), shareText(c.Amount)))
		}
	}
	return fail(t, "The claim does not say of what the share is", `"at least" and "at most" take a share of a reference: "of predicted".`, suggestion)
}

func limitOperator(form spec.ClaimForm) string {
	if form == spec.ClaimAtLeast {
		return ">="
	}
	return "<="
}

// restBefore spans the tokens up to a keyword or the end.
func (p *parser) restBefore(word string) token {
	first := p.peek()
	last := first
	for t := first; t.kind != kindEnd && !t.is(word); t = p.peek() {
		last = p.next()
	}
	return span(first, last)
}

func (p *parser) compare(c *spec.Claim, m metric.Metric, op token) *Error {
	switch op.text {
	case "<", "<=", ">", ">=", "==":
	default:
		return badOperator(op)
	}
	c.Op = op.text
	amount, err := p.quantity(m, string(m.Name)+" "+op.text+" ")
	c.Amount = amount
	return err
}

func badOperator(op token) *Error {
	detail, suggestion := "The comparisons are < <= > >= and ==.", ""
	switch op.text {
	case "=":
		suggestion = "=="
	case "=<", "≤":
		suggestion = "<="
	case "=>", "≥":
		suggestion = ">="
	case "~", "≈", "±":
		detail = `Closeness to the prediction is written "within 10%".`
	}
	if suggestion != "" {
		suggestion = write("%s", suggestion)
	}
	return fail(op, fmt.Sprintf("Unknown comparison %q", op.text), detail, suggestion)
}

const quantifierForm = `A claim may end in "for 90% of cells"; without it, it holds for every cell.`

// quantifier parses `for 90% of cells`. All cells are what zero stands for.
func (p *parser) quantifier(c *spec.Claim, _ metric.Metric) *Error {
	if !p.peek().is("for") {
		return nil
	}
	p.next()
	if t := p.peek(); t.is("all") || t.is("every") || t.is("each") {
		return fail(p.restBefore(""), "A claim holds for every cell unless it says otherwise", quantifierForm, "Leave these words out.")
	}
	number := p.peek()
	amount, unit, err := p.figure(`A share such as "90%" is missing after "for"`)
	if err != nil {
		return err
	}
	if unit.text != "%" && unit.text != "" {
		return fail(span(number, unit), fmt.Sprintf("Expected a share of the cells, found %s%s", number.text, unit.text), quantifierForm, "")
	}
	share, err := shareOf(amount, number, unit)
	if err != nil {
		return err
	}
	if share.Sign() <= 0 || share.Rat().Cmp(one()) > 0 {
		return fail(span(number, unit), "A share of the cells lies above 0% and at most at 100%", quantifierForm, "")
	}
	if share.Rat().Cmp(one()) < 0 {
		c.Quantile = share
	}
	if err := p.keyword("of", quantifierForm); err != nil {
		return err
	}
	return p.keyword("cells", quantifierForm)
}

// end refuses what is left over.
func (p *parser) end(_ *spec.Claim, _ metric.Metric) *Error {
	t := p.peek()
	switch {
	case t.kind == kindEnd:
		return nil
	case t.is("and") || t.is("or") || t.is("&") || t.is(","):
		return fail(t, "A claim is one sentence", "Each entry of `expect` holds one claim; all of them must hold.",
			"Write two entries in the list.")
	}
	detail, suggestion := quantifierForm, didYouMean(t.text, []string{"for"})
	if strings.EqualFold(t.text, "of") {
		detail, suggestion = "A comparison with a quantity has no reference.", ""
	}
	return fail(t, fmt.Sprintf("Unexpected %q after the claim", t.text), detail, suggestion)
}
