package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"os"
)

// row is one line of a table, by column.
type row map[string]string

func readRows(path string) ([]row, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // only read
	lines, err := csv.NewReader(file).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(lines) == 0 {
		return nil, fmt.Errorf("%s is empty", path)
	}
	var rows []row
	for _, cells := range lines[1:] {
		r := make(row, len(cells))
		for i, name := range lines[0] {
			r[name] = cells[i]
		}
		rows = append(rows, r)
	}
	return rows, nil
}

func writeRows(path string, columns []string, rows []row) error {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	lines := [][]string{columns}
	for _, r := range rows {
		cells := make([]string, len(columns))
		for i, name := range columns {
			cells[i] = r[name]
		}
		lines = append(lines, cells)
	}
	if err := w.WriteAll(lines); err != nil {
		return err
	}
	return os.WriteFile(path, out.Bytes(), 0o644)
}
