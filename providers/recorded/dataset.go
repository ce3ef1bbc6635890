package recorded

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"aicv/metric"
	"aicv/spec"
)

// dataset is a file that was read, ready for look-ups.
type dataset struct {
	d       *declaration
	table   *table
	records []record // in file order, repeats merged
	groups  map[string][]int32
	order   []string    // keys of groups, in file order
	known   []occurring // per matched item
	open    []item      // items of load and configuration that the file does not say
	unsaid  []string    // identity items that the file does not say
	notes   []spec.Finding
}

// occurring are the values of one item that the file has.
type occurring struct {
	keyed map[string]bool
	shown string // the first of them, sorted
}

// loader reads the file once, when it is first needed.
type loader struct {
	d    *declaration
	read func() (*dataset, error)
}

func newLoader(c *spec.Component, env spec.Env) (*loader, error) {
	d, err := declare(c)
	if err != nil {
		return nil, err
	}
	path := d.file
	if !filepath.IsAbs(path) {
		path = filepath.Join(env.SuiteDir, path)
	}
	return &loader{d: d, read: sync.OnceValues(func() (*dataset, error) {
		t, err := readTable(path, d.file)
		if err != nil {
			return nil, err
		}
		return newDataset(d, t)
	})}, nil
}

// load returns the dataset, unless ctx has ended.
func (l *loader) load(ctx context.Context) (*dataset, error) {
	if err := ctx.Err(); err != nil {
		return nil, &spec.Error{Kind: spec.ErrInterrupted, Summary: "reading " + l.d.file + " was interrupted", Cause: err}
	}
	return l.read()
}

// fingerprint identifies the content. The declaration counts too: another mapping
// gives other answers.
func (l *loader) fingerprint(ctx context.Context, attrs spec.Attrs) (string, error) {
	data, err := l.load(ctx)
	if err != nil {
		return "", err
	}
	return Kind + " 1 " + data.table.hash + " " + string(attrs.Value().AppendCanonical(nil)), nil
}

func newDataset(d *declaration, t *table) (*dataset, error) {
	at, err := d.locate(t)
	if err != nil {
		return nil, err
	}
	r := &reader{d: d, t: t, at: at, values: make(map[metric.Name]float64)}
	records, err := r.read()
	if err != nil {
		return nil, err
	}
	s := &dataset{d: d, table: t, records: make([]record, 0, len(records)), groups: make(map[string][]int32, len(records))}
	if err := s.group(records); err != nil {
		return nil, err
	}
	s.collectKnown()
	s.collectOpen()
	s.note(r)
	return s, nil
}

// collectOpen lists what the file does not say. A version that it leaves out is no
// news: many files are of one version.
func (s *dataset) collectOpen() {
	for _, x := range items() {
		switch {
		case s.d.says(x.name):
		case !x.identity:
			s.open = append(s.open, x)
		case x.name != itemRuntimeVersion:
			s.unsaid = append(s.unsaid, x.name)
		}
	}
}

// key is the identity of a point among the rows of the file.
func (s *dataset) key(text func(i int, x item) string) string {
	var b strings.Builder
	for i, m := range s.d.match {
		b.WriteString(m.item.keyed(text(i, m.item)))
		b.WriteByte(0)
	}
	return b.String()
}

// group sorts records by point, merges repeats and refuses what is ambiguous.
func (s *dataset) group(records []record) error {
	for i := range records {
		rec := &records[i]
		key := s.key(func(i int, _ item) string { return rec.items[i] })
		group, seen := s.groups[key]
		if !seen {
			s.order = append(s.order, key)
		}
		first, err := s.place(group, rec)
		if err != nil {
			return err
		}
		if first != nil {
			first.repeats = append(first.repeats, rec.line)
			continue
		}
		s.groups[key] = append(group, int32(len(s.records)))
		s.records = append(s.records, *rec)
	}
	return nil
}

// place finds the record that rec repeats; nil where it is a run of its own.
func (s *dataset) place(group []int32, rec *record) (*record, error) {
	for _, at := range group {
		other := &s.records[at]
		if other.run != rec.run && other.run != "" && rec.run != "" {
			continue
		}
		if other.same(rec) { // the same run, or one that is not named
			return other, nil
		}
		return nil, s.ambiguous(other, rec)
	}
	return nil, nil
}

func (rec *record) same(other *record) bool {
	return slices.Equal(rec.values, other.values) && slices.Equal(rec.modelled, other.modelled) &&
		rec.database == other.database && rec.reason == other.reason
}

func (s *dataset) ambiguous(a, b *record) error {
	summary := fmt.Sprintf("%s: lines %d and %d say different things of one point (%s)", s.table.name, a.line, b.line, s.describe(b))
	fix := "match a further item that tells them apart, or filter with where"
	switch {
	case s.d.role == spec.RoleBenchmark && s.d.runColumn == "":
		fix += "; name the column that numbers the runs in run_column where they are runs of their own"
	case s.d.runColumn != "":
		fix = fmt.Sprintf("give each run of a point its own value in %s, or %s", s.d.runColumn, fix)
	}
	return usage(summary, fix)
}

