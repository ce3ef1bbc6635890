package recorded

import (
	"context"
	"strings"
	"testing"

	"aicv/spec"
)

func TestCheck(t *testing.T) {
	for _, test := range []struct {
		name, content string
		status        spec.CheckStatus
		want          string
	}{
		{"good", header + "1,2,100,20,5,6\n1,4,100,20,5,6\n", spec.CheckOK, "p.csv: 2 rows, 2 points"},
		{"no such column", "tp,conc,isl,osl,ttft_ms\n1,2,100,20,5\n", spec.CheckFail, `no column "tpot_ms"`},
		{"a bad figure", header + "1,2,100,20,-5,6\n", spec.CheckFail, "can not be negative"},
		{"cut short", header + "1,2,100,20,5,6", spec.CheckWarn, "no line break"},
	} {
		checks := predictorOf(t, test.content, nil).(spec.Checker).Check(context.Background())
		last := checks[len(checks)-1]
		if last.Status != test.status || !strings.Contains(last.Found, test.want) || (last.Fix == "") != (test.status == spec.CheckOK) {
			t.Errorf("%s: %+v", test.name, checks)
		}
	}
	p, err := Predictor().New.Predictor(&spec.Component{Role: spec.RolePredictor, Kind: Kind, Name: "p", Attrs: attrs("none.csv", nil)}, spec.Env{SuiteDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if checks := p.(spec.Checker).Check(context.Background()); checks[0].Status != spec.CheckFail || !strings.Contains(checks[0].Found, "none.csv") {
		t.Errorf("%+v", checks)
	}
}
