package report

import (
	"strings"
	"unicode/utf8"
)

// table aligns columns by their widest entry. Numbers of a column stand right.
type table struct {
	right []bool
	rows  [][]string
}

func (t *table) add(columns ...string) { t.rows = append(t.rows, columns) }

func (t *table) widths() []int {
	var widths []int
	for _, row := range t.rows {
		for i, text := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(text))
		}
	}
	return widths
}

// lines renders the rows, two spaces between columns, nothing behind the last.
func (t *table) lines() []string {
	widths := t.widths()
	lines := make([]string, len(t.rows))
	for r, row := range t.rows {
		var b strings.Builder
		for i, text := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(text))
			if i > 0 {
				b.WriteString("  ")
			}
			if i < len(t.right) && t.right[i] {
				b.WriteString(pad + text)
			} else {
				b.WriteString(text + pad)
			}
		}
		lines[r] = strings.TrimRight(b.String(), " ")
	}
	return lines
}
