package results

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"aicv/metric"
	"aicv/spec"
)

// CSV is the name of the format whose columns the caller says.
const CSV = "csv"

// Column says what a column of a CSV file holds: a metric with the factor to its contract's
// unit, or an item of the run.
type Column struct {
	Name   string
	Metric metric.Name // empty: the column holds an item
	Unit   string      // of the metric, as it is written
	Factor float64     // to the contract's unit

	item string
}

// Near finds which of several names was probably meant; false: none.
type Near func(name string, among []string) (string, bool)

// items are what columns can hold beside metrics, with other words for them.
func csvItems() map[string]string {
	return map[string]string{
		"model": "model", "system": "system", "runtime": "runtime", "runtime_version": "runtime_version", "gpus": "gpus",
		"concurrency": "concurrency", "request_rate": "request_rate", "input_tokens": "input_tokens", "isl": "input_tokens",
		"output_tokens": "output_tokens", "osl": "output_tokens", "tensor_parallel": "tensor_parallel", "pipeline_parallel": "pipeline_parallel",
	}
}

// Holdable lists what a column can hold: items, then metrics.
func Holdable() []string {
	var items []string
	for name := range csvItems() {
		items = append(items, name)
	}
	return append(sortedNames(items), metric.Names()...)
}

// ParseColumns reads mappings as they are written on the command line,
// column=metric[:unit] or column=item. Without a unit the contract's is meant.
func ParseColumns(texts []string, near Near) ([]Column, error) {
	var columns []Column
	for _, text := range texts {
		c, err := parseColumn(text, near)
		if err != nil {
			return nil, err
		}
		if i := slices.IndexFunc(columns, func(other Column) bool { return other.holds() == c.holds() }); i >= 0 {
			return nil, wrongMap(text, fmt.Sprintf("%s is held by the column %s already", c.holds(), columns[i].Name), "map one column to it")
		}
		columns = append(columns, c)
	}
	if !slices.ContainsFunc(columns, func(c Column) bool { return c.Metric != "" }) {
		return nil, &spec.Error{Kind: spec.ErrUsage, Summary: "no column is mapped to a metric", Fix: "give --map COLUMN=METRIC[:UNIT] for each figure; metrics are " + strings.Join(metric.Names(), ", ")}
	}
	return columns, nil
}

func (c *Column) holds() string { return c.item + string(c.Metric) }

func wrongMap(text, problem, fix string) error {
	return &spec.Error{Kind: spec.ErrUsage, Summary: fmt.Sprintf("--map %s: %s", text, problem), Fix: fix}
}

func parseColumn(text string, near Near) (Column, error) {
	cut := strings.LastIndexByte(text, '=')
	if cut <= 0 || cut == len(text)-1 {
		return Column{}, wrongMap(text, "it is no mapping", "write COLUMN=METRIC[:UNIT], such as --map ttft_mean=ttft:s, or COLUMN=ITEM, such as --map conc=concurrency")
	}
	name, holds := text[:cut], text[cut+1:]
	holds, unit, united := strings.Cut(holds, ":")
	if item, ok := csvItems()[holds]; ok {
		if united {
			return Column{}, wrongMap(text, holds+" has no unit", "leave :"+unit+" out")
		}
		return Column{Name: name, item: item}, nil
	}
	m, ok := metric.Lookup(metric.Name(holds))
	if !ok {
		return Column{}, wrongMap(text, fmt.Sprintf("%q is neither a metric nor an item", holds), guess(holds, Holdable(), near, "columns hold"))
	}
	if !united {
		unit = unitOf(m)
		if other, ends := unitInName(name, m); ends && other != unit {
			return Column{}, wrongMap(text, fmt.Sprintf("without a unit the column is read as %s, and its name ends in _%s", unit, other), fmt.Sprintf("say which it is: --map %s=%s:%s or --map %s=%s:%s", name, holds, other, name, holds, unit))
		}
	}
	factor, known := factorOf(m, unit)
	if !known {
		return Column{}, wrongMap(text, fmt.Sprintf("%q is no unit of %s", unit, holds), guess(unit, unitsOf(m), near, "units are"))
	}
	return Column{Name: name, Metric: m.Name, Unit: unit, Factor: factor}, nil
}

// unitInName is the unit of a duration that a column's name ends in: s of ttft_s.
func unitInName(name string, m metric.Metric) (string, bool) {
	name = strings.ToLower(name)
	for _, unit := range unitsOf(m) {
		if m.Unit == metric.Milliseconds && unit != "m" && strings.HasSuffix(name, "_"+unit) {
			return unit, true
		}
	}
	return "", false
}

// guess is a fix that names what was probably meant, and all there is.
func guess(name string, among []string, near Near, all string) string {
	fix := all + " " + strings.Join(among, ", ")
	if best, ok := near(name, among); ok {
		return "did you mean " + best + "? " + strings.ToUpper(fix[:1]) + fix[1:]
	}
	return fix
}

func factorOf(m metric.Metric, unit string) (float64, bool) {
	for _, s := range metric.Spellings() {
		if s.Unit == m.Unit && s.Text == unit {
			return s.Factor.Float64(), true
		}
	}
	return 0, false
}

func unitsOf(m metric.Metric) []string {
	var units []string
	for _, s := range metric.Spellings() {
		if s.Unit == m.Unit && s.Text != "" {
			units = append(units, s.Text)
		}
	}
	return units
}

