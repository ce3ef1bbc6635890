package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"aicv/internal/cli/graphview"
	"aicv/lang/suggest"
	"aicv/spec"
)

func (a *app) graphCommand() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:     "graph [DIR | PLANFILE]",
		Short:   "Print the execution graph",
		Long:    "Graph prints what apply would run, step by step, as DOT, Mermaid or JSON.",
		Example: "  aicv graph | dot -Tsvg > graph.svg\n  aicv graph --format mermaid",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if a.json {
				format = "json"
			}
			if len(args) == 1 && isFile(args[0]) {
				p, err := loadPlan(args[0])
				if err != nil {
					return err
				}
				return graphview.Write(a.stdio.Out, p, format)
			}
			p, err := a.makePlan(cmd.Context(), a.placeOf(args), selection{upgrade: true})
			if err != nil {
				return err
			}
			return graphview.Write(a.stdio.Out, p, format)
		},
	}
	c.Flags().StringVar(&format, "format", "dot", "dot, mermaid or json")
	choices(c, "format", "dot", "mermaid", "json")
	return c
}

// wrongFormat names the formats that there are, and the nearest.
func wrongFormat(format string, known ...string) error {
	e := &spec.Error{Kind: spec.ErrUsage, Summary: fmt.Sprintf("unknown format %q", format), Fix: "use one of " + strings.Join(known, ", ")}
	if best, ok := suggest.Best(format, known); ok {
		e.Fix = "did you mean " + best + "? There are " + strings.Join(known, ", ")
	}
	return e
}
