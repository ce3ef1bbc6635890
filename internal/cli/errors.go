package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"aicv/internal/tty"
	"aicv/lang/diag"
	"aicv/spec"
)

// failure is an error as --json prints it.
type failure struct {
	FormatVersion string `json:"format_version"`
	Error         string `json:"error"`
	Detail        string `json:"detail,omitempty"`
	Fix           string `json:"fix,omitempty"`
}

// jsonFormat is the version of every JSON document that commands print.
const jsonFormat = "1.0"

// printError prints an error once: summary, evidence and fix each on its own line.
func (a *app) printError(err error) {
	if refused := (*spec.Refusal)(nil); errors.As(err, &refused) {
		a.printRefusal(refused)
		return
	}
	f := failure{FormatVersion: jsonFormat, Error: err.Error()}
	var known *spec.Error
	if errors.As(err, &known) {
		f.Error, f.Detail, f.Fix = known.Summary, known.Detail, known.Fix
		if known.Cause != nil {
			f.Error += ": " + known.Cause.Error()
		}
	}
	if a.json {
		_ = writeJSON(a.stdio.Out, f)
		return
	}
	fmt.Fprintf(a.stdio.Err, "Error: %s\n", tty.CleanLines(f.Error))
	if f.Detail != "" {
		fmt.Fprintf(a.stdio.Err, "\n%s\n", tty.CleanLines(f.Detail))
	}
	if f.Fix != "" {
		fmt.Fprintf(a.stdio.Err, "\nFix: %s\n", tty.CleanLines(f.Fix))
	}
}

// printRefusal shows the messages at their places, as those about the language are shown.
func (a *app) printRefusal(refused *spec.Refusal) {
	if a.json {
		_ = a.writeDiagnosticsJSON(refused.Diagnostics)
		return
	}
	_ = a.printDiagnostics(refused.Diagnostics, a.sources)
}

func writeJSON(w io.Writer, document any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(document); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return nil
}

// printDiagnostics shows the messages about the user's files.
func (a *app) printDiagnostics(diags spec.Diagnostics, sources map[string][]byte) error {
	if len(diags) == 0 {
		return nil
	}
	return diag.Write(a.stdio.Err, diags, sources, diag.Options{Color: a.color(a.stdio.Err), Width: width(a.stdio.Err)})
}
