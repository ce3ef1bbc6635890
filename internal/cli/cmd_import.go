package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"aicv/internal/cli/translateview"
	"aicv/lang"
	"aicv/spec"
	"aicv/translate"
	"aicv/translate/flags"
	"aicv/translate/formats"
)

type importOptions struct {
	out     string
	system  string
	gpus    int
	engine  string
	version string
}

func (a *app) importCommand() *cobra.Command {
	var o importOptions
	c := &cobra.Command{
		Use:   "import FORMAT PATH",
		Short: "Translate another tool's configuration into a suite",
		Long: `Import makes a suite of what another tool has: FORMAT is auto, or one of those below.
It says of every field what it became, how exactly, and why; a field without a
counterpart is listed too, and kept in a copy of the document beside the suite, from
which aicv export takes it again. Nothing is deployed and nothing is measured.

Formats:
` + formatList(),
		Example: "  aicv import auto task.json -out my-suite\n  aicv import autotuner task.yaml --system h100_sxm --gpus 8 --json",
		Args:    cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			return a.importSuite(args[0], args[1], o)
		},
		ValidArgs: append([]string{formats.Auto}, formats.Names()...),
	}
	c.Flags().StringVar(&o.out, "out", "", "folder to write the suite into (default: the suite to stdout, the report to stderr)")
	c.Flags().StringVar(&o.system, "system", "", "the GPUs' system, where the source does not name it (aicv hardware list)")
	c.Flags().IntVar(&o.gpus, "gpus", 0, "GPUs that there are, where the source does not say")
	c.Flags().StringVar(&o.engine, "runtime", "", "engine to measure in place of the source's: "+strings.Join(flags.Engines(), " or "))
	c.Flags().StringVar(&o.version, "runtime-version", "", "the engine's version, where the source names none or another")
	c.AddCommand(a.importResultsCommand())
	return c
}

func formatList() string {
	var rows [][2]string
	for _, f := range formats.All() {
		rows = append(rows, [2]string{f.Name, f.Doc})
	}
	return listed(24, rows)
}

// listed writes names with what they are, in two columns of a help text.
func listed(width int, rows [][2]string) string {
	var b strings.Builder
	for _, row := range rows {
		fmt.Fprintf(&b, "  %-*s %s\n", width, row[0], row[1])
	}
	return strings.TrimRight(b.String(), "\n")
}

// translation is what --json prints.
type translation struct {
	FormatVersion string `json:"format_version"`
	*translate.Report
	Counts      translateview.Counts `json:"counts"`
	Suite       string               `json:"suite"`
	Files       []string             `json:"files"`
	Folder      string               `json:"folder,omitempty"` // where they were written
	Diagnostics spec.Diagnostics     `json:"diagnostics,omitempty"`
}

func (a *app) importSuite(format, path string, o importOptions) error {
	if o.gpus < 0 || o.gpus > 0 && o.system == "" {
		return &spec.Error{Kind: spec.ErrUsage, Summary: "--gpus says how many GPUs of --system there are", Fix: "give both, with a number from 1"}
	}
	if o.engine != "" && !slices.Contains(flags.Engines(), o.engine) {
		return &spec.Error{Kind: spec.ErrUsage, Summary: fmt.Sprintf("--runtime %q is no engine that configurations are translated for", o.engine), Fix: "name " + strings.Join(flags.Engines(), " or ")}
	}
	suite, report, err := formats.Import(format, path, translate.Options{
		Hardware: translate.Hardware{System: o.system, GPUs: o.gpus}, Engine: o.engine, Version: o.version, Has: a.hasProvider,
	})
	if err != nil {
		return err
	}
	source, err := suite.Render()
	if err != nil {
		return err
	}
	files := append([]translate.File{{Name: translate.SuiteFile, Content: source}}, suite.Files...)
	loaded, diags, err := a.tryOut(files)
	if err != nil {
		return err
	}
	if diags.HasErrors() {
		if err := a.printDiagnostics(diags, loaded.Sources); err != nil {
			return err
		}
		return &spec.Error{Kind: spec.ErrUsage, Summary: "the translated suite does not hold, so it was not written", Fix: "correct the source as the messages say"}
	}
	if o.out != "" {
		if err := writeSuite(o.out, files); err != nil {
			return err
		}
	}
	return a.printTranslation(report, files, diags, loaded.Sources, o.out)
}

func (a *app) hasProvider(role, kind string) bool {
	return slices.ContainsFunc(a.config.Registrations, func(r spec.Registration) bool { return string(r.Role) == role && r.Kind == kind })
}

// tryOut loads the suite as validate would, in a folder of its own.
func (a *app) tryOut(files []translate.File) (*lang.Loaded, spec.Diagnostics, error) {
	dir, err := os.MkdirTemp("", "aicv-import-")
	if err != nil {
		return nil, nil, fmt.Errorf("make a folder to check the suite in: %w", err)
	}
	defer os.RemoveAll(dir)
	if err := writeFiles(dir, files); err != nil {
		return nil, nil, err
	}
	loaded, diags := lang.Load(lang.Options{Dir: dir, Registrations: a.config.Registrations})
	return loaded, diags, nil
}

// writeSuite writes into a folder that holds no suite yet.
func writeSuite(dir string, files []translate.File) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("create the suite's folder: %w", err)
	}
	has, err := lang.HasSuite(dir)
	if err != nil {
		return err
	}
	if has {
		return &spec.Error{Kind: spec.ErrUsage, Summary: dir + " holds a suite already", Fix: "name another folder"}
	}
	return writeFiles(dir, files)
}

func writeFiles(dir string, files []translate.File) error {
	for _, f := range files {
		if !filepath.IsLocal(f.Name) {
			return fmt.Errorf("write the suite: %q leads out of its folder", f.Name)
		}
		path := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("write the suite: %w", err)
		}
		if err := writeNew(path, f.Content); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) printTranslation(report *translate.Report, files []translate.File, diags spec.Diagnostics, sources map[string][]byte, out string) error {
	if a.json {
		names := make([]string, len(files))
		for i, f := range files {
			names[i] = f.Name
		}
		return writeJSON(a.stdio.Out, translation{jsonFormat, report, translateview.CountsOf(report), string(files[0].Content), names, out, diags})
	}
	if err := a.printDiagnostics(diags, sources); err != nil {
		return err
	}
	if out == "" {
		if err := translateview.Write(a.stdio.Err, report); err != nil {
			return err
		}
		_, err := a.stdio.Out.Write(files[0].Content)
		return err
	}
	if err := translateview.Write(a.stdio.Out, report); err != nil {
		return err
	}
	_, err := fmt.Fprintf(a.stdio.Out, "\nWrote %s. Next:\n\n  aicv validate %s\n  aicv plan %s\n", filepath.Join(out, files[0].Name), out, out)
	return err
}
