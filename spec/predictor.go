package spec

import (
	"context"

	"aicv/metric"
)

// Predictor predicts cells.
type Predictor interface {
	// Fingerprint identifies everything but the points that answers depend on: tool,
	// version, database, interpreter, content of files. Cache keys are made from it.
	Fingerprint(ctx context.Context) (string, error)
	// Predict answers all points in one call, in order. A point without answer has
	// Missing set; an error means that no point could be answered.
	Predict(ctx context.Context, points []Point) ([]Prediction, error)
}

// Recommender is a predictor that can also search for good configurations.
type Recommender interface {
	// Recommend returns the rows that meet the limits, best first: at most request.Top that
	// can be deployed, and beside them rows that can not, with a finding that spoils them.
	Recommend(ctx context.Context, request RecommendRequest) ([]Row, error)
}

// RecommendRequest is what a search is asked for.
type RecommendRequest struct {
	Base   Point `json:"base"`   // model, system, runtime and lengths; items that are set are fixed
	GPUs   int   `json:"gpus"`   // that there are; 0: not declared
	Limits SLO   `json:"limits"` // that every row must meet
	Top    int   `json:"top"`    // at most so many rows
}

// Row is a recommended or recorded configuration at its own load.
type Row struct {
	Point    Point         `json:"point"`
	Claimed  metric.Values `json:"claimed,omitempty"`  // what the row itself promises
	Findings []Finding     `json:"findings,omitempty"` // where the row contradicts itself, or can not be deployed as it stands
}

// Supporter is an optional ability of a predictor: it knows early whether it has data.
type Supporter interface {
	// Support answers for each point, in order, whether the predictor has data for its
	// model, system and runtime.
	Support(ctx context.Context, points []Point) ([]Support, error)
}

// Support says whether a predictor has data for a point. A supported one with a Why is
// answered from other data than its own, the nearest.
type Support struct {
	Supported bool   `json:"supported"`
	Why       string `json:"why,omitempty"`     // what is missing
	Nearest   string `json:"nearest,omitempty"` // the nearest that has data: "sglang 0.5.14"
}
