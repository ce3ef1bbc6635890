package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"aicv/engine/plan"
	"aicv/internal/cli/translateview"
	"aicv/spec"
	"aicv/translate"
	"aicv/translate/formats"
	"aicv/translate/launch"
)

type exportOptions struct {
	cell, out string
}

func (a *app) exportCommand() *cobra.Command {
	var o exportOptions
	c := &cobra.Command{
		Use:   "export FORMAT [DIR]",
		Short: "Translate an experiment into another tool's configuration",
		Long: `Export writes one experiment of the suite in another tool's format, and says of every
item what it became, how exactly, and why. An experiment that aicv import made keeps all
fields of its document that a suite has no word for. Nothing is deployed.

Formats:
` + exportList(),
		Example: "  aicv export autotuner my-suite -out task.json\n  aicv export autotuner my-suite --cell scaling:tensor_parallel=4 -out task.yaml",
		Args:    cobra.RangeArgs(1, 2),
		RunE: func(_ *cobra.Command, args []string) error {
			return a.export(args[0], a.placeOf(args[1:]), o)
		},
		ValidArgs: append(formats.Exports(), launch.Format),
	}
	c.Flags().StringVar(&o.cell, "cell", "", "only these cells: scaling, scaling:tensor_parallel=4 or a full address")
	c.Flags().StringVar(&o.out, "out", "", "file to write (default: standard output, the report to stderr)")
	return c
}

func exportList() string {
	var b strings.Builder
	for _, f := range formats.All() {
		if f.Export != nil || f.Name == launch.Format {
			fmt.Fprintf(&b, "  %-24s %s\n", f.Name, f.Doc)
		}
	}
	return strings.TrimRight(b.String(), "\n")
}

// exported is what --json prints.
type exported struct {
	FormatVersion string `json:"format_version"`
	*translate.Report
	Counts   translateview.Counts `json:"counts"`
	Document string               `json:"document"`
	File     string               `json:"file,omitempty"` // that it was written to
}

func (a *app) export(format string, p place, o exportOptions) error {
	suite, err := a.loadSuite(p)
	if err != nil {
		return err
	}
	e, cells, err := chooseCells(suite, o.cell)
	if err != nil {
		return err
	}
	content, report, err := a.document(format, p, suite, e, cells, o)
	if err != nil {
		return err
	}
	if o.out != "" {
		if err := writeNew(o.out, content); err != nil {
			return err
		}
	}
	return a.printExport(report, content, o.out)
}

// document writes the experiment in a format.
func (a *app) document(format string, p place, suite *spec.Suite, e *spec.Experiment, cells []spec.Cell, o exportOptions) ([]byte, *translate.Report, error) {
	if format == launch.Format {
		content, report, err := a.exportLaunch(p, cells)
		if report != nil {
			report.Source = suite.Name
		}
		return content, report, err
	}
	hub, err := translate.FromExperiment(e, cells)
	if err != nil {
		return nil, nil, err
	}
	x := translate.Export{Suite: suite.Name, Options: translate.Options{Has: a.hasProvider}, Syntax: syntaxOf(o.out)}
	return formats.Export(format, suite.Dir, hub, x)
}

func syntaxOf(file string) string {
	switch strings.ToLower(filepath.Ext(file)) {
	case ".yaml", ".yml":
		return "yaml"
	case ".json":
		return "json"
	}
	return ""
}

// chooseCells finds the experiment and its cells; with several experiments one has to be named.
func chooseCells(suite *spec.Suite, text string) (*spec.Experiment, []spec.Cell, error) {
	if text == "" {
		if len(suite.Experiments) == 1 {
			return suite.Experiments[0], suite.Experiments[0].Cells, nil
		}
		var names []string
		for _, e := range suite.Experiments {
			names = append(names, e.Name)
		}
		return nil, nil, &spec.Error{Kind: spec.ErrUsage, Summary: fmt.Sprintf("the suite has %d experiments, and one is written at a time", len(names)),
			Fix: "name one with --cell: " + strings.Join(names, ", ")}
	}
	selector, err := plan.ParseSelector(text)
	if err != nil {
		return nil, nil, err
	}
	for _, e := range suite.Experiments {
		var cells []spec.Cell
		for i := range e.Cells {
			if selector.Matches(&e.Cells[i]) {
				cells = append(cells, e.Cells[i])
			}
		}
		if len(cells) > 0 || text == e.Name {
			return e, cells, nil
		}
	}
	return nil, nil, &spec.Error{Kind: spec.ErrUsage, Summary: "no cell of the suite is " + text, Fix: "aicv plan lists the cells"}
}

// writeNew writes a file that is not there yet.
func writeNew(path string, content []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return &spec.Error{Kind: spec.ErrUsage, Summary: "the document can not be written", Cause: err, Fix: "name another file with -out"}
	}
	_, writeErr := file.Write(content)
	if err := errors.Join(writeErr, file.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func (a *app) printExport(report *translate.Report, content []byte, out string) error {
	switch {
	case a.json:
		return writeJSON(a.stdio.Out, exported{jsonFormat, report, translateview.CountsOf(report), string(content), out})
	case out == "":
		if err := translateview.Write(a.stdio.Err, report); err != nil {
			return err
		}
		_, err := a.stdio.Out.Write(content)
		return err
	}
	if err := translateview.Write(a.stdio.Out, report); err != nil {
		return err
	}
	_, err := fmt.Fprintf(a.stdio.Out, "\nWrote %s.\n", out)
	return err
}
