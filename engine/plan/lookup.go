package plan

import (
	"context"
	"fmt"

	"aicv/spec"
)

// recordedCells are the cells of one recording, with the points to look up.
type recordedCells struct {
	component *spec.Component
	cells     []int
	points    []spec.Point
}

// lookup finds the runs of recorded cells: their number is known before anything runs.
func (b *builder) lookup(ctx context.Context) error {
	b.recorded = make([]*spec.Recorded, len(b.plan.Cells))
	for _, group := range b.recordings() {
		recording, err := b.makers.recording(group.component)
		if err != nil {
			return err
		}
		found, err := recording.Lookup(ctx, group.points)
		if err != nil {
			return fmt.Errorf("%s: look up %d points: %w", group.component.Address(), len(group.points), err)
		}
		if len(found) != len(group.points) {
			return fmt.Errorf("%s: asked for %d points, answered %d", group.component.Address(), len(group.points), len(found))
		}
		for i, cell := range group.cells {
			b.recorded[cell] = &found[i]
		}
		if err := b.noteRecording(ctx, group.component, recording); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) recordings() []*recordedCells {
	var all []*recordedCells
	byComponent := map[*spec.Component]*recordedCells{}
	for i := range b.plan.Cells {
		c := &b.plan.Cells[i].Cell
		if !b.makers.isOffline(c.Benchmark) {
			continue
		}
		group := byComponent[c.Benchmark]
		if group == nil {
			group = &recordedCells{component: c.Benchmark}
			byComponent[c.Benchmark] = group
			all = append(all, group)
		}
		group.cells = append(group.cells, i)
		group.points = append(group.points, spec.PointOf(c))
	}
	return all
}

// fingerprinted is what a recording may offer beside its interface: the identity
// of its content, to say that a saved plan is stale.
type fingerprinted interface {
	Fingerprint(ctx context.Context) (string, error)
}

func (b *builder) noteRecording(ctx context.Context, c *spec.Component, recording spec.Recording) error {
	notes, err := recording.Notes(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Address(), err)
	}
	for _, note := range notes {
		b.findings.addFrom(c, note)
	}
	tool, ok := recording.(fingerprinted)
	if !ok {
		return nil
	}
	fingerprint, err := tool.Fingerprint(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Address(), err)
	}
	b.plan.Suite.Inputs[c.Address()] = string(spec.HashOf([]byte(fingerprint)))
	return nil
}
