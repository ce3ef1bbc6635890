// Package formats lists the formats that aicv translates, and finds out which one a file
// or folder has.
package formats

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"aicv/spec"
	"aicv/translate"
	"aicv/translate/aiconf"
	"aicv/translate/autotuner"
	"aicv/translate/launch"
	"aicv/translate/tree"
)

// Auto stands for whichever format fits.
const Auto = "auto"

// Format is one format.
type Format struct {
	Name   string
	Doc    string // one sentence
	Rules  func() []translate.Rule
	Import func(s translate.Source, o translate.Options) (*translate.Suite, *translate.Report, error)
	Export func(e *translate.Experiment, x translate.Export) ([]byte, *translate.Report, error) // nil: the format is read only
	detect func(s translate.Source, doc *tree.Node) bool                                        // doc: nil where it is no document
}

// All lists the formats in the order in which they are tried.
func All() []Format {
	return []Format{
		{Name: autotuner.Format, Doc: "a tuning task of inference-autotuner, JSON or YAML",
			Rules: autotuner.Rules, Import: autotuner.Import, Export: autotuner.Export,
			detect: func(_ translate.Source, doc *tree.Node) bool {
				return doc.Get("base_runtime") != nil || doc.Get("model", "id_or_path") != nil
			}},
		{Name: aiconf.Results, Doc: "the folder that a search of aiconfigurator saved, or one of its CSV files",
			Rules: aiconf.ResultRules, Import: aiconf.ImportResults, Export: aiconf.ExportResults,
			detect: func(s translate.Source, _ *tree.Node) bool {
				return s.Files != nil || strings.EqualFold(filepath.Ext(s.Name), ".csv")
			}},
		{Name: aiconf.Exp, Doc: "the YAML of experiments that aiconfigurator runs, flat or in the older nested form",
			Rules: aiconf.ExpRules, Import: aiconf.ImportExp, Export: aiconf.ExportExp,
			detect: func(_ translate.Source, doc *tree.Node) bool { return aiconf.IsExp(doc) }},
		{Name: aiconf.Generator, Doc: "the generator_config.yaml of a search's row",
			Rules: aiconf.GeneratorRules, Import: aiconf.ImportGenerator, Export: aiconf.ExportGenerator,
			detect: func(_ translate.Source, doc *tree.Node) bool { return aiconf.IsGenerator(doc) }},
		{Name: launch.Format, Doc: "a command or script that starts SGLang or vLLM",
			Rules: launch.Rules, Import: launch.Import,
			detect: func(s translate.Source, doc *tree.Node) bool {
				return s.Files == nil && doc.Get("params") == nil && launch.Is(s.Data)
			}},
	}
}

// Names lists the formats' names.
func Names() []string {
	var names []string
	for _, f := range All() {
		names = append(names, f.Name)
	}
	return names
}

// Exports lists the names of the formats that are written.
func Exports() []string {
	var names []string
	for _, f := range All() {
		if f.Export != nil {
			names = append(names, f.Name)
		}
	}
	return names
}

// Export writes an experiment in a format. Its origin is read from the suite's folder, where
// it is of the same format.
func Export(format, dir string, e *translate.Experiment, x translate.Export) ([]byte, *translate.Report, error) {
	for _, f := range All() {
		if f.Name != format || f.Export == nil {
			continue
		}
		if o := e.Origin; o != nil && o.Format == format {
			source, err := origin(dir, o.File)
			if err != nil {
				return nil, nil, err
			}
			x.Origin = &source
		}
		return f.Export(e, x)
	}
	return nil, nil, &spec.Error{Kind: spec.ErrUsage, Summary: fmt.Sprintf("suites are not written as %q", format), Fix: "name one of " + strings.Join(append(Exports(), launch.Format), ", ")}
}

// origin reads the copy of the document that an experiment was made from; it lies inside of
// the suite's folder.
func origin(dir, file string) (translate.Source, error) {
	fix := "restore the file, or remove the origin block to write the document anew"
	if !filepath.IsLocal(filepath.FromSlash(file)) {
		return translate.Source{}, &spec.Error{Kind: spec.ErrUsage, Summary: fmt.Sprintf("the origin's file %q lies outside of the suite's folder", file), Fix: fix}
	}
	data, err := readFile(filepath.Join(dir, filepath.FromSlash(file)))
	if err != nil {
		return translate.Source{}, &spec.Error{Kind: spec.ErrUsage, Summary: "the document that the experiment was made from can not be read", Cause: err, Fix: fix}
	}
	return translate.Source{Name: filepath.Base(file), Data: data}, nil
}

