package claim

import (
	"fmt"
	"slices"
	"strings"

	"aicv/lang/suggest"
	"aicv/metric"
)

// laterSubjects names the functions of the language that this version can not judge.
func laterSubjects() []string { return []string{"regret", "coverage", "capacity", "feasibility"} }

// subject parses the metric that the claim is about.
func (p *parser) subject() (metric.Metric, *Error) {
	t := p.next()
	switch t.kind {
	case kindEnd:
		return metric.Metric{}, fail(t, "The claim is empty", `A claim is a sentence such as "throughput within 10%".`, "")
	case kindWord:
	default:
		return metric.Metric{}, fail(t, fmt.Sprintf("A claim starts with a metric, not with %q", t.text), metricList(), "")
	}
	if p.peek().is("(") {
		return metric.Metric{}, p.function(t)
	}
	if m, ok := metric.Lookup(metric.Name(t.text)); ok {
		return m, nil
	}
	if slices.Contains(laterSubjects(), t.text) {
		return metric.Metric{}, notAvailable(t, t.text)
	}
	return metric.Metric{}, unknownMetric(t)
}

// function parses NAME(...) and refuses it by name: none can be judged yet.
func (p *parser) function(name token) *Error {
	open, last := p.next(), token{}
	var inside []token
	for depth := 1; depth > 0; {
		last = p.next()
		switch {
		case last.kind == kindEnd:
			return fail(open, fmt.Sprintf("The parenthesis of %s is not closed", name.text), "", `Add ")".`)
		case last.is("("):
			depth++
		case last.is(")"):
			depth--
		}
		if depth > 0 {
			inside = append(inside, last)
		}
	}
	call := span(name, last)
	if slices.Contains(laterSubjects(), name.text) {
		return notAvailable(call, name.text)
	}
	if written, ok := percentileCall(name, inside); ok {
		return fail(call, fmt.Sprintf("Unknown function %q", name.text),
			"Percentiles are metrics of their own.", fmt.Sprintf("Did you mean %q?", written))
	}
	if best, ok := suggest.Best(name.text, laterSubjects()); ok {
		return fail(name, fmt.Sprintf("Unknown function %q", name.text), "", fmt.Sprintf("Did you mean %q?", best))
	}
	return fail(name, fmt.Sprintf("Unknown function %q", name.text), metricList(), "")
}

func notAvailable(at token, name string) *Error {
	return fail(at, fmt.Sprintf("The subject %q is not available in this version", name), metricList(), "")
}

// percentileCall recognizes p99(ttft) and ttft(p99), as other tools write ttft_p99.
func percentileCall(name token, inside []token) (string, bool) {
	if len(inside) != 1 {
		return "", false
	}
	for _, pair := range [][2]string{{name.text, inside[0].text}, {inside[0].text, name.text}} {
		written := pair[0] + "_" + pair[1]
		if _, ok := metric.Lookup(metric.Name(written)); ok {
			return written, true
		}
	}
	return "", false
}

func unknownMetric(t token) *Error {
	message := fmt.Sprintf("Unknown metric %q", t.text)
	if base, _, ok := strings.Cut(t.text, "_p"); ok {
		if list := percentilesOf(metric.Name(base)); list != "" {
			return fail(t, message, fmt.Sprintf("The percentiles of %s are %s.", base, list), didYouMean(t.text, metric.Names()))
		}
	}
	if slices.Contains([]string{"within", "at", "for", "of"}, t.text) {
		return fail(t, fmt.Sprintf("A claim starts with a metric, not with %q", t.text), metricList(), "")
	}
	return fail(t, message, metricList(), didYouMean(t.text, append(metric.Names(), laterSubjects()...)))
}

// percentilesOf lists the percentile metrics of a base; empty where it has none.
func percentilesOf(base metric.Name) string {
	var names []string
	for _, m := range metric.All() {
		if m.Base == base && m.Percentile > 0 {
			names = append(names, string(m.Name))
		}
	}
	return strings.Join(names, ", ")
}

// metricList writes the contract's metrics, with percentiles folded together.
func metricList() string {
	var bare, ranked []string
	for _, m := range metric.All() {
		switch {
		case m.Percentile == 0:
			bare = append(bare, string(m.Name))
		case !slices.Contains(ranked, string(m.Base)):
			ranked = append(ranked, string(m.Base))
		}
	}
	return fmt.Sprintf("The metrics are %s; %s also have percentiles, such as %s.",
		strings.Join(bare, ", "), strings.Join(ranked, ", "), metric.PercentileName(metric.TTFT, 99))
}
