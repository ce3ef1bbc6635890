package report

import (
	"fmt"
	"strings"

	"aicv/spec"
)

// word is a verdict for people.
func word(v spec.Verdict) string {
	switch v {
	case spec.VerdictFail:
		return "FAIL"
	case spec.VerdictNotComparable:
		return "not comparable"
	case spec.VerdictNoData:
		return "no data"
	case "":
		return "not judged"
	}
	return string(v)
}

// gate marks asserts that do not gate.
func gate(s spec.AssertSeverity) string {
	if s == spec.AssertError || s == "" {
		return ""
	}
	return " (" + string(s) + ")"
}

// tally writes counts in the order of precedence: 1 fail, 3 pass.
func tally(c map[spec.Verdict]int) string {
	var parts []string
	for _, v := range []spec.Verdict{spec.VerdictFail, spec.VerdictNotComparable, spec.VerdictNoData, spec.VerdictInconclusive, spec.VerdictPass} {
		if n := c[v]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, strings.ToLower(word(v))))
		}
	}
	return strings.Join(parts, ", ")
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func (t *text) style(code, s string) string {
	if !t.o.Color {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (t *text) bold(s string) string { return t.style("1", s) }

func (t *text) dim(s string) string { return t.style("2", s) }

// paint colours a line by its verdict.
func (t *text) paint(s string, v spec.Verdict) string {
	switch v {
	case spec.VerdictPass:
		return t.style("32", s)
	case spec.VerdictFail:
		return t.style("31", s)
	}
	return t.style("33", s)
}
