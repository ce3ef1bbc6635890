package aiconfigurator

import (
	"cmp"
	"fmt"
	"slices"

	"aicv/catalog/models"
	"aicv/metric"
	"aicv/spec"
)

// candidate is one row of a search: a layout at its own load.
type candidate struct {
	disaggregated bool
	best          bool // of the tool's own list of the best
	prefill       side // of disaggregated rows
	worker        side // of aggregated rows the only one, else of decoding
	gpus          int  // that the row claims for one worker or replica
	concurrency   int  // of one worker or replica
	ctxTokens     int
	prefix        int
	kvCache       string
	figures       map[string]float64
}

// side is the layout of one kind of workers.
type side struct {
	workers, tp, pp, dp, cp, moeTP, moeEP int
	batch                                 int // requests per data-parallel rank
}

// gpus are those of all its workers.
func (s side) gpus() int { return s.workers * s.tp * s.pp * s.dp * s.cp }

// own counts the GPUs of one worker or replica from its sizes.
func (c *candidate) own() int {
	if c.disaggregated {
		return c.prefill.gpus() + c.worker.gpus()
	}
	return c.worker.gpus()
}

// candidates reads all rows of a table; what is wrong with one costs the whole table,
// because its columns are not what they seem.
func candidates(t *table, best bool) ([]candidate, error) {
	list := make([]candidate, len(t.rows))
	for i := range t.rows {
		r := &record{table: t, at: i}
		c := &list[i]
		c.disaggregated, c.best = t.disaggregated(), best
		if c.disaggregated {
			c.prefill, c.worker = r.side("(p)"), r.side("(d)")
		} else {
			c.worker = r.side("")
			c.ctxTokens = r.size("ctx_tokens", 0)
		}
		c.gpus, c.concurrency = r.size("num_total_gpus", 0), r.size("concurrency", 0)
		if r.text("prefix") != "" && r.number("prefix") != 0 {
			c.prefix = r.size("prefix", 0)
		}
		c.kvCache = cmp.Or(r.text("kvcache"), r.text("(d)kvcache"))
		c.figures = map[string]float64{}
		for _, name := range []string{"ttft", "tpot", "request_latency", "tokens/s", "tokens/s/user", "seq/s"} {
			c.figures[name] = r.number(name)
		}
		if r.err != nil {
			return nil, r.err
		}
	}
	return list, nil
}

func (r *record) side(prefix string) side {
	s := side{workers: 1, batch: r.size(prefix+"bs", 0)}
	if prefix != "" {
		s.workers = r.size(prefix+"workers", 0)
	}
	s.tp, s.pp, s.dp = r.size(prefix+"tp", 0), r.size(prefix+"pp", 0), r.size(prefix+"dp", 1)
	s.cp, s.moeTP, s.moeEP = r.size(prefix+"cp", 1), r.size(prefix+"moe_tp", 1), r.size(prefix+"moe_ep", 1)
	return s
}

