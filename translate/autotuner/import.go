package autotuner

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	"aicv/catalog/models"
	"aicv/lang/schema"
	"aicv/lang/write"
	"aicv/spec"
	"aicv/translate"
	"aicv/translate/flags"
	"aicv/translate/tree"
)

// task is one task on its way to a suite.
type task struct {
	options     translate.Options
	doc         *tree.Node
	report      *translate.Report
	suite       translate.Suite
	e           translate.Experiment
	engine      string
	model       *models.Architecture // nil: not known
	runtime     translate.Runtime    // its version, image and environment
	args        []translate.Axis     // flags that are no items, with their values
	hard        []string             // claims that decide
	soft        []string             // claims that are only reported
	problems    []string
	attention   bool         // data-parallel attention
	clientAttrs []write.Attr // of the benchmark
}

// Import translates a task. The error lists everything in it that can not be read; what
// can be read and has no counterpart is in the report.
func Import(s translate.Source, options translate.Options) (*translate.Suite, *translate.Report, error) {
	doc, err := tree.Parse(s.Name, s.Data)
	if err != nil {
		return nil, nil, err
	}
	t := readTask(s.Name, doc, options)
	if len(t.problems) > 0 {
		return nil, nil, translate.Refuse(s.Name, Format, t.problems)
	}
	if err := t.keep(s); err != nil {
		return nil, nil, err
	}
	return &t.suite, t.report, nil
}

// readTask reads a task; what is wrong with it is in its problems.
func readTask(name string, doc *tree.Node, options translate.Options) *task {
	t := &task{options: options, doc: doc, report: &translate.Report{Format: Format, Source: name}}
	if doc.Kind != tree.Map {
		t.problem("the task", doc, "a map of fields")
		return t
	}
	t.readModel()
	t.readEngine()
	if len(t.problems) == 0 {
		t.walk("", doc)
		t.finish()
	}
	return t
}

func (t *task) problem(field string, n *tree.Node, expected string) {
	text := n.String()
	if len(text) > 60 {
		text = text[:57] + "..."
	}
	t.problems = append(t.problems, fmt.Sprintf("%s: expected %s, got %s", field, expected, strconv.Quote(text)))
}

// keep puts a copy of the task beside the suite: as it is, or written anew without its
// secret.
func (t *task) keep(s translate.Source) error {
	syntax, content := tree.SyntaxOf(s.Name, s.Data), s.Data
	if n := t.doc.Get("model", "hf_token"); n != nil && n.Kind != tree.Null {
		t.doc.Set(&tree.Node{}, "model", "hf_token")
		var err error
		if content, err = t.doc.Write(syntax); err != nil {
			return err
		}
	}
	file := "origin/task." + string(syntax)
	t.suite.Files = []translate.File{{Name: file, Content: content}}
	t.e.Origin = &spec.Imported{Format: Format, File: file}
	t.suite.Experiments = []translate.Experiment{t.e}
	return nil
}

// row reports a field; its rule says how it fares where nothing else is given.
func (t *task) row(r *rule, field string, n *tree.Node, item string, f spec.Fidelity, why string) {
	if item == "" && f != spec.FidelityUnsupported {
		item = r.Item
	}
	value := n.String()
	if field == "model.hf_token" {
		value = "(secret)"
	}
	t.report.Add(translate.Row{Field: field, Item: item, Value: value, Fidelity: f, Why: why})
}

// walk goes through the whole document, so that nothing is passed over.
func (t *task) walk(prefix string, n *tree.Node) {
	for _, f := range n.Fields {
		field := prefix + f.Name
		r := ruleFor(field)
		switch {
		case r != nil && r.read != nil:
			r.read(t, r, field, f.Node)
		case f.Node.Kind == tree.Map && len(f.Node.Fields) > 0:
			t.walk(field+".", f.Node)
		case r == nil:
			t.row(&rule{}, field, f.Node, "", spec.FidelityUnsupported, "no field of a task that aicv knows; kept in the copy of the task")
		case r.Item == "":
			t.row(r, field, f.Node, "", spec.FidelityUnsupported, r.Why)
		}
	}
}

// ruleFor finds the rule of a field, else that of the map that it stands in, if nothing
// there has a counterpart.
func ruleFor(field string) (found *rule) {
	length := 0
	for _, r := range rules() {
		switch {
		case r.Field == field, matches(r.Field, field):
			return &r
		case strings.HasPrefix(field, r.Field+".") && len(r.Field) > length && r.Item == "":
			found, length = &r, len(r.Field)
		}
	}
	return found
}

