package report

import (
	"strconv"
	"strings"

	"aicv/internal/tty"
	"aicv/metric"
	"aicv/result"
	"aicv/spec"
)

// word is a verdict for people.
func word(v spec.Verdict) string {
	switch v {
	case spec.VerdictNotComparable:
		return "not comparable"
	case spec.VerdictNoData:
		return "no data"
	case "":
		return "not judged"
	}
	return string(v)
}

// symbol stands for a verdict in tables.
func symbol(v spec.Verdict) string {
	switch v {
	case spec.VerdictPass:
		return "✓"
	case spec.VerdictFail:
		return "✗"
	case spec.VerdictInconclusive:
		return "?"
	case spec.VerdictNotComparable:
		return "≠"
	}
	return "-"
}

// badge is a verdict with its symbol.
func badge(v spec.Verdict) string { return symbol(v) + " " + word(v) }

// gate names the assert of a claim, and says where it does not gate.
func gate(c *result.Claim) string {
	if c.Gates() {
		return tty.Clean(c.Assert)
	}
	return tty.Clean(c.Assert) + " (" + string(c.Severity) + ")"
}

// tally writes counts in the order of precedence: 1 fail, 3 pass.
func tally(counts map[spec.Verdict]int) string { return tallyBy(counts, word, ", ") }

// symbols writes counts briefly: 1 ✗, 3 ✓.
func symbols(counts map[spec.Verdict]int) string { return tallyBy(counts, symbol, "  ") }

func tallyBy(counts map[spec.Verdict]int, name func(spec.Verdict) string, separator string) string {
	var parts []string
	for _, v := range []spec.Verdict{spec.VerdictFail, spec.VerdictNotComparable, spec.VerdictNoData, spec.VerdictInconclusive, spec.VerdictPass} {
		if n := counts[v]; n > 0 {
			parts = append(parts, strconv.Itoa(n)+" "+name(v))
		}
	}
	return strings.Join(parts, separator)
}

// standing is how the suite stands, for people.
func standing(s result.Standing) (string, spec.Verdict) {
	switch s {
	case result.StandingPass:
		return "All claims pass", spec.VerdictPass
	case result.StandingFail:
		return "A claim fails", spec.VerdictFail
	case result.StandingUndecided:
		return "A claim is undecided", spec.VerdictInconclusive
	}
	return "No claim gates the exit code", spec.VerdictInconclusive
}

// tallied is a tally at the end of a sentence.
func tallied(counts map[spec.Verdict]int) string {
	if words := tally(counts); words != "" {
		return ": " + words
	}
	return ""
}

// value writes a figure of a column whose head carries the unit.
func value(v float64, unit metric.Unit) string {
	if unit == metric.Share {
		return string(metric.AppendPercent(nil, v))
	}
	return metric.Figure(v)
}

// signed writes a relative error with its sign.
func signed(share float64) string {
	text := string(metric.AppendPercent(nil, share))
	if share > 0 {
		return "+" + text
	}
	return text
}

// unitName leaves out what figures show themselves.
func unitName(u metric.Unit) string {
	if u == metric.Share {
		return ""
	}
	return string(u)
}

// configuration writes settings in one line.
func configuration(c []spec.Setting) string {
	parts := make([]string, len(c))
	for i, s := range c {
		parts[i] = s.Name + "=" + s.Value.String()
	}
	return tty.Clean(strings.Join(parts, " "))
}

// repeats says how often cells are measured and what their looks are.
func repeats(r result.Repeats) string {
	times := strconv.Itoa(r.Max)
	if r.Min < r.Max {
		times = strconv.Itoa(r.Min) + ".." + times
	}
	if r.Max == 1 {
		return "1 run each: point verdicts without an interval"
	}
	b := times + " runs each"
	if r.Starts > 1 {
		b += " in " + metric.Count(r.Starts, "start")
	}
	looks := make([]string, len(r.Looks))
	for i, n := range r.Looks {
		looks[i] = strconv.Itoa(n)
	}
	return b + ", judged at " + strings.Join(looks, ", ")
}
