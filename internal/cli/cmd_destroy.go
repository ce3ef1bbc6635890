package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"aicv/engine/exec"
	"aicv/metric"
	"aicv/spec"
	"aicv/state"
)

func (a *app) destroyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "destroy [DIR]",
		Short: "Remove servers that the suite left behind",
		Long: `Destroy stops every server that belongs to the suite on every target that it names:
what a crash or a third Ctrl-C left running. It never removes results.`,
		Example: "  aicv destroy my-suite",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			at := a.placeOf(args)
			suite, err := a.loadSuite(at)
			if err != nil {
				return err
			}
			store, err := a.openStore(cmd.Context(), at)
			if err != nil {
				return err
			}
			defer store.Close()
			registry, err := a.registry(at)
			if err != nil {
				return err
			}
			stopped, err := exec.Destroy(cmd.Context(), exec.DestroyRequest{Suite: suite, Store: store, Registry: registry})
			if err != nil {
				return err
			}
			if err := a.printDestroyed(stopped); err != nil {
				return err
			}
			return beyondReach(cmd.Context(), suite, store.Reader)
		},
	}
}

// beyondReach names the servers that the state knows of on targets that the suite does
// not declare any more: nobody was asked about them.
func beyondReach(ctx context.Context, suite *spec.Suite, reader *state.Reader) error {
	running, err := reader.Running(ctx)
	if err != nil {
		return err
	}
	var lines []string
	for _, s := range running {
		declared := slices.ContainsFunc(suite.Components, func(c *spec.Component) bool { return c.Address() == s.Target })
		if !declared {
			lines = append(lines, fmt.Sprintf("  %s on %s, at %s, ready since %s", s.Server.ID, s.Target, s.Server.URL, s.Ready.Format("2006-01-02 15:04:05")))
		}
	}
	if len(lines) == 0 {
		return nil
	}
	return &spec.Error{Kind: spec.ErrUsage, Summary: metric.Count(len(lines), "server") + " may still run on targets that the suite does not declare any more",
		Detail: strings.Join(lines, "\n"), Fix: "declare the target again and run aicv destroy, or stop it by hand"}
}

func (a *app) printDestroyed(stopped []string) error {
	if a.json {
		return writeJSON(a.stdio.Out, map[string]any{"format_version": jsonFormat, "stopped": append([]string{}, stopped...)})
	}
	if len(stopped) == 0 {
		a.say("Nothing is left to remove.\n")
		return nil
	}
	for _, s := range stopped {
		a.say("Stopped %s.\n", s)
	}
	_, err := fmt.Fprintf(a.stdio.Out, "Removed %s. Results are kept.\n", metric.Count(len(stopped), "server"))
	return err
}
