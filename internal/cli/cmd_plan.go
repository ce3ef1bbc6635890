package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"aicv/engine"
	"aicv/engine/plan"
	"aicv/internal/cli/planview"
	"aicv/spec"
	"aicv/state"
	"aicv/state/cache"
)

// selection is what --target, --exclude and --rerun say.
type selection struct {
	targets, excludes, rerun []string
	only                     []string // like targets, from an argument
	refresh, upgrade, all    bool
	verbose                  bool
}

func (s *selection) register(c *cobra.Command) {
	c.Flags().StringArrayVar(&s.targets, "target", nil, "only these cells: scaling, scaling:tensor_parallel=4 or a full address; may be repeated")
	c.Flags().StringArrayVar(&s.excludes, "exclude", nil, "all but these cells; may be repeated")
	c.Flags().StringArrayVar(&s.rerun, "rerun", nil, "measure these cells again; their old runs stay in history; may be repeated")
	c.Flags().BoolVar(&s.refresh, "refresh", false, "ask the predictors again instead of the cache")
	s.registerUpgrade(c)
	c.Flags().BoolVar(&s.all, "all", false, "list every cell, however many there are")
	c.Flags().BoolVarP(&s.verbose, "verbose", "v", false, "show every predicted metric, all items of the configurations, and how the memory of each GPU adds up")
}

// registerUpgrade is for every command that predicts: what .aicv.lock pins holds for all.
func (s *selection) registerUpgrade(c *cobra.Command) {
	c.Flags().BoolVar(&s.upgrade, "upgrade", false, "accept predictions or versions that differ from .aicv.lock")
}

func (a *app) planCommand() *cobra.Command {
	var s selection
	var out string
	var detailed bool
	c := &cobra.Command{
		Use:   "plan [DIR]",
		Short: "Show what would be deployed, measured and judged, and at what cost",
		Long: `Plan predicts every cell, compares with what was measured before and shows what apply
would do. It writes no state and touches no target.

Exit codes: 0 planned; 1 error; 2 changes are pending (with --detailed-exitcode).`,
		Example: "  aicv plan\n  aicv plan --target scaling:tensor_parallel=4\n  aicv plan -out plan.aicv && aicv apply plan.aicv",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt)
			defer stop()
			p, err := a.makePlan(ctx, a.placeOf(args), s)
			if err != nil {
				return err
			}
			if err := a.showPlan(p, planview.Options{All: s.all, Verbose: s.verbose}); err != nil {
				return err
			}
			if out != "" {
				if err := savePlan(out, p); err != nil {
					return err
				}
				a.say("\nSaved the plan to %s. To apply it:\n\n  aicv apply %s\n", out, out)
			}
			if detailed && p.Changes() {
				return exit(ExitChanges)
			}
			return nil
		},
	}
	s.register(c)
	c.Flags().StringVar(&out, "out", "", "save the plan to a file, for apply")
	c.Flags().BoolVar(&detailed, "detailed-exitcode", false, "exit 2 if changes are pending")
	return c
}

// makePlan loads the suite and plans on the state as it is, without writing to it.
func (a *app) makePlan(ctx context.Context, at place, s selection) (*engine.Plan, error) {
	a.shortLived()
	suite, err := a.loadSuite(at)
	if err != nil {
		return nil, err
	}
	reader, err := state.OpenReader(ctx, at.state)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	return a.buildPlan(ctx, at, suite, reader, s)
}

// buildPlan plans on a state that is open already.
func (a *app) buildPlan(ctx context.Context, at place, suite *spec.Suite, reader engine.Reader, s selection) (*engine.Plan, error) {
	registry, err := a.registry(at)
	if err != nil {
		return nil, err
	}
	predictions, err := cache.Open(ctx, at.cache, buildIdentity())
	if err != nil {
		return nil, err
	}
	defer predictions.Close()
	a.logger().Debug("plan", "experiments", len(suite.Experiments))
	p, err := plan.Build(ctx, plan.Request{
		Suite: suite, Registry: registry, State: reader, Cache: predictions,
		Targets: s.targets, Only: s.only, Excludes: s.excludes, Rerun: s.rerun, Refresh: s.refresh,
	})
	if err != nil {
		return nil, err
	}
	if len(s.targets)+len(s.excludes) > 0 && !slices.ContainsFunc(p.Cells, included) {
		return nil, &spec.Error{Kind: spec.ErrUsage, Summary: "--target and --exclude leave no cell",
			Fix: "aicv plan --all lists the addresses"}
	}
	return p, a.checkLock(at, p, s.upgrade)
}

func included(c engine.PlannedCell) bool { return !c.Excluded }

func (a *app) showPlan(p *engine.Plan, o planview.Options) error {
	if a.json {
		return writeJSON(a.stdio.Out, planview.Document(p))
	}
	o.Color, o.Width = a.color(a.stdio.Out), width(a.stdio.Out)
	return planview.Text(a.stdio.Out, p, o)
}

// say prints a line for people; nothing with --json or --quiet.
func (a *app) say(format string, args ...any) {
	if !a.json && !a.quiet {
		fmt.Fprintf(a.stdio.Out, format, args...)
	}
}

func savePlan(path string, p *engine.Plan) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return notWritten("the plan", path, err)
	}
	if err := plan.Save(file, p); err != nil {
		_ = file.Close()
		return err
	}
	return file.Close()
}

func loadPlan(path string) (*engine.Plan, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	p, err := plan.Load(file)
	var known *spec.Error
	if errors.As(err, &known) && strings.Contains(filepath.Base(path), ".hcl") {
		known.Fix = "a suite is named by its folder: " + filepath.Dir(path)
	}
	return p, err
}
