package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"aicv/internal/cli/planview"
	"aicv/report"
	"aicv/result"
	"aicv/spec"
)

func (a *app) showCommand() *cobra.Command {
	var dir string
	var verbose bool
	var s selection
	c := &cobra.Command{
		Use:   "show [ADDRESS | DIR | PLANFILE]",
		Short: "Show cells with their evidence, or a saved plan",
		Long: `Show prints what is known of a cell: its configuration, prediction, runs, findings and
verdicts. ADDRESS is a selector as for --target; without one, all cells are shown, of the
suite here or in DIR.
A saved plan is shown as aicv plan printed it, stale or not.`,
		Example: "  aicv show scaling:concurrency=8\n  aicv show plan.aicv --json",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 && isFile(args[0]) {
				p, err := loadPlan(args[0])
				if err != nil {
					return err
				}
				return a.showPlan(p, planview.Options{All: true, Verbose: verbose})
			}
			if s.only = args; len(args) == 1 && hasSuite(args[0]) && !hasSuite(dir) { // no selector could mean a cell here
				dir, s.only = args[0], nil
			}
			return a.showCells(cmd.Context(), dir, s)
		},
	}
	c.Flags().StringVar(&dir, "suite", ".", "the suite's folder")
	c.Flags().BoolVarP(&verbose, "verbose", "v", false, "of a saved plan: every predicted metric, all items of the configurations, and how the memory of each GPU adds up")
	s.registerUpgrade(c)
	return c
}

func (a *app) showCells(ctx context.Context, dir string, s selection) error {
	return a.withStanding(ctx, a.placeOf([]string{dir}), s, func(v standing) error {
		selected := result.Select(v.result, selectedCells(v))
		if len(selected.Experiments) == 0 {
			return &spec.Error{Kind: spec.ErrUsage, Summary: fmt.Sprintf("no cell matches %s", strings.Join(s.only, " ")),
				Fix: "aicv plan --all lists the addresses"}
		}
		if a.json {
			return report.JSON(a.stdio.Out, selected)
		}
		return report.Detail(a.stdio.Out, selected, report.Options{Color: a.color(a.stdio.Out), Width: width(a.stdio.Out), All: true})
	})
}

// selectedCells names the cells that the selectors left in the plan.
func selectedCells(v standing) map[string]bool {
	addresses := make(map[string]bool)
	for i := range v.plan.Cells {
		if c := &v.plan.Cells[i]; !c.Excluded {
			addresses[c.Cell.Address()] = true
		}
	}
	return addresses
}
