package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"aicv/internal/tty"
	"aicv/metric"
	"aicv/spec"
	"aicv/state"
)

func (a *app) stateCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "state",
		Short: "Look at and look after the state database",
		Long: `The state holds what was measured, with all that is needed to defend it. These
commands list and show it, set measurements aside, back it up and check it.`,
		Example: "  aicv state list my-suite\n  aicv state backup my-suite before-upgrade.db",
	}
	c.AddCommand(a.stateListCommand(), a.stateShowCommand(), a.stateRemoveCommand(), a.stateBackupCommand(), a.stateCheckCommand(), a.stateOrphansCommand())
	return c
}

func (a *app) stateListCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list [DIR]",
		Short:   "List the measurements in the state",
		Example: "  aicv state list my-suite\n  aicv state list --json",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withReader(cmd.Context(), args, func(r *state.Reader) error {
				measurements, err := r.Measurements(cmd.Context())
				if err != nil {
					return err
				}
				return a.printMeasurements(a.placeOf(args), measurements)
			})
		},
	}
}

func (a *app) printMeasurements(at place, measurements []spec.MeasurementInfo) error {
	if a.json {
		return writeJSON(a.stdio.Out, map[string]any{
			"format_version": jsonFormat, "measurements": append([]spec.MeasurementInfo{}, measurements...)})
	}
	if len(measurements) == 0 {
		if absent(at.state) {
			a.say("There is no state at %s yet: the first apply makes it.\n", at.state)
			return nil
		}
		a.say("The state %s holds no measurement.\n", at.state)
		return nil
	}
	table := tabwriter.NewWriter(a.stdio.Out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "MEASUREMENT\tRUNS\tSET ASIDE\tCELL")
	for _, m := range measurements {
		fmt.Fprintf(table, "%s\t%d\t%d\t%s\n", m.ID, m.Runs, m.Retired, tty.Clean(m.Address))
	}
	return table.Flush()
}

func (a *app) stateShowCommand() *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:     "show MEASUREMENT",
		Short:   "Show one measurement: what it covers and all of its runs",
		Example: "  aicv state show 3f2a6c --suite my-suite\n  aicv state show 'experiment.baseline[\"concurrency=4\"]' --suite my-suite",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := needState(a.placeOf([]string{dir})); err != nil {
				return err
			}
			return a.withReader(cmd.Context(), []string{dir}, func(r *state.Reader) error {
				details, err := findMeasurements(cmd.Context(), r, args[0])
				if err != nil {
					return err
				}
				if a.json {
					return writeJSON(a.stdio.Out, map[string]any{"format_version": jsonFormat, "measurements": details})
				}
				for _, d := range details {
					if err := printDetail(a.stdio.Out, d); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	c.Flags().StringVar(&dir, "suite", ".", "the suite's folder")
	return c
}

// findMeasurements finds what a name stands for; finding nothing is an error.
func findMeasurements(ctx context.Context, r *state.Reader, name string) ([]state.Detail, error) {
	details, err := r.Show(ctx, name)
	if err == nil && len(details) == 0 {
		err = &spec.Error{Kind: spec.ErrUsage, Summary: fmt.Sprintf("the state holds no measurement %q", name),
			Fix: "name the beginning of an identity that aicv state list shows, or a cell's address; --suite names the suite's folder"}
	}
	return details, err
}

func printDetail(w io.Writer, d state.Detail) error {
	fmt.Fprintf(w, "%s\n  %s\n\n", d.Info.ID, tty.Clean(d.Info.Address))
	for _, f := range d.Info.Content.Fields() {
		fmt.Fprintf(w, "  %s = %s\n", f.Name, tty.Clean(f.Value.String()))
	}
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "\nRUN\tSTART\tREQUESTS\tFAILED\tWINDOW\tVALUES")
	for _, r := range d.Runs {
		fmt.Fprintf(table, "%d\t%d\t%d\t%d\t%s\t", r.Index, r.Start, r.Result.Requests, r.Result.Failed, r.Result.Window)
		for _, v := range r.Result.Values {
			if !v.Metric.IsPercentile() {
				fmt.Fprintf(table, "%s=%.4g%s ", v.Metric, v.Value, unitOf(v.Metric))
			}
		}
		fmt.Fprintln(table)
	}
	return table.Flush()
}

// unitOf is a metric's unit behind a figure; a share has none.
func unitOf(name metric.Name) string {
	m, ok := metric.Lookup(name)
	if !ok || m.Unit == metric.Share {
		return ""
	}
	return " " + string(m.Unit)
}

func (a *app) stateRemoveCommand() *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:   "rm MEASUREMENT...",
		Short: "Set measurements aside: their runs stay in history and count no more",
		Long: `Rm sets measurements aside. Nothing measured is deleted: the runs stay in the state's
history, but no claim is judged by them, and the next plan measures the cells again.`,
		Example: "  aicv state rm 3f2a6c --suite my-suite",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			at := a.placeOf([]string{dir})
			if err := needState(at); err != nil {
				return err
			}
			store, err := a.openStore(cmd.Context(), at)
			if err != nil {
				return err
			}
			defer store.Close()
			var ids []spec.ID
			for _, name := range args {
				details, err := findMeasurements(cmd.Context(), store.Reader, name)
				if err != nil {
					return err
				}
				for _, d := range details {
					ids = append(ids, d.Info.ID)
				}
			}
			if err := store.Retire(cmd.Context(), ids, "set aside by hand"); err != nil {
				return err
			}
			a.say("Set aside %s.\n", metric.Count(len(ids), "measurement"))
			return nil
		},
	}
	c.Flags().StringVar(&dir, "suite", ".", "the suite's folder")
	return c
}

