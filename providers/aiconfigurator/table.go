package aiconfigurator

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// The bounds on a table of the tool.
const (
	maxTable   = 16 << 20 // bytes
	maxColumns = 500
	maxRows    = 20000
)

// table is a table of results, read by the names of its columns. Columns that are not
// known are passed over, because every release adds some.
type table struct {
	columns map[string]int
	rows    [][]string
}

// readTable reads a CSV of a search. It must have a header, each name once.
func readTable(content []byte) (*table, error) {
	if len(content) > maxTable {
		return nil, fmt.Errorf("it has more than %d MiB", maxTable>>20)
	}
	reader := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(content, []byte("\xef\xbb\xbf"))))
	header, err := reader.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("it is empty")
	}
	if err != nil {
		return nil, err
	}
	if len(header) > maxColumns {
		return nil, fmt.Errorf("it has %d columns", len(header))
	}
	t := &table{columns: make(map[string]int, len(header))}
	for i, name := range header {
		name = strings.TrimSpace(name)
		if _, twice := t.columns[name]; twice && name != "" {
			return nil, fmt.Errorf("it has the column %q twice", tidy(name))
		}
		t.columns[name] = i
	}
	for {
		row, err := reader.Read()
		switch {
		case errors.Is(err, io.EOF):
			return t, nil
		case err != nil:
			return nil, err
		case len(t.rows) == maxRows:
			return nil, fmt.Errorf("it has more than %d rows", maxRows)
		}
		t.rows = append(t.rows, row)
	}
}

// disaggregated reports whether the table is of prefill and decode workers.
func (t *table) disaggregated() bool {
	_, there := t.columns["(p)tp"]
	return there
}

// record is one row of a table.
type record struct {
	table *table
	at    int   // row, from 0
	err   error // the first column that could not be read
}

// text is a column's text; empty where the column or the value is not there.
func (r *record) text(column string) string {
	at, there := r.table.columns[column]
	if !there {
		return ""
	}
	return strings.TrimSpace(r.table.rows[r.at][at])
}

func (r *record) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("row %d: "+format, append([]any{r.at + 1}, args...)...)
	}
}

// number is a column that must hold a finite number.
func (r *record) number(column string) float64 {
	text := r.text(column)
	f, err := strconv.ParseFloat(text, 64)
	switch {
	case text == "":
		r.fail("there is no %s", column)
	case err != nil || math.IsNaN(f) || math.IsInf(f, 0):
		r.fail("%s is %q, which is no number", column, tidy(text))
	}
	return f
}

// maxSize bounds sizes and counts, so that their products stay small.
const maxSize = 1 << 20

// size is a column that must hold a whole number of 1 or more; otherwise is for a column
// that is not there or empty, 0 where there must be one.
func (r *record) size(column string, otherwise int) int {
	if r.text(column) == "" && otherwise > 0 {
		return otherwise
	}
	f := r.number(column)
	if r.err == nil && (f != math.Trunc(f) || f < 1 || f > maxSize) {
		r.fail("%s is %s, and must be a whole number of 1 or more", column, r.text(column))
	}
	if r.err != nil {
		return 1
	}
	return int(f)
}
