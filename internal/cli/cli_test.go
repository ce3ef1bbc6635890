package cli

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"aicv/internal/tty"
	"aicv/spec"
)

func run(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = Run(Config{}, args, Stdio{In: strings.NewReader(""), Out: &out, Err: &errs})
	return code, out.String(), errs.String()
}

func TestSingleDashLongFlags(t *testing.T) {
	a := &app{}
	got := normalizeFlags(a.rootCommand(), []string{"plan", "-out", "x", "-detailed-exitcode", "-h", "-unknown", "-out=y", "--", "-out"})
	want := []string{"plan", "--out", "x", "--detailed-exitcode", "-h", "-unknown", "--out=y", "--", "-out"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A variable's value may be a secret: no recorded command line may hold it.
func TestRedact(t *testing.T) {
	for _, argv := range [][]string{
		{"aicv", "apply", "--var", "token=hunter2", "dir"},
		{"aicv", "apply", "-var", "token=hunter2", "dir"},
		{"aicv", "apply", "--var=token=hunter2", "dir"},
	} {
		got := redact(argv)
		if strings.Contains(got, "hunter2") || !strings.Contains(got, "token") || !strings.HasSuffix(got, " dir") {
			t.Errorf("%v: %s", argv, got)
		}
	}
}

// Every command has a help text with an example.
func TestEveryCommandHasAnExample(t *testing.T) {
	a := &app{}
	commands := a.rootCommand().Commands()
	if len(commands) < 14 {
		t.Fatalf("only %d commands", len(commands))
	}
	for i := 0; i < len(commands); i++ {
		c := commands[i]
		commands = append(commands, c.Commands()...)
		if c.Short == "" || c.Example == "" {
			t.Errorf("%s has no short text or no example", c.CommandPath())
		}
	}
}

func TestEveryCommandHelps(t *testing.T) {
	commands := (&app{}).rootCommand().Commands()
	for i := 0; i < len(commands); i++ {
		commands = append(commands, commands[i].Commands()...)
		path := strings.Fields(commands[i].CommandPath())[1:]
		code, stdout, stderr := run(t, append(path, "--help")...)
		if code != ExitOK || !strings.Contains(stdout, "Usage:\n  aicv "+path[0]) || stderr != "" {
			t.Errorf("%q: exit code %d, %q, %q", path, code, stdout, stderr)
		}
	}
}

// An error's evidence is what a server or a tool wrote; its lines stay, its controls go.
func TestHostileErrors(t *testing.T) {
	var out bytes.Buffer
	hostile := "a\x1b[2Jb\x07\u202ec"
	a := &app{stdio: Stdio{Err: &out}}
	a.printError(&spec.Error{Summary: hostile, Detail: hostile + "\r\nsecond", Fix: hostile, Cause: errors.New(hostile)})
	if got := out.String(); strings.ContainsFunc(strings.ReplaceAll(got, "\n", ""), tty.Unsafe) || !strings.Contains(got, "\nsecond\n") {
		t.Errorf("%q", got)
	}
}

func TestErrorsGoToStderrOrJSON(t *testing.T) {
	code, stdout, stderr := run(t, "report", "--format", "pdf", t.TempDir())
	if code != ExitError || stdout != "" || stderr == "" {
		t.Errorf("%d %q %q", code, stdout, stderr)
	}
	code, stdout, stderr = run(t, "validate", "--json", t.TempDir())
	if code != ExitError || !strings.Contains(stdout, `"format_version"`) || stderr != "" {
		t.Errorf("%d %q %q", code, stdout, stderr)
	}
	code, _, stderr = run(t, "plann")
	if code != ExitError || !strings.Contains(stderr, "plan") {
		t.Errorf("no suggestion: %d %q", code, stderr)
	}
}
