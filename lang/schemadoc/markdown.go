package schemadoc

import (
	"bytes"
	"fmt"
	"strings"

	"aicv/metric"
	"aicv/spec"
)

// Markdown writes the reference page: every block with its attributes, the metrics,
// and which provider's field answers which of them.
func Markdown(language []spec.Block, registrations []spec.Registration) []byte {
	p := &page{}
	p.line("# Language reference")
	p.line("")
	p.line("Generated from the schema by `aicv schema --format markdown`; do not edit. A suite is every `*.hcl`")
	p.line("and `*.hcl.json` file of one folder. Only `model`, `runtime` and `experiment` are required.")
	p.contents(language)
	for _, b := range language {
		p.block(b, 2)
	}
	p.claims()
	p.metrics()
	p.mappings(registrations)
	return p.out.Bytes()
}

type page struct{ out bytes.Buffer }

func (p *page) line(format string, args ...any) { fmt.Fprintf(&p.out, format+"\n", args...) }

func (p *page) row(columns ...string) {
	for i, c := range columns {
		columns[i] = strings.ReplaceAll(c, "|", "\\|")
	}
	p.line("| %s |", strings.Join(columns, " | "))
}

func (p *page) head(columns ...string) {
	p.line("")
	p.row(columns...)
	p.line("|%s", strings.Repeat("---|", len(columns)))
}

func (p *page) contents(language []spec.Block) {
	p.line("")
	var links []string
	for _, b := range language {
		links = append(links, fmt.Sprintf("[%s](#%s)", title(b), anchor(title(b))))
	}
	p.line("%s · [Claims](#claims) · [Metrics](#metrics)", strings.Join(links, " · "))
}

// title is a block's name with its kind: runtime "sim".
func title(b spec.Block) string {
	if b.Kind != "" {
		return b.Name + " " + b.Kind
	}
	return b.Name
}

func anchor(title string) string { return strings.ReplaceAll(title, " ", "-") }

func (p *page) block(b spec.Block, level int) {
	p.line("")
	p.line("%s %s", strings.Repeat("#", level), title(b))
	p.line("")
	p.line("%s", b.Doc)
	if b.Open {
		p.line("Attributes of any other name are accepted.")
	}
	p.line("")
	p.line("```hcl")
	p.example(b)
	p.line("```")
	if len(b.Attributes) > 0 {
		p.head("attribute", "type", "default", "meaning", "since")
		for _, a := range b.Attributes {
			p.row("`"+a.Name+"`"+mandatory(a), kind(a), standard(a), a.Doc+limits(a), a.Since)
		}
	}
	for _, nested := range b.Blocks {
		p.block(nested, min(level+1, 6))
	}
}

// example shows the block with what it requires, else with its first attribute.
func (p *page) example(b spec.Block) {
	header := b.Name
	for i, label := range b.Labels {
		if i == 0 && b.Kind != "" {
			label = b.Kind
		}
		header += fmt.Sprintf(" %q", label)
	}
	var shown []spec.Attribute
	for _, a := range b.Attributes {
		if a.Required {
			shown = append(shown, a)
		}
	}
	if len(shown) == 0 && len(b.Attributes) > 0 {
		shown = b.Attributes[:1]
	}
	if len(shown) == 0 {
		p.line("%s {}", header)
		return
	}
	widest := 0
	for _, a := range shown {
		widest = max(widest, len(a.Name))
	}
	p.line("%s {", header)
	for _, a := range shown {
		p.line("  %-*s = %s", widest, a.Name, a.Example)
	}
	p.line("}")
}

func mandatory(a spec.Attribute) string {
	if a.Required {
		return " (required)"
	}
	return ""
}

func kind(a spec.Attribute) string {
	text := string(a.Type)
	if a.Type == spec.TypeReference {
		text = "reference to " + a.Ref
	}
	if a.Single {
		text += " or one"
	}
	return text
}

func standard(a spec.Attribute) string {
	if a.Default.IsNull() {
		return ""
	}
	if a.Default.Kind() == spec.String {
		return "`\"" + a.Default.Text() + "\"`"
	}
	return "`" + a.Default.String() + "`"
}

// limits says what values are accepted.
func limits(a spec.Attribute) string {
	var parts []string
	if len(a.Allowed) > 0 {
		parts = append(parts, "One of `"+strings.Join(a.Allowed, "`, `")+"`.")
	}
	switch {
	case a.Min != nil && a.Max != nil:
		parts = append(parts, fmt.Sprintf("From %g to %g.", *a.Min, *a.Max))
	case a.Min != nil:
		parts = append(parts, fmt.Sprintf("At least %g.", *a.Min))
	case a.Max != nil:
		parts = append(parts, fmt.Sprintf("At most %g.", *a.Max))
	}
	if a.Example != "" {
		parts = append(parts, "Example: `"+a.Example+"`.")
	}
	return " " + strings.Join(parts, " ")
}

func (p *page) claims() {
	p.line("")
	p.line("## Claims")
	p.line("")
	p.line("A claim is a sentence in an assert's `expect` list.")
	p.head("form", "example", "holds when")
	p.row("METRIC within TOLERANCE [of predicted]", "`throughput within 10%`", "|predicted - measured| / measured is at most the tolerance")
	p.row("METRIC at least SHARE of predicted", "`throughput at least 90% of predicted`", "the measured mean is at least that share of the prediction")
	p.row("METRIC at most SHARE of predicted", "`tpot at most 110% of predicted`", "the measured mean is at most that share of the prediction")
	p.row("METRIC OP QUANTITY", "`ttft_p99 < 2s`, `error_rate == 0`", "the measured mean compares so; OP is <, <=, >, >= or ==")
	p.line("")
	p.line("Each may end in `for 90%% of cells`; otherwise it must hold for every cell. `within` passes only if the whole")
	p.line("interval of the measured mean lies inside the band, and fails only if it lies wholly outside.")
}

func (p *page) metrics() {
	p.line("")
	p.line("## Metrics")
	p.line("")
	p.line("A bare name is the mean over the requests of a run.")
	p.head("metric", "unit", "better", "definition", "requests per run")
	for _, m := range metric.All() {
		p.row("`"+string(m.Name)+"`", string(m.Unit), string(m.Direction), m.Definition, fmt.Sprint(m.MinRequests()))
	}
	p.head("unit", "may be written as")
	for _, unit := range units() {
		p.row(string(unit), strings.Join(spellings(unit), ", "))
	}
}

// units lists the contract's units in the order of their first spelling.
func units() []metric.Unit {
	var list []metric.Unit
	seen := map[metric.Unit]bool{}
	for _, s := range metric.Spellings() {
		if !seen[s.Unit] {
			seen[s.Unit] = true
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
		text := "`" + s.Text + "`"
		if s.Text == "" {
			text = "a bare number"
		}
		list = append(list, text)
	}
	return list
}

func (p *page) mappings(registrations []spec.Registration) {
	p.line("")
	p.line("## Which field answers which metric")
	p.line("")
	p.line("A pair without a row is refused, never guessed. Recorded data answers the metrics that its blocks declare.")
	p.head("provider", "metric", "its field", "conversion")
	for _, r := range registrations {
		for _, m := range r.Metrics {
			p.row(string(r.Role)+" "+r.Kind, "`"+string(m.Metric)+"`", m.Field, m.Conversion)
		}
	}
}
