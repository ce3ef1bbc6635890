package lock

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"aicv/spec"
)

// Parse reads a lock file and returns its entries, sorted as Format writes them. A file
// that is damaged in any way gives errors with their places, and no entries: what can
// not be read must not pass for unpinned.
func Parse(source []byte, file string) ([]Entry, spec.Diagnostics) {
	if entries, plain := readPlain(string(source)); plain {
		return entries, nil
	}
	return parse(source, file)
}

// parse reads any lock file by the language's own parser.
func parse(source []byte, file string) ([]Entry, spec.Diagnostics) {
	parsed, diags := hclsyntax.ParseConfig(source, file, hcl.InitialPos)
	if diags.HasErrors() {
		return nil, translate(diags)
	}
	body, ok := parsed.Body.(*hclsyntax.Body)
	if !ok { // ParseConfig gives no other body
		return nil, nil
	}
	r := reader{seen: make(map[string]hcl.Range)}
	for _, a := range inOrder(body.Attributes) {
		r.fail(a.NameRange, "Unexpected attribute "+a.Name, "A lock file holds blocks of type lock only.")
	}
	for _, block := range body.Blocks {
		r.block(block)
	}
	if len(r.diags) > 0 {
		return nil, r.diags
	}
	return sorted(r.entries), nil
}

type reader struct {
	entries []Entry
	seen    map[string]hcl.Range // where each name's block stands
	diags   spec.Diagnostics
}

func (r *reader) fail(at hcl.Range, summary, detail string) *spec.Diagnostic {
	r.diags = append(r.diags, damaged(at, summary, detail))
	return &r.diags[len(r.diags)-1]
}

func (r *reader) block(b *hclsyntax.Block) {
	if b.Type != "lock" {
		r.fail(b.TypeRange, "Unexpected block "+b.Type, "A lock file holds blocks of type lock only.")
		return
	}
	if len(b.Labels) != 1 {
		r.fail(b.DefRange(), "A lock block has one label", `It names what is pinned: lock "runtime.sglang.v0_5_14".`)
		return
	}
	name := b.Labels[0]
	if first, twice := r.seen[name]; twice {
		d := r.fail(b.LabelRanges[0], fmt.Sprintf("%q is pinned twice", name), "Merging two versions of the file can leave both behind.")
		d.Notes = []spec.Note{{Text: "first pinned here", Range: rangeOf(first)}}
		return
	}
	r.seen[name] = b.LabelRanges[0]
	for _, nested := range b.Body.Blocks {
		r.fail(nested.TypeRange, "Unexpected block "+nested.Type, "A lock block holds attributes only.")
	}
	for _, a := range inOrder(b.Body.Attributes) {
		r.attribute(name, a)
	}
}

func (r *reader) attribute(name string, a *hclsyntax.Attribute) {
	value, diags := a.Expr.Value(nil)
	switch {
	case diags.HasErrors():
		r.diags = append(r.diags, translate(diags)...)
	case !value.IsWhollyKnown() || value.IsNull() || value.Type() != cty.String || value.AsString() == "":
		r.fail(a.Expr.Range(), "A pinned value must be a string that is not empty", a.Name+" pins none.")
	default:
		r.entries = append(r.entries, Entry{name, a.Name, value.AsString()})
	}
}

// inOrder lists attributes as they stand in the file.
func inOrder(attributes hclsyntax.Attributes) []*hclsyntax.Attribute {
	list := make([]*hclsyntax.Attribute, 0, len(attributes))
	for _, a := range attributes {
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b *hclsyntax.Attribute) int { return cmp.Compare(a.SrcRange.Start.Byte, b.SrcRange.Start.Byte) })
	return list
}

// translate takes over what the parser says.
func translate(diags hcl.Diagnostics) spec.Diagnostics {
	var out spec.Diagnostics
	for _, d := range diags {
		at := hcl.Range{}
		if d.Subject != nil {
			at = *d.Subject
		}
		out = append(out, damaged(at, d.Summary, d.Detail))
	}
	return out
}

// damaged is an error about the file. Whatever it is, the fix is the same.
func damaged(at hcl.Range, summary, detail string) spec.Diagnostic {
	return spec.Diagnostic{
		Severity: spec.SeverityError, Summary: "Damaged lock file: " + summary, Detail: detail, Subject: rangeOf(at),
		Suggestion: "Restore the file from version control, or delete it and apply again.",
	}
}

func rangeOf(r hcl.Range) spec.Range {
	return spec.Range{File: r.Filename, Start: positionOf(r.Start), End: positionOf(r.End)}
}

func positionOf(p hcl.Pos) spec.Pos { return spec.Pos{Line: p.Line, Column: p.Column, Byte: p.Byte} }
