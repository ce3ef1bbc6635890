package metric

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Value is one metric's figure, in the contract's unit.
type Value struct {
	Metric Name
	Value  float64
}

// Values are the metric values of one prediction or one run, sorted by name. In
// JSON they are an object.
type Values []Value

// NewValues builds sorted values from a map. NaN and infinities are refused: a
// metric that could not be computed must be absent instead.
func NewValues(figures map[Name]float64) (Values, error) {
	values := make(Values, 0, len(figures))
	for name, v := range figures {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("metric %s is %v", name, v)
		}
		values = append(values, Value{name, v})
	}
	slices.SortFunc(values, func(a, b Value) int { return strings.Compare(string(a.Metric), string(b.Metric)) })
	return values, nil
}

// Get finds one metric's value.
func (v Values) Get(name Name) (float64, bool) {
	for _, x := range v {
		if x.Metric == name {
			return x.Value, true
		}
	}
	return 0, false
}

// MarshalJSON writes an object of metric to number.
func (v Values) MarshalJSON() ([]byte, error) {
	b := make([]byte, 0, 2+40*len(v))
	b = append(b, '{')
	for i, x := range v {
		if math.IsNaN(x.Value) || math.IsInf(x.Value, 0) {
			return nil, fmt.Errorf("metric %s is %v", x.Metric, x.Value)
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendName(b, x.Metric), ':')
		b = appendNumber(b, x.Value)
	}
	return append(b, '}'), nil
}

// appendName appends a name as a JSON string. The contract's own need no escape.
func appendName(b []byte, name Name) []byte {
	if _, known := byName()[name]; !known {
		quoted, err := json.Marshal(string(name))
		if err != nil { // json.Marshal never fails on a string
			return strconv.AppendQuote(b, string(name))
		}
		return append(b, quoted...)
	}
	b = append(append(b, '"'), name...)
	return append(b, '"')
}

// appendNumber appends a finite number as encoding/json writes it.
func appendNumber(b []byte, v float64) []byte {
	if size := math.Abs(v); size == 0 || (size >= 1e-6 && size < 1e21) {
		return strconv.AppendFloat(b, v, 'f', -1, 64)
	}
	b = strconv.AppendFloat(b, v, 'e', -1, 64)
	if n := len(b); b[n-4] == 'e' && b[n-2] == '0' { // e-09 becomes e-9
		b = append(b[:n-2], b[n-1])
	}
	return b
}

// UnmarshalJSON reads an object of metric to number.
func (v *Values) UnmarshalJSON(data []byte) error {
	var figures map[Name]float64
	if err := json.Unmarshal(data, &figures); err != nil {
		return fmt.Errorf("read metric values: %w", err)
	}
	values, err := NewValues(figures)
	if err != nil {
		return err
	}
	*v = values
	return nil
}
