package aiconf

import (
	"cmp"
	"fmt"
	"path"
	"strconv"
	"strings"

	"aicv/lang/schema"
	"aicv/lang/write"
	"aicv/spec"
	"aicv/translate"
	"aicv/translate/tree"
)

// resultFile is the file of a search's answer.
const resultFile = "best_config_topn.csv"

// results is a search's answer on its way to a suite.
type results struct {
	options  translate.Options
	report   *translate.Report
	suite    *translate.Suite
	problems []string
}

// ImportResults translates the folder of a search, or one of its CSV files: each row becomes
// a cell at its own load, beside the figures that the row promises.
func ImportResults(s translate.Source, o translate.Options) (*translate.Suite, *translate.Report, error) {
	r := &results{options: o, report: &translate.Report{Format: Results, Source: s.Name},
		suite: &translate.Suite{Name: s.Name, Comment: "Translated from an answer of aiconfigurator. aicv import says what became of each of its columns."}}
	if s.Files == nil {
		r.file("", s.Data, nil)
	} else {
		r.folder(s.Files)
	}
	if len(r.problems) > 0 || len(r.suite.Experiments) == 0 {
		if len(r.problems) == 0 {
			r.problems = []string{"no row can be expressed as a cell; the report of a single file says why"}
			for _, row := range r.report.Rows {
				if strings.HasPrefix(row.Field, "line ") {
					r.problems = append(r.problems, row.Field+": "+row.Why)
				}
			}
		}
		return nil, nil, translate.Refuse(s.Name, Results, r.problems)
	}
	return r.suite, r.report, nil
}

// folder takes every answer that lies in the folder.
func (r *results) folder(files []translate.File) {
	contents := make(map[string][]byte, len(files))
	for _, f := range files {
		contents[f.Name] = f.Content
	}
	found := false
	for _, f := range files {
		if path.Base(f.Name) != resultFile {
			continue
		}
		found = true
		dir := path.Dir(f.Name)
		r.file(dir, f.Content, contents[path.Join(dir, "exp_config.yaml")])
	}
	if !found {
		r.problems = append(r.problems, "no "+resultFile+" in the folder or below it")
	}
	for _, f := range files {
		switch base := path.Base(f.Name); {
		case base == "pareto.csv":
			r.report.Add(translate.Row{Field: f.Name, Fidelity: spec.FidelityUnsupported,
				Why: "the whole frontier; give this file itself to make cells of its rows"})
		case base != resultFile && base != "exp_config.yaml":
			r.report.Add(translate.Row{Field: f.Name, Fidelity: spec.FidelityUnsupported, Why: itsDeploy})
		}
	}
}

// file takes one CSV file with what the search was asked for.
func (r *results) file(dir string, data, config []byte) {
	entry := path.Base(cmp.Or(dir, "rows"))
	t, err := readTable(data)
	if err != nil {
		r.problems = append(r.problems, path.Join(dir, resultFile)+": "+err.Error())
		return
	}
	a := &answer{results: r, table: t, entry: entry}
	if !a.known() {
		return
	}
	a.readConfig(config)
	a.keep(data, config)
	a.columns()
	a.groups()
}

// answer is one CSV file.
type answer struct {
	*results
	table  *table
	entry  string
	total  int // GPUs that the search was asked for; 0: not known
	config *tree.Node
	origin *spec.Imported
}

func (a *answer) split() bool { return a.table.has("(d)tp") }

// known refuses a file that is something else.
func (a *answer) known() bool {
	need := []string{"model", "isl", "osl", "concurrency", "tp", "backend", "system"}
	if a.split() {
		need = []string{"model", "isl", "osl", "concurrency", "(p)tp", "(d)tp", "(d)backend", "(d)system", "(d)workers", "(p)workers"}
	}
	if lost := a.table.missing(need...); len(lost) > 0 {
		a.problems = append(a.problems, a.entry+": no column "+strings.Join(lost, ", ")+"; it has "+strings.Join(a.table.header, ", "))
		return false
	}
	if len(a.table.rows) == 0 {
		a.problems = append(a.problems, a.entry+": the search found nothing: the file has no rows")
		return false
	}
	return true
}

