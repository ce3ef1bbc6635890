package cli

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

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

// gitPatience bounds how long git is asked: a slow disk must not hold up an apply.
const gitPatience = 5 * time.Second

// gitRevision is the suite's commit, "+dirty" where files differ from it; empty
// outside a repository, or where git does not answer in time.
func gitRevision(dir string) string {
	ctx, cancel := context.WithTimeout(context.Background(), gitPatience)
	defer cancel()
	commit, err := git(ctx, dir, "rev-parse", "--verify", "HEAD")
	if err != nil {
		return ""
	}
	revision := strings.TrimSpace(commit)
	changes, err := git(ctx, dir, "status", "--porcelain", "--ignore-submodules=all", "--", ".")
	if err == nil && changes != "" {
		revision += "+dirty"
	}
	return revision
}

// git asks the repository of a folder something. A repository's own configuration can
// name programs that git starts (a file system monitor, hooks, filters, a remote that
// missing objects are fetched from): a suite from elsewhere must not run code by being
// looked at, so all of them are off.
func git(ctx context.Context, dir string, args ...string) (string, error) {
	filters, err := gitWith(ctx, dir, nil, "config", "-z", "--name-only", "--get-regexp", `^filter\.`)
	var failed *exec.ExitError
	if err != nil && (!errors.As(err, &failed) || failed.ExitCode() != 1) { // 1: there is none
		return "", err
	}
	off := []string{"core.fsmonitor", "core.hookspath", "core.pager"}
	for name := range strings.SplitSeq(strings.TrimSuffix(filters, "\x00"), "\x00") {
		if name != "" {
			off = append(off, name)
		}
	}
	return gitWith(ctx, dir, off, args...)
}

// gitWith runs git with some settings empty. They go by the environment: a setting's
// name may hold characters that would end it on a command line.
func gitWith(ctx context.Context, dir string, empty []string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, "git", append([]string{"-C", dir}, args...)...)
	command.WaitDelay = time.Second
	command.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_OPTIONAL_LOCKS=0", "GIT_TERMINAL_PROMPT=0",
		"GIT_NO_LAZY_FETCH=1", "GIT_ALLOW_PROTOCOL=", "GIT_CONFIG_COUNT="+strconv.Itoa(len(empty)))
	for i, name := range empty {
		n := strconv.Itoa(i)
		command.Env = append(command.Env, "GIT_CONFIG_KEY_"+n+"="+name, "GIT_CONFIG_VALUE_"+n+"=")
	}
	out, err := command.Output()
	return string(out), err
}
