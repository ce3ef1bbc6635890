package exec

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aicv/spec"
)

// declared is a component whose attributes are given as values.
func declared(attrs spec.Attrs) *spec.Component {
	c := &spec.Component{Role: spec.RolePredictor, Kind: Kind, Name: "mine", Attrs: spec.Attrs{
		attrCommand: texts("./predict"), attrMetrics: texts("ttft"),
	}}
	for name, v := range attrs {
		c.Attrs[name] = v
	}
	return c
}

func texts(list ...string) spec.Value {
	values := make([]spec.Value, len(list))
	for i, s := range list {
		values[i] = spec.StringValue(s)
	}
	return spec.ListValue(values...)
}

func TestDeclarations(t *testing.T) {
	secret := spec.SecretValue("TOKEN")
	entry := func(name string, v spec.Value) spec.Value { return spec.MapValue(spec.Field{Name: name, Value: v}) }
	for _, test := range []struct {
		name  string
		attrs spec.Attrs
		want  string // in the error; empty: none
	}{
		{"good", spec.Attrs{attrEnv: entry("TOKEN", secret), attrTimeout: spec.StringValue("10s")}, ""},
		{"no command", spec.Attrs{attrCommand: spec.ListValue()}, "command names no program"},
		{"an empty program", spec.Attrs{attrCommand: texts("", "x")}, "command names no program"},
		{"a secret argument", spec.Attrs{attrCommand: spec.ListValue(spec.StringValue("./predict"), secret)}, "command holds a secret"},
		{"a zero byte", spec.Attrs{attrCommand: texts("./predict", "a\x00b")}, "zero byte"},
		{"no metric", spec.Attrs{attrMetrics: spec.ListValue()}, "metrics lists no metric"},
		{"a variable with =", spec.Attrs{attrEnv: entry("A=B", spec.StringValue("c"))}, "no environment can hold"},
		{"a value with a zero byte", spec.Attrs{attrEnv: entry("A", spec.StringValue("c\x00"))}, "no environment can hold"},
		{"no time", spec.Attrs{attrTimeout: spec.StringValue("0s")}, "timeout is 0s"},
	} {
		_, err := Registration().New.Predictor(declared(test.attrs), spec.Env{})
		if (err == nil) != (test.want == "") || err != nil && (!strings.Contains(err.Error(), test.want) || spec.KindOf(err) != spec.ErrUsage) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
}

// A predictor can do what its declaration says, and no more.
func TestAbilities(t *testing.T) {
	for _, support := range []bool{false, true} {
		for _, recommend := range []bool{false, true} {
			p, err := Registration().New.Predictor(declared(spec.Attrs{attrSupport: spec.BoolValue(support), attrRecommend: spec.BoolValue(recommend)}), spec.Env{})
			if err != nil {
				t.Fatal(err)
			}
			_, supports := p.(spec.Supporter)
			_, recommends := p.(spec.Recommender)
			_, checks := p.(spec.Checker)
			if supports != support || recommends != recommend || !checks {
				t.Errorf("support %v, recommend %v: %v, %v, checked %v", support, recommend, supports, recommends, checks)
			}
		}
	}
}

func TestAnswersInContractOrder(t *testing.T) {
	names := answers(declared(spec.Attrs{attrMetrics: texts("tpot", "throughput", "tpot", "ttft_p99")}))
	if len(names) != 3 || names[0] != "throughput" || names[1] != "ttft_p99" || names[2] != "tpot" {
		t.Error(names)
	}
}

func TestProgramsThatCanNotRun(t *testing.T) {
	dir := t.TempDir()
	for name, mode := range map[string]os.FileMode{"plain": 0o644, "broken": 0o755} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("\x7fELF nothing"), mode); err != nil {
			t.Fatal(err)
		}
	}
	for program, want := range map[string][]string{
		"no-such-program":                {"no-such-program is not on PATH", "./no-such-program"},
		"./missing":                      {"./missing can not be found", "starts from the suite's folder"},
		"./plain":                        {"may not be executed", "chmod +x"},
		"../" + filepath.Base(dir) + "/": {"is no file"},
		"./broken":                       {"could not be run", "exec format error"},
	} {
		p, err := Registration().New.Predictor(declared(spec.Attrs{attrCommand: texts(program)}), spec.Env{SuiteDir: dir})
		if err != nil {
			t.Fatal(err)
		}
		_, err = p.Predict(t.Context(), points(1))
		for _, part := range want {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %v, want %q", program, err, part)
			}
		}
		checks := p.(spec.Checker).Check(t.Context())
		if last := checks[len(checks)-1]; last.Status != spec.CheckFail || !strings.Contains(last.Found, want[0]) || last.Fix == "" {
			t.Errorf("%s: checks %+v", program, checks)
		}
	}
}

