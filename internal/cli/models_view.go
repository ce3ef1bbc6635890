package cli

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

	"aicv/catalog/fit"
	"aicv/catalog/models"
	"aicv/metric"
)

// modelSummary is a row of the list.
type modelSummary struct {
	ID         string `json:"id"`
	Class      string `json:"class"`
	Parameters int64  `json:"parameters"`
	Active     int64  `json:"active_parameters"`
	Context    int64  `json:"context"`
	Weights    string `json:"weights"`
	Source     string `json:"source"`
}

func summaries(rows []models.Row) []modelSummary {
	out := make([]modelSummary, len(rows))
	for i, row := range rows {
		a := row.Architecture
		c := a.Parameters()
		out[i] = modelSummary{row.ID, a.Class, c.Total, c.Active, a.Context, a.Weights(), row.Source}
	}
	return out
}

func printModelList(w io.Writer, rows []models.Row) error {
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tCLASS\tPARAMETERS\tACTIVE\tCONTEXT\tWEIGHTS")
	for _, m := range summaries(rows) {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d\t%s\n", m.ID, m.Class, models.Billions(m.Parameters), models.Billions(m.Active), m.Context, m.Weights)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w, "\nParameters: all, and those that each token passes through. Context in tokens. Weights: the checkpoint's data type or quantization.")
	return err
}

// modelReport is what show and inspect print.
type modelReport struct {
	FormatVersion string               `json:"format_version"`
	ID            string               `json:"id,omitempty"`
	Note          string               `json:"note,omitempty"`
	Source        string               `json:"source"`
	Compared      bool                 `json:"compared,omitempty"` // with the table's row ID
	Differences   []models.Difference  `json:"differences,omitempty"`
	Figures       []models.Figure      `json:"figures"`
	Parameters    models.Count         `json:"parameters"`
	Architecture  *models.Architecture `json:"architecture"`
	Memory        *modelMemory         `json:"memory,omitempty"` // absent where it can not be computed

	architecture *models.Architecture
}

// modelMemory is what a setup takes, in bytes per GPU.
type modelMemory struct {
	models.Footprint
	Problems  []models.Problem `json:"problems,omitempty"`
	Length    int64            `json:"max_sequence_length"`
	Sequences int64            `json:"sequences"`
	Total     int64            `json:"heaviest_gpu"`  // weights and KV cache
	Fit       *fit.Result      `json:"fit,omitempty"` // on the system that was asked for

	system string
}

func (a *app) printModel(r modelReport, flags setupFlags) error {
	if err := flags.check(); err != nil {
		return err
	}
	r.FormatVersion, r.Architecture = jsonFormat, r.architecture
	r.Figures, r.Parameters = r.architecture.Figures(), r.architecture.Parameters()
	if len(r.architecture.Unknown) == 0 {
		memory, err := memoryOf(r.architecture, flags)
		if err != nil {
			return err
		}
		r.Memory = memory
	}
	if a.json {
		return writeJSON(a.stdio.Out, r)
	}
	return r.print(a.stdio.Out)
}

func memoryOf(a *models.Architecture, flags setupFlags) (*modelMemory, error) {
	f, err := a.Footprint(flags.setup)
	if err != nil {
		return nil, err
	}
	m := &modelMemory{Footprint: f, Problems: a.Problems(flags.setup), Length: flags.length, Sequences: flags.sequences}
	if m.Length == 0 {
		m.Length = a.Context
	}
	m.Total = f.Heaviest(m.Sequences, m.Length).Bytes(m.Sequences, m.Length)
	m.system = flags.system
	m.Fit, err = flags.fit(a, m.Length)
	return m, err
}

func (r modelReport) print(w io.Writer) error {
	title := r.ID
	if title == "" {
		title = r.Source
	}
	fmt.Fprintln(w, title)
	if r.Note != "" {
		fmt.Fprintf(w, "  %s\n", r.Note)
	}
	fmt.Fprintln(w)
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, f := range r.Figures {
		fmt.Fprintf(table, "  %s\t%s\n", f.Name, f.Value)
	}
	fmt.Fprintf(table, "  source\t%s\n", r.Source)
	if err := table.Flush(); err != nil {
		return err
	}
	r.printComparison(w)
	if err := r.printParameters(w); err != nil {
		return err
	}
	return r.Memory.print(w)
}

func (r modelReport) printComparison(w io.Writer) {
	switch {
	case !r.Compared:
		return
	case len(r.Differences) == 0:
		fmt.Fprintf(w, "\nThe table's row %s says the same.\n", r.ID)
		return
	}
	fmt.Fprintf(w, "\nThe table's row %s differs:\n", r.ID)
	for _, d := range r.Differences {
		fmt.Fprintf(w, "  %s: %s here, %s there\n", d.Name, orNone(d.A), orNone(d.B))
	}
}

func orNone(value string) string {
	if value == "" {
		return "none"
	}
	return value
}

func (r modelReport) printParameters(w io.Writer) error {
	c := r.Parameters
	if c.Total == 0 {
		return nil
	}
	fmt.Fprintf(w, "\nParameters: %s, active per token: %s\n", models.Billions(c.Total), models.Billions(c.Active))
	var t ledger
	for _, p := range c.Parts {
		t.row(string(p.Part), strconv.FormatInt(p.Parameters, 10), fmt.Sprintf("%.1f %%", 100*float64(p.Parameters)/float64(c.Total)))
	}
	if c.NextN > 0 {
		t.row("multi-token prediction", strconv.FormatInt(c.NextN, 10), "beside")
	}
	return t.print(w)
}

func (m *modelMemory) print(w io.Writer) error {
	if m == nil {
		fmt.Fprintln(w, "\nMemory can not be computed; see `not known` above.")
		return nil
	}
	fmt.Fprintf(w, "\nMemory of each GPU, %s in all; KV cache in %s\n", metric.Count(m.GPUs, "GPU"), m.KVCache)
	var t ledger
	for i, s := range m.Stages {
		if len(m.Stages) > 1 {
			t.row(fmt.Sprintf("stage %d of %d, %s", i+1, len(m.Stages), metric.Count(s.Layers, "layer")), "", "")
		}
		m.stage(&t, s)
	}
	t.row("together, heaviest GPU", "", gib(m.Total))
	if err := t.print(w); err != nil {
		return err
	}
	fmt.Fprintln(w, "  Activations, CUDA graphs and the engine's own memory come on top.")
	for _, p := range m.Problems {
		fmt.Fprintf(w, "  Problem: %s: %s\n", p.Item, p.Why)
	}
	return m.printFit(w)
}

// printFit writes whether it fits on the system that was asked for, with the arithmetic.
func (m *modelMemory) printFit(w io.Writer) error {
	if m.Fit == nil {
		return nil
	}
	fmt.Fprintf(w, "\nOn each GPU of %s: %s\n", m.system, strings.TrimSuffix(m.Fit.Verdict.String()+": "+m.Fit.Why(), ": "))
	if m.Fit.Memory == nil {
		return nil
	}
	var t ledger
	for _, l := range m.Fit.Memory.Lines() {
		t.row(l.What, l.How, gib(l.Bytes))
	}
	return t.print(w)
}

func (m *modelMemory) stage(t *ledger, s models.Stage) {
	for _, p := range s.Parts {
		t.row(string(p.Part), p.Modes, gib(p.Bytes))
	}
	t.row("weights", "", gib(s.Weights))
	t.row("KV cache per token", "", fmt.Sprintf("%d bytes", s.KVCache.PerToken))
	for _, e := range s.KVCache.Sparse {
		t.row("  "+e.Describe(), "", fmt.Sprintf("%d bytes", e.Bytes))
	}
	if s.KVCache.PerSequence > 0 {
		t.row("  and per sequence", "", fmt.Sprintf("%d bytes", s.KVCache.PerSequence))
	}
	t.row(fmt.Sprintf("KV cache of %s of %d tokens", metric.Count(int(m.Sequences), "sequence"), m.Length), "", gib(s.KVCache.Bytes(m.Sequences, m.Length)))
}

func gib(bytes int64) string { return fmt.Sprintf("%.3f GiB", float64(bytes)/(1<<30)) }

// ledger is a table of names to the left and figures to the right.
type ledger struct{ rows [][3]string }

func (l *ledger) row(name, note, figure string) {
	l.rows = append(l.rows, [3]string{name, note, figure})
}

func (l *ledger) print(w io.Writer) error {
	var width [3]int
	for _, row := range l.rows {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range l.rows {
		if _, err := fmt.Fprintf(w, "  %-*s  %*s  %*s\n", width[0], row[0], width[1], row[1], width[2], row[2]); err != nil {
			return err
		}
	}
	return nil
}
