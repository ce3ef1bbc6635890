package engine

import (
	"fmt"
	"slices"
	"strings"

	"aicv/kit/pep440"
	"aicv/spec"
)

// Unset is the value that a row names to hold where an item is not set.
const Unset = "(not set)"

// Row says how one item is expressed. Of an item's rows the first that holds counts.
type Row struct {
	Item     string
	Values   []string  // that it holds for; nil: every value that is set
	Versions string    // of the engine, as PEP 440 specifiers; empty: all
	When     Condition // what else must hold
	// Args are the flags with their values. A placeholder in braces is filled in: {value},
	// or a product of items, {tensor_parallel*attention_data_parallel}, with +1 behind it
	// where one more is wanted.
	Args     []string
	Fidelity spec.Fidelity
	Why      string // may hold {value}, and {checkpoint}: what the checkpoint is
}

// Condition is what must hold beside value and version.
type Condition struct {
	Text  string // as it completes "where ..."
	Holds func(*Context) bool
}

// Removed is a flag that the engine does not know any more.
type Removed struct {
	Flag     string // without dashes
	Versions string // that lack it
	Instead  string // what to do
}

// Refusal is a combination of items that the engine refuses at its start.
type Refusal struct {
	When Condition // its text completes "... is refused where ..."
	Fix  string
}

// Table is all that is known of how an engine is configured.
type Table struct {
	Engine  string // as people write it: "SGLang"
	Kind    string // of the runtime: "sglang"
	Oldest  string // version that the rows hold for
	Newest  string // version that they were checked against
	Checked []string
	Rows    []Row
	// Aliases names flags that mean the same, without dashes: alias to canonical.
	Aliases map[string]string
	Removed []Removed
	Refused []Refusal
	Negated bool // a switch is turned off by --no-NAME; else by leaving it out
	// Counters are the names in its page /metrics.
	Counters CounterNames
}

// Context is what rows are chosen by.
type Context struct {
	Version    pep440.Version
	Config     spec.Configuration
	Value      string // of the item in question; Unset where it is not set
	Given      []string
	Checkpoint Checkpoint
}

// Checkpoint is what is known of the model's weights.
type Checkpoint struct {
	Known   bool   // false: neither its config.json nor the table of models knows it
	Experts bool   // it is a mixture of experts
	GEMM    string // quantization mode of most of its dense weights
	MoE     string // of its experts; empty: none
	KVCache string // that it asks for; empty: none
	Cache   string // what an engine keeps the KV cache in when it is left to choose
	DType   string // of what is not quantized
	Context int    // longest sequence, in tokens; 0: unknown
}

// compiled is a row with its versions parsed.
type compiled struct {
	*Row
	versions pep440.Specifiers
}

// Engine is a table made ready for use.
type Engine struct {
	Table
	oldest, newest pep440.Version
	rows           map[string][]compiled
	removed        []compiledRemoved
	owners         map[string]string // flag to the item that it belongs to
}

type compiledRemoved struct {
	Removed
	versions pep440.Specifiers
}

// Compile reads the table's versions. An error is a defect of the table.
func Compile(t Table) (*Engine, error) {
	e := &Engine{Table: t, rows: map[string][]compiled{}, owners: map[string]string{}}
	var err error
	if e.oldest, err = pep440.Parse(t.Oldest); err != nil {
		return nil, fmt.Errorf("table of %s: %w", t.Engine, err)
	}
	if e.newest, err = pep440.Parse(t.Newest); err != nil {
		return nil, fmt.Errorf("table of %s: %w", t.Engine, err)
	}
	for i := range t.Rows {
		r := &t.Rows[i]
		versions, err := pep440.ParseSpecifiers(r.Versions)
		if err != nil {
			return nil, fmt.Errorf("table of %s, %s: %w", t.Engine, r.Item, err)
		}
		e.rows[r.Item] = append(e.rows[r.Item], compiled{r, versions})
		for _, flag := range flagsOf(r.Args) {
			e.owners[e.canonical(flag)] = r.Item
		}
	}
	for _, r := range t.Removed {
		versions, err := pep440.ParseSpecifiers(r.Versions)
		if err != nil {
			return nil, fmt.Errorf("table of %s, --%s: %w", t.Engine, r.Flag, err)
		}
		e.removed = append(e.removed, compiledRemoved{r, versions})
	}
	return e, nil
}

// canonical is a flag's name without dashes and in its main spelling. A negation is
// the same flag.
func (e *Engine) canonical(flag string) string {
	name := strings.ReplaceAll(strings.TrimLeft(flag, "-"), "_", "-")
	name, _, _ = strings.Cut(name, "=")
	if e.Negated {
		if rest, negated := strings.CutPrefix(name, "no-"); negated {
			name = rest
		}
	}
	if main, ok := e.Aliases[name]; ok {
		return main
	}
	return name
}

// flagsOf lists the flags among arguments.
func flagsOf(args []string) []string {
	var flags []string
	for _, a := range args {
		if strings.HasPrefix(a, "--") {
			name, _, _ := strings.Cut(a, "=")
			flags = append(flags, name)
		}
	}
	return flags
}

// row finds the row of an item that holds.
func (e *Engine) row(c *Context, item string) *Row {
	for _, r := range e.rows[item] {
		if r.holds(c) {
			return r.Row
		}
	}
	return nil
}

func (r compiled) holds(c *Context) bool {
	if !r.versions.Contains(c.Version) {
		return false
	}
	if r.Values == nil && c.Value == Unset || r.Values != nil && !slices.Contains(r.Values, c.Value) {
		return false
	}
	return r.When.Holds == nil || r.When.Holds(c)
}

// values lists those that an item's rows name.
func (e *Engine) values(item string) []string {
	var values []string
	for _, r := range e.rows[item] {
		for _, v := range r.Values {
			if v != Unset && !slices.Contains(values, v) && r.Fidelity != spec.FidelityUnsupported {
				values = append(values, v)
			}
		}
	}
	return values
}

// Has reports whether the suite itself gives a flag (without dashes).
func (c *Context) Has(flag string) bool { return slices.Contains(c.Given, flag) }

// Is reports whether an item has the value.
func (c *Context) Is(item, value string) bool { return c.Config.Get(item).Text() == value }
