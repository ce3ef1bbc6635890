package exec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"

	"aicv/spec"
)

// program finds and identifies what a declaration runs.
type program struct {
	settings
	dir    string // the suite's folder, in which it runs
	getenv func(string) (string, bool)
}

// path is where the program lies.
func (p *program) path() (string, error) {
	name := p.argv[0]
	if !strings.ContainsRune(name, filepath.Separator) {
		found, err := osexec.LookPath(name)
		if err == nil {
			found, err = filepath.Abs(found)
		}
		if err != nil {
			return "", p.missing(name+" is not on PATH", nil, fmt.Sprintf("install it, or write its path: \"./%s\" is the one in the suite's folder", name))
		}
		return found, nil
	}
	path := p.absolute(name)
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", p.missing("the program "+name+" can not be found", err, "correct the path; it starts from the suite's folder")
	case !info.Mode().IsRegular():
		return "", p.missing("the program "+name+" is no file", nil, "name a program")
	case info.Mode().Perm()&0o111 == 0:
		return "", p.missing("the program "+name+" may not be executed", nil, "chmod +x "+name+", or name its interpreter first")
	}
	return path, nil
}

func (p *program) missing(what string, cause error, fix string) error {
	return &spec.Error{Kind: spec.ErrUsage, Summary: p.address + ": " + what, Cause: cause, Fix: fix}
}

func (p *program) absolute(path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(p.dir, path)
}

// environment is aicv's own with the declared variables, and the secrets among their
// values.
func (p *program) environment() (environment, secrets []string, err error) {
	environment = os.Environ()
	for _, f := range p.env {
		value := f.Value.Text()
		if f.Value.Kind() == spec.Secret {
			if value, err = p.secret(f.Value.Text()); err != nil {
				return nil, nil, err
			}
			secrets = append(secrets, value)
		}
		environment = append(environment, f.Name+"="+value)
	}
	return environment, secrets, nil
}

func (p *program) secret(variable string) (string, error) {
	if p.getenv != nil {
		if value, ok := p.getenv(variable); ok {
			return value, nil
		}
	}
	return "", p.missing("the environment variable "+variable+" is not set", nil, "export "+variable)
}

// leastSecret is the length from which on a secret's text is told from any other.
const leastSecret = 6

// redacter takes secrets out of all that a program says.
func redacter(secrets []string) func([]byte) []byte {
	var hidden [][]byte
	for _, s := range secrets {
		if len(s) < leastSecret {
			continue
		}
		hidden = append(hidden, []byte(s))
		if quoted, err := json.Marshal(s); err == nil && string(quoted[1:len(quoted)-1]) != s {
			hidden = append(hidden, quoted[1:len(quoted)-1])
		}
	}
	return func(text []byte) []byte {
		for _, s := range hidden {
			text = bytes.ReplaceAll(text, s, []byte("(secret)"))
		}
		return text
	}
}
