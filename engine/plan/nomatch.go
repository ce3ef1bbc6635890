package plan

import (
	"fmt"
	"slices"
	"strings"

	"aicv/spec"
)

// noMatch says what there is to select from: the experiments, else the first term that
// no cell meets with what stands there instead, else some of the cells.
func (b *builder) noMatch(flag string, s Selector) error {
	summary := s.text + ": no cell matches"
	if flag != "" {
		summary = flag + " " + summary
	}
	return &spec.Error{Kind: spec.ErrUsage, Summary: summary, Fix: b.choices(s)}
}

func (b *builder) choices(s Selector) string {
	var cells []*spec.Cell
	for i := range b.plan.Cells {
		if c := &b.plan.Cells[i].Cell; glob(s.experiment, c.Experiment) {
			cells = append(cells, c)
		}
	}
	if len(cells) == 0 {
		names := make([]string, len(b.plan.Experiments))
		for i, x := range b.plan.Experiments {
			names[i] = x.Name
		}
		slices.Sort(names)
		return "the experiments are: " + few(names)
	}
	for _, t := range s.terms {
		if why := t.unmet(cells); why != "" {
			return why
		}
	}
	keys := make([]string, len(cells))
	for i, c := range cells {
		keys[i] = c.Experiment + ":" + c.Key()
	}
	return "the cells are: " + few(keys)
}

// unmet says what the cells have where the term asks for something else; empty where
// some cell meets it.
func (t term) unmet(cells []*spec.Cell) string {
	var values, axes []string
	note := func(list []string, text string) []string {
		if slices.Contains(list, text) {
			return list
		}
		return append(list, text)
	}
	for _, c := range cells {
		value, found := itemOf(c, t.name)
		if found && glob(t.value, value) {
			return ""
		}
		if found {
			values = note(values, value)
		}
		for _, axis := range c.Axes {
			axes = note(axes, axis.Name)
		}
	}
	if len(values) > 0 {
		return t.name + " is " + few(values) + " there"
	}
	slices.Sort(axes)
	return fmt.Sprintf("no cell there has %q; the axes are: %s", t.name, few(axes))
}

// few lists names, a long list cut.
func few(names []string) string {
	const most = 10
	if len(names) > most {
		names = append(names[:most:most], fmt.Sprintf("and %d more", len(names)-most))
	}
	return strings.Join(names, ", ")
}
