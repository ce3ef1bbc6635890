package sglang

import (
	"slices"
	"testing"

	"aicv/kit/engine"
	"aicv/spec"
)

// The language knows every mode that the table has a row for.
func TestModesAreKnown(t *testing.T) {
	for _, item := range spec.ConfigurationItems() {
		for _, row := range Table().Rows {
			for _, v := range row.Values {
				if row.Item == item.Name && len(item.Known) > 0 && v != engine.Unset && !slices.Contains(item.Known, v) {
					t.Errorf("%s has a row for %s", item.Name, v)
				}
			}
		}
	}
}
