package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"

	"aicv/metric"
	"aicv/result"
	"aicv/spec"
)

// Detail writes everything that is known of the result's cells: what was asked,
// predicted and measured, run by run, and the servers behind it.
func Detail(w io.Writer, r *result.Result, o Options) error {
	t := &text{w: bufio.NewWriter(w), o: o}
	for i := range r.Experiments {
		e := &r.Experiments[i]
		for k := range e.Cells {
			t.cell(e, &e.Cells[k])
		}
	}
	t.starts(r)
	t.findings(allFindings(r))
	if err := t.w.Flush(); err != nil {
		return fmt.Errorf("write the details: %w", err)
	}
	return nil
}

func (t *text) cell(e *result.Experiment, c *result.Cell) {
	t.line("%s", t.bold(c.Address))
	t.line("  model       %s", c.Identity.Model)
	t.line("  runtime     %s", strings.TrimSpace(c.Identity.Runtime+" "+c.Identity.Version))
	if c.Identity.System != "" {
		t.line("  hardware    %s, %s", c.Identity.System, plural(c.Identity.GPUs, "GPU"))
	}
	if len(c.Config) > 0 {
		t.line("  configured  %s", configuration(c.Config, " "))
	}
	t.line("  load        %s", load(c.Load))
	t.line("  measurement %s", c.Measurement)
	if c.Failure != nil {
		t.line("  failed      %s (%s)", c.Failure.Message, c.Failure.Kind)
	}
	t.values(c)
	for i := range e.Claims {
		v := verdictOf(c, i)
		t.line("  %s", t.paint(strings.TrimSpace(fmt.Sprintf("%s  %s %s", word(v.Verdict), e.Claims[i].Text, marks(v.Marks))), v.Verdict))
		if v.Reason != "" {
			t.line("    %s", v.Reason)
		}
	}
	t.line("")
}

func configuration(c []spec.Setting, separator string) string {
	parts := make([]string, len(c))
	for i, s := range c {
		parts[i] = s.Name + "=" + s.Value.String()
	}
	return strings.Join(parts, separator)
}

func load(l result.Load) string {
	drive := plural(l.Concurrency, "request") + " in flight"
	if l.Concurrency == 0 {
		drive = l.RequestRate.String() + " requests/s"
	}
	return fmt.Sprintf("%s, %d input and %d output tokens each", drive, l.InputTokens, l.OutputTokens)
}

// values is a table of all metrics: predicted, mean, and each run.
func (t *text) values(c *result.Cell) {
	rows := table{right: []bool{false, true, true}}
	header := []string{"  metric", "predicted", "mean of runs"}
	for i := range c.Runs {
		header = append(header, fmt.Sprintf("run %d", c.Runs[i].Index))
		rows.right = append(rows.right, true)
	}
	rows.add(header...)
	for _, m := range metric.All() {
		if row, ok := valueRow(c, m); ok {
			rows.add(row...)
		}
	}
	if len(rows.rows) == 1 {
		if c.Prediction != nil && c.Prediction.Missing != "" {
			t.line("  not predicted: %s", c.Prediction.Missing)
		}
		return
	}
	for i, line := range rows.lines() {
		if i == 0 {
			line = t.dim(line)
		}
		t.line("%s", line)
	}
}

func valueRow(c *result.Cell, m metric.Metric) ([]string, bool) {
	predicted, measured := "-", "-"
	known := false
	if c.Prediction != nil {
		if v, ok := c.Prediction.Values.Get(m.Name); ok {
			predicted, known = number(v), true
		}
	}
	for i := range c.Figures {
		if f := &c.Figures[i]; f.Metric == m.Name && !f.Unmeasured {
			measured, known = number(f.Measured), true
		}
	}
	row := []string{"  " + string(m.Name) + " (" + string(m.Unit) + ")", predicted, measured}
	for i := range c.Runs {
		v, ok := c.Runs[i].Values.Get(m.Name)
		text := "-"
		if ok {
			text, known = number(v), true
		}
		row = append(row, text)
	}
	return row, known
}

// starts lists the servers that were brought up for the cells.
func (t *text) starts(r *result.Result) {
	for i := range r.Experiments {
		e := &r.Experiments[i]
		for _, d := range e.Deployments {
			for k := range d.Starts {
				t.start(&d.Starts[k])
			}
		}
	}
}

func (t *text) start(s *spec.ServerStart) {
	t.line("%s %d of deployment %s, ready %s after %s on %s", t.bold("start"), s.Number, s.Deployment,
		s.Ready.UTC().Format("2006-01-02 15:04:05"), s.Elapsed.Round(time.Millisecond), s.Inventory.Host)
	t.line("  %s", strings.Join(s.Argv, " "))
	if len(s.Effective) > 0 {
		t.line("  effective: %s", configuration(s.Effective, " "))
	}
	t.line("")
}
