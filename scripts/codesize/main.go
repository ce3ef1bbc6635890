// Command codesize measures the size and style bars of this repository: function
// lengths (p50, p90, p99, max), file lengths, and the share of exported names with
// a doc comment. With -check it fails where a bar is broken.
package main

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The bars: lines of a function at the median, at p90 and at most; lines of a file.
const (
	barP50, barP90, barMax, barFile = 10, 35, 100, 500
)

// function is one function with its length in lines, braces included.
type function struct {
	where string
	lines int
}

// measured is what a walk over the tree found.
type measured struct {
	functions    []function
	files        []function
	code, tests  int
	exported     int
	undocumented []string
	inits        []string
}

func main() {
	check := flag.Bool("check", false, "fail where a bar is broken")
	flag.Parse()
	m, err := measure(".")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	m.print()
	if broken := m.broken(); *check && len(broken) > 0 {
		fmt.Println(strings.Join(broken, "\n"))
		os.Exit(1)
	}
}

func measure(root string) (*measured, error) {
	m := &measured{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") {
			return nil
		}
		return m.file(path)
	})
	return m, err
}

func (m *measured) file(path string) error {
	source, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	lines := strings.Count(string(source), "\n")
	if strings.HasSuffix(path, "_test.go") {
		m.tests += lines
		return nil
	}
	m.code += lines
	m.files = append(m.files, function{path, lines})
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, path, source, parser.ParseComments)
	if err != nil {
		return err
	}
	for _, d := range parsed.Decls {
		m.declaration(set, path, parsed.Name.Name, d)
	}
	return nil
}

func (m *measured) declaration(set *token.FileSet, path, pkg string, d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		length := set.Position(d.End()).Line - set.Position(d.Pos()).Line + 1
		m.functions = append(m.functions, function{path + ":" + d.Name.Name, length})
		if d.Name.Name == "init" && d.Recv == nil {
			m.inits = append(m.inits, path)
		}
		m.name(path, pkg, d.Name, d.Doc != nil, exportedReceiver(d))
	case *ast.GenDecl:
		m.group(path, pkg, d)
	}
}

func (m *measured) group(path, pkg string, d *ast.GenDecl) {
	for _, s := range d.Specs {
		switch s := s.(type) {
		case *ast.TypeSpec:
			m.name(path, pkg, s.Name, d.Doc != nil || s.Doc != nil, true)
		case *ast.ValueSpec:
			for _, n := range s.Names {
				m.name(path, pkg, n, d.Doc != nil || s.Doc != nil || s.Comment != nil, true)
			}
		}
	}
}

func (m *measured) name(path, pkg string, n *ast.Ident, documented, reachable bool) {
	if !n.IsExported() || !reachable || pkg == "main" {
		return
	}
	m.exported++
	if !documented {
		m.undocumented = append(m.undocumented, path+":"+n.Name)
	}
}

// exportedReceiver is false for methods of unexported types, which no page shows.
func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	t := d.Recv.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	if index, ok := t.(*ast.IndexExpr); ok {
		t = index.X
	}
	name, ok := t.(*ast.Ident)
	return ok && name.IsExported()
}

func (m *measured) print() {
	lengths := m.lengths()
	fmt.Printf("functions: %d, lines p50 %d, p90 %d, p99 %d, max %d\n",
		len(lengths), quantile(lengths, 50), quantile(lengths, 90), quantile(lengths, 99), quantile(lengths, 100))
	longest := slices.MaxFunc(m.files, func(a, b function) int { return a.lines - b.lines })
	fmt.Printf("files: %d, longest %s with %d lines\n", len(m.files), longest.where, longest.lines)
	fmt.Printf("lines: %d code, %d tests (%.2f)\n", m.code, m.tests, float64(m.tests)/float64(m.code))
	fmt.Printf("exported names: %d, without doc comment: %d\n", m.exported, len(m.undocumented))
}

func (m *measured) lengths() []int {
	lengths := make([]int, len(m.functions))
	for i, f := range m.functions {
		lengths[i] = f.lines
	}
	slices.Sort(lengths)
	return lengths
}

func quantile(sorted []int, percent int) int {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[(len(sorted)-1)*percent/100]
}

func (m *measured) broken() []string {
	var broken []string
	lengths := m.lengths()
	for _, bar := range []struct{ percent, most int }{{50, barP50}, {90, barP90}} {
		if got := quantile(lengths, bar.percent); got > bar.most {
			broken = append(broken, fmt.Sprintf("function length p%d is %d, the bar is %d", bar.percent, got, bar.most))
		}
	}
	for _, f := range m.functions {
		if f.lines > barMax {
			broken = append(broken, fmt.Sprintf("%s has %d lines, the bar is %d", f.where, f.lines, barMax))
		}
	}
	for _, f := range m.files {
		if f.lines > barFile {
			broken = append(broken, fmt.Sprintf("%s has %d lines, the bar is %d", f.where, f.lines, barFile))
		}
	}
	for _, name := range m.undocumented {
		broken = append(broken, name+" has no doc comment")
	}
	for _, path := range m.inits {
		broken = append(broken, path+" has an init function")
	}
	return broken
}