func (a *answer) readConfig(config []byte) {
	if config == nil {
		return
	}
	doc, err := tree.Parse("exp_config.yaml", config)
	if err != nil {
		a.add(translate.Row{Field: "exp_config.yaml", Fidelity: spec.FidelityUnsupported, Why: "it can not be read: " + err.Error()})
		return
	}
	a.config = doc
	if n, ok := doc.Get("total_gpus").Int(); ok && n > 0 {
		a.total = n
		a.add(translate.Row{Field: "exp_config.yaml total_gpus", Item: "hardware.gpus", Value: strconv.Itoa(n), Fidelity: spec.FidelityExact})
	}
}

// keep puts the source beside the suite.
func (a *answer) keep(data, config []byte) {
	file := "origin/" + write.Label(a.entry) + ".csv"
	a.suite.Files = append(a.suite.Files, translate.File{Name: file, Content: data})
	if config != nil {
		a.suite.Files = append(a.suite.Files, translate.File{Name: "origin/" + write.Label(a.entry) + ".yaml", Content: config})
	}
	a.origin = &spec.Imported{Format: Results, File: file}
}

func (a *answer) add(row translate.Row) {
	row.Entry = a.entry
	a.report.Add(row)
}

// columns reports every column once.
func (a *answer) columns() {
	for _, name := range a.table.header {
		row := translate.Row{Field: name, Value: a.table.sample(name), Fidelity: spec.FidelityUnsupported, Why: "a column that aicv does not know; kept in the copy of the file"}
		if f, known := workerColumn(name); known {
			row.Item, row.Fidelity, row.Why = f.item, f.fidelity, f.why
			if strings.HasPrefix(name, "(") {
				row.Fidelity, row.Why = spec.FidelityApproximate, standInWhy
			}
		} else if o, known := find(resultFields(), name); known {
			row.Item, row.Fidelity, row.Why = o.item, o.fidelity, o.why
		}
		if a.split() && (row.Item == "predictor.recorded" || name == "(d)bs" || name == "(p)bs") {
			row.Item, row.Fidelity, row.Why = "", spec.FidelityUnsupported, pools
		}
		a.add(row)
	}
}

func workerColumn(name string) (workerField, bool) {
	plain := strings.TrimPrefix(strings.TrimPrefix(name, "(p)"), "(d)")
	for _, f := range workerFields() {
		if f.column == plain {
			return f, true
		}
	}
	return workerField{}, false
}

// groups makes one experiment for the rows of each model, system and engine.
func (a *answer) groups() {
	groups := make(map[string]*group)
	var order []*group
	for i := range a.table.rows {
		key := strings.Join([]string{a.get(i, "model"), a.get(i, "system"), a.get(i, "backend"), a.get(i, "version")}, "\x00")
		g := groups[key]
		if g == nil {
			g = a.group(i)
			groups[key], order = g, append(order, g)
		}
		g.row(i)
	}
	for _, g := range order {
		g.finish()
	}
}

// get reads a column, of the decode side where there are two.
func (a *answer) get(row int, column string) string {
	if a.split() && !a.table.has(column) {
		column = "(d)" + column
	}
	return a.table.get(row, column)
}

func (a *answer) group(i int) *group {
	g := &group{answer: a}
	g.e.Name = a.entry
	var why string
	g.model, why = g.e.Model.Find(a.get(i, "model"))
	if why != "" {
		a.add(translate.Row{Field: "model", Item: "model.id", Value: a.get(i, "model"), Fidelity: spec.FidelityApproximate, Why: why})
	}
	g.e.Hardware.System = cmp.Or(a.get(i, "system"), a.options.Hardware.System)
	g.e.Origin = a.origin
	engine, known := engineOf(a.get(i, "backend"))
	if !known {
		g.refused = fmt.Sprintf("backend %q: %s", engine, noTRTLLM)
		return g
	}
	g.e.Runtimes = []translate.Runtime{{Kind: engine, Version: a.get(i, "version")}}
	return g
}

// lengths are the load's lengths of a row.
func (a *answer) lengths(i int) (isl, osl int, err error) {
	if isl, err = whole(a.get(i, "isl")); err != nil {
		return 0, 0, fmt.Errorf("isl: %w", err)
	}
	if osl, err = whole(a.get(i, "osl")); err != nil {
		return 0, 0, fmt.Errorf("osl: %w", err)
	}
	return isl, osl, nil
}

func loadOf(c spec.Configuration, isl, osl, concurrency int) spec.Configuration {
	return c.With(schema.ItemInputTokens, spec.IntValue(isl)).With(schema.ItemOutputTokens, spec.IntValue(osl)).
		With(schema.ItemConcurrency, spec.IntValue(concurrency))
}