// Import translates a file or folder of a format, or of whichever fits.
func Import(format, path string, o translate.Options) (*translate.Suite, *translate.Report, error) {
	source, err := read(path)
	if err != nil {
		return nil, nil, &spec.Error{Kind: spec.ErrUsage, Summary: "nothing to translate", Cause: err, Fix: "name a file or folder that can be read"}
	}
	f, err := find(format, source)
	if err != nil {
		return nil, nil, err
	}
	suite, report, err := f.Import(source, o)
	if err == nil && o.Version != "" {
		setVersion(suite, report, o.Version)
	}
	return suite, report, err
}

// setVersion gives all runtimes the version that the user names. An image of another
// version is left out.
func setVersion(s *translate.Suite, report *translate.Report, version string) {
	for i := range s.Experiments {
		for k := range s.Experiments[i].Runtimes {
			r := &s.Experiments[i].Runtimes[k]
			if r.Version == version {
				continue
			}
			if r.Image != "" {
				report.Add(translate.Row{Item: "runtime.image", Value: r.Image, Fidelity: spec.FidelityUnsupported, Why: "of another version than the command line names"})
				r.Image = ""
			}
			report.Add(translate.Row{Item: "runtime.version", Value: cmp.Or(r.Version, "(not given)"), Fidelity: spec.FidelityApproximate, Why: "the command line names " + version})
			r.Version = version
		}
	}
}

// find takes the format by name, or looks into the document.
func find(format string, s translate.Source) (Format, error) {
	for _, f := range All() {
		if f.Name == format {
			return f, nil
		}
	}
	if format != Auto {
		return Format{}, &spec.Error{Kind: spec.ErrUsage, Summary: fmt.Sprintf("there is no format %q", format),
			Fix: "name one of " + Auto + ", " + strings.Join(Names(), ", ")}
	}
	doc, broken := document(s)
	for _, f := range All() {
		if f.detect(s, doc) {
			return f, nil
		}
	}
	if broken != nil {
		return Format{}, broken
	}
	return Format{}, &spec.Error{Kind: spec.ErrUsage, Summary: s.Name + " has none of the formats that aicv translates",
		Detail: describe(), Fix: "name the format, if it is one of these"}
}

// document reads a file that may be a document: neither a folder nor a table.
func document(s translate.Source) (*tree.Node, error) {
	if s.Files != nil || strings.EqualFold(filepath.Ext(s.Name), ".csv") {
		return nil, nil
	}
	return tree.Parse(s.Name, s.Data)
}

func describe() string {
	var lines []string
	for _, f := range All() {
		lines = append(lines, f.Name+": "+f.Doc)
	}
	return strings.Join(lines, "\n")
}

// The bounds of a folder.
const (
	maxFiles = 256
	maxDeep  = 6
)

// read reads a file, or the tables and documents of a folder.
func read(path string) (translate.Source, error) {
	info, err := os.Stat(path)
	if err != nil {
		return translate.Source{}, err
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return translate.Source{}, err
	}
	s := translate.Source{Name: filepath.Base(absolute)}
	if info.IsDir() {
		s.Files, err = readFolder(path)
		return s, err
	}
	s.Data, err = readFile(path)
	return s, err
}

// readFolder reads a folder's files with what lies below it. Links are not followed.
func readFolder(root string) ([]translate.File, error) {
	files, size := []translate.File{}, 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		name, relErr := filepath.Rel(root, path)
		if err := errors.Join(err, relErr); err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		switch {
		case d.IsDir() && strings.Count(name, "/") >= maxDeep:
			return fs.SkipDir
		case !d.Type().IsRegular() || !isRead(name):
			return nil
		case len(files) == maxFiles:
			return fmt.Errorf("more than %d files", maxFiles)
		}
		data, err := readFile(path)
		if size += len(data); size > 4*tree.MaxBytes {
			return fmt.Errorf("more than %d bytes in all", 4*tree.MaxBytes)
		}
		files = append(files, translate.File{Name: name, Content: data})
		return err
	})
	return files, err
}

func isRead(name string) bool {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".csv", ".yaml", ".yml", ".json", ".sh":
		return true
	}
	return false
}

// readFile reads a file that is not larger than a document may be.
func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, tree.MaxBytes+1))
	if err == nil && len(data) > tree.MaxBytes {
		err = fmt.Errorf("%s has more than %d bytes", filepath.Base(path), tree.MaxBytes)
	}
	return data, err
}
