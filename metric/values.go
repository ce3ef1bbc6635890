package metric

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
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
	var b strings.Builder
	b.WriteByte('{')
	for i, x := range v {
		if i > 0 {
			b.WriteByte(',')
		}
		number, err := json.Marshal(x.Value)
		if err != nil {
			return nil, fmt.Errorf("metric %s: %w", x.Metric, err)
		}
		name, err := json.Marshal(string(x.Metric))
		if err != nil {
			return nil, fmt.Errorf("metric %s: %w", x.Metric, err)
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(number)
	}
	b.WriteByte('}')
	return []byte(b.String()), nil
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