func matches(pattern, field string) bool {
	head, star := strings.CutSuffix(pattern, ".*")
	rest, under := strings.CutPrefix(field, head+".")
	return star && under && !strings.Contains(rest, ".")
}

func (t *task) readModel() {
	n := t.doc.Get("model", "id_or_path")
	if n == nil || n.Kind != tree.String || strings.TrimSpace(n.Text) == "" {
		t.problem("model.id_or_path", n, "a model's name or path")
		return
	}
	row := translate.Row{Field: "model.id_or_path", Item: "model.id", Value: n.Text, Fidelity: spec.FidelityExact}
	name := n.Text
	if strings.HasPrefix(name, "/") {
		t.e.Model.Path = name
		name = path.Base(path.Clean(name))
		row.Item, row.Fidelity, row.Why = "model.path, model.id", spec.FidelityApproximate, "the id is the folder's name; set the one that the predictor knows"
	}
	t.e.Model.ID = name
	if match, found := models.Lookup(name); found {
		t.model, t.e.Model.ID = match.Architecture, t.fullName(match)
		if note := match.Note(); note != "" && t.e.Model.ID != n.Text {
			row.Fidelity, row.Why = spec.FidelityApproximate, note
		}
	} else if !strings.Contains(name, "/") && t.e.Model.Path == "" {
		row.Fidelity, row.Why = spec.FidelityApproximate, "aicv knows no model of that name, so the id is the name itself"
	}
	t.report.Add(row)
}

// fullName prefers the tokenizer's name, where it is that of the same architecture: a short
// name does not say which of a model's variants is meant.
func (t *task) fullName(m models.Match) string {
	if strings.Contains(m.Name, "/") {
		return m.Name
	}
	if n := t.doc.Get("benchmark", "model_tokenizer"); n != nil && strings.Contains(n.Text, "/") {
		if other, found := models.Lookup(n.Text); found && other.ID == m.ID {
			return n.Text
		}
	}
	return m.ID
}

func (t *task) readEngine() {
	n := t.doc.Get("base_runtime")
	if n == nil || n.Kind != tree.String {
		t.problem("base_runtime", n, "an engine: "+strings.Join(flags.Engines(), ", "))
		return
	}
	for _, engine := range flags.Engines() {
		if strings.HasPrefix(strings.ToLower(n.Text), engine) {
			t.engine = engine
		}
	}
	if t.engine == "" {
		t.problem("base_runtime", n, "a name that begins with "+strings.Join(flags.Engines(), " or "))
		return
	}
	row := translate.Row{Field: "base_runtime", Item: "runtime." + t.engine, Value: n.Text, Fidelity: spec.FidelityExact}
	if n.Text != t.engine {
		row.Fidelity, row.Why = spec.FidelityApproximate, "the engine alone; the tool's preset of that name has flags of its own, which are not in the task"
	}
	t.report.Add(row)
	for _, name := range []string{"enable-dp-attention", "enable_dp_attention"} {
		values, _ := choices(t.doc.Get("parameters", name))
		t.attention = t.attention || t.engine == flags.SGLang && len(values) == 1 && values[0].Text == "true"
	}
}

func (t *task) name(r *rule, field string, n *tree.Node) {
	if n.Kind != tree.String || n.Text == "" {
		t.problem(field, n, "a name")
		return
	}
	t.suite.Name, t.e.Name = n.Text, n.Text
	t.row(r, field, n, "", r.Fidelity, "")
}

func (t *task) target(r *rule, field string, n *tree.Node) {
	kind := map[string]string{"docker": "docker", "local": "process"}[n.Text]
	switch {
	case kind == "":
		t.row(r, field, n, "", spec.FidelityUnsupported, "this target has no counterpart; the suite runs on this host's processes unless it says otherwise")
	case !t.options.HasProvider(spec.RoleTarget, kind):
		t.row(r, field, n, "", spec.FidelityUnsupported, "this aicv has no target "+kind+"; the suite runs on this host's processes")
	default:
		t.e.Target = kind
		t.row(r, field, n, "target."+kind, spec.FidelityExact, "")
	}
}

func (t *task) token(r *rule, field string, n *tree.Node) {
	if n.Kind == tree.Null || n.Text == "" {
		t.row(r, field, n, "", spec.FidelityUnsupported, "empty")
		return
	}
	t.runtime.Env = []spec.Setting{{Name: "HF_TOKEN", Value: spec.SecretValue("HF_TOKEN")}}
	t.row(r, field, n, "", r.Fidelity, r.Why)
}

