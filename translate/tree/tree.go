// Package tree reads and writes JSON and YAML documents of other tools as plain trees
// that keep the order of their fields. Documents come from outside: size, depth and
// number of values are bounded, aliases count as what they stand for, and whatever has no
// counterpart in JSON is an error.
package tree

import (
	"math/big"
	"slices"
	"strconv"

	"aicv/spec"
)

// Kind says what a node is.
type Kind uint8

// The kinds of nodes.
const (
	Null Kind = iota
	Bool
	Number
	String
	List
	Map
)

// Node is one value of a document.
type Node struct {
	Kind   Kind
	Text   string  // a string, a number's JSON text, "true" or "false"
	Items  []*Node // of a list
	Fields []Field // of a map, in the order of the document
}

// Field is one entry of a map.
type Field struct {
	Name string
	Node *Node
}

// Text builds a string.
func Text(s string) *Node { return &Node{Kind: String, Text: s} }

// Flag builds true or false.
func Flag(b bool) *Node { return &Node{Kind: Bool, Text: strconv.FormatBool(b)} }

// Int builds a whole number.
func Int(n int) *Node { return &Node{Kind: Number, Text: strconv.Itoa(n)} }

// Num builds a number from its decimal text.
func Num(text string) *Node { return &Node{Kind: Number, Text: text} }

// NewList builds a list.
func NewList(items ...*Node) *Node { return &Node{Kind: List, Items: items} }

// NewMap builds a map.
func NewMap(fields ...Field) *Node { return &Node{Kind: Map, Fields: fields} }

// Get finds a value by its path; nil where there is none. A nil node has none.
func (n *Node) Get(path ...string) *Node {
	for _, name := range path {
		if n == nil {
			return nil
		}
		i := n.index(name)
		if i < 0 {
			return nil
		}
		n = n.Fields[i].Node
	}
	return n
}

func (n *Node) index(name string) int {
	return slices.IndexFunc(n.Fields, func(f Field) bool { return f.Name == name })
}

// Set puts a value at a path and makes the maps on the way; what stands in the way is
// replaced.
func (n *Node) Set(value *Node, path ...string) {
	for i, name := range path {
		if n.Kind != Map {
			*n = Node{Kind: Map}
		}
		at := n.index(name)
		if at < 0 {
			n.Fields = append(n.Fields, Field{name, NewMap()})
			at = len(n.Fields) - 1
		}
		if i == len(path)-1 {
			n.Fields[at].Node = value
			return
		}
		n = n.Fields[at].Node
	}
}

// Delete removes the value at a path, if it is there.
func (n *Node) Delete(path ...string) {
	last := len(path) - 1
	if last < 0 {
		return
	}
	parent := n.Get(path[:last]...)
	if parent == nil {
		return
	}
	if i := parent.index(path[last]); i >= 0 {
		parent.Fields = slices.Delete(parent.Fields, i, i+1)
	}
}

// Clone copies a tree.
func (n *Node) Clone() *Node {
	if n == nil {
		return nil
	}
	c := &Node{Kind: n.Kind, Text: n.Text}
	for _, item := range n.Items {
		c.Items = append(c.Items, item.Clone())
	}
	for _, f := range n.Fields {
		c.Fields = append(c.Fields, Field{f.Name, f.Node.Clone()})
	}
	return c
}

// Equal compares two trees. Numbers are equal by value (5.0 and 5), maps whatever the
// order of their fields.
func (n *Node) Equal(o *Node) bool {
	if n == nil || o == nil {
		return n == o
	}
	if n.Kind != o.Kind {
		return false
	}
	switch n.Kind {
	case Number:
		return sameNumber(n.Text, o.Text)
	case List:
		return slices.EqualFunc(n.Items, o.Items, (*Node).Equal)
	case Map:
		return n.equalMap(o)
	}
	return n.Text == o.Text
}

func (n *Node) equalMap(o *Node) bool {
	if len(n.Fields) != len(o.Fields) {
		return false
	}
	for _, f := range n.Fields {
		if other := o.Get(f.Name); other == nil || !f.Node.Equal(other) {
			return false
		}
	}
	return true
}

func sameNumber(a, b string) bool {
	if a == b {
		return true
	}
	if max(len(a), len(b)) > maxNumber {
		return false
	}
	x, okX := new(big.Float).SetString(a)
	y, okY := new(big.Float).SetString(b)
	return okX && okY && x.Cmp(y) == 0
}

// List returns the items of a list, a single value as the only one, and nothing for null.
func (n *Node) List() []*Node {
	switch {
	case n == nil || n.Kind == Null:
		return nil
	case n.Kind == List:
		return n.Items
	}
	return []*Node{n}
}

// Int returns a whole number, which may be written as 8.0; false for anything else, a
// number in quotes included.
func (n *Node) Int() (int, bool) {
	f, ok := n.Float()
	if !ok || f != float64(int(f)) || f > 1e15 || f < -1e15 {
		return 0, false
	}
	return int(f), true
}

// Float returns a number; false for anything else.
func (n *Node) Float() (float64, bool) {
	if n == nil || n.Kind != Number {
		return 0, false
	}
	f, err := strconv.ParseFloat(n.Text, 64)
	return f, err == nil
}

// String returns the text of a scalar, and the JSON of anything else.
func (n *Node) String() string {
	switch {
	case n == nil || n.Kind == Null:
		return "null"
	case n.Kind == List || n.Kind == Map:
		return string(n.appendJSON(nil, -1))
	}
	return n.Text
}

// Value is the tree as a plain value of the domain.
func (n *Node) Value() spec.Value {
	if n == nil {
		return spec.Value{}
	}
	switch n.Kind {
	case Bool:
		return spec.BoolValue(n.Text == "true")
	case Number:
		return spec.NumberValue(n.Text)
	case String:
		return spec.StringValue(n.Text)
	case List:
		items := make([]spec.Value, len(n.Items))
		for i, item := range n.Items {
			items[i] = item.Value()
		}
		return spec.ListValue(items...)
	case Map:
		fields := make([]spec.Field, len(n.Fields))
		for i, f := range n.Fields {
			fields[i] = spec.Field{Name: f.Name, Value: f.Node.Value()}
		}
		return spec.MapValue(fields...)
	}
	return spec.Value{}
}

// FromValue is a value of the domain as a tree. A reference to a secret has no place in
// another tool's document; it becomes null.
func FromValue(v spec.Value) *Node {
	switch v.Kind() {
	case spec.Bool:
		return Flag(v.Bool())
	case spec.Number:
		return Num(v.Text())
	case spec.String:
		return Text(v.Text())
	case spec.List:
		list := NewList()
		for _, item := range v.Items() {
			list.Items = append(list.Items, FromValue(item))
		}
		return list
	case spec.Map:
		m := NewMap()
		for _, f := range v.Fields() {
			m.Fields = append(m.Fields, Field{f.Name, FromValue(f.Value)})
		}
		return m
	}
	return &Node{}
}
