package aiconf

import (
	"cmp"
	"slices"
	"strings"

	"aicv/lang/schema"
	"aicv/spec"
	"aicv/translate"
	"aicv/translate/tree"
)

// writing is one experiment on its way to a document of the tool.
type writing struct {
	e      *translate.Experiment
	doc    *tree.Node
	report *translate.Report
	done   []string // items that have a place in the document
}

func (w *writing) say(item, field, value string, f spec.Fidelity, why string) {
	w.report.Add(translate.Row{Item: item, Field: field, Value: value, Fidelity: f, Why: why})
	w.done = append(w.done, item)
}

func (w *writing) put(n *tree.Node, item string, path ...string) {
	w.doc.Set(n, path...)
	w.say(item, strings.Join(path, "."), n.String(), spec.FidelityExact, "")
}

// one is the value of an item that has to have a single one; false where it has none.
func (w *writing) one(item string) (spec.Value, bool) {
	a := w.e.Axis(item)
	if a == nil || len(a.Values) != 1 {
		return spec.Value{}, false
	}
	return a.Values[0], true
}

// lengths reads the load's lengths from traffic or from the items of their own.
func (w *writing) lengths() (isl, osl string, err error) {
	v, ok := w.one(schema.ItemTraffic)
	if !ok {
		return "", "", usage("the document has one pair of lengths, and the cells have none or several", "choose cells of one workload with --cell")
	}
	isl, osl, _ = strings.Cut(strings.TrimSuffix(strings.TrimPrefix(v.Text(), "D("), ")"), ",")
	w.done = append(w.done, schema.ItemTraffic)
	return isl, strings.TrimSpace(osl), nil
}

// prefix writes that no tokens are cached, which is what predictions are asked for.
func (w *writing) prefix(path ...string) {
	if v, _ := w.one(spec.ItemPrefixCache); v.Bool() {
		w.say(spec.ItemPrefixCache, strings.Join(path, "."), "true", spec.FidelityUnsupported, "how many tokens of a prompt are cached depends on the prompts; the document says none")
		w.doc.Set(tree.Int(0), path...)
		return
	}
	w.put(tree.Int(0), spec.ItemPrefixCache, path...)
}

func usage(summary, fix string) error {
	return &spec.Error{Kind: spec.ErrUsage, Summary: summary, Fix: fix}
}

// ExportExp writes an experiment that searches among the values of the suite. An
// experiment that was made from one and says the same gives that document again.
func ExportExp(e *translate.Experiment, x translate.Export) ([]byte, *translate.Report, error) {
	report := &translate.Report{Format: Exp, Source: x.Suite}
	if x.Origin != nil && unchanged(e, x, ImportExp) {
		return same(e, x, report)
	}
	w := &writing{e: e, doc: tree.NewMap(), report: report}
	if err := w.exp(); err != nil {
		return nil, nil, err
	}
	w.rest("the search chooses it, or the engine")
	whole := tree.NewMap(tree.Field{Name: "exps", Node: tree.NewList(tree.Text(e.Name))}, tree.Field{Name: e.Name, Node: w.doc})
	content, err := whole.Write(cmp.Or(tree.Syntax(x.Syntax), tree.YAML))
	return content, report, err
}

// same writes the document again as it was.
func same(e *translate.Experiment, x translate.Export, report *translate.Report) ([]byte, *translate.Report, error) {
	report.Add(translate.Row{Item: "experiment." + e.Name, Field: cmp.Or(e.Origin.Entry, "(all)"), Fidelity: spec.FidelityExact,
		Why: "it says what the document says that it was made from, which is written again as it was"})
	return x.Origin.Data, report, nil
}

// unchanged reports whether the experiment is still what its origin says.
func unchanged(e *translate.Experiment, x translate.Export, read func(translate.Source, translate.Options) (*translate.Suite, *translate.Report, error)) bool {
	o := x.Options
	o.Engine = e.Runtimes[0].Kind
	suite, _, err := read(*x.Origin, o)
	if err != nil {
		return false
	}
	for i := range suite.Experiments {
		was := &suite.Experiments[i]
		if was.Origin.Entry == e.Origin.Entry {
			return was.Model.ID == e.Model.ID && was.Hardware == e.Hardware && was.Recommended == e.Recommended &&
				slices.Equal(was.Limits, e.Limits) && slices.Equal(was.Cells(), e.Cells())
		}
	}
	return false
}

