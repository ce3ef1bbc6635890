package claim

import (
	"fmt"
	"strings"

	"aicv/metric"
	"aicv/spec"
)

// String writes a claim in its canonical form: every figure in the metric's own unit,
// shares as percentages, the reference always named. Parsing it gives the same claim
// but for Text and Range.
func String(c spec.Claim) string {
	text := phrase(c)
	if c.Reference != "" {
		text += " of " + string(c.Reference)
	}
	if c.Quantile.Sign() > 0 {
		text += fmt.Sprintf(" for %s of cells", shareText(c.Quantile))
	}
	return text
}

// phrase writes subject, form and amount.
func phrase(c spec.Claim) string {
	switch c.Form {
	case spec.ClaimWithin:
		return fmt.Sprintf("%s within %s", c.Subject, shareText(c.Amount))
	case spec.ClaimAtLeast:
		return fmt.Sprintf("%s at least %s", c.Subject, shareText(c.Amount))
	case spec.ClaimAtMost:
		return fmt.Sprintf("%s at most %s", c.Subject, shareText(c.Amount))
	}
	m, ok := metric.Lookup(c.Subject)
	if !ok || m.Unit == metric.Share {
		return fmt.Sprintf("%s %s %s", c.Subject, c.Op, shareText(c.Amount))
	}
	return fmt.Sprintf("%s %s %s", c.Subject, c.Op, quantityText(c.Amount.String(), string(m.Unit)))
}

// shareText writes a share as a percentage; the bare factor where a percentage would
// need more digits than a decimal has.
func shareText(share metric.Decimal) string {
	if percent, ok := share.Mul(metric.DecimalFromInt(100)); ok {
		return percent.String() + "%"
	}
	return share.String()
}

// quantityText joins number and unit as they are usually written: 10ms, but
// 10 tokens/s.
func quantityText(number, unit string) string {
	if strings.Contains(unit, "/") {
		return number + " " + unit
	}
	return number + unit
}

// Normalize puts the white space of a correct claim in order: one space between
// words, none inside 10% and 10ms. It reports false, and returns the text unchanged,
// where the claim does not parse.
func Normalize(text string) (string, bool) {
	if _, err := Parse(text); err != nil {
		return text, false
	}
	var b strings.Builder
	previous := token{}
	for _, t := range lex(text) {
		joined := previous.kind == kindNumber && (t.is("%") || isShortUnit(t.text))
		if previous.kind != kindEnd && t.kind != kindEnd && !joined {
			b.WriteByte(' ')
		}
		b.WriteString(t.text)
		previous = t
	}
	return b.String(), true
}

// isShortUnit reports a unit that is written right after its number.
func isShortUnit(text string) bool {
	s, ok := spelling(text)
	return ok && s.Text != "" && !strings.Contains(s.Text, "/")
}
