package autotuner

import (
	"regexp"
	"strconv"
	"strings"

	"aicv/catalog/hardware"
	"aicv/lang/schema"
	"aicv/spec"
	"aicv/translate"
	"aicv/translate/flags"
	"aicv/translate/tree"
)

// images are the tool's image names by engine (controllers/utils.py).
func images() map[string]string {
	return map[string]string{flags.SGLang: "lmsysorg/sglang", flags.VLLM: "vllm/vllm-openai"}
}

func systemOf(gpu string) (system, why string) {
	guesses := hardware.Guess(gpu)
	switch len(guesses) {
	case 0:
		return "", "no system that aicv knows has this GPU"
	case 1:
		return guesses[0], ""
	}
	return "", "it may be " + strings.Join(guesses, " or ") + "; give --system"
}

// choices are the values of a parameter: a list, one value, or the older form of a map
// with a type. The error says why a search range has none.
func choices(n *tree.Node) (values []*tree.Node, why string) {
	if n == nil || n.Kind != tree.Map {
		return n.List(), ""
	}
	if kind := n.Get("type"); kind == nil || kind.Text != "choice" || n.Get("values") == nil {
		return nil, "a range to search in: aicv measures the values that are listed"
	}
	return n.Get("values").List(), ""
}

// parameter reads one engine flag.
func (t *task) parameter(r *rule, field string, n *tree.Node) {
	name := flags.Plain(strings.TrimPrefix(field, "parameters."))
	values, why := choices(n)
	if len(values) == 0 {
		if why == "" {
			why = "no values"
		}
		t.row(r, field, n, "", spec.FidelityUnsupported, why)
		return
	}
	f, known := flags.Find(t.engine, name)
	if f.Item == spec.ItemReplicas {
		f.Item, f.Fidelity, f.Why = t.dataParallelItem()
	}
	if known && t.e.Axis(f.Item) != nil {
		t.row(r, field, n, "", spec.FidelityUnsupported, f.Item+" is set by "+t.e.Axis(f.Item).From+" already")
		return
	}
	if known {
		if a, reading, ok := axisOf(f, values); ok {
			a.From = field
			if len(a.Values) > 0 {
				t.e.Add(a)
			}
			t.row(r, field, n, f.Item, reading.Fidelity, reading.Why)
			return
		}
	}
	t.argument(r, field, name, values, n)
}

// axisOf reads all values of a flag as an axis of its item; false where one of them says
// nothing that the item can hold.
func axisOf(f flags.Flag, values []*tree.Node) (translate.Axis, flags.Reading, bool) {
	a, all := translate.Axis{Name: f.Item}, flags.Reading{Fidelity: f.Fidelity, Why: f.Why}
	for _, v := range values {
		reading, ok := f.Read(v)
		if !ok || reading.Value.IsNull() && len(values) > 1 {
			return a, reading, false
		}
		if !reading.Value.IsNull() && !contains(a.Values, reading.Value) {
			a.Values = append(a.Values, reading.Value)
		}
		if reading.Fidelity != spec.FidelityExact || all.Why == "" {
			all.Fidelity, all.Why = reading.Fidelity, reading.Why
		}
	}
	return a, all, true
}

func contains(values []spec.Value, v spec.Value) bool {
	for _, known := range values {
		if known.Equal(v) {
			return true
		}
	}
	return false
}

// argument passes a flag that is no item to the engine.
func (t *task) argument(r *rule, field, name string, values []*tree.Node, n *tree.Node) {
	a := translate.Axis{Name: name, From: field}
	for _, v := range values {
		if v.Kind == tree.List || v.Kind == tree.Map || v.Kind == tree.Null {
			t.problem(field, v, "a flag's value")
			return
		}
		if value := v.Value(); !contains(a.Values, value) {
			a.Values = append(a.Values, value)
		}
	}
	t.args = append(t.args, a)
	t.row(r, field, n, "runtime.args", spec.FidelityExact, "no item: passed to the engine as it stands, and no predictor is told of it")
}

// settleArguments drops flags that another field has set as an item: the engine would be
// told twice, and a runtime refuses that.
func (t *task) settleArguments() {
	kept := t.args[:0]
	for _, a := range t.args {
		f, known := flags.Find(t.engine, a.Name)
		item := t.e.Axis(f.Item)
		if !known || item == nil {
			kept = append(kept, a)
			continue
		}
		for i := range t.report.Rows {
			if row := &t.report.Rows[i]; row.Field == a.From {
				row.Item, row.Fidelity, row.Why = "", spec.FidelityUnsupported, f.Item+" is set by "+item.From+" already"
			}
		}
	}
	t.args = kept
}

// maxRuntimes bounds the combinations of flags that are no items.
const maxRuntimes = 64

// runtimes makes one runtime per combination of the flags that are no items.
func (t *task) runtimes() {
	combinations := [][]spec.Setting{nil}
	for _, a := range t.args {
		var next [][]spec.Setting
		for _, c := range combinations {
			for _, v := range a.Values {
				next = append(next, append(c[:len(c):len(c)], spec.Setting{Name: a.Name, Value: v}))
			}
		}
		if combinations = next; len(combinations) > maxRuntimes {
			t.problems = append(t.problems, "parameters: the flags that are no items have more than "+strconv.Itoa(maxRuntimes)+" combinations")
			return
		}
	}
	for _, c := range combinations {
		runtime := t.runtime
		runtime.Kind, runtime.Args = t.engine, c
		t.e.Runtimes = append(t.e.Runtimes, runtime)
	}
}

func sizeReader(item string) func(*task, *rule, string, *tree.Node) {
	f := flags.Flag{Item: item, Kind: flags.Size, Fidelity: spec.FidelityExact}
	return func(t *task, r *rule, field string, n *tree.Node) { t.items(r, f, field, n) }
}

