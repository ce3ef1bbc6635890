package cli

import (
	"bytes"
	"context"

	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"aicv/engine"
	"aicv/engine/exec"
	"aicv/engine/plan"
	"aicv/internal/cli/planview"
	"aicv/internal/tty"
	"aicv/spec"
	"aicv/state"
	"aicv/verify"
)

func (a *app) applyCommand() *cobra.Command {
	var s selection
	c := &cobra.Command{
		Use:   "apply [DIR | PLANFILE]",
		Short: "Deploy, measure and judge what the plan shows",
		Long: `Apply carries out a plan: it brings the deployments up one after another, measures
their cells, judges every claim and tears down what it started. Interrupted or
killed, it continues where it stopped when it is run again.

The first Ctrl-C finishes or abandons the current run at a safe point and tears
down, the second tears down at once, the third leaves.

Exit codes: 0 all claims pass; 1 error; 3 a claim failed; 4 a claim is undecided;
130 interrupted.`,
		Example: "  aicv apply\n  aicv apply --target scaling:tensor_parallel=4\n  aicv plan -out plan.aicv && aicv apply plan.aicv",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 && isFile(args[0]) {
				return a.applySaved(cmd.Context(), args[0], s)
			}
			if len(args) == 1 && absent(args[0]) {
				return &spec.Error{Kind: spec.ErrUsage, Summary: "there is neither a suite's folder nor a saved plan at " + args[0],
					Fix: "name the suite's folder, or save a plan first: aicv plan -out FILE"}
			}
			return a.applySuite(cmd.Context(), a.placeOf(args), s)
		},
	}
	s.register(c)
	return c
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// applySuite plans and applies in one go, under the state's lock.
func (a *app) applySuite(ctx context.Context, at place, s selection) error {
	suite, err := a.loadSuite(at)
	if err != nil {
		return err
	}
	store, err := a.openStore(ctx, at)
	if err != nil {
		return err
	}
	defer store.Close()
	p, err := a.buildPlan(ctx, at, suite, store, s)
	if err != nil {
		return err
	}
	if !a.json && !a.quiet {
		if err := a.showPlan(p, planview.Options{All: s.all, Verbose: s.verbose}); err != nil {
			return err
		}
	}
	return a.carryOut(ctx, at, store, p, s.upgrade)
}

// applySaved applies a plan file: once, continued until it is finished, and only
// on the inputs and the state that it was made from.
func (a *app) applySaved(ctx context.Context, file string, s selection) error {
	p, err := loadPlan(file)
	if err != nil {
		return err
	}
	if _, err := os.Stat(p.Suite.Dir); err != nil {
		return &spec.Error{Kind: spec.ErrUsage, Summary: "the saved plan's suite is not where it was", Cause: err,
			Fix: "make a new plan where the suite is now: aicv plan -out FILE"}
	}
	at := a.placeOf([]string{p.Suite.Dir})
	store, err := a.openStore(ctx, at)
	if err != nil {
		return err
	}
	defer store.Close()
	if err := a.checkSaved(ctx, at, store, p, s); err != nil {
		return err
	}
	return a.carryOut(ctx, at, store, p, s.upgrade)
}

// checkSaved refuses a plan that was applied to its end or has become stale.
func (a *app) checkSaved(ctx context.Context, at place, store *state.Store, p *engine.Plan, s selection) error {
	record, started, err := store.Apply(ctx, p.ID)
	if err != nil {
		return err
	}
	if started && record.Status == spec.ApplyFinished {
		return &spec.Error{Kind: spec.ErrUsage,
			Summary: fmt.Sprintf("this plan was applied already (finished %s)", record.Finished.Format("2006-01-02 15:04:05")),
			Fix:     "make a new plan: aicv plan -out FILE"}
	}
	suite, err := a.loadSuite(at)
	if err != nil {
		return err
	}
	registry, err := a.registry(at)
	if err != nil {
		return err
	}
	changes, err := plan.Stale(ctx, p, suite, registry, store, started)
	if err != nil {
		return err
	}
	if len(changes) > 0 {
		return &spec.Error{Kind: spec.ErrUsage, Summary: "the saved plan is stale",
			Detail: "  " + strings.Join(changes, "\n  "), Fix: "make a new plan: aicv plan -out FILE"}
	}
	return a.checkLock(at, p, s.upgrade)
}

