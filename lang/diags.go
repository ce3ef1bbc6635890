package lang

import (
	"cmp"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"aicv/lang/suggest"
	"aicv/spec"
)

// rangeOf converts a position of the parser to ours.
func rangeOf(r hcl.Range) spec.Range {
	return spec.Range{File: r.Filename, Start: posOf(r.Start), End: posOf(r.End)}
}

func posOf(p hcl.Pos) spec.Pos { return spec.Pos{Line: p.Line, Column: p.Column, Byte: p.Byte} }

func problem(at spec.Range, summary, detail string) spec.Diagnostic {
	return spec.Diagnostic{Severity: spec.SeverityError, Summary: summary, Detail: detail, Subject: at}
}

func warning(at spec.Range, summary, detail string) spec.Diagnostic {
	d := problem(at, summary, detail)
	d.Severity = spec.SeverityWarning
	return d
}

// report adds a message.
func (l *loader) report(d spec.Diagnostic) { l.diags = append(l.diags, d) }

// fail adds an error without suggestion.
func (l *loader) fail(at spec.Range, summary, detail string) { l.report(problem(at, summary, detail)) }

// failNear adds an error that suggests the nearest of the names that would do, or
// lists them where none is near.
func (l *loader) failNear(at spec.Range, summary, detail, word string, names []string) {
	d := problem(at, summary, detail)
	d.Suggestion = didYouMean(word, names)
	if d.Suggestion == "" && len(names) > 0 {
		d.Detail = sentence(d.Detail) + "Known here: " + listed(names) + "."
	}
	l.report(d)
}

func didYouMean(word string, names []string) string {
	if best, ok := suggest.Best(word, names); ok {
		return `Did you mean "` + best + `"?`
	}
	return ""
}

// sentence ends a text so that another may follow.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	return strings.TrimRight(text, " ") + " "
}

// listed writes names in a row, a long row cut.
func listed(names []string) string {
	const most = 12
	if len(names) > most {
		return strings.Join(names[:most], ", ") + " and more"
	}
	return strings.Join(names, ", ")
}

// quoted wraps a name for a message.
func quoted(name string) string { return `"` + name + `"` }

// parserDiags passes the parser's and the evaluator's messages on. Where hidden is
// set, an expression involves a sensitive value, and texts that could show it are
// left out.
func (l *loader) parserDiags(diags hcl.Diagnostics, hidden bool) {
	for _, d := range diags {
		l.report(l.translate(d, hidden))
	}
}

func (l *loader) translate(d *hcl.Diagnostic, hidden bool) spec.Diagnostic {
	out := problem(spec.Range{}, d.Summary, d.Detail)
	if d.Severity == hcl.DiagWarning {
		out.Severity = spec.SeverityWarning
	}
	if d.Subject != nil {
		out.Subject = l.inFile(rangeOf(*d.Subject))
	}
	if hidden {
		out.Detail = "A sensitive value is involved, so that the details are not shown."
		return out
	}
	out.Detail, out.Suggestion = splitSuggestion(d.Detail)
	if name, ok := unknownFunction(d); ok {
		out.Summary, out.Detail = "Unknown function "+quoted(name), "The language has a fixed set of functions, and this is none of them."
		out.Suggestion = didYouMean(name, functionNames(l.functions))
	}
	out.Suggestion = cmp.Or(out.Suggestion, fixFor(d))
	out.Values = l.expressionValues(d)
	return out
}

// fixFor knows what to do about messages of the parser and the evaluator that users
// of this language are likely to meet.
func fixFor(d *hcl.Diagnostic) string {
	switch {
	case d.Summary == "Invalid single-argument block definition":
		return "Write each attribute of the block on a line of its own."
	case strings.HasSuffix(d.Detail, "but have secret."):
		return "A secret can only be passed on whole, as an attribute's value or as a value of a map."
	}
	return ""
}

// unknownFunction finds the name in the evaluator's message about a missing function.
func unknownFunction(d *hcl.Diagnostic) (string, bool) {
	extra, ok := hcl.DiagnosticExtra[hclsyntax.FunctionCallUnknownDiagExtra](d)
	if !ok || extra.CalledFunctionName() == "" {
		return "", false
	}
	return extra.CalledFunctionNamespace() + extra.CalledFunctionName(), true
}

// splitSuggestion takes the question at the end of the parser's details apart.
func splitSuggestion(detail string) (rest, suggestion string) {
	at := strings.LastIndex(detail, "Did you mean ")
	if at < 0 || !strings.HasSuffix(detail, "?") {
		return detail, ""
	}
	return strings.TrimSpace(detail[:at]), detail[at:]
}

// expressionValues shows what the variables of a failing expression hold.
func (l *loader) expressionValues(d *hcl.Diagnostic) []spec.Note {
	if d.Expression == nil || d.EvalContext == nil {
		return nil
	}
	var notes []spec.Note
	seen := make(map[string]bool)
	for _, t := range d.Expression.Variables() {
		v, diags := t.TraverseAbs(d.EvalContext)
		name := traversalText(t)
		if diags.HasErrors() || seen[name] || len(notes) == maxValues {
			continue
		}
		seen[name] = true
		if text, ok := describe(v); ok && text != name {
			notes = append(notes, spec.Note{Text: name + " is " + text, Range: rangeOf(t.SourceRange())})
		}
	}
	return notes
}

// maxValues is how many expression values one message shows.
const maxValues = 6

// inFile keeps a range inside its file: parsers point behind the last byte at times.
func (l *loader) inFile(r spec.Range) spec.Range {
	size := len(l.sources[r.File])
	r.Start.Byte = min(max(r.Start.Byte, 0), size)
	r.End.Byte = min(max(r.End.Byte, r.Start.Byte), size)
	return r
}
