package autotuner

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"aicv/lang/schema"
	"aicv/spec"
	"aicv/translate"
	"aicv/translate/flags"
	"aicv/translate/tree"
)

// exporting is one experiment on its way to a task.
type exporting struct {
	now    *translate.Experiment // what the suite says
	was    *task                 // what the task said that it was made from; nil: written by hand
	doc    *tree.Node
	report *translate.Report
}

// Export writes a task: of the experiment's origin where there is one, with what the suite
// says otherwise, so that every field of that task which the suite has no word for stays.
func Export(e *translate.Experiment, x translate.Export) ([]byte, *translate.Report, error) {
	t := &exporting{now: e, doc: tree.NewMap(), report: &translate.Report{Format: Format, Source: x.Suite}}
	syntax := cmp.Or(tree.Syntax(x.Syntax), tree.JSON)
	if x.Origin != nil {
		doc, err := tree.Parse(x.Origin.Name, x.Origin.Data)
		if err != nil {
			return nil, nil, err
		}
		t.was, t.doc = readTask(x.Origin.Name, doc, x.Options), doc.Clone()
		if len(t.was.problems) > 0 {
			return nil, nil, translate.Refuse(x.Origin.Name, Format, t.was.problems)
		}
		if x.Syntax == "" {
			syntax = tree.SyntaxOf(x.Origin.Name, x.Origin.Data)
		}
	}
	if !slices.Contains(flags.Engines(), e.Runtimes[0].Kind) {
		return nil, nil, &spec.Error{Kind: spec.ErrUsage, Summary: "a task can not name the runtime " + e.Runtimes[0].Kind,
			Fix: "choose cells of " + strings.Join(flags.Engines(), " or ") + " with --cell"}
	}
	t.subject(x.Suite)
	t.runtime()
	t.items()
	t.limits()
	t.client()
	t.rest()
	content, err := t.doc.Write(syntax)
	return content, t.report, err
}

// say reports an item.
func (t *exporting) say(item, field, value string, f spec.Fidelity, why string) {
	t.report.Add(translate.Row{Item: item, Field: field, Value: value, Fidelity: f, Why: why})
}

// put writes a text where it is not what the task said before.
func (t *exporting) put(item string, now, was string, path ...string) {
	field := strings.Join(path, ".")
	if t.was == nil && now != "" || now != was {
		t.doc.Set(tree.Text(now), path...)
	}
	if now != "" {
		t.say(item, field, now, spec.FidelityExact, "")
	}
}

func (t *exporting) before() *translate.Experiment {
	if t.was == nil {
		return &translate.Experiment{Runtimes: []translate.Runtime{{}}}
	}
	return &t.was.e
}

func (t *exporting) subject(suite string) {
	was := t.before()
	name := ""
	if t.was != nil {
		name = t.was.suite.Name
	}
	t.put("suite.name", suite, name, "task_name")
	now := cmp.Or(t.now.Model.Path, t.now.Model.ID)
	t.put("model", now, cmp.Or(was.Model.Path, was.Model.ID), "model", "id_or_path")
	switch kind := map[string]string{"docker": "docker", "process": "local"}[t.now.Target]; {
	case t.now.Target == was.Target || t.now.Target == "process" && was.Target == "":
		if t.was == nil || kind != "" && was.Target != "" {
			t.put("target."+t.now.Target, kind, "", "deployment_mode")
		}
	case kind != "":
		t.put("target."+t.now.Target, kind, "", "deployment_mode")
	default:
		t.say("target."+t.now.Target, "", "", spec.FidelityUnsupported, "a task is deployed by docker, locally or by OME")
	}
	if h := t.now.Hardware; h.System != "" && h.System != was.Hardware.System {
		t.say("hardware", "", fmt.Sprintf("%d x %s", h.GPUs, h.System), spec.FidelityUnsupported, "a task does not say which GPUs it runs on")
	}
}

// runtime writes engine, image and the flags that are no items.
func (t *exporting) runtime() {
	was, now := t.before().Runtimes[0], t.now.Runtimes[0]
	if was.Kind != now.Kind {
		t.doc.Set(tree.Text(now.Kind), "base_runtime")
	}
	t.say("runtime."+now.Kind, "base_runtime", now.Kind, spec.FidelityExact, "")
	if was.Image != now.Image || was.Version != now.Version {
		t.image(now)
	} else if now.Image != "" {
		t.say("runtime.image", "runtime_image_tag", now.Image, spec.FidelityExact, "")
	}
	t.arguments(argAxes(t.before().Runtimes), argAxes(t.now.Runtimes))
	for _, env := range now.Env {
		if env.Name != "HF_TOKEN" {
			t.say("runtime.env", "", env.Name, spec.FidelityUnsupported, "a task has no environment")
		}
	}
}

