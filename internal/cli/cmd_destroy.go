package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"aicv/engine/exec"
	"aicv/metric"
)

func (a *app) destroyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "destroy [DIR]",
		Short: "Remove servers that the suite left behind",
		Long: `Destroy stops every server that belongs to the suite on every target that it names:
what a crash or a third Ctrl-C left running. It never removes results.`,
		Example: "  aicv destroy",
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
			return a.printDestroyed(stopped)
		},
	}
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
