package results

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"aicv/metric"
	"aicv/spec"
)

// detail are all requests of a result, of which the figures are computed in place of what
// the tool says of them.
type detail struct {
	rows     Rows
	duration time.Duration // from the first request to the end of the last; 0: nobody says
}

// ownTolerance is how far a tool's own aggregate may lie from the figure of its rows before
// that is worth a word: tools end a request with its last token or a little later.
const ownTolerance = 0.01

// recompute computes the figures of a result from its requests, where the file has them.
// Metrics that the tool means otherwise stay left out.
func (t *table) recompute(o object, r *Record) error {
	if t.detail == nil {
		return nil
	}
	d, err := t.detail(o)
	if err != nil || d == nil {
		return err
	}
	skip := map[metric.Name]bool{}
	for _, doubt := range t.doubt(o) {
		m, _ := metric.Lookup(doubt.metric)
		skip[m.Base] = true
	}
	return r.recompute(d, skip)
}

// recompute replaces a record's figures by those of its requests, but for the metrics that
// are skipped.
func (r *Record) recompute(d *detail, skip map[metric.Name]bool) error {
	good := d.rows.Good()
	if good == 0 {
		return errors.New("none of its requests was answered")
	}
	if err := d.lengths(r); err != nil {
		return err
	}
	m := measured{tool: r.Tool, rows: d.rows, duration: d.duration}
	figures := m.figures(r.GPUs, len(d.rows)-good, nil)
	delete(figures, metric.UserThroughput) // of tpot, if that stays
	for _, x := range metric.All() {
		v, has := figures[x.Name]
		if !has {
			continue
		}
		if skip[x.Base] {
			delete(figures, x.Name)
			continue
		}
		if err := x.Check(v); err != nil {
			return err
		}
		if own, said := r.Figures[x.Name]; said && math.Abs(own-v) > ownTolerance*v {
			r.Caveats = append(slices.Clone(r.Caveats), fmt.Sprintf("%s says %s = %.6g itself, and its requests give %.6g; the requests count", r.Tool, x.Name, own, v))
		}
	}
	if d.duration == 0 {
		for _, name := range rateNames() {
			if own, said := r.Figures[name]; said {
				figures[name] = own
			}
		}
	} else {
		r.Window = spec.WindowWholeRun
	}
	r.Figures, r.Requests = figures, len(d.rows)
	r.LeftOut = slices.DeleteFunc(slices.Clone(r.LeftOut), func(d Doubt) bool { _, has := figures[d.metric]; return has })
	r.perUser()
	return nil
}

// lengths takes the mean lengths of the answered requests, and refuses those that vary.
func (d *detail) lengths(r *Record) error {
	for _, x := range []struct {
		what string
		of   func(*spec.RequestRow) int
		into *int
	}{
		{"input", func(row *spec.RequestRow) int { return row.InputTokens }, &r.Load.InputTokens},
		{"output", func(row *spec.RequestRow) int { return row.OutputTokens }, &r.Load.OutputTokens},
	} {
		low, high, total, n := math.MaxInt, 0, 0, 0
		for i := range d.rows {
			if row := &d.rows[i]; row.Error == "" && x.of(row) > 0 {
				low, high, total, n = min(low, x.of(row)), max(high, x.of(row)), total+x.of(row), n+1
			}
		}
		if n == 0 {
			continue
		}
		if varied(float64(low), float64(high)) {
			return fmt.Errorf("its requests had different lengths, %d to %d %s tokens, and cells have one", low, high, x.what)
		}
		*x.into = int(math.Round(float64(total) / float64(n)))
	}
	return nil
}

// varied reports whether lengths differ by more than a template's or a tokenizer's few
// tokens.
func varied(low, high float64) bool { return high > 1.05*low+2 }

// window is the time from the first start to the last end, both counted from any moment.
type window struct {
	first, last time.Duration
	any         bool
}

func (w *window) add(start, end time.Duration) {
	if !w.any || start < w.first {
		w.first = start
	}
	w.last, w.any = max(w.last, end), true
}

func (w *window) duration() time.Duration { return w.last - w.first }
