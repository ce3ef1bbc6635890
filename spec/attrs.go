package spec

import (
	"slices"
	"time"
)

// Attrs are the decoded attributes of one block: checked against the schema's rows,
// defaults filled in. An optional attribute without default may be absent; the
// getters then return the zero value. Nested blocks are values too: a single block
// is a map, a repeatable one a list of maps, its labels under "label".
type Attrs map[string]Value

// Has reports whether the attribute is set.
func (a Attrs) Has(name string) bool { return !a[name].IsNull() }

// Text returns a string attribute.
func (a Attrs) Text(name string) string { return a[name].Text() }

// Int returns a whole-number attribute.
func (a Attrs) Int(name string) int {
	n, _ := a[name].Int()
	return n
}

// Float returns a number attribute.
func (a Attrs) Float(name string) float64 {
	f, _ := a[name].Float()
	return f
}

// Bool returns a flag.
func (a Attrs) Bool(name string) bool { return a[name].Bool() }

// Duration returns a duration attribute; the schema has checked its syntax
// (time.ParseDuration's).
func (a Attrs) Duration(name string) time.Duration {
	d, err := time.ParseDuration(a[name].Text())
	if err != nil {
		return 0
	}
	return d
}

// Strings returns a list of strings.
func (a Attrs) Strings(name string) []string {
	items := a[name].Items()
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = item.Text()
	}
	return texts
}

// Value packs the attributes into one map value, for hashing and storing.
func (a Attrs) Value() Value { return a.without(nil) }

func (a Attrs) without(names []string) Value {
	fields := make([]Field, 0, len(a))
	for name, v := range a {
		if !v.IsNull() && !slices.Contains(names, name) {
			fields = append(fields, Field{name, v})
		}
	}
	return MapValue(fields...)
}