func (t *exporting) image(r translate.Runtime) {
	name, tag, tagged := strings.Cut(r.Image, ":")
	switch {
	case tagged && name == images()[r.Kind]:
	case r.Image != "":
		t.say("runtime.image", "", r.Image, spec.FidelityUnsupported, "the tool's image name is fixed: "+images()[r.Kind])
		return
	case r.Version != "":
		tag = "v" + r.Version
	default:
		t.doc.Delete("runtime_image_tag")
		return
	}
	t.doc.Set(tree.Text(tag), "runtime_image_tag")
	t.say("runtime.image", "runtime_image_tag", tag, spec.FidelityExact, "")
}

// argAxes lists each argument's values over all runtimes.
func argAxes(runtimes []translate.Runtime) []translate.Axis {
	var axes []translate.Axis
	for _, r := range runtimes {
		for _, a := range r.Args {
			i := slices.IndexFunc(axes, func(x translate.Axis) bool { return x.Name == a.Name })
			if i < 0 {
				axes = append(axes, translate.Axis{Name: a.Name})
				i = len(axes) - 1
			}
			if !contains(axes[i].Values, a.Value) {
				axes[i].Values = append(axes[i].Values, a.Value)
			}
		}
	}
	return axes
}

func (t *exporting) arguments(was, now []translate.Axis) {
	for _, a := range was {
		if !slices.ContainsFunc(now, func(n translate.Axis) bool { return n.Name == a.Name }) {
			t.doc.Delete("parameters", t.spelling(a.Name))
		}
	}
	product := 1
	for _, a := range now {
		product *= len(a.Values)
		i := slices.IndexFunc(was, func(w translate.Axis) bool { return w.Name == a.Name })
		if i < 0 || !sameValues(was[i].Values, a.Values) {
			t.doc.Set(listOf(a.Values), "parameters", t.spelling(a.Name))
		}
		t.say("runtime.args", "parameters."+t.spelling(a.Name), texts(a.Values), spec.FidelityExact, "")
	}
	if product > len(t.now.Runtimes) {
		t.say("runtime.args", "parameters", "", spec.FidelityApproximate, "the task crosses all values; the suite has some of the combinations")
	}
}

// spelling is how the task writes a parameter's name.
func (t *exporting) spelling(name string) string {
	if p := t.doc.Get("parameters"); p != nil {
		for _, f := range p.Fields {
			if flags.Plain(f.Name) == name {
				return f.Name
			}
		}
	}
	return name
}

// sameValues compares two lists of values, whatever their order.
func sameValues(a, b []spec.Value) bool {
	same := func(v, o spec.Value) bool { return v.Equal(o) || tree.FromValue(v).Equal(tree.FromValue(o)) }
	return len(a) == len(b) && !slices.ContainsFunc(a, func(v spec.Value) bool {
		return !slices.ContainsFunc(b, func(o spec.Value) bool { return same(v, o) })
	})
}

func texts(values []spec.Value) string { return listOf(values).String() }

func listOf(values []spec.Value) *tree.Node {
	list := tree.NewList()
	for _, v := range values {
		list.Items = append(list.Items, tree.FromValue(v))
	}
	return list
}

// items writes the configuration and the load.
func (t *exporting) items() {
	was, engine := t.before(), t.now.Runtimes[0].Kind
	for _, a := range was.Axes {
		if t.now.Axis(a.Name) == nil && a.From != "" {
			t.doc.Delete(strings.Split(a.From, ".")...)
		}
	}
	product := 1
	for _, a := range t.now.Axes {
		product *= len(a.Values)
		if a.Name == schema.ItemRequests || a.Name == schema.ItemDuration || a.Name == schema.ItemWarmup || a.Name == schema.ItemRequestRate {
			t.say(a.Name, "", texts(a.Values), spec.FidelityUnsupported, "a task bounds its samples from above, and drives by concurrency alone")
			continue
		}
		now := undivided(engine, t.now, a)
		if old := was.Axis(a.Name); old != nil && sameValues(undivided(was.Runtimes[0].Kind, was, *old).Values, now.Values) {
			t.say(a.Name, old.From, texts(a.Values), spec.FidelityExact, "")
			continue
		}
		t.item(now)
	}
	if len(t.now.Rows) > 0 {
		t.say("matrix", "parameters", fmt.Sprintf("%d cells", len(t.now.Rows)), spec.FidelityApproximate,
			fmt.Sprintf("a task is a full grid: %d combinations", product))
	}
}

// undivided is SGLang's tensor-parallel size, which holds the ranks of attention.
func undivided(engine string, e *translate.Experiment, a translate.Axis) translate.Axis {
	dp := e.Axis(spec.ItemAttentionDataParallel)
	if engine != flags.SGLang || a.Name != spec.ItemTensorParallel || dp == nil || len(dp.Values) != 1 {
		return a
	}
	ranks, _ := dp.Values[0].Int()
	whole := translate.Axis{Name: a.Name, From: a.From}
	for _, v := range a.Values {
		n, _ := v.Int()
		whole.Values = append(whole.Values, spec.IntValue(n*ranks))
	}
	return whole
}

