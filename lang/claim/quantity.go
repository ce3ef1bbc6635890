package claim

import (
	"errors"
	"fmt"
	"math/big"
	"strings"

	"aicv/lang/suggest"
	"aicv/metric"
)

func one() *big.Rat     { return big.NewRat(1, 1) }
func ten() *big.Rat     { return big.NewRat(10, 1) }
func hundred() *big.Rat { return big.NewRat(100, 1) }

// figure parses a number and the unit after it. The unit's text is empty, and its
// position the number's end, where there is none.
func (p *parser) figure(missing string) (amount metric.Decimal, unit token, err *Error) {
	number := p.peek()
	if number.kind != kindNumber {
		detail := ""
		if number.kind != kindEnd {
			detail = fmt.Sprintf("Found %q.", number.text)
		}
		return metric.Decimal{}, token{}, fail(number, missing, detail, "")
	}
	p.next()
	amount, err = decimal(number)
	if err != nil {
		return metric.Decimal{}, token{}, err
	}
	return amount, p.unit(number), nil
}

// unit takes the unit that follows a number. The grammar's own words are no units.
func (p *parser) unit(number token) token {
	t := p.peek()
	switch {
	case t.is("%"), t.kind == kindWord && !t.is("of") && !t.is("for") && !t.is("and") && !t.is("or"):
		return p.next()
	}
	return token{kind: kindWord, start: number.end, end: number.end}
}

func decimal(number token) (metric.Decimal, *Error) {
	value, err := metric.ParseDecimal(number.text)
	if err == nil {
		return value, nil
	}
	suggestion := ""
	if plain := plainNumber(number.text); plain != number.text {
		suggestion = write("%s", plain)
	}
	cause := err
	for next := errors.Unwrap(cause); next != nil; next = errors.Unwrap(cause) {
		cause = next
	}
	return metric.Decimal{}, fail(number, fmt.Sprintf("Unreadable number %s", number.text), cause.Error()+".", suggestion)
}

// plainNumber rewrites how people write numbers elsewhere: 1,000 and 1_000 as 1000,
// 1,5 as 1.5, .5 as 0.5, +5 as 5. What it can not read stays as it is.
func plainNumber(text string) string {
	plain := strings.TrimPrefix(strings.ReplaceAll(text, "_", ""), "+")
	if whole, fraction, ok := strings.Cut(plain, ","); ok && len(fraction)%4 != 3 && !strings.Contains(plain, ".") {
		plain = whole + "." + fraction
	}
	plain = strings.ReplaceAll(plain, ",", "")
	if strings.HasPrefix(plain, ".") {
		plain = "0" + plain
	}
	if _, err := metric.ParseDecimal(plain); err != nil {
		return text
	}
	return plain
}

// shareOf converts a percentage, or a bare factor, to a share.
func shareOf(amount metric.Decimal, number, unit token) (metric.Decimal, *Error) {
	if unit.text == "" {
		return amount, nil
	}
	return scaled(amount, metric.MustDecimal("0.01"), span(number, unit))
}

func scaled(amount, factor metric.Decimal, at token) (metric.Decimal, *Error) {
	product, ok := amount.Mul(factor)
	if !ok {
		return metric.Decimal{}, fail(at, "The number has too many digits", "Numbers are exact, up to 18 digits.", "")
	}
	return product, nil
}

// quantity parses a figure in the metric's unit. lead is what stands before it in
// the sentence, to write a corrected one.
func (p *parser) quantity(m metric.Metric, lead string) (metric.Decimal, *Error) {
	number := p.peek()
	amount, unit, err := p.figure(fmt.Sprintf("A quantity in %s is missing", unitName(m)))
	if err != nil {
		return metric.Decimal{}, err
	}
	s, err := unitOf(m, number, unit, lead)
	if err != nil {
		return metric.Decimal{}, err
	}
	at := span(number, unit)
	if amount.Sign() < 0 {
		return metric.Decimal{}, fail(at, fmt.Sprintf("%s is never negative", m.Name), "A claim about it would always or never hold.", "")
	}
	amount, err = scaled(amount, s.Factor, at)
	if err != nil {
		return metric.Decimal{}, err
	}
	if m.Unit == metric.Share && amount.Rat().Cmp(one()) > 0 {
		return metric.Decimal{}, shareAboveOne(m, number, unit, lead)
	}
	return amount, nil
}

