package lang

import (
	"errors"
	"strings"
	"testing"

	"aicv/lang/diag"
	"aicv/spec"
)

// strict is a provider with credentials, a hook of its own and a constructor that checks.
func strict() []spec.Registration {
	kept := testRegistrations()
	for i := range kept {
		switch r := &kept[i]; r.Kind {
		case "loadgen":
			r.Schema.Attributes = append(r.Schema.Attributes, spec.Attribute{Name: "api_key", Type: spec.TypeString, Secret: true})
		case "process":
			r.Validate = func(c *spec.Component) error {
				return errors.Join(&spec.Error{Attribute: "port_range", Summary: c.Address() + ": port_range is no range", Fix: "write one", Cause: errors.New("no dash")},
					errors.New("and more"))
			}
		case "endpoint":
			r.New.Target = func(c *spec.Component, env spec.Env) (spec.Target, error) {
				if _, ok := env.Getenv("HOME"); ok {
					return nil, errors.New("the environment is looked at")
				}
				panic("index out of range")
			}
		}
	}
	return kept
}

func strictly(t *testing.T, text string) (string, spec.Diagnostics) {
	t.Helper()
	loaded, diags := Load(Options{Dir: write(t, map[string]string{"suite.hcl": text}), Registrations: strict()})
	var b strings.Builder
	if err := diag.Write(&b, diags, loaded.Sources, diag.Options{}); err != nil {
		t.Fatal(err)
	}
	return b.String(), diags
}

func TestCredentialsComeByReferenceOnly(t *testing.T) {
	suite := func(key string) string {
		return head + oneWorkload + "benchmark \"loadgen\" \"b\" { api_key = " + key + " }\nexperiment \"e\" {}\n"
	}
	for _, wrong := range []string{`"hunter22"`, "var.key", `"${env("KEY")}x"`, "12345678", `["hunter22"]`} {
		text := suite(wrong)
		if wrong == "var.key" {
			text += "variable \"key\" {\n  sensitive = true\n  default = \"hunter22\"\n}\n"
		}
		shown, diags := strictly(t, text)
		if !diags.HasErrors() {
			t.Errorf("%s is taken", wrong)
		}
		if strings.Contains(shown, "hunter22") || strings.Contains(shown, "12345678") {
			t.Errorf("%s: the message shows the secret:\n%s", wrong, shown)
		}
		if !strings.Contains(shown, `env("NAME")`) && !strings.Contains(shown, "secret") {
			t.Errorf("%s: no fix:\n%s", wrong, shown)
		}
	}
	if shown, diags := strictly(t, suite(`env("API_KEY")`)); diags.HasErrors() {
		t.Error(shown)
	}
	if shown, diags := strictly(t, suite("null")); diags.HasErrors() {
		t.Error(shown)
	}
}

func TestProvidersCheckTheirDeclarations(t *testing.T) {
	shown, diags := strictly(t, head+oneWorkload+"target \"process\" \"p\" {\n  port_range = \"9\"\n}\nexperiment \"e\" {}\n")
	if len(diags) != 2 || !strings.Contains(shown, "port_range is no range") || !strings.Contains(shown, "No dash.") || !strings.Contains(shown, `port_range = "9"`) {
		t.Errorf("the hook's errors have no place:\n%s", shown)
	}
	shown, diags = strictly(t, head+oneWorkload+"target \"endpoint\" \"p\" { url = \"x\" }\nexperiment \"e\" {}\n")
	if len(diags) != 1 || !strings.Contains(shown, "index out of range") {
		t.Errorf("a provider's panic:\n%s", shown)
	}
}

func TestSecretsInMaps(t *testing.T) {
	runtime := func(body string) string {
		return head + oneWorkload + "runtime \"sim\" \"x\" {\n" + body + "\n}\nexperiment \"e\" { runtime = runtime.sim.x }\n"
	}
	shown, diags := strictly(t, runtime(`args = { "api-key" = env("KEY") }`))
	if !diags.HasErrors() || !strings.Contains(shown, "such as env or api_key") {
		t.Errorf("a secret among the arguments of a process:\n%s", shown)
	}
	for body, warned := range map[string]bool{
		`env = { HF_TOKEN = "hf_abcdef" }`:      true,
		`args = { "api-key" = "sk-hf_abcdef" }`: true,
		`env = { HF_TOKEN = env("HF_TOKEN") }`:  false,
		`env = { MAX_TOKENS = "hf_abcdef" }`:    false,
	} {
		shown, diags := strictly(t, runtime(body))
		if diags.HasErrors() || (len(diags) == 1) != warned || strings.Contains(shown, "hf_abcdef") {
			t.Errorf("%s: warned %v, want %v:\n%s", body, len(diags) == 1, warned, shown)
		}
	}
}

func TestEveryFunctionIsDescribed(t *testing.T) {
	for _, f := range Functions() {
		if f.Doc == "" || !strings.HasPrefix(f.Signature, f.Name+"(") {
			t.Errorf("%+v", f)
		}
	}
}