func (a *app) openStore(ctx context.Context, at place) (*state.Store, error) {
	return state.Open(ctx, at.state, state.Options{Command: redact(os.Args), MaxPages: a.config.MaxStatePages})
}

// carryOut executes the plan, reports, and turns the verdicts into the exit code.
func (a *app) carryOut(ctx context.Context, at place, store *state.Store, p *engine.Plan, upgrade bool) error {
	registry, err := a.registry(at)
	if err != nil {
		return err
	}
	if !p.Changes() {
		return a.nothingToDo(ctx, registry, store, p)
	}
	pins, err := a.writeLock(at, p, upgrade)
	if err != nil {
		return err
	}
	var wrapped engine.Store = store
	if a.config.WrapStore != nil {
		wrapped = a.config.WrapStore(store)
	}
	outcome, signals, err := a.execute(ctx, registry, wrapped, p, pins)
	if err != nil {
		return err
	}
	return a.conclude(ctx, p, store, outcome, signals)
}

func (a *app) execute(ctx context.Context, registry *engine.Registry, store engine.Store, p *engine.Plan, pins *imagePins) (*exec.Result, *interrupts, error) {
	var saved bytes.Buffer
	if err := plan.Save(&saved, p); err != nil {
		return nil, nil, err
	}
	up := &servers{up: map[string]string{}}
	views, err := a.openViews(up)
	if err != nil {
		return nil, nil, err
	}
	signals := a.watchInterrupts(ctx, func() { a.leave(up) })
	defer signals.stop()
	outcome, err := exec.Apply(signals.Context, exec.Request{
		Plan: p, Store: store, Registry: registry, Emit: views.Emit, Stop: signals.Graceful, Origin: origin(p.Suite.Dir),
		PlanData: saved.Bytes(), Images: pins.wanted, Pin: pins.pin,
	})
	if closeErr := views.Close(); err == nil {
		err = closeErr
	}
	return outcome, signals, err
}

// leave is the third Ctrl-C: say what is left, and go.
func (a *app) leave(up *servers) {
	fmt.Fprintln(a.stdio.Err, "\nLeft without waiting.")
	for _, line := range up.list() {
		fmt.Fprintf(a.stdio.Err, "  may still run: %s\n", tty.Clean(line))
	}
	fmt.Fprintln(a.stdio.Err, "aicv destroy removes what still runs, aicv apply resumes.")
	os.Exit(ExitInterrupted)
}

func (a *app) conclude(ctx context.Context, p *engine.Plan, store *state.Store, outcome *exec.Result, signals *interrupts) error {
	for _, left := range outcome.Left {
		fmt.Fprintf(a.stdio.Err, "Warning: could not tear down %s; aicv destroy removes it.\n", left)
	}
	if outcome.Status != spec.ApplyFinished || (signals.Interrupted() && outcome.Judgements == nil) {
		fmt.Fprintln(a.stdio.Err, "Interrupted. What was measured is kept; run aicv apply again to resume.")
		return exit(ExitInterrupted)
	}
	if err := a.printReport(ctx, p, store, outcome.Judgements); err != nil {
		return err
	}
	return verdictExit(p, outcome.Judgements)
}

// nothingToDo tidies up after an apply that was killed at its very end, and exits
// with the standing verdict.
func (a *app) nothingToDo(ctx context.Context, registry *engine.Registry, store *state.Store, p *engine.Plan) error {
	open, err := store.OpenSteps(ctx)
	if err != nil {
		return err
	}
	if len(open) > 0 {
		if _, _, err := a.execute(ctx, registry, store, p, &imagePins{}); err != nil {
			return err
		}
	}
	return a.standing(ctx, p, store)
}

// standing reports the verdicts as they stand.
func (a *app) standing(ctx context.Context, p *engine.Plan, store *state.Store) error {
	judgements, err := exec.Judge(ctx, p, store)
	if err != nil {
		return err
	}
	if err := a.printReport(ctx, p, store, judgements); err != nil {
		return err
	}
	return verdictExit(p, judgements)
}

func verdictExit(p *engine.Plan, judgements []spec.Judgement) error {
	if code := verify.ExitCode(judgements, p.Suite.OnUndecided); code != ExitOK {
		return exit(code)
	}
	return nil
}
