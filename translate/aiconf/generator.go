package aiconf

import (
	"cmp"
	"errors"
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

// generated is a generator's configuration on its way to a suite.
type generated struct {
	options translate.Options
	report  *translate.Report
	doc     *tree.Node
	e       translate.Experiment
	model   *models.Architecture
	split   bool
}

// IsGenerator recognizes a generator's configuration.
func IsGenerator(doc *tree.Node) bool {
	return doc.Get("params") != nil && (doc.Get("WorkerConfig") != nil || doc.Get("ServiceConfig") != nil)
}

// ImportGenerator translates the configuration of which the tool generates a deployment.
func ImportGenerator(s translate.Source, o translate.Options) (*translate.Suite, *translate.Report, error) {
	doc, err := tree.Parse(s.Name, s.Data)
	if err != nil {
		return nil, nil, err
	}
	g := &generated{options: o, doc: doc, report: &translate.Report{Format: Generator, Source: s.Name}}
	if err := errors.Join(g.subject(), g.cells()); err != nil {
		return nil, nil, translate.Refuse(s.Name, Generator, strings.Split(err.Error(), "\n"))
	}
	g.rows("", doc)
	if row, ok := checkpoint(&g.e, g.model); ok {
		g.report.Add(row)
	}
	stem := strings.TrimSuffix(s.Name, path.Ext(s.Name))
	g.e.Name = write.Label(stem)
	if doc.Get("ServiceConfig", "hf_token") != nil {
		doc.Set(&tree.Node{}, "ServiceConfig", "hf_token")
	}
	syntax := tree.SyntaxOf(s.Name, s.Data)
	content, err := doc.Write(syntax)
	if err != nil {
		return nil, nil, err
	}
	file := "origin/generator." + string(syntax)
	g.e.Origin = &spec.Imported{Format: Generator, File: file}
	return &translate.Suite{Name: stem, Comment: "Translated from a generator's configuration of aiconfigurator. aicv import says what became of each of its keys.",
		Experiments: []translate.Experiment{g.e}, Files: []translate.File{{Name: file, Content: content}}}, g.report, nil
}

func (g *generated) text(path ...string) string {
	if n := g.doc.Get(path...); n != nil && n.Kind != tree.Null {
		return n.String()
	}
	return ""
}

func (g *generated) subject() error {
	name := cmp.Or(g.text("ServiceConfig", "model_path"), g.text("ServiceConfig", "served_model_path"))
	if name == "" {
		return errors.New("ServiceConfig.model_path: it names no model")
	}
	g.model, _ = g.e.Model.Find(name)
	g.e.Hardware.System = cmp.Or(g.text("NodeConfig", "system_name"), g.options.Hardware.System)
	image := g.text("K8sConfig", "k8s_image")
	engine := g.options.Engine
	for _, known := range flags.Engines() {
		if engine == "" && strings.Contains(image, known) {
			engine = known
		}
	}
	if engine == "" {
		return fmt.Errorf("K8sConfig.k8s_image: %q does not name sglang or vllm; name the engine with --runtime", image)
	}
	g.e.Runtimes = []translate.Runtime{{Kind: engine}}
	g.report.Add(translate.Row{Item: "runtime.version", Value: "(not given)", Fidelity: spec.FidelityApproximate,
		Why: "flags and predictions depend on the engine's version: give --runtime-version"})
	return nil
}

// worker reads one block of params.
func (g *generated) worker(side string) (*worker, error) {
	params := g.doc.Get("params", side)
	spread := func(key string) bool {
		n, ok := params.Get(key).Int()
		return ok && n > 1
	}
	w, err := readWorker(isMoE(g.model, spread("moe_tensor_parallel_size") || spread("moe_expert_parallel_size")), func(f workerField) string {
		if f.param == "" {
			return ""
		}
		if n := params.Get(f.param); n != nil && n.Kind != tree.Null {
			return n.String()
		}
		return ""
	})
	if err != nil {
		return nil, fmt.Errorf("params.%s: %w", side, err)
	}
	if claimed, err := whole(g.text("WorkerConfig", side+"_gpus_per_worker")); err == nil && claimed != w.gpus() {
		g.report.Add(translate.Row{Field: "WorkerConfig." + side + "_gpus_per_worker", Item: "replicas", Value: strconv.Itoa(claimed), Fidelity: spec.FidelityApproximate,
			Why: fmt.Sprintf("the parallel sizes take %d GPUs; aicv counts by the sizes", w.gpus())})
	}
	return w, nil
}

// cells makes the one configuration, or stand-ins for its two sides.
func (g *generated) cells() error {
	g.split = g.text("DynConfig", "mode") == "disagg"
	sides := []string{"agg"}
	if g.split {
		sides = []string{"decode", "prefill"}
		g.e.Comment = "Aggregated stand-ins for prefill and decode in pools of their own, which aicv does not deploy."
	}
	total, workers := 0, make([]*worker, len(sides))
	for i, side := range sides {
		w, err := g.worker(side)
		if err != nil {
			return err
		}
		n, err := whole(g.text("WorkerConfig", side+"_workers"))
		if err != nil {
			return fmt.Errorf("WorkerConfig.%s_workers: %w", side, err)
		}
		workers[i], total = w, total+n*w.gpus()
	}
	for _, w := range workers {
		c := standIn(w, total)
		if g.split {
			c = without(c, spec.ItemMaxBatchSize)
		}
		addRow(&g.e, rowOf(c))
	}
	if g.e.Hardware.System != "" {
		g.e.Hardware.GPUs = total
	}
	return g.load()
}

func (g *generated) load() error {
	for _, l := range []struct{ key, item string }{{"isl", schema.ItemInputTokens}, {"osl", schema.ItemOutputTokens}} {
		n, err := whole(cmp.Or(g.text("SlaConfig", l.key), g.text("BenchConfig", l.key)))
		if err != nil {
			return fmt.Errorf("SlaConfig.%s: %w", l.key, err)
		}
		g.e.Add(translate.Axis{Name: l.item, Values: []spec.Value{spec.IntValue(n)}})
	}
	loads := translate.Axis{Name: schema.ItemConcurrency, From: "BenchConfig.concurrency"}
	for _, n := range g.doc.Get("BenchConfig", "concurrency").List() {
		c, err := whole(n.String())
		if err != nil {
			return fmt.Errorf("BenchConfig.concurrency: %w", err)
		}
		loads.Values = append(loads.Values, spec.IntValue(c))
	}
	if len(loads.Values) == 0 {
		return errors.New("BenchConfig.concurrency: it has no values, and a cell needs a load")
	}
	g.e.Add(loads)
	g.e.Add(translate.Axis{Name: spec.ItemPrefixCache, Values: []spec.Value{spec.BoolValue(false)}})
	g.limits()
	hoist(&g.e)
	return nil
}

// limits reads what an engine is limited to, beyond the batch.
func (g *generated) limits() {
	for key, item := range map[string]string{"max_num_tokens": spec.ItemMaxBatchTokens, "max_seq_len": spec.ItemMaxSequenceLength} {
		if n, err := whole(g.text("params", "agg", key)); err == nil && !g.split {
			g.e.Add(translate.Axis{Name: item, Values: []spec.Value{spec.IntValue(n)}})
		}
	}
}

// rows reports every key.
func (g *generated) rows(prefix string, n *tree.Node) {
	for _, f := range n.Fields {
		field := prefix + f.Name
		if f.Node.Kind == tree.Map {
			g.rows(field+".", f.Node)
			continue
		}
		row := translate.Row{Field: field, Value: f.Node.String(), Fidelity: spec.FidelityUnsupported, Why: "a key that aicv does not know; kept in the copy of the file"}
		if field == "ServiceConfig.hf_token" {
			row.Value = "(secret)"
		}
		g.report.Add(g.known(row, field))
	}
}

func (g *generated) known(row translate.Row, field string) translate.Row {
	for _, f := range workerFields() {
		for _, side := range []string{"agg", "prefill", "decode"} {
			if f.param == "" || field != "params."+side+"."+f.param {
				continue
			}
			row.Item, row.Fidelity, row.Why = f.item, f.fidelity, f.why
			switch {
			case f.experts && !isMoE(g.model, false):
				row.Item, row.Fidelity, row.Why = "", spec.FidelityExact, "the model has no experts"
			case g.split && f.item == spec.ItemMaxBatchSize:
				row.Item, row.Fidelity, row.Why = "", spec.FidelityUnsupported, pools
			case g.split:
				row.Fidelity, row.Why = spec.FidelityApproximate, standInWhy
			}
			return row
		}
	}
	if o, known := find(generatorFields(), field); known {
		row.Item, row.Fidelity, row.Why = o.item, o.fidelity, o.why
	}
	return row
}
