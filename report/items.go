package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"aicv/internal/tty"
	"aicv/result"
	"aicv/spec"
)

// itemHeads are the columns of items.
func itemHeads() []string {
	return []string{"item", "asked for", "effective", "modelled", "standing", "cells"}
}

// item is a configuration item whose sides differ, or are not all known, with the cells in
// which it stands so.
type item struct {
	columns [5]string // clean, as itemHeads without the cells
	differs bool      // or is expressed roughly; else it is only unknown
	cells   []*result.Cell
}

// noteworthyItems are those of an experiment whose sides are not known to be the same;
// those that differ come first, then by name.
func noteworthyItems(e *result.Experiment) []item {
	var list []item
	at := map[[5]string]int{}
	for i := range e.Cells {
		c := &e.Cells[i]
		for k := range c.Compared {
			x := &c.Compared[k]
			words := likeness(x)
			if words == string(spec.AgreeSame) {
				continue
			}
			key := [5]string{tty.Clean(x.Item), asked(x), side(x.Effective, "?"), side(x.Modelled, "?"), words}
			place, known := at[key]
			if !known {
				place = len(list)
				at[key] = place
				list = append(list, item{columns: key, differs: words != string(spec.AgreeUnknown)})
			}
			list[place].cells = append(list[place].cells, c)
		}
	}
	slices.SortStableFunc(list, func(a, b item) int {
		return cmp.Or(cmp.Compare(a.rank(), b.rank()), cmp.Compare(a.columns[0], b.columns[0]))
	})
	return list
}

func (i *item) rank() int {
	if i.differs {
		return 0
	}
	return 1
}

// asked is what the suite asks for, else what the engine is known to take unasked.
func asked(c *spec.Comparison) string {
	if c.Requested.IsNull() && !c.Assumed.IsNull() {
		return "-, takes " + side(c.Assumed, "")
	}
	return side(c.Requested, "-")
}

// row is the item's row of a table.
func (i *item) row(e *result.Experiment, names naming) []string {
	return append(slices.Clone(i.columns[:]), cellsOf(e, i.cells, names))
}

// cellsOf names a few cells, and counts many.
func cellsOf(e *result.Experiment, cells []*result.Cell, names naming) string {
	const few = 2
	switch {
	case len(cells) == len(e.Cells):
		return "all"
	case len(cells) > few:
		return strconv.Itoa(len(cells)) + " of " + strconv.Itoa(len(e.Cells))
	}
	parts := make([]string, len(cells))
	for i, c := range cells {
		parts[i] = names.name(c)
	}
	return strings.Join(parts, "; ")
}

// items is the table of what differs; what is unknown takes a line.
func (t *text) items(e *result.Experiment, names naming) {
	list := noteworthyItems(e)
	if len(list) == 0 {
		return
	}
	differing := differingOf(list)
	t.line()
	t.line("  ", t.bold("configuration"), ", as asked for, effective and modelled")
	part := list[:min(differing, t.limit(len(list)))]
	if len(part) > 0 {
		rows := &table{}
		for _, head := range itemHeads() {
			rows.columns = append(rows.columns, column{head: head, shrink: head == "item" || head == "cells"})
		}
		for i := range part {
			rows.add(part[i].row(e, names)...)
		}
		t.table("    ", rows, plain)
	}
	if rest := differing - len(part); rest > 0 {
		t.line("    ... and ", strconv.Itoa(rest), " more; aicv report lists all")
	}
	if words := unknownItems(list[differing:]); words != "" {
		t.wrapped("    ", "not known on every side: "+words)
	}
}

// differingOf counts those that differ, which come first.
func differingOf(list []item) int {
	if at := slices.IndexFunc(list, func(i item) bool { return !i.differs }); at >= 0 {
		return at
	}
	return len(list)
}

// unknownItems names items, each once.
func unknownItems(list []item) string {
	var names []string
	for i := range list {
		names = append(names, list[i].columns[0])
	}
	return strings.Join(slices.Compact(names), ", ")
}

// items is the same as Markdown, with what is unknown.
func (m *markdown) items(e *result.Experiment, names naming) {
	list := noteworthyItems(e)
	if len(list) == 0 {
		return
	}
	m.line()
	m.line("### Configuration: where its sides differ or are unknown")
	m.head(itemHeads()...)
	for i := range list {
		row := list[i].row(e, names)
		for k := range row {
			row[k] = escape(row[k])
		}
		m.row(row...)
	}
}

// htmlItems is the same for the page.
type htmlItems struct {
	Summary string
	Open    bool // something differs
	Heads   []string
	Rows    [][]string
}

func htmlItemsOf(e *result.Experiment, names naming) *htmlItems {
	list := noteworthyItems(e)
	if len(list) == 0 {
		return nil
	}
	differing := differingOf(list)
	out := &htmlItems{Heads: itemHeads(), Open: differing > 0, Summary: fmt.Sprintf("configuration, as asked for, effective and modelled: %d different, %d not known on every side",
		differing, len(list)-differing)}
	for i := range list {
		out.Rows = append(out.Rows, list[i].row(e, names))
	}
	return out
}
