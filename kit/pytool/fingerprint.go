package pytool

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"aicv/kit/subprocess"
	"aicv/spec"
)

// askTimeout bounds a question to an interpreter.
const askTimeout = time.Minute

// Fingerprint identifies the tool's version and content and the version of its
// interpreter, the same on every machine that has the same tool. It starts no process,
// unless an installation does not record its content: then the interpreter is asked for
// the files that it would import, with their sizes and times.
func (t *Tool) Fingerprint(ctx context.Context) (string, error) {
	parts := []string{"python " + t.PythonVersion()}
	for _, d := range t.Distributions {
		digest, err := d.digest()
		if errors.Is(err, errNoRecord) || errors.Is(err, os.ErrNotExist) {
			digest, err = t.ask(ctx, d)
		}
		if err != nil {
			return "", &spec.Error{Kind: spec.ErrUsage, Summary: "can not identify the installation of " + d.Name, Cause: err, Fix: "install it again"}
		}
		parts = append(parts, d.Name+" "+d.Version+" "+digest)
	}
	if len(t.Distributions) == 0 {
		digest, err := hashFile(t.Command)
		if err != nil {
			return "", &spec.Error{Kind: spec.ErrUsage, Summary: "can not read " + t.Command, Cause: err, Fix: "install it again"}
		}
		parts = append(parts, digest)
	}
	return strings.Join(parts, "\n"), nil
}

func hashFile(path string) (string, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:]), nil
}

// listing is a Python program that prints a hash over the files of a distribution's
// top-level packages, wherever they are imported from.
const listing = `
import hashlib, importlib.metadata as m, importlib.util as u, os, sys
d = m.distribution(sys.argv[1])
h = hashlib.sha256(d.version.encode())
names = (d.read_text("top_level.txt") or sys.argv[1].replace("-", "_")).split()
for name in sorted(names):
    found = u.find_spec(name)
    for root in (found.submodule_search_locations or [found.origin]) if found else []:
        for folder, folders, files in os.walk(root):
            folders[:] = sorted(f for f in folders if f != "__pycache__")
            for f in sorted(files):
                s = os.stat(os.path.join(folder, f))
                h.update(("%s %d %d\n" % (os.path.relpath(os.path.join(folder, f), root), s.st_size, s.st_mtime_ns)).encode())
print(h.hexdigest())
`

// ask has the interpreter identify an installation that does not record its content.
func (t *Tool) ask(ctx context.Context, d Distribution) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	empty, err := os.MkdirTemp("", "aicv-ask-") // Python imports from where it runs
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(empty)
	var answer string
	ended, err := subprocess.Run(ctx, subprocess.Command{
		Args: []string{t.Python, "-c", listing, d.Name}, Dir: empty,
		Line: func(line []byte) { answer = string(line) },
	})
	if err != nil {
		return "", err
	}
	if !ended.OK() || len(answer) != 2*sha256.Size {
		return "", fmt.Errorf("the interpreter was asked for its files: %s: %s", ended, LastLine(ended.Stderr))
	}
	return answer, nil
}

// LastLine is the last line that says anything: of a Python traceback the error.
func LastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}
