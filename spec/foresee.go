package spec

import (
	"slices"
	"strings"
)

// Foresee puts a cell's configuration side by side before anything runs: what the suite
// asks for, what the engine takes unasked as far as its runtime knows, and what the
// prediction assumes. It lists every item that one of them names, sorted by name.
func Foresee(requested, assumed, modelled Configuration) []Comparison {
	if len(requested)+len(assumed)+len(modelled) == 0 {
		return nil
	}
	return WithAssumed(Compare(requested, nil, modelled), requested, assumed)
}

// WithAssumed notes in a comparison what the engine takes unasked. Items that only the
// engine's defaults name are added; what was asked for is not what the engine assumes.
func WithAssumed(list []Comparison, requested, assumed Configuration) []Comparison {
	for _, s := range assumed {
		if !requested.Get(s.Name).IsNull() {
			continue
		}
		i, found := slices.BinarySearchFunc(list, s.Name, func(c Comparison, name string) int { return strings.Compare(c.Item, name) })
		if !found {
			list = slices.Insert(list, i, Comparison{Item: s.Name, RequestedEffective: AgreeUnknown, EffectiveModelled: AgreeUnknown, RequestedModelled: AgreeUnknown})
		}
		list[i].Assumed = s.Value
	}
	return list
}

// Foreseen is how what will run stands to what was modelled, before anything runs: what
// is asked for, else what the engine takes unasked.
func (c *Comparison) Foreseen() Agreement {
	if !c.Requested.IsNull() {
		return c.RequestedModelled
	}
	return Agree(c.Item, c.Assumed, c.Modelled)
}
