package schemadoc

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"aicv/lang/schema"
	"aicv/metric"
	"aicv/spec"
)

// Markdown writes the reference page: every block with its purpose, an example and a
// table of its attributes, the claims, the metrics, and which provider's field answers
// which of them.
func Markdown(language []spec.Block, registrations []spec.Registration, functions []schema.Function) []byte {
	p := &page{}
	p.line("# Language reference")
	p.line("")
	p.line("Generated from the schema by `aicv schema --format markdown`; do not edit. A suite is every `*.hcl`")
	p.line("and `*.hcl.json` file of one folder. Only `model`, `runtime` and `experiment` are required.")
	p.contents(language)
	for _, b := range language {
		p.block(b, 2)
	}
	p.expressions(functions)
	p.claims()
	p.marks()
	p.metrics()
	p.mappings(registrations)
	return p.out.Bytes()
}

type page struct{ out bytes.Buffer }

func (p *page) line(format string, args ...any) { fmt.Fprintf(&p.out, format+"\n", args...) }

// row writes a table row. A bar inside a cell would end it, in code spans too.
func (p *page) row(columns ...string) {
	escaped := make([]string, len(columns))
	for i, c := range columns {
		escaped[i] = strings.ReplaceAll(strings.ReplaceAll(c, "\n", " "), "|", "\\|")
	}
	p.line("| %s |", strings.Join(escaped, " | "))
}

func (p *page) head(columns ...string) {
	p.line("")
	p.row(columns...)
	p.line("|%s", strings.Repeat("---|", len(columns)))
}

func code(text string) string {
	if text == "" {
		return ""
	}
	return "`" + text + "`"
}

// contents links every block, a line per role, and the pages' other sections.
func (p *page) contents(language []spec.Block) {
	p.line("")
	for _, m := range merge(language) {
		links := make([]string, len(m.kinds))
		for i, b := range m.kinds {
			links[i] = link(title(b))
		}
		p.line("- %s", strings.Join(links, " · "))
	}
	p.line("- %s · %s · %s · %s · %s", link("Expressions"), link("Claims"), link("Marks on verdicts"), link("Metrics"), link("Which field answers which metric"))
}

func link(title string) string {
	return fmt.Sprintf("[%s](#%s)", title, strings.ReplaceAll(strings.ToLower(title), " ", "-"))
}

// title is a block's name with its kind: runtime sim.
func title(b spec.Block) string {
	if b.Kind != "" {
		return b.Name + " " + b.Kind
	}
	return b.Name
}

func (p *page) block(b spec.Block, level int) {
	p.line("")
	p.line("%s %s", strings.Repeat("#", level), title(b))
	p.line("")
	p.line("%s%s", b.Doc, notes(b))
	p.line("")
	p.line("```hcl")
	p.line("%s", example(b))
	p.line("```")
	p.attributes(b.Attributes)
	for _, nested := range b.Blocks {
		p.block(nested, min(level+1, 6))
	}
}

// notes says how often a block may stand and what it takes beside its rows.
func notes(b spec.Block) string {
	text := ""
	if b.Open {
		text += " Takes attributes of any name."
	}
	if b.Repeatable {
		text += " May stand more than once."
	}
	return text
}

func (p *page) attributes(attributes []spec.Attribute) {
	if len(attributes) == 0 {
		return
	}
	p.head("attribute", "type", "required", "default", "allowed", "meaning", "example", "since")
	for _, group := range folded(attributes) {
		a := group[0]
		names := make([]string, len(group))
		for i, member := range group {
			names[i] = code(member.Name)
		}
		required := ""
		if a.Required {
			required = "yes"
		}
		p.row(strings.Join(names, ", "), kind(a), required, standard(a), allowed(a), meaning(group), code(a.Example), a.Since)
	}
}

// folded groups each metric's row with those of its percentiles, which say the same.
func folded(attributes []spec.Attribute) [][]spec.Attribute {
	var groups [][]spec.Attribute
	for _, a := range attributes {
		if last := len(groups) - 1; last >= 0 && isPercentileOf(a.Name, groups[last][0].Name) {
			groups[last] = append(groups[last], a)
			continue
		}
		groups = append(groups, []spec.Attribute{a})
	}
	return groups
}

func isPercentileOf(name, base string) bool {
	m, ok := metric.Lookup(metric.Name(name))
	return ok && m.Percentile > 0 && string(m.Base) == base
}

func meaning(group []spec.Attribute) string {
	if len(group) == 1 {
		return describe(group[0])
	}
	return group[0].Doc + " The others limit its percentiles."
}

// describe is a row's doc with what a change of it does to measurements.
func describe(a spec.Attribute) string {
	text := a.Doc
	if a.Secret {
		text += ` Only env("NAME") is taken.`
	}
	if a.Incidental {
		text += " A change of it keeps what was measured."
	}
	return text
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
	if a.Default.Kind() == spec.String {
		return code(fmt.Sprintf("%q", a.Default.Text()))
	}
	if a.Default.IsNull() {
		return ""
	}
	return code(a.Default.String())
}

// allowed says what values are accepted.
func allowed(a spec.Attribute) string {
	switch {
	case len(a.Allowed) > 0:
		return codes(a.Allowed)
	case len(a.Known) > 0:
		return codes(a.Known) + "; others with a warning, and what is nearly one of them is an error, unless `accept` names the item"
	case a.Min != nil && a.Max != nil:
		return fmt.Sprintf("%g to %g", *a.Min, *a.Max)
	case a.Min != nil:
		return fmt.Sprintf("at least %g", *a.Min)
	case a.Max != nil:
		return fmt.Sprintf("at most %g", *a.Max)
	}
	return ""
}

// codes writes texts as a suite has them.
func codes(texts []string) string {
	quoted := make([]string, len(texts))
	for i, text := range texts {
		quoted[i] = code(fmt.Sprintf("%q", text))
	}
	return strings.Join(quoted, ", ")
}

// fewRows is how many attributes a block has at most for its example to show them all.
const fewRows = 4

// example shows a block as a user would write it: its own example, else one made from
// the rows that are required, or from all where they are few.
func example(b spec.Block) string {
	if b.Example != "" {
		return b.Example
	}
	shown := slices.DeleteFunc(slices.Clone(b.Attributes), func(a spec.Attribute) bool { return !a.Required || a.Example == "" })
	if len(shown) == 0 {
		shown = slices.DeleteFunc(slices.Clone(b.Attributes), func(a spec.Attribute) bool { return a.Example == "" })
		if len(shown) > fewRows {
			shown = shown[:1]
		}
	}
	head := header(b)
	if len(shown) == 0 {
		return head + " {}"
	}
	widest := 0
	for _, a := range shown {
		widest = max(widest, len(a.Name))
	}
	lines := []string{head + " {"}
	for _, a := range shown {
		lines = append(lines, fmt.Sprintf("  %-*s = %s", widest, a.Name, a.Example))
	}
	return strings.Join(append(lines, "}"), "\n")
}

// header is the block's type with its labels: runtime "sim" "name".
func header(b spec.Block) string {
	text := b.Name
	for i, label := range b.Labels {
		if i == 0 && b.Kind != "" {
			label = b.Kind
		}
		text += fmt.Sprintf(" %q", label)
	}
	return text
}
