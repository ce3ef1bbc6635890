package exec

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"aicv/engine"
	"aicv/spec"
)

func TestSecretsAreTakenOutOfTexts(t *testing.T) {
	environment := map[string]string{"KEY": "s3cr3t-key", "LONGER": "s3cr3t-key-2", "SHORT": "abc", "OTHER": "not-referred-to"}
	component := &spec.Component{Role: spec.RoleRuntime, Kind: "sim", Name: "x", Attrs: spec.Attrs{
		"env":  spec.MapValue(spec.Field{Name: "A", Value: spec.SecretValue("LONGER")}, spec.Field{Name: "B", Value: spec.ListValue(spec.SecretValue("SHORT"))}),
		"key":  spec.SecretValue("KEY"),
		"gone": spec.SecretValue("UNSET")}}
	r := newRedactor(&engine.Plan{Cells: []engine.PlannedCell{{Cell: spec.Cell{Runtime: component}}, {Cell: spec.Cell{Runtime: component}}}},
		func(name string) (string, bool) { v, ok := environment[name]; return v, ok })
	const hostile = "Bearer s3cr3t-key and s3cr3t-key-2, abc, not-referred-to"
	const want = "Bearer (secret KEY) and (secret LONGER), abc, not-referred-to"
	if got := r.text(hostile); got != want {
		t.Errorf("%q", got)
	}
	outcome := spec.Outcome{Message: hostile, Failures: []spec.CellFailure{{Failure: spec.Failure{Message: hostile}}},
		Run: &spec.Run{Result: spec.RunResult{Rows: []spec.RequestRow{{Error: hostile}, {}}, Findings: []spec.Finding{{Message: hostile}}, Provenance: spec.Provenance{Source: hostile}}}}
	if got := fmt.Sprintf("%+v %+v", r.outcome(outcome), *r.outcome(outcome).Run); strings.Contains(got, "s3cr3t") {
		t.Error(got)
	}
	if outcome.Run.Result.Rows[0].Error != hostile || outcome.Failures[0].Failure.Message != hostile {
		t.Error("the caller's own outcome was changed")
	}
	if e := r.event(spec.Event{Message: hostile, Phase: hostile}); e.Message != want || e.Phase != want {
		t.Errorf("%+v", e)
	}
	err := r.error(fmt.Errorf("apply: %w", &spec.Error{Kind: spec.ErrUsage, Summary: hostile, Detail: hostile, Cause: errors.New(hostile)}))
	if got := explain(err); strings.Contains(got, "s3cr3t") || spec.KindOf(err) != spec.ErrUsage {
		t.Errorf("%v: %s", spec.KindOf(err), got)
	}
	start := &spec.ServerStart{Argv: []string{hostile}, Version: hostile, Server: spec.Server{Command: []string{hostile}, Replicas: []spec.Server{{Command: []string{hostile}}}}}
	if got := fmt.Sprintf("%+v", *r.outcome(spec.Outcome{Start: start}).Start); strings.Contains(got, "s3cr3t") || start.Argv[0] != hostile {
		t.Error(got)
	}
	plain := errors.New("no secret")
	if got := r.error(plain); !errors.Is(got, plain) {
		t.Error("an error without secrets is another one")
	}
}

// A secret is known in the forms in which texts carry it, and is taken out of a log before
// anything is cut out of that.
func TestSecretsInLogs(t *testing.T) {
	component := &spec.Component{Role: spec.RoleRuntime, Kind: "sim", Name: "x", Attrs: spec.Attrs{"key": spec.SecretValue("KEY")}}
	r := newRedactor(&engine.Plan{Cells: []engine.PlannedCell{{Cell: spec.Cell{Runtime: component}}}}, func(string) (string, bool) { return `a/b "c"`, true })
	w := newWorld()
	w.servers["k"] = &fakeServer{log: `a/b "c", {"key": "a/b \"c\""}, ?key=a%2Fb+%22c%22`}
	log, err := safeTarget{fakeTarget{w}, "t", r}.Log(t.Context(), spec.Server{Key: "k"}, 1000)
	if want := `(secret KEY), {"key": "(secret KEY)"}, ?key=(secret KEY)`; err != nil || log != want {
		t.Errorf("%q, %v", log, err)
	}
}
