package plan

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"aicv/engine"
	"aicv/spec"
)

// fakeRuntime renders nothing worth looking at, or refuses.
type fakeRuntime struct {
	refuses error
	gpus    int
	mapping []spec.ItemMapping
}

func (f fakeRuntime) Render(spec.RenderRequest) (spec.ServerSpec, []spec.ItemMapping, error) {
	return spec.ServerSpec{GPUs: f.gpus}, f.mapping, f.refuses
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

// What no flag stands for is said before anything runs, and not where the suite accepts it.
func TestUnsupportedItemsAreSaidEarly(t *testing.T) {
	for _, accept := range [][]string{nil, {spec.ItemMemoryFraction}} {
		w := newWorld()
		w.mapping = []spec.ItemMapping{{Item: spec.ItemMemoryFraction, Fidelity: spec.FidelityUnsupported, Why: "no flag"}, {Item: spec.ItemDType, Fidelity: spec.FidelityExact}}
		w.experiment("e", []int{1}, []int{8}, spec.Repeats{Min: 3, Max: 3, Starts: 1}, within10("tpot"))
		w.suite.Experiments[0].Accept = accept
		said := 0
		for _, f := range w.build(t).Findings {
			if f.Check == "config_unsupported" && strings.Contains(f.Message, "it has no flag for memory_fraction") {
				said++
			}
		}
		if want := 1 - len(accept); said != want {
			t.Errorf("accepting %v: said %d times, want %d", accept, said, want)
		}
	}
}

// A changed guard judges kept runs again, and measures nothing.
func TestChangedGuardsRejudge(t *testing.T) {
	w := newWorld()
	w.experiment("e", []int{1}, []int{8}, spec.Repeats{Min: 3, Max: 3, Starts: 1}, within10("tpot"))
	w.apply(w.build(t))
	if diff := cmp.Diff([]engine.Action{engine.ActionKept}, actions(w.build(t))); diff != "" {
		t.Fatal(diff)
	}
	w.suite.Experiments[0].Guards = []spec.Guard{{Name: "g", Severity: spec.FindingWarn, Thresholds: []spec.Threshold{{Name: "drift_max"}}}}
	if diff := cmp.Diff([]engine.Action{engine.ActionRejudge}, actions(w.build(t))); diff != "" {
		t.Error(diff)
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