func (a *app) stateBackupCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "backup DIR FILE",
		Short:   "Write a consistent copy of the state, also while an apply runs",
		Example: "  aicv state backup . state-2026-11-20.db",
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := needState(a.placeOf(args)); err != nil {
				return err
			}
			if !absent(args[1]) {
				return &spec.Error{Kind: spec.ErrUsage, Summary: args[1] + " exists already, and a backup overwrites nothing", Fix: "name a new file"}
			}
			return a.withReader(cmd.Context(), args[:1], func(r *state.Reader) error {
				if err := r.Backup(cmd.Context(), args[1]); err != nil {
					return err
				}
				a.say("Wrote %s.\n", args[1])
				return nil
			})
		},
	}
}

func (a *app) stateCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "check [DIR]",
		Short:   "Check the state's integrity",
		Long:    "Check reads the whole state and says what is damaged in it. A state that is not there\nis no sound one: it is an error.",
		Example: "  aicv state check my-suite",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := needState(a.placeOf(args)); err != nil {
				return err
			}
			return a.withReader(cmd.Context(), args, func(r *state.Reader) error {
				problems, err := r.Check(cmd.Context())
				if err != nil {
					return err
				}
				return a.printProblems(problems)
			})
		},
	}
}

func (a *app) printProblems(problems []string) error {
	if a.json {
		if err := writeJSON(a.stdio.Out, map[string]any{
			"format_version": jsonFormat, "problems": append([]string{}, problems...)}); err != nil {
			return err
		}
	}
	for _, p := range problems {
		a.say("%s\n", tty.Clean(p))
	}
	if len(problems) > 0 {
		return exit(ExitError)
	}
	a.say("The state is sound.\n")
	return nil
}

// absent says whether there is nothing at a path. What can not be looked at counts as
// there: opening it says why.
func absent(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// needState refuses to look after a state that is not there: nothing is neither sound nor
// worth a backup, and a folder that was mistyped must not look like one without runs.
func needState(at place) error {
	if !absent(at.state) {
		return nil
	}
	return &spec.Error{Kind: spec.ErrUsage, Summary: "there is no state at " + at.state,
		Fix: "name the suite's folder or --state; the first aicv apply makes the state"}
}

// openReader opens the state for reading. Without --state one that does not exist yet
// is empty; one that was named must be there.
func (a *app) openReader(ctx context.Context, at place) (*state.Reader, error) {
	if a.state != "" {
		if _, err := os.Stat(a.state); err != nil {
			return nil, &spec.Error{Kind: spec.ErrUsage, Summary: "the state that --state names can not be read", Cause: err,
				Fix: "name an existing state, or leave --state out"}
		}
	}
	return state.OpenReader(ctx, at.state)
}

func (a *app) withReader(ctx context.Context, args []string, use func(*state.Reader) error) error {
	at := a.placeOf(args)
	if absent(at.dir) {
		return &spec.Error{Kind: spec.ErrUsage, Summary: "the folder " + at.dir + " does not exist", Fix: "name the suite's folder"}
	}
	reader, err := a.openReader(ctx, at)
	if err != nil {
		return err
	}
	defer reader.Close()
	return use(reader)
}
