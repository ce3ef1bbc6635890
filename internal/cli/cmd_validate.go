package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"aicv/lang/diag"
	"aicv/metric"
	"aicv/spec"
)

func (a *app) validateCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "validate [DIR]",
		Short: "Check a suite's files without touching anything",
		Long: `Validate reads every file of the suite and reports all of its errors and warnings
in one go. It asks no predictor, reads no state and contacts no target.`,
		Example: "  aicv validate\n  aicv validate examples/experiments/quickstart --json",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return a.validate(a.placeOf(args))
		},
	}
}

func (a *app) validate(p place) error {
	if a.json {
		_, diags := a.readSuite(p)
		if err := a.writeDiagnosticsJSON(diags); err != nil || !diags.HasErrors() {
			return err
		}
		return exit(ExitError)
	}
	suite, err := a.loadSuite(p)
	if err != nil {
		return err
	}
	cells := 0
	for _, e := range suite.Experiments {
		cells += len(e.Cells)
	}
	fmt.Fprintf(a.stdio.Out, "The suite is valid: %s in %s.\n",
		metric.Count(cells, "cell"), metric.Count(len(suite.Experiments), "experiment"))
	return nil
}

func (a *app) writeDiagnosticsJSON(diags spec.Diagnostics) error {
	document, err := diag.JSON(diags)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.stdio.Out, "%s\n", document)
	return err
}
