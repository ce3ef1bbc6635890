package engine

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"aicv/spec"
)

// placeholder matches {item}, {item*item}, {item/item} and {item+1}. This and what
// follows is built once and only read: a plan renders thousands of deployments.
var placeholder = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\{[a-z_]+(?:[*/][a-z_]+)*(?:\+[0-9]{1,6})?\}`)
})

// term is an item of a placeholder with the sign before it.
var term = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`([*/]?)([a-z_]+)`) })

// items are the names of the configuration's items, in the order of the reference.
var items = sync.OnceValue(func() []string {
	var names []string
	for _, a := range spec.ConfigurationItems() {
		names = append(names, a.Name)
	}
	return names
})

// Expand fills in the placeholders of a text: an item's value, or items that are numbers
// multiplied and divided from the left, with a number added. Items that are not set count
// as 1 there; alone they are missing. A division must leave no rest. It returns the items
// that were used, and what is wrong with a placeholder; empty: nothing.
func Expand(text string, config spec.Configuration) (filled string, used []string, wrong string) {
	if !strings.Contains(text, "{") {
		return text, nil, ""
	}
	filled = placeholder().ReplaceAllStringFunc(text, func(found string) string {
		expression := found[1 : len(found)-1]
		named := itemsOf(expression)
		used = append(used, named...)
		value, why := evaluate(expression, named, config)
		if wrong == "" && why != "" {
			wrong = found + ": " + why
		}
		return value
	})
	return filled, used, wrong
}

// UnknownItem is the first name in the placeholders of a text that is no item of the
// configuration; empty: there is none, whatever is set.
func UnknownItem(text string) string {
	for _, found := range placeholder().FindAllString(text, -1) {
		for _, item := range itemsOf(found[1 : len(found)-1]) {
			if !known(item) {
				return item
			}
		}
	}
	return ""
}

func itemsOf(expression string) []string {
	var named []string
	for _, m := range term().FindAllStringSubmatch(expression, -1) {
		named = append(named, m[2])
	}
	return named
}

func evaluate(expression string, named []string, config spec.Configuration) (value, wrong string) {
	for _, item := range named {
		if !known(item) {
			return "", item + " is no item of the configuration"
		}
	}
	if named[0] == expression {
		v := config.Get(named[0])
		if v.IsNull() {
			return "", "it is not set in the configuration"
		}
		return v.Text(), ""
	}
	n := 1
	for _, m := range term().FindAllStringSubmatch(expression, -1) {
		var why string
		if n, why = apply(n, m[1], m[2], config.Get(m[2])); why != "" {
			return "", why
		}
	}
	_, plus, _ := strings.Cut(expression, "+")
	added, _ := strconv.Atoi(plus) // empty: 0
	return strconv.Itoa(n + added), ""
}

// apply multiplies by an item, or divides by it.
func apply(n int, sign, item string, v spec.Value) (int, string) {
	if v.IsNull() {
		return n, ""
	}
	factor, whole := v.Int()
	switch {
	case !whole:
		return 0, item + " is no whole number"
	case sign == "/" && (factor == 0 || n%factor != 0):
		return 0, strconv.Itoa(n) + " can not be divided by " + item + " = " + v.Text()
	case sign == "/":
		return n / factor, ""
	case factor > 0 && n > (1<<53)/factor:
		return 0, "it is too large"
	}
	return n * factor, ""
}

func known(item string) bool {
	return slices.Contains(items(), item)
}
