package launch

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"aicv/spec"
	"aicv/translate"
	"aicv/translate/flags"
	"aicv/translate/tree"
)

// items reads the flags that are left.
func (c *command) items() error {
	attention := c.has("enable-dp-attention")
	for _, g := range c.given {
		if err := c.item(g, attention); err != nil {
			return err
		}
	}
	return c.settle()
}

func (c *command) has(flag string) bool {
	return slices.ContainsFunc(c.given, func(g given) bool { return g.name == flag })
}

func (c *command) item(g given, attention bool) error {
	field := "--" + g.name
	for _, v := range g.values {
		if _, variable, open := strings.Cut(v, unset); open {
			return fmt.Errorf("%s is $%s, which the script does not set: write its value", field, variable)
		}
	}
	if rule, known := special()[g.name]; known {
		value := strings.Join(g.values, " ")
		if g.name == "api-key" {
			c.secret, value = true, "(secret)"
		}
		c.add(field, "", value, rule.Fidelity, rule.Why)
		return nil
	}
	switch {
	case g.name == "enable-dp-attention":
		c.add(field, spec.ItemAttentionDataParallel, "", spec.FidelityExact, "what --dp-size counts")
		return nil
	case (g.name == "enable-expert-parallel" || g.name == "ep") && c.engine == flags.VLLM:
		c.add(field, spec.ItemMoEExpertParallel, "", spec.FidelityExact, "over all ranks")
		return nil
	}
	return c.flag(g, attention)
}

// flag reads a flag that may stand for an item.
func (c *command) flag(g given, attention bool) error {
	f, known := flags.Find(c.engine, g.name)
	if f.Item == spec.ItemReplicas {
		f.Item, f.Fidelity, f.Why = flags.DataParallel(c.engine, c.isMoE(), attention)
	}
	if !known || len(g.values) > 1 {
		return c.argument(g)
	}
	reading, ok := f.Read(nodeOf(g))
	if !ok {
		return c.argument(g)
	}
	field, value := "--"+g.name, strings.Join(g.values, " ")
	if !reading.Value.IsNull() && !c.e.Add(translate.Axis{Name: f.Item, Values: []spec.Value{reading.Value}, From: field}) {
		return fmt.Errorf("%s and %s set %s both", c.e.Axis(f.Item).From, field, f.Item)
	}
	c.add(field, f.Item, value, reading.Fidelity, reading.Why)
	return nil
}

// nodeOf is a flag's value: numbers as numbers, a bare flag as true.
func nodeOf(g given) *tree.Node {
	if len(g.values) == 0 {
		return tree.Flag(true)
	}
	text := g.values[0]
	if f, err := strconv.ParseFloat(text, 64); err == nil && f-f == 0 && !strings.ContainsAny(text, "xXpP_+") {
		if whole, ok := tree.Num(text).Int(); ok {
			return tree.Int(whole)
		}
		return tree.Num(strconv.FormatFloat(f, 'f', -1, 64))
	}
	return tree.Text(text)
}

// carriesSecret recognizes flags whose value, or an assignment in it, is a credential.
func (g given) carriesSecret() bool {
	endings := []string{"-token", "-secret", "-password", "-passwd", "-api-key", "-apikey", "-access-key", "-credential", "-credentials"}
	if slices.ContainsFunc(endings, func(end string) bool { return strings.HasSuffix("-"+g.name, end) }) {
		return true
	}
	return slices.ContainsFunc(g.values, func(v string) bool {
		name, _, ok := assignment(v)
		return ok && isSecret(name)
	})
}

// argument passes a flag to the engine.
func (c *command) argument(g given) error {
	if g.carriesSecret() {
		c.secret = true
		c.add("--"+g.name, "", "(secret)", spec.FidelityUnsupported, "a secret is never written: give it in the runtime's env, as env(\"NAME\")")
		return nil
	}
	value := nodeOf(g).Value()
	if len(g.values) > 1 {
		items := make([]spec.Value, len(g.values))
		for i, v := range g.values {
			items[i] = nodeOf(given{values: []string{v}}).Value()
		}
		value = spec.ListValue(items...)
	}
	for _, a := range c.run.Args {
		if a.Name == g.name {
			return fmt.Errorf("--%s stands twice", g.name)
		}
	}
	c.run.Args = append(c.run.Args, spec.Setting{Name: g.name, Value: value})
	c.add("--"+g.name, "runtime.args", strings.Join(g.values, " "), spec.FidelityExact, "no item: passed to the engine as it stands, and no predictor is told of it")
	return nil
}

// settle brings numbers of servers and ranks to what the items count, and spreads experts.
func (c *command) settle() error {
	ranks := c.e.Ranks()
	for i := range c.e.Axes {
		a := &c.e.Axes[i]
		if !a.Rescale(func(n int) (int, bool) { return flags.ItemOf(c.engine, a.Name, n, ranks) }) {
			return fmt.Errorf("%s is no multiple of the %d ranks of attention", a.From, ranks)
		}
	}
	for _, g := range c.given {
		if c.engine == flags.VLLM && (g.name == "enable-expert-parallel" || g.name == "ep") && c.isMoE() {
			c.e.Add(translate.Axis{Name: spec.ItemMoEExpertParallel, Values: []spec.Value{spec.IntValue(c.size(spec.ItemTensorParallel) * ranks)}, From: "--" + g.name})
		}
	}
	return nil
}

func (c *command) size(item string) int {
	if a := c.e.Axis(item); a != nil {
		n, _ := a.Values[0].Int()
		return n
	}
	return 1
}
