package plan

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"aicv/engine"
	"aicv/spec"
)

// question is one predictor with all the points that are put to it.
type question struct {
	component *spec.Component
	keys      []spec.ID // of points, each once
	points    []spec.Point
	index     map[spec.ID]int32
	cells     []int32 // Plan.Cells, and beside each the point that it asks for
	asks      []int32
}

// predict puts all points of all experiments to each predictor in one call, as far
// as the cache does not know them.
func (b *builder) predict(ctx context.Context) error {
	for _, q := range b.questions() {
		predictor, err := b.makers.predictor(q.component)
		if err != nil {
			return err
		}
		fingerprint, err := predictor.Fingerprint(ctx)
		if err != nil {
			return fmt.Errorf("%s: identify the tool: %w", q.component.Address(), err)
		}
		b.plan.Suite.Inputs[q.component.Address()] = string(spec.HashOf([]byte(fingerprint)))
		answers, err := b.answer(ctx, q, predictor, fingerprint)
		if err != nil {
			return err
		}
		for i, cell := range q.cells {
			b.plan.Cells[cell].Prediction = answers[q.asks[i]]
		}
		b.lockPredictions(q, answers, fingerprint)
		b.notePredictions(q, answers)
	}
	return nil
}

// questions collects the points per predictor, in the order of the cells.
func (b *builder) questions() []*question {
	var all []*question
	byComponent := map[*spec.Component]*question{}
	for i := range b.plan.Cells {
		c := &b.plan.Cells[i].Cell
		if c.Predictor == nil {
			continue
		}
		if why := c.Load.Shape.Unpredicted(); why != "" {
			b.plan.Cells[i].Prediction = spec.Prediction{Missing: why}
			continue
		}
		q := byComponent[c.Predictor]
		if q == nil {
			q = &question{component: c.Predictor, index: make(map[spec.ID]int32)}
			byComponent[c.Predictor] = q
			all = append(all, q)
		}
		point := spec.PointOf(c)
		point.Assumed = b.plan.Cells[i].Assumed
		q.ask(b.ids, point, c.Model.ConfigHash, int32(i))
	}
	return all
}

// assume notes what each cell's engine takes for items that are left open.
func (b *builder) assume(context.Context) error {
	known := map[spec.ID]spec.Configuration{}
	for i := range b.plan.Cells {
		c := &b.plan.Cells[i]
		defaulter := b.defaulter(&c.Cell)
		if defaulter == nil {
			continue
		}
		id := b.serverOf(i)
		assumed, asked := known[id]
		if !asked {
			assumed = defaulter.Defaults(requestOf(&c.Cell))
			known[id] = assumed
		}
		c.Assumed = assumed
	}
	return nil
}

// defaulter is the runtime of a cell for which an engine is deployed, if it knows what
// that takes for items that are left open; else nil.
func (b *builder) defaulter(c *spec.Cell) spec.Defaulter {
	if c.Benchmark == nil || b.makers.isOffline(c.Benchmark) {
		return nil
	}
	runtime, err := b.makers.runtime(c.Runtime)
	if err != nil { // rendering says so, where it matters
		return nil
	}
	defaulter, _ := runtime.(spec.Defaulter)
	return defaulter
}

func requestOf(c *spec.Cell) spec.RenderRequest {
	return spec.RenderRequest{Model: *c.Model, Hardware: c.Hardware, Config: c.Config}
}

// basePoint is the question that what all rows share puts, as far as it is fixed.
func (b *builder) basePoint(c *spec.Cell) spec.Point {
	point := spec.PointOf(c)
	if defaulter := b.defaulter(c); defaulter != nil {
		point.Assumed = defaulter.Defaults(requestOf(c))
	}
	return point
}

func (q *question) ask(ids *spec.Identities, point spec.Point, configHash string, cell int32) {
	key := ids.Point(&point, configHash)
	at, known := q.index[key]
	if !known {
		at = int32(len(q.points))
		q.index[key] = at
		q.points = append(q.points, point)
		q.keys = append(q.keys, key)
	}
	q.cells = append(q.cells, cell)
	q.asks = append(q.asks, at)
}

