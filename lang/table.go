package lang

import (
	"slices"

	"github.com/hashicorp/hcl/v2"

	"aicv/lang/schema"
	"aicv/spec"
)

// blockType is one block of the schema, made ready for decoding.
type blockType struct {
	spec.Block
	body   *hcl.BodySchema
	rows   map[string]*spec.Attribute
	nested map[string]*blockType
}

// table is the whole schema, made ready.
type table struct {
	root  *hcl.BodySchema
	core  map[string]*blockType            // by block name
	kinds map[string]map[string]*blockType // by role, then kind
	names []string                         // of the top-level blocks
}

func newTable(blocks []spec.Block) *table {
	t := &table{root: &hcl.BodySchema{}, core: make(map[string]*blockType), kinds: make(map[string]map[string]*blockType)}
	for _, role := range schema.Roles() {
		t.addName(string(role), []string{"kind", "name"})
		t.kinds[string(role)] = make(map[string]*blockType)
	}
	for _, b := range blocks {
		if b.Kind != "" {
			t.kinds[b.Name][b.Kind] = newBlockType(b)
			continue
		}
		t.core[b.Name] = newBlockType(b)
		t.addName(b.Name, b.Labels)
	}
	slices.Sort(t.names)
	return t
}

func (t *table) addName(name string, labels []string) {
	t.names = append(t.names, name)
	t.root.Blocks = append(t.root.Blocks, hcl.BlockHeaderSchema{Type: name, LabelNames: labels})
}

// find returns the type of a top-level block.
func (t *table) find(name, kind string) *blockType {
	if kinds, isRole := t.kinds[name]; isRole {
		return kinds[kind]
	}
	return t.core[name]
}

func newBlockType(b spec.Block) *blockType {
	t := &blockType{Block: b, body: &hcl.BodySchema{}, rows: make(map[string]*spec.Attribute), nested: make(map[string]*blockType)}
	for i := range b.Attributes {
		row := &b.Attributes[i]
		t.rows[row.Name] = row
		t.body.Attributes = append(t.body.Attributes, hcl.AttributeSchema{Name: row.Name})
	}
	for _, n := range b.Blocks {
		t.nested[n.Name] = newBlockType(n)
		t.body.Blocks = append(t.body.Blocks, hcl.BlockHeaderSchema{Type: n.Name, LabelNames: n.Labels})
	}
	return t
}

// attributeNames lists the rows' names, in schema order.
func (t *blockType) attributeNames() []string {
	names := make([]string, len(t.Attributes))
	for i, a := range t.Attributes {
		names[i] = a.Name
	}
	return names
}

// memberNames lists attributes and nested blocks.
func (t *blockType) memberNames() []string {
	names := t.attributeNames()
	for _, b := range t.Blocks {
		names = append(names, b.Name)
	}
	return names
}

// kindNames lists the kinds of a role, sorted.
func (t *table) kindNames(role string) []string {
	names := make([]string, 0, len(t.kinds[role]))
	for kind := range t.kinds[role] {
		names = append(names, kind)
	}
	slices.Sort(names)
	return names
}
