package cli

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

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
	if isFile(dir) {
		return &spec.Error{Kind: spec.ErrUsage, Summary: dir + " is a file", Fix: "name a folder; it is made where it does not exist"}
	}
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
	if err := ignoreWorkFolder(filepath.Join(dir, ".gitignore")); err != nil {
		return err
	}
	fmt.Fprintf(a.stdio.Out, "Wrote %s. Next:\n\n  aicv plan %s\n  aicv apply %s\n", file, dir, dir)
	return nil
}

// ignoreWorkFolder keeps the state out of version control. A file that is there keeps
// its lines.
func ignoreWorkFolder(path string) error {
	const line = ".aicv/"
	content, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for known := range strings.Lines(string(content)) {
		if word := strings.TrimSpace(known); word == line || word == ".aicv" {
			return nil
		}
	}
	if len(content) > 0 && content[len(content)-1] != '\n' {
		content = append(content, '\n')
	}
	return replaceFile(path, append(content, line+"\n"...))
}
