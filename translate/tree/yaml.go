package tree

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

func parseYAML(data []byte) (*Node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var document yaml.Node
	if err := decoder.Decode(&document); err != nil {
		if errors.Is(err, io.EOF) {
			return &Node{}, nil
		}
		return nil, err
	}
	var second yaml.Node
	if err := decoder.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one document, or a broken end")
	}
	return (&yamlReader{}).value(&document, 0)
}

type yamlReader struct {
	budget budget
}

func (r *yamlReader) value(y *yaml.Node, depth int) (*Node, error) {
	if err := r.budget.take(depth); err != nil {
		return nil, fmt.Errorf("line %d: %w", y.Line, err)
	}
	switch y.Kind {
	case yaml.DocumentNode:
		if len(y.Content) != 1 {
			return &Node{}, nil
		}
		return r.value(y.Content[0], depth)
	case yaml.AliasNode:
		if y.Alias == nil {
			return nil, fmt.Errorf("line %d: an alias of nothing", y.Line)
		}
		return r.value(y.Alias, depth+1)
	case yaml.SequenceNode:
		return r.list(y, depth)
	case yaml.MappingNode:
		return r.object(y, depth)
	case yaml.ScalarNode:
		return scalar(y)
	}
	return &Node{}, nil
}

func (r *yamlReader) list(y *yaml.Node, depth int) (*Node, error) {
	n := NewList()
	for _, item := range y.Content {
		value, err := r.value(item, depth+1)
		if err != nil {
			return nil, err
		}
		n.Items = append(n.Items, value)
	}
	return n, nil
}

func (r *yamlReader) object(y *yaml.Node, depth int) (*Node, error) {
	n, seen := NewMap(), make(map[string]bool)
	for i := 0; i+1 < len(y.Content); i += 2 {
		key := y.Content[i]
		switch {
		case key.Kind != yaml.ScalarNode:
			return nil, fmt.Errorf("line %d: a field's name is no text", key.Line)
		case key.ShortTag() == "!!merge":
			return nil, fmt.Errorf("line %d: merge keys (<<) are not read; write the fields out", key.Line)
		case seen[key.Value]:
			return nil, fmt.Errorf("line %d: field %q stands twice", key.Line, key.Value)
		}
		seen[key.Value] = true
		value, err := r.value(y.Content[i+1], depth+1)
		if err != nil {
			return nil, err
		}
		n.Fields = append(n.Fields, Field{key.Value, value})
	}
	return n, nil
}

func scalar(y *yaml.Node) (*Node, error) {
	switch y.ShortTag() {
	case "!!null":
		return &Node{}, nil
	case "!!bool":
		return Flag(strings.EqualFold(y.Value, "true")), nil
	case "!!int", "!!float":
		n, err := yamlNumber(y.Value)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", y.Line, err)
		}
		return n, nil
	}
	return Text(y.Value), nil
}

// yamlNumber writes YAML's forms of numbers (0x10, 1_000, .5, +3) as JSON has them.
func yamlNumber(text string) (*Node, error) {
	if len(text) > maxNumber {
		return nil, fmt.Errorf("a number of %d characters", len(text))
	}
	plain := strings.TrimPrefix(strings.ReplaceAll(text, "_", ""), "+")
	if isJSONNumber(plain) {
		return number(plain)
	}
	if whole, ok := new(big.Int).SetString(plain, 0); ok {
		return number(whole.String())
	}
	f, err := strconv.ParseFloat(plain, 64)
	if err != nil || f-f != 0 {
		return nil, fmt.Errorf("%q is a number that JSON does not have", text)
	}
	return number(strconv.FormatFloat(f, 'g', -1, 64))
}

func isJSONNumber(text string) bool {
	n, err := parseJSON([]byte(text))
	return err == nil && n.Kind == Number && n.Text == text
}