// item writes one item to the field that had it, else to the one that stands for it.
func (t *exporting) item(a translate.Axis) {
	engine := t.now.Runtimes[0].Kind
	if a.Name == spec.ItemAttentionDataParallel && engine == flags.SGLang {
		if len(a.Values) > 1 {
			t.say(a.Name, "", texts(a.Values), spec.FidelityUnsupported, "SGLang's tensor-parallel size depends on it: a task crosses both")
			return
		}
		t.doc.Set(tree.NewList(tree.Flag(true)), "parameters", t.spelling("enable-dp-attention"))
	}
	if old := t.before().Axis(a.Name); old != nil && old.From != "" {
		path := strings.Split(old.From, ".")
		if path[0] != "parameters" {
			t.write(a, old.From, fieldWords(a.Name), path)
			return
		}
		if f, known := flags.Find(engine, path[1]); known && f.Item == a.Name {
			t.write(a, old.From, f.Write, path)
			return
		}
		t.doc.Delete(path...)
	}
	if field, known := fieldOf(a.Name); known {
		t.write(a, field, fieldWords(a.Name), strings.Split(field, "."))
		return
	}
	f, known := flags.ForItem(engine, a.Name)
	if !known {
		t.say(a.Name, "", texts(a.Values), spec.FidelityUnsupported, "neither a field of a task nor a flag of "+engine+" that aicv knows")
		return
	}
	t.write(a, "parameters."+f.Names[0], f.Write, []string{"parameters", f.Names[0]})
}

// fieldOf names the field of items that are no engine flags in a task.
func fieldOf(item string) (string, bool) {
	field, known := map[string]string{
		schema.ItemTraffic: "benchmark.traffic_scenarios", schema.ItemConcurrency: "benchmark.num_concurrency",
		spec.ItemMoETensorParallel: "parallel_config.moe_tp", spec.ItemMoEExpertParallel: "parallel_config.moe_ep",
		spec.ItemAttentionQuant: "quant_config.attention_dtype", spec.ItemMoEQuant: "quant_config.moe_dtype",
		spec.ItemAttentionDataParallel: "parallel_config.dp",
	}[item]
	return field, known
}

// fieldWords writes an item's values as the task's own fields have them.
func fieldWords(item string) func(spec.Value) (*tree.Node, bool) {
	switch item {
	case spec.ItemGEMMQuant, spec.ItemMoEQuant, spec.ItemKVCacheQuant, spec.ItemAttentionQuant:
		return flags.Flag{Kind: flags.Word, Values: quantWords(item)}.Write
	}
	return func(v spec.Value) (*tree.Node, bool) { return tree.FromValue(v), true }
}

func (t *exporting) write(a translate.Axis, field string, word func(spec.Value) (*tree.Node, bool), path []string) {
	list := tree.NewList()
	for _, v := range a.Values {
		n, ok := word(v)
		if !ok {
			t.say(a.Name, field, v.String(), spec.FidelityUnsupported, "the field has no word for it")
			continue
		}
		list.Items = append(list.Items, n)
	}
	if len(list.Items) == 0 {
		return
	}
	t.doc.Set(list, path...)
	t.say(a.Name, field, texts(a.Values), spec.FidelityExact, "")
}

// limits writes the thresholds of the slo, in seconds.
func (t *exporting) limits() {
	was := t.before().Limits
	for _, l := range was {
		if !slices.ContainsFunc(t.now.Limits, func(n translate.Limit) bool { return n.Metric == l.Metric }) {
			t.doc.Delete(limitPath(l.Metric)...)
		}
	}
	for _, l := range t.now.Limits {
		path := limitPath(l.Metric)
		seconds, ok := secondsOf(l.Quantity)
		if !ok || path == nil {
			t.say("slo."+l.Metric, "", l.Quantity, spec.FidelityUnsupported, "a task limits latency p50, p90 and p99, and the means of ttft and tpot")
			continue
		}
		i := slices.IndexFunc(was, func(w translate.Limit) bool { return w.Metric == l.Metric })
		if i < 0 || !sameDuration(was[i].Quantity, seconds) {
			t.doc.Set(tree.Num(trimmed(seconds)), append(path, "threshold")...)
		}
		t.say("slo."+l.Metric, strings.Join(path, "."), l.Quantity, spec.FidelityExact, "")
	}
}

func sameDuration(quantity string, seconds *big.Rat) bool {
	before, ok := secondsOf(quantity)
	return ok && before.Cmp(seconds) == 0
}

