package loadgen

import (
	"context"
	"strings"
	"testing"

	"aicv/spec"
)

func TestCheckFiles(t *testing.T) {
	for _, test := range []struct {
		limit  uint64
		known  bool
		status spec.CheckStatus
		want   string
	}{
		{1024, true, spec.CheckWarn, "1024 may be open"}, {4096, true, spec.CheckOK, "4096"}, {1<<64 - 1, true, spec.CheckOK, "without limit"}, {0, false, spec.CheckSkip, "does not say"},
	} {
		if c := checkFiles(test.limit, test.known); c.Status != test.status || !strings.Contains(c.Found, test.want) || (c.Fix != "") != (test.status == spec.CheckWarn) {
			t.Errorf("%d: %+v", test.limit, c)
		}
	}
}

func TestCheckKey(t *testing.T) {
	declare := func(key spec.Value) []spec.Check {
		made, err := newBenchmark(&spec.Component{Role: spec.RoleBenchmark, Kind: "loadgen", Name: "l", Attrs: spec.Attrs{"api_key": key}},
			spec.Env{Getenv: func(name string) (string, bool) { return "a secret", name == "SET" }})
		if err != nil {
			t.Fatal(err)
		}
		return made.(spec.Checker).Check(context.Background())
	}
	if checks := declare(spec.Value{}); len(checks) != 1 {
		t.Errorf("%+v", checks)
	}
	if checks := declare(spec.SecretValue("SET")); checks[1].Status != spec.CheckOK || strings.Contains(checks[1].Found, "a secret") {
		t.Errorf("%+v", checks)
	}
	if checks := declare(spec.SecretValue("UNSET")); checks[1].Status != spec.CheckFail || !strings.Contains(checks[1].Found, "UNSET") || checks[1].Fix != "export UNSET" {
		t.Errorf("%+v", checks)
	}
}
