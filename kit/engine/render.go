package engine

import (
	"fmt"
	"slices"
	"strings"

	"aicv/spec"
)

// rendering collects arguments and refuses to give a flag two values.
type rendering struct {
	engine *Engine
	args   []string
	owner  map[string]string // canonical flag to who gave it
	text   map[string]string // canonical flag to its arguments
}

// Render chooses a row for each item of the configuration, and for each that has a row
// for not being set. It returns the arguments and what became of every item.
func (e *Engine) Render(c Context) (args []string, mapping []spec.ItemMapping) {
	r := &rendering{engine: e, owner: map[string]string{}, text: map[string]string{}}
	for _, name := range items() {
		value := c.Config.Get(name)
		c.Value = Unset
		if !value.IsNull() {
			c.Value = value.Text()
		}
		if m, ok := r.item(&c, name); ok {
			mapping = append(mapping, m)
		}
	}
	return r.args, mapping
}

// item renders one item; false: it is not set, and nothing is done about that.
func (r *rendering) item(c *Context, item string) (spec.ItemMapping, bool) {
	row := r.engine.row(c, item)
	if row == nil {
		if c.Value == Unset {
			return spec.ItemMapping{}, false
		}
		return spec.ItemMapping{Item: item, Fidelity: spec.FidelityUnsupported, Why: r.engine.unknownValue(c, item)}, true
	}
	m := spec.ItemMapping{Item: item, Fidelity: row.Fidelity, Why: fill(row.Why, c)}
	if row.Fidelity == spec.FidelityUnsupported {
		return m, true
	}
	args := make([]string, len(row.Args))
	for i, a := range row.Args {
		a = strings.ReplaceAll(a, "{value}", c.Value)
		filled, _, wrong := Expand(a, c.Config)
		if wrong != "" {
			return spec.ItemMapping{Item: item, Fidelity: spec.FidelityUnsupported, Why: wrong}, true
		}
		args[i] = filled
	}
	if why := r.add(item, args); why != "" {
		return spec.ItemMapping{Item: item, Fidelity: spec.FidelityUnsupported, Why: why}, true
	}
	m.Flag = strings.Join(args, " ")
	return m, true
}

// refuse finds combinations that the engine would refuse.
func (e *Engine) refuse(c *Context, address string) error {
	for _, r := range e.Refused {
		if r.When.Holds(c) {
			return &spec.Error{Kind: spec.ErrUsage, Summary: fmt.Sprintf("%s: %s refuses a configuration in which %s", address, e.Engine, r.When.Text), Fix: r.Fix}
		}
	}
	return nil
}

func (e *Engine) unknownValue(c *Context, item string) string {
	values := e.values(item)
	if len(values) == 0 {
		return e.Engine + " has no flag for it"
	}
	return e.Engine + " " + c.Version.String() + " has no flag for the value " + c.Value + "; for " + strings.Join(values, ", ") + " it has, in some versions"
}

func fill(text string, c *Context) string {
	if !strings.Contains(text, "{") {
		return text
	}
	checkpoint := c.Checkpoint.GEMM
	if checkpoint == "" {
		checkpoint = "unknown"
	}
	return strings.NewReplacer("{value}", c.Value, "{checkpoint}", checkpoint, "{experts}", c.Checkpoint.MoE).Replace(text)
}

// add takes the flags of one item, all or none. The same flag with the same value may
// serve two items; with another value it can not.
func (r *rendering) add(item string, args []string) (why string) {
	groups := group(args)
	for _, g := range groups {
		flag := r.engine.canonical(g[0])
		if before, taken := r.text[flag]; taken && before != strings.Join(g, " ") {
			return before + " is given already for " + r.owner[flag]
		}
	}
	for _, g := range groups {
		flag := r.engine.canonical(g[0])
		if _, taken := r.text[flag]; taken {
			continue
		}
		r.owner[flag], r.text[flag] = item, strings.Join(g, " ")
		r.args = append(r.args, g...)
	}
	return ""
}

// group cuts arguments before each flag.
func group(args []string) [][]string {
	var groups [][]string
	for _, a := range args {
		if strings.HasPrefix(a, "--") || len(groups) == 0 {
			groups = append(groups, nil)
		}
		groups[len(groups)-1] = append(groups[len(groups)-1], a)
	}
	return groups
}

// Owner names the item that a flag (without dashes) belongs to; empty: none.
func (e *Engine) Owner(flag string) string { return e.owners[e.canonical(flag)] }

// Flags lists the flags that the table can give in a version, sorted, with the rows'
// own restriction to versions. Negations are listed as they are given.
func (e *Engine) Flags(c Context) []string {
	var flags []string
	for _, rows := range e.rows {
		for _, r := range rows {
			if r.versions.Contains(c.Version) {
				flags = append(flags, flagsOf(r.Args)...)
			}
		}
	}
	slices.Sort(flags)
	return slices.Compact(flags)
}