// exp writes the flat form.
func (w *writing) exp() error {
	if w.e.Hardware.System == "" {
		return usage("an experiment of aiconfigurator needs the GPUs' system", "declare hardware in the suite")
	}
	isl, osl, err := w.lengths()
	if err != nil {
		return err
	}
	w.put(tree.Text("agg"), "", "serving_mode")
	w.put(tree.Text(cmp.Or(w.e.Model.Path, w.e.Model.ID)), "model", "model_path")
	w.put(tree.Text(w.e.Hardware.System), "hardware.system", "system_name")
	w.put(tree.Int(w.e.Hardware.GPUs), "hardware.gpus", "total_gpus")
	w.engine()
	w.put(tree.Num(isl), schema.ItemInputTokens, "isl")
	w.put(tree.Num(osl), schema.ItemOutputTokens, "osl")
	w.prefix("prefix")
	w.filters()
	for _, f := range workerFields() {
		w.candidates(f)
	}
	if w.e.Axis(spec.ItemKVCacheQuant) == nil {
		w.say(spec.ItemKVCacheQuant, "kvcache_quant_mode", "(not set)", spec.FidelityApproximate,
			"the tool then takes fp8 for every fp8 checkpoint, and the engines keep the model's own type: set it in the suite")
	}
	return nil
}

func (w *writing) engine() {
	r := w.e.Runtimes[0]
	w.put(tree.Text(r.Kind), "runtime", "backend_name")
	if r.Version != "" {
		w.doc.Set(tree.Text(r.Version), "backend_version")
		w.say("runtime.version", "backend_version", r.Version, spec.FidelityApproximate, "taken as the version of the tool's measurements; 0.12.0 and later answer for their slots only")
	}
	for _, a := range r.Args {
		w.say("runtime.args."+a.Name, "", a.Value.String(), spec.FidelityUnsupported, "an engine argument: the tool does not model it")
	}
}

// filters write the limits that the search keeps; without one it is opened wide, because
// the tool's own default would drop rows.
func (w *writing) filters() {
	wide := map[string]string{"ttft": "100000", "tpot": "1000"}
	for _, name := range []string{"ttft", "tpot"} {
		i := slices.IndexFunc(w.e.Limits, func(l translate.Limit) bool { return l.Metric == name })
		if i < 0 {
			w.doc.Set(tree.Num(wide[name]), name)
			w.say("", name, wide[name], spec.FidelityApproximate, "the suite has no limit; the tool's default would drop rows")
			continue
		}
		w.put(tree.Num(strings.TrimSuffix(w.e.Limits[i].Quantity, "ms")), "slo."+name, name)
	}
	for _, l := range w.e.Limits {
		if l.Metric != "ttft" && l.Metric != "tpot" {
			w.say("slo."+l.Metric, "", l.Quantity, spec.FidelityUnsupported, "the search filters by the means of ttft and tpot")
		}
	}
}

func listOf(values []spec.Value) *tree.Node {
	list := tree.NewList()
	for _, v := range values {
		list.Items = append(list.Items, tree.FromValue(v))
	}
	return list
}

// candidates writes one field of the workers.
func (w *writing) candidates(f workerField) {
	a := w.e.Axis(f.item)
	if a == nil || f.key == "" {
		return
	}
	if f.kind != word {
		w.put(listOf(a.Values), f.item, "agg_"+f.key)
		return
	}
	w.put(tree.Text(a.Values[0].Text()), f.item, f.key)
	for _, v := range a.Values[1:] {
		w.say(f.item, f.key, v.Text(), spec.FidelityUnsupported, "an experiment has one mode; write another with --cell")
	}
}

// rest lists the items that have no place.
func (w *writing) rest(why string) {
	for _, a := range w.e.Axes {
		if slices.Contains(w.done, a.Name) {
			continue
		}
		values := make([]string, len(a.Values))
		for i, v := range a.Values {
			values[i] = v.String()
		}
		w.say(a.Name, "", strings.Join(values, ", "), spec.FidelityUnsupported, why)
	}
	for _, a := range w.e.Asserts {
		w.say("assert."+a.Name, "", strings.Join(a.Expect, ", "), spec.FidelityUnsupported, "the tool predicts; it judges nothing")
	}
}

