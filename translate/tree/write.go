package tree

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Write writes a document in a notation, with a line end.
func (n *Node) Write(syntax Syntax) ([]byte, error) {
	if syntax == JSON {
		return append(n.appendJSON(nil, 0), '\n'), nil
	}
	var b bytes.Buffer
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	if err := encoder.Encode(n.yamlNode()); err != nil {
		return nil, fmt.Errorf("write YAML: %w", err)
	}
	if err := encoder.Close(); err != nil {
		return nil, fmt.Errorf("write YAML: %w", err)
	}
	return b.Bytes(), nil
}

// appendJSON writes the node at a depth of indentation; below 0 on one line. Lists of
// scalars stand on one line, as people write them.
func (n *Node) appendJSON(b []byte, depth int) []byte {
	switch n.Kind {
	case Bool, Number:
		return append(b, n.Text...)
	case String:
		return appendQuoted(b, n.Text)
	case List:
		if n.flat() {
			depth = -1
		}
		return appendEach(b, '[', ']', len(n.Items), depth, func(b []byte, i, below int) []byte {
			return n.Items[i].appendJSON(b, below)
		})
	case Map:
		return appendEach(b, '{', '}', len(n.Fields), depth, func(b []byte, i, below int) []byte {
			b = append(appendQuoted(b, n.Fields[i].Name), ": "...)
			return n.Fields[i].Node.appendJSON(b, below)
		})
	}
	return append(b, "null"...)
}

func (n *Node) flat() bool {
	for _, item := range n.Items {
		if item.Kind == List || item.Kind == Map {
			return false
		}
	}
	return true
}

func appendEach(b []byte, open, end byte, count, depth int, each func(b []byte, i, below int) []byte) []byte {
	b = append(b, open)
	below := -1
	if depth >= 0 && count > 0 {
		below = depth + 1
	}
	for i := range count {
		if i > 0 {
			b = append(b, ',')
		}
		switch {
		case below >= 0:
			b = append(append(b, '\n'), strings.Repeat("  ", below)...)
		case i > 0:
			b = append(b, ' ')
		}
		b = each(b, i, below)
	}
	if below >= 0 {
		b = append(append(b, '\n'), strings.Repeat("  ", depth)...)
	}
	return append(b, end)
}

func appendQuoted(b []byte, s string) []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(s); err != nil { // never fails on a string
		return append(b, `""`...)
	}
	return append(b, bytes.TrimSuffix(out.Bytes(), []byte("\n"))...)
}

func (n *Node) yamlNode() *yaml.Node {
	switch n.Kind {
	case Bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: n.Text}
	case Number:
		tag := "!!int"
		if strings.ContainsAny(n.Text, ".eE") {
			tag = "!!float"
		}
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: n.Text}
	case String:
		return yamlText(n.Text)
	case List:
		y := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		if n.flat() {
			y.Style = yaml.FlowStyle
		}
		for _, item := range n.Items {
			y.Content = append(y.Content, item.yamlNode())
		}
		return y
	case Map:
		y := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
		for _, f := range n.Fields {
			y.Content = append(y.Content, yamlText(f.Name), f.Node.yamlNode())
		}
		return y
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}
}

// yamlText quotes what a plain word would be read as something else.
func yamlText(s string) *yaml.Node {
	y := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
	if !plainWord(s) {
		y.Style = yaml.DoubleQuotedStyle
	}
	return y
}

// plainWord accepts words that every YAML version reads as text without quotes.
func plainWord(s string) bool {
	if s == "" || len(s) > 200 {
		return false
	}
	switch strings.ToLower(s) {
	case "null", "true", "false", "yes", "no", "on", "off", "y", "n":
		return false
	}
	if first := s[0] | 0x20; first < 'a' || first > 'z' {
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./") == "" ||
		strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./ ,()+") == "" && !strings.HasSuffix(s, " ")
}
