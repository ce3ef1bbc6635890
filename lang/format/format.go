// Package format rewrites suite files in the canonical format.
package format

import (
	"bytes"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"

	"aicv/lang/claim"
	"aicv/spec"
)

// maxPasses bounds the repetition of the token formatter; one pass nearly always does.
const maxPasses = 4

// Source formats a file in native syntax: indentation, aligned equals signs, one space
// around operators, and the white space of the claims in expect lists. Nothing but
// white space changes, and formatting the result again changes nothing. A file with
// syntax errors is returned as it is, with the errors.
func Source(source []byte, file string) ([]byte, spec.Diagnostics) {
	parsed, diags := hclsyntax.ParseConfig(source, file, hcl.InitialPos)
	if diags.HasErrors() {
		return source, diagnostics(diags)
	}
	body, ok := parsed.Body.(*hclsyntax.Body)
	if !ok { // ParseConfig gives no other body
		return source, nil
	}
	return settle(tidyClaims(source, body)), nil
}

// settle formats until nothing changes: aligned comments can need a second pass.
func settle(source []byte) []byte {
	for range maxPasses {
		formatted := hclwrite.Format(source)
		if bytes.Equal(formatted, source) {
			break
		}
		source = formatted
	}
	return source
}

// tidyClaims puts the white space of the claims in expect lists in order.
func tidyClaims(source []byte, body *hclsyntax.Body) []byte {
	var out []byte
	from := 0
	ranges := claimLiterals(body)
	slices.SortFunc(ranges, func(a, b hcl.Range) int { return a.Start.Byte - b.Start.Byte })
	for _, r := range ranges {
		out = append(out, source[from:r.Start.Byte]...)
		out = append(out, tidy(string(source[r.Start.Byte:r.End.Byte]))...)
		from = r.End.Byte
	}
	return append(out, source[from:]...)
}

// claimLiterals finds the literal parts of quoted claims.
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

// tidy normalizes a correct claim that is written without escapes. Others stay as
// they are: their author has something to mend first, or means what the escapes say.
func tidy(sentence string) string {
	if strings.ContainsAny(sentence, "\\\n") || strings.Contains(sentence, "$${") || strings.Contains(sentence, "%%{") {
		return sentence
	}
	normal, _ := claim.Normalize(sentence)
	return normal
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
