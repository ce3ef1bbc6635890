package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"aicv/internal/tty"
	"aicv/metric"
	"aicv/result"
	"aicv/spec"
)

// CSV writes one row per cell and claim, and one per figure of a cell that no claim is
// about, whose claim and verdict are empty. Figures are in the row's unit, shares as
// fractions; what does not exist is empty. The columns are those of the first line,
// and later versions only add behind them. Texts that a spreadsheet would take for a
// formula begin with an apostrophe.
func CSV(w io.Writer, r *result.Result) error {
	c := &csvWriter{out: csv.NewWriter(w), suite: r.Suite.Name}
	c.write([]string{"suite", "experiment", "cell", "model", "system", "gpus", "runtime", "runtime_version", "concurrency", "request_rate",
		"input_tokens", "output_tokens", "configuration", "assert", "severity", "claim", "metric", "unit", "predicted", "measured",
		"interval_low", "interval_high", "interval_level", "error", "runs", "starts", "verdict", "reason", "marks"})
	for i := range r.Experiments {
		c.experiment(&r.Experiments[i])
	}
	c.out.Flush()
	if c.err == nil {
		c.err = c.out.Error()
	}
	if c.err != nil {
		return fmt.Errorf("write the CSV report: %w", c.err)
	}
	return nil
}

// csvWriter keeps the first error.
type csvWriter struct {
	out   *csv.Writer
	suite string
	err   error
}

func (c *csvWriter) write(row []string) {
	if err := c.out.Write(row); err != nil && c.err == nil {
		c.err = err
	}
}

func (c *csvWriter) experiment(e *result.Experiment) {
	for i := range e.Cells {
		cell := &e.Cells[i]
		base := c.base(e, cell)
		claimed := make(map[metric.Name]bool)
		for k := range cell.Verdicts {
			v := &cell.Verdicts[k]
			claim := &e.Claims[v.Claim]
			claimed[claim.Subject] = true
			row := append(slices.Clone(base), plainText(claim.Assert), string(claim.Severity), plainText(claim.Text), string(claim.Subject), string(claim.Unit))
			row = append(row, plainEvidence(v.Evidence, false)...)
			c.write(append(row, string(v.Verdict), plainText(v.Reason), plainText(strings.Join(v.Marks, ", "))))
		}
		for k := range cell.Figures {
			if f := &cell.Figures[k]; !claimed[f.Metric] {
				row := append(slices.Clone(base), "", "", "", string(f.Metric), string(f.Unit))
				c.write(append(append(row, plainEvidence(&f.Evidence, f.Unmeasured)...), "", "", ""))
			}
		}
	}
}

// base is what all rows of a cell begin with.
func (c *csvWriter) base(e *result.Experiment, cell *result.Cell) []string {
	id, load := &cell.Identity, &cell.Load
	rate := ""
	if load.RequestRate.Sign() > 0 {
		rate = load.RequestRate.String()
	}
	return []string{plainText(c.suite), plainText(e.Name), plainText(cell.Key), plainText(id.Model), plainText(id.System), count(id.GPUs), plainText(id.Runtime),
		plainText(id.Version), count(load.Concurrency), rate, count(load.InputTokens), count(load.OutputTokens), plainText(configuration(cell.Config))}
}

// plainEvidence are the figures of a row, with all their digits.
func plainEvidence(e *spec.Evidence, unmeasured bool) []string {
	row := make([]string, 8)
	if e == nil {
		return row
	}
	row[0] = digits(e.Predicted)
	if !unmeasured {
		row[1] = digits(&e.Measured)
	}
	row[2], row[3] = digits(e.Low), digits(e.High)
	if e.Low != nil {
		row[4] = digits(&e.Level)
	}
	row[5], row[6], row[7] = digits(e.Error), count(e.Runs), count(e.Starts)
	return row
}

func digits(f *float64) string {
	if f == nil {
		return ""
	}
	return strconv.FormatFloat(*f, 'g', -1, 64)
}

// count writes a figure that is unknown, or does not apply, where it is 0.
func count(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// plainText keeps control characters out, and spreadsheets from computing a text.
func plainText(s string) string {
	s = tty.Clean(s)
	if s != "" && strings.ContainsRune("=+-@", rune(s[0])) {
		return "'" + s
	}
	return s
}
