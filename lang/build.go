package lang

import (
	"errors"
	"path/filepath"
	"time"

	"github.com/zclconf/go-cty/cty"

	"aicv/catalog/models"
	"aicv/lang/claim"
	"aicv/lang/schema"
	"aicv/metric"
	"aicv/spec"
)

// workload is a workload block, or what an experiment's axes make of one.
type workload struct {
	load          spec.Load
	sampling      spec.Sampling
	concurrencies []int // of a block that lists them: an axis
	seeded        bool  // the prompts' seed is set
}

// produce makes what the suite lists from a block.
func (l *loader) produce(n *node, d decoded) bool {
	switch n.root {
	case schema.Model:
		n.product.model = l.model(n, d.attrs)
	case schema.Hardware:
		n.product.hardware = l.hardware(n, d)
	case schema.Workload:
		return l.workload(n, d)
	default:
		n.product.component = &spec.Component{Role: spec.Role(n.root), Kind: n.path[0], Name: n.name(), Attrs: d.attrs,
			Incidental: n.block.typ.Incidental(), Range: n.at}
		return l.checkComponent(n)
	}
	return true
}

func (l *loader) model(n *node, attrs spec.Attrs) *spec.Model {
	m := &spec.Model{Name: n.name(), ID: attrs.Text("id"), Range: n.at}
	if !attrs.Has("path") {
		return m
	}
	m.Path = attrs.Text("path")
	if !filepath.IsAbs(m.Path) {
		m.Path = filepath.Join(l.absDir, m.Path)
	}
	checkpoint, err := models.Read(filepath.Join(m.Path, "config.json"))
	if err != nil {
		l.report(l.noCheckpoint(n, checkpoint, err))
	}
	if checkpoint != nil {
		m.ConfigHash = string(spec.HashOf(checkpoint.Content))
		l.inputs[n.address()] = m.ConfigHash
	}
	return m
}

// noCheckpoint warns: the suite can be planned where the checkpoint is not, or where its
// config.json is broken, but little is then known of its model.
func (l *loader) noCheckpoint(n *node, checkpoint *models.Checkpoint, err error) spec.Diagnostic {
	why, known := err.Error(), (*spec.Error)(nil)
	if errors.As(err, &known) {
		why = known.Summary
	}
	if n.hidden || n.block == nil || l.namesHidden(n) {
		why = "the file can not be read"
	}
	if checkpoint != nil {
		return warning(l.at(n.block.attrs["path"].Expr), "The checkpoint's configuration can not be used",
			upperFirst(why)+". The model is identified by the file's content, but nothing is known of its architecture.")
	}
	return warning(l.at(n.block.attrs["path"].Expr), "No checkpoint at the model's path",
		upperFirst(why)+", so the model is identified by its id alone.")
}

// namesHidden reports whether a sensitive value takes part in a node's attributes.
func (l *loader) namesHidden(n *node) bool {
	for _, ref := range n.refs {
		if ref.to.hidden {
			return true
		}
	}
	return false
}

func (l *loader) workload(n *node, d decoded) bool {
	w := &workload{}
	for _, row := range schema.WorkloadItems() {
		v, set := d.attrs[row.Name]
		if !set {
			continue
		}
		if row.Name == schema.ItemConcurrency && !isNumber(d.raw[row.Name]) {
			if w.concurrencies = ints(v); len(w.concurrencies) == 0 {
				l.fail(l.at(n.block.attrs[row.Name].Expr), "An axis without values", "List at least one concurrency, or leave the attribute out.")
				return false
			}
			continue
		}
		if err := w.set(row.Name, v); err != nil {
			err.hide(d.raw[row.Name].ContainsMarked())
			l.wrongValue(row.Name, l.at(n.block.attrs[row.Name].Expr), err)
			return false
		}
	}
	n.product.workload = w
	return l.checkLengths(n, d)
}