// ranked makes rows of candidates, best first: the tool's own list, one row a layout, then
// the others of its frontier by throughput per GPU. It stops at top that can be deployed.
func ranked(list []candidate, r *spec.RecommendRequest) []spec.Row {
	slices.SortStableFunc(list, func(a, b candidate) int {
		if a.best != b.best {
			return cmp.Compare(boolInt(b.best), boolInt(a.best))
		}
		return cmp.Compare(b.perGPU(r.GPUs), a.perGPU(r.GPUs))
	})
	var rows []spec.Row
	seen := map[string]bool{}
	deployable := 0
	for i := range list {
		row, ok := list[i].row(r)
		if !ok || seen[row.key()] {
			continue
		}
		seen[row.key()] = true
		rows = append(rows, row.Row)
		if !row.aside {
			if deployable++; deployable == r.Top {
				break
			}
		}
	}
	if deployable == 0 {
		return nil
	}
	return rows
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// perGPU is the throughput of all replicas that fit, per GPU that there is.
func (c *candidate) perGPU(gpus int) float64 {
	return c.figures["tokens/s"] * float64(gpus/max(c.own(), 1)) / float64(max(gpus, 1))
}

// searched is a row with what is to be done with it.
type searched struct {
	spec.Row
	aside bool // it can not be deployed
	text  string
}

// key tells rows of different content apart.
func (s *searched) key() string {
	return fmt.Sprintf("%s|%d|%s", s.Point.Config.AppendCanonical(nil), s.Point.Load.Concurrency, s.text)
}

// row is what a candidate becomes under a request; false where it contradicts the request
// or breaks a limit.
func (c *candidate) row(r *spec.RecommendRequest) (searched, bool) {
	gpus := c.own()
	replicas := r.GPUs / max(gpus, 1)
	if fixed, ok := r.Base.Config.Get(spec.ItemReplicas).Int(); ok {
		if fixed > replicas {
			return searched{}, false
		}
		replicas = fixed
	}
	if replicas < 1 || c.prefix != 0 {
		return searched{}, false
	}
	row := searched{Row: spec.Row{Point: r.Base}}
	row.Point.Load.Concurrency, row.Point.Load.RequestRate = c.concurrency*replicas, metric.Decimal{}
	claimed, ok := c.claimed(r, replicas)
	if _, broken := r.Limits.Broken(claimed); !ok || broken {
		return searched{}, false
	}
	row.Claimed = claimed
	find := func(check string, severity spec.FindingSeverity, format string, args ...any) {
		row.Findings = append(row.Findings, spec.Finding{Check: check, Severity: severity, Message: fmt.Sprintf(format, args...)})
	}
	if gpus != c.gpus {
		find("gpu_count", spec.FindingWarn, "a recommended row claims %d GPUs and its sizes occupy %d; figures per GPU are of %d", c.gpus, gpus, gpus)
	}
	if why := c.inexpressible(); why != "" {
		row.aside, row.text = true, c.describe(replicas)
		find(why, spec.FindingSpoils, "recommended, and set aside because the runtimes serve aggregated and without context parallelism: %s", row.text)
		return row, true
	}
	if c.concurrency != c.worker.batch*c.worker.pp*c.worker.dp {
		find("row_concurrency", spec.FindingWarn, "a recommended row says %d requests in flight, and its batch of %d x %d stages x %d ranks makes %d", c.concurrency, c.worker.batch, c.worker.pp, c.worker.dp,
			c.worker.batch*c.worker.pp*c.worker.dp)
	}
	row.Point.Config, ok = c.configuration(r, replicas)
	return row, ok
}

// inexpressible names what a configuration has no item for; empty where it has all.
func (c *candidate) inexpressible() string {
	switch {
	case c.disaggregated:
		return "disaggregated"
	case c.worker.cp > 1:
		return "context_parallel"
	}
	return ""
}

// claimed are the row's own figures for all replicas.
func (c *candidate) claimed(r *spec.RecommendRequest, replicas int) (metric.Values, bool) {
	osl, n := float64(r.Base.Load.OutputTokens), float64(replicas)
	total := c.figures["tokens/s"] * n
	if !c.disaggregated && osl > 1 { // aggregated rows count one token less
		total *= osl / (osl - 1)
	}
	figures := map[metric.Name]float64{
		metric.TTFT: c.figures["ttft"], metric.TPOT: c.figures["tpot"], metric.Latency: c.figures["request_latency"], metric.UserThroughput: c.figures["tokens/s/user"],
		metric.RequestThroughput: c.figures["seq/s"] * n, metric.TotalThroughput: total, metric.Throughput: total / float64(c.own()*replicas),
	}
	for name, v := range figures {
		if m, known := metric.Lookup(name); !known || m.Check(v) != nil {
			return nil, false
		}
	}
	values, err := metric.NewValues(figures)
	return values, err == nil
}

// configuration is the base with what the row decides; false where they contradict.
func (c *candidate) configuration(r *spec.RecommendRequest, replicas int) (spec.Configuration, bool) {
	config := r.Base.Config
	sizes := []spec.Setting{
		{Name: spec.ItemReplicas, Value: spec.IntValue(replicas)},
		{Name: spec.ItemTensorParallel, Value: spec.IntValue(c.worker.tp)},
		{Name: spec.ItemPipelineParallel, Value: spec.IntValue(c.worker.pp)},
		{Name: spec.ItemAttentionDataParallel, Value: spec.IntValue(c.worker.dp)},
	}
	if c.experts(r.Base.ModelID) {
		sizes = append(sizes, spec.Setting{Name: spec.ItemMoETensorParallel, Value: spec.IntValue(c.worker.moeTP)},
			spec.Setting{Name: spec.ItemMoEExpertParallel, Value: spec.IntValue(c.worker.moeEP)})
	}
	for _, s := range sizes {
		fixed := config.Get(s.Name)
		switch one := s.Value.Equal(spec.IntValue(1)) && s.Name != spec.ItemTensorParallel; {
		case !fixed.IsNull() && !fixed.Equal(s.Value):
			return nil, false
		case fixed.IsNull() && !one: // a size of 1 is what an open one means
			config = config.With(s.Name, s.Value)
		}
	}
	// What else the row was predicted with holds where the suite leaves it open.
	open := []spec.Setting{{Name: spec.ItemMaxBatchTokens, Value: spec.IntValue(c.ctxTokens)}}
	if c.kvCache != "" {
		open = append(open, spec.Setting{Name: spec.ItemKVCacheQuant, Value: spec.StringValue(tidy(c.kvCache))})
	}
	for _, s := range open {
		if config.Get(s.Name).IsNull() {
			config = config.With(s.Name, s.Value)
		}
	}
	return config, true
}

// experts reports whether the row is of a mixture of experts. Rows of dense models state
// sizes of 1.
func (c *candidate) experts(model string) bool {
	if match, known := models.Lookup(model); known {
		return match.Architecture.IsMoE()
	}
	return c.worker.moeTP*c.worker.moeEP > 1
}

// describe puts a row into words that a configuration has no items for.
func (c *candidate) describe(replicas int) string {
	size := func(s side) string {
		text := fmt.Sprintf("tensor parallel %d", s.tp)
		for _, more := range []struct {
			name string
			n    int
		}{{"pipeline parallel", s.pp}, {"data parallel", s.dp}, {"context parallel", s.cp}} {
			if more.n > 1 {
				text += fmt.Sprintf(", %s %d", more.name, more.n)
			}
		}
		return fmt.Sprintf("%s, batch %d", text, s.batch)
	}
	text := size(c.worker)
	if c.disaggregated {
		text = fmt.Sprintf("%d prefill workers (%s) and %d decode workers (%s)", c.prefill.workers, size(c.prefill), c.worker.workers, size(c.worker))
	}
	return fmt.Sprintf("%d x %s on %d GPUs with %d requests in flight, ttft %.0f ms, tpot %.1f ms", replicas, text, replicas*c.own(), replicas*c.concurrency, c.figures["ttft"], c.figures["tpot"])
}
