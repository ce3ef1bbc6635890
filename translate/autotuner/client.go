package autotuner

import (
	"slices"
	"strconv"

	"aicv/lang/write"
	"aicv/spec"
	"aicv/translate"
	"aicv/translate/flags"
	"aicv/translate/tree"
)

// clientKind is the benchmark that the tool measures with.
const clientKind = "genaibench"

// client reads a field of the benchmark's own settings.
func (t *task) client(r *rule, field string, n *tree.Node) {
	if !t.options.HasProvider(spec.RoleBenchmark, clientKind) {
		t.row(r, field, n, "", spec.FidelityUnsupported, "this aicv has no benchmark genaibench; the suite measures with its own client")
		return
	}
	var name string
	var value spec.Value
	f, why := r.Fidelity, r.Why
	switch field {
	case "benchmark.model_tokenizer":
		name, value = "tokenizer", spec.StringValue(n.Text)
		if n.Kind != tree.String || n.Text == "" {
			t.problem(field, n, "a tokenizer's name or folder")
			return
		}
	case "benchmark.max_time_per_iteration":
		minutes, quoted := decimalOf(n)
		if minutes == nil || !minutes.IsInt() || minutes.Sign() <= 0 {
			t.problem(field, n, "whole minutes from 1")
			return
		}
		name, value = "max_time", spec.StringValue(minutes.Num().String()+"m")
		if quoted {
			why += "; " + flags.Quoted
		}
	default:
		name, value, f, why = t.params(n)
		if value.IsNull() {
			t.row(r, field, n, "", spec.FidelityExact, "empty")
			return
		}
	}
	t.clientAttrs = append(t.clientAttrs, write.Attr{Name: name, Value: write.Value(value)})
	t.row(r, field, n, "", f, why)
}

// params are the requests' further parameters. Numbers in quotes become numbers, because
// genai-bench refuses texts.
func (t *task) params(n *tree.Node) (name string, v spec.Value, f spec.Fidelity, why string) {
	f = spec.FidelityExact
	if n.Kind != tree.Map || len(n.Fields) == 0 {
		return "params", spec.Value{}, f, ""
	}
	fixed := n.Clone()
	for i, p := range fixed.Fields {
		if number, quoted := decimalOf(p.Node); number != nil && quoted {
			fixed.Fields[i].Node = tree.Num(p.Node.Text)
			f, why = spec.FidelityApproximate, p.Name+": "+flags.Quoted+", because genai-bench refuses the text"
		}
	}
	return "params", fixed.Value(), f, why
}

// benchmark declares the tool's client where the task says anything of it.
func (t *task) benchmark() {
	if len(t.clientAttrs) == 0 {
		return
	}
	t.clientAttrs = append(t.clientAttrs, write.Attr{Name: "backend", Value: write.Value(spec.StringValue(t.engine))})
	slices.SortFunc(t.clientAttrs, func(a, b write.Attr) int { return len(b.Name) - len(a.Name) })
	t.e.Benchmark = &translate.Component{Kind: clientKind, Label: "gb", Attrs: t.clientAttrs}
}

// minutes writes a duration of the suite as the task has it; false where it is no whole
// number of minutes.
func minutes(d string) (*tree.Node, bool) {
	attrs := spec.Attrs{"d": spec.StringValue(d)}
	m := attrs.Duration("d").Minutes()
	if m < 1 || m != float64(int(m)) {
		return nil, false
	}
	return tree.Num(strconv.Itoa(int(m))), true
}
