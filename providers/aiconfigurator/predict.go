package aiconfigurator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"aicv/kit/pytool"
	"aicv/spec"
)

// predictor asks aiconfigurator.
type predictor struct {
	settings
}

func newPredictor(c *spec.Component, env spec.Env) (spec.Predictor, error) {
	s, err := parseSettings(c, env)
	if err != nil {
		return nil, err
	}
	return &predictor{s}, nil
}

// find locates the tool.
func (s *settings) find() (*pytool.Tool, error) {
	tool, err := pytool.Find(s.query)
	var e *spec.Error
	if errors.As(err, &e) {
		e.Summary = s.address + ": " + e.Summary
	}
	return tool, err
}

// Predict asks for all points, in one process where the SDK can be used.
func (p *predictor) Predict(ctx context.Context, points []spec.Point) ([]spec.Prediction, error) {
	questions := make([]question, len(points))
	var wire []wirePoint
	for i := range points {
		questions[i] = p.ask(i, &points[i])
		if questions[i].refused == "" {
			wire = append(wire, questions[i].wire)
		}
	}
	answers := make([]spec.Prediction, len(points))
	if len(wire) > 0 {
		tool, err := p.find()
		if err != nil {
			return nil, err
		}
		outcomes, err := p.outcomes(ctx, tool, questions, wire)
		if err != nil {
			return nil, err
		}
		for i, w := range wire {
			answers[w.Point] = questions[w.Point].answer(&outcomes[i])
		}
		stamp(answers, tool)
	}
	for i := range questions {
		if q := &questions[i]; q.refused != "" {
			answers[i].Missing = q.refused
		}
	}
	return answers, nil
}

// stamp names the tool behind the answers.
func stamp(answers []spec.Prediction, tool *pytool.Tool) {
	for i := range answers {
		if p := &answers[i].Provenance; answers[i].Missing == "" {
			p.Tool, p.Version = Kind, cmp.Or(p.Version, tool.Version())
		}
	}
}

// outcomes asks by the SDK, or by the command line where that is wanted or all that can
// be done.
func (p *predictor) outcomes(ctx context.Context, tool *pytool.Tool, questions []question, wire []wirePoint) ([]outcome, error) {
	why := "driver is " + driverCLI
	if p.driver != driverCLI {
		if tool.Python == "" {
			why = "the command " + tool.Command + " is no Python script"
		} else {
			s := sdk{settings: &p.settings, tool: tool, stall: stall}
			outcomes, header, err := s.ask(ctx, "estimate", wire)
			var unusable *errUnusable
			if !errors.As(err, &unusable) {
				return noted(outcomes, header), err
			}
			why = unusable.Error()
		}
		if p.driver == driverSDK {
			return nil, p.wrong("the tool can not be asked as driver = \"sdk\" wants: "+why, "leave driver out, or install aiconfigurator 0.12.0")
		}
	}
	if tool.Command == "" {
		return nil, p.wrong("the tool can not be asked: "+why+", and there is no command beside "+tool.Python, install)
	}
	c := cli{settings: &p.settings, tool: tool, why: why}
	return c.ask(ctx, questions, wire)
}

// noted adds what the header says to every answer.
func noted(outcomes []outcome, header *wireLine) []outcome {
	if header == nil || header.Memo == "" {
		return outcomes
	}
	for i := range outcomes {
		outcomes[i].line.Warnings = append(outcomes[i].line.Warnings, header.Memo)
	}
	return outcomes
}

// answer makes a prediction of what came of a point.
func (q *question) answer(o *outcome) spec.Prediction {
	switch {
	case !o.done:
		return spec.Prediction{Missing: cmp.Or(o.lost, "not answered"), Transient: true}
	case o.line.Error != "":
		return spec.Prediction{Missing: q.why(&o.line), Transient: !slices.Contains(finalKinds(), o.line.Kind)}
	}
	e := &o.line.Answer
	e.warnings, e.loading = o.line.Warnings, o.line.Loading
	p, err := q.prediction(e)
	if err != nil {
		return spec.Prediction{Missing: "the tool's answer is not taken: " + err.Error(), Transient: true}
	}
	return p
}

// finalKinds are the failures that are answers: asking again would bring the same.
func finalKinds() []string { return []string{"memory", "data", "request", "model", "sdk"} }

// why puts a failure of the tool into words.
func (q *question) why(w *wireLine) string {
	said := tidy(w.Error)
	switch w.Kind {
	case "memory":
		return fmt.Sprintf("does not fit in memory with %d requests in flight, says the tool: %s", q.point.Load.Concurrency, said)
	case "data":
		return "the tool has no data for it: " + said
	case "model":
		return said + "; set the model's path to a folder with its config.json"
	case "sdk":
		return said
	}
	return "the tool refuses it: " + said
}
