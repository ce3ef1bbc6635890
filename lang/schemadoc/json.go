// Package schemadoc writes the language's schema for programs and people: aicv's own
// JSON, a JSON Schema for suites in JSON syntax, and the Markdown reference.
package schemadoc

import (
	"encoding/json"
	"fmt"

	"aicv/spec"
)

// formatVersion is the version of aicv's own JSON form of the schema.
const formatVersion = "1.0"

type document struct {
	FormatVersion string  `json:"format_version"`
	Blocks        []block `json:"blocks"`
}

type block struct {
	Name       string      `json:"name"`
	Kind       string      `json:"kind,omitempty"`
	Labels     []string    `json:"labels,omitempty"`
	Doc        string      `json:"doc"`
	Repeatable bool        `json:"repeatable,omitempty"`
	Open       bool        `json:"open,omitempty"`
	Since      string      `json:"since,omitempty"`
	Example    string      `json:"example,omitempty"`
	Attributes []attribute `json:"attributes,omitempty"`
	Blocks     []block     `json:"blocks,omitempty"`
}

type attribute struct {
	Name      string      `json:"name"`
	Type      spec.Type   `json:"type"`
	Reference string      `json:"reference,omitempty"` // block type that is referred to
	Required  bool        `json:"required,omitempty"`
	Single    bool        `json:"single,omitempty"` // one value may stand for a list of it
	Default   *spec.Value `json:"default,omitempty"`
	Allowed   []string    `json:"allowed,omitempty"`
	Known     []string    `json:"known,omitempty"`
	Minimum   *float64    `json:"minimum,omitempty"`
	Maximum   *float64    `json:"maximum,omitempty"`
	Doc       string      `json:"doc"`
	Example   string      `json:"example,omitempty"`
	Since     string      `json:"since,omitempty"`
	// Incidental rows are no part of a measurement's identity.
	Incidental bool `json:"incidental,omitempty"`
	// Secret rows take a reference to an environment variable only.
	Secret bool `json:"secret,omitempty"`
}

// JSON writes the schema in aicv's own, versioned form.
func JSON(language []spec.Block) ([]byte, error) {
	return encode(document{formatVersion, blocksOf(language)})
}

func encode(d any) ([]byte, error) {
	out, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the schema: %w", err)
	}
	return append(out, '\n'), nil
}

func blocksOf(blocks []spec.Block) []block {
	out := make([]block, len(blocks))
	for i, b := range blocks {
		out[i] = block{Name: b.Name, Kind: b.Kind, Labels: b.Labels, Doc: b.Doc, Repeatable: b.Repeatable,
			Open: b.Open, Since: b.Since, Example: b.Example, Attributes: attributesOf(b.Attributes), Blocks: blocksOf(b.Blocks)}
	}
	return out
}

func attributesOf(attributes []spec.Attribute) []attribute {
	out := make([]attribute, len(attributes))
	for i, a := range attributes {
		out[i] = attribute{Name: a.Name, Type: a.Type, Reference: a.Ref, Required: a.Required, Single: a.Single,
			Allowed: a.Allowed, Known: a.Known, Minimum: a.Min, Maximum: a.Max, Doc: a.Doc, Example: a.Example, Since: a.Since, Incidental: a.Incidental, Secret: a.Secret}
		if !a.Default.IsNull() {
			out[i].Default = &attributes[i].Default
		}
	}
	return out
}
