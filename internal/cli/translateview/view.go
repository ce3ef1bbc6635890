// Package translateview prints what became of everything in a translation.
package translateview

import (
	"cmp"
	"fmt"
	"io"
	"text/tabwriter"

	"aicv/internal/tty"
	"aicv/spec"
	"aicv/translate"
)

// Counts is how many rows have each fidelity.
type Counts struct {
	Exact       int `json:"exact"`
	Approximate int `json:"approximate"`
	Unsupported int `json:"unsupported"`
}

// CountsOf counts a report's rows.
func CountsOf(r *translate.Report) Counts {
	return Counts{r.Count(spec.FidelityExact), r.Count(spec.FidelityApproximate), r.Count(spec.FidelityUnsupported)}
}

// Write prints the rows as a table for each part of the document, and how many there are
// of each fidelity.
func Write(w io.Writer, r *translate.Report) error {
	for rows := r.Rows; len(rows) > 0; {
		n := 1
		for n < len(rows) && rows[n].Entry == rows[0].Entry {
			n++
		}
		if err := writePart(w, rows[:n]); err != nil {
			return fmt.Errorf("write the report: %w", err)
		}
		rows = rows[n:]
	}
	c := CountsOf(r)
	_, err := fmt.Fprintf(w, "%d exact, %d approximate, %d without a counterpart\n", c.Exact, c.Approximate, c.Unsupported)
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

func writePart(w io.Writer, rows []translate.Row) error {
	if entry := rows[0].Entry; entry != "" {
		fmt.Fprintf(w, "%s:\n\n", tty.Clean(entry))
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "FIELD\tVALUE\tSUITE\tFIDELITY\tWHY")
	for _, row := range rows {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", cell(row.Field, 80), cell(row.Value, 32), cell(row.Item, 40), row.Fidelity, cell(row.Why, 0))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w)
	return err
}

// cell makes a text safe and short; a dash stands for an empty one.
func cell(text string, most int) string {
	runes := []rune(tty.Clean(text))
	if most > 0 && len(runes) > most {
		runes = append(runes[:most-3], []rune("...")...)
	}
	return cmp.Or(string(runes), "-")
}
