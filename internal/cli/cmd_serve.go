package cli

import (
	"fmt"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"aicv/spec"
)

// serveCommand starts a provider's embedded server; runtimes start themselves
// through it.
func (a *app) serveCommand() *cobra.Command {
	return &cobra.Command{
		Use:                "serve KIND [ARGS...]",
		Short:              "Run a server that is built in, such as the simulated engine",
		Long:               "Serve runs the server that is built into a provider, such as the simulated inference engine\n`sim`, until it is told to stop. Targets start it; people use it to try the server by hand.",
		Example:            "  aicv serve sim --listen 127.0.0.1:8000\n  aicv serve sim --help",
		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 && (args[0] == "-h" || args[0] == "--help") { // flags behind a kind are the server's
				return cmd.Help()
			}
			if len(args) == 0 {
				return noServer("serve needs the kind of server", a.config.Registrations)
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			for _, r := range a.config.Registrations {
				if r.Kind == args[0] && r.Serve != nil {
					return r.Serve(ctx, args[1:], a.stdio.Out, a.stdio.Err)
				}
			}
			return noServer(fmt.Sprintf("there is no built-in server %q", args[0]), a.config.Registrations)
		},
	}
}

// noServer says which servers there are.
func noServer(summary string, registrations []spec.Registration) error {
	var kinds []string
	for _, r := range registrations {
		if r.Serve != nil {
			kinds = append(kinds, r.Kind)
		}
	}
	return &spec.Error{Kind: spec.ErrUsage, Summary: summary,
		Fix: "there are: " + strings.Join(kinds, ", ") + ", as in aicv serve sim --listen 127.0.0.1:8000"}
}
