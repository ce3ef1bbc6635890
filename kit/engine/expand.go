package engine

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"aicv/spec"
)

// placeholder matches {item}, {item*item} and {item+1}.
func placeholder() *regexp.Regexp {
	return regexp.MustCompile(`\{[a-z_]+(?:\*[a-z_]+)*(?:\+[0-9]+)?\}`)
}

// Expand fills in the placeholders of a text: an item's value, or a product of items
// that are numbers, with a number added. Items that are not set count as 1 in a
// product; alone they are missing. It returns the items that were used, and what is
// wrong with a placeholder; empty: nothing.
func Expand(text string, config spec.Configuration) (filled string, used []string, wrong string) {
	filled = placeholder().ReplaceAllStringFunc(text, func(found string) string {
		value, items, why := evaluate(found[1:len(found)-1], config)
		used = append(used, items...)
		if wrong == "" {
			wrong = why
		}
		return value
	})
	return filled, used, wrong
}

func evaluate(expression string, config spec.Configuration) (value string, items []string, wrong string) {
	product, plus, _ := strings.Cut(expression, "+")
	items = strings.Split(product, "*")
	for _, item := range items {
		if !known(item) {
			return "", items, "{" + expression + "}: " + item + " is no item of the configuration"
		}
	}
	if len(items) == 1 && plus == "" {
		v := config.Get(items[0])
		if v.IsNull() {
			return "", items, "{" + expression + "} is not set in the configuration"
		}
		return v.Text(), items, ""
	}
	n := 1
	for _, item := range items {
		v := config.Get(item)
		factor, isInt := v.Int()
		switch {
		case v.IsNull():
		case !isInt:
			return "", items, "{" + expression + "}: " + item + " is no whole number"
		case factor > 0 && n > (1<<53)/factor:
			return "", items, "{" + expression + "} is too large"
		default:
			n *= factor
		}
	}
	added, _ := strconv.Atoi(plus) // empty: 0
	return strconv.Itoa(n + added), items, ""
}

func known(item string) bool {
	return slices.ContainsFunc(spec.ConfigurationItems(), func(a spec.Attribute) bool { return a.Name == item })
}

// Placeholders lists the items that a text's placeholders name.
func Placeholders(text string) []string {
	var items []string
	for _, found := range placeholder().FindAllString(text, -1) {
		product, _, _ := strings.Cut(found[1:len(found)-1], "+")
		items = append(items, strings.Split(product, "*")...)
	}
	return items
}
