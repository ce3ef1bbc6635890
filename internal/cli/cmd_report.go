package cli

import (
	"bytes"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"aicv/report"
	"aicv/result"
)

// reportFormats are the formats in the order in which help and messages list them.
func reportFormats() []string { return []string{"text", "markdown", "html", "json", "csv", "junit"} }

func (a *app) reportCommand() *cobra.Command {
	var s selection
	var format, output string
	c := &cobra.Command{
		Use:   "report [DIR]",
		Short: "Write a report of the verdicts and the evidence behind them",
		Long: `Report joins the suite, the state and the verdicts into one document. It measures
nothing, writes no state, and does not gate: its exit code is 0 whatever the verdicts.
aicv judge and aicv apply exit with the verdict.

Formats: text for people; markdown for pull requests; html, one page without scripts;
json, the whole result; csv, one row per cell and claim; junit, which CI systems
read: a failing claim is a failure there, an undecided one an error.`,
		Example: "  aicv report\n  aicv report my-suite --format markdown -o report.md\n  aicv report --format junit -o claims.xml",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			write, err := a.reportWriter(format)
			if err != nil {
				return err
			}
			return a.withStanding(cmd.Context(), a.placeOf(args), s, func(v standing) error {
				return a.writeReport(v.result, write, output)
			})
		},
	}
	c.Flags().StringVar(&format, "format", "text", strings.Join(reportFormats(), ", "))
	choices(c, "format", reportFormats()...)
	c.Flags().StringVarP(&output, "output", "o", "", "write to a file instead of standard output")
	s.registerUpgrade(c)
	return c
}

// writeReport writes to standard output, or to a file that is there whole or not at all.
func (a *app) writeReport(r *result.Result, write reportFunc, output string) error {
	if output == "" {
		return write(a.stdio.Out, r)
	}
	var document bytes.Buffer
	if err := write(&document, r); err != nil {
		return err
	}
	if err := replaceFile(output, document.Bytes()); err != nil {
		return notWritten("the report", output, err)
	}
	return nil
}

// reportFunc writes a result in one format.
type reportFunc func(io.Writer, *result.Result) error

func (a *app) reportWriter(format string) (reportFunc, error) {
	if a.json {
		format = "json"
	}
	switch format {
	case "text":
		return func(w io.Writer, r *result.Result) error {
			return report.Text(w, r, report.Options{Color: a.color(w), Width: width(w), All: true})
		}, nil
	case "markdown":
		return report.Markdown, nil
	case "html":
		return report.HTML, nil
	case "json":
		return report.JSON, nil
	case "csv":
		return report.CSV, nil
	case "junit":
		return report.JUnit, nil
	}
	return nil, wrongFormat(format, reportFormats()...)
}
