package report

import (
	"bufio"
	"fmt"
	"io"
	"slices"
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
	t.findings(r.Findings)
	if err := t.w.Flush(); err != nil {
		return fmt.Errorf("write the details: %w", err)
	}
	return nil
}

func (t *text) cell(e *result.Experiment, c *result.Cell) {
	t.line("%s", t.bold(c.Address))
	t.line("  model       %s", c.Model)
	t.line("  runtime     %s", c.Runtime)
	if len(c.Requested) > 0 {
		t.line("  configured  %s", configuration(c.Requested))
	}
	t.line("  load        %s", load(c.Load))
	t.line("  measurement %s", c.Measurement)
	if c.Failure != nil {
		t.line("  failed      %s (%s)", c.Failure.Message, c.Failure.Kind)
	}
	t.values(c)
	for i := range e.Claims {
		v := &c.Verdicts[i]
		t.line("  %s", t.paint(strings.TrimSpace(fmt.Sprintf("%s  %s %s", word(v.Verdict), e.Claims[i].Text, marks(v.Marks))), v.Verdict))
		if v.Reason != "" {
			t.line("    %s", v.Reason)
		}
	}
	t.line("")
}

func configuration(c spec.Configuration) string {
	parts := make([]string, len(c))
	for i, s := range c {
		parts[i] = s.Name + "=" + s.Value.String()
	}
	return strings.Join(parts, " ")
}

func load(l spec.Load) string {
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
	means := c.Means()
	for _, m := range metric.All() {
		if row, ok := valueRow(c, m, means); ok {
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

func valueRow(c *result.Cell, m metric.Metric, means metric.Values) ([]string, bool) {
	predicted, measured := "-", "-"
	known := false
	if c.Prediction != nil {
		if v, ok := c.Prediction.Values.Get(m.Name); ok {
			predicted, known = number(v), true
		}
	}
	if v, ok := means.Get(m.Name); ok {
		measured, known = number(v), true
	}
	row := []string{"  " + string(m.Name) + " (" + string(m.Unit) + ")", predicted, measured}
	for i := range c.Runs {
		v, ok := c.Runs[i].Result.Values.Get(m.Name)
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
	wanted := map[int64]bool{}
	for i := range r.Experiments {
		for k := range r.Experiments[i].Cells {
			for _, run := range r.Experiments[i].Cells[k].Runs {
				wanted[run.Start] = true
			}
		}
	}
	starts := slices.DeleteFunc(slices.Clone(r.Starts), func(s result.Start) bool { return !wanted[s.ID] })
	if len(starts) == 0 {
		return
	}
	t.line("%s", t.bold("servers"))
	for _, s := range starts {
		t.line("  start %d of %s, ready %s after %s on %s", s.Number, s.Deployment,
			s.Ready.UTC().Format("2006-01-02 15:04:05"), s.Elapsed.Round(time.Millisecond), s.Inventory.Host)
		t.line("    %s", strings.Join(s.Argv, " "))
		if len(s.Effective) > 0 {
			t.line("    effective: %s", configuration(s.Effective))
		}
	}
	t.line("")
}