func shareAboveOne(m metric.Metric, number, unit token, lead string) *Error {
	suggestion := ""
	if unit.text == "" && lead != "" {
		suggestion = write("%s%s%%", lead, number.text)
	}
	return fail(span(number, unit), fmt.Sprintf("%s lies between 0%% and 100%%", m.Name),
		"A bare number is a share: 0.01 is 1%.", suggestion)
}

// unitOf checks that a unit is one of the metric's.
func unitOf(m metric.Metric, number, unit token, lead string) (metric.Spelling, *Error) {
	s, known := spelling(unit.text)
	if known && s.Unit == m.Unit {
		return s, nil
	}
	corrected := ""
	if lead != "" {
		corrected = write("%s%s", lead, quantityText(number.text, preferred(m.Unit)))
	}
	at := span(number, unit)
	switch {
	case unit.text == "":
		return s, fail(at, fmt.Sprintf("%s has no unit", number.text), fmt.Sprintf("%s is in %s.", m.Name, unitName(m)), corrected)
	case !known:
		return s, fail(unit, fmt.Sprintf("Unknown unit %q", unit.text), fmt.Sprintf("%s is in %s.", m.Name, unitList(m.Unit)), unitSuggestion(m, unit, corrected))
	}
	detail := fmt.Sprintf("Its unit is %s.", unitList(m.Unit))
	if others := metricsIn(s.Unit); m.Unit != metric.Milliseconds && others != "" {
		detail += fmt.Sprintf(" %s is the unit of %s.", unit.text, others)
	}
	return s, fail(at, fmt.Sprintf("%s is in %s, not in %s", m.Name, unitName(m), unit.text), detail, corrected)
}

func spelling(text string) (metric.Spelling, bool) {
	for _, s := range metric.Spellings() {
		if s.Text == text {
			return s, true
		}
	}
	return metric.Spelling{}, false
}

// preferred is the first spelling of a unit, the one that messages write.
func preferred(unit metric.Unit) string {
	if unit == metric.Share {
		return "%"
	}
	return string(unit)
}

func unitName(m metric.Metric) string {
	if m.Unit == metric.Share {
		return "a share (%)"
	}
	return string(m.Unit)
}

// unitList writes every accepted spelling of a unit.
func unitList(unit metric.Unit) string {
	texts := spellingsOf(unit)
	if len(texts) == 1 {
		return texts[0]
	}
	return strings.Join(texts[:len(texts)-1], ", ") + " or " + texts[len(texts)-1]
}

func spellingsOf(unit metric.Unit) []string {
	var texts []string
	for _, s := range metric.Spellings() {
		if s.Unit == unit && s.Text != "" {
			texts = append(texts, s.Text)
		}
	}
	return texts
}

// metricsIn lists the bare metrics of a unit.
func metricsIn(unit metric.Unit) string {
	var names []string
	for _, m := range metric.All() {
		if m.Unit == unit && m.Percentile == 0 {
			names = append(names, string(m.Name))
		}
	}
	return strings.Join(names, ", ")
}

// unitSuggestion looks for the unit that a word stands for: another tool's spelling,
// or a misspelt one of ours.
func unitSuggestion(m metric.Metric, unit token, corrected string) string {
	if s, ok := spelling(foreignUnit(unit.text)); ok && s.Unit == m.Unit {
		return fmt.Sprintf("Did you mean %q?", s.Text)
	}
	if best, ok := suggest.Best(unit.text, spellingsOf(m.Unit)); ok {
		return fmt.Sprintf("Did you mean %q?", best)
	}
	return corrected
}

// foreignUnit translates how units are written elsewhere; what it does not know it
// returns unchanged.
func foreignUnit(text string) string {
	switch strings.ToLower(text) {
	case "sec", "secs", "second", "seconds":
		return "s"
	case "msec", "msecs", "millis", "millisecond", "milliseconds":
		return "ms"
	case "µs", "μs", "usec", "microsecond", "microseconds":
		return "us"
	case "min", "mins", "minute", "minutes":
		return "m"
	case "percent", "pct":
		return "%"
	case "tps", "tokens/sec", "tokens/second":
		return "tokens/s"
	case "rps", "qps", "requests/sec", "requests/second":
		return "requests/s"
	}
	return text
}
