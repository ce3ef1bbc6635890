package plan

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"aicv/spec"
)

// addRecommended adds the predictor's best rows under the experiment's limits,
// each at its own load. A row that no deployment can express is set aside, with a
// finding that says so.
func (b *builder) addRecommended(ctx context.Context, e *spec.Experiment, add func(spec.Cell)) error {
	base := &e.Base
	recommender, err := b.recommender(base)
	if err != nil {
		return err
	}
	gpus := 0
	if base.Hardware != nil {
		gpus = base.Hardware.GPUs
	}
	request := spec.RecommendRequest{Base: b.basePoint(base), GPUs: gpus, Limits: e.SLO, Top: e.Recommended.Top}
	rows, err := b.recommended(ctx, base, recommender, request)
	if err != nil {
		return fmt.Errorf("recommend rows with %s: %w", base.Predictor.Address(), err)
	}
	matcher := rowMatcher{suite: b.request.Suite, base: base, free: true}
	for i := range rows {
		c, differs := matcher.cell(&rows[i].Point, spec.FromRecommended)
		if differs != "" {
			return fmt.Errorf("%s recommended a row that does not fit the experiment: %s", base.Predictor.Address(), differs)
		}
		for _, f := range rows[i].Findings {
			b.findings.addFrom(base.Predictor, f)
		}
		if !slices.ContainsFunc(rows[i].Findings, undeployable) {
			add(c)
		}
	}
	return nil
}

// undeployable says of a row's finding that the row can not be deployed as it stands:
// it spoils all metrics.
func undeployable(f spec.Finding) bool {
	return f.Severity == spec.FindingSpoils && len(f.Metrics) == 0
}

// recommender makes the predictor of an experiment that wants rows recommended.
func (b *builder) recommender(base *spec.Cell) (spec.Predictor, error) {
	if base.Predictor == nil {
		return nil, &spec.Error{Kind: spec.ErrUsage, Summary: "recommended needs a predictor, and the experiment has none",
			Fix: "name a predictor that can recommend, or remove the block"}
	}
	if base.Model == nil || base.Runtime == nil {
		return nil, &spec.Error{Kind: spec.ErrUsage, Summary: "recommended needs one model and one runtime that all its rows share",
			Fix: "name them in the experiment instead of in the matrix"}
	}
	predictor, err := b.makers.predictor(base.Predictor)
	if err != nil {
		return nil, err
	}
	if _, ok := predictor.(spec.Recommender); !ok {
		return nil, &spec.Error{Kind: spec.ErrUsage, Summary: base.Predictor.Address() + " can not recommend configurations",
			Fix: "remove the recommended block, or name a predictor that can"}
	}
	return predictor, nil
}

// recommended takes rows from the cache, where the same was asked before, else from the
// predictor.
func (b *builder) recommended(ctx context.Context, base *spec.Cell, predictor spec.Predictor, request spec.RecommendRequest) ([]spec.Row, error) {
	recommender, _ := predictor.(spec.Recommender)
	if b.request.Cache == nil {
		return recommender.Recommend(ctx, request)
	}
	fingerprint, err := predictor.Fingerprint(ctx)
	if err != nil {
		return nil, fmt.Errorf("identify the tool: %w", err)
	}
	asked, err := json.Marshal(request)
	if err != nil {
		return nil, fmt.Errorf("write down the request: %w", err)
	}
	key := spec.HashOf(append(append(asked, '|'), base.Model.ConfigHash...))
	q := &question{component: base.Predictor}
	if !b.request.Refresh {
		rows, known, err := b.request.Cache.Rows(ctx, fingerprint, key)
		if err != nil {
			b.noteCache(q, "could not be read, so the predictor was asked", err)
		} else if known {
			return rows, nil
		}
	}
	rows, err := recommender.Recommend(ctx, request)
	if err != nil {
		return nil, err
	}
	if err := b.request.Cache.PutRows(ctx, fingerprint, key, rows); err != nil {
		b.noteCache(q, "could not be written, so the next plan will ask again", err)
	}
	return rows, nil
}
