package plan

import (
	"errors"
	"strings"
	"testing"

	"aicv/spec"
)

// onlyBelow drives loads of fewer than n requests in flight, and counts the questions.
func onlyBelow(n int, asked *int) func(spec.Load) error {
	return func(load spec.Load) error {
		*asked++
		if load.Concurrency < n {
			return nil
		}
		return &spec.Error{Kind: spec.ErrUsage, Attribute: spec.LoadConcurrency, Summary: "too many at once", Fix: "ask for fewer"}
	}
}

// A load that the benchmark can not drive is refused by the plan that would measure it, at
// the item in the way, once; each load is asked about once.
func TestLoadsThatCanNotBeDrivenAreRefused(t *testing.T) {
	w, asked := newWorld(), 0
	w.drives = onlyBelow(16, &asked)
	e := w.experiment("e", []int{1, 2}, []int{8, 16, 32}, spec.Repeats{Min: 3, Max: 3, Starts: 1}, within10("tpot"))
	at := spec.Range{File: "suite.hcl", Start: spec.Pos{Line: 7, Column: 3}}
	for i := range e.Cells {
		e.Cells[i].DeclaredAt = &spec.Places{Items: map[string]spec.Range{spec.LoadConcurrency: at}}
	}
	_, err := w.tryBuild()
	refused := (*spec.Refusal)(nil)
	if !errors.As(err, &refused) || len(refused.Diagnostics) != 1 || refused.Diagnostics[0].Subject != at || refused.Diagnostics[0].Suggestion != "Ask for fewer." {
		t.Fatalf("%v", err)
	}
	if asked != 3 || !strings.Contains(err.Error(), "suite.hcl:7:3: too many at once") {
		t.Errorf("asked %d times: %v", asked, err)
	}
	if diags := Refused(t.Context(), w.suite, w.registry()); len(diags) != 1 || diags[0].Subject != at {
		t.Errorf("%+v", diags)
	}
	w.request.Targets = []string{"e:concurrency=8"}
	if _, err := w.tryBuild(); err != nil {
		t.Errorf("what is not selected is not measured: %v", err)
	}
}

// What was measured before a benchmark learnt to refuse it is judged all the same.
func TestWhatIsMeasuredIsNotRefused(t *testing.T) {
	w, asked := newWorld(), 0
	w.experiment("e", []int{1}, []int{32}, spec.Repeats{Min: 3, Max: 3, Starts: 1}, within10("tpot"))
	w.apply(w.build(t))
	w.drives = onlyBelow(16, &asked)
	if _, err := w.tryBuild(); err != nil || asked != 0 {
		t.Errorf("asked %d times: %v", asked, err)
	}
}
