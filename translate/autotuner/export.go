package autotuner

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

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
		if err := t.from(x); err != nil {
			return nil, nil, err
		}
		syntax = cmp.Or(tree.Syntax(x.Syntax), tree.SyntaxOf(x.Origin.Name, x.Origin.Data))
	}
	if err := t.engine(); err != nil {
		return nil, nil, err
	}
	t.subject(x.Suite)
	t.runtime()
	t.items()
	t.limits()
	t.client()
	t.rest()
	if t.was != nil && t.doc.Equal(t.was.doc) && syntax == tree.SyntaxOf(x.Origin.Name, x.Origin.Data) {
		return x.Origin.Data, t.report, nil // with its comments and its layout
	}
	content, err := t.doc.Write(syntax)
	return content, t.report, err
}

// from takes the task that the experiment was made from.
func (t *exporting) from(x translate.Export) error {
	doc, err := tree.Parse(x.Origin.Name, x.Origin.Data)
	if err != nil {
		return err
	}
	t.doc, t.was = doc.Clone(), readTask(x.Origin.Name, doc, x.Options)
	if len(t.was.problems) > 0 {
		return translate.Refuse(x.Origin.Name, Format, t.was.problems)
	}
	return nil
}

func (t *exporting) engine() error {
	if kind := t.now.Runtimes[0].Kind; !slices.Contains(flags.Engines(), kind) {
		return &spec.Error{Kind: spec.ErrUsage, Summary: "a task can not name the runtime " + kind,
			Fix: "choose cells of " + strings.Join(flags.Engines(), " or ") + " with --cell"}
	}
	return nil
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
	t.target(was.Target)
	if h := t.now.Hardware; h.System != "" && h.System != was.Hardware.System {
		t.say("hardware", "", fmt.Sprintf("%d x %s", h.GPUs, h.System), spec.FidelityUnsupported, "a task does not say which GPUs it runs on")
	}
}

// target writes the mode of deployment. A task without one leaves it to the tool, as a
// suite without a target leaves it to aicv.
func (t *exporting) target(was string) {
	kind := map[string]string{"docker": "docker", "process": "local"}[t.now.Target]
	switch {
	case was == "" && t.was != nil && t.now.Target == "process":
	case kind != "":
		t.put("target."+t.now.Target, kind, "", "deployment_mode")
	default:
		t.say("target."+t.now.Target, "", "", spec.FidelityUnsupported, "a task is deployed by docker, locally or by OME")
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
	var args translate.Experiment
	for _, r := range runtimes {
		for _, a := range r.Args {
			args.Collect(a)
		}
	}
	return args.Axes
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

// clientFields pairs the benchmark's attributes with a task's fields.
func clientFields() [][2]string {
	return [][2]string{{"tokenizer", "model_tokenizer"}, {"params", "additional_params"}, {"max_time", "max_time_per_iteration"}}
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
	for _, f := range clientFields() {
		t.clientField(f[0], f[1], was[f[0]], b.Given[f[0]])
	}
}

func (t *exporting) clientField(attr, field string, was, now spec.Value) {
	defaulted := attr == "max_time" && was.IsNull() && now.Text() == "30m"
	if now.IsNull() || defaulted {
		return
	}
	n, ok := tree.FromValue(now), true
	if attr == "max_time" {
		n, ok = minutes(now.Text())
	}
	if !ok {
		t.say("benchmark.genaibench."+attr, "benchmark."+field, now.String(), spec.FidelityUnsupported, "the task has whole minutes")
		return
	}
	if !tree.FromValue(was).Equal(tree.FromValue(now)) {
		t.doc.Set(n, "benchmark", field)
	}
	t.say("benchmark.genaibench."+attr, "benchmark."+field, now.String(), spec.FidelityExact, "")
}

// rest completes a task that was written by hand, and lists what a task has no word for.
func (t *exporting) rest() {
	if t.was == nil {
		t.defaults()
	}
	t.kept()
	if p := t.now.Predictor; p != nil {
		t.say("predictor."+p.Kind, "", p.Label, spec.FidelityUnsupported, "a task has no predictions")
	}
	if t.now.Recommended > 0 {
		t.say("recommended", "", strconv.Itoa(t.now.Recommended), spec.FidelityUnsupported, "rows that a predictor recommends are known to a plan only")
	}
	for _, a := range t.now.Asserts {
		if !slices.ContainsFunc(t.before().Asserts, func(o translate.Assert) bool { return slices.Equal(o.Expect, a.Expect) }) {
			t.say("assert."+a.Name, "", strings.Join(a.Expect, ", "), spec.FidelityUnsupported, "a task scores its cells; it has no claims")
		}
	}
}

// defaults are the fields that a task needs and a suite has no word for.
func (t *exporting) defaults() {
	t.doc.Set(tree.Text("grid_search"), "optimization", "strategy")
	t.doc.Set(tree.Text("maximize_throughput"), "optimization", "objective")
	t.doc.Set(tree.Int(max(len(t.now.Cells()), 1)), "optimization", "max_iterations")
	t.say("", "optimization", "grid_search", spec.FidelityApproximate, "the tool ranks its cells by an objective: maximize_throughput, set your own")
	t.doc.Set(tree.Text("text-to-text"), "benchmark", "task")
	t.doc.Set(tree.Text(t.now.Model.ID), "benchmark", "model_name")
	if t.doc.Get("benchmark", "model_tokenizer") == nil {
		t.doc.Set(tree.Text(t.now.Model.ID), "benchmark", "model_tokenizer")
	}
	f, known := flags.ForItem(t.now.Runtimes[0].Kind, spec.ItemPrefixCache)
	if known && t.now.Axis(spec.ItemPrefixCache) == nil {
		t.doc.Set(tree.NewList(tree.Flag(true)), "parameters", f.Names[0])
		t.say(spec.ItemPrefixCache, "parameters."+f.Names[0], "false", spec.FidelityExact, "off, as it is in a suite that does not set it")
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
