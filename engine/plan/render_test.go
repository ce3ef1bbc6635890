package plan

import (
	"context"
	"errors"
	"testing"

	"aicv/spec"
)

// fakeRuntime renders nothing worth looking at, or refuses.
type fakeRuntime struct {
	refuses error
	gpus    int
}

func (f fakeRuntime) Render(spec.RenderRequest) (spec.ServerSpec, []spec.ItemMapping, error) {
	return spec.ServerSpec{GPUs: f.gpus}, nil, f.refuses
}

func (fakeRuntime) Effective(context.Context, spec.Server) (spec.Configuration, error) {
	return nil, nil
}

// Defaults knows what it takes for one item.
func (fakeRuntime) Defaults(spec.RenderRequest) spec.Configuration {
	return spec.NewConfiguration(spec.Setting{Name: spec.ItemMaxBatchTokens, Value: spec.IntValue(8192)})
}

func (fakeRuntime) Diagnose(string) (*spec.Error, bool) { return nil, false }

// What the runtime can not render is refused by the plan; what only the engine would
// refuse, and what somebody else's server runs, is not.
func TestWhatCanNotBeRenderedIsRefused(t *testing.T) {
	usage := &spec.Error{Kind: spec.ErrUsage, Summary: "can not be deployed"}
	for _, c := range []struct {
		name    string
		refusal error
		managed bool
		refused bool
	}{
		{"usage", usage, true, true},
		{"usage at an endpoint", usage, false, false},
		{"configuration", &spec.Error{Kind: spec.ErrConfiguration, Summary: "too large"}, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld()
			w.refuses, w.managed = c.refusal, c.managed
			w.experiment("e", []int{1}, []int{8}, spec.Repeats{Min: 3, Max: 3, Starts: 1}, within10("tpot"))
			_, err := w.tryBuild()
			if got := errors.Is(err, c.refusal); got != c.refused {
				t.Errorf("refused %v, want %v: %v", got, c.refused, err)
			}
		})
	}
}

// A predictor is asked for what the engine will take, where one is deployed; of
// recorded data nobody knows what ran.
func TestPredictorsAreAskedForTheEnginesDefaults(t *testing.T) {
	for kind, want := range map[string]string{"fake": "8192", "recorded": "null"} {
		w := newWorld()
		e := w.experiment("e", []int{1}, []int{8}, spec.Repeats{Min: 3, Max: 3, Starts: 1}, within10("tpot"))
		e.Cells[0].Benchmark = &spec.Component{Role: spec.RoleBenchmark, Kind: kind, Name: "b"}
		w.build(t)
		if got := w.predictor.last.Item(spec.ItemMaxBatchTokens).String(); got != want {
			t.Errorf("with benchmark %s the predictor was asked for max_batch_tokens %s, want %s", kind, got, want)
		}
	}
}
