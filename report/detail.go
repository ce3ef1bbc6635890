package report

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"aicv/internal/tty"
	"aicv/metric"
	"aicv/result"
	"aicv/spec"
)

// Detail writes everything that is known of the result's cells: what was asked,
// predicted and measured, run by run, and the servers behind it.
func Detail(w io.Writer, r *result.Result, o Options) error {
	t := newText(w, o)
	for i := range r.Experiments {
		e := &r.Experiments[i]
		for k := range e.Cells {
			t.cell(e, &e.Cells[k])
		}
		t.deployments(e)
	}
	return t.flush("write the details")
}

func (t *text) cell(e *result.Experiment, c *result.Cell) {
	t.line(t.bold(tty.Clean(c.Address)))
	t.field("model", c.Identity.Model)
	t.field("hardware", hardware(c.Identity))
	t.field("runtime", strings.TrimSpace(c.Identity.Runtime+" "+c.Identity.Version))
	t.field("configured", configuration(c.Config))
	t.field("load", load(c.Load))
	t.field("predicted by", predictedBy(c))
	t.field("measured by", measuredBy(c))
	t.field("measurement", string(c.Measurement))
	if c.Fit != nil {
		t.field("on the GPUs", strings.TrimSuffix(c.Fit.Verdict.String()+": "+c.Fit.Why(), ": "))
	}
	if c.Failure != nil {
		t.field("failed", string(c.Failure.Kind)+": "+c.Failure.Message)
	}
	t.compared(c)
	t.figures(c)
	t.runs(e, c)
	t.verdicts(e, c)
	for _, f := range c.Findings {
		t.wrapped("  ", finding{Finding: f}.label()+": "+tty.Clean(f.Message))
	}
	t.line()
}

// field writes a label and its text, nothing where there is none.
func (t *text) field(label, s string) {
	if s == "" {
		return
	}
	const indent = 16
	head := t.dim(label + strings.Repeat(" ", max(indent-2-len(label), 1)))
	for _, line := range wrap(tty.Clean(s), t.o.width()-indent) {
		t.line("  ", head, line)
		head = strings.Repeat(" ", indent-2)
	}
}

func hardware(id result.Identity) string {
	if id.GPUs == 0 {
		return id.System
	}
	return metric.Count(id.GPUs, "GPU") + " of " + cmp.Or(id.System, "unknown kind")
}

func load(l result.Load) string {
	drive := metric.Count(l.Concurrency, "request") + " in flight"
	if l.Concurrency == 0 {
		drive = l.RequestRate.String() + " requests/s"
	}
	return drive + ", " + strconv.Itoa(l.InputTokens) + " input and " + strconv.Itoa(l.OutputTokens) + " output tokens each" + shape(&l.Shape)
}

// shape says in what a load differs from the plain one.
func shape(s *spec.Shape) string {
	text := ""
	for _, f := range s.Fields() {
		text += ", " + f.Name + " " + f.Value.Text()
	}
	return text
}

func predictedBy(c *result.Cell) string {
	switch {
	case c.Prediction == nil:
		return "nothing: no predictor"
	case c.Prediction.Missing != "":
		return c.Identity.Predictor + ": no prediction: " + c.Prediction.Missing
	}
	text := c.Identity.Predictor + provenance(c.Prediction.Provenance)
	if c.Prediction.Memory > 0 {
		text += fmt.Sprintf("; it takes %.1f GiB on each GPU", float64(c.Prediction.Memory)/(1<<30))
	}
	return text
}

func measuredBy(c *result.Cell) string {
	if len(c.Runs) == 0 {
		return c.Identity.Benchmark + ": not measured"
	}
	return c.Identity.Benchmark + provenance(c.Runs[0].Provenance)
}

