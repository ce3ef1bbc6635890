package lang

import (
	"slices"

	"aicv/lang/schema"
	"aicv/spec"
)

// checkKnown looks, once at each place, at a text that an item's row does not know. One that is nearly
// a known word is a misspelling, and an error; any other is a warning, because a predictor or a
// server of a team may have a word that nobody else has. Where the suite accepts the item,
// it means what it says.
func (e *experiment) checkKnown(row *spec.Attribute, v spec.Value, at spec.Range) {
	if row == nil || len(row.Known) == 0 || v.Kind() != spec.String || slices.Contains(row.Known, v.Text()) || slices.Contains(e.out.Accept, row.Name) {
		return
	}
	summary := row.Name + " is " + quoted(shorten(v.Text())) + ", which aicv does not know"
	d := warning(at, summary, "What no engine has a flag for is measured as something else than was asked for; only a predictor or a server of your own may know it.")
	if near := didYouMean(v.Text(), row.Known); near != "" {
		d = problem(at, summary, "Where a predictor or a server of your own has this word, say so in the experiment: "+schema.Accept+` = ["`+row.Name+`"].`)
		d.Suggestion = near
	} else {
		d.Detail += " Known here: " + listed(row.Known) + "."
	}
	if !slices.ContainsFunc(e.l.diags, func(o spec.Diagnostic) bool { return o.Subject == at && o.Summary == d.Summary }) {
		e.l.report(d)
	}
}
