package engine_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"aicv/engine"
	"aicv/spec"
	"github.com/google/go-cmp/cmp"
)

// counting is a state of two measurements that notes what it is asked for.
type counting struct {
	engine.Reader // nil: nothing else is read
	asked         [][]spec.ID
	err           error
}

func (c *counting) Runs(_ context.Context, ids []spec.ID) (map[spec.ID][]spec.Run, error) {
	c.asked = append(c.asked, ids)
	runs := map[spec.ID][]spec.Run{}
	for _, id := range ids {
		if slices.Contains([]spec.ID{"a", "b"}, id) {
			runs[id] = []spec.Run{{Measurement: id, Index: 1}}
		}
	}
	return runs, c.err
}

func TestRememberReadsRunsOnce(t *testing.T) {
	ctx := context.Background()
	state := &counting{}
	r := engine.Remember(state)
	for _, test := range []struct{ ids, want []spec.ID }{
		{[]spec.ID{"a", "none"}, []spec.ID{"a"}},
		{[]spec.ID{"none", "b", "a"}, []spec.ID{"a", "b"}},
		{[]spec.ID{"b"}, []spec.ID{"b"}},
	} {
		runs, err := r.Runs(ctx, test.ids)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range test.want {
			if len(runs[id]) != 1 || runs[id][0].Measurement != id {
				t.Errorf("%v: runs of %s: %+v", test.ids, id, runs[id])
			}
		}
		if len(runs) != len(test.want) {
			t.Errorf("%v: %d measurements, want %d", test.ids, len(runs), len(test.want))
		}
	}
	if diff := cmp.Diff([][]spec.ID{{"a", "none"}, {"b"}}, state.asked); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
}

func TestRememberKeepsNoError(t *testing.T) {
	ctx := context.Background()
	state := &counting{err: errors.New("disk")}
	r := engine.Remember(state)
	if _, err := r.Runs(ctx, []spec.ID{"a"}); err == nil {
		t.Error("the error is lost")
	}
	state.err = nil
	if runs, err := r.Runs(ctx, []spec.ID{"a"}); err != nil || len(runs) != 1 {
		t.Errorf("after an error: %v, %v", runs, err)
	}
}
