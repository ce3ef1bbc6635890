package support

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"aicv/engine"
	"aicv/spec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// oracle has data for what its rule takes.
type oracle struct {
	spec.Predictor
	broken error // of its fingerprint
	failed error // of its support
	hangs  bool
	short  bool
	mutex  sync.Mutex
	asked  []spec.Point
}

func (o *oracle) Fingerprint(context.Context) (string, error) { return "oracle 1", o.broken }

func (o *oracle) Support(ctx context.Context, points []spec.Point) ([]spec.Support, error) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	o.asked = append(o.asked, points...)
	if o.hangs {
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
	answers := make([]spec.Support, len(points))
	for i, p := range points {
		answers[i] = spec.Support{Supported: p.System == "h200_sxm" && p.RuntimeVersion == "0.24.0", Why: "no tables.", Nearest: "vllm 0.24.0"}
		if answers[i].Supported {
			answers[i] = spec.Support{Supported: true}
		}
	}
	if o.short {
		answers = answers[1:]
	}
	return answers, o.failed
}

// mute is a predictor that can not say.
type mute struct{ spec.Predictor }

// memory is a cache.
type memory map[string]spec.Support

func (m memory) Get(fingerprint string, keys []spec.ID) map[spec.ID]spec.Support {
	found := map[spec.ID]spec.Support{}
	for _, key := range keys {
		if answer, ok := m[fingerprint+string(key)]; ok {
			found[key] = answer
		}
	}
	return found
}

func (m memory) Put(fingerprint string, answers map[spec.ID]spec.Support) {
	for key, answer := range answers {
		m[fingerprint+string(key)] = answer
	}
}

var (
	llama    = &spec.Model{Name: "llama", ID: "llama-8b"}
	h200     = &spec.Hardware{Name: "h", System: "h200_sxm", GPUs: 8}
	tpu      = &spec.Hardware{Name: "t", System: "tpu", GPUs: 8}
	engine24 = &spec.Component{Role: spec.RoleRuntime, Kind: "vllm", Name: "a", Attrs: spec.Attrs{"version": spec.StringValue("0.24.0")}}
	engine25 = &spec.Component{Role: spec.RoleRuntime, Kind: "vllm", Name: "b", Attrs: spec.Attrs{"version": spec.StringValue("0.25.0")}}
)

func at(line int) spec.Range {
	return spec.Range{File: "suite.hcl", Start: spec.Pos{Line: line}, End: spec.Pos{Line: line}}
}

func predictorAt(line int) *spec.Component {
	return &spec.Component{Role: spec.RolePredictor, Kind: "oracle", Name: "o", Range: at(line)}
}

// suiteOf has an experiment with many cells that differ in load, on two systems, and one
// with another engine whose rows are still to be recommended.
func suiteOf(p *spec.Component) *spec.Suite {
	first := &spec.Experiment{Name: "first", Range: at(10)}
	for _, h := range []*spec.Hardware{h200, tpu} {
		for concurrency := range 50 {
			first.Cells = append(first.Cells, spec.Cell{Model: llama, Hardware: h, Runtime: engine24, Predictor: p, Load: spec.Load{Concurrency: concurrency + 1},
				Config: spec.NewConfiguration(spec.Setting{Name: "tensor_parallel", Value: spec.IntValue(concurrency)})})
		}
	}
	second := &spec.Experiment{Name: "second", Range: at(20), Recommended: &spec.Recommended{Top: 3}, Base: spec.Cell{Model: llama, Hardware: h200, Runtime: engine25, Predictor: p}}
	open := &spec.Experiment{Name: "open", Range: at(30), PointsFrom: &spec.Component{}, Base: spec.Cell{Predictor: p}}
	plain := &spec.Experiment{Name: "plain", Range: at(40), Cells: []spec.Cell{{Model: llama, Runtime: engine24}}}
	return &spec.Suite{Experiments: []*spec.Experiment{first, second, open, plain}}
}

