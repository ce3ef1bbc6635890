package aiconf

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"aicv/catalog/models"
	"aicv/lang/schema"
	"aicv/lang/write"
	"aicv/metric"
	"aicv/spec"
	"aicv/translate"
)

// group is the rows of one model, system and engine.
type group struct {
	*answer
	model   *models.Architecture
	e       translate.Experiment
	refused string // why no row of the group can be a cell
	claims  [][]string
	most    int // GPUs of the largest row
}

// row makes a cell of a row, or says why it can not be one.
func (g *group) row(i int) {
	place := "line " + strconv.Itoa(g.table.lines[i])
	err := errors.New(g.refused)
	if g.refused == "" {
		if g.split() {
			err = g.splitRow(i, place)
		} else {
			err = g.aggregatedRow(i, place)
		}
	}
	if err != nil {
		g.add(translate.Row{Field: place, Value: g.get(i, "parallel"), Fidelity: spec.FidelityUnsupported, Why: err.Error()})
	}
}

// worker reads one side of a row.
func (g *group) worker(i int, side string) (*worker, error) {
	spread := g.above(i, side+"moe_tp") || g.above(i, side+"moe_ep")
	return readWorker(isMoE(g.model, spread), func(f workerField) string {
		if f.column == "" {
			return ""
		}
		return g.table.get(i, side+f.column)
	})
}

// above reports whether a size is given and not 1.
func (g *group) above(i int, column string) bool {
	v := g.table.get(i, column)
	return v != "" && v != "1"
}

func (g *group) aggregatedRow(i int, place string) error {
	w, err := g.worker(i, "")
	if err != nil {
		return err
	}
	if w.cp > 1 {
		return fmt.Errorf("context parallelism of %d reaches no engine", w.cp)
	}
	isl, osl, err := g.lengths(i)
	if err != nil {
		return err
	}
	concurrency, err := whole(g.get(i, "concurrency"))
	if err != nil {
		return fmt.Errorf("concurrency: %w", err)
	}
	g.checkGPUs(i, place, w.gpus())
	replicas := g.replicas(i, w.gpus())
	c := w.items
	if prefix := g.get(i, "prefix"); prefix == "" || prefix == "0" || prefix == "0.0" {
		c = c.With(spec.ItemPrefixCache, spec.BoolValue(false))
	} else {
		return fmt.Errorf("%s cached tokens of each prompt: aicv measures without a shared prefix", prefix)
	}
	if replicas > 1 {
		c = c.With(spec.ItemReplicas, spec.IntValue(replicas))
	}
	c = loadOf(c, isl, osl, concurrency*replicas)
	g.most = max(g.most, replicas*w.gpus())
	if addRow(&g.e, rowOf(c)) {
		g.claims = append(g.claims, g.promised(i, osl, replicas, w.gpus()))
	}
	return nil
}

// checkGPUs compares the row's own count with that of its sizes.
func (g *group) checkGPUs(i int, place string, gpus int) {
	claimed, err := whole(g.get(i, "num_total_gpus"))
	if err == nil && claimed != gpus {
		g.add(translate.Row{Field: place, Item: "replicas", Value: strconv.Itoa(claimed), Fidelity: spec.FidelityApproximate,
			Why: fmt.Sprintf("the row says %d GPUs and its parallel sizes take %d; aicv counts by the sizes", claimed, gpus)})
	}
}

// replicas are as many as the search says, else as the GPUs that it was asked for hold.
func (g *group) replicas(i, gpus int) int {
	if n, err := whole(g.get(i, "replicas_needed")); err == nil {
		return n
	}
	total := g.total
	if total == 0 && g.options.Hardware.GPUs > 0 {
		total = g.options.Hardware.GPUs
	}
	return max(total/max(gpus, 1), 1)
}

// splitRow makes aggregated stand-ins of a row with prefill and decode workers.
func (g *group) splitRow(i int, place string) error {
	isl, osl, err := g.lengths(i)
	if err != nil {
		return err
	}
	concurrency, err := whole(g.get(i, "concurrency"))
	if err != nil {
		return fmt.Errorf("concurrency: %w", err)
	}
	prefill, err := g.worker(i, "(p)")
	if err != nil {
		return err
	}
	decode, err := g.worker(i, "(d)")
	if err != nil {
		return err
	}
	prefills, errP := whole(g.get(i, "(p)workers"))
	decodes, errD := whole(g.get(i, "(d)workers"))
	if err := errors.Join(errP, errD); err != nil {
		return fmt.Errorf("workers: %w", err)
	}
	gpus := prefills*prefill.gpus() + decodes*decode.gpus()
	g.checkGPUs(i, place, gpus)
	replicas := g.replicas(i, gpus)
	g.most = max(g.most, replicas*gpus)
	for _, w := range []*worker{decode, prefill} {
		addRow(&g.e, rowOf(loadOf(without(standIn(w, replicas*gpus), spec.ItemMaxBatchSize), isl, osl, concurrency*replicas)))
	}
	g.add(translate.Row{Field: place, Item: "matrix.include", Fidelity: spec.FidelityApproximate,
		Value: fmt.Sprintf("%d x %s prefill, %d x %s decode, %d replicas", prefills, g.get(i, "(p)parallel"), decodes, g.get(i, "(d)parallel"), replicas), Why: standInWhy})
	return nil
}

