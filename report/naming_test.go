package report

import (
	"testing"

	"aicv/result"
	"aicv/spec"
)

// Names that leave no room for the figures go by the field's abbreviations; they must
// still tell the cells apart.
func TestLongNamesAreAbbreviated(t *testing.T) {
	cell := func(concurrency int) result.Cell {
		return result.Cell{Axes: []spec.Setting{
			{Name: "concurrency", Value: spec.IntValue(concurrency)}, {Name: "input_tokens", Value: spec.IntValue(1024 * concurrency)},
			{Name: "output_tokens", Value: spec.IntValue(128 * concurrency)}, {Name: spec.ItemTensorParallel, Value: spec.IntValue(concurrency)},
		}}
	}
	cells := []result.Cell{cell(1), cell(8)}
	if got, want := namingOf(cells).name(&cells[1]), "c=8,isl=8192,osl=1024,tp=8"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := namingOf(cells[1:]).name(&cells[1]), "c=8,isl=8192,osl=1024,tp=8"; got != want {
		t.Errorf("a single cell: %s, want %s", got, want)
	}
	for i := range cells {
		cells[i].Axes = cells[i].Axes[:1]
	}
	if got, want := namingOf(cells).name(&cells[1]), "concurrency=8"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
