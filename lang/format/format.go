// Package format rewrites suite files in the canonical format.
package format

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"

	"aicv/spec"
)

// Source formats a file in native syntax: indentation, aligned equals signs, one space
// around operators, and single spaces inside claim sentences. Comments stay. A file
// with syntax errors is returned as it is, with the errors.
func Source(source []byte, file string) ([]byte, spec.Diagnostics) {
	parsed, diags := hclsyntax.ParseConfig(source, file, hcl.InitialPos)
	if diags.HasErrors() {
		return source, diagnostics(diags)
	}
	body, ok := parsed.Body.(*hclsyntax.Body)
	if !ok { // ParseConfig gives no other body
		return source, nil
	}
	return hclwrite.Format(tidyClaims(source, body)), nil
}

// tidyClaims squeezes runs of spaces inside the claim sentences of expect lists.
func tidyClaims(source []byte, body *hclsyntax.Body) []byte {
	var out []byte
	from := 0
	for _, r := range claimLiterals(body) {
		out = append(out, source[from:r.Start.Byte]...)
		out = append(out, squeeze(string(source[r.Start.Byte:r.End.Byte]))...)
		from = r.End.Byte
	}
	return append(out, source[from:]...)
}

// claimLiterals finds the literal parts of quoted claims, in the order of the file.
func claimLiterals(body *hclsyntax.Body) []hcl.Range {
	var ranges []hcl.Range
	for _, block := range body.Blocks {
		if attribute, ok := block.Body.Attributes["expect"]; ok && block.Type == "assert" {
			ranges = append(ranges, literals(attribute.Expr)...)
		}
		ranges = append(ranges, claimLiterals(block.Body)...)
	}
	return ranges
}

func literals(e hclsyntax.Expression) []hcl.Range {
	list, ok := e.(*hclsyntax.TupleConsExpr)
	if !ok {
		return nil
	}
	var ranges []hcl.Range
	for _, item := range list.Exprs {
		template, ok := item.(*hclsyntax.TemplateExpr)
		if ok && template.IsStringLiteral() {
			ranges = append(ranges, template.Parts[0].Range())
		}
	}
	return ranges
}

// squeeze trims a sentence and makes each run of spaces one. Escaped white space is
// left alone: whoever writes it means it.
func squeeze(sentence string) string {
	return strings.Join(strings.FieldsFunc(sentence, func(r rune) bool { return r == ' ' || r == '\t' }), " ")
}

func diagnostics(diags hcl.Diagnostics) spec.Diagnostics {
	var out spec.Diagnostics
	for _, d := range diags {
		message := spec.Diagnostic{Severity: spec.SeverityError, Summary: d.Summary, Detail: d.Detail}
		if d.Subject != nil {
			message.Subject = spec.Range{File: d.Subject.Filename, Start: position(d.Subject.Start), End: position(d.Subject.End)}
		}
		out = append(out, message)
	}
	return out
}

func position(p hcl.Pos) spec.Pos { return spec.Pos{Line: p.Line, Column: p.Column, Byte: p.Byte} }
