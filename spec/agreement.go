package spec

import (
	"slices"
	"strings"
)

// Agreement is how two values of a configuration item stand to each other.
type Agreement string

// The agreements. Unknown: one side does not say.
const (
	AgreeSame      Agreement = "same"
	AgreeDifferent Agreement = "different"
	AgreeUnknown   Agreement = "unknown"
)

// Agree compares two values of a configuration item. Texts are compared without
// regard to case and by meaning (bf16 is bfloat16, half is float16), numbers by
// value. A side that does not say agrees with what every engine does unasked, where
// there is such a thing: one replica, one GPU in each parallel dimension, no
// speculation. With anything else it is unknown.
func Agree(item string, a, b Value) Agreement {
	if a.kind == Number && a.Equal(b) { // most often so, and quick to tell
		return AgreeSame
	}
	x, y := meaning(item, a), meaning(item, b)
	switch {
	case x == "" && y == "":
		return AgreeUnknown
	case x == "" || y == "":
		if x+y == unasked(item) {
			return AgreeSame
		}
		return AgreeUnknown
	case x == y:
		return AgreeSame
	}
	return AgreeDifferent
}

// meaning is a value in a form that can be compared; empty: it says nothing.
func meaning(item string, v Value) string {
	if v.IsNull() {
		return ""
	}
	if d, err := v.Decimal(); err == nil {
		return d.String()
	}
	text := strings.ToLower(strings.TrimSpace(v.String()))
	if !isQuantization(item) {
		return text
	}
	switch strings.TrimPrefix(text, "torch.") {
	case "auto": // what it stands for depends on the checkpoint
		return ""
	case "bf16", "bfloat16":
		return "bfloat16"
	case "fp16", "half", "float16":
		return "float16"
	case "fp32", "float", "float32":
		return "float32"
	case "fp8", "fp8_e4m3", "fp8_e4m3fn":
		return "fp8"
	}
	return strings.TrimPrefix(text, "torch.")
}

// isQuantization reports whether an item's values name data types.
func isQuantization(item string) bool {
	return item == ItemDType || strings.HasSuffix(item, "_quant")
}

// unasked is what every engine does where nobody asks for anything else; "-": it
// depends on the engine.
func unasked(item string) string {
	switch item {
	case ItemReplicas, ItemTensorParallel, ItemPipelineParallel, ItemAttentionDataParallel:
		return "1"
	case ItemSpeculativeTokens:
		return "0"
	}
	return "-"
}

// Compare puts a cell's configuration side by side: what the suite asks for, what the
// server reported (nil: nobody could ask) and what the prediction assumes. It lists
// every item that the suite or the prediction names, sorted by name.
func Compare(requested Configuration, report *ServerReport, modelled Configuration) []Comparison {
	items := make([]string, 0, len(requested)+len(modelled))
	for _, s := range requested {
		items = append(items, s.Name)
	}
	for _, s := range modelled {
		items = append(items, s.Name)
	}
	slices.Sort(items)
	items = slices.Compact(items)
	list := make([]Comparison, len(items))
	for i, item := range items {
		c := Comparison{Item: item, Requested: requested.Get(item), Modelled: modelled.Get(item)}
		if report != nil {
			c.Effective = report.Item(item)
			c.Fidelity, c.Why = fidelityOf(report.Mapping, item)
		}
		c.compare(report != nil)
		list[i] = c
	}
	return list
}

// compare fills in the pairs. What was not asked for is open, and agrees with nothing.
func (c *Comparison) compare(asked bool) {
	c.RequestedEffective, c.EffectiveModelled, c.RequestedModelled = AgreeUnknown, AgreeUnknown, AgreeUnknown
	if !c.Requested.IsNull() {
		c.RequestedModelled = Agree(c.Item, c.Requested, c.Modelled)
	}
	if !asked {
		return
	}
	c.EffectiveModelled = Agree(c.Item, c.Effective, c.Modelled)
	if !c.Requested.IsNull() {
		c.RequestedEffective = Agree(c.Item, c.Requested, c.Effective)
	}
}

func fidelityOf(mapping []ItemMapping, item string) (Fidelity, string) {
	for i := range mapping {
		if mapping[i].Item == item {
			return mapping[i].Fidelity, mapping[i].Why
		}
	}
	return "", ""
}
