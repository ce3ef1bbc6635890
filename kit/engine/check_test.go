package engine

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aicv/spec"
)

// fakeEngine is a virtual environment whose interpreter lists the given flags.
func fakeEngine(t *testing.T, version, script string) string {
	t.Helper()
	venv := t.TempDir()
	info := filepath.Join(venv, "lib", "python3.11", "site-packages", "small-"+version+".dist-info")
	for _, dir := range []string{filepath.Join(venv, "bin"), info} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, content := range map[string]string{
		filepath.Join(info, "METADATA"):           "Metadata-Version: 2.1\nName: small\nVersion: " + version + "\n",
		filepath.Join(venv, "bin", "python"):      "#!/bin/sh\n" + script,
		filepath.Join(venv, "pyvenv.cfg"):         "home = /usr/bin\n",
		filepath.Join(venv, "bin", "small-serve"): "#!" + filepath.Join(venv, "bin", "python") + "\n",
	} {
		if err := os.WriteFile(name, []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return venv
}

// TestCheck: doctor's view of an engine that fits, of another version, of one that lacks
// a flag, and of one that can not be asked.
func TestCheck(t *testing.T) {
	const help = `echo "usage: [--model M] [--tensor N] [--quant Q], --max-batch N"; echo "  --served-model-name X --host H --port P --load-format F"`
	for name, c := range map[string]struct {
		version, script string
		args            spec.Value
		want            map[string]spec.CheckStatus
		says            string
	}{
		"fits":          {"2.0", help, spec.Value{}, map[string]spec.CheckStatus{"installation": spec.CheckOK, "flags": spec.CheckOK}, ""},
		"other version": {"1.9", help, spec.Value{}, map[string]spec.CheckStatus{"installation": spec.CheckFail, "flags": spec.CheckOK}, "small 1.9 is installed"},
		"lacks a flag":  {"2.0", help, spec.MapValue(spec.Field{Name: "no_such", Value: spec.IntValue(1)}), map[string]spec.CheckStatus{"installation": spec.CheckOK, "flags": spec.CheckFail}, "--no-such"},
		"does not say":  {"2.0", "exit 3", spec.Value{}, map[string]spec.CheckStatus{"installation": spec.CheckOK, "flags": spec.CheckWarn}, "exit status 3"},
	} {
		venv := fakeEngine(t, c.version, c.script)
		r := &Runtime{Engine: compile(t, small(false)), Component: &spec.Component{Role: spec.RoleRuntime, Kind: "small", Name: "it",
			Attrs: spec.Attrs{"version": spec.StringValue("2.0"), "venv": spec.StringValue(venv), "args": c.args}},
			Launch: Launch{Program: []string{"small-serve"}, Module: []string{"-m", "small"}, Model: "--model", Help: []string{"--help"}}}
		found := ""
		for _, check := range r.Check(context.Background()) {
			if want, listed := c.want[check.Name]; listed && check.Status != want {
				t.Errorf("%s: %+v, want %s", name, check, want)
			}
			found += check.Found + "\n"
		}
		if !strings.Contains(found, c.says) {
			t.Errorf("%s: found %s, want %q", name, found, c.says)
		}
	}
}

// TestCheckOfImages: nothing of an image is looked at but its declaration.
func TestCheckOfImages(t *testing.T) {
	r := &Runtime{Engine: compile(t, small(false)), Component: &spec.Component{Kind: "small", Attrs: spec.Attrs{"version": spec.StringValue("2.1"), "image": spec.StringValue("x")}}}
	if checks := r.Check(context.Background()); len(checks) != 1 || checks[0].Status != spec.CheckWarn {
		t.Errorf("%+v", checks)
	}
	r.Component.Attrs["version"] = spec.StringValue("0.1")
	if checks := r.Check(context.Background()); len(checks) != 1 || checks[0].Status != spec.CheckFail {
		t.Errorf("%+v", checks)
	}
}
