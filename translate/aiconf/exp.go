package aiconf

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"aicv/catalog/models"
	"aicv/lang/schema"
	"aicv/lang/write"
	"aicv/spec"
	"aicv/translate"
	"aicv/translate/tree"
)

// The sides of an experiment's keys. The aggregated one writes some keys with agg_.
const (
	aggregated = ""
	prefillers = "prefill_"
	decoders   = "decode_"
)

// ImportExp translates the YAML of one or several experiments.
func ImportExp(s translate.Source, o translate.Options) (*translate.Suite, *translate.Report, error) {
	doc, err := tree.Parse(s.Name, s.Data)
	if err != nil {
		return nil, nil, err
	}
	stem := strings.TrimSuffix(s.Name, path.Ext(s.Name))
	suite := &translate.Suite{Name: stem, Comment: "Translated from experiments of aiconfigurator. aicv import says what became of each of their keys."}
	report := &translate.Report{Format: Exp, Source: s.Name}
	file := "origin/experiments." + string(tree.SyntaxOf(s.Name, s.Data))
	var problems []string
	for _, name := range experimentNames(doc, stem) {
		e := &exp{options: o, report: report, entry: name, doc: doc.Get(name)}
		if doc.Get("serving_mode") != nil && name == stem {
			e.doc = doc
		}
		if err := e.read(); err != nil {
			problems = append(problems, name+": "+err.Error())
			report.Add(translate.Row{Entry: name, Field: "(all)", Fidelity: spec.FidelityUnsupported, Why: err.Error()})
			continue
		}
		e.out.Origin = &spec.Imported{Format: Exp, File: file}
		if e.doc != doc {
			e.out.Origin.Entry = name
		}
		suite.Experiments = append(suite.Experiments, e.out)
	}
	if len(suite.Experiments) == 0 {
		if len(problems) == 0 {
			problems = []string{"no experiments: an experiment is a map with a serving_mode"}
		}
		return nil, nil, translate.Refuse(s.Name, Exp, problems)
	}
	suite.Files = []translate.File{{Name: file, Content: s.Data}}
	return suite, report, nil
}

// IsExp recognizes the YAML of experiments.
func IsExp(doc *tree.Node) bool {
	if doc == nil || doc.Kind != tree.Map {
		return false
	}
	if doc.Get("serving_mode") != nil || doc.Get("exps") != nil {
		return true
	}
	return slices.ContainsFunc(doc.Fields, func(f tree.Field) bool { return f.Node.Get("serving_mode") != nil })
}

// experimentNames lists the experiments that run, in order.
func experimentNames(doc *tree.Node, stem string) []string {
	if doc.Get("serving_mode") != nil {
		return []string{stem}
	}
	var names []string
	if chosen := doc.Get("exps"); chosen != nil {
		for _, n := range chosen.List() {
			names = append(names, n.Text)
		}
		return names
	}
	if doc.Kind == tree.Map {
		for _, f := range doc.Fields {
			if f.Node.Kind == tree.Map {
				names = append(names, f.Name)
			}
		}
	}
	return names
}

// setting is one key of an experiment: where it stands, and its name in the flat form.
type setting struct {
	path, key string
	node      *tree.Node
}

// exp is one experiment on its way to a suite.
type exp struct {
	options  translate.Options
	report   *translate.Report
	entry    string
	doc      *tree.Node
	settings []setting
	out      translate.Experiment
	model    *models.Architecture
	modelWhy string // what its name was taken for
	split    bool
	total    int
}

func (e *exp) add(row translate.Row) {
	row.Entry = e.entry
	e.report.Add(row)
}

// get finds a key of a side; nil for one that is not there or null.
func (e *exp) get(side, key string) *tree.Node {
	for _, s := range e.settings {
		if s.key == side+key && s.node.Kind != tree.Null && s.node.String() != "" {
			return s.node
		}
	}
	return nil
}

func (e *exp) text(side, key string) string {
	if n := e.get(side, key); n != nil {
		return n.String()
	}
	return ""
}

// main is the side that says model, system and backend.
func (e *exp) main() string {
	if e.split && e.get(decoders, "model_path") != nil {
		return decoders
	}
	return aggregated
}

