package report

import (
	"strings"

	"aicv/result"
	"aicv/spec"
)

// compared is the table of the configuration: asked for, effective, modelled.
func (t *text) compared(c *result.Cell) {
	if len(c.Compared) == 0 {
		return
	}
	rows := table{columns: []column{{head: "configuration"}, {head: "asked for"}, {head: "effective"}, {head: "modelled"}, {head: ""}}}
	for i := range c.Compared {
		x := &c.Compared[i]
		rows.add(x.Item, side(x.Requested, "-"), side(x.Effective, "?"), side(x.Modelled, "?"), likeness(x))
	}
	t.table("  ", &rows, plain)
}

// side is one side's value; a side that says nothing has the mark.
func side(v spec.Value, silent string) string {
	if v.IsNull() {
		return silent
	}
	return v.String()
}

// likeness says in words how the sides stand to each other.
func likeness(c *spec.Comparison) string {
	var words []string
	pairs := []spec.Agreement{c.RequestedEffective, c.EffectiveModelled, c.RequestedModelled}
	if c.Requested.IsNull() {
		pairs = pairs[1:2]
	}
	words = append(words, string(worst(pairs)))
	if c.Fidelity != "" {
		words = append(words, string(c.Fidelity))
	}
	if c.Accepted {
		words = append(words, "accepted")
	}
	return strings.Join(words, ", ")
}

func worst(pairs []spec.Agreement) spec.Agreement {
	result := spec.AgreeSame
	for _, p := range pairs {
		if p == spec.AgreeDifferent {
			return p
		}
		if p == spec.AgreeUnknown {
			result = p
		}
	}
	return result
}