// answer takes what the cache has and asks the predictor for the rest, in one call.
func (b *builder) answer(ctx context.Context, q *question, predictor spec.Predictor, fingerprint string) ([]spec.Prediction, error) {
	answers := make([]spec.Prediction, len(q.points))
	cached := b.fromCache(ctx, q, fingerprint)
	open, points := make([]int, 0, len(q.keys)), q.points
	for i, key := range q.keys {
		if answer, ok := cached[key]; ok {
			answers[i] = answer
		} else {
			open = append(open, i)
		}
	}
	if len(open) == 0 {
		return answers, nil
	}
	if len(open) < len(points) {
		points = make([]spec.Point, len(open))
		for i, at := range open {
			points[i] = q.points[at]
		}
	}
	fresh, err := predictor.Predict(ctx, points)
	if err != nil {
		return nil, fmt.Errorf("%s: predict %d points: %w", q.component.Address(), len(points), err)
	}
	if len(fresh) != len(points) {
		return nil, fmt.Errorf("%s: asked for %d points, answered %d", q.component.Address(), len(points), len(fresh))
	}
	entries := make(map[spec.ID]spec.Prediction, len(open))
	for i, at := range open {
		answers[at] = fresh[i]
		if !fresh[i].Transient {
			entries[q.keys[at]] = fresh[i]
		}
	}
	b.toCache(ctx, q, fingerprint, entries)
	return answers, nil
}

func (b *builder) fromCache(ctx context.Context, q *question, fingerprint string) map[spec.ID]spec.Prediction {
	if b.request.Cache == nil || b.request.Refresh {
		return nil
	}
	cached, err := b.request.Cache.Get(ctx, fingerprint, q.keys)
	if err != nil {
		b.noteCache(q, "could not be read, so the predictor was asked", err)
		return nil
	}
	return cached
}

func (b *builder) toCache(ctx context.Context, q *question, fingerprint string, entries map[spec.ID]spec.Prediction) {
	if b.request.Cache == nil {
		return
	}
	if err := b.request.Cache.Put(ctx, fingerprint, entries); err != nil {
		b.noteCache(q, "could not be written, so the next plan will ask again", err)
	}
}

func (b *builder) noteCache(q *question, what string, err error) {
	b.findings.add(spec.Finding{Check: "prediction_cache", Severity: spec.FindingNote,
		Message: fmt.Sprintf("%s: the prediction cache %s: %v", q.component.Address(), what, err)})
}

// lockPredictions pins the tool and each of its answers by itself: a point that is added
// or left out is no drift, and the answers to the others stay pinned.
func (b *builder) lockPredictions(q *question, answers []spec.Prediction, fingerprint string) {
	name := q.component.Address()
	add := func(what, value string) {
		b.plan.Locks = append(b.plan.Locks, engine.LockEntry{Name: name, What: what, Value: value})
	}
	add("fingerprint", string(spec.HashOf([]byte(fingerprint))))
	if versions := versionsOf(answers); versions != "" {
		add("version", versions)
	}
	order := make([]int, len(q.keys))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(x, y int) int { return strings.Compare(string(q.keys[x]), string(q.keys[y])) })
	var values []byte
	for _, i := range order {
		values = appendPrediction(values[:0], &answers[i])
		add(engine.LockPoint+string(q.keys[i])[:16], string(spec.HashOf(values))[:16])
	}
}

// versionsOf names the tools behind the answers, each once.
func versionsOf(answers []spec.Prediction) string {
	seen := map[spec.Provenance]bool{}
	for i := range answers {
		p := answers[i].Provenance
		if answers[i].Missing == "" && p.Tool != "" {
			seen[spec.Provenance{Tool: p.Tool, Version: p.Version, Database: p.Database}] = true
		}
	}
	texts := make([]string, 0, len(seen))
	for p := range maps.Keys(seen) {
		text := strings.TrimSpace(p.Tool + " " + p.Version)
		if p.Database != "" {
			text += ", database " + p.Database
		}
		texts = append(texts, text)
	}
	slices.Sort(texts)
	return strings.Join(texts, "; ")
}

// notePredictions collects the findings of the answers and counts what is missing.
func (b *builder) notePredictions(q *question, answers []spec.Prediction) {
	missing, why := 0, ""
	for i := range answers {
		if answers[i].Missing != "" {
			missing++
			if why == "" {
				why = answers[i].Missing
			}
		}
		for _, f := range answers[i].Findings {
			b.findings.addFrom(q.component, f)
		}
	}
	if missing > 0 {
		b.findings.addFrom(q.component, spec.Finding{Check: "prediction_missing", Severity: spec.FindingWarn,
			Message: fmt.Sprintf("%d of %d points have no prediction; the first: %s", missing, len(answers), why)})
	}
}

// appendPrediction appends all of a prediction that verdicts depend on.
func appendPrediction(b []byte, p *spec.Prediction) []byte {
	for _, v := range p.Values {
		b = append(b, v.Metric...)
		b = append(b, '=')
		b = strconv.AppendFloat(b, v.Value, 'g', -1, 64)
		b = append(b, ' ')
	}
	for _, name := range p.Derived {
		b = append(append(b, name...), ' ')
	}
	b = append(p.Modelled.AppendCanonical(append(b, 0)), 0)
	for _, f := range p.Findings {
		if f.Severity == spec.FindingSpoils {
			b = append(append(b, f.Check...), 0)
		}
	}
	return append(append(b, p.Missing...), 0)
}
