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
	"aicv/spec"
)

type fmtOptions struct {
	check, diff bool
}

func (a *app) fmtCommand() *cobra.Command {
	var o fmtOptions
	c := &cobra.Command{
		Use:   "fmt [DIR | FILE | -]...",
		Short: "Rewrite suite files in the canonical format",
		Long: `Fmt rewrites the suite's .hcl and .hclvars files in the canonical format and prints the
names of the files that it changed. A file that can not be read as HCL is shown, and the
others are formatted all the same. With - it formats standard input to standard output.`,
		Example: "  aicv fmt\n  aicv fmt -check -diff my-suite\n  aicv fmt - < suite.hcl",
		RunE: func(_ *cobra.Command, args []string) error {
			return a.format(args, o)
		},
	}
	c.Flags().BoolVar(&o.check, "check", false, "change nothing; exit 3 if a file is not formatted; 1 where one is faulty")
	c.Flags().BoolVar(&o.diff, "diff", false, "print the differences")
	return c
}

// format goes on after a file that can not be formatted, so that one run shows them all.
func (a *app) format(args []string, o fmtOptions) error {
	if len(args) == 0 {
		args = []string{"."}
	}
	var t formatted
	for _, arg := range args {
		if err := a.formatArgument(arg, o, &t); err != nil {
			return err
		}
	}
	switch {
	case t.faulty > 0:
		return exit(ExitError)
	case o.check && t.changed > 0:
		return exit(ExitFailed)
	}
	return nil
}

// formatted counts what became of the files.
type formatted struct {
	changed int // were not in order
	faulty  int // can not be read as HCL; said already
}

func (a *app) formatArgument(arg string, o fmtOptions, t *formatted) error {
	if arg == "-" {
		return a.formatStdin(o, t)
	}
	files, err := hclFiles(arg)
	if err != nil {
		return err
	}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		text, ok, err := a.formatSource(source, file)
		switch {
		case err != nil:
			return err
		case !ok:
			t.faulty++
			continue
		case bytes.Equal(source, text):
			continue
		}
		t.changed++
		if err := a.settle(file, source, text, o); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) formatStdin(o fmtOptions, t *formatted) error {
	source, err := io.ReadAll(a.stdio.In)
	if err != nil {
		return fmt.Errorf("read standard input: %w", err)
	}
	text, ok, err := a.formatSource(source, "<stdin>")
	if err != nil {
		return err
	}
	if !ok {
		t.faulty++
		return nil
	}
	if !bytes.Equal(source, text) {
		t.changed++
	}
	switch {
	case o.diff:
		_, err = fmt.Fprint(a.stdio.Out, format.Diff("<stdin>", source, text))
	case !o.check:
		_, err = a.stdio.Out.Write(text)
	}
	return err
}

// formatSource formats one file; false where it is faulty, which was then shown.
func (a *app) formatSource(source []byte, file string) ([]byte, bool, error) {
	text, diags := format.Source(source, file)
	if err := a.printDiagnostics(diags, map[string][]byte{file: source}); err != nil {
		return nil, false, err
	}
	return text, !diags.HasErrors(), nil
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
		return nil, &spec.Error{Kind: spec.ErrUsage, Summary: "nothing to format", Cause: err, Fix: "name a folder, a file, or - for standard input"}
	}
	if !info.IsDir() {
		if !isNative(path) {
			return nil, &spec.Error{Kind: spec.ErrUsage, Summary: path + " is no file in HCL's native syntax (*.hcl, *.hclvars)",
				Fix: "format files in JSON syntax with a tool for JSON"}
		}
		return []string{path}, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, e := range entries {
		if !e.IsDir() && isNative(e.Name()) && !strings.HasPrefix(e.Name(), ".") {
			files = append(files, filepath.Join(path, e.Name()))
		}
	}
	sort.Strings(files)
	return files, nil
}

func isNative(name string) bool {
	return strings.HasSuffix(name, ".hcl") || strings.HasSuffix(name, ".hclvars") || filepath.Base(name) == ".aicv.lock"
}
