// Package formats lists the formats that aicv translates, and finds out which one a file
// or folder has.
package formats

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"aicv/spec"
	"aicv/translate"
	"aicv/translate/autotuner"
	"aicv/translate/tree"
)

// Auto stands for whichever format fits.
const Auto = "auto"

// Format is one format.
type Format struct {
	Name   string
	Doc    string // one sentence
	Rules  func() []translate.Rule
	Import func(name string, data []byte, o translate.Options) (*translate.Suite, *translate.Report, error)
	detect func(doc *tree.Node) bool
}

// All lists the formats in the order in which they are tried.
func All() []Format {
	return []Format{
		{Name: autotuner.Format, Doc: "a tuning task of inference-autotuner, JSON or YAML",
			Rules: autotuner.Rules, Import: autotuner.Import,
			detect: func(doc *tree.Node) bool {
				return doc.Get("base_runtime") != nil || doc.Get("model", "id_or_path") != nil
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

// Import translates a file of a format, or of whichever fits.
func Import(format, path string, o translate.Options) (*translate.Suite, *translate.Report, error) {
	data, err := read(path)
	if err != nil {
		return nil, nil, err
	}
	f, err := find(format, path, data)
	if err != nil {
		return nil, nil, err
	}
	return f.Import(filepath.Base(path), data, o)
}

// find takes the format by name, or looks into the document.
func find(format, path string, data []byte) (Format, error) {
	for _, f := range All() {
		if f.Name == format {
			return f, nil
		}
	}
	if format != Auto {
		return Format{}, &spec.Error{Kind: spec.ErrUsage, Summary: fmt.Sprintf("there is no format %q", format),
			Fix: "name one of " + Auto + ", " + strings.Join(Names(), ", ")}
	}
	doc, err := tree.Parse(filepath.Base(path), data)
	if err != nil {
		return Format{}, err
	}
	for _, f := range All() {
		if f.detect(doc) {
			return f, nil
		}
	}
	return Format{}, &spec.Error{Kind: spec.ErrUsage, Summary: filepath.Base(path) + " has none of the formats that aicv translates",
		Detail: describe(), Fix: "name the format, if it is one of these"}
}

func describe() string {
	var lines []string
	for _, f := range All() {
		lines = append(lines, f.Name+": "+f.Doc)
	}
	return strings.Join(lines, "\n")
}

// read reads a file that is not larger than a document may be.
func read(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, &spec.Error{Kind: spec.ErrUsage, Summary: "nothing to translate", Cause: err, Fix: "name a file that can be read"}
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, tree.MaxBytes+1))
	if err != nil {
		return nil, &spec.Error{Kind: spec.ErrUsage, Summary: "nothing to translate", Cause: err, Fix: "name a file that can be read"}
	}
	return data, nil
}