func provenance(p spec.Provenance) string {
	var parts []string
	for _, s := range []string{strings.TrimSpace(p.Tool + " " + p.Version), p.Database, p.Source} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// plain leaves a row's line as it is.
func plain(_ int, line string) string { return line }

// figures is the table of all metrics.
func (t *text) figures(c *result.Cell) {
	if len(c.Figures) == 0 {
		return
	}
	rows := table{columns: []column{{head: "metric"}, {head: "unit"}, {head: "predicted", right: true}, {head: "measured", right: true},
		{head: intervalHead(c.Figures), right: true}, {head: "error", right: true}, {head: "runs", right: true}}}
	for i := range c.Figures {
		f := &c.Figures[i]
		row := entries(f.Measurable(), f.Unit)
		if f.Unmeasured {
			row[0] = value(*f.Predicted, f.Unit)
		}
		rows.add(append([]string{string(f.Metric), unitName(f.Unit)}, row...)...)
	}
	t.table("  ", &rows, plain)
}

// intervalHead heads the column of intervals with their level, which all metrics of a
// cell share.
func intervalHead(figures []result.Figure) string {
	for i := range figures {
		if figures[i].Low != nil {
			return levelled(&figures[i].Evidence)
		}
	}
	return "interval"
}

// runs lists the runs with the metrics that claims ask for.
func (t *text) runs(e *result.Experiment, c *result.Cell) {
	if len(c.Runs) == 0 {
		return
	}
	names := claimed(e)
	rows := table{columns: []column{{head: "run", right: true}, {head: "start", right: true}, {head: "requests", right: true},
		{head: "failed", right: true}, {head: "window"}}}
	for _, m := range names {
		rows.columns = append(rows.columns, column{head: strings.TrimSpace(string(m.Name) + " " + unitName(m.Unit)), right: true})
	}
	for i := range c.Runs {
		rows.add(runRow(&c.Runs[i], names)...)
	}
	t.table("  ", &rows, plain)
}

func runRow(r *result.Run, names []metric.Metric) []string {
	start := "-"
	if r.Start != 0 {
		start = strconv.FormatInt(r.Start, 10)
	}
	row := []string{strconv.Itoa(r.Index), start, strconv.Itoa(r.Requests), strconv.Itoa(r.Failed), string(r.Window)}
	for _, m := range names {
		entry := "-"
		if v, ok := r.Values.Get(m.Name); ok {
			entry = value(v, m.Unit)
		}
		row = append(row, entry)
	}
	return row
}

// claimed lists the metrics that claims ask for, each once; some means where there
// are none.
func claimed(e *result.Experiment) []metric.Metric {
	var list []metric.Metric
	seen := make(map[metric.Name]bool)
	add := func(name metric.Name) {
		if m, ok := metric.Lookup(name); ok && !seen[name] {
			seen[name] = true
			list = append(list, m)
		}
	}
	for i := range e.Claims {
		add(e.Claims[i].Subject)
	}
	if len(list) == 0 {
		add(metric.TotalThroughput)
		add(metric.TTFT)
		add(metric.TPOT)
	}
	return list
}

func (t *text) verdicts(e *result.Experiment, c *result.Cell) {
	for i := range e.Claims {
		if v := c.Verdict(i); v != nil {
			t.line("  ", t.paint(badge(v.Verdict)+"  "+tty.Clean(e.Claims[i].Text)+marksBut(v.Marks, nil), v.Verdict))
			t.wrapped("    ", tty.Clean(v.Reason))
		}
	}
}

// deployments lists the servers that were brought up for the cells.
func (t *text) deployments(e *result.Experiment) {
	for i := range e.Deployments {
		d := &e.Deployments[i]
		if len(d.Starts) == 0 {
			continue
		}
		t.line(t.bold("deployment "+string(d.ID)), ": ", metric.Count(d.Cells, "cell"), ", ", metric.Count(len(d.Starts), "start"))
		for k := range d.Starts {
			t.start(&d.Starts[k])
			if k > 0 {
				t.field("drift", strings.Join(d.Starts[k].Drift(&d.Starts[k-1]), "; "))
			}
		}
		t.line()
	}
}

func (t *text) start(s *spec.ServerStart) {
	t.line("  start ", strconv.FormatInt(s.ID, 10), " on ", tty.Clean(cmp.Or(s.Inventory.Host, s.Target)), ", ready ",
		s.Ready.UTC().Format("2006-01-02 15:04:05"), " UTC after ", s.Elapsed.Round(time.Millisecond).String())
	t.field("image", s.Server.Image)
	t.field("driver", s.Inventory.Driver)
	t.field("GPUs", gpuNames(s.Inventory.GPUs))
	t.field("effective", configuration(s.Effective))
	if len(s.Argv) > 0 {
		t.wrapped("  ", argvWords(s)+": "+tty.Clean(argvLine(s.Argv)))
	}
}

// argvWords say what the argv is of.
func argvWords(s *spec.ServerStart) string {
	words := "argv"
	if n := len(s.Server.Replicas); n > 0 {
		words += " of the first of " + strconv.Itoa(n) + " replicas, which differ in their addresses"
	}
	if open := strings.Join(s.Argv, " "); strings.Contains(open, spec.HostPlaceholder) || strings.Contains(open, spec.PortPlaceholder) {
		words += " (host and port were the target's choice and are not known any more)"
	}
	return words
}

// argvLine quotes the words of a command that a shell would take apart.
func argvLine(argv []string) string {
	words := make([]string, len(argv))
	open := strings.NewReplacer(spec.HostPlaceholder, "HOST", spec.PortPlaceholder, "PORT")
	for i, word := range argv {
		word = open.Replace(word)
		if strings.ContainsAny(word, " \t\n\"'\\{}$&|;<>*()`") || word == "" {
			word = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
		words[i] = word
	}
	return strings.Join(words, " ")
}

func gpuNames(gpus []spec.GPU) string {
	names := make([]string, len(gpus))
	for i, g := range gpus {
		names[i] = strconv.Itoa(g.Index) + ": " + g.Name
	}
	return strings.Join(names, ", ")
}
