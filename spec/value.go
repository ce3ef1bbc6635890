package spec

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"aicv/metric"
)

// ValueKind says which of the value's forms is set.
type ValueKind uint8

// The kinds of a Value.
const (
	Null ValueKind = iota
	Bool
	Number
	String
	List
	Map
	Secret // a reference to an environment variable; never its content
)

// Value is one attribute's value after evaluation: plain data, without any notion
// of HCL. Values are immutable.
type Value struct {
	kind   ValueKind
	flag   bool
	text   string // a number's canonical decimal text, a string, or a secret's variable name
	items  []Value
	fields []Field
}

// Field is one entry of a map value.
type Field struct {
	Name  string
	Value Value
}

// BoolValue, NumberValue and the others build values.
func BoolValue(b bool) Value { return Value{kind: Bool, flag: b} }

// NumberValue keeps the number's exact decimal text, such as "0.1".
func NumberValue(text string) Value { return Value{kind: Number, text: text} }

// IntValue builds a whole number.
func IntValue(n int) Value { return Value{kind: Number, text: strconv.Itoa(n)} }

// StringValue builds a string.
func StringValue(s string) Value { return Value{kind: String, text: s} }

// SecretValue refers to the environment variable that holds a secret.
func SecretValue(variable string) Value { return Value{kind: Secret, text: variable} }

// ListValue builds a list.
func ListValue(items ...Value) Value { return Value{kind: List, items: items} }

// MapValue builds a map; fields are kept sorted by name.
func MapValue(fields ...Field) Value {
	sorted := slices.Clone(fields)
	slices.SortFunc(sorted, func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
	return Value{kind: Map, fields: sorted}
}

// Kind returns the value's kind.
func (v Value) Kind() ValueKind { return v.kind }

// IsNull reports an absent value.
func (v Value) IsNull() bool { return v.kind == Null }

// Bool returns the flag; false for any other kind.
func (v Value) Bool() bool { return v.kind == Bool && v.flag }

// Text returns a string, a number's decimal text, `true`/`false`, or a secret's
// variable name; empty for lists, maps and null.
func (v Value) Text() string {
	if v.kind == Bool {
		return strconv.FormatBool(v.flag)
	}
	return v.text
}

// Int returns a whole number; false where the value is not one.
func (v Value) Int() (int, bool) {
	if v.kind != Number {
		return 0, false
	}
	n, err := strconv.Atoi(v.text)
	return n, err == nil
}

// Float returns the nearest float of a number; false for any other kind.
func (v Value) Float() (float64, bool) {
	if v.kind != Number {
		return 0, false
	}
	f, err := strconv.ParseFloat(v.text, 64)
	return f, err == nil
}

// Decimal returns the exact number.
func (v Value) Decimal() (metric.Decimal, error) { return metric.ParseDecimal(v.text) }

// Items returns a list's elements. The slice must not be changed.
func (v Value) Items() []Value { return v.items }

// Fields returns a map's entries, sorted by name. The slice must not be changed.
func (v Value) Fields() []Field { return v.fields }

// Field finds one entry of a map.
func (v Value) Field(name string) (Value, bool) {
	for _, f := range v.fields {
		if f.Name == name {
			return f.Value, true
		}
	}
	return Value{}, false
}

// Equal compares kind and content.
func (v Value) Equal(o Value) bool {
	return v.kind == o.kind && v.flag == o.flag && v.text == o.text &&
		slices.EqualFunc(v.items, o.items, Value.Equal) &&
		slices.EqualFunc(v.fields, o.fields, func(a, b Field) bool {
			return a.Name == b.Name && a.Value.Equal(b.Value)
		})
}

// String writes the value for people: strings bare, lists and maps as JSON.
func (v Value) String() string {
	switch v.kind {
	case List, Map:
		return string(v.AppendCanonical(nil))
	case Secret:
		return "env(" + strconv.Quote(v.text) + ")"
	case Null:
		return "null"
	}
	return v.Text()
}

// secretKey marks a secret reference in JSON: {"$env": "HF_TOKEN"}.
const secretKey = "$env"

// AppendCanonical appends the value's canonical JSON (sorted keys, exact decimals,
// no spaces), the form that identities are hashed from.
func (v Value) AppendCanonical(b []byte) []byte {
	switch v.kind {
	case Bool:
		return strconv.AppendBool(b, v.flag)
	case Number:
		return append(b, v.text...)
	case String:
		return appendJSONString(b, v.text)
	case Secret:
		b = append(b, `{"`+secretKey+`":`...)
		return append(appendJSONString(b, v.text), '}')
	case List:
		return v.appendList(b)
	case Map:
		return v.appendMap(b)
	}
	return append(b, "null"...)
}

func (v Value) appendList(b []byte) []byte {
	b = append(b, '[')
	for i, item := range v.items {
		if i > 0 {
			b = append(b, ',')
		}
		b = item.AppendCanonical(b)
	}
	return append(b, ']')
}

func (v Value) appendMap(b []byte) []byte {
	b = append(b, '{')
	for i, f := range v.fields {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendJSONString(b, f.Name), ':')
		b = f.Value.AppendCanonical(b)
	}
	return append(b, '}')
}

// appendJSONString quotes fast where nothing needs escaping.
func appendJSONString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c >= 0x7f || c == '"' || c == '\\' {
			quoted, err := json.Marshal(s)
			if err != nil { // json.Marshal never fails on a string
				return strconv.AppendQuote(b, s)
			}
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// MarshalJSON writes the canonical form.
func (v Value) MarshalJSON() ([]byte, error) { return v.AppendCanonical(nil), nil }

// UnmarshalJSON reads what MarshalJSON wrote.
func (v *Value) UnmarshalJSON(data []byte) error {
	decoder := json.NewDecoder(strings.NewReader(string(data)))
	decoder.UseNumber()
	var raw any
	if err := decoder.Decode(&raw); err != nil {
		return fmt.Errorf("read value: %w", err)
	}
	*v = valueOf(raw)
	return nil
}

func valueOf(raw any) Value {
	switch x := raw.(type) {
	case bool:
		return BoolValue(x)
	case json.Number:
		return NumberValue(x.String())
	case string:
		return StringValue(x)
	case []any:
		items := make([]Value, len(x))
		for i, e := range x {
			items[i] = valueOf(e)
		}
		return ListValue(items...)
	case map[string]any:
		return mapValueOf(x)
	}
	return Value{}
}

func mapValueOf(m map[string]any) Value {
	if name, ok := m[secretKey].(string); ok && len(m) == 1 {
		return SecretValue(name)
	}
	fields := make([]Field, 0, len(m))
	for k, e := range m {
		fields = append(fields, Field{k, valueOf(e)})
	}
	return MapValue(fields...)
}
