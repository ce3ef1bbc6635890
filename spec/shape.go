package spec

import (
	"strconv"

	"aicv/metric"
)

// Shape is in what a load differs from the plain one, in which every request has the
// same lengths, prompts have nothing in common, and requests are streamed each for
// itself. The zero Shape is plain.
type Shape struct {
	Input        Spread         `json:"input,omitzero"`         // around Load.InputTokens
	Output       Spread         `json:"output,omitzero"`        // around Load.OutputTokens
	Arrivals     Arrivals       `json:"arrivals,omitempty"`     // of a request rate; empty: poisson
	Burstiness   metric.Decimal `json:"burstiness,omitzero"`    // shape of gamma arrivals: 1 is Poisson, less is burstier
	SharedPrefix metric.Decimal `json:"shared_prefix,omitzero"` // share of each prompt that all have in common, 0 to 1
	Dataset      string         `json:"dataset,omitempty"`      // file of prompts, absolute
	DatasetHash  string         `json:"dataset_hash,omitempty"` // of its content
	Static       bool           `json:"static,omitempty"`       // batches that start together and end before the next
}

// SpreadKind is a distribution of lengths.
type SpreadKind string

// The distributions. None: every length is the same.
const (
	SpreadNormal    SpreadKind = "normal"
	SpreadLognormal SpreadKind = "lognormal"
	SpreadUniform   SpreadKind = "uniform"
)

// Spread is how lengths vary, in tokens.
type Spread struct {
	Kind      SpreadKind `json:"kind"`
	Deviation int        `json:"deviation,omitempty"` // standard deviation; normal and lognormal
	Low       int        `json:"low,omitempty"`       // uniform, inclusive
	High      int        `json:"high,omitempty"`      // uniform, inclusive
}

// Arrivals is how the requests of a rate follow each other.
type Arrivals string

// The arrival processes.
const (
	ArrivalsConstant Arrivals = "constant"
	ArrivalsPoisson  Arrivals = "poisson"
	ArrivalsGamma    Arrivals = "gamma"
)

// Varies reports whether lengths are not all the same.
func (s *Shape) Varies() bool {
	return s.Input.Kind != "" || s.Output.Kind != "" || s.Dataset != ""
}

// Unpredicted says why a prediction for a plain load answers nothing of this one; empty
// where it does. How requests arrive is left to the predictor.
func (s *Shape) Unpredicted() string {
	switch {
	case s.Static:
		return "batches start and end together (batch = \"static\"), and predictions are for requests that are served as they come"
	case s.Dataset != "":
		return "prompts are taken from a dataset, and predictions are for fixed lengths"
	case s.Varies():
		return "lengths vary, and predictions are for fixed lengths"
	case s.SharedPrefix.Sign() > 0:
		return "prompts share a prefix, and predictions are for prompts that share nothing"
	}
	return ""
}

// Fields are what is set, named as the workload's items, for showing and for identities.
// A dataset is named by its content.
func (s *Shape) Fields() []Field {
	var fields []Field
	add := func(name, text string) {
		if text != "" {
			fields = append(fields, Field{name, StringValue(text)})
		}
	}
	add("input_lengths", s.Input.text())
	add("output_lengths", s.Output.text())
	add("arrivals", string(s.Arrivals))
	if s.Burstiness.Sign() != 0 {
		fields = append(fields, Field{"burstiness", NumberValue(s.Burstiness.String())})
	}
	if s.SharedPrefix.Sign() != 0 {
		fields = append(fields, Field{"shared_prefix", NumberValue(s.SharedPrefix.String())})
	}
	add("dataset", s.DatasetHash)
	if s.Static {
		add("batch", "static")
	}
	return fields
}

// text writes the spread without its mean, which the load has.
func (s Spread) text() string {
	switch s.Kind {
	case "":
		return ""
	case SpreadUniform:
		return string(s.Kind) + "(" + strconv.Itoa(s.Low) + "," + strconv.Itoa(s.High) + ")"
	}
	return string(s.Kind) + "(" + strconv.Itoa(s.Deviation) + ")"
}

// appendCanonical appends nothing for a plain shape, so that its identities are those
// of the load alone.
func (s *Shape) appendCanonical(b []byte) []byte {
	for _, f := range s.Fields() {
		b = append(append(append(b, ','), f.Name...), '=')
		b = f.Value.AppendCanonical(b)
	}
	return b
}
