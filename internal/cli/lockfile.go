package cli

import (
	"errors"
	"io/fs"
	"os"
	"strings"

	"aicv/engine"
	"aicv/lang/lock"
	"aicv/spec"
)

// checkLock compares what the plan would use with what .aicv.lock pins.
func (a *app) checkLock(at place, p *engine.Plan, upgrade bool) error {
	pinned, err := a.readLock(at)
	if err != nil || upgrade {
		return err
	}
	changes := lock.Compare(pinned, lockEntries(p))
	var lines []string
	for _, c := range changes {
		if c.Differs() {
			lines = append(lines, "  "+c.String())
		}
	}
	if len(lines) == 0 {
		return nil
	}
	return &spec.Error{Kind: spec.ErrUsage,
		Summary: "the plan differs from what " + at.lock + " pins",
		Detail:  strings.Join(lines, "\n"),
		Fix:     "run again with --upgrade to accept the difference, or restore the pinned tool or file",
	}
}

func (a *app) readLock(at place) ([]lock.Entry, error) {
	source, err := os.ReadFile(at.lock)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	entries, diags := lock.Parse(source, at.lock)
	if err := a.printDiagnostics(diags, map[string][]byte{at.lock: source}); err != nil {
		return nil, err
	}
	if diags.HasErrors() {
		return nil, exit(ExitError)
	}
	return entries, nil
}

// writeLock pins what an apply used. The file is left alone where nothing changed.
func (a *app) writeLock(at place, p *engine.Plan) error {
	entries := lockEntries(p)
	if len(entries) == 0 {
		return nil
	}
	content := lock.Format(entries)
	old, err := os.ReadFile(at.lock)
	if err == nil && string(old) == string(content) {
		return nil
	}
	return os.WriteFile(at.lock, content, 0o644)
}

func lockEntries(p *engine.Plan) []lock.Entry {
	entries := make([]lock.Entry, len(p.Locks))
	for i, e := range p.Locks {
		entries[i] = lock.Entry{Name: e.Name, What: e.What, Value: e.Value}
	}
	return entries
}
