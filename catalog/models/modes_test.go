package models

import (
	"slices"
	"testing"

	"aicv/spec"
)

// The language knows every mode that a checkpoint can have.
func TestModesAreKnown(t *testing.T) {
	for _, item := range spec.ConfigurationItems() {
		if item.Name != spec.ItemGEMMQuant && item.Name != spec.ItemMoEQuant {
			continue
		}
		for _, f := range Formats() {
			if !slices.Contains(item.Known, f.Format.Mode) {
				t.Errorf("%s does not know %s", item.Name, f.Format.Mode)
			}
		}
	}
}
