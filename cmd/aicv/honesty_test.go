package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"aicv/spec"
)

// TestEverySelfCheckIsDocumented holds docs/honesty.md to the checks and limits that
// are in force.
func TestEverySelfCheckIsDocumented(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "honesty.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range spec.SelfChecks() {
		if c.Kind == spec.ThresholdRequirement {
			if !strings.Contains(string(page), "`"+c.Threshold+"`") {
				t.Errorf("docs/honesty.md lacks %s", c.Threshold)
			}
			continue
		}
		if row := checkRow(&c); !strings.Contains(string(page), row) {
			t.Errorf("docs/honesty.md lacks the row\n%s", row)
		}
	}
}

// checkRow is the beginning of a check's row on the page.
func checkRow(c *spec.SelfCheck) string {
	limit, beyond := strconv.FormatFloat(c.Limit, 'f', -1, 64), "warning"
	switch c.Kind {
	case spec.ThresholdShare:
		limit = strconv.FormatFloat(c.Limit*100, 'f', -1, 64) + " %"
	case spec.ThresholdLeast:
		limit = "at least " + limit + " x concurrency"
	}
	switch {
	case c.Severity == spec.FindingSpoils:
		beyond = "not comparable"
	case c.Spoils > 0:
		beyond += fmt.Sprintf("; beyond %g %% not comparable", c.Spoils*100)
	}
	return fmt.Sprintf("| `%s`: %s | `%s` | %s | %s |", c.Name, c.Reason, c.Threshold, limit, beyond)
}
