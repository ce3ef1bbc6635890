package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/spf13/cobra"

	"aicv/lang/format"
)

type fmtOptions struct {
	check, diff bool
}

func (a *app) fmtCommand() *cobra.Command {
	var o fmtOptions
	c := &cobra.Command{
		Use:   "fmt [DIR | FILE | -]...",
		Short: "Rewrite suite files in the canonical format",
		Long: `Fmt rewrites the suite's .hcl files in the canonical format and prints the names of
the files that it changed. With - it formats standard input to standard output.`,
		Example: "  aicv fmt\n  aicv fmt -check -diff my-suite\n  aicv fmt - < suite.hcl",
		RunE: func(_ *cobra.Command, args []string) error {
			return a.format(args, o)
		},
	}
	c.Flags().BoolVar(&o.check, "check", false, "change nothing; exit 3 if a file is not formatted")
	c.Flags().BoolVar(&o.diff, "diff", false, "print the differences")
	return c
}

func (a *app) format(args []string, o fmtOptions) error {
	if len(args) == 0 {
		args = []string{"."}
	}
	unformatted := 0
	for _, arg := range args {
		n, err := a.formatArgument(arg, o)
		if err != nil {
			return err
		}
		unformatted += n
	}
	if o.check && unformatted > 0 {
		return exit(ExitFailed)
	}
	return nil
}

// formatArgument formats one argument and returns how many files were not in order.
func (a *app) formatArgument(arg string, o fmtOptions) (int, error) {
	if arg == "-" {
		return a.formatStdin(o)
	}
	files, err := hclFiles(arg)
	if err != nil {
		return 0, err
	}
	changed := 0
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			return changed, err
		}
		formatted, err := a.formatSource(source, file)
		if err != nil {
			return changed, err
		}
		if bytes.Equal(source, formatted) {
			continue
		}
		changed++
		if err := a.settle(file, source, formatted, o); err != nil {
			return changed, err
		}
	}
	return changed, nil
}

func (a *app) formatStdin(o fmtOptions) (int, error) {
	source, err := io.ReadAll(a.stdio.In)
	if err != nil {
		return 0, fmt.Errorf("read standard input: %w", err)
	}
	formatted, err := a.formatSource(source, "<stdin>")
	if err != nil {
		return 0, err
	}
	changed := 0
	if !bytes.Equal(source, formatted) {
		changed = 1
	}
	switch {
	case o.diff:
		fmt.Fprint(a.stdio.Out, format.Diff("<stdin>", source, formatted))
	case !o.check:
		_, err = a.stdio.Out.Write(formatted)
	}
	return changed, err
}

func (a *app) formatSource(source []byte, file string) ([]byte, error) {
	formatted, diags := format.Source(source, file)
	if err := a.printDiagnostics(diags, map[string][]byte{file: source}); err != nil {
		return nil, err
	}
	if diags.HasErrors() {
		return nil, exit(ExitError)
	}
	return formatted, nil
}

// settle reports an unformatted file, and rewrites it unless it is only checked.
func (a *app) settle(file string, source, formatted []byte, o fmtOptions) error {
	fmt.Fprintln(a.stdio.Out, file)
	if o.diff {
		fmt.Fprint(a.stdio.Out, format.Diff(file, source, formatted))
	}
	if o.check {
		return nil
	}
	return replaceFile(file, formatted)
}

// hclFiles lists the native-syntax files of a folder, or the file itself.
func hclFiles(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, e := range entries {
		if !e.IsDir() && strings.HasSuffix(e.Name(), ".hcl") {
			files = append(files, filepath.Join(path, e.Name()))
		}
	}
	sort.Strings(files)
	return files, nil
}
