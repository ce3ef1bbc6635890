package cli

import (
	"fmt"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// serveCommand starts a provider's embedded server; runtimes start themselves
// through it.
func (a *app) serveCommand() *cobra.Command {
	return &cobra.Command{
		Use:                "serve KIND [ARGS...]",
		Short:              "Run a provider's embedded server",
		Long:               "Serve runs the server that is built into a provider, such as the simulated inference engine\n`sim`, until it is told to stop. Targets start it; people use it to try the server by hand.",
		Example:            "  aicv serve sim --listen 127.0.0.1:8000",
		Hidden:             true,
		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 && (args[0] == "-h" || args[0] == "--help") { // flags behind a kind are the server's
				return cmd.Help()
			}
			if len(args) == 0 {
				return fmt.Errorf("serve needs the kind of server: aicv serve sim --listen 127.0.0.1:8000")
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			for _, r := range a.config.Registrations {
				if r.Kind == args[0] && r.Serve != nil {
					return r.Serve(ctx, args[1:], a.stdio.Out, a.stdio.Err)
				}
			}
			return fmt.Errorf("no provider %q has an embedded server", args[0])
		},
	}
}
