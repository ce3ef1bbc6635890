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
	plain := errors.New("no secret")
	if got := r.error(plain); !errors.Is(got, plain) {
		t.Error("an error without secrets is another one")
	}
}
