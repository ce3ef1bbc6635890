package plan

import (
	"context"
	"errors"
	"testing"

	"aicv/spec"
)

// fakeRuntime renders nothing worth looking at, or refuses.
type fakeRuntime struct{ refuses error }

func (f fakeRuntime) Render(spec.RenderRequest) (spec.ServerSpec, []spec.ItemMapping, error) {
	return spec.ServerSpec{}, nil, f.refuses
}

func (fakeRuntime) Effective(context.Context, spec.Server) (spec.Configuration, error) {
	return nil, nil
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
