package plan

import (
	"context"
	"fmt"
	"strings"

	"aicv/spec"
)

// Selector picks cells: an experiment's name, partial axes, or one full address.
// `*` stands for any text and `?` for one character, in names and values alike.
type Selector struct {
	text       string
	address    string // a full address, compared as it stands; empty otherwise
	experiment string
	terms      []term
}

type term struct{ name, value string }

// ParseSelector reads `scaling`, `scaling:tensor_parallel=4,concurrency=8` or
// `experiment.scaling["concurrency=8,tensor_parallel=4"]`.
func ParseSelector(text string) (Selector, error) {
	body := strings.TrimSpace(text)
	body = strings.TrimPrefix(body, "experiment.")
	if name, key, full := strings.Cut(body, `["`); full {
		if name == "" || !strings.HasSuffix(key, `"]`) {
			return Selector{}, wrongSelector(text, `the address does not end in "]`)
		}
		return Selector{text: text, address: "experiment." + body, experiment: name}, nil
	}
	name, axes, hasAxes := strings.Cut(body, ":")
	s := Selector{text: text, experiment: strings.TrimSpace(name)}
	if s.experiment == "" {
		return Selector{}, wrongSelector(text, "it names no experiment")
	}
	if !hasAxes {
		return s, nil
	}
	for _, part := range strings.Split(axes, ",") {
		axis, value, ok := strings.Cut(part, "=")
		axis, value = strings.TrimSpace(axis), strings.TrimSpace(value)
		if !ok || axis == "" || value == "" {
			return Selector{}, wrongSelector(text, fmt.Sprintf("%q is not AXIS=VALUE", part))
		}
		s.terms = append(s.terms, term{axis, value})
	}
	return s, nil
}

func wrongSelector(text, why string) error {
	return &spec.Error{Kind: spec.ErrUsage, Summary: fmt.Sprintf("selector %q: %s", text, why),
		Fix: `write scaling, scaling:tensor_parallel=4,concurrency=8 or experiment.scaling["concurrency=8,tensor_parallel=4"]`}
}

// Matches reports whether the selector picks the cell. A term is looked for among
// the cell's axes first, then in its configuration, its load and its references.
func (s Selector) Matches(c *spec.Cell) bool {
	if s.address != "" {
		return c.Experiment == s.experiment && c.Address() == s.address
	}
	if !glob(s.experiment, c.Experiment) {
		return false
	}
	for _, t := range s.terms {
		value, found := itemOf(c, t.name)
		if !found || !glob(t.value, value) {
			return false
		}
	}
	return true
}

// String is the selector as written.
func (s Selector) String() string { return s.text }

// itemOf finds what a cell has under a name.
func itemOf(c *spec.Cell, name string) (string, bool) {
	for _, axis := range c.Axes {
		if axis.Name == name {
			return axis.Value.String(), true
		}
	}
	if v := c.Config.Get(name); !v.IsNull() {
		return v.String(), true
	}
	for _, s := range loadItems(c.Load) {
		if s.Name == name && !s.Value.IsNull() {
			return s.Value.String(), true
		}
	}
	return referenceOf(c, name)
}

func referenceOf(c *spec.Cell, name string) (string, bool) {
	switch {
	case name == axisModel && c.Model != nil:
		return c.Model.Name, true
	case name == axisHardware && c.Hardware != nil:
		return c.Hardware.Name, true
	}
	for _, component := range []*spec.Component{c.Runtime, c.Target, c.Predictor, c.Benchmark} {
		if component != nil && string(component.Role) == name {
			return component.Name, true
		}
	}
	return "", false
}

// glob matches text against a pattern with * and ?, in time linear in their product.
func glob(pattern, text string) bool {
	p, t := []rune(pattern), []rune(text)
	i, j, star, mark := 0, 0, -1, 0
	for j < len(t) {
		switch {
		case i < len(p) && p[i] == '*':
			star, mark = i, j
			i++
		case i < len(p) && (p[i] == '?' || p[i] == t[j]):
			i++
			j++
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	for i < len(p) && p[i] == '*' {
		i++
	}
	return i == len(p)
}

// choose marks the cells that --target and --exclude leave out, and collects the
// measurements that --rerun asks for.
func (b *builder) choose(context.Context) error {
	targets, err := b.match("--target", b.request.Targets)
	if err == nil && targets == nil {
		targets, err = b.match("", b.request.Only)
	}
	if err != nil {
		return err
	}
	excludes, err := b.match("--exclude", b.request.Excludes)
	if err != nil {
		return err
	}
	rerun, err := b.match("--rerun", b.request.Rerun)
	if err != nil {
		return err
	}
	b.rerun = map[spec.ID]bool{}
	for i := range b.plan.Cells {
		c := &b.plan.Cells[i]
		c.Excluded = (targets != nil && !targets[i]) || (excludes != nil && excludes[i])
		if rerun != nil && rerun[i] && !c.Excluded {
			b.rerun[c.Measurement] = true
		}
	}
	return nil
}

// wrongFlag says which flag a selector belongs to; an argument has none.
func wrongFlag(flag string, err error) error {
	if flag == "" {
		return err
	}
	return fmt.Errorf("%s: %w", flag, err)
}

// match says which cells any of the selectors picks; nil without selectors. A
// selector that picks nothing is an error, because it is surely a mistake.
func (b *builder) match(flag string, texts []string) ([]bool, error) {
	if len(texts) == 0 {
		return nil, nil
	}
	picked := make([]bool, len(b.plan.Cells))
	for _, text := range texts {
		selector, err := ParseSelector(text)
		if err != nil {
			return nil, wrongFlag(flag, err)
		}
		found := false
		for i := range b.plan.Cells {
			if selector.Matches(&b.plan.Cells[i].Cell) {
				picked[i], found = true, true
			}
		}
		if !found {
			return nil, b.noMatch(flag, selector)
		}
	}
	return picked, nil
}
