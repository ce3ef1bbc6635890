package exec

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"aicv/metric"
	"aicv/spec"
)

// recommender is a predictor whose program also recommends configurations.
type recommender struct{ p *predictor }

// wireRow is a recommended row, or why there is none.
type wireRow struct {
	Configuration map[string]json.RawMessage `json:"configuration"`
	Load          *struct {
		Concurrency int             `json:"concurrency"`
		RequestRate json.RawMessage `json:"request_rate"`
	} `json:"load"`
	Values   map[string]json.RawMessage `json:"values"`
	Findings []wireFinding              `json:"findings"`
	Missing  string                     `json:"missing"`
}

// Recommend asks for the best rows. Rows that contradict the request are left out, which
// the others say; none at all is an error.
func (s recommender) Recommend(ctx context.Context, r spec.RecommendRequest) ([]spec.Row, error) {
	request, err := searchRequest(&r, s.p.metrics)
	if err != nil {
		return nil, s.p.missing("the request can not be written", err, "this is a defect of aicv, please report it")
	}
	a := &rowAnswers{request: &r}
	c := &conversation{accept: a.accept}
	e, err := s.p.run(ctx, request, c)
	if err != nil {
		return nil, err
	}
	switch {
	case len(a.rows) == 0 && a.missing != "":
		return nil, &spec.Error{Kind: spec.ErrUsage, Summary: s.p.address + ": it recommends nothing: " + a.missing,
			Fix: "loosen the slo, give more GPUs, or remove the recommended block"}
	case len(a.rows) == 0 || c.broken != nil:
		return nil, s.p.failure(c, &e, "it recommended no row that can be used")
	}
	rows := a.rows[:min(len(a.rows), r.Top)]
	doubts := c.doubts(&e)
	for i := range rows {
		rows[i].Findings = append(rows[i].Findings, doubts...)
	}
	return rows, nil
}

// rowAnswers collects recommended rows, best first.
type rowAnswers struct {
	request *spec.RecommendRequest
	rows    []spec.Row
	missing string
}

func (a *rowAnswers) accept(line []byte) error {
	var w wireRow
	if err := strict(line, &w); err != nil {
		return err
	}
	if w.Missing != "" {
		a.missing = tidy(w.Missing)
		return nil
	}
	row, err := w.row(a.request)
	if err == nil {
		a.rows = append(a.rows, row)
	}
	return err
}

// row is the base with what the row says.
func (w *wireRow) row(r *spec.RecommendRequest) (spec.Row, error) {
	row := spec.Row{Point: r.Base}
	config, wrong := settingsOf(w.Configuration)
	if len(wrong) > 0 {
		return row, errors.New(strings.Join(wrong, "; "))
	}
	for _, s := range config {
		if fixed := r.Base.Config.Get(s.Name); !fixed.IsNull() && !fixed.Equal(s.Value) {
			return row, fmt.Errorf("its %s is %s, and the experiment fixes %s", s.Name, s.Value, fixed)
		}
		row.Point.Config = row.Point.Config.With(s.Name, s.Value)
	}
	if gpus := row.Point.Config.GPUs(); r.GPUs > 0 && gpus > r.GPUs {
		return row, fmt.Errorf("it occupies %d GPUs, and there are %d", gpus, r.GPUs)
	}
	if err := w.drive(&row.Point.Load); err != nil {
		return row, err
	}
	var err error
	if row.Claimed, err = figures(w.Values); err != nil {
		return row, err
	}
	if err := within(row.Claimed, r.Limits); err != nil {
		return row, err
	}
	row.Findings, err = findingsOf(w.Findings)
	return row, err
}

// drive sets the row's own load.
func (w *wireRow) drive(load *spec.Load) error {
	if w.Load == nil {
		return errors.New("it has no load")
	}
	concurrency, raw := w.Load.Concurrency, w.Load.RequestRate
	if concurrency < 0 || concurrency > 0 == (len(raw) > 0) {
		return errors.New("its load must have a concurrency of 1 or more, or a request_rate")
	}
	load.Concurrency, load.RequestRate = concurrency, metric.Decimal{}
	if len(raw) == 0 {
		return nil
	}
	rate, err := metric.ParseDecimal(string(raw))
	if err != nil || rate.Sign() <= 0 {
		return fmt.Errorf("its request_rate is %s, and must be a plain decimal number above 0", shown(raw))
	}
	load.RequestRate = rate
	return nil
}

// within checks a row's own figures against the limits that it was searched under.
func within(claimed metric.Values, limits spec.SLO) error {
	limit, broken := limits.Broken(claimed)
	if !broken {
		return nil
	}
	m, _ := metric.Lookup(limit.Metric)
	v, _ := claimed.Get(limit.Metric)
	return fmt.Errorf("its %s of %s breaks the limit of %s", m.Name, metric.Quantity(v, m.Unit), metric.Quantity(limit.Quantity.Float64(), m.Unit))
}
