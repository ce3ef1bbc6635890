package recorded

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"aicv/metric"
	"aicv/spec"
)

// record is one row, understood.
type record struct {
	line     int
	items    []string // canonical, parallel to declaration.match
	values   metric.Values
	derived  []metric.Name
	modelled []string // canonical, parallel to declaration.modelled
	run      string
	database string
	reason   string
	repeats  []int // lines that say exactly the same
}

// positions are the columns of a table that a declaration names; -1: none declared.
type positions struct {
	match, figures, where, modelled []int
	gpus, run, database, reason     int
}

func (d *declaration) locate(t *table) (*positions, error) {
	p := &positions{}
	var failed error
	find := func(column string) int {
		if column == "" {
			return -1
		}
		at, err := t.column(column)
		if err != nil && failed == nil {
			failed = err
		}
		return at
	}
	for _, m := range d.match {
		p.match = append(p.match, find(m.column))
	}
	for _, f := range d.figures {
		p.figures = append(p.figures, find(f.column))
	}
	for _, w := range d.where {
		p.where = append(p.where, find(w.column))
	}
	for _, m := range d.modelled {
		p.modelled = append(p.modelled, find(m.column))
	}
	p.gpus, p.run, p.database, p.reason = find(d.gpusColumn), find(d.runColumn), find(d.databaseColumn), find(d.reasonColumn)
	return p, failed
}

// reader turns the rows of a table into records.
type reader struct {
	d     *declaration
	t     *table
	at    *positions
	aside asideList
	bad   []string // rows that can not be read: what is wrong, with file and line
	kept  int      // rows that where keeps

	values map[metric.Name]float64 // of the row that is being read
}

func (r *reader) read() ([]record, error) {
	records := make([]record, 0, len(r.t.rows))
	for i := range r.t.rows {
		row := &r.t.rows[i]
		if !r.wanted(row) {
			continue
		}
		r.kept++
		rec, aside, err := r.record(row)
		if err != nil {
			r.bad = append(r.bad, fmt.Sprintf("%s:%d: %v", r.t.name, row.line, err))
			continue
		}
		if !aside {
			records = append(records, rec)
		}
	}
	if len(r.bad) > 0 {
		return nil, r.badRows()
	}
	if r.kept == 0 {
		return nil, usage(fmt.Sprintf("%s has no row that where keeps", r.t.name), "check the values of where; they must equal the cells exactly")
	}
	return records, nil
}

func (r *reader) badRows() error {
	summary := r.bad[0]
	if more := len(r.bad) - 1; more > 0 {
		summary += fmt.Sprintf(" (and %s)", metric.Count(more, "more bad row"))
	}
	const shown = 20
	return &spec.Error{Kind: spec.ErrUsage, Summary: summary, Detail: strings.Join(r.bad[:min(shown, len(r.bad))], "\n"),
		Fix: "correct the cell; leave it empty where there is no figure"}
}

func (r *reader) wanted(row *tableRow) bool {
	for i, w := range r.d.where {
		if row.cell(r.at.where[i]) != w.value {
			return false
		}
	}
	return true
}

// record reads one row; true where its layout contradicts its own GPU count.
func (r *reader) record(row *tableRow) (record, bool, error) {
	rec := record{line: row.line, items: make([]string, len(r.d.match))}
	for i, m := range r.d.match {
		var err error
		if rec.items[i], err = m.item.canonical(row.cell(r.at.match[i])); err != nil {
			return rec, false, fmt.Errorf("column %s: %w", m.column, err)
		}
	}
	for i, m := range r.d.modelled {
		canonical, err := m.item.canonical(row.cell(r.at.modelled[i]))
		if err != nil {
			return rec, false, fmt.Errorf("column %s: %w", m.column, err)
		}
		rec.modelled = append(rec.modelled, canonical)
	}
	rec.run, rec.database, rec.reason = r.optional(row, r.at.run), r.optional(row, r.at.database), r.optional(row, r.at.reason)
	point, err := r.d.point(&rec)
	if err != nil {
		return rec, false, err
	}
	gpus, aside, err := r.gpus(row, &point)
	if err != nil || aside {
		return rec, aside, err
	}
	return rec, false, r.figures(row, &rec, load{float64(point.Load.Concurrency), float64(point.Load.OutputTokens), float64(gpus)})
}

func (r *reader) optional(row *tableRow, at int) string {
	if at < 0 {
		return ""
	}
	return row.cell(at)
}

// gpus is the number of GPUs of a row: what its layout occupies, else what its
// column says; 0 where neither says it. A row whose layout contradicts the column
// is set aside.
func (r *reader) gpus(row *tableRow, point *spec.Point) (int, bool, error) {
	stated := 0
	if text := r.optional(row, r.at.gpus); text != "" {
		canonical, err := item{name: r.d.gpusColumn, typ: spec.TypeInt, least: 1}.canonical(text)
		if err != nil {
			return 0, false, err
		}
		if stated, err = strconv.Atoi(canonical); err != nil {
			return 0, false, err
		}
	}
	if !r.d.layout {
		return stated, false, nil
	}
	layout := point.Config.GPUs()
	if stated != 0 && stated != layout {
		r.aside.add(layout, stated, row.line)
		return 0, true, nil
	}
	return layout, false, nil
}

// figures reads and derives the metrics of a row.
func (r *reader) figures(row *tableRow, rec *record, l load) error {
	figures := r.values
	clear(figures)
	for i, f := range r.d.figures {
		text := row.cell(r.at.figures[i])
		if text == "" {
			continue
		}
		value, err := f.parse(text)
		if err != nil {
			return fmt.Errorf("column %s: %w", f.column, err)
		}
		figures[f.metric.Name] = value
	}
	rec.derived = r.d.derived(figures, l)
	var err error
	rec.values, err = metric.NewValues(figures)
	return err
}

// parse reads a figure in the contract's unit.
func (f figure) parse(text string) (float64, error) {
	value, err := strconv.ParseFloat(text, 64)
	beyond := errors.Is(err, strconv.ErrRange) // an infinity, which Check refuses
	if err != nil && !beyond || strings.ContainsAny(text, "xXpP_") {
		return 0, fmt.Errorf("%s is %q, want a number", f.metric.Name, text)
	}
	value *= f.factor
	if err := f.metric.Check(value); err != nil {
		return 0, fmt.Errorf("%s: %w", text, err)
	}
	return value, nil
}

// point is what the row is about: its own items and the fixed ones.
func (d *declaration) point(rec *record) (spec.Point, error) {
	var p spec.Point
	for i, m := range d.match {
		if err := m.item.put(&p, rec.items[i]); err != nil {
			return p, err
		}
	}
	for _, f := range d.fixed {
		if err := f.item.put(&p, f.text); err != nil {
			return p, err
		}
	}
	return p, nil
}

// asideList collects the rows that are set aside, by their contradiction.
type asideList struct {
	order []contradiction
	lines map[contradiction][]int
}

type contradiction struct{ layout, stated int }

func (l *asideList) add(layout, stated, line int) {
	if l.lines == nil {
		l.lines = map[contradiction][]int{}
	}
	c := contradiction{layout, stated}
	if l.lines[c] == nil {
		l.order = append(l.order, c)
	}
	l.lines[c] = append(l.lines[c], line)
}