func (t *task) gpu(r *rule, field string, n *tree.Node) {
	system, why := systemOf(n.Text)
	switch {
	case system == "":
		t.row(r, field, n, "", spec.FidelityUnsupported, why)
	case t.options.Hardware.System != "":
		t.row(r, field, n, "hardware.system", spec.FidelityApproximate, "the command line says "+t.options.Hardware.System)
	default:
		t.e.Hardware.System = system
		t.row(r, field, n, "hardware.system", r.Fidelity, r.Why)
	}
}

func (t *task) image(r *rule, field string, n *tree.Node) {
	if n.Kind != tree.String || n.Text == "" {
		t.problem(field, n, "a tag in quotes")
		return
	}
	t.runtime.Image = images()[t.engine] + ":" + n.Text
	t.runtime.Version = flags.VersionOf(n.Text)
	if t.runtime.Version == "" {
		t.row(r, field, n, "runtime.image", spec.FidelityApproximate, "the tag names no version; set runtime.version, so that predictions can be asked for it")
		return
	}
	t.row(r, field, n, "", spec.FidelityExact, "")
}

// finish makes runtimes and claims of what was collected, and says what the task leaves
// open.
func (t *task) finish() {
	if t.options.Hardware.System != "" {
		t.e.Hardware = t.options.Hardware
	}
	t.settleDataParallel()
	t.settleArguments()
	t.defaultImage()
	t.runtimes()
	t.claims()
	t.benchmark()
	t.open()
	if t.suite.Name == "" {
		t.suite.Name, t.e.Name = "task", "task"
		t.missing("task_name", "suite.name", "the suite is called task")
	}
	t.suite.Comment = "Translated from a task of inference-autotuner. aicv import says what became of each of its fields."
	t.e.Name = write.Label(t.e.Name)
}

func (t *task) missing(field, item, why string) {
	t.report.Add(translate.Row{Field: field, Item: item, Value: "(not in the task)", Fidelity: spec.FidelityApproximate, Why: why})
}

// open reports what a task can not say, or does not.
func (t *task) open() {
	if t.e.Axis(schema.ItemTraffic) == nil && len(t.problems) == 0 {
		t.e.Add(translate.Axis{Name: schema.ItemTraffic, Values: []spec.Value{spec.StringValue("D(100,100)")}})
		t.missing("benchmark.traffic_scenarios", schema.ItemTraffic, "the tool's default, D(100,100)")
	}
	if t.e.Axis(schema.ItemConcurrency) == nil && len(t.problems) == 0 {
		t.e.Add(translate.Axis{Name: schema.ItemConcurrency, Values: []spec.Value{spec.IntValue(1)}})
		t.missing("benchmark.num_concurrency", schema.ItemConcurrency, "the tool's default, 1")
	}
	if t.e.Hardware.System == "" {
		t.missing("", "hardware", "a task does not say which GPUs it runs on, and without them there are no metrics per GPU; give --system and --gpus")
	} else if t.e.Hardware.GPUs == 0 {
		t.e.Hardware.GPUs = t.mostGPUs()
		t.missing("", "hardware.gpus", "as many as the largest configuration takes")
	}
	if t.e.Axis(spec.ItemPrefixCache) == nil {
		t.missing("", spec.ItemPrefixCache, "the task leaves the engine's prefix cache on; aicv switches it off unless the suite says otherwise, because predictions assume no reuse")
	}
}

// defaultTag is the image's tag that the tool takes where a task names none.
func defaultTag(engine string) string {
	if engine == flags.SGLang {
		return "v0.5.2-cu126"
	}
	return "latest"
}

// defaultImage completes a task that names no image. Containers need one; processes run what
// is installed.
func (t *task) defaultImage() {
	switch {
	case t.runtime.Image != "":
	case t.e.Target == "docker":
		tag := defaultTag(t.engine)
		t.runtime.Image, t.runtime.Version = images()[t.engine]+":"+tag, flags.VersionOf(tag)
		t.missing("runtime_image_tag", "runtime.image", "the tool's default, "+tag)
	default:
		t.missing("runtime_image_tag", "runtime.version", "flags and predictions depend on the engine's version: give --runtime-version")
	}
}

// mostGPUs is the largest product of the sizes.
func (t *task) mostGPUs() int {
	product := 1
	for _, item := range []string{spec.ItemReplicas, spec.ItemTensorParallel, spec.ItemPipelineParallel, spec.ItemAttentionDataParallel} {
		most := 1
		if a := t.e.Axis(item); a != nil {
			for _, v := range a.Values {
				n, _ := v.Int()
				most = max(most, n)
			}
		}
		product *= most
	}
	return product
}
