package report

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// column is how one column of a table is set.
type column struct {
	head   string
	right  bool // numbers stand right
	shrink bool // gives way where the table is too wide
}

// leastShrunk is the least width that a column is cut to.
const leastShrunk = 16

// table aligns columns by their widest entry.
type table struct {
	columns []column
	rows    [][]string
}

func (t *table) add(entries ...string) { t.rows = append(t.rows, entries) }

// withoutEmpty leaves out the columns that no row fills.
func (t *table) withoutEmpty() *table {
	kept := &table{rows: make([][]string, len(t.rows))}
	for i, c := range t.columns {
		if !slices.ContainsFunc(t.rows, func(row []string) bool { return row[i] != "" }) {
			continue
		}
		kept.columns = append(kept.columns, c)
		for k, row := range t.rows {
			kept.rows[k] = append(kept.rows[k], row[i])
		}
	}
	return kept
}

// widths measures the columns, and cuts those that may shrink until all fit.
func (t *table) widths(room int) []int {
	widths := make([]int, len(t.columns))
	for i := range t.columns {
		widths[i] = utf8.RuneCountInString(t.columns[i].head)
	}
	for _, row := range t.rows {
		for i, entry := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(entry))
		}
	}
	total := 2 * (len(widths) - 1)
	for _, w := range widths {
		total += w
	}
	for i := range widths {
		if over := total - room; t.columns[i].shrink && over > 0 && widths[i] > leastShrunk {
			cut := max(widths[i]-over, leastShrunk)
			total -= widths[i] - cut
			widths[i] = cut
		}
	}
	return widths
}

// lines renders the head, then the rows.
func (t *table) lines(indent string, room int) []string {
	widths := t.widths(room - len(indent))
	head := make([]string, len(t.columns))
	for i := range t.columns {
		head[i] = t.columns[i].head
	}
	lines := make([]string, 0, len(t.rows)+1)
	lines = append(lines, t.render(indent, head, widths))
	for _, row := range t.rows {
		lines = append(lines, t.render(indent, row, widths))
	}
	return lines
}

func (t *table) render(indent string, row []string, widths []int) string {
	var b strings.Builder
	b.WriteString(indent)
	for i, entry := range row {
		if i > 0 {
			b.WriteString("  ")
		}
		entry = shorten(entry, widths[i])
		pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(entry))
		if t.columns[i].right {
			entry, pad = pad, entry
		}
		b.WriteString(entry)
		b.WriteString(pad)
	}
	return strings.TrimRight(b.String(), " ")
}

// shorten cuts the middle out: names differ at both ends.
func shorten(s string, width int) string {
	n := utf8.RuneCountInString(s)
	if n <= width {
		return s
	}
	runes := []rune(s)
	front := (width - 1) / 2
	return string(runes[:front]) + "…" + string(runes[n-(width-1-front):])
}

// wrap breaks text at spaces, so that no line is wider than room where words allow it.
func wrap(s string, room int) []string {
	var lines []string
	line := ""
	for _, w := range strings.Fields(s) {
		switch {
		case line == "":
			line = w
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(w) <= room:
			line += " " + w
		default:
			lines = append(lines, line)
			line = w
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}
