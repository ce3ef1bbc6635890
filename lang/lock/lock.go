// Package lock reads and writes .aicv.lock, the file that pins what a suite's files
// leave open: tool and database versions, image digests, hashes of predictions. It is
// committed with the suite.
package lock

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/gohcl"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"aicv/spec"
)

// Entry pins one thing.
type Entry struct {
	Name  string // whose: "predictor.recorded.aic"
	What  string // what: "predictions"
	Value string // hash or version
}

// header is the comment at the top of every lock file.
const header = `# Pinned by aicv apply; commit this file with the suite. A plan that would differ says
# so and needs --upgrade.
`

// Format writes a lock file: one block per name, sorted.
func Format(entries []Entry) []byte {
	file := hclwrite.NewEmptyFile()
	sorted := slices.Clone(entries)
	slices.SortFunc(sorted, func(a, b Entry) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.What, b.What))
	})
	var block *hclwrite.Block
	for i, e := range sorted {
		if i == 0 || sorted[i-1].Name != e.Name {
			file.Body().AppendNewline()
			block = file.Body().AppendNewBlock("lock", []string{e.Name})
		}
		block.Body().SetAttributeValue(e.What, cty.StringVal(e.Value))
	}
	return append([]byte(header), hclwrite.Format(file.Bytes())...)
}

// document is a lock file's syntax.
type document struct {
	Locks []struct {
		Name string   `hcl:"name,label"`
		Body hcl.Body `hcl:",remain"`
	} `hcl:"lock,block"`
}

// Parse reads a lock file. The entries come in the order of the file.
func Parse(source []byte, file string) ([]Entry, spec.Diagnostics) {
	parsed, diags := hclparse.NewParser().ParseHCL(source, file)
	if diags.HasErrors() {
		return nil, diagnostics(diags)
	}
	var d document
	if diags := gohcl.DecodeBody(parsed.Body, nil, &d); diags.HasErrors() {
		return nil, diagnostics(diags)
	}
	var entries []Entry
	for _, l := range d.Locks {
		attributes, more := l.Body.JustAttributes()
		diags = append(diags, more...)
		for name, attribute := range attributes {
			value, more := attribute.Expr.Value(nil)
			diags = append(diags, more...)
			text, problem := textOf(value, attribute)
			diags = append(diags, problem...)
			entries = append(entries, Entry{l.Name, name, text})
		}
	}
	slices.SortFunc(entries, func(a, b Entry) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.What, b.What))
	})
	return entries, diagnostics(diags)
}

func textOf(value cty.Value, attribute *hcl.Attribute) (string, hcl.Diagnostics) {
	if value.IsWhollyKnown() && !value.IsNull() && value.Type() == cty.String {
		return value.AsString(), nil
	}
	return "", hcl.Diagnostics{{
		Severity: hcl.DiagError, Summary: "A pinned value must be a string",
		Detail: fmt.Sprintf("%s pins something that is no string.", attribute.Name), Subject: attribute.Expr.Range().Ptr(),
	}}
}

// diagnostics takes over what the parser says. A damaged lock file has one fix.
func diagnostics(diags hcl.Diagnostics) spec.Diagnostics {
	var out spec.Diagnostics
	for _, d := range diags {
		message := spec.Diagnostic{Severity: spec.SeverityError, Summary: "Damaged lock file: " + d.Summary, Detail: d.Detail,
			Suggestion: "Restore the file from version control, or delete it and apply again."}
		if d.Subject != nil {
			message.Subject = spec.Range{File: d.Subject.Filename, Start: position(d.Subject.Start), End: position(d.Subject.End)}
		}
		out = append(out, message)
	}
	return out
}

func position(p hcl.Pos) spec.Pos { return spec.Pos{Line: p.Line, Column: p.Column, Byte: p.Byte} }

// Change is one difference between what is pinned and what would be used.
type Change struct {
	Name, What string
	Old, New   string // empty: not there
}

// Differs reports whether something pinned would become something else. What is new
// or no longer used is no contradiction.
func (c Change) Differs() bool { return c.Old != "" && c.New != "" && c.Old != c.New }

// String says what changes.
func (c Change) String() string {
	switch {
	case c.Old == "":
		return fmt.Sprintf("%s: %s %s is new", c.Name, c.What, c.New)
	case c.New == "":
		return fmt.Sprintf("%s: %s %s is no longer used", c.Name, c.What, c.Old)
	}
	return fmt.Sprintf("%s: %s was %s, is %s", c.Name, c.What, c.Old, c.New)
}

// Compare lists the differences, sorted by name.
func Compare(pinned, used []Entry) []Change {
	type key struct{ name, what string }
	changes := map[key]*Change{}
	at := func(e Entry) *Change {
		k := key{e.Name, e.What}
		if changes[k] == nil {
			changes[k] = &Change{Name: e.Name, What: e.What}
		}
		return changes[k]
	}
	for _, e := range pinned {
		at(e).Old = e.Value
	}
	for _, e := range used {
		at(e).New = e.Value
	}
	var list []Change
	for _, c := range changes {
		if c.Old != c.New {
			list = append(list, *c)
		}
	}
	slices.SortFunc(list, func(a, b Change) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.What, b.What))
	})
	return list
}
