package engine

import (
	"fmt"
	"slices"
	"strings"

	"aicv/spec"
)

// Given reads the flags that a suite gives itself (attribute args), in the order of
// their names. address names the runtime in errors.
func (e *Engine) Given(c *Context, address string, args spec.Value) ([][]string, error) {
	var groups [][]string
	for _, f := range args.Fields() {
		name := strings.ReplaceAll(strings.TrimLeft(f.Name, "-"), "_", "-")
		if name == "" || strings.ContainsAny(name, " =\t\n") {
			return nil, usage(fmt.Sprintf("%s: args has the name %q, which is no flag", address, f.Name), `write { "schedule-policy" = "fcfs" }`)
		}
		if err := e.stillThere(c, address, name); err != nil {
			return nil, err
		}
		group, err := e.givenFlag(address, name, f.Value)
		if err != nil {
			return nil, err
		}
		if group != nil {
			groups = append(groups, group)
		}
	}
	return groups, nil
}

// stillThere refuses flags that the version does not know any more.
func (e *Engine) stillThere(c *Context, address, name string) error {
	for _, r := range e.removed {
		if r.Flag == name && r.versions.Contains(c.Version) {
			return usage(fmt.Sprintf("%s: %s %s has no --%s any more", address, e.Engine, c.Version, name), r.Instead)
		}
	}
	return nil
}

// givenFlag writes one flag with its value.
func (e *Engine) givenFlag(address, name string, v spec.Value) ([]string, error) {
	switch v.Kind() {
	case spec.Null:
		return nil, nil
	case spec.Secret:
		return nil, usage(fmt.Sprintf("%s: args gives --%s a secret", address, name), "arguments of processes can be read by everyone on the host: use env instead")
	case spec.Bool:
		switch {
		case v.Bool():
			return []string{"--" + name}, nil
		case e.Negated:
			return []string{"--no-" + name}, nil
		}
		return nil, usage(fmt.Sprintf("%s: args turns --%s off, and %s knows no way to say that", address, name, e.Engine), "leave the flag out")
	case spec.List:
		group := []string{"--" + name}
		for _, item := range v.Items() {
			group = append(group, item.String())
		}
		return group, nil
	}
	text := v.String()
	if strings.HasPrefix(text, "-") {
		return []string{"--" + name + "=" + text}, nil // else it could pass for a flag
	}
	return []string{"--" + name, text}, nil
}

// Join appends what the suite gives to what was rendered. A flag on both sides is an
// error, whatever its spelling.
func (e *Engine) Join(address string, rendered []string, given [][]string) ([]string, error) {
	taken := map[string]string{}
	for _, g := range group(rendered) {
		taken[e.canonical(g[0])] = strings.Join(g, " ")
	}
	out := slices.Clone(rendered)
	for _, g := range given {
		flag := e.canonical(g[0])
		if before, clash := taken[flag]; clash {
			return nil, e.clash(address, before, strings.Join(g, " "), flag)
		}
		taken[flag] = strings.Join(g, " ")
		out = append(out, g...)
	}
	return out, nil
}

func (e *Engine) clash(address, rendered, given, flag string) error {
	fix := "take it out of args: aicv sets it itself"
	if item := e.owners[flag]; item != "" {
		fix = "take it out of args, and set the item " + item + " instead"
	}
	return usage(fmt.Sprintf("%s: args gives %q, which clashes with %q", address, given, rendered), fix)
}

func usage(summary, fix string) *spec.Error {
	return &spec.Error{Kind: spec.ErrUsage, Summary: summary, Fix: fix}
}
