package results

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"aicv/metric"
	"aicv/spec"
)

// table is a format as data: where in its objects each thing stands.
type table struct {
	tool    string
	list    string // path of the list that holds the results; empty: the document is one
	window  spec.WindowKind
	model   []string // paths, of which the first that is there counts
	runtime []string
	engine  []string
	system  []string
	gpus    []string
	version []string

	concurrency, rate, input, output []string
	requests, failed                 []string
	duration                         []string          // of the run, in any unit: without any, rates are of nothing
	burst                            func(object) bool // whether all requests came at once, where neither limit is there; nil: it can not be told
	capped                           bool              // a rate and a concurrency together hold the load to whichever is less

	fields []field
	never  []Doubt                       // fields that are not taken whatever they hold
	doubt  func(object) []Doubt          // fields that are not taken in this result
	refuse func(object) string           // why a result is not taken at all; empty: it is
	detail func(object) (*detail, error) // the requests of a result; nil: it has none
	finish func(object, *Record) error   // adds what no path leads to; nil: nothing
	caveat []string
}

// field is one figure.
type field struct {
	path   string
	metric metric.Name
	factor float64 // to the contract's unit
}

// spreadOf lists the fields of a duration: its mean, its median and its percentiles.
// {} in the path stands for the statistic.
func spreadOf(prefix string, base metric.Name, factor float64, names map[int]string, suffix string) []field {
	var list []field
	for _, p := range []int{0, 50, 75, 90, 95, 99} {
		name, ok := names[p]
		if !ok {
			continue
		}
		m := base
		if p > 0 {
			m = metric.PercentileName(base, p)
		}
		list = append(list, field{prefix + name + suffix, m, factor})
	}
	return list
}

// read makes records of a document.
func (t *table) read(data []byte) ([]Record, error) {
	found, err := objects(data, t.list)
	if err != nil {
		return nil, err
	}
	var records []Record
	for i, o := range found {
		record, err := t.record(o)
		if err != nil {
			record = Record{Refused: err.Error()}
		}
		if len(found) > 1 {
			record.Source = fmt.Sprintf("result %d", i+1)
		}
		records = append(records, record)
	}
	return records, nil
}

// record reads one object.
func (t *table) record(o object) (Record, error) {
	if why := t.refuse(o); why != "" {
		return Record{}, errors.New(why)
	}
	r := Record{Tool: t.tool, Version: o.first(t.version), Model: o.first(t.model), System: o.first(t.system),
		Runtime: o.first(t.runtime), Engine: o.first(t.engine), Window: t.window, Figures: map[metric.Name]float64{}, Caveats: t.caveat}
	if err := t.load(o, &r); err != nil {
		return Record{}, err
	}
	r.LeftOut = t.doubts(o)
	if err := t.figures(o, &r); err != nil {
		return Record{}, err
	}
	if t.finish != nil {
		if err := t.finish(o, &r); err != nil {
			return Record{}, err
		}
	}
	r.sameTPOT()
	if len(r.Figures) == 0 {
		return Record{}, fmt.Errorf("it holds no figure of %s that the metric contract can take", t.tool)
	}
	return r, nil
}

// doubts are the fields of the object that are not taken.
func (t *table) doubts(o object) []Doubt {
	list := t.doubt(o)
	for _, d := range t.never {
		if o.at(d.Field) != nil {
			list = append(list, d)
		}
	}
	lasted, known := o.firstNumber(t.duration)
	for _, f := range t.fields {
		n, ok := o.number(f.path)
		switch {
		case o.at(f.path) == nil:
		case !ok:
			list = append(list, Doubt{f.path, "it is no number (null, NaN or Infinity)", f.metric})
		case n == 0 && f.metric != metric.ErrorRate:
			list = append(list, Doubt{f.path, "it is 0, which stands for a figure that is not there", f.metric})
		case isRate(f.metric) && known && lasted <= 0:
			list = append(list, Doubt{f.path, fmt.Sprintf("it is of a run that lasted %v", lasted), f.metric})
		}
	}
	return list
}

// isRate reports whether a metric counts things per time.
func isRate(name metric.Name) bool { return slices.Contains(rateNames(), name) }

func (t *table) figures(o object, r *Record) error {
	for _, f := range t.fields {
		n, ok := o.number(f.path)
		if !ok || slices.ContainsFunc(r.LeftOut, func(d Doubt) bool { return d.Field == f.path }) {
			continue
		}
		m, _ := metric.Lookup(f.metric)
		if err := m.Check(n * f.factor); err != nil {
			return fmt.Errorf("%s is %v, which can not be: %w", f.path, n, err)
		}
		r.Figures[f.metric] = n * f.factor
	}
	if err := r.addsUp(); err != nil {
		return err
	}
	if err := t.errors(o, r); err != nil {
		return err
	}
	if err := t.recompute(o, r); err != nil {
		return err
	}
	r.PerGPU()
	r.perUser()
	return nil
}

// tpotTolerance is how far a mean tpot may lie from the one that the other means give:
// means of ratios are no ratios of means, and tools end a request a little later than its
// last token.
const tpotTolerance = 0.3

