package cli

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"aicv/report"
	"aicv/result"
)

func (a *app) reportCommand() *cobra.Command {
	var format, output string
	c := &cobra.Command{
		Use:   "report [DIR]",
		Short: "Write a report of the verdicts and the evidence behind them",
		Long: `Report joins the suite, the state and the verdicts into one document. It measures
nothing, writes no state, and does not gate: its exit code is 0 whatever the verdicts.
aicv judge and aicv apply exit with the verdict.`,
		Example: "  aicv report\n  aicv report my-suite --format markdown --output report.md",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withStanding(cmd.Context(), a.placeOf(args), selection{}, func(v standing) error {
				return a.writeReport(v.result, format, output)
			})
		},
	}
	c.Flags().StringVar(&format, "format", "text", "text, markdown or json")
	choices(c, "format", "text", "markdown", "json")
	c.Flags().StringVar(&output, "output", "", "write to a file instead of standard output")
	return c
}

func (a *app) writeReport(r *result.Result, format, output string) error {
	if a.json {
		format = "json"
	}
	write, err := a.reportWriter(format)
	if err != nil {
		return err
	}
	if output == "" {
		return write(a.stdio.Out, r)
	}
	file, err := os.Create(output)
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	if err := write(file, r); err != nil {
		_ = file.Close()
		return err
	}
	return file.Close()
}

func (a *app) reportWriter(format string) (func(io.Writer, *result.Result) error, error) {
	switch format {
	case "text":
		return func(w io.Writer, r *result.Result) error {
			return report.Text(w, r, report.Options{Color: a.color(w), Width: width(w), All: true})
		}, nil
	case "markdown":
		return report.Markdown, nil
	case "json":
		return report.JSON, nil
	}
	return nil, fmt.Errorf("unknown report format %q: text, markdown or json", format)
}