// checkLengths refuses lengths that are given twice.
func (l *loader) checkLengths(n *node, d decoded) bool {
	for _, twice := range [][2]string{
		{schema.ItemTraffic, schema.ItemInputTokens}, {schema.ItemTraffic, schema.ItemOutputTokens},
		{schema.ItemTraffic, schema.ItemInputLengths}, {schema.ItemTraffic, schema.ItemOutputLengths},
		{schema.ItemInputLengths, schema.ItemInputTokens}, {schema.ItemOutputLengths, schema.ItemOutputTokens},
	} {
		if d.attrs.Has(twice[0]) && d.attrs.Has(twice[1]) {
			l.fail(l.at(n.block.attrs[twice[1]].Expr), "Lengths are given twice", quoted(twice[0])+" gives the length already; remove "+twice[1]+" or "+twice[0]+".")
			return false
		}
	}
	return true
}

func isNumber(v cty.Value) bool { return v.Type() == cty.Number }

func ints(v spec.Value) []int {
	out := make([]int, len(v.Items()))
	for i, item := range v.Items() {
		out[i], _ = item.Int()
	}
	return out
}

// set gives the workload one item's checked value.
func (w *workload) set(name string, v spec.Value) *mismatch {
	n, _ := v.Int()
	switch name {
	case schema.ItemInputTokens:
		w.load.InputTokens, w.load.Shape.Input = n, spec.Spread{}
	case schema.ItemOutputTokens:
		w.load.OutputTokens, w.load.Shape.Output = n, spec.Spread{}
	case schema.ItemTraffic:
		return w.setTraffic(v.Text())
	case schema.ItemConcurrency:
		w.load.Concurrency = n
		if items := v.Items(); len(items) > 0 {
			w.load.Concurrency, _ = items[0].Int()
		}
	case schema.ItemRequestRate:
		return w.setRate(v)
	case schema.ItemRequests:
		w.sampling.Requests = n
	case schema.ItemDuration:
		w.sampling.Duration, _ = time.ParseDuration(v.Text())
	case schema.ItemWarmup:
		w.sampling.Warmup = n
	case schema.ItemWarmupTime:
		w.sampling.WarmupTime, _ = time.ParseDuration(v.Text())
	case schema.ItemSeed:
		w.sampling.Seed, w.seeded = int64(n), true
	default:
		return w.setShape(name, v)
	}
	return nil
}

func (w *workload) setRate(v spec.Value) *mismatch {
	rate, err := v.Decimal()
	if err != nil || rate.Sign() <= 0 {
		return &mismatch{expected: "a rate above 0 requests/s with at most 18 digits"}
	}
	w.load.RequestRate = rate
	return nil
}

// settings fills in the suite's settings from its block.
func (l *loader) settings(suite *spec.Suite) {
	suite.Name, suite.OnUndecided, suite.Seed = filepath.Base(l.absDir), "fail", 1
	b := l.suiteBlock
	if b == nil {
		return
	}
	d, ok := l.attributes(b, false)
	if !ok {
		return
	}
	if d.attrs.Has("name") {
		suite.Name = d.attrs.Text("name")
	}
	suite.OnUndecided, suite.Seed = d.attrs.Text("on_undecided"), int64(d.attrs.Int("seed"))
}

// limits reads the slo block: each a quantity in the metric's own unit.
func (l *loader) limits(b *block) spec.SLO {
	if b == nil {
		return nil
	}
	d, _ := l.attributes(b, false)
	var limits spec.SLO
	for _, row := range b.typ.Attributes {
		if !d.attrs.Has(row.Name) {
			continue
		}
		m := l.metrics[metric.Name(row.Name)]
		q, err := claim.Quantity(d.attrs.Text(row.Name), m)
		if err != nil {
			l.wrongQuantity(m, l.literalAt(b.attrs[row.Name].Expr, d.attrs.Text(row.Name), d.raw[row.Name].ContainsMarked()), err)
			continue
		}
		limits = append(limits, spec.Limit{Metric: m.Name, Quantity: q})
	}
	return limits
}

func (l *loader) wrongQuantity(m metric.Metric, text literal, err *claim.Error) {
	d := problem(text.part(err.Offset, err.End), "Wrong limit for "+string(m.Name), "It is a quantity of "+string(m.Name)+" in "+string(m.Unit)+".")
	if !text.hidden {
		d.Summary, d.Detail, d.Suggestion = err.Message, err.Detail, err.Suggestion
	}
	l.report(d)
}
