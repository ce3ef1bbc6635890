// Package report writes results for people and programs: text, Markdown, JSON. It
// reads the result alone.
package report

import (
	"encoding/json"
	"fmt"
	"io"

	"aicv/result"
)

// JSON writes the whole result as one JSON document.
func JSON(w io.Writer, r *result.Result) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(r); err != nil {
		return fmt.Errorf("write the JSON report: %w", err)
	}
	return nil
}
