package lang

import (
	"slices"

	"aicv/spec"
)

// warnUnknown warns of a text that an item's row does not know, once at each place: a
// predictor or a server of a team may have a word that nobody else has.
func (l *loader) warnUnknown(row *spec.Attribute, v spec.Value, at spec.Range) {
	if row == nil || len(row.Known) == 0 || v.Kind() != spec.String || slices.Contains(row.Known, v.Text()) {
		return
	}
	d := warning(at, row.Name+" is "+quoted(shorten(v.Text()))+", which aicv does not know",
		"What no engine has a flag for is measured as something else than was asked for; only a predictor or a server of your own may know it.")
	d.Suggestion = didYouMean(v.Text(), row.Known)
	if d.Suggestion == "" {
		d.Detail += " Known here: " + listed(row.Known) + "."
	}
	if !slices.ContainsFunc(l.diags, func(o spec.Diagnostic) bool { return o.Subject == at && o.Summary == d.Summary }) {
		l.report(d)
	}
}