func limitPath(name string) []string {
	switch name {
	case "ttft", "tpot":
		return []string{"slo", name}
	case "latency_p50", "latency_p90", "latency_p99":
		return []string{"slo", "latency", strings.TrimPrefix(name, "latency_")}
	}
	return nil
}

// secondsOf reads a duration as the language writes it.
func secondsOf(quantity string) (*big.Rat, bool) {
	text, scale := strings.TrimSuffix(quantity, "s"), big.NewRat(1, 1)
	if short, ms := strings.CutSuffix(text, "m"); ms {
		text, scale = short, big.NewRat(1, 1000)
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		return nil, false
	}
	return r.Mul(r, scale), true
}

func trimmed(r *big.Rat) string {
	return strings.TrimRight(strings.TrimRight(r.FloatString(9), "0"), ".")
}

// client writes the settings of genai-bench.
func (t *exporting) client() {
	b := t.now.Benchmark
	if b == nil || b.Kind != clientKind {
		return
	}
	was := make(spec.Attrs)
	if old := t.before().Benchmark; old != nil {
		for _, a := range old.Attrs {
			was[a.Name] = a.Value.Plain()
		}
	}
	for _, s := range []struct{ attr, field string }{{"tokenizer", "model_tokenizer"}, {"params", "additional_params"}, {"max_time", "max_time_per_iteration"}} {
		v := b.Given[s.attr]
		defaulted := s.attr == "max_time" && !was.Has(s.attr) && v.Text() == "30m"
		if v.IsNull() || defaulted {
			continue
		}
		n, ok := tree.FromValue(v), true
		if s.attr == "max_time" {
			n, ok = minutes(v.Text())
		}
		if !ok {
			t.say("benchmark.genaibench."+s.attr, "benchmark."+s.field, v.String(), spec.FidelityUnsupported, "the task has whole minutes")
			continue
		}
		if !tree.FromValue(was[s.attr]).Equal(tree.FromValue(v)) {
			t.doc.Set(n, "benchmark", s.field)
		}
		t.say("benchmark.genaibench."+s.attr, "benchmark."+s.field, v.String(), spec.FidelityExact, "")
	}
}

// rest completes a task that was written by hand, and lists what a task has no word for.
func (t *exporting) rest() {
	if t.was == nil {
		t.doc.Set(tree.Text("grid_search"), "optimization", "strategy")
		t.doc.Set(tree.Text("maximize_throughput"), "optimization", "objective")
		t.doc.Set(tree.Int(max(len(t.now.Cells()), 1)), "optimization", "max_iterations")
		t.doc.Set(tree.Text("text-to-text"), "benchmark", "task")
		t.doc.Set(tree.Text(t.now.Model.ID), "benchmark", "model_name")
		if t.doc.Get("benchmark", "model_tokenizer") == nil {
			t.doc.Set(tree.Text(t.now.Model.ID), "benchmark", "model_tokenizer")
		}
		t.say("", "optimization", "grid_search", spec.FidelityApproximate, "the tool ranks its cells by an objective: maximize_throughput, set your own")
		if t.now.Axis(spec.ItemPrefixCache) == nil {
			if f, known := flags.ForItem(t.now.Runtimes[0].Kind, spec.ItemPrefixCache); known {
				t.doc.Set(tree.NewList(tree.Flag(true)), "parameters", f.Names[0])
				t.say(spec.ItemPrefixCache, "parameters."+f.Names[0], "false", spec.FidelityExact, "off, as it is in a suite that does not set it")
			}
		}
	}
	t.kept()
	if p := t.now.Predictor; p != nil {
		t.say("predictor."+p.Kind, "", p.Label, spec.FidelityUnsupported, "a task has no predictions")
	}
	if t.now.Recommended > 0 {
		t.say("recommended", "", fmt.Sprint(t.now.Recommended), spec.FidelityUnsupported, "rows that a predictor recommends are known to a plan only")
	}
	for _, a := range t.now.Asserts {
		if !slices.ContainsFunc(t.before().Asserts, func(o translate.Assert) bool { return slices.Equal(o.Expect, a.Expect) }) {
			t.say("assert."+a.Name, "", strings.Join(a.Expect, ", "), spec.FidelityUnsupported, "a task scores its cells; it has no claims")
		}
	}
}

// kept lists what the task that the experiment was made from has beyond the suite.
func (t *exporting) kept() {
	if t.was == nil {
		return
	}
	for _, row := range t.was.report.Rows {
		switch {
		case row.Field == "model.hf_token":
			t.say("runtime.env", row.Field, "(secret)", spec.FidelityUnsupported, "a secret is never written: enter it in the tool")
		case row.Fidelity == spec.FidelityUnsupported && row.Field != "":
			t.say("", row.Field, row.Value, spec.FidelityExact, "kept as in the task that the experiment was made from")
		}
	}
}