func (e *exp) read() error {
	if e.doc == nil || e.doc.Kind != tree.Map {
		return fmt.Errorf("the document has no experiment of that name")
	}
	e.flatten("", "", e.doc)
	switch mode := e.text("", "serving_mode"); mode {
	case "agg", "disagg":
		e.split = mode == "disagg"
	default:
		return fmt.Errorf("serving_mode %q: aicv deploys agg, and measures stand-ins for disagg", mode)
	}
	e.out.Name = write.Label(e.entry)
	if err := e.subject(); err != nil {
		return err
	}
	if err := e.scalars(); err != nil {
		return err
	}
	if err := e.cells(); err != nil {
		return err
	}
	e.rows()
	if row, ok := checkpoint(&e.out, e.model); ok {
		e.add(row)
	}
	return nil
}

// flatten brings the older, nested form to the flat one's names.
func (e *exp) flatten(prefix, side string, n *tree.Node) {
	for _, f := range n.Fields {
		place := prefix + f.Name
		if f.Node.Kind == tree.Map {
			inner := map[string]string{"prefill_worker_config": prefillers, "decode_worker_config": decoders}[f.Name]
			e.flatten(place+".", inner, f.Node)
			continue
		}
		key := side + f.Name
		for _, w := range workerFields() {
			if w.old != "" && f.Name == w.old {
				key = side + w.key
			}
		}
		e.settings = append(e.settings, setting{place, strings.TrimPrefix(key, "agg_"), f.Node})
	}
}

// subject finds model, GPUs and engine.
func (e *exp) subject() error {
	side := e.main()
	name := cmp.Or(e.text(side, "model_path"), e.text("", "model_path"), e.text("", "model_name"))
	if name == "" {
		return fmt.Errorf("no model_path")
	}
	e.model, e.modelWhy = e.out.Model.Find(name)
	e.out.Hardware.System = cmp.Or(e.text(side, "system_name"), e.text("", "decode_system_name"), e.text("", "system_name"), e.options.Hardware.System)
	if e.out.Hardware.System == "" {
		return fmt.Errorf("no system_name")
	}
	total, err := whole(e.text("", "total_gpus"))
	if err != nil {
		return fmt.Errorf("total_gpus: %w", err)
	}
	e.total, e.out.Hardware.GPUs = total, total
	backend := cmp.Or(e.text(side, "backend_name"), e.text("", "backend_name"), "trtllm")
	engine, known := engineOf(cmp.Or(e.options.Engine, backend))
	if !known {
		return fmt.Errorf("backend %s: %s; name one of them with --runtime to measure it instead", engine, noTRTLLM)
	}
	runtime := translate.Runtime{Kind: engine, Version: cmp.Or(e.text(side, "backend_version"), e.text("", "backend_version"))}
	if engine != backend {
		e.add(translate.Row{Field: "backend_name", Item: "runtime." + engine, Value: backend, Fidelity: spec.FidelityApproximate, Why: "the command line names another engine"})
		runtime.Version = ""
	}
	if slices.Contains([]string{"current", "previous", "next"}, runtime.Version) {
		e.add(translate.Row{Field: "backend_version", Value: runtime.Version, Fidelity: spec.FidelityUnsupported, Why: "a slot of the tool's database is no version of an engine; set runtime.version"})
		runtime.Version = ""
	}
	e.out.Runtimes = []translate.Runtime{runtime}
	return nil
}

// scalars reads what all cells share.
func (e *exp) scalars() error {
	isl, osl := cmp.Or(e.text("", "isl"), "4000"), cmp.Or(e.text("", "osl"), "1000")
	for _, l := range []struct{ item, text string }{{schema.ItemInputTokens, isl}, {schema.ItemOutputTokens, osl}} {
		n, err := whole(l.text)
		if err != nil {
			return fmt.Errorf("%s: %w", l.item, err)
		}
		e.out.Add(translate.Axis{Name: l.item, Values: []spec.Value{spec.IntValue(n)}})
	}
	if p := e.text("", "prefix"); p != "" && p != "0" {
		return fmt.Errorf("prefix %s: aicv measures without a shared prefix", p)
	}
	e.out.Add(translate.Axis{Name: spec.ItemPrefixCache, Values: []spec.Value{spec.BoolValue(false)}})
	if n, err := whole(e.text("", "max_seq_len")); err == nil {
		e.out.Add(translate.Axis{Name: spec.ItemMaxSequenceLength, Values: []spec.Value{spec.IntValue(n)}})
	}
	if f, ok := e.get("", "free_gpu_memory_fraction").Float(); ok && f > 0 && f <= 1 {
		e.out.Add(translate.Axis{Name: spec.ItemMemoryFraction, Values: []spec.Value{spec.NumberValue(strconv.FormatFloat(f, 'f', -1, 64))}})
	}
	if n := e.get("", "enable_chunked_prefill"); n != nil && n.Text == "true" {
		e.out.Add(translate.Axis{Name: spec.ItemChunkedPrefill, Values: []spec.Value{spec.BoolValue(true)}})
	}
	if n, ok := e.get("", "nextn").Int(); ok && n > 0 {
		e.out.Add(translate.Axis{Name: spec.ItemSpeculativeTokens, Values: []spec.Value{spec.IntValue(n)}})
	}
	for key, name := range map[string]string{"ttft": "ttft", "tpot": "tpot", "request_latency": "latency"} {
		if f, ok := e.get("", key).Float(); ok && f > 0 && f < 1e9 {
			e.out.Limits = append(e.out.Limits, translate.Limit{Metric: name, Quantity: strconv.FormatFloat(f, 'f', -1, 64) + "ms"})
		}
	}
	slices.SortFunc(e.out.Limits, func(a, b translate.Limit) int { return strings.Compare(b.Metric, a.Metric) })
	return nil
}

