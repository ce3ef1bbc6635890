package recorded

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"aicv/spec"
)

// The bounds of a file. Within them reading takes seconds and fits into memory.
const (
	maxBytes   = 64 << 20
	maxRows    = 500_000
	maxColumns = 1_000
	maxCells   = 8_000_000
)

// table is a file's content before any of it is understood.
type table struct {
	name    string // of the file, as the suite writes it
	hash    string // of its bytes
	columns []string
	rows    []tableRow
	cells   int
	cut     bool // the last line has no line break, so it may be half-written
}

type tableRow struct {
	line  int
	cells []string // trimmed, one per column; of JSON rows the last ones may lack
}

// cell returns one column's text; empty where the row does not have it.
func (r tableRow) cell(column int) string {
	if column >= len(r.cells) {
		return ""
	}
	return r.cells[column]
}

// readTable reads a file of points; its name's end says how it is written.
func readTable(path, name string) (*table, error) {
	content, err := readBounded(path, name)
	if err != nil {
		return nil, err
	}
	return parseTable(name, content)
}

func readBounded(path, name string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, unreadable(name, err)
	}
	if !info.Mode().IsRegular() { // opening a pipe may never return
		return nil, usage(name+" is not a regular file", "name a CSV or JSON file")
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, unreadable(name, err)
	}
	defer func() { _ = file.Close() }() // only read
	content, err := io.ReadAll(io.LimitReader(file, maxBytes+1))
	if err != nil {
		return nil, unreadable(name, err)
	}
	if len(content) > maxBytes {
		return nil, usage(fmt.Sprintf("%s is larger than %d MiB", name, maxBytes>>20), "split it, or keep only the rows and columns that are needed")
	}
	return content, nil
}

func unreadable(name string, err error) error {
	fix := "check the path and its permissions; it is relative to the suite's folder"
	if errors.Is(err, fs.ErrNotExist) {
		fix = "check the path; it is relative to the suite's folder"
	}
	return &spec.Error{Kind: spec.ErrUsage, Summary: "can not read " + name, Cause: err, Fix: fix}
}

func usage(summary, fix string) error {
	return &spec.Error{Kind: spec.ErrUsage, Summary: summary, Fix: fix}
}

func parseTable(name string, content []byte) (*table, error) {
	content = bytes.TrimPrefix(content, []byte("\xef\xbb\xbf")) // byte order mark of spreadsheets
	if at := invalidUTF8(content); at >= 0 {
		return nil, usage(fmt.Sprintf("%s:%d is not UTF-8 text", name, lineAt(content, at)), "save the file as UTF-8")
	}
	sum := sha256.Sum256(content)
	t := &table{name: name, hash: hex.EncodeToString(sum[:])}
	var err error
	switch ext := strings.ToLower(filepath.Ext(name)); ext {
	case ".csv":
		err = t.readCSV(content)
	case ".json":
		err = t.readJSON(content)
	default:
		err = usage(fmt.Sprintf("%s: the end of the name (%q) does not say how the file is written", name, ext), "name it .csv or .json")
	}
	if err != nil {
		return nil, err
	}
	return t, t.check()
}

// invalidUTF8 finds the first byte that is no UTF-8; -1 where all are.
func invalidUTF8(content []byte) int {
	if utf8.Valid(content) {
		return -1
	}
	for i := 0; i < len(content); {
		r, size := utf8.DecodeRune(content[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}

func lineAt(content []byte, offset int) int {
	return 1 + bytes.Count(content[:min(offset, len(content))], []byte{'\n'})
}

// check holds the table's own rules: names are unique, and there are rows.
func (t *table) check() error {
	if len(t.columns) > maxColumns {
		return usage(fmt.Sprintf("%s has %d columns, the most is %d", t.name, len(t.columns), maxColumns), "keep only the columns that are needed")
	}
	seen := make(map[string]bool, len(t.columns))
	for _, c := range t.columns {
		if c != "" && seen[c] {
			return usage(fmt.Sprintf("%s:1 has two columns named %q", t.name, c), "rename one of them")
		}
		seen[c] = true
	}
	if len(t.rows) == 0 {
		return usage(t.name+" has no rows", "check that the file was written completely")
	}
	return nil
}

// column finds a column, or says which there are.
func (t *table) column(name string) (int, error) {
	if i := slices.Index(t.columns, name); i >= 0 && name != "" {
		return i, nil
	}
	fix := "its columns are " + shortList(t.columns)
	if like := closest(name, t.columns); like != "" {
		fix = fmt.Sprintf("did you mean %q? %s", like, fix)
	}
	return 0, usage(fmt.Sprintf("%s has no column %q", t.name, name), fix)
}

func (t *table) readCSV(content []byte) error {
	reader := csv.NewReader(bytes.NewReader(content))
	reader.FieldsPerRecord = -1 // counted here, to say more
	t.rows = make([]tableRow, 0, min(bytes.Count(content, []byte{'\n'}), maxRows))
	for {
		cells, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return t.badCSV(err)
		}
		line, _ := reader.FieldPos(0)
		if err := t.addCSV(line, trimmed(cells)); err != nil {
			return err
		}
	}
	if t.columns == nil {
		return usage(t.name+" is empty", "the first line must name the columns")
	}
	t.cut = len(content) > 0 && content[len(content)-1] != '\n'
	return nil
}

func (t *table) addCSV(line int, cells []string) error {
	if t.columns == nil {
		t.columns = cells
		return nil
	}
	if len(cells) != len(t.columns) {
		return usage(fmt.Sprintf("%s:%d has %d fields, the header has %d", t.name, line, len(cells), len(t.columns)),
			"complete the line; a last line that is too short is the mark of a half-written file")
	}
	return t.add(line, cells)
}

func (t *table) add(line int, cells []string) error {
	if len(t.rows) == maxRows {
		return usage(fmt.Sprintf("%s:%d is row %d, more than are read", t.name, line, maxRows+1), "split the file")
	}
	if t.cells += len(cells); t.cells > maxCells {
		return usage(fmt.Sprintf("%s holds more than %d cells", t.name, maxCells), "keep only the columns and rows that are needed")
	}
	t.rows = append(t.rows, tableRow{line, cells})
	return nil
}

func (t *table) badCSV(err error) error {
	var parse *csv.ParseError
	if !errors.As(err, &parse) {
		return unreadable(t.name, err)
	}
	return &spec.Error{Kind: spec.ErrUsage, Summary: fmt.Sprintf("%s:%d is not CSV", t.name, parse.Line), Cause: parse.Err,
		Fix: "quote fields that hold commas or quotes, and double the quotes inside"}
}

func trimmed(cells []string) []string {
	for i := range cells {
		cells[i] = strings.TrimSpace(cells[i])
	}
	return cells
}
