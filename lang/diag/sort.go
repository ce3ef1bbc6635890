// Package diag shows diagnostics: as text with the source line and a caret under the
// exact characters, and as JSON. It is the one place that sorts them.
package diag

import (
	"cmp"
	"slices"

	"aicv/spec"
)

// sorted orders messages by file, position and severity, those about no file first.
// Messages that are equal in all of that keep the order in which they were found.
func sorted(diags spec.Diagnostics) spec.Diagnostics {
	out := slices.Clone(diags)
	slices.SortStableFunc(out, func(a, b spec.Diagnostic) int {
		return cmp.Or(
			cmp.Compare(a.Subject.File, b.Subject.File),
			cmp.Compare(a.Subject.Start.Byte, b.Subject.Start.Byte),
			cmp.Compare(rank(a.Severity), rank(b.Severity)),
			cmp.Compare(a.Subject.End.Byte, b.Subject.End.Byte),
			cmp.Compare(a.Summary, b.Summary),
		)
	})
	return out
}

func rank(s spec.Severity) int {
	return slices.Index([]spec.Severity{spec.SeverityError, spec.SeverityWarning, spec.SeverityNote}, s)
}