// ReadCSV reads a file with a header line whose columns hold what the caller says. Over
// what time its rates were taken only the caller can know.
func ReadCSV(path string, columns []Column, window spec.WindowKind, near Near) ([]Record, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	name := filepath.Base(path)
	reader := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff"))))
	header, err := reader.Read()
	if err != nil {
		return nil, refused(name, "it has no header line: "+err.Error(), "write the names of the columns into the first line")
	}
	places, err := places(name, header, columns, near)
	if err != nil {
		return nil, err
	}
	t := &csvTable{columns: columns, places: places, window: window, unmapped: unmapped(header, columns)}
	var records []Record
	for {
		cells, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil { // it says the line
			return nil, refused(name, err.Error(), "write each row with as many cells as the header has")
		}
		if len(records) == maxRecords {
			return nil, refused(name, fmt.Sprintf("it has more than %d rows", maxRecords), "import it in parts")
		}
		line, _ := reader.FieldPos(0)
		r, err := t.record(cells)
		r.Source = fmt.Sprintf("%s:%d", name, line)
		if err != nil {
			return nil, refused(r.Source, err.Error(), "correct the cell, or leave it empty where nothing was measured")
		}
		records = append(records, r)
	}
	return setAside(path, records, nil)
}

// readFile reads a regular file.
func readFile(path string) ([]byte, error) {
	root, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return nil, refused(path, "it can not be read: "+err.Error(), "correct the path")
	}
	defer root.Close()
	data, err := readBounded(root, filepath.Base(path))
	if err != nil {
		return nil, refused(path, "it can not be read: "+err.Error(), "name a file")
	}
	return data, nil
}

// places finds the columns in the header.
func places(name string, header []string, columns []Column, near Near) ([]int, error) {
	var found []int
	for i := range header {
		header[i] = strings.TrimSpace(header[i])
	}
	for _, c := range columns {
		i := slices.Index(header, c.Name)
		switch {
		case i < 0 && len(header) == 1 && strings.ContainsAny(header[0], ";\t"):
			return nil, refused(name, "its header is one column", "separate columns by commas")
		case i < 0:
			return nil, refused(name, fmt.Sprintf("it has no column %q", c.Name), guess(c.Name, header, near, "columns are"))
		case slices.Contains(header[i+1:], c.Name):
			return nil, refused(name, fmt.Sprintf("it has the column %q twice", c.Name), "rename one of them")
		}
		found = append(found, i)
	}
	return found, nil
}

func unmapped(header []string, columns []Column) []string {
	return slices.DeleteFunc(slices.Clone(header), func(h string) bool {
		return h == "" || slices.ContainsFunc(columns, func(c Column) bool { return c.Name == h })
	})
}

// csvTable reads rows.
type csvTable struct {
	columns  []Column
	places   []int
	window   spec.WindowKind
	unmapped []string
}

func (t *csvTable) record(cells []string) (Record, error) {
	r := Record{Tool: "csv", Window: t.window, Figures: map[metric.Name]float64{}}
	if len(t.unmapped) > 0 {
		r.Caveats = append(r.Caveats, "columns that no --map names are left out: "+strings.Join(t.unmapped, ", "))
	}
	for i, c := range t.columns {
		text := strings.TrimSpace(cells[t.places[i]])
		if text == "" {
			continue
		}
		var err error
		if c.Metric == "" {
			err = r.setItem(c.item, text)
		} else {
			err = r.setFigure(&c, text)
		}
		if err != nil {
			return r, fmt.Errorf("the column %s: %w", c.Name, err)
		}
	}
	if len(r.Figures) == 0 {
		r.Refused = "none of its figures is there"
	}
	if err := r.addsUp(); err != nil {
		return r, err
	}
	r.PerGPU()
	if _, given := r.Figures[metric.UserThroughput]; !given {
		r.perUser()
	}
	return r, nil
}

// setFigure takes a cell. What is no number is said, and what can be none is an error.
func (r *Record) setFigure(c *Column, text string) error {
	n, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil:
		return fmt.Errorf("%q is no number", bounded(text))
	case math.IsNaN(n) || math.IsInf(n, 0):
		r.LeftOut = append(r.LeftOut, Doubt{Field: c.Name, Why: "it is " + text + " in some rows, which is no number", metric: c.Metric})
		return nil
	}
	m, _ := metric.Lookup(c.Metric)
	if err := m.Check(n * c.Factor); err != nil {
		return err
	}
	r.Figures[c.Metric] = n * c.Factor
	r.Caveats = append(r.Caveats, fmt.Sprintf("the column %s is read as %s in %s, which is %s", c.Name, c.Metric, unitText(c.Unit), m.Definition))
	return nil
}

func unitText(unit string) string {
	if unit == "" {
		return "shares of 1"
	}
	return unit
}

// setItem takes a cell that says how the run was taken.
func (r *Record) setItem(item, text string) error {
	for name, into := range map[string]*string{"model": &r.Model, "system": &r.System, "runtime": &r.Runtime, "runtime_version": &r.Engine} {
		if name == item {
			*into = text
			return nil
		}
	}
	if item == "request_rate" {
		rate, err := metric.ParseDecimal(text)
		if err != nil || rate.Sign() <= 0 {
			return fmt.Errorf("%q is no rate in requests/s", bounded(text))
		}
		r.Load.RequestRate = rate
		return nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxTokens {
		return fmt.Errorf("%q is no whole number from 1", bounded(text))
	}
	for name, into := range map[string]*int{"gpus": &r.GPUs, "concurrency": &r.Load.Concurrency, "input_tokens": &r.Load.InputTokens, "output_tokens": &r.Load.OutputTokens} {
		if name == item {
			*into = n
			return nil
		}
	}
	r.set(item, strconv.Itoa(n))
	return nil
}
