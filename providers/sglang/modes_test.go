package sglang

import (
	"testing"

	"aicv/kit/engine/enginetest"
)

// The language knows every mode that the table has a row for.
func TestModesAreKnown(t *testing.T) {
	for _, mode := range enginetest.UnknownModes(Table()) {
		t.Error(mode)
	}
}