// describe writes a row's items.
func (s *dataset) describe(rec *record) string {
	var parts []string
	for i, m := range s.d.match {
		if rec.items[i] != "" {
			parts = append(parts, m.item.name+"="+rec.items[i])
		}
	}
	return strings.Join(parts, ", ")
}

func (s *dataset) collectKnown() {
	s.known = make([]occurring, len(s.d.match))
	for i, m := range s.d.match {
		seen := map[string]bool{}
		o := occurring{keyed: map[string]bool{}}
		var values []string
		for r := range s.records {
			if text := s.records[r].items[i]; !seen[text] {
				seen[text], o.keyed[m.item.keyed(text)] = true, true
				values = append(values, text)
			}
		}
		o.shown = shortList(named(sortedTexts(values)))
		s.known[i] = o
	}
}

// find returns the records of a point, or why there are none.
func (s *dataset) find(p *spec.Point) ([]int32, string) {
	for _, f := range s.d.fixed {
		if text := f.item.of(p); text != "" && text != f.text {
			return nil, fmt.Sprintf("%s is declared to hold %s=%s only, not %s", s.table.name, f.item.name, f.text, text)
		}
	}
	if why := s.unsaidItem(p); why != "" {
		return nil, why
	}
	group := s.groups[s.key(func(_ int, x item) string { return x.of(p) })]
	if len(group) == 0 {
		return nil, s.explain(p)
	}
	return group, ""
}

// unsaidItem names an item that the point sets and of which the file says nothing.
func (s *dataset) unsaidItem(p *spec.Point) string {
	for _, x := range s.open {
		if text := x.of(p); x.keyed(text) != "" {
			return fmt.Sprintf("%s does not say %s, which the point sets to %s", s.table.name, x.name, text)
		}
	}
	return ""
}

// explain says why no row answers a point: an item whose value never occurs, or the
// combination.
func (s *dataset) explain(p *spec.Point) string {
	if len(s.records) == 0 {
		return fmt.Sprintf("%s: all rows were set aside, because their layouts contradict %s", s.table.name, s.d.gpusColumn)
	}
	var parts []string
	for i, m := range s.d.match {
		text := m.item.of(p)
		if !s.known[i].keyed[m.item.keyed(text)] {
			return fmt.Sprintf("%s has no row with %s (it has %s)", s.table.name, said(m.item.name, text), s.known[i].shown)
		}
		if text != "" {
			parts = append(parts, m.item.name+"="+text)
		}
	}
	return fmt.Sprintf("%s has no row with %s together", s.table.name, strings.Join(parts, ", "))
}

func said(name, text string) string {
	if text == "" {
		return name + " left open"
	}
	return name + "=" + text
}

// named gives the value that is not set a name.
func named(texts []string) []string {
	for i := range texts {
		if texts[i] == "" {
			texts[i] = "an empty cell"
		}
	}
	return texts
}

// note lists what was merged, set aside and filtered.
func (s *dataset) note(r *reader) {
	add := func(check string, severity spec.FindingSeverity, format string, args ...any) {
		s.notes = append(s.notes, spec.Finding{Check: check, Severity: severity, Message: s.table.name + ": " + fmt.Sprintf(format, args...)})
	}
	if rows := len(s.table.rows); r.kept < rows {
		add("recorded_filter", spec.FindingNote, "where keeps %d of %s", r.kept, metric.Count(rows, "row"))
	}
	for _, c := range r.aside.order {
		lines := r.aside.lines[c]
		add("recorded_layout", spec.FindingWarn, "%s set aside: the layout occupies %d GPUs, the column %s says %d; lines %s",
			metric.Count(len(lines), "row"), c.layout, r.d.gpusColumn, c.stated, lineList(lines))
	}
	var merged []string
	repeats := 0
	for i := range s.records {
		if rec := &s.records[i]; len(rec.repeats) > 0 {
			repeats += len(rec.repeats)
			merged = append(merged, fmt.Sprintf("%s = %d", lineList(rec.repeats), rec.line))
		}
	}
	if repeats > 0 {
		add("recorded_repeats", spec.FindingNote, "%s that say exactly the same as another are merged into it; lines %s", metric.Count(repeats, "row"), strings.Join(merged, "; "))
	}
	if r.t.cut {
		add("recorded_cut", spec.FindingWarn, "the last line has no line break, so its last figure may be cut short")
	}
	if len(s.unsaid) > 0 {
		add("recorded_unsaid", spec.FindingNote, "it does not say of which %s its figures are; the suite's are assumed", alternatives(s.unsaid))
	}
}

// alternatives writes names as "model, system or runtime".
func alternatives(names []string) string {
	last := len(names) - 1
	if last == 0 {
		return names[0]
	}
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// source names a row.
func (s *dataset) source(rec *record) string { return s.table.name + ":" + strconv.Itoa(rec.line) }
