package cli

import (
	"context"
	"os"
	"os/signal"

	"github.com/spf13/cobra"

	"aicv/internal/cli/doctor"
	"aicv/lang"
	"aicv/spec"
)

func (a *app) doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor [DIR]",
		Short: "Look whether this machine has what a suite needs, and say how to fix it",
		Long: `Doctor looks at the host, the state, the models' files and everything that the suite
declares: targets, runtimes, predictors and benchmarks. Tools are found and asked for
their version, endpoints for their health, files are read, images are compared with
those that .aicv.lock pins. It starts no server and
changes nothing. In a folder without a suite it looks at what needs no declaration.

Exit codes: 0 nothing failed (warnings may be there); 1 something failed.`,
		Example: "  aicv doctor\n  aicv doctor examples/predictors\n  aicv doctor --json",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt)
			defer stop()
			return a.doctor(ctx, a.placeOf(args))
		},
	}
}

func (a *app) doctor(ctx context.Context, at place) error {
	suite, err := a.suiteIfAny(at)
	if err != nil {
		return err
	}
	registry, err := a.registry(at)
	if err != nil {
		return err
	}
	pinned, err := a.readLock(at)
	if err != nil {
		return err
	}
	entries := doctor.Examine(ctx, doctor.Request{Suite: suite, Registrations: a.config.Registrations, Registry: registry, State: at.state, Pinned: pinnedImages(pinned)})
	if err := ctx.Err(); err != nil {
		return &spec.Error{Kind: spec.ErrInterrupted, Summary: "doctor was interrupted", Cause: err}
	}
	if err := a.printChecks(entries); err != nil {
		return err
	}
	if doctor.Failed(entries) {
		return exit(ExitError)
	}
	return nil
}

// suiteIfAny loads the suite; nil where the folder has none.
func (a *app) suiteIfAny(at place) (*spec.Suite, error) {
	if there, err := lang.HasSuite(at.dir); err == nil && !there {
		a.say("There is no suite in %s: only what needs no declaration is looked at.\n\n", at.dir)
		return nil, nil
	}
	return a.loadSuite(at)
}

func (a *app) printChecks(entries []doctor.Entry) error {
	if !a.json {
		return doctor.Write(a.stdio.Out, entries, a.color(a.stdio.Out))
	}
	return writeJSON(a.stdio.Out, struct {
		FormatVersion string         `json:"format_version"`
		OK            bool           `json:"ok"`
		Checks        []doctor.Entry `json:"checks"`
	}{jsonFormat, !doctor.Failed(entries), entries})
}
