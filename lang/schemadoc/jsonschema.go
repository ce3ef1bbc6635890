package schemadoc

import "aicv/spec"

// node is one JSON Schema.
type node = map[string]any

// JSONSchema writes a JSON Schema (2020-12) for suites in HCL's JSON syntax. Every
// attribute may also be an expression, a string with "${...}".
func JSONSchema(language []spec.Block) ([]byte, error) {
	properties := node{"//": node{"description": "A comment."}}
	for _, b := range merge(language) {
		properties[b.name] = b.schema()
	}
	return encode(node{
		"$schema":              "https://json-schema.org/draft/2020-12/schema",
		"title":                "aicv suite in JSON syntax",
		"type":                 "object",
		"properties":           properties,
		"additionalProperties": false,
		"$defs": node{"expression": node{
			"description": "An HCL expression inside a template.", "type": "string", "pattern": `\$\{.+\}`}},
	})
}

// merged is a block type with all of its kinds.
type merged struct {
	name  string
	kinds []spec.Block
}

// merge puts the kinds of a role under one name, in order.
func merge(language []spec.Block) []merged {
	var out []merged
	at := map[string]int{}
	for _, b := range language {
		i, known := at[b.Name]
		if !known {
			i = len(out)
			at[b.Name] = i
			out = append(out, merged{name: b.Name})
		}
		out[i].kinds = append(out[i].kinds, b)
	}
	return out
}

func (m merged) schema() node {
	if m.kinds[0].Kind == "" {
		return labelled(m.kinds[0], m.kinds[0].Labels)
	}
	kinds := node{}
	for _, b := range m.kinds {
		kinds[b.Kind] = labelled(b, b.Labels[1:])
	}
	return node{"type": "object", "properties": kinds, "additionalProperties": false}
}

// labelled nests one object per label around the body; where a block may repeat, a
// list of bodies stands for one.
func labelled(b spec.Block, labels []string) node {
	if len(labels) > 0 {
		return node{"type": "object", "additionalProperties": labelled(b, labels[1:])}
	}
	body := bodySchema(b)
	if b.Repeatable {
		return node{"anyOf": []node{body, {"type": "array", "items": body}}}
	}
	return body
}

func bodySchema(b spec.Block) node {
	properties := node{"//": node{"description": "A comment."}}
	var required []string
	for _, a := range b.Attributes {
		properties[a.Name] = attributeSchema(a)
		if a.Required {
			required = append(required, a.Name)
		}
	}
	for _, nested := range b.Blocks {
		properties[nested.Name] = labelled(nested, nested.Labels)
	}
	schema := node{"type": "object", "description": b.Doc, "properties": properties, "additionalProperties": b.Open}
	if len(required) > 0 {
		schema["required"] = required
	}
	return schema
}

func attributeSchema(a spec.Attribute) node {
	value := typeSchema(a)
	alternatives := []node{value}
	if a.Single {
		if items, ok := value["items"].(node); ok {
			alternatives = append(alternatives, items)
		}
	}
	schema := node{"description": a.Doc, "anyOf": append(alternatives, node{"$ref": "#/$defs/expression"})}
	if !a.Default.IsNull() {
		schema["default"] = a.Default
	}
	return schema
}

// typeSchema is the schema of a literal of the attribute's type.
func typeSchema(a spec.Attribute) node {
	switch a.Type {
	case spec.TypeInt:
		return bounded(node{"type": "integer"}, a)
	case spec.TypeNumber:
		return bounded(node{"type": "number"}, a)
	case spec.TypeBool:
		return node{"type": "boolean"}
	case spec.TypeStringList, spec.TypeClaims:
		return node{"type": "array", "items": node{"type": "string"}}
	case spec.TypeIntList:
		return node{"type": "array", "items": bounded(node{"type": "integer"}, a)}
	case spec.TypeStringMap:
		return node{"type": "object", "additionalProperties": node{"type": "string"}}
	case spec.TypeMap:
		return node{"type": "object"}
	case spec.TypeAny:
		return node{}
	}
	return texts(a)
}

// texts is the schema of everything that is written as a string.
func texts(a spec.Attribute) node {
	schema := node{"type": "string"}
	if len(a.Allowed) > 0 {
		schema["enum"] = a.Allowed
	}
	return schema
}

func bounded(schema node, a spec.Attribute) node {
	if a.Min != nil {
		schema["minimum"] = *a.Min
	}
	if a.Max != nil {
		schema["maximum"] = *a.Max
	}
	return schema
}
