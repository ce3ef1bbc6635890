package tree

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"aicv/spec"
)

// The bounds of a document.
const (
	MaxBytes  = 8 << 20 // of a file
	maxDepth  = 64      // maps and lists in each other
	maxNodes  = 500_000 // values, aliases expanded
	maxNumber = 64      // characters of a number
)

// Syntax is a document's notation.
type Syntax string

// The notations.
const (
	JSON Syntax = "json"
	YAML Syntax = "yaml"
)

// SyntaxOf tells by a file's name, and by its first character where the name says nothing.
func SyntaxOf(name string, data []byte) Syntax {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".json":
		return JSON
	case ".yaml", ".yml":
		return YAML
	}
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
		return JSON
	}
	return YAML
}

// Parse reads a document. The error names the file and, where it is known, the line.
func Parse(name string, data []byte) (*Node, error) {
	if len(data) > MaxBytes {
		return nil, broken(name, fmt.Sprintf("it has %d bytes, more than the %d that are read", len(data), MaxBytes), nil)
	}
	parse := parseYAML
	if SyntaxOf(name, data) == JSON {
		parse = parseJSON
	}
	n, err := parse(data)
	if err != nil {
		return nil, broken(name, "", err)
	}
	return n, nil
}

func broken(name, detail string, cause error) error {
	return &spec.Error{Kind: spec.ErrUsage, Summary: filepath.Base(name) + " can not be read", Detail: detail, Cause: cause,
		Fix: "give a well-formed JSON or YAML file of one document"}
}

// budget counts what a document may still hold.
type budget struct{ nodes int }

func (b *budget) take(depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("maps and lists are nested deeper than %d", maxDepth)
	}
	if b.nodes++; b.nodes > maxNodes {
		return fmt.Errorf("more than %d values, aliases counted as what they stand for", maxNodes)
	}
	return nil
}

func parseJSON(data []byte) (*Node, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	n, err := (&jsonReader{decoder: decoder}).value(0)
	if err != nil {
		return nil, atLine(data, decoder, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, atLine(data, decoder, errors.New("something follows the document"))
	}
	return n, nil
}

// atLine adds the line at which reading stopped.
func atLine(data []byte, decoder *json.Decoder, err error) error {
	end := min(int(decoder.InputOffset()), len(data))
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("line %d: %w", 1+bytes.Count(data[:end], []byte("\n")), err)
}

type jsonReader struct {
	decoder *json.Decoder
	budget  budget
}

func (r *jsonReader) value(depth int) (*Node, error) {
	if err := r.budget.take(depth); err != nil {
		return nil, err
	}
	token, err := r.decoder.Token()
	if err != nil {
		return nil, err
	}
	switch t := token.(type) {
	case bool:
		return Flag(t), nil
	case json.Number:
		return number(t.String())
	case string:
		return Text(t), nil
	case json.Delim:
		if t == '[' {
			return r.list(depth)
		}
		return r.object(depth)
	}
	return &Node{}, nil
}

// number bounds a number: its exponent too, because 1e999999999 is short and huge.
func number(text string) (*Node, error) {
	if len(text) > maxNumber {
		return nil, fmt.Errorf("a number of %d characters", len(text))
	}
	n := Num(text)
	if _, ok := n.Float(); !ok {
		return nil, fmt.Errorf("%s is beyond the range of numbers", text)
	}
	return n, nil
}

func (r *jsonReader) list(depth int) (*Node, error) {
	n := NewList()
	for r.decoder.More() {
		item, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		n.Items = append(n.Items, item)
	}
	_, err := r.decoder.Token()
	return n, err
}

func (r *jsonReader) object(depth int) (*Node, error) {
	n, seen := NewMap(), make(map[string]bool)
	for r.decoder.More() {
		token, err := r.decoder.Token()
		if err != nil {
			return nil, err
		}
		name, _ := token.(string)
		if seen[name] {
			return nil, fmt.Errorf("field %q stands twice", name)
		}
		seen[name] = true
		value, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		n.Fields = append(n.Fields, Field{name, value})
	}
	_, err := r.decoder.Token()
	return n, err
}
