package cli

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"aicv/spec"
)

//go:embed starter.hcl
var starter []byte

func (a *app) initCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "init [DIR]",
		Short: "Write a small commented suite to start from",
		Long: `Init writes suite.hcl into the folder: a suite that runs as it is, on the simulated
engine that is built into aicv, with comments that say what to change for a real one.
It never overwrites a file.`,
		Example: "  aicv init my-suite\n  aicv apply my-suite",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return a.initSuite(a.placeOf(args).dir)
		},
	}
}

func (a *app) initSuite(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("create the suite's folder: %w", err)
	}
	existing, err := filepath.Glob(filepath.Join(dir, "*.hcl*"))
	if err != nil {
		return err
	}
	if len(existing) > 0 {
		return &spec.Error{Kind: spec.ErrUsage, Summary: fmt.Sprintf("%s holds a suite already (%s)", dir, filepath.Base(existing[0])),
			Fix: "name another folder"}
	}
	file := filepath.Join(dir, "suite.hcl")
	if err := os.WriteFile(file, starter, 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, ".gitignore"), []byte(".aicv/\n"), 0o644); err != nil {
		return err
	}
	fmt.Fprintf(a.stdio.Out, "Wrote %s. Next:\n\n  aicv plan %s\n  aicv apply %s\n", file, dir, dir)
	return nil
}
