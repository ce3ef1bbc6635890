package main

import (
	"fmt"
	"strings"
)

// figures are the values of one system file by their path: "gpu.mem_bw".
type figures map[string]string

// parse reads the small part of YAML that system files are written in: nested mappings
// of plain values, with comments.
func parse(text string) (figures, error) {
	type level struct {
		indent int
		path   string
	}
	out, stack := figures{}, []level{{-1, ""}}
	for n, line := range strings.Split(text, "\n") {
		content, _, _ := strings.Cut(line, "#")
		trimmed := strings.TrimSpace(content)
		if trimmed == "" {
			continue
		}
		key, value, isMapping := strings.Cut(trimmed, ":")
		if !isMapping || strings.ContainsAny(trimmed[:1], `-[{&*!|>"'`) {
			return nil, fmt.Errorf("line %d is no plain mapping: %s", n+1, trimmed)
		}
		indent := len(content) - len(strings.TrimLeft(content, " "))
		for stack[len(stack)-1].indent >= indent {
			stack = stack[:len(stack)-1]
		}
		path := strings.TrimPrefix(stack[len(stack)-1].path+"."+key, ".")
		if value = strings.Trim(strings.TrimSpace(value), `'"`); value == "" {
			stack = append(stack, level{indent, path})
			continue
		}
		if _, twice := out[path]; twice {
			return nil, fmt.Errorf("line %d: %s stands twice", n+1, path)
		}
		out[path] = value
	}
	return out, nil
}
