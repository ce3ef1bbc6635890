package plan

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"aicv/engine"
	"aicv/metric"
	"aicv/spec"
	"aicv/verify"
)

// expand lists the cells: the matrix's rows, then the rows of a recording, then
// the recommended ones. Of rows with one content the first stays.
func (b *builder) expand(ctx context.Context) error {
	total := 0
	for _, e := range b.request.Suite.Experiments {
		total += len(e.Cells)
	}
	b.plan.Cells = make([]engine.PlannedCell, 0, total)
	b.byExp = make([]experimentFacts, len(b.request.Suite.Experiments))
	for i, e := range b.request.Suite.Experiments {
		bare := *e
		bare.Cells, bare.Base = nil, spec.Cell{}
		b.plan.Experiments = append(b.plan.Experiments, &bare)
		if b.byExp[i] = factsOf(e); len(b.byExp[i].looks) == 0 {
			return fmt.Errorf("experiment.%s: repeats from %d to %d allow no run", e.Name, e.Repeats.Min, e.Repeats.Max)
		}
		for j := range e.Cells {
			b.addCell(i, e.Cells[j])
		}
		if err := b.addRows(ctx, i, e); err != nil {
			return fmt.Errorf("experiment.%s: %w", e.Name, err)
		}
	}
	return nil
}

func factsOf(e *spec.Experiment) experimentFacts {
	f := experimentFacts{source: e, judge: verify.NewJudge(e), requests: 1, looks: verify.RunsAtLooks(e.Repeats), digest: claimsDigest(e)}
	for _, a := range e.Asserts {
		for i := range a.Claims {
			if m, ok := metric.Lookup(a.Claims[i].Subject); ok {
				f.requests = max(f.requests, m.MinRequests())
			}
		}
	}
	return f
}

// addCell takes a cell as the suite has it. Recorded data needs no place to run, so a
// target, which every experiment has by default, is no part of its cells.
func (b *builder) addCell(experiment int, c spec.Cell) {
	if b.makers.isOffline(c.Benchmark) {
		c.Target = nil
	}
	b.plan.Cells = append(b.plan.Cells, engine.PlannedCell{Cell: c, Experiment: experiment, Deployment: -1})
}

// addRows adds what points_from and recommended bring.
func (b *builder) addRows(ctx context.Context, index int, e *spec.Experiment) error {
	if e.PointsFrom == nil && e.Recommended == nil {
		return nil
	}
	seen := make(map[spec.ID]bool, len(e.Cells))
	for i := range e.Cells {
		seen[b.ids.Measurement(&e.Cells[i])] = true
	}
	add := func(c spec.Cell) {
		if id := b.ids.Measurement(&c); !seen[id] {
			seen[id] = true
			b.addCell(index, c)
		}
	}
	if e.PointsFrom != nil {
		if err := b.addPoints(ctx, e, add); err != nil {
			return err
		}
	}
	if e.Recommended != nil {
		return b.addRecommended(ctx, e, add)
	}
	return nil
}

// addPoints adds every point of a recording that agrees with what the experiment
// fixes. None at all is an error: the experiment would claim nothing.
func (b *builder) addPoints(ctx context.Context, e *spec.Experiment, add func(spec.Cell)) error {
	recording, err := b.makers.recording(e.PointsFrom)
	if err != nil {
		return err
	}
	rows, err := recording.Points(ctx)
	if err != nil {
		return fmt.Errorf("list the points of %s: %w", e.PointsFrom.Address(), err)
	}
	base := e.Base
	if base.Benchmark == nil {
		base.Benchmark = e.PointsFrom
	}
	matcher := rowMatcher{suite: b.request.Suite, base: &base}
	agreed, example := 0, ""
	for i := range rows {
		c, differs := matcher.cell(&rows[i].Point, spec.FromPoints)
		if differs != "" {
			example = differs
			continue
		}
		agreed++
		add(c)
	}
	if agreed == 0 {
		return noPoints(e, len(rows), example)
	}
	b.noteUndeclared(e, matcher.undeclared)
	return nil
}

func noPoints(e *spec.Experiment, rows int, example string) error {
	summary := fmt.Sprintf("none of the %d points of %s agrees with what the experiment fixes", rows, e.PointsFrom.Address())
	if example != "" {
		summary += ", the last one because " + example
	}
	return &spec.Error{Kind: spec.ErrUsage, Summary: summary, Fix: "fix fewer items, or name the file that holds these points"}
}

func (b *builder) noteUndeclared(e *spec.Experiment, models []string) {
	if len(models) == 0 {
		return
	}
	slices.Sort(models)
	models = slices.Compact(models)
	b.findings.add(spec.Finding{Check: "points_from", Severity: spec.FindingNote,
		Message: fmt.Sprintf("experiment.%s leaves out points of models that the suite does not declare: %s", e.Name, strings.Join(models, ", "))})
}
