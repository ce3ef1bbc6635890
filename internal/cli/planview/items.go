package planview

import (
	"strings"

	"aicv/engine"
	"aicv/internal/tty"
	"aicv/metric"
	"aicv/spec"
)

// itemsOf compares what will run on a cell with what its prediction assumes.
func itemsOf(c *engine.PlannedCell) []spec.Comparison {
	return spec.Foresee(c.Cell.Config, c.Assumed, c.Prediction.Modelled)
}

// modelled says in what the predictions assume something else than what will run, and
// what they assume of items that are left open. All items are listed where asked for.
func (t *text) modelled() {
	lines := newTally()
	for i := range t.plan.Cells {
		if c := &t.plan.Cells[i]; len(c.Prediction.Modelled) > 0 {
			foreseen(lines, itemsOf(c), i)
		}
	}
	if len(lines.order) > 0 {
		t.line("%s:", t.bold("Modelled otherwise, or unasked"))
		shown := t.limit(len(lines.order))
		for _, line := range lines.order[:shown] {
			sign := signNote
			if strings.HasPrefix(line, leftOpen) {
				sign = signDoubt
			}
			t.wrapped(sign, line+" ("+metric.Count(len(lines.cells[line]), "cell")+")")
		}
		t.more(len(lines.order)-shown, "differences")
		t.line("")
	}
	if t.options.Verbose {
		t.items()
	}
}

// leftOpen begins the line about items that neither the suite nor the engine's defaults
// decide.
const leftOpen = "left open, and modelled as "

// tally collects lines with the cells that they are about, in the order of the first.
type tally struct {
	order []string
	cells map[string][]int
}

func newTally() *tally { return &tally{cells: map[string][]int{}} }

func (l *tally) add(line string, cell int) {
	if len(l.cells[line]) == 0 {
		l.order = append(l.order, line)
	}
	l.cells[line] = append(l.cells[line], cell)
}

// foreseen adds a line for each item that differs, and one for all that are open.
func foreseen(lines *tally, items []spec.Comparison, cell int) {
	var open []string
	for i := range items {
		c := &items[i]
		switch agreement := c.Foreseen(); {
		case agreement == spec.AgreeDifferent && !c.Requested.IsNull():
			lines.add(c.Item+": asked for "+c.Requested.String()+", modelled as "+c.Modelled.String(), cell)
		case agreement == spec.AgreeDifferent:
			lines.add(c.Item+": the engine takes "+c.Assumed.String()+" unasked, modelled as "+c.Modelled.String(), cell)
		case agreement == spec.AgreeUnknown && c.Requested.IsNull() && c.Assumed.IsNull() && !c.Modelled.IsNull():
			open = append(open, c.Item+"="+c.Modelled.String())
		}
	}
	if len(open) > 0 {
		lines.add(leftOpen+strings.Join(open, ", "), cell)
	}
}

// items lists every item of every distinct configuration: asked for, taken by the engine
// unasked, and modelled.
func (t *text) items() {
	tables, rows := newTally(), map[string][][]string{}
	for i := range t.plan.Cells {
		list := itemRows(itemsOf(&t.plan.Cells[i]))
		if len(list) == 0 {
			continue
		}
		key := ""
		for _, row := range list {
			key += strings.Join(row, "\x00") + "\n"
		}
		tables.add(key, i)
		rows[key] = list
	}
	if len(tables.order) == 0 {
		return
	}
	t.line("%s:", t.bold("Configuration"))
	shown := t.limit(len(tables.order))
	for _, key := range tables.order[:shown] {
		t.wrapped(signKept, t.keys(tables.cells[key]))
		t.table([]string{"item", "asked for", "engine takes", "modelled", ""}, rows[key])
	}
	t.more(len(tables.order)-shown, "configurations")
	t.line("")
}

func itemRows(items []spec.Comparison) [][]string {
	var rows [][]string
	for i := range items {
		c := &items[i]
		note := ""
		if c.Foreseen() == spec.AgreeDifferent {
			note = "differs"
		}
		rows = append(rows, []string{c.Item, shownValue(c.Requested), shownValue(c.Assumed), shownValue(c.Modelled), note})
	}
	return rows
}

// shownValue is a value in a table; "-" where nobody says.
func shownValue(v spec.Value) string {
	if v.IsNull() {
		return "-"
	}
	return tty.Clean(v.String())
}

// table writes rows under a heading.
func (t *text) table(head []string, rows [][]string) {
	widths := widen(nil, head)
	for _, row := range rows {
		widths = widen(widths, row)
	}
	t.tableRow(head, widths)
	for _, row := range rows {
		t.tableRow(row, widths)
	}
}
