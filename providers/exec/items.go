package exec

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/agext/levenshtein"

	"aicv/metric"
	"aicv/spec"
)

// setting reads one item of a configuration in a JSON answer, in the form in which a
// suite's own items are kept, so that equal values are equal.
func setting(name string, raw json.RawMessage) (spec.Setting, error) {
	row, known := itemOf(name)
	if !known {
		return spec.Setting{}, fmt.Errorf("%s is no item of the configuration%s", excerpt([]byte(name)), meant(name, itemNames()))
	}
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return spec.Setting{}, err
	}
	refuse := func(want string) (spec.Setting, error) {
		return spec.Setting{}, fmt.Errorf("%s is %s, and must be %s", name, shown(raw), want)
	}
	switch row.Type {
	case spec.TypeBool:
		if flag, ok := v.(bool); ok {
			return spec.Setting{Name: name, Value: spec.BoolValue(flag)}, nil
		}
		return refuse("true or false")
	case spec.TypeInt, spec.TypeNumber:
		if number, ok := decimal(v, raw); ok && inside(&row, number) {
			return spec.Setting{Name: name, Value: spec.NumberValue(number.String())}, nil
		}
		return refuse(numberOf(&row))
	}
	if text, ok := v.(string); ok && text != "" {
		return spec.Setting{Name: name, Value: spec.StringValue(tidy(text))}, nil
	}
	return refuse("a string that is not empty")
}

// decimal takes a JSON number in plain decimal notation; 8.0 is 8.
func decimal(v any, raw json.RawMessage) (metric.Decimal, bool) {
	if _, ok := v.(float64); !ok {
		return metric.Decimal{}, false
	}
	number, err := metric.ParseDecimal(string(raw))
	return number, err == nil
}

// inside reports whether a number is one that the item may have.
func inside(row *spec.Attribute, d metric.Decimal) bool {
	if _, err := strconv.Atoi(d.String()); err != nil && row.Type == spec.TypeInt {
		return false
	}
	f := d.Float64()
	return (row.Min == nil || f >= *row.Min) && (row.Max == nil || f <= *row.Max)
}

// numberOf says what numbers an item may have.
func numberOf(row *spec.Attribute) string {
	text := "a plain decimal number"
	if row.Type == spec.TypeInt {
		text = "a whole number"
	}
	switch {
	case row.Min != nil && row.Max != nil:
		text += fmt.Sprintf(" from %g to %g", *row.Min, *row.Max)
	case row.Min != nil:
		text += fmt.Sprintf(" of %g or more", *row.Min)
	}
	return text
}

// settingsOf reads all items of an object in the order of their names; what is wrong with
// some keeps none of the others out.
func settingsOf(items map[string]json.RawMessage) (spec.Configuration, []string) {
	var c spec.Configuration
	var wrong []string
	for _, name := range slices.Sorted(maps.Keys(items)) {
		s, err := setting(name, items[name])
		if err != nil {
			wrong = append(wrong, err.Error())
			continue
		}
		c = append(c, s)
	}
	return c, wrong
}

func itemOf(name string) (spec.Attribute, bool) {
	for _, row := range spec.ConfigurationItems() {
		if row.Name == name {
			return row, true
		}
	}
	return spec.Attribute{}, false
}

func itemNames() []string {
	var names []string
	for _, row := range spec.ConfigurationItems() {
		names = append(names, row.Name)
	}
	return names
}

// meant suggests the name that was probably meant.
func meant(name string, among []string) string {
	if len(name) > maxExcerpt {
		return ""
	}
	best, least := "", 1+len(name)/2
	for _, other := range among {
		if d := levenshtein.Distance(name, other, nil); d < least {
			best, least = other, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// figures reads metric values by name.
func figures(values map[string]json.RawMessage) (metric.Values, error) {
	read := make(map[metric.Name]float64, len(values))
	for _, name := range slices.Sorted(maps.Keys(values)) {
		m, known := metric.Lookup(metric.Name(name))
		if !known {
			return nil, fmt.Errorf("%s is no metric%s", excerpt([]byte(name)), meant(name, metric.Names()))
		}
		var number json.Number
		if raw := values[name]; raw[0] == '"' || raw[0] == 'n' || json.Unmarshal(raw, &number) != nil {
			return nil, fmt.Errorf("%s is %s, and must be a number; leave out what could not be computed", name, shown(raw))
		}
		figure, err := number.Float64()
		if err != nil {
			return nil, fmt.Errorf("%s is %s, which is too large to be real", name, shown(values[name]))
		}
		if err := m.Check(figure); err != nil {
			return nil, err
		}
		read[m.Name] = figure
	}
	return metric.NewValues(read)
}
