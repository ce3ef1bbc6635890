package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"aicv/engine"
	"aicv/engine/exec"
	"aicv/report"
	"aicv/result"
	"aicv/spec"
)

func (a *app) judgeCommand() *cobra.Command {
	var s selection
	c := &cobra.Command{
		Use:   "judge [DIR]",
		Short: "Put the stored runs through the claims as they stand now",
		Long: `Judge measures nothing: it judges the runs in the state by the suite's present
claims and exits as apply would. A tolerance that was changed after there was data
is marked on the verdict.

Exit codes: 0 all claims pass; 1 error; 3 a claim failed; 4 a claim is undecided.`,
		Example: "  aicv judge\n  aicv judge my-suite --json",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withStanding(cmd.Context(), a.placeOf(args), s, func(v standing) error {
				if err := a.printResult(v.result); err != nil {
					return err
				}
				return verdictExit(v.plan, v.judgements)
			})
		},
	}
	s.registerUpgrade(c)
	return c
}

// standing is a suite's plan, judgements and joined result, read without writing.
type standing struct {
	plan       *engine.Plan
	judgements []spec.Judgement
	result     *result.Result
}

// withStanding judges what the state holds and hands it on.
func (a *app) withStanding(ctx context.Context, at place, s selection, use func(standing) error) error {
	a.shortLived()
	suite, err := a.loadSuite(at)
	if err != nil {
		return err
	}
	opened, err := a.openReader(ctx, at)
	if err != nil {
		return err
	}
	defer opened.Close()
	reader := engine.Remember(opened)
	p, err := a.buildPlan(ctx, at, suite, reader, s)
	if err != nil {
		return err
	}
	judgements, err := exec.Judge(ctx, p, reader)
	if err != nil {
		return err
	}
	joined, err := result.Build(ctx, result.Input{Plan: p, Judgements: judgements, State: reader})
	if err != nil {
		return err
	}
	return use(standing{p, judgements, joined})
}

func (a *app) printReport(ctx context.Context, p *engine.Plan, reader engine.Reader, judgements []spec.Judgement) error {
	joined, err := result.Build(ctx, result.Input{Plan: p, Judgements: judgements, State: reader})
	if err != nil {
		return err
	}
	return a.printResult(joined)
}

func (a *app) printResult(r *result.Result) error {
	if a.json {
		return report.JSON(a.stdio.Out, r)
	}
	fmt.Fprintln(a.stdio.Out)
	return report.Text(a.stdio.Out, r, report.Options{Color: a.color(a.stdio.Out), Width: width(a.stdio.Out)})
}