func check(t *testing.T, made spec.Predictor, cache Cache) spec.Diagnostics {
	t.Helper()
	registry := engine.NewRegistry([]spec.Registration{{Role: spec.RolePredictor, Kind: "oracle",
		New: spec.Constructor{Predictor: func(*spec.Component, spec.Env) (spec.Predictor, error) { return made, nil }}}}, spec.Env{})
	return Check(t.Context(), Request{Suite: suiteOf(predictorAt(5)), Registry: registry, Cache: cache, Timeout: 100 * time.Millisecond})
}

func TestGaps(t *testing.T) {
	o := &oracle{}
	want := spec.Diagnostics{
		{Severity: spec.SeverityWarning, Subject: at(10), Summary: "predictor.oracle.o has no data for what this experiment measures",
			Detail: "There is nothing for llama-8b on tpu with vllm 0.24.0: no tables. Its cells will have no predictions.", Suggestion: "The nearest that has data: vllm 0.24.0."},
		{Severity: spec.SeverityWarning, Subject: at(20), Summary: "predictor.oracle.o has no data for what this experiment measures",
			Detail: "There is nothing for llama-8b on h200_sxm with vllm 0.25.0: no tables. Its cells will have no predictions.", Suggestion: "The nearest that has data: vllm 0.24.0."},
	}
	kept := memory{}
	for range 2 {
		if diff := cmp.Diff(want, check(t, o, kept)); diff != "" {
			t.Error(diff)
		}
	}
	if len(o.asked) != 3 || len(kept) != 3 {
		t.Errorf("asked about %d points and kept %d answers, want 3: load and configuration do not matter, and the second time is free", len(o.asked), len(kept))
	}
	for _, p := range o.asked {
		if p.Load.Concurrency != 0 || len(p.Config) != 0 {
			t.Errorf("asked about %+v", p)
		}
	}
	if diff := cmp.Diff(want, check(t, o, nil)); diff != "" {
		t.Error("without a cache: " + diff)
	}
}

// What is answered from other data is a note, and no gap.
func TestNearestAnswers(t *testing.T) {
	kept := memory{}
	check(t, &oracle{}, kept)
	for key := range kept {
		kept[key] = spec.Support{Supported: true, Why: "no tables of vllm 0.25.0", Nearest: "vllm 0.24.0"}
	}
	got := check(t, &oracle{}, kept)
	if len(got) != 3 || got[0].Severity != spec.SeverityNote || got[0].Detail != "They are made with vllm 0.24.0: no tables of vllm 0.25.0." {
		t.Errorf("%+v", got)
	}
}

func TestWhoCanNotSay(t *testing.T) {
	if got := check(t, mute{}, nil); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

// A predictor that can not be asked is a note at its declaration, and nothing is kept.
func TestUnasked(t *testing.T) {
	gone := &spec.Error{Kind: spec.ErrUsage, Summary: "the tool is not there", Cause: errors.New("no such file"), Fix: "install it"}
	for _, test := range []struct {
		name       string
		o          *oracle
		detail, do string
	}{
		{"no tool", &oracle{broken: gone}, "the tool is not there: no such file", "install it"},
		{"no answer", &oracle{failed: gone}, "the tool is not there: no such file", "install it"},
		{"another error", &oracle{failed: errors.New("odd")}, "odd", ""},
		{"too few answers", &oracle{short: true}, "asked for 3 points, answered 2", ""},
		{"slow", &oracle{hangs: true}, "it took longer than 100ms", ""},
	} {
		kept := memory{}
		got := check(t, test.o, kept)
		want := spec.Diagnostics{{Severity: spec.SeverityNote, Subject: at(5), Summary: "predictor.oracle.o could not be asked whether it has data", Detail: test.detail, Suggestion: test.do}}
		if diff := cmp.Diff(want, got); diff != "" || len(kept) != 0 || got.HasErrors() {
			t.Errorf("%s: kept %d, %s", test.name, len(kept), diff)
		}
	}
}

func TestAPredictorThatCanNotBeMade(t *testing.T) {
	got := Check(t.Context(), Request{Suite: suiteOf(predictorAt(5)), Registry: engine.NewRegistry(nil, spec.Env{}), Timeout: time.Second})
	if len(got) != 1 || got[0].Severity != spec.SeverityNote || !strings.Contains(got[0].Detail, "no provider") {
		t.Errorf("%+v", got)
	}
}
