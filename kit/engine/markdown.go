package engine

import (
	"fmt"
	"strings"

	"aicv/spec"
)

// Page is the part of docs/runtimes.md about one engine.
func Page(t Table, failures []Signature) string {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\nFlags are known from version %s to %s, and were checked against the engine's own definitions in %s.\n\n",
		t.Engine, t.Oldest, t.Newest, strings.Join(t.Checked, ", "))
	b.WriteString("| item | value | where | versions | flags | fidelity | why |\n|---|---|---|---|---|---|---|\n")
	for _, a := range spec.ConfigurationItems() {
		for i := range t.Rows {
			if r := &t.Rows[i]; r.Item == a.Name {
				fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s | %s |\n", r.Item, valueCell(r.Values), cell(r.When.Text), cell(r.Versions), flagCell(r.Args), r.Fidelity, cell(r.Why))
			}
		}
	}
	b.WriteString("\nFlags that args can not give any more:\n\n| flag | versions | instead |\n|---|---|---|\n")
	for _, r := range t.Removed {
		fmt.Fprintf(&b, "| `--%s` | %s | %s |\n", r.Flag, cell(r.Versions), cell(r.Instead))
	}
	b.WriteString("\nFailures that its log shows:\n\n| what it means | whose | what to do |\n|---|---|---|\n")
	for i := range failures {
		s := &failures[i]
		fmt.Fprintf(&b, "| %s | %s | %s |\n", cell(s.Summary), s.Kind, cell(strings.ReplaceAll(s.Fix, "$1", "(as the log says)")))
	}
	return b.String()
}

func valueCell(values []string) string {
	if values == nil {
		return "any other"
	}
	return cell(strings.Join(values, ", "))
}

func flagCell(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return "`" + strings.ReplaceAll(strings.Join(args, " "), "|", "\\|") + "`"
}

func cell(text string) string {
	return strings.NewReplacer("|", "\\|", "<", "&lt;").Replace(text)
}
