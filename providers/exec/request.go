package exec

import (
	"encoding/json"

	"aicv/metric"
	"aicv/spec"
)

// The kinds of requests.
const (
	requestPredict   = "predict"
	requestSupport   = "support"
	requestRecommend = "recommend"
)

// wireHead begins every request.
type wireHead struct {
	Protocol string        `json:"protocol"`
	Request  string        `json:"request"`
	Metrics  []metric.Name `json:"metrics,omitempty"`
	// Of a recommend request:
	GPUs   int        `json:"gpus,omitempty"`
	Top    int        `json:"top,omitempty"`
	Limits spec.Value `json:"limits,omitzero"`
	Base   *wirePoint `json:"base,omitempty"`
}

// wirePoint is a point as programs read it.
type wirePoint struct {
	Point          *int       `json:"point,omitempty"` // its number, from 0; nil: the base of a search
	Model          string     `json:"model"`
	ModelPath      string     `json:"model_path,omitempty"`
	System         string     `json:"system,omitempty"`
	Runtime        string     `json:"runtime"`
	RuntimeVersion string     `json:"runtime_version,omitempty"`
	Configuration  spec.Value `json:"configuration,omitzero"`
	Assumed        spec.Value `json:"assumed,omitzero"`
	Load           *wireLoad  `json:"load,omitempty"`
}

// wireLoad is a load. What is 0 is not set.
type wireLoad struct {
	Concurrency  int         `json:"concurrency,omitempty"`
	RequestRate  json.Number `json:"request_rate,omitempty"`
	InputTokens  int         `json:"input_tokens,omitempty"`
	OutputTokens int         `json:"output_tokens,omitempty"`
}

func wireOf(p *spec.Point) wirePoint {
	w := wirePoint{Model: p.ModelID, ModelPath: p.ModelPath, System: p.System, Runtime: p.Runtime, RuntimeVersion: p.RuntimeVersion,
		Configuration: object(p.Config), Load: &wireLoad{Concurrency: p.Load.Concurrency, InputTokens: p.Load.InputTokens, OutputTokens: p.Load.OutputTokens}}
	if len(p.Assumed) > 0 {
		w.Assumed = object(p.Assumed)
	}
	if p.Load.RequestRate.Sign() != 0 {
		w.Load.RequestRate = json.Number(p.Load.RequestRate.String())
	}
	return w
}

// object makes a map of settings.
func object(c spec.Configuration) spec.Value {
	fields := make([]spec.Field, len(c))
	for i, s := range c {
		fields[i] = spec.Field(s)
	}
	return spec.MapValue(fields...)
}

// pointsRequest writes a request about points: one JSON document, in which each point
// stands on a line of its own, so that it can also be read line by line.
func pointsRequest(head wireHead, points []wirePoint) ([]byte, error) {
	head.Protocol = Protocol
	b, err := json.Marshal(head)
	if err != nil {
		return nil, err
	}
	b = append(b[:len(b)-1], `,"points":[`...)
	for i := range points {
		points[i].Point = &i
		text, err := json.Marshal(points[i])
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(b, '\n'), text...)
	}
	return append(b, "\n]}\n"...), nil
}

// searchRequest writes a request for recommended rows.
func searchRequest(r *spec.RecommendRequest, metrics []metric.Name) ([]byte, error) {
	base := wireOf(&r.Base)
	limits := make([]spec.Field, len(r.Limits))
	for i, l := range r.Limits {
		limits[i] = spec.Field{Name: string(l.Metric), Value: spec.NumberValue(l.Quantity.String())}
	}
	b, err := json.Marshal(wireHead{Protocol: Protocol, Request: requestRecommend, Metrics: metrics,
		GPUs: r.GPUs, Top: r.Top, Limits: spec.MapValue(limits...), Base: &base})
	return append(b, '\n'), err
}