func without(c spec.Configuration, items ...string) spec.Configuration {
	return slices.DeleteFunc(slices.Clone(c), func(s spec.Setting) bool { return slices.Contains(items, s.Name) })
}

// promises are the metrics that a row predicts, in the contract's units.
func promises() []metric.Name {
	return []metric.Name{metric.TTFT, metric.TPOT, metric.Latency, metric.TotalThroughput, metric.Throughput, metric.RequestThroughput, metric.UserThroughput}
}

// promised converts a row's figures to the contract: the tool counts one output token
// less in tokens/s, and rates are of one worker.
func (g *group) promised(i, osl, replicas, gpus int) []string {
	n := float64(replicas)
	scale := map[metric.Name]struct {
		column string
		factor float64
	}{
		metric.TTFT: {"ttft", 1}, metric.TPOT: {"tpot", 1}, metric.Latency: {"request_latency", 1},
		metric.TotalThroughput:   {"tokens/s", n * float64(osl) / float64(max(osl-1, 1))},
		metric.Throughput:        {"tokens/s", float64(osl) / float64(max(osl-1, 1)) / float64(gpus)},
		metric.RequestThroughput: {"seq/s", n}, metric.UserThroughput: {"tokens/s/user", 1},
	}
	var out []string
	for _, name := range promises() {
		s := scale[name]
		value, err := strconv.ParseFloat(g.get(i, s.column), 64)
		if err != nil || value <= 0 || value > 1e15 {
			out = append(out, "")
			continue
		}
		out = append(out, strings.TrimRight(strings.TrimRight(strconv.FormatFloat(value*s.factor, 'f', 6, 64), "0"), "."))
	}
	return out
}

// finish gives the experiment its predictions and claims.
func (g *group) finish() {
	if len(g.e.Rows) == 0 {
		return
	}
	g.e.Hardware.GPUs = max(g.total, g.most, g.options.Hardware.GPUs)
	name := write.Label(g.e.Name)
	for n := 2; slices.ContainsFunc(g.suite.Experiments, func(e translate.Experiment) bool { return e.Name == name }); n++ {
		name = write.Label(g.e.Name) + "_" + strconv.Itoa(n)
	}
	g.e.Name = name
	g.limits()
	if !g.split() && g.options.HasProvider(spec.RolePredictor, "recorded") {
		g.predictor()
	} else if g.split() {
		g.e.Comment = "Aggregated stand-ins for prefill and decode in pools of their own, which aicv does not deploy.\nNo prediction is for them."
	}
	hoist(&g.e)
	if row, ok := checkpoint(&g.e, g.model); ok {
		g.add(row)
	}
	g.suite.Experiments = append(g.suite.Experiments, g.e)
}

// limits are what the search had to keep.
func (g *group) limits() {
	for _, name := range []string{"ttft", "tpot"} {
		n := g.config.Get(name)
		if f, ok := n.Float(); ok && f > 0 {
			g.e.Limits = append(g.e.Limits, translate.Limit{Metric: name, Quantity: strconv.FormatFloat(f, 'f', -1, 64) + "ms"})
			g.add(translate.Row{Field: "exp_config.yaml " + name, Item: "slo." + name, Value: n.Text, Fidelity: spec.FidelityExact})
		}
	}
}

// predictor writes the rows' own figures into a file that the suite predicts from.
func (g *group) predictor() {
	items := g.itemNames()
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	header := slices.Clone(items)
	for _, m := range promises() {
		header = append(header, string(m))
	}
	records := [][]string{header}
	for i, row := range g.e.Rows {
		record := make([]string, len(items), len(header))
		for _, s := range row {
			record[slices.Index(items, s.Name)] = s.Value.Text()
		}
		records = append(records, append(record, g.claims[i]...))
	}
	if err := w.WriteAll(records); err != nil { // a buffer takes all
		return
	}
	file := "predictions/" + g.e.Name + ".csv"
	g.suite.Files = append(g.suite.Files, translate.File{Name: file, Content: b.Bytes()})
	g.e.Predictor = g.component(file, items)
	g.e.Asserts = []translate.Assert{{Name: "accuracy", Severity: spec.AssertError,
		Expect: []string{"throughput within 10%", "tpot within 10%", "ttft within 15%"}}}
	g.add(translate.Row{Item: "assert.accuracy", Fidelity: spec.FidelityApproximate, Value: strings.Join(g.e.Asserts[0].Expect, ", "),
		Why: "an answer has no tolerances; these are a start, set your own"})
}