// ExportGenerator writes the generator's configuration of one cell, without what belongs to
// the tool's own deployment.
func ExportGenerator(e *translate.Experiment, x translate.Export) ([]byte, *translate.Report, error) {
	w := &writing{e: e, doc: tree.NewMap(), report: &translate.Report{Format: Generator, Source: x.Suite}}
	if x.Origin != nil {
		if unchanged(e, x, ImportGenerator) {
			return same(e, x, w.report)
		}
		if err := w.from(x.Origin); err != nil {
			return nil, nil, err
		}
	}
	if err := w.generator(); err != nil {
		return nil, nil, err
	}
	w.rest("the generator has no key for it")
	content, err := w.doc.Write(cmp.Or(tree.Syntax(x.Syntax), tree.YAML))
	return content, w.report, err
}

// from keeps the keys of the configuration that the experiment was made from, if it is of
// one kind of worker.
func (w *writing) from(s *translate.Source) error {
	doc, err := tree.Parse(s.Name, s.Data)
	if err != nil {
		return err
	}
	if doc.Get("DynConfig", "mode").String() != "disagg" {
		w.doc = doc
		w.say("", "(others)", "", spec.FidelityExact, "kept as in the document that the experiment was made from")
	}
	return nil
}

func (w *writing) generator() error {
	for _, a := range w.e.Axes {
		if len(a.Values) > 1 && a.Name != schema.ItemConcurrency {
			return usage("a generator's configuration is of one deployment, and the cells differ in "+a.Name, "choose those of one with --cell")
		}
	}
	isl, osl, err := w.lengths()
	if err != nil {
		return err
	}
	w.put(tree.Text(w.e.Model.ID), "model.id", "ServiceConfig", "model_path")
	w.put(tree.Text(w.e.Hardware.System), "hardware.system", "NodeConfig", "system_name")
	if image := w.doc.Get("K8sConfig", "k8s_image"); !strings.Contains(image.String(), w.e.Runtimes[0].Kind) {
		w.doc.Set(tree.Text(w.e.Runtimes[0].Kind+"-runtime"), "K8sConfig", "k8s_image")
	}
	w.say("runtime", "K8sConfig.k8s_image", w.e.Runtimes[0].Kind, spec.FidelityApproximate, "the engine by the name of an image; set the image that is meant")
	w.put(tree.Text("agg"), "", "DynConfig", "mode")
	w.put(tree.Num(isl), schema.ItemInputTokens, "SlaConfig", "isl")
	w.put(tree.Num(osl), schema.ItemOutputTokens, "SlaConfig", "osl")
	w.loads()
	w.prefix("ModelConfig", "prefix")
	w.params()
	return nil
}

func (w *writing) loads() {
	a := w.e.Axis(schema.ItemConcurrency)
	if a == nil {
		return
	}
	w.put(listOf(a.Values), schema.ItemConcurrency, "BenchConfig", "concurrency")
}

// params writes the worker, and how many of them there are.
func (w *writing) params() {
	items := spec.NewConfiguration(axesOf(w.e)...)
	worker := &worker{items: items}
	w.put(tree.Int(items.Size(spec.ItemReplicas)), spec.ItemReplicas, "WorkerConfig", "agg_workers")
	w.put(tree.Int(worker.gpus()), "", "WorkerConfig", "agg_gpus_per_worker")
	for _, f := range workerFields() {
		v, ok := w.one(f.item)
		if f.param == "" || f.kind != size && !ok {
			continue
		}
		n := tree.FromValue(v)
		switch {
		case !ok:
			n = tree.Int(1)
		case f.item == spec.ItemMaxBatchSize:
			whole, _ := v.Int()
			n = tree.Int(max(whole/worker.ranks(), 1))
		}
		w.put(n, f.item, "params", "agg", f.param)
	}
	for _, f := range []struct{ item, key string }{{spec.ItemMaxBatchTokens, "max_num_tokens"}, {spec.ItemMaxSequenceLength, "max_seq_len"}} {
		if v, ok := w.one(f.item); ok {
			w.put(tree.FromValue(v), f.item, "params", "agg", f.key)
		}
	}
}
