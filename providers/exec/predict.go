package exec

import (
	"cmp"
	"context"
	"path/filepath"

	"aicv/spec"
)

// predictor asks a program for predictions.
type predictor struct{ program }

// newPredictor makes a predictor that can do what its declaration says, and no more.
func newPredictor(c *spec.Component, env spec.Env) (spec.Predictor, error) {
	s, err := parseSettings(c)
	if err != nil {
		return nil, err
	}
	p := &predictor{program{settings: s, dir: env.SuiteDir, getenv: env.Getenv}}
	support, recommend := supporter{p}, recommender{p}
	switch {
	case c.Attrs.Bool(attrSupport) && c.Attrs.Bool(attrRecommend):
		return struct {
			*predictor
			supporter
			recommender
		}{p, support, recommend}, nil
	case c.Attrs.Bool(attrSupport):
		return struct {
			*predictor
			supporter
		}{p, support}, nil
	case c.Attrs.Bool(attrRecommend):
		return struct {
			*predictor
			recommender
		}{p, recommend}, nil
	}
	return p, nil
}

// Predict asks for all points in one process.
func (p *predictor) Predict(ctx context.Context, points []spec.Point) ([]spec.Prediction, error) {
	wire := make([]wirePoint, len(points))
	for i := range points {
		wire[i] = wireOf(&points[i])
	}
	request, err := pointsRequest(wireHead{Request: requestPredict, Metrics: p.metrics}, wire)
	if err != nil {
		return nil, p.missing("the request can not be written", err, "this is a defect of aicv, please report it")
	}
	a := newPointAnswers(len(points), p.metrics)
	c := &conversation{accept: a.accept}
	e, err := p.run(ctx, request, c)
	if err != nil {
		return nil, err
	}
	if a.answered == 0 && len(points) > 0 {
		return nil, p.failure(c, &e, a.nothing())
	}
	if c.broken != nil || c.header == nil {
		return nil, p.failure(c, &e, "")
	}
	return p.predictions(a, c, &e), nil
}

// predictions completes what was answered by who answered, and says of the other points
// why they were not.
func (p *predictor) predictions(a *pointAnswers, c *conversation, e *ending) []spec.Prediction {
	doubts := c.doubts(e)
	for i := range a.predictions {
		x := &a.predictions[i]
		x.Provenance.Tool, x.Provenance.Version = cmp.Or(c.header.Tool, filepath.Base(p.argv[0])), c.header.Version
		x.Provenance.Database = cmp.Or(x.Provenance.Database, c.header.Database)
		if !a.done[i] {
			x.Missing, x.Transient = a.why(i, e.unwell()), true
			continue
		}
		x.Findings = append(x.Findings, doubts...)
	}
	return a.predictions
}