func (g *group) itemNames() []string {
	var names []string
	for _, row := range g.e.Rows {
		for _, s := range row {
			if !slices.Contains(names, s.Name) {
				names = append(names, s.Name)
			}
		}
	}
	slices.Sort(names)
	return names
}

func (g *group) component(file string, items []string) *translate.Component {
	match := make([]spec.Field, len(items))
	for i, item := range items {
		match[i] = spec.Field{Name: item, Value: spec.StringValue(item)}
	}
	attr := func(name string, v spec.Value) write.Attr { return write.Attr{Name: name, Value: write.Value(v)} }
	c := &translate.Component{Kind: "recorded", Label: g.e.Name, Attrs: []write.Attr{
		attr("file", spec.StringValue(file)), attr("tool", spec.StringValue("aiconfigurator")), attr("match", spec.MapValue(match...)),
		attr("fixed", spec.MapValue(g.subject()...)),
	}}
	if v := g.e.Runtimes[0].Version; v != "" {
		c.Attrs = append(c.Attrs, attr("database", spec.StringValue(v)))
	}
	for k, name := range promises() {
		if !slices.ContainsFunc(g.claims, func(row []string) bool { return row[k] != "" }) {
			continue
		}
		m, _ := metric.Lookup(name)
		c.Blocks = append(c.Blocks, write.Block{Type: "metric", Labels: []string{string(name)}, Attrs: []write.Attr{
			attr("column", spec.StringValue(string(name))), attr("unit", spec.StringValue(string(m.Unit)))}})
	}
	return c
}

// subject is what all rows of the group are predictions of.
func (g *group) subject() []spec.Field {
	return []spec.Field{
		{Name: "model", Value: spec.StringValue(g.e.Model.ID)}, {Name: "system", Value: spec.StringValue(g.e.Hardware.System)},
		{Name: "runtime", Value: spec.StringValue(g.e.Runtimes[0].Kind)},
	}
}

// hoist moves what all rows share out of them, which leaves rows that can be read. A
// single row needs no matrix.
func hoist(e *translate.Experiment) {
	if len(e.Rows) == 0 {
		return
	}
	for _, s := range slices.Clone(e.Rows[0]) {
		differs := func(row []spec.Setting) bool {
			return !slices.ContainsFunc(row, func(o spec.Setting) bool { return o.Name == s.Name && o.Value.Equal(s.Value) })
		}
		if slices.ContainsFunc(e.Rows, differs) || len(e.Rows) > 1 && s.Name == schema.ItemConcurrency {
			continue
		}
		e.Add(translate.Axis{Name: s.Name, Values: []spec.Value{s.Value}})
		for i := range e.Rows {
			e.Rows[i] = without(e.Rows[i], s.Name)
		}
	}
	if len(e.Rows) == 1 && len(e.Rows[0]) == 0 {
		e.Rows = nil
	}
}

// checkpoint says of a quantization that the model's checkpoint does not have, and which
// checkpoint of the table has it.
func checkpoint(e *translate.Experiment, a *models.Architecture) (translate.Row, bool) {
	if a == nil || len(a.GEMMModes()) == 0 {
		return translate.Row{}, false
	}
	var asked []string
	for _, c := range append(slices.Clone(e.Rows), axesOf(e)) {
		if v := spec.Configuration(c).Get(spec.ItemGEMMQuant).Text(); v != "" && !slices.Contains(asked, v) {
			asked = append(asked, v)
		}
	}
	has := a.GEMMModes()[0].Mode
	if len(asked) == 0 || slices.Equal(asked, []string{has}) {
		return translate.Row{}, false
	}
	row := translate.Row{Item: "model.id", Value: e.Model.ID, Fidelity: spec.FidelityApproximate,
		Why: "this checkpoint is " + has + ", and " + strings.Join(asked, ", ") + " is asked for: the engine has to quantize it while loading, if it can"}
	if m, found := models.Lookup(e.Model.ID + "-FP8"); found && slices.Contains(asked, m.Architecture.GEMMModes()[0].Mode) {
		row.Why += "; " + m.ID + " has it"
	}
	return row, true
}

func axesOf(e *translate.Experiment) []spec.Setting {
	var settings []spec.Setting
	for _, a := range e.Axes {
		settings = append(settings, spec.Setting{Name: a.Name, Value: a.Values[0]})
	}
	return settings
}
