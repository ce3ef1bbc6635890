package aiconf

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// maxRows bounds a CSV file; a suite has at most 4,096 cells anyway.
const maxRows = 100_000

// table is a CSV file, read by the names of its columns.
type table struct {
	header []string
	rows   [][]string
	lines  []int // of each row in the file
	index  map[string]int
}

func readTable(data []byte) (*table, error) {
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))))
	r.ReuseRecord = false
	t := &table{index: make(map[string]int)}
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if t.header == nil {
			if err := t.head(record); err != nil {
				return nil, err
			}
			continue
		}
		if len(t.rows) == maxRows {
			return nil, fmt.Errorf("more than %d rows", maxRows)
		}
		line, _ := r.FieldPos(0)
		t.rows, t.lines = append(t.rows, record), append(t.lines, line)
	}
	if t.header == nil {
		return nil, errors.New("it has no header line")
	}
	return t, nil
}

func (t *table) head(record []string) error {
	for i, name := range record {
		name = strings.TrimSpace(name)
		if _, twice := t.index[name]; twice && name != "" {
			return fmt.Errorf("column %q stands twice", name)
		}
		t.index[name] = i
		t.header = append(t.header, name)
	}
	return nil
}

func (t *table) has(column string) bool { _, ok := t.index[column]; return ok }

// get is a cell's text, empty where the column is not there.
func (t *table) get(row int, column string) string {
	i, ok := t.index[column]
	if !ok {
		return ""
	}
	return strings.TrimSpace(t.rows[row][i])
}

// missing lists which of the columns are not there.
func (t *table) missing(columns ...string) []string {
	return slices.DeleteFunc(slices.Clone(columns), t.has)
}

// sample shows the values of a column: all where they are few.
func (t *table) sample(column string) string {
	var seen []string
	for i := range t.rows {
		if v := t.get(i, column); !slices.Contains(seen, v) {
			if seen = append(seen, v); len(seen) > 4 {
				return strings.Join(seen[:4], ", ") + ", ..."
			}
		}
	}
	return strings.Join(seen, ", ")
}
