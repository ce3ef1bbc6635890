package aiconf

import (
	"fmt"
	"slices"
	"strings"

	"aicv/lang/schema"
	"aicv/lang/write"
	"aicv/spec"
	"aicv/translate"
)

// maxCandidates bounds the layouts of one side.
const maxCandidates = 512

// predictorKind is the provider that searches as the tool does.
const predictorKind = "aiconfigurator"

// cells makes the experiment's cells: what the predictor recommends where it can be asked,
// else every layout that the search could take.
func (e *exp) cells() error {
	sides := []string{aggregated}
	if e.split {
		sides = []string{decoders, prefillers}
		e.out.Comment = "Aggregated stand-ins for prefill and decode in pools of their own, which aicv does not deploy."
	}
	if !e.split && e.options.HasProvider(spec.RolePredictor, predictorKind) {
		return e.recommended()
	}
	for _, side := range sides {
		if err := e.layouts(side); err != nil {
			return err
		}
	}
	if len(e.out.Rows) == 0 {
		return fmt.Errorf("no layout of the search fits on %d GPUs", e.total)
	}
	loads := []spec.Value{spec.IntValue(8), spec.IntValue(32), spec.IntValue(128)}
	e.out.Add(translate.Axis{Name: schema.ItemConcurrency, Values: loads})
	e.add(translate.Row{Item: schema.ItemConcurrency, Value: "8, 32, 128", Fidelity: spec.FidelityApproximate,
		Why: "the search chooses batch sizes itself, and the file has none; these are a start, set your own"})
	hoist(&e.out)
	return nil
}

// recommended leaves the search to the predictor, with what is fixed.
func (e *exp) recommended() error {
	for _, f := range workerFields() {
		values := e.values(aggregated, f)
		if f.item == "" || len(values) != 1 || f.experts && !isMoE(e.model, true) {
			continue
		}
		if f.kind == word {
			e.out.Add(translate.Axis{Name: f.item, Values: []spec.Value{spec.StringValue(values[0])}})
			continue
		}
		n, err := whole(values[0])
		if err != nil {
			return fmt.Errorf("%s: %w", f.key, err)
		}
		e.out.Add(translate.Axis{Name: f.item, Values: []spec.Value{spec.IntValue(n)}})
	}
	e.out.Recommended = 5
	e.out.Predictor = &translate.Component{Kind: predictorKind, Label: "aic"}
	if v := e.out.Runtimes[0].Version; v != "" {
		e.out.Predictor.Attrs = []write.Attr{{Name: "database_version", Value: write.Value(spec.StringValue(v))}}
	}
	e.out.Asserts = []translate.Assert{{Name: "accuracy", Severity: spec.AssertError,
		Expect: []string{"throughput within 10%", "tpot within 10%", "ttft within 15%"}}}
	e.add(translate.Row{Item: "recommended.top", Value: "5", Fidelity: spec.FidelityApproximate,
		Why: "the search's best rows, each at its own load; the number and the claims' tolerances are a start, set your own"})
	return nil
}

// values are a field's candidates on a side, none where the search is free.
func (e *exp) values(side string, f workerField) []string {
	if f.key == "" {
		return nil
	}
	n := e.get(side, f.key)
	if n == nil && side != aggregated {
		n = e.get(aggregated, f.key)
	}
	var texts []string
	for _, item := range n.List() {
		texts = append(texts, item.String())
	}
	return texts
}

// layouts adds a row for every layout of one side that its GPUs allow.
func (e *exp) layouts(side string) error {
	moe := isMoE(e.model, len(e.values(side, workerFields()[4])) > 1)
	fields := workerFields()
	choices := make([][]string, len(fields))
	count := 1
	for i, f := range fields {
		choices[i] = e.values(side, f)
		if f.item == spec.ItemTensorParallel && len(choices[i]) == 0 {
			choices[i] = e.freeSizes(side)
		}
		if len(choices[i]) == 0 || f.item == "" || f.experts && !moe {
			choices[i] = []string{""}
		}
		if count *= len(choices[i]); count > 100*maxCandidates {
			return fmt.Errorf("%stp_candidates and the others have more than %d combinations", side, 100*maxCandidates)
		}
	}
	for k := range count {
		picked := make(map[string]string, len(fields))
		for i, rest := len(fields)-1, k; i >= 0; i-- {
			picked[fields[i].key] = choices[i][rest%len(choices[i])]
			rest /= len(choices[i])
		}
		if err := e.layout(side, moe, picked); err != nil {
			return err
		}
	}
	return nil
}

func (e *exp) layout(side string, moe bool, picked map[string]string) error {
	w, err := readWorker(moe, func(f workerField) string { return picked[f.key] })
	if err != nil {
		return fmt.Errorf("%scandidates: %w", side, err)
	}
	if !e.fits(side, w) {
		return nil
	}
	c := standIn(w, e.total)
	if addRow(&e.out, rowOf(c)) && len(e.out.Rows) > maxCandidates {
		return fmt.Errorf("the search has more than %d layouts; narrow its candidates", maxCandidates)
	}
	return nil
}

// fits keeps the rules of the search: GPUs, and experts on as many ranks as attention.
func (e *exp) fits(side string, w *worker) bool {
	if w.gpus() > e.total {
		return false
	}
	for _, key := range []string{"num_gpu_candidates", "num_gpu_per_worker"} {
		var allowed []int
		for _, n := range e.get(side, key).List() {
			if size, ok := n.Int(); ok {
				allowed = append(allowed, size)
			}
		}
		if len(allowed) > 0 && !slices.Contains(allowed, w.gpus()) {
			return false
		}
	}
	tp, ep := w.items.Get(spec.ItemMoETensorParallel), w.items.Get(spec.ItemMoEExpertParallel)
	if tp.IsNull() && ep.IsNull() {
		return true
	}
	size := w.items.Size
	return size(spec.ItemTensorParallel)*size(spec.ItemAttentionDataParallel) == size(spec.ItemMoETensorParallel)*size(spec.ItemMoEExpertParallel)
}

// freeSizes are the tensor-parallel sizes that the tool tries where none are given.
func (e *exp) freeSizes(side string) []string {
	var sizes []string
	for _, n := range []string{"1", "2", "4", "8"} {
		if size, _ := whole(n); size <= e.total {
			sizes = append(sizes, n)
		}
	}
	e.add(translate.Row{Field: side + "tp_candidates", Item: spec.ItemTensorParallel, Value: "(not given) " + strings.Join(sizes, ", "),
		Fidelity: spec.FidelityApproximate, Why: "the sizes that the tool tries on one node where none are given"})
	return sizes
}