func TestFingerprint(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write("predict", "one")
	write("table.json", "{}")
	write("sim/a.py", "a")
	write("sim/deep/b.py", "b")
	if err := os.Symlink("sim", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	attrs := func(token string) spec.Attrs {
		return spec.Attrs{attrCommand: texts("./predict", "--table", "table.json", "--mode", "x"), attrFiles: texts("link"),
			attrEnv: spec.MapValue(spec.Field{Name: "MODE", Value: spec.StringValue(token)}, spec.Field{Name: "KEY", Value: spec.SecretValue("KEY")})}
	}
	of := func(a spec.Attrs) string {
		t.Helper()
		p, err := Registration().New.Predictor(declared(a), spec.Env{SuiteDir: dir})
		if err != nil {
			t.Fatal(err)
		}
		print, err := p.Fingerprint(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return print
	}
	seen := map[string]string{}
	differs := func(what string, print string) {
		t.Helper()
		if before, known := seen[print]; known {
			t.Errorf("%s gives the fingerprint of %s", what, before)
		}
		seen[print] = what
	}
	first := of(attrs("a"))
	differs("the first", first)
	differs("another variable", of(attrs("b")))
	for name, content := range map[string]string{"predict": "two", "table.json": "[]", "sim/a.py": "c", "sim/deep/b.py": "c", "sim/deep/c.py": "c"} {
		write(name, content)
		differs("another "+name, of(attrs("a")))
	}
	before := of(attrs("a"))
	t.Setenv("KEY", "another secret")
	write("sim/__pycache__/a.pyc", "compiled")
	write("unrelated", "x")
	if of(attrs("a")) != before {
		t.Error("it depends on a secret, on compiled files or on what is not declared")
	}
	for _, files := range []string{"no-such-file", "empty"} {
		if err := os.MkdirAll(filepath.Join(dir, "empty"), 0o755); err != nil {
			t.Fatal(err)
		}
		p, err := Registration().New.Predictor(declared(spec.Attrs{attrFiles: texts(files)}), spec.Env{SuiteDir: dir})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Fingerprint(t.Context()); err == nil || !strings.Contains(err.Error(), files+" of files can not be read") {
			t.Errorf("%s: %v", files, err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	p, err := Registration().New.Predictor(declared(attrs("a")), spec.Env{SuiteDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Fingerprint(ended); spec.KindOf(err) != spec.ErrInterrupted {
		t.Error(err)
	}
}

// A secret reaches the program and nothing else, however the program repeats it.
func TestSecrets(t *testing.T) {
	const token = `hunter"2\hunter`
	t.Setenv("EXEC_TEST_TOKEN", token)
	declare := func(say string) *spec.Component {
		c := playing(t, say, playErrors, "stderr says $TOKEN", playEnd, "1")
		c.Attrs[attrEnv] = spec.MapValue(append(c.Attrs[attrEnv].Fields(), spec.Field{Name: "TOKEN", Value: spec.SecretValue("EXEC_TEST_TOKEN")})...)
		return c
	}
	escaped := `hunter\"2\\hunter`
	answers, err := ask(t, declare(hello+`{"point":0,"missing":"no right for `+escaped+`","source":"`+escaped+`"}`+"\nstray $TOKEN"), 1)
	if err != nil {
		t.Fatal(err)
	}
	text := answers[0].Missing + answers[0].Provenance.Source
	for _, f := range answers[0].Findings {
		text += f.Message
	}
	_, failed := ask(t, declare("bad header $TOKEN"), 1)
	var e *spec.Error
	if !errors.As(failed, &e) {
		t.Fatal(failed)
	}
	text += e.Error() + e.Detail
	if strings.Contains(text, "hunter") || strings.Count(text, "(secret)") < 6 {
		t.Error(text)
	}
	if print, err := made(t, declare("")).Fingerprint(t.Context()); err != nil || strings.Contains(print, "hunter") {
		t.Error(print, err)
	}
}

func TestASecretThatIsNotSet(t *testing.T) {
	p, err := Registration().New.Predictor(declared(spec.Attrs{attrCommand: texts(os.Args[0]), attrEnv: spec.MapValue(spec.Field{Name: "A", Value: spec.SecretValue("NO_SUCH_TOKEN")})}),
		spec.Env{SuiteDir: t.TempDir(), Getenv: func(string) (string, bool) { return "", false }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Predict(t.Context(), points(1)); err == nil || !strings.Contains(err.Error(), "NO_SUCH_TOKEN is not set") {
		t.Error(err)
	}
}

// Short values would be found in figures; they are no secrets.
func TestShortSecretsLeaveFiguresAlone(t *testing.T) {
	if got := redacter([]string{"1", "", "abcdef"})([]byte("1 abcdef 1")); string(got) != "1 (secret) 1" {
		t.Errorf("%q", got)
	}
}
