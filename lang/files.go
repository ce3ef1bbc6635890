package lang

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/json"

	"aicv/spec"
)

// maxFileSize bounds one file of a suite, in bytes: the parser is recursive, and
// a suite is written by people.
const maxFileSize = 16 << 20

// maxNesting bounds how deep brackets may be nested, maxChain how many operators one
// expression may have.
const (
	maxNesting = 500
	maxChain   = 10_000
)

// readFiles reads and parses the suite's files in sorted order.
func (l *loader) readFiles() []hcl.Body {
	names, err := suiteFiles(l.options.Dir)
	if err != nil {
		l.noFolder(err)
		return nil
	}
	if len(names) == 0 {
		d := problem(spec.Range{}, "No suite in "+l.options.Dir, "A suite is the *.hcl and *.hcl.json files of one folder, and this folder has none.")
		d.Suggestion = "Name the suite's folder, or run aicv init to write a first suite."
		if like := almostSuite(l.options.Dir); like != "" {
			d.Suggestion = "Files in JSON syntax end in .hcl.json: rename " + like + " to " + strings.TrimSuffix(like, ".json") + ".hcl.json."
		}
		l.report(d)
		return nil
	}
	var bodies []hcl.Body
	for _, name := range names {
		l.files = append(l.files, name)
		if body := l.readFile(filepath.Join(l.options.Dir, name), name); body != nil {
			l.inputs[name] = string(spec.HashOf(l.sources[name]))
			bodies = append(bodies, body)
		}
	}
	return bodies
}

func (l *loader) noFolder(err error) {
	d := problem(spec.Range{}, "No suite in "+l.options.Dir, upperFirst(err.Error())+".")
	d.Suggestion = "Name the suite's folder."
	info, statErr := os.Stat(l.options.Dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.Detail = "The folder " + l.options.Dir + " does not exist."
		d.Suggestion += " To write a first suite there: aicv init " + l.options.Dir + "."
	case statErr == nil && !info.IsDir():
		d.Summary, d.Detail = l.options.Dir+" is a file", "A suite is all *.hcl and *.hcl.json files of one folder together."
		d.Suggestion = "Name its folder: " + filepath.Dir(l.options.Dir) + "."
	}
	l.report(d)
}

// almostSuite finds a file whose name only lacks the ending of the JSON syntax.
func almostSuite(dir string) string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return ""
	}
	for _, e := range entries {
		if !e.IsDir() && isJSON(e.Name()) && !strings.HasPrefix(e.Name(), ".") {
			return e.Name()
		}
	}
	return ""
}

// HasSuite reports whether a folder holds files of a suite. The error is of a folder that
// can not be read.
func HasSuite(dir string) (bool, error) {
	names, err := suiteFiles(dir)
	return len(names) > 0, err
}

// suiteFiles lists the suite's files in a folder, sorted.
func suiteFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("read folder: %w", err)
	}
	var names []string
	for _, e := range entries {
		name := e.Name()
		if e.IsDir() || strings.HasPrefix(name, ".") || !isSuiteFile(name) {
			continue
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names, nil
}

func isSuiteFile(name string) bool {
	return strings.HasSuffix(name, ".hcl") || strings.HasSuffix(name, ".hcl.json")
}

// readFile reads and parses one file; nil where that is impossible, which was then
// reported. What could be parsed of a faulty file is used for further messages.
func (l *loader) readFile(path, name string) hcl.Body {
	content, err := readRegular(path)
	if err != nil {
		l.fail(spec.Range{}, "File "+name+" can not be read", upperFirst(err.Error())+".")
		return nil
	}
	l.sources[name] = content
	if at, deep := tooDeep(content); deep {
		l.fail(spec.Range{File: name, Start: spec.Pos{Line: 1, Column: 1, Byte: 0}, End: spec.Pos{Line: 1, Column: 1, Byte: 0}},
			"File is nested too deeply", fmt.Sprintf("At byte %d more than %d brackets are open, or an expression has more than %d operators.", at, maxNesting, maxChain))
		return nil
	}
	return l.parse(content, name)
}

// readRegular reads a file of bounded size; devices and pipes are refused.
func readRegular(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("find file: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file")
	}
	if info.Size() > maxFileSize {
		return nil, fmt.Errorf("it has %d bytes, and %d are the most", info.Size(), maxFileSize)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read file: %w", err)
	}
	return content, nil
}

func (l *loader) parse(content []byte, name string) hcl.Body {
	start := hcl.Pos{Line: 1, Column: 1}
	var file *hcl.File
	var diags hcl.Diagnostics
	if isJSON(name) {
		file, diags = json.ParseWithStartPos(content, name, start)
	} else {
		file, diags = hclsyntax.ParseConfig(content, name, start)
	}
	l.parserDiags(diags, false)
	l.syntaxErrors = l.syntaxErrors || diags.HasErrors()
	if file == nil || file.Body == nil || (diags.HasErrors() && isJSON(name)) {
		return nil
	}
	return file.Body
}

func isJSON(name string) bool { return strings.HasSuffix(name, ".json") }

// tooDeep looks for nesting and for chains of operators that could exhaust the
// recursive parser's or evaluator's stack, before they are given the text. Strings
// and comments count too, which does no harm at these limits.
func tooDeep(content []byte) (at int, deep bool) {
	var open []byte
	chain := 0 // operators of the expression so far
	for i, c := range content {
		switch c {
		case '{', '[', '(':
			open = append(open, c)
			chain++
		case '}', ']', ')':
			open = open[:max(len(open)-1, 0)]
		case ',', '=':
			chain = 0
		case '\n':
			if len(open) == 0 || open[len(open)-1] == '{' {
				chain = 0
			}
		case '+', '-', '*', '/', '%', '!', '?', '<', '>', '&', '|':
			chain++
		}
		if len(open) > maxNesting || chain > maxChain {
			return i, true
		}
	}
	return 0, false
}

// hashInputs covers all that the suite's content depends on.
func (l *loader) hashInputs(suite *spec.Suite) {
	suite.Inputs = l.inputs
	var all strings.Builder
	for _, name := range slices.Sorted(maps.Keys(l.inputs)) {
		fmt.Fprintf(&all, "%q=%s\n", name, l.inputs[name])
	}
	suite.InputHash = string(spec.HashOf([]byte(all.String())))
}

// sortedKeys lists a map's keys in order, for output that must not depend on chance.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
