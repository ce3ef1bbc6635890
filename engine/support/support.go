// Package support asks predictors, before anything is planned, whether they have data
// for the models, systems and engines of a suite.
package support

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"aicv/engine"
	"aicv/spec"
)

// Cache keeps answers, by the predictor's fingerprint and the point's identity. It is
// disposable: what it can not keep is asked again.
type Cache interface {
	// Get returns those answers that are there.
	Get(fingerprint string, keys []spec.ID) map[spec.ID]spec.Support
	// Put keeps answers.
	Put(fingerprint string, answers map[spec.ID]spec.Support)
}

// Request says whom to ask.
type Request struct {
	Suite    *spec.Suite
	Registry *engine.Registry
	Cache    Cache         // nil: none
	Timeout  time.Duration // of one predictor
}

// Check warns of what a predictor has no data for, at the experiment that wants it
// predicted. A predictor that can not be asked is a note: its tool may be elsewhere.
// Predictors are asked at the same time.
func Check(ctx context.Context, r Request) spec.Diagnostics {
	questions := questionsOf(r.Suite)
	answers := make([]spec.Diagnostics, len(questions))
	var asked sync.WaitGroup
	for i, q := range questions {
		asked.Go(func() { answers[i] = q.ask(ctx, r) })
	}
	asked.Wait()
	var all spec.Diagnostics
	for _, diags := range answers {
		all = append(all, diags...)
	}
	return all
}

// subject is what support depends on.
type subject struct {
	model    *spec.Model
	hardware *spec.Hardware
	runtime  *spec.Component
}

// question is one predictor with all that it is asked about.
type question struct {
	component   *spec.Component
	points      []spec.Point
	keys        []spec.ID
	subjects    []subject
	experiments [][]*spec.Experiment // that want it, beside subjects
	index       map[subject]int
}

// questionsOf collects what the experiments want predicted, each once, in their order.
func questionsOf(suite *spec.Suite) []*question {
	var all []*question
	byComponent := map[*spec.Component]*question{}
	ids := spec.NewIdentities()
	add := func(e *spec.Experiment, c *spec.Cell) {
		if c.Predictor == nil || c.Model == nil || c.Runtime == nil {
			return
		}
		q := byComponent[c.Predictor]
		if q == nil {
			q = &question{component: c.Predictor, index: map[subject]int{}}
			byComponent[c.Predictor] = q
			all = append(all, q)
		}
		q.add(ids, e, c)
	}
	for _, e := range suite.Experiments {
		for i := range e.Cells {
			add(e, &e.Cells[i])
		}
		if e.Recommended != nil || e.PointsFrom != nil {
			add(e, &e.Base)
		}
	}
	return all
}

func (q *question) add(ids *spec.Identities, e *spec.Experiment, c *spec.Cell) {
	s := subject{c.Model, c.Hardware, c.Runtime}
	at, known := q.index[s]
	if !known {
		at = len(q.points)
		q.index[s] = at
		bare := spec.Cell{Model: c.Model, Hardware: c.Hardware, Runtime: c.Runtime}
		point := spec.PointOf(&bare)
		q.points, q.keys = append(q.points, point), append(q.keys, ids.Point(&point, c.Model.ConfigHash))
		q.subjects, q.experiments = append(q.subjects, s), append(q.experiments, nil)
	}
	if list := q.experiments[at]; len(list) == 0 || list[len(list)-1] != e {
		q.experiments[at] = append(list, e)
	}
}

// ask puts the question, as far as the cache does not know the answers.
func (q *question) ask(ctx context.Context, r Request) spec.Diagnostics {
	ctx, stop := context.WithTimeoutCause(ctx, r.Timeout, fmt.Errorf("it took longer than %s", r.Timeout))
	defer stop()
	predictor, err := r.Registry.Predictor(q.component)
	if err != nil {
		return q.unasked(err)
	}
	supporter, ok := predictor.(spec.Supporter)
	if !ok {
		return nil
	}
	fingerprint, err := predictor.Fingerprint(ctx)
	if err != nil {
		return q.unasked(err)
	}
	known := map[spec.ID]spec.Support{}
	if r.Cache != nil {
		known = r.Cache.Get(fingerprint, q.keys)
	}
	fresh, err := q.fresh(ctx, supporter, known)
	if err != nil {
		return q.unasked(err)
	}
	if r.Cache != nil && len(fresh) > 0 {
		r.Cache.Put(fingerprint, fresh)
	}
	return q.gaps(known, fresh)
}

// fresh asks for what is not known.
func (q *question) fresh(ctx context.Context, supporter spec.Supporter, known map[spec.ID]spec.Support) (map[spec.ID]spec.Support, error) {
	var points []spec.Point
	var keys []spec.ID
	for i, key := range q.keys {
		if _, ok := known[key]; !ok {
			points, keys = append(points, q.points[i]), append(keys, key)
		}
	}
	if len(points) == 0 {
		return nil, nil
	}
	answers, err := supporter.Support(ctx, points)
	if err != nil {
		return nil, err
	}
	if len(answers) != len(points) {
		return nil, fmt.Errorf("asked for %d points, answered %d", len(points), len(answers))
	}
	fresh := make(map[spec.ID]spec.Support, len(keys))
	for i, key := range keys {
		fresh[key] = answers[i]
	}
	return fresh, nil
}

// gaps warns of what has no data, and notes what is answered from other data.
func (q *question) gaps(known, fresh map[spec.ID]spec.Support) spec.Diagnostics {
	var diags spec.Diagnostics
	for i, key := range q.keys {
		answer, ok := known[key]
		if !ok {
			answer = fresh[key]
		}
		if answer.Supported && answer.Why == "" {
			continue
		}
		for _, e := range q.experiments[i] {
			diags = append(diags, q.gap(e, q.subjects[i], answer))
		}
	}
	return diags
}

func (q *question) gap(e *spec.Experiment, s subject, answer spec.Support) spec.Diagnostic {
	if answer.Supported {
		return spec.Diagnostic{Severity: spec.SeverityNote, Subject: e.Range, Summary: q.component.Address() + " predicts this experiment from other data",
			Detail: fmt.Sprintf("They are made with %s: %s.", cmp.Or(answer.Nearest, "what is nearest"), strings.TrimSuffix(answer.Why, "."))}
	}
	what := s.model.ID
	if s.hardware != nil {
		what += " on " + s.hardware.System
	}
	what += " with " + strings.TrimSpace(s.runtime.Kind+" "+s.runtime.Version())
	d := spec.Diagnostic{Severity: spec.SeverityWarning, Subject: e.Range,
		Summary: q.component.Address() + " has no data for what this experiment measures",
		Detail:  "There is nothing for " + what + ", so its cells will have no predictions."}
	if answer.Why != "" {
		d.Detail = fmt.Sprintf("There is nothing for %s: %s. Its cells will have no predictions.", what, strings.TrimSuffix(answer.Why, "."))
	}
	if answer.Nearest != "" {
		d.Suggestion = "The nearest that has data: " + answer.Nearest + "."
	}
	return d
}

// unasked notes that nothing is known.
func (q *question) unasked(err error) spec.Diagnostics {
	d := spec.Diagnostic{Severity: spec.SeverityNote, Subject: q.component.Range,
		Summary: q.component.Address() + " could not be asked whether it has data", Detail: err.Error()}
	var known *spec.Error
	if errors.As(err, &known) {
		d.Detail, d.Suggestion = known.Summary, known.Fix
		if known.Cause != nil {
			d.Detail += ": " + known.Cause.Error()
		}
	}
	return spec.Diagnostics{d}
}
