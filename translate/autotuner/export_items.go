package autotuner

import (
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

// items writes the configuration and the load.
func (t *exporting) items() {
	was, engine := t.before(), t.now.Runtimes[0].Kind
	t.removed()
	product := 1
	for _, a := range t.now.Axes {
		product *= len(a.Values)
		if a.Name == schema.ItemRequests || a.Name == schema.ItemDuration || a.Name == schema.ItemWarmup || a.Name == schema.ItemWarmupTime || a.Name == schema.ItemRequestRate {
			t.say(a.Name, "", texts(a.Values), spec.FidelityUnsupported, "a task bounds its samples from above, and drives by concurrency alone")
			continue
		}
		now, ok := asFlags(engine, t.now, a)
		if !ok {
			t.say(a.Name, "", texts(a.Values), spec.FidelityUnsupported, "under data-parallel attention the flag needs one number of ranks, which divides it")
			continue
		}
		if t.stays(now) {
			old := was.Axis(a.Name)
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

// removed deletes the fields of items that the suite does not set any more.
func (t *exporting) removed() {
	for _, a := range t.before().Axes {
		if t.now.Axis(a.Name) == nil && a.From != "" {
			t.doc.Delete(strings.Split(a.From, ".")...)
		}
	}
}

// stays reports whether the task says the same already.
func (t *exporting) stays(now translate.Axis) bool {
	was := t.before()
	old := was.Axis(now.Name)
	if old == nil {
		return false
	}
	then, ok := asFlags(was.Runtimes[0].Kind, was, *old)
	return ok && sameValues(then.Values, now.Values)
}

// asFlags is an axis in the numbers of the engine's flags.
func asFlags(engine string, e *translate.Experiment, a translate.Axis) (translate.Axis, bool) {
	ranks := e.Ranks()
	ok := a.Rescale(func(n int) (int, bool) { return flags.NumberOf(engine, a.Name, n, ranks) })
	return a, ok
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
		path := limitPath(l.Metric)
		if path != nil && !slices.ContainsFunc(t.now.Limits, func(n translate.Limit) bool { return n.Metric == l.Metric }) {
			t.doc.Delete(path...)
		}
	}
	for _, l := range t.now.Limits {
		path := limitPath(l.Metric)
		seconds, ok := secondsOf(l.Quantity)
		if !ok || path == nil {
			t.say("slo."+l.Metric, "", l.Quantity, spec.FidelityUnsupported, "a task limits percentiles of the latency, and the means of ttft and tpot")
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

// limitPath is where a task has a limit; nil where it has no place for it.
func limitPath(name string) []string {
	if name == "ttft" || name == "tpot" {
		return []string{"slo", name}
	}
	if p, ok := strings.CutPrefix(name, "latency_"); ok {
		return []string{"slo", "latency", p}
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
