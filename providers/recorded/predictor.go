package recorded

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"aicv/spec"
)

// predictor answers points from a file of predictions.
type predictor struct {
	*loader
	attrs spec.Attrs
}

func newPredictor(c *spec.Component, env spec.Env) (spec.Predictor, error) {
	l, err := newLoader(c, env)
	if err != nil {
		return nil, err
	}
	return &predictor{l, c.Attrs}, nil
}

// Fingerprint identifies the file's content and its declaration.
func (p *predictor) Fingerprint(ctx context.Context) (string, error) {
	return p.fingerprint(ctx, p.attrs)
}

// Predict looks all points up.
func (p *predictor) Predict(ctx context.Context, points []spec.Point) ([]spec.Prediction, error) {
	data, err := p.load(ctx)
	if err != nil {
		return nil, err
	}
	answers := make([]spec.Prediction, len(points))
	for i := range points {
		answers[i] = data.predict(&points[i])
	}
	return answers, nil
}

func (s *dataset) predict(p *spec.Point) spec.Prediction {
	group, missing := s.find(p)
	if missing != "" {
		return spec.Prediction{Missing: missing}
	}
	rec := &s.records[group[0]] // a predictor has no runs: groups hold one record
	answer := spec.Prediction{Provenance: s.provenance(rec)}
	if len(rec.values) == 0 {
		answer.Missing = s.noFigures(rec)
		return answer
	}
	answer.Values, answer.Derived, answer.Modelled = rec.values, rec.derived, s.modelled(rec)
	answer.Findings = s.doubts(p, rec)
	return answer
}

func (s *dataset) noFigures(rec *record) string {
	if rec.reason != "" {
		return fmt.Sprintf("%s has no figures: %s", s.source(rec), rec.reason)
	}
	return s.source(rec) + " has no figures"
}

func (s *dataset) provenance(rec *record) spec.Provenance {
	return spec.Provenance{Tool: s.d.tool, Version: s.d.version, Database: cmp.Or(rec.database, s.d.database), Source: s.source(rec)}
}

// modelled is the configuration that the row is about, as far as the file says it.
func (s *dataset) modelled(rec *record) spec.Configuration {
	var settings []spec.Setting
	add := func(x item, canonical string) {
		if x.configured() && canonical != "" {
			settings = append(settings, spec.Setting{Name: x.name, Value: x.value(canonical)})
		}
	}
	for i, m := range s.d.match {
		add(m.item, rec.items[i])
	}
	for _, f := range s.d.fixed {
		add(f.item, f.text)
	}
	for i, m := range s.d.modelled {
		add(m.item, rec.modelled[i])
	}
	return spec.NewConfiguration(settings...)
}

// doubts are the findings on one prediction.
func (s *dataset) doubts(p *spec.Point, rec *record) []spec.Finding {
	var findings []spec.Finding
	database := cmp.Or(rec.database, s.d.database)
	if database != "" && p.RuntimeVersion != "" && database != p.RuntimeVersion {
		findings = append(findings, spec.Finding{Check: "version_skew", Severity: spec.FindingWarn,
			Message: fmt.Sprintf("predicted with the tables of %s %s, and the runtime is %s", p.Runtime, database, p.RuntimeVersion)})
	}
	for _, note := range s.notes {
		atCut := note.Check == "recorded_cut" && rec.line == s.table.rows[len(s.table.rows)-1].line
		if note.Check == "recorded_unsaid" || atCut {
			findings = append(findings, note)
		}
	}
	return findings
}

// recording is an offline benchmark over a file of measurements.
type recording struct {
	*loader
	attrs spec.Attrs
}

func newRecording(c *spec.Component, env spec.Env) (spec.Recording, error) {
	l, err := newLoader(c, env)
	if err != nil {
		return nil, err
	}
	return &recording{l, c.Attrs}, nil
}

// Fingerprint identifies the file's content and its declaration, so that a plan made
// on other data is found stale.
func (r *recording) Fingerprint(ctx context.Context) (string, error) {
	return r.fingerprint(ctx, r.attrs)
}

// Lookup finds the runs of each point.
func (r *recording) Lookup(ctx context.Context, points []spec.Point) ([]spec.Recorded, error) {
	data, err := r.load(ctx)
	if err != nil {
		return nil, err
	}
	found := make([]spec.Recorded, len(points))
	for i := range points {
		found[i] = data.lookup(&points[i])
	}
	return found, nil
}

func (s *dataset) lookup(p *spec.Point) spec.Recorded {
	if p.Load.Shape.Unpredicted() != "" {
		return spec.Recorded{Missing: "rows are of plain loads, and this one is not: see lengths, dataset, prefix and batch of its workload"}
	}
	group, missing := s.find(p)
	if missing != "" {
		return spec.Recorded{Missing: missing}
	}
	var runs []spec.RunResult
	var empty []string
	for _, at := range group {
		rec := &s.records[at]
		if len(rec.values) == 0 {
			empty = append(empty, s.noFigures(rec))
			continue
		}
		runs = append(runs, s.run(rec))
	}
	if len(runs) == 0 {
		return spec.Recorded{Missing: strings.Join(empty, "; ")}
	}
	return spec.Recorded{Runs: runs}
}

func (s *dataset) run(rec *record) spec.RunResult {
	return spec.RunResult{Values: rec.values, Derived: rec.derived, Window: s.d.window, Merged: len(rec.repeats), Provenance: s.provenance(rec)}
}

// Points lists every point of the file, in its order.
func (r *recording) Points(ctx context.Context) ([]spec.Row, error) {
	data, err := r.load(ctx)
	if err != nil {
		return nil, err
	}
	rows := make([]spec.Row, 0, len(data.order))
	for _, key := range data.order {
		point, err := data.d.point(&data.records[data.groups[key][0]])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", data.table.name, err)
		}
		rows = append(rows, spec.Row{Point: point})
	}
	return rows, nil
}

// Notes lists what was merged, set aside or filtered when the file was read.
func (r *recording) Notes(ctx context.Context) ([]spec.Finding, error) {
	data, err := r.load(ctx)
	if err != nil {
		return nil, err
	}
	return slices.Clone(data.notes), nil
}
