// Command retabulate-hardware makes catalog/hardware/systems_gen.go from the system
// files of an installed aiconfigurator. It carries figures over, and stops at a key that
// it does not know.
//
//	go run ./scripts/retabulate-hardware -venv .tools/aiconfigurator
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// table is the file that is written, from the repository's root.
const table = "catalog/hardware/systems_gen.go"

func main() {
	venv := flag.String("venv", "", "virtual environment that aiconfigurator is installed in")
	out := flag.String("out", table, "file to write")
	flag.Parse()
	if *venv == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(1)
	}
	if err := retabulate(*venv, *out); err != nil {
		fmt.Fprintln(os.Stderr, "retabulate-hardware:", err)
		os.Exit(1)
	}
}

func retabulate(venv, out string) error {
	tool, err := find(venv)
	if err != nil {
		return err
	}
	source, err := tool.tabulate()
	if err != nil {
		return err
	}
	return os.WriteFile(out, source, 0o644)
}

// tool is an installed aiconfigurator.
type tool struct {
	systems string // folder of its system files
	version string
}

// find looks for the tool's core in a virtual environment.
func find(venv string) (tool, error) {
	found, err := filepath.Glob(filepath.Join(venv, "lib", "python3*", "site-packages", "aiconfigurator_core-*.dist-info"))
	if err != nil {
		return tool{}, err
	}
	if len(found) != 1 {
		return tool{}, fmt.Errorf("%s holds %d installations of aiconfigurator, wanted one", venv, len(found))
	}
	version := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(found[0]), "aiconfigurator_core-"), ".dist-info")
	return tool{filepath.Join(filepath.Dir(found[0]), "aiconfigurator_core", "systems"), version}, nil
}
