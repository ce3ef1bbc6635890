package schemadoc

import (
	"fmt"
	"slices"
	"strings"

	"aicv/metric"
	"aicv/spec"
)

// claims writes the section on claims.
func (p *page) claims() {
	p.line("")
	p.line("## Claims")
	p.line("")
	p.line("A claim is a sentence in an assert's `expect` list.")
	p.head("form", "example", "holds when")
	p.row("METRIC within TOLERANCE [of predicted]", "`throughput within 10%`", "&#124;predicted - measured&#124; / measured is at most the tolerance")
	p.row("METRIC at least SHARE of predicted", "`throughput at least 90% of predicted`", "the measured mean is at least that share of the prediction")
	p.row("METRIC at most SHARE of predicted", "`tpot at most 110% of predicted`", "the measured mean is at most that share of the prediction")
	p.row("METRIC OP QUANTITY", "`ttft_p99 < 2s`, `error_rate == 0`", "the measured mean compares so; OP is <, <=, >, >= or ==")
	p.line("")
	p.line("Each may end in `for 90%% of cells`; otherwise it must hold for every cell. `within` passes only if the whole")
	p.line("interval of the measured mean lies inside the band, and fails only if it lies wholly outside. A tolerance lies")
	p.line("above 0%% and below 100%%; a quantity carries one of its metric's units.")
}

// metrics writes the metric contract, percentiles in a table of their own.
func (p *page) metrics() {
	p.line("")
	p.line("## Metrics")
	p.line("")
	p.line("A bare name is the mean over the requests of a run.")
	p.head("metric", "unit", "better", "definition")
	for _, m := range metric.All() {
		if m.Percentile == 0 {
			p.row(code(string(m.Name)), string(m.Unit), string(m.Direction), m.Definition)
		}
	}
	p.percentiles()
	p.head("unit", "may be written as")
	for _, unit := range units() {
		p.row(string(unit), strings.Join(spellings(unit), ", "))
	}
}

// percentiles lists the percentiles with the requests that they need.
func (p *page) percentiles() {
	p.line("")
	p.line("Percentiles over the requests of a run are metrics of their own. A run needs enough requests for one, so that")
	p.line("a distribution-free 95 %% upper bound of it exists; the plan raises the number where it is not fixed.")
	p.head("percentile", "metrics", "requests per run")
	for _, group := range byPercentile() {
		names := make([]string, len(group))
		for i, m := range group {
			names[i] = code(string(m.Name))
		}
		p.row(fmt.Sprintf("%dth", group[0].Percentile), strings.Join(names, ", "), fmt.Sprint(group[0].MinRequests()))
	}
}

func byPercentile() [][]metric.Metric {
	var groups [][]metric.Metric
	for _, m := range metric.All() {
		if m.Percentile == 0 {
			continue
		}
		at := slices.IndexFunc(groups, func(g []metric.Metric) bool { return g[0].Percentile == m.Percentile })
		if at < 0 {
			groups = append(groups, []metric.Metric{m})
			continue
		}
		groups[at] = append(groups[at], m)
	}
	return groups
}

// units lists the contract's units in the order of their first spelling.
func units() []metric.Unit {
	var list []metric.Unit
	for _, s := range metric.Spellings() {
		if !slices.Contains(list, s.Unit) {
			list = append(list, s.Unit)
		}
	}
	return list
}

func spellings(unit metric.Unit) []string {
	var list []string
	for _, s := range metric.Spellings() {
		if s.Unit != unit {
			continue
		}
		text := code(s.Text)
		if s.Text == "" {
			text = "a bare number"
		}
		list = append(list, text)
	}
	return list
}

// mappings writes which of a provider's fields answers which metric.
func (p *page) mappings(registrations []spec.Registration) {
	p.line("")
	p.line("## Which field answers which metric")
	p.line("")
	p.line("A pair without a row is refused, never guessed. Recorded data answers the metrics that its blocks declare.")
	p.head("provider", "metrics", "its field", "conversion")
	for _, r := range registrations {
		for _, group := range byField(r.Metrics) {
			p.row(string(r.Role)+" "+r.Kind, answered(group), group[0].Field, group[0].Conversion)
		}
	}
}

// byField groups mappings of one field with one conversion, in the order in which they
// are first declared.
func byField(mappings []metric.Mapping) [][]metric.Mapping {
	var groups [][]metric.Mapping
	for _, m := range mappings {
		at := slices.IndexFunc(groups, func(g []metric.Mapping) bool { return g[0].Field == m.Field && g[0].Conversion == m.Conversion })
		if at < 0 {
			groups = append(groups, []metric.Mapping{m})
			continue
		}
		groups[at] = append(groups[at], m)
	}
	return groups
}

// answered names a group's metrics, with all the percentiles of one folded together.
func answered(group []metric.Mapping) string {
	names := make([]string, len(group))
	for i, m := range group {
		names[i] = string(m.Metric)
	}
	if len(names) == len(metric.All()) {
		return "every metric"
	}
	var texts []string
	for _, name := range names {
		m, _ := metric.Lookup(metric.Name(name))
		whole := m.Base != "" && containsAll(names, family(m.Base))
		switch {
		case whole && m.Percentile > 0 && len(family(m.Base)) > 1: // said with its base
		case whole && len(family(m.Base)) > 1:
			texts = append(texts, code(name)+" and its percentiles")
		default:
			texts = append(texts, code(name))
		}
	}
	return strings.Join(texts, ", ")
}

// family is a metric with its percentiles.
func family(base metric.Name) []string {
	var names []string
	for _, m := range metric.All() {
		if m.Base == base {
			names = append(names, string(m.Name))
		}
	}
	return names
}

func containsAll(names, wanted []string) bool {
	return !slices.ContainsFunc(wanted, func(w string) bool { return !slices.Contains(names, w) })
}
