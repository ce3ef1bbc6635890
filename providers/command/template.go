package command

import (
	"errors"
	"fmt"
	"strings"

	"aicv/kit/engine"
	"aicv/spec"
)

// newRuntime looks at the whole template, so that what is wrong whatever the configuration
// sets is an error of the declaration.
func newRuntime(c *spec.Component, env spec.Env) (spec.Runtime, error) {
	command := c.Attrs.Strings(attrCommand)
	if len(command) == 0 || strings.TrimSpace(command[0]) == "" {
		return nil, wrong(attrCommand, c.Address()+" has an empty command", `give program and arguments, such as ["llama-server", "--port", "{port}"]`)
	}
	problems := []error{checkTexts(c, attrCommand, attrCommand, command)}
	for _, f := range c.Attrs[attrOptions].Fields() {
		problems = append(problems, checkOption(c, f))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return &runtime{c, env}, nil
}

// checkOption looks at the arguments of one item.
func checkOption(c *spec.Component, f spec.Field) error {
	if !isItem(f.Name) {
		return wrong(attrOptions, fmt.Sprintf("%s: options has %s, which is no item of the configuration", c.Address(), f.Name),
			"take the name of an item, such as max_batch_size; arguments for every server go to command or args")
	}
	lists := []spec.Value{f.Value}
	if f.Value.Kind() == spec.Map {
		lists = nil
		for _, one := range f.Value.Fields() {
			lists = append(lists, one.Value)
		}
	}
	for _, list := range lists {
		texts, ok := textsOf(list)
		if !ok {
			return wrong(attrOptions, fmt.Sprintf("%s: options.%s is no list of arguments", c.Address(), f.Name),
				`write ["--flag", "{`+f.Name+`}"], or a map from values to such lists`)
		}
		if err := checkTexts(c, attrOptions, attrOptions+"."+f.Name, texts); err != nil {
			return err
		}
	}
	return nil
}

// checkTexts looks for placeholders that nothing can ever fill.
func checkTexts(c *spec.Component, attribute, where string, texts []string) error {
	for _, text := range texts {
		rest := text
		for _, word := range []string{"{host}", "{port}", "{model}", "{model_path}"} {
			rest = strings.ReplaceAll(rest, word, "")
		}
		if item := engine.UnknownItem(rest); item != "" {
			return wrong(attribute, fmt.Sprintf("%s: %s has %q: %s is no item of the configuration", c.Address(), where, text, item),
				"correct the placeholder: {host}, {port}, {model}, {model_path} and items are known")
		}
	}
	return nil
}

func wrong(attribute, summary, fix string) error {
	err := usage(summary, fix)
	err.Attribute = attribute
	return err
}
