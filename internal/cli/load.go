package cli

import (
	"fmt"
	"path/filepath"
	"strings"

	"aicv/lang"
	"aicv/spec"
)

// loadSuite reads a suite and shows every message about it. After errors it
// returns exit code 1 without a further message.
func (a *app) loadSuite(p place) (*spec.Suite, error) {
	loaded, diags := a.readSuite(p)
	if diags.HasErrors() && a.json {
		return nil, a.failDiagnostics(diags)
	}
	if err := a.printDiagnostics(diags, loaded.Sources); err != nil {
		return nil, err
	}
	if diags.HasErrors() {
		return nil, exit(ExitError)
	}
	absolute, err := filepath.Abs(loaded.Suite.Dir) // a saved plan is applied from anywhere
	if err != nil {
		return nil, fmt.Errorf("resolve the suite's folder: %w", err)
	}
	loaded.Suite.Dir = absolute
	return loaded.Suite, nil
}

func (a *app) readSuite(p place) (*lang.Loaded, spec.Diagnostics) {
	vars := make(map[string]string, len(a.vars))
	for _, v := range a.vars {
		name, value, _ := strings.Cut(v, "=")
		vars[name] = value
	}
	log := a.logger()
	log.Debug("load suite", "dir", p.dir)
	loaded, diags := lang.Load(lang.Options{
		Dir: p.dir, Vars: vars, VarFiles: a.varFiles, Environ: a.getenv, Registrations: a.config.Registrations,
	})
	a.sources = loaded.Sources
	log.Debug("suite loaded", "diagnostics", len(diags))
	return loaded, diags
}

func (a *app) failDiagnostics(diags spec.Diagnostics) error {
	if err := a.writeDiagnosticsJSON(diags); err != nil {
		return err
	}
	return exit(ExitError)
}

// hasSuite reports whether a folder holds a suite's files.
func hasSuite(dir string) bool {
	there, err := lang.HasSuite(dir)
	return err == nil && there
}
