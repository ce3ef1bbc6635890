package spec

import (
	"strings"
	"testing"
)

// A declared key is a key: requests never go without one because its variable is empty.
func TestAPIKey(t *testing.T) {
	env := Env{Getenv: func(name string) (string, bool) {
		return map[string]string{"KEY": "sk-1", "EMPTY": ""}[name], name != "NONE"
	}}
	for name, want := range map[string]string{"KEY": "sk-1", "EMPTY": "", "NONE": ""} {
		got, err := env.APIKey("benchmark.loadgen.b", SecretValue(name))
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if err != nil && (KindOf(err) != ErrUsage || !strings.Contains(err.Error(), "benchmark.loadgen.b: the API key's environment variable "+name)) {
			t.Errorf("%s: %v", name, err)
		}
		status := map[bool]CheckStatus{true: CheckOK, false: CheckFail}[want != ""]
		if c := env.CheckAPIKey("b", SecretValue(name)); c.Status != status || strings.Contains(c.Found, "sk-1") {
			t.Errorf("%s: %+v", name, c)
		}
	}
	if got, err := env.APIKey("b", Value{}); got != "" || err != nil {
		t.Errorf("none declared: %q, %v", got, err)
	}
	if _, err := (Env{}).APIKey("b", SecretValue("KEY")); err == nil {
		t.Error("no environment, and no error")
	}
}
