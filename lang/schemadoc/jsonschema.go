package schemadoc

import "aicv/spec"

// node is one JSON Schema.
type node = map[string]any

// JSONSchema writes a JSON Schema (2020-12) for suites in HCL's JSON syntax. Every
// attribute may also be an expression, a string with "${...}"; a reference can be
// nothing else. What needs evaluation (names, matrices, claims) it does not check.
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
	return oneOrMany(node{"type": "object", "properties": kinds, "additionalProperties": false})
}

// labelled nests one object per label around the body; where a block may repeat, each
// level may also be a list.
func labelled(b spec.Block, labels []string) node {
	var level node
	if len(labels) > 0 {
		level = node{"type": "object", "additionalProperties": labelled(b, labels[1:])}
	} else {
		level = bodySchema(b)
	}
	if b.Repeatable {
		return oneOrMany(level)
	}
	return level
}

// oneOrMany accepts a list where one object may stand, as HCL's JSON syntax does.
func oneOrMany(schema node) node {
	return node{"anyOf": []node{schema, {"type": "array", "items": schema}}}
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
	alternatives := append(literals(a), node{"$ref": "#/$defs/expression"})
	if !a.Required {
		alternatives = append(alternatives, node{"type": "null"})
	}
	schema := node{"description": describe(a), "anyOf": alternatives}
	if !a.Default.IsNull() {
		schema["default"] = a.Default
	}
	return schema
}

// literals lists the schemas of what may stand there without evaluation.
func literals(a spec.Attribute) []node {
	if a.Secret {
		return nil
	}
	switch a.Type {
	case spec.TypeReference:
		return nil
	case spec.TypeAny:
		return []node{{}}
	case spec.TypeBool:
		return []node{{"type": "boolean"}}
	case spec.TypeInt, spec.TypeNumber:
		return []node{number(a)}
	case spec.TypeIntList:
		return list(a, number(a))
	case spec.TypeStringList, spec.TypeClaims:
		return list(a, text(a))
	case spec.TypeStringMap:
		return []node{{"type": "object", "additionalProperties": node{"type": []string{"string", "number", "boolean", "null"}}}}
	case spec.TypeShare:
		return []node{text(a), {"type": "number", "minimum": 0, "maximum": 1}}
	case spec.TypeMap:
		return []node{{"type": "object"}}
	}
	return []node{text(a)}
}

// list accepts a list of items, each of which may be an expression, and a single one
// where the attribute says so.
func list(a spec.Attribute, item node) []node {
	items := node{"anyOf": []node{item, {"$ref": "#/$defs/expression"}}}
	alternatives := []node{{"type": "array", "items": items}}
	if a.Single {
		alternatives = append(alternatives, item)
	}
	return alternatives
}

func number(a spec.Attribute) node {
	schema := node{"type": "integer"}
	if a.Type == spec.TypeNumber {
		schema["type"] = "number"
	}
	if a.Min != nil {
		schema["minimum"] = *a.Min
	}
	if a.Max != nil {
		schema["maximum"] = *a.Max
	}
	return schema
}

// text is the schema of everything that is written as a string. The patterns are wide:
// they catch a forgotten unit, the loader checks the rest.
func text(a spec.Attribute) node {
	schema := node{"type": "string"}
	switch {
	case len(a.Allowed) > 0:
		schema["enum"] = a.Allowed
	case a.Type == spec.TypeDuration:
		schema["pattern"] = `^[+]?(0|([0-9.]+(ns|us|µs|μs|ms|s|m|h))+)$`
	case a.Type == spec.TypeSize:
		schema["pattern"] = `^[0-9.]+ ?([KMGT]i?)?B$`
	case a.Type == spec.TypeShare:
		schema["pattern"] = `^[0-9]+([.][0-9]+)?%$`
	}
	return schema
}
