package diag

import (
	"encoding/json"
	"fmt"

	"aicv/spec"
)

// FormatVersion is the version of JSON's output. A field that is added raises the
// second number, one that changes or goes the first.
const FormatVersion = "1.0"

type document struct {
	FormatVersion string            `json:"format_version"`
	Valid         bool              `json:"valid"`
	Errors        int               `json:"error_count"`
	Warnings      int               `json:"warning_count"`
	Diagnostics   []spec.Diagnostic `json:"diagnostics"`
}

// JSON writes the diagnostics, sorted as Write sorts them, as one indented object with
// format_version, valid, error_count, warning_count and diagnostics.
func JSON(diags spec.Diagnostics) ([]byte, error) {
	d := document{FormatVersion: FormatVersion, Valid: !diags.HasErrors(), Diagnostics: sorted(diags)}
	if d.Diagnostics == nil {
		d.Diagnostics = []spec.Diagnostic{}
	}
	for _, x := range diags {
		switch x.Severity {
		case spec.SeverityError:
			d.Errors++
		case spec.SeverityWarning:
			d.Warnings++
		}
	}
	out, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write diagnostics: %w", err)
	}
	return out, nil
}
