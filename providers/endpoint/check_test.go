package endpoint

import (
	"context"
	"strings"
	"testing"

	"aicv/spec"
)

func TestCheck(t *testing.T) {
	good := map[string]string{"/health": "", "/v1/models": list}
	for _, test := range []struct {
		name, want string
		failed     bool
		pairs      []string
	}{
		{"what is served", "serves llama-8b, meta-llama/Llama-3.1-8B-Instruct", false, []string{"url", server(t, good)}},
		{"a declared model", "serves llama-8b", false, []string{"url", server(t, good), "model", "llama-8b"}},
		{"another model", `not "qwen"`, true, []string{"url", server(t, good), "model", "qwen"}},
		{"no model", "serves no model", true, []string{"url", server(t, map[string]string{"/health": "", "/v1/models": `{"data":[]}`})}},
		{"no list", "gives no list", true, []string{"url", server(t, map[string]string{"/health": "", "/v1/models": "x"})}},
		{"unhealthy", "answers 503", true, []string{"url", server(t, map[string]string{"/health": "unhealthy"})}},
		{"nobody", "can not be reached", true, []string{"url", "http://127.0.0.1:1"}},
	} {
		checks := targetOf(t, test.pairs...).(spec.Checker).Check(context.Background())
		last := checks[len(checks)-1]
		if (last.Status == spec.CheckFail) != test.failed || (last.Fix != "") != test.failed || !strings.Contains(last.Found, test.want) {
			t.Errorf("%s: %+v", test.name, checks)
		}
	}
}
