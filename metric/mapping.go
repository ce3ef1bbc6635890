package metric

import "slices"

// Mapping is a provider's declaration that one of its fields answers a metric.
// The reference page's table is generated from these.
type Mapping struct {
	Metric     Name
	Field      string // the provider's own field, as its users know it
	Conversion string // how the field becomes the metric; empty where it is the same figure
}

// Mappings gives every metric of the contract the field and the conversion of its base.
func Mappings(bases map[Name][2]string) []Mapping {
	var rows []Mapping
	for _, m := range All() {
		rows = append(rows, Mapping{Metric: m.Name, Field: bases[m.Base][0], Conversion: bases[m.Base][1]})
	}
	return rows
}

// InOrder lists the metrics of the contract that are given, in its order, each once.
func InOrder(given []Name) []Name {
	var names []Name
	for _, m := range All() {
		if slices.Contains(given, m.Name) {
			names = append(names, m.Name)
		}
	}
	return names
}
