package cli

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"aicv/catalog/hardware"
	"aicv/internal/cli/hardwareview"
	"aicv/kit/gpu"
	"aicv/kit/lock"
	"aicv/lang/suggest"
	"aicv/spec"
)

func (a *app) hardwareCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "hardware",
		Short: "Look at the systems that can be declared, and at the GPUs of this host",
		Long: `A hardware block declares a system by aiconfigurator's name. These commands list the
systems with the figures that predictions are made from, and say which system the
GPUs of this host are.`,
		Example: "  aicv hardware list\n  aicv hardware show h200_sxm\n  aicv hardware detect --json",
	}
	c.AddCommand(a.hardwareListCommand(), a.hardwareShowCommand(), a.hardwareDetectCommand())
	return c
}

func (a *app) hardwareListCommand() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:     "list",
		Short:   "List the systems with their figures",
		Example: "  aicv hardware list\n  aicv hardware list --json\n  aicv hardware list --format markdown",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			switch {
			case format == "markdown":
				_, err := a.stdio.Out.Write(hardwareview.Markdown())
				return err
			case format != "text":
				return wrongFormat(format, "text", "markdown")
			case a.json:
				return writeJSON(a.stdio.Out, systemsDocument())
			}
			return hardwareview.List(a.stdio.Out)
		},
	}
	c.Flags().StringVar(&format, "format", "text", "text, or markdown for the page of the documentation")
	return c
}

// systems is the list of systems as --json prints it.
type systems struct {
	FormatVersion string                        `json:"format_version"`
	Tool          string                        `json:"tool"` // whose figures they are
	Systems       []hardwareview.SystemDocument `json:"systems"`
}

func systemsDocument() systems {
	d := systems{FormatVersion: jsonFormat, Tool: "aiconfigurator " + hardware.ToolVersion}
	for _, s := range hardware.Systems() {
		d.Systems = append(d.Systems, hardwareview.Document(s))
	}
	return d
}

func (a *app) hardwareShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "show SYSTEM",
		Short:   "Show one system: its figures, their sources, and the names that drivers report",
		Example: "  aicv hardware show gb200",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			s, known := hardware.Lookup(args[0])
			switch {
			case !known:
				return noSystem(args[0])
			case a.json:
				return writeJSON(a.stdio.Out, struct {
					FormatVersion string `json:"format_version"`
					hardwareview.SystemDocument
				}{jsonFormat, hardwareview.Document(s)})
			}
			return hardwareview.Show(a.stdio.Out, s)
		},
	}
}

func noSystem(name string) error {
	fix := "aicv hardware list shows the systems that there are"
	likely := hardware.Guess(name)
	if near, ok := suggest.Best(name, hardware.Names()); ok && len(likely) == 0 {
		likely = []string{near}
	}
	if len(likely) > 0 {
		fix = "did you mean " + strings.Join(likely, " or ") + "?"
	}
	return &spec.Error{Kind: spec.ErrUsage, Summary: fmt.Sprintf("there is no system %q", name), Fix: fix}
}

func (a *app) hardwareDetectCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "detect",
		Short: "Say which GPUs this host has, which system they are and who uses them",
		Long: `Detect asks the drivers' tools (nvidia-smi, amd-smi or rocm-smi) and changes nothing. A
host without GPUs is an answer like any other and exits with 0; a tool that is
installed and does not answer exits with 1.`,
		Example: "  aicv hardware detect\n  aicv hardware detect --json",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.detect(cmd.Context()) },
	}
}

func (a *app) detect(ctx context.Context) error {
	found, err := gpu.Read(ctx, gpu.Run)
	if err != nil {
		return err
	}
	name, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("read the host's name: %w", err)
	}
	holders, err := gpu.Pool{Dir: lock.Folder()}.Holders(ctx, found.GPUs())
	if err != nil {
		found.Problems = append(found.Problems, gpu.Problem{What: "reservations", Detail: err.Error()})
	}
	document := hardwareview.Host(name, a.getenvText("CUDA_VISIBLE_DEVICES"), found, holders)
	if err := a.printHost(document); err != nil {
		return err
	}
	if found.Failure() != "" {
		return exit(ExitError)
	}
	return nil
}

func (a *app) printHost(d hardwareview.HostDocument) error {
	if a.json {
		d.FormatVersion = jsonFormat
		return writeJSON(a.stdio.Out, d)
	}
	return hardwareview.Detected(a.stdio.Out, d)
}
