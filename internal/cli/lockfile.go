package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
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
	lines := differences(pinned, lock.Compare(pinned, lockEntries(p)))
	if len(lines) == 0 {
		return nil
	}
	return &spec.Error{Kind: spec.ErrUsage,
		Summary: "the plan differs from what " + at.lock + " pins",
		Detail:  "  " + strings.Join(lines, "\n  "),
		Fix:     "run again with --upgrade to accept the difference, or restore the pinned tool or file",
	}
}

// differences says what contradicts the lock file; of predictions how many, because
// one new sheet changes them all.
func differences(pinned []lock.Entry, changes []lock.Change) []string {
	var lines []string
	points, changed := map[string]int{}, map[string]int{}
	for _, e := range pinned {
		if strings.HasPrefix(e.What, engine.LockPoint) {
			points[e.Name]++
		}
	}
	for _, c := range changes {
		switch {
		case !c.Differs():
		case strings.HasPrefix(c.What, engine.LockPoint):
			changed[c.Name]++
		default:
			lines = append(lines, c.String())
		}
	}
	for _, name := range slices.Sorted(maps.Keys(changed)) {
		lines = append(lines, fmt.Sprintf("%s: %d of %d pinned predictions differ", name, changed[name], points[name]))
	}
	return lines
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

// lockImage is what pins the content of an image that the suite names by a tag.
const lockImage = "image"

// imagePins adds to the lock file what an apply learns of images.
type imagePins struct {
	at     place
	others []lock.Entry      // what the file pins beside images
	images map[string]string // by reference: what it pins of them
	wanted map[string]string // of these, what the apply holds on to
}

// writeLock pins what an apply uses; pins of images stay, and it returns who adds to
// them. With upgrade the apply takes the images as they are.
func (a *app) writeLock(at place, p *engine.Plan, upgrade bool) (*imagePins, error) {
	pinned, err := a.readLock(at)
	if err != nil {
		return nil, err
	}
	pins := &imagePins{at: at, others: lockEntries(p), images: pinnedImages(pinned)}
	if !upgrade {
		pins.wanted = maps.Clone(pins.images)
	}
	return pins, pins.write()
}

// pinnedImages are the contents of images that a lock file pins, by reference.
func pinnedImages(entries []lock.Entry) map[string]string {
	images := map[string]string{}
	for _, e := range entries {
		if e.What == lockImage {
			images[e.Name] = e.Value
		}
	}
	return images
}

func (i *imagePins) pin(reference, digest string) error {
	if i.images == nil { // nothing is brought up where nothing is to be measured
		return nil
	}
	i.images[reference] = digest
	return i.write()
}

// write leaves the file alone where nothing changed.
func (i *imagePins) write() error {
	at, entries := i.at, slices.Clone(i.others)
	for reference, digest := range i.images {
		entries = append(entries, lock.Entry{Name: reference, What: lockImage, Value: digest})
	}
	if len(entries) == 0 {
		return nil
	}
	content := lock.Format(entries)
	if old, err := os.ReadFile(at.lock); err == nil && string(old) == string(content) {
		return nil
	}
	if info, err := os.Lstat(at.lock); err == nil && !info.Mode().IsRegular() { // a suite from elsewhere must not have other files written
		return &spec.Error{Kind: spec.ErrUsage, Summary: at.lock + " is no regular file, so nothing is written to it", Fix: "remove it and apply again"}
	}
	if err := replaceFile(at.lock, content); err != nil {
		return fmt.Errorf("write the lock file: %w", err)
	}
	return nil
}

func lockEntries(p *engine.Plan) []lock.Entry {
	entries := make([]lock.Entry, len(p.Locks))
	for i, e := range p.Locks {
		entries[i] = lock.Entry{Name: e.Name, What: e.What, Value: e.Value}
	}
	return entries
}
