package metric

// Mapping is a provider's declaration that one of its fields answers a metric.
// The reference page's table is generated from these.
type Mapping struct {
	Metric     Name
	Field      string // the provider's own field, as its users know it
	Conversion string // how the field becomes the metric; empty where it is the same figure
}
