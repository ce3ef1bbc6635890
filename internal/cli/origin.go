package cli

import (
	"os"
	"os/exec"
	"strings"

	"aicv/spec"
)

// origin says by what and where an apply is made.
func origin(suiteDir string) spec.Origin {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return spec.Origin{Version: Version, Host: host, Revision: gitRevision(suiteDir), Command: redact(os.Args)}
}

// redact leaves the values of variables out of a recorded command line: they may
// be secrets.
func redact(argv []string) string {
	words := make([]string, 0, len(argv))
	for i, word := range argv {
		name, _, set := strings.Cut(strings.TrimLeft(word, "-"), "=")
		afterVar := i > 0 && strings.TrimLeft(argv[i-1], "-") == "var"
		switch {
		case afterVar && set:
			word = name + "=..."
		case name == "var" && set:
			variable, _, _ := strings.Cut(word[strings.IndexByte(word, '=')+1:], "=")
			word = "--var=" + variable + "=..."
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

// gitRevision is the suite's commit, "+dirty" where files differ from it; empty
// outside a repository.
func gitRevision(dir string) string {
	commit, err := exec.Command("git", "-C", dir, "rev-parse", "HEAD").Output()
	if err != nil {
		return ""
	}
	revision := strings.TrimSpace(string(commit))
	if changes, err := exec.Command("git", "-C", dir, "status", "--porcelain", "--", ".").Output(); err == nil && len(changes) > 0 {
		revision += "+dirty"
	}
	return revision
}