// sameTPOT leaves a tpot out that is not the contract's, whatever its name: releases have
// taken gaps between chunks or lines of a stream for it.
func (r *Record) sameTPOT() {
	latency, ttft, tpot := r.Figures[metric.Latency], r.Figures[metric.TTFT], r.Figures[metric.TPOT]
	if latency == 0 || ttft == 0 || tpot == 0 || r.Load.OutputTokens < 2 {
		return
	}
	ours := (latency - ttft) / float64(r.Load.OutputTokens-1)
	if math.Abs(tpot-ours) <= tpotTolerance*ours {
		return
	}
	for _, m := range metric.All() {
		if m.Base == metric.TPOT || m.Name == metric.UserThroughput {
			delete(r.Figures, m.Name)
		}
	}
	r.LeftOut = append(r.LeftOut, Doubt{Field: "tpot", Why: fmt.Sprintf("it is %.4g ms, and (latency - ttft) / (output tokens - 1) is %.4g ms: it is of something else", tpot, ours), metric: metric.TPOT})
}

// perUser is the inverse of the mean tpot.
func (r *Record) perUser() {
	if tpot := r.Figures[metric.TPOT]; tpot > 0 {
		r.Figures[metric.UserThroughput] = 1000 / tpot
	}
}

// enough leaves out percentiles of fewer requests than they can be judged by.
func (r *Record) enough(good int) {
	for _, m := range metric.All() {
		if _, has := r.Figures[m.Name]; !has || good >= m.MinRequests() {
			continue
		}
		delete(r.Figures, m.Name)
		d := Doubt{Field: fmt.Sprintf("p%d", m.Percentile), Why: fmt.Sprintf("it is of %s, and needs %d", metric.Count(good, "request"), m.MinRequests())}
		if !slices.Contains(r.LeftOut, d) {
			r.LeftOut = append(r.LeftOut, d)
		}
	}
}

// uncounted leaves out the percentiles of a result that does not say of how many requests
// they are, but for the median.
func (r *Record) uncounted() {
	for _, m := range metric.All() {
		if _, has := r.Figures[m.Name]; has && m.Percentile > 50 {
			delete(r.Figures, m.Name)
			d := Doubt{Field: fmt.Sprintf("p%d", m.Percentile), Why: "it does not say of how many requests it is"}
			if !slices.Contains(r.LeftOut, d) {
				r.LeftOut = append(r.LeftOut, d)
			}
		}
	}
}

// addsUp refuses a rate of tokens beyond that of the requests they are of. Half is left
// for tokenizers that count otherwise; fewer tokens than asked for are no contradiction.
func (r *Record) addsUp() error {
	tokens, known := r.Figures[metric.TotalThroughput]
	requests, also := r.Figures[metric.RequestThroughput]
	if most := 1.5 * requests * float64(r.Load.OutputTokens); known && also && most > 0 && tokens > most {
		return fmt.Errorf("%.6g output tokens/s can not be of %.6g requests/s with %d output tokens each", tokens, requests, r.Load.OutputTokens)
	}
	return nil
}

// errors computes the share of requests that failed.
func (t *table) errors(o object, r *Record) error {
	good, known := o.firstNumber(t.requests)
	if !known {
		r.uncounted()
		return nil
	}
	failed, _ := o.firstNumber(t.failed)
	if good < 0 || failed < 0 || good+failed < 1 || good+failed > maxTokens {
		return fmt.Errorf("it counts %v requests of which %v failed", good+failed, failed)
	}
	if good == 0 {
		return fmt.Errorf("none of its %v requests was answered", failed)
	}
	r.Requests = int(good + failed)
	if len(t.failed) > 0 {
		r.Figures[metric.ErrorRate] = failed / (good + failed)
	}
	r.enough(int(good))
	return nil
}

// load reads at what load the result was taken.
func (t *table) load(o object, r *Record) error {
	for _, x := range []struct {
		what    string
		paths   []string
		into    *int
		counted bool // a whole number; lengths may be means
	}{
		{"concurrency", t.concurrency, &r.Load.Concurrency, true}, {"number of GPUs", t.gpus, &r.GPUs, true},
		{"input length", t.input, &r.Load.InputTokens, false}, {"output length", t.output, &r.Load.OutputTokens, false},
	} {
		n, ok := o.firstNumber(x.paths)
		if !ok {
			continue
		}
		if n < 1 || n > maxTokens || x.counted && n != math.Trunc(n) {
			return fmt.Errorf("its %s is %v", x.what, n)
		}
		*x.into = int(math.Round(n))
	}
	rate, ok := o.firstNumber(t.rate)
	ok = ok && rate > 0
	if !ok && r.Load.Concurrency == 0 && t.burst != nil && t.burst(o) {
		return errors.New("all of its requests were sent at once, without a limit on concurrency: that is the load of no cell")
	}
	if c := r.Load.Concurrency; c > 0 {
		if ok && t.capped {
			return fmt.Errorf("its requests came at %v a second with at most %d in flight: it does not say which of the two held the load; measure with one of them", rate, c)
		}
		return nil
	}
	if !ok {
		return nil
	}
	var err error
	r.Load.RequestRate, err = metric.ParseDecimal(fmt.Sprintf("%.6f", rate))
	return err
}
