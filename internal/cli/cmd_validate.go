package cli

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"aicv/engine/plan"
	"aicv/engine/support"
	"aicv/lang/diag"
	"aicv/metric"
	"aicv/spec"
	"aicv/state/cache"
)

// supportTimeout bounds how long one predictor is asked whether it has data.
const supportTimeout = 30 * time.Second

func (a *app) validateCommand() *cobra.Command {
	var unasked bool
	c := &cobra.Command{
		Use:   "validate [DIR]",
		Short: "Check a suite's files without touching anything",
		Long: `Validate reads every file of the suite and reports all of its errors and warnings
in one go: of the language, of loads that a benchmark can not drive, of configurations that
a runtime can not start, of files that can not be read. Predictors that can tell are asked whether they have data for the models,
systems and engine versions of the suite; their answers are remembered. It makes no
prediction, reads no state and contacts no target.`,
		Example: "  aicv validate\n  aicv validate --no-support\n  aicv validate examples/experiments/quickstart --json",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt)
			defer stop()
			return a.validate(ctx, a.placeOf(args), !unasked)
		},
	}
	c.Flags().BoolVar(&unasked, "no-support", false, "do not ask predictors whether they have data")
	return c
}

func (a *app) validate(ctx context.Context, p place, ask bool) error {
	a.shortLived()
	loaded, diags := a.readSuite(p)
	if !diags.HasErrors() {
		more, err := a.askProviders(ctx, p, loaded.Suite, ask)
		if err != nil {
			return err
		}
		diags = append(diags, more...)
	}
	if a.json {
		if err := a.writeDiagnosticsJSON(diags); err != nil || !diags.HasErrors() {
			return err
		}
		return exit(ExitError)
	}
	if err := a.printDiagnostics(diags, loaded.Sources); err != nil {
		return err
	}
	if diags.HasErrors() {
		return exit(ExitError)
	}
	fmt.Fprintf(a.stdio.Out, "The suite is valid: %s.\n", extent(loaded.Suite))
	return nil
}

// extent says how large a suite is, as far as its files alone say it.
func extent(suite *spec.Suite) string {
	cells, more := 0, ""
	for _, e := range suite.Experiments {
		cells += len(e.Cells)
		if e.PointsFrom != nil || e.Recommended != nil {
			more = "; aicv plan adds the points of recordings and the rows that predictors recommend"
		}
	}
	return metric.Count(cells, "cell") + " in " + metric.Count(len(suite.Experiments), "experiment") + more
}

// askProviders asks benchmarks and runtimes what they refuse of the suite; and predictors,
// where they shall be asked and nothing was refused, whether they have data for it.
func (a *app) askProviders(ctx context.Context, p place, suite *spec.Suite, ask bool) (spec.Diagnostics, error) {
	registry, err := a.registry(p)
	if err != nil {
		return nil, err
	}
	if refused := plan.Refused(ctx, suite, registry); len(refused) > 0 || !ask {
		return refused, nil
	}
	return support.Check(ctx, support.Request{
		Suite: suite, Registry: registry, Timeout: supportTimeout, Cache: cache.NewSupport(filepath.Join(p.work, "support.json"), buildIdentity()),
	}), nil
}

func (a *app) writeDiagnosticsJSON(diags spec.Diagnostics) error {
	document, err := diag.JSON(diags)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.stdio.Out, "%s\n", document)
	return err
}
