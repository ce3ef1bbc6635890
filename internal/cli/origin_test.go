package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestGitRunsNoCodeOfTheRepository: a suite from elsewhere may bring a repository whose
// configuration names programs.
func TestGitRunsNoCodeOfTheRepository(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed: install it from the system's packages")
	}
	dir := t.TempDir()
	mark := filepath.Join(t.TempDir(), "ran")
	evil := filepath.Join(t.TempDir(), "evil.sh")
	write(t, evil, "#!/bin/sh\ntouch "+mark+"\ncat\n", 0o700)
	run := func(args ...string) {
		t.Helper()
		command := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=a", "-c", "user.email=a@b"}, args...)...)
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	run("init", "-q")
	write(t, filepath.Join(dir, "suite.hcl"), "a = 1\n", 0o600)
	run("add", ".")
	run("commit", "-qm", "first")
	clean := gitRevision(dir)
	if len(clean) < 40 || strings.Contains(clean, "dirty") {
		t.Fatalf("revision %q", clean)
	}
	write(t, filepath.Join(dir, ".gitattributes"), "*.hcl filter=a=b\n*.hcl filter=evil\n", 0o600)
	write(t, filepath.Join(dir, "suite.hcl"), "a = 2\n", 0o600) // of the same size: git looks into it
	for name, value := range map[string]string{"core.fsmonitor": evil, "core.hooksPath": filepath.Dir(evil), "filter.evil.clean": evil,
		"filter.evil.process": evil, "filter.evil.required": "true", "filter.a=b.clean": evil} {
		run("config", name, value)
	}
	if got := gitRevision(dir); got != clean+"+dirty" {
		t.Errorf("revision %q, want %q", got, clean+"+dirty")
	}
	if _, err := os.Stat(mark); err == nil {
		t.Error("a program that the repository names was run")
	}
	if got := gitRevision(t.TempDir()); got != "" {
		t.Errorf("outside a repository: %q", got)
	}
}

func write(t *testing.T, path, content string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
}
