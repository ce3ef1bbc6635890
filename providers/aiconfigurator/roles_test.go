package aiconfigurator

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aicv/spec"
)

// The tool is asked for models, systems and engines that it may know; the others are
// answered without it.
func TestSupport(t *testing.T) {
	t.Setenv(playSay, hello+`{"point":0,"support":{"supported":true,"why":"it has no tables of sglang 0.5.9","nearest":"sglang 0.5.14"}}`+"\n"+
		`{"point":3,"support":{"supported":false,"why":"no tables of h999","nearest":"h100_sxm"}}`+"\n"+`{"point":4,"error":"surprise","kind":"other"}`+"\n")
	list := make([]spec.Point, 5)
	for i := range list {
		list[i] = point(0)
	}
	list[1].Runtime, list[2].System = "sim", ""
	got, err := made(t, declared(venv(t))).Support(t.Context(), list)
	if err != nil {
		t.Fatal(err)
	}
	want := []spec.Support{{Supported: true, Why: "it has no tables of sglang 0.5.9", Nearest: "sglang 0.5.14"}, {Why: "it has no tables of the runtime sim", Nearest: "sglang, trtllm, vllm"},
		{Why: "the experiment names no hardware, and the tool predicts for a system"}, {Why: "no tables of h999", Nearest: "h100_sxm"}, {Why: "surprise"}}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("point %d: %+v, want %+v", i, got[i], want[i])
		}
	}
}

// A tool that does not answer is an error, not "no data".
func TestSupportUnanswered(t *testing.T) {
	t.Setenv(playSay, hello)
	if got, err := made(t, declared(venv(t))).Support(t.Context(), points(1)); err == nil {
		t.Errorf("%+v", got)
	}
}

func TestCheck(t *testing.T) {
	root := venv(t)
	info := filepath.Join(root, "lib/python3.11/site-packages/aiconfigurator-0.12.0.dist-info")
	for name, c := range map[string]struct {
		say, driver, version string
		want                 []spec.CheckStatus
		found                string
	}{
		"well":         {say: hello, want: []spec.CheckStatus{spec.CheckOK, spec.CheckOK}, found: "under Python 3.11.7"},
		"command line": {driver: driverCLI, want: []spec.CheckStatus{spec.CheckOK, spec.CheckOK}, found: "bin/aiconfigurator"},
		"slow":         {say: strings.Replace(hello, `"memo":""`, `"memo":"looked up anew"`, 1), want: []spec.CheckStatus{spec.CheckOK, spec.CheckWarn}, found: "looked up anew"},
		"unusable":     {say: `{"aicv":1,"unusable":"ImportError: gone"}` + "\n", want: []spec.CheckStatus{spec.CheckOK, spec.CheckWarn}, found: "is asked instead"},
		"sdk wanted":   {say: `{"aicv":1,"unusable":"ImportError: gone"}` + "\n", driver: driverSDK, want: []spec.CheckStatus{spec.CheckOK, spec.CheckFail}, found: "ImportError: gone"},
		"garbage":      {say: "Hello\n", want: []spec.CheckStatus{spec.CheckOK, spec.CheckFail}, found: "Hello"},
		"old":          {say: hello, version: "0.9.0", want: []spec.CheckStatus{spec.CheckWarn, spec.CheckOK}, found: "under Python"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(playSay, c.say)
			if c.version != "" {
				to := strings.Replace(info, "0.12.0", c.version, 1)
				if err := os.Rename(info, to); err != nil {
					t.Fatal(err)
				}
				defer func() { _ = os.Rename(to, info) }()
			}
			var more []string
			if c.driver != "" {
				more = []string{attrDriver, c.driver}
			}
			checks := made(t, declared(root, more...)).Check(t.Context())
			if len(checks) != 2 || checks[0].Status != c.want[0] || checks[1].Status != c.want[1] || !strings.Contains(checks[1].Found, c.found) {
				t.Errorf("%+v", checks)
			}
			for _, check := range checks {
				if check.Status != spec.CheckOK && check.Fix == "" {
					t.Errorf("no fix: %+v", check)
				}
			}
		})
	}
	if checks := made(t, declared("/no/such/place")).Check(t.Context()); len(checks) != 1 || checks[0].Status != spec.CheckFail || checks[0].Fix == "" {
		t.Errorf("%+v", checks)
	}
}
