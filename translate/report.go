package translate

import (
	"slices"

	"aicv/spec"
)

// Row says what became of one field or item.
type Row struct {
	Entry    string        `json:"entry,omitempty"` // part of the document, where it has several
	Field    string        `json:"field,omitempty"` // of the other tool's document; empty: it has none
	Item     string        `json:"item,omitempty"`  // of the suite; empty: it has none
	Value    string        `json:"value,omitempty"` // as the source has it, shortened
	Fidelity spec.Fidelity `json:"fidelity"`
	Why      string        `json:"why,omitempty"` // empty only where the fidelity is exact
}

// Report says what became of everything in a source, in its order.
type Report struct {
	Format string `json:"format"`
	Source string `json:"source"`
	Rows   []Row  `json:"rows"`
}

// Add appends a row. Values are shortened: they may be whole blocks.
func (r *Report) Add(row Row) {
	const longest = 120
	if text := []rune(row.Value); len(text) > longest {
		row.Value = string(text[:longest-3]) + "..."
	}
	r.Rows = append(r.Rows, row)
}

// Count returns how many rows have a fidelity.
func (r *Report) Count(f spec.Fidelity) int {
	n := 0
	for _, row := range r.Rows {
		if row.Fidelity == f {
			n++
		}
	}
	return n
}

// Find returns the first row of a field; false where there is none.
func (r *Report) Find(field string) (Row, bool) {
	i := slices.IndexFunc(r.Rows, func(row Row) bool { return row.Field == field })
	if i < 0 {
		return Row{}, false
	}
	return r.Rows[i], true
}

// Rule is one line of a format's table, as documentation shows it.
type Rule struct {
	Field    string        // of the format; * stands for any name
	Item     string        // of the suite; empty: it has no counterpart
	Fidelity spec.Fidelity // at best: a value can make it worse
	Values   string        // how values change; empty: they are taken as they are
	Why      string
}
