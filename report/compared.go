package report

import (
	"slices"
	"strings"

	"aicv/internal/tty"
	"aicv/result"
	"aicv/spec"
)

// compared is the table of the configuration: asked for, effective, modelled, and what the
// engine takes unasked where that is known.
func (t *text) compared(c *result.Cell) {
	if len(c.Compared) == 0 {
		return
	}
	assumed := slices.ContainsFunc(c.Compared, func(x spec.Comparison) bool { return !x.Assumed.IsNull() })
	rows := table{columns: []column{{head: "configuration"}, {head: "asked for"}}}
	if assumed {
		rows.columns = append(rows.columns, column{head: "engine takes"})
	}
	rows.columns = append(rows.columns, column{head: "effective"}, column{head: "modelled"}, column{head: ""})
	for i := range c.Compared {
		x := &c.Compared[i]
		row := []string{tty.Clean(x.Item), side(x.Requested, "-")}
		if assumed {
			row = append(row, side(x.Assumed, "-"))
		}
		rows.add(append(row, side(x.Effective, "?"), side(x.Modelled, "?"), likeness(x))...)
	}
	t.table("  ", &rows, plain)
}

// side is one side's value; a side that says nothing has the mark.
func side(v spec.Value, silent string) string {
	if v.IsNull() {
		return silent
	}
	return tty.Clean(v.String())
}

// likeness says in words how the sides stand to each other.
func likeness(c *spec.Comparison) string {
	var words []string
	pairs := []spec.Agreement{c.RequestedEffective, c.EffectiveModelled, c.RequestedModelled}
	if c.Requested.IsNull() {
		pairs = pairs[1:2]
	}
	standing := string(worst(pairs))
	if c.Effective.IsNull() && !c.Assumed.IsNull() && c.Foreseen() == spec.AgreeDifferent {
		standing = "different by default" // as far as the engine's documentation tells
	}
	words = append(words, standing)
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