// rows reports every key, those that are not set together.
func (e *exp) rows() {
	var unset []string
	for _, s := range e.settings {
		if s.node.Kind == tree.Null || s.node.Kind == tree.String && s.node.Text == "" {
			unset = append(unset, s.path)
			continue
		}
		e.add(e.rowOf(s))
	}
	if len(unset) > 0 {
		e.add(translate.Row{Field: fmt.Sprintf("(%d keys)", len(unset)), Value: strings.Join(unset, ", "), Fidelity: spec.FidelityExact,
			Why: "null or empty: left to the tool, as items that are not set"})
	}
}

func (e *exp) rowOf(s setting) translate.Row {
	row := translate.Row{Field: s.path, Value: s.node.String(), Fidelity: spec.FidelityUnsupported, Why: "a key that aicv does not know; kept in the copy of the file"}
	plain := strings.TrimPrefix(strings.TrimPrefix(s.key, prefillers), decoders)
	sided := plain != s.key
	for _, f := range workerFields() {
		if f.key != "" && f.key == plain {
			row.Item, row.Fidelity, row.Why = f.item, f.fidelity, f.why
			return e.workerRow(row, f, s, sided)
		}
	}
	o, known := find(expFields(), s.key)
	if sided && e.split && known && o.item == "" {
		o, known = find(expFields(), plain)
	}
	if known {
		row.Item, row.Fidelity, row.Why = o.item, o.fidelity, o.why
	}
	switch {
	case row.Item == "model.id" && e.modelWhy != "":
		row.Fidelity, row.Why = spec.FidelityApproximate, e.modelWhy
	case s.key == "serving_mode" && e.split:
		row.Fidelity, row.Why = spec.FidelityUnsupported, pools
	case s.key == "num_gpu_per_replica" && e.split:
		row.Why = e.replicaWhy(s.node)
	case sided && !e.split:
		row.Item, row.Fidelity, row.Why = "", spec.FidelityUnsupported, "of a side that this experiment does not have"
	case s.key == prefillers+"system_name" && s.node.Text != e.out.Hardware.System:
		row.Item, row.Fidelity, row.Why = "", spec.FidelityUnsupported, "an experiment has one kind of GPU; the stand-ins run on "+e.out.Hardware.System
	}
	return row
}

func (e *exp) workerRow(row translate.Row, f workerField, s setting, sided bool) translate.Row {
	switch {
	case sided && !e.split:
		row.Item, row.Fidelity, row.Why = "", spec.FidelityUnsupported, "of a side that this experiment does not have"
	case f.experts && !isMoE(e.model, len(s.node.List()) > 1):
		row.Item, row.Fidelity, row.Why = "", spec.FidelityExact, "the model has no experts"
	case e.split && f.item != "":
		row.Fidelity, row.Why = spec.FidelityApproximate, standInWhy
	case len(s.node.List()) > 1 && e.out.Recommended > 0:
		row.Fidelity, row.Why = spec.FidelityApproximate, "the predictor searches among all; fix the item to pin it"
	}
	return row
}

// replicaWhy says how many replicas there would be.
func (e *exp) replicaWhy(n *tree.Node) string {
	sizes := n.List()
	if len(sizes) != 1 {
		return pools
	}
	size, ok := sizes[0].Int()
	if !ok || size < 1 {
		return pools
	}
	return fmt.Sprintf("%d replicas of %d GPUs, each with prefill and decode workers; stand-ins count aggregated servers on all %d", e.total/size, size, e.total)
}