func quantReader(item string) func(*task, *rule, string, *tree.Node) {
	f := flags.Flag{Item: item, Kind: flags.Word, Values: quantWords(item), Fidelity: spec.FidelityExact}
	return func(t *task, r *rule, field string, n *tree.Node) {
		if only := n.List(); item == spec.ItemGEMMQuant && len(only) == 1 && (only[0].Text == "float16" || only[0].Text == "float32") {
			t.items(r, flags.Flag{Item: spec.ItemDType, Kind: flags.Word, Fidelity: spec.FidelityExact}, field, n)
			return
		}
		t.items(r, f, field, n)
	}
}

// items reads a field that holds one value or a list of them. Values without a word are
// left out and reported.
func (t *task) items(r *rule, f flags.Flag, field string, n *tree.Node) {
	values := n.List()
	if other := t.e.Axis(f.Item); other != nil {
		t.row(r, field, n, "", spec.FidelityUnsupported, "the engine's flag "+other.From+" sets "+f.Item+", and goes before it")
		return
	}
	a := translate.Axis{Name: f.Item, From: field}
	worst, whys := spec.FidelityExact, []string(nil)
	for _, v := range values {
		reading, ok := f.Read(v)
		switch {
		case !ok && f.Kind == flags.Size:
			t.problem(field, v, strings.TrimPrefix(reading.Why, "expected "))
			return
		case !ok || reading.Value.IsNull() && len(values) > 1:
			t.row(r, field, v, "", spec.FidelityUnsupported, leftOut(reading))
			continue
		case !reading.Value.IsNull() && !contains(a.Values, reading.Value):
			a.Values = append(a.Values, reading.Value)
		}
		if reading.Fidelity != spec.FidelityExact {
			worst = reading.Fidelity
		}
		if reading.Why != "" && !strings.Contains(strings.Join(whys, "; "), reading.Why) {
			whys = append(whys, reading.Why)
		}
	}
	if len(a.Values) > 0 {
		t.e.Add(a)
	}
	if len(values) > 0 {
		t.row(r, field, n, f.Item, worst, strings.Join(whys, "; "))
	}
}

func leftOut(r flags.Reading) string {
	if r.Value.IsNull() && r.Fidelity != "" {
		return "left to the engine: an axis has no value for that, so these cells are left out"
	}
	return r.Why
}

func (t *task) dataParallel(r *rule, field string, n *tree.Node) {
	item, f, why := t.dataParallelItem()
	t.items(r, flags.Flag{Item: item, Kind: flags.Size, Fidelity: f, Why: why}, field, n)
}

func (t *task) expertParallel(r *rule, field string, n *tree.Node) {
	tp := t.e.Axis(spec.ItemTensorParallel)
	on := n.Kind == tree.Bool && n.Text == "true"
	if !on || tp == nil || len(tp.Values) != 1 || t.e.Axis(spec.ItemMoEExpertParallel) != nil {
		t.row(r, field, n, "", spec.FidelityUnsupported, "off, or the number of ranks varies: set moe_expert_parallel yourself")
		return
	}
	ranks, _ := tp.Values[0].Int()
	if dp := t.e.Axis(spec.ItemAttentionDataParallel); dp != nil && len(dp.Values) == 1 {
		n, _ := dp.Values[0].Int()
		ranks *= n
	}
	t.e.Add(translate.Axis{Name: spec.ItemMoEExpertParallel, Values: []spec.Value{spec.IntValue(ranks)}, From: field})
	t.row(r, field, n, "", r.Fidelity, r.Why)
}

func (t *task) dataParallelItem() (string, spec.Fidelity, string) {
	return flags.DataParallel(t.engine, t.model != nil && t.model.IsMoE(), t.attention)
}

// settleDataParallel brings numbers of servers and of ranks to what the items count.
func (t *task) settleDataParallel() {
	ranks := t.e.Ranks()
	if ranks == 1 {
		return
	}
	for i := range t.e.Axes {
		a := &t.e.Axes[i]
		if !a.Rescale(func(n int) (int, bool) { return flags.ItemOf(t.engine, a.Name, n, ranks) }) {
			t.problems = append(t.problems, a.From+": under data-parallel attention it needs one number of ranks, which divides it")
		}
	}
}

func (t *task) concurrency(r *rule, field string, n *tree.Node) {
	t.items(r, flags.Flag{Item: schema.ItemConcurrency, Kind: flags.Size, Fidelity: spec.FidelityExact}, field, n)
}

// traffic reads genai-bench's scenarios. Lengths from a distribution have no prediction.
func (t *task) traffic(r *rule, field string, n *tree.Node) {
	a := translate.Axis{Name: schema.ItemTraffic, From: field}
	fixed := regexp.MustCompile(`^D\(\s*([1-9]\d{0,8})\s*,\s*([1-9]\d{0,8})\s*\)(/\w+)?$`)
	for _, v := range n.List() {
		m := fixed.FindStringSubmatch(v.Text)
		if v.Kind != tree.String || m == nil {
			t.row(r, field, v, "", spec.FidelityUnsupported, "lengths from a distribution: predictions are for fixed lengths, D(input,output)")
			continue
		}
		value := spec.StringValue("D(" + m[1] + "," + m[2] + ")")
		if !contains(a.Values, value) {
			a.Values = append(a.Values, value)
		}
	}
	if len(a.Values) == 0 {
		t.problem(field, n, "at least one scenario of fixed lengths, D(input,output)")
		return
	}
	t.e.Add(a)
	t.row(r, field, n, "", spec.FidelityExact, "")
}
