// Package pytool finds a tool written in Python without starting a process: its
// console script, the interpreter behind it, and the installed distributions with
// their versions and content.
package pytool

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"aicv/spec"
)

// Query says which tool is wanted and where to look for it. At most one of Command,
// Python and Venv is set; without any the script is looked for on PATH.
type Query struct {
	Script        string   // name of the tool's console script: "aiconfigurator"
	Distributions []string // that the tool is made of; the first that is installed gives its version
	Command       string   // path or name of the console script
	Python        string   // path or name of the interpreter that has the tool
	Venv          string   // folder of the virtual environment that has it
	Dir           string   // folder that relative paths start from
	Install       string   // how to get the tool, for the errors
}

// Tool is what was found.
type Tool struct {
	Command       string         // absolute path of the console script; empty: there is none beside the interpreter
	Python        string         // absolute path of the interpreter; empty: the command is no Python script
	Distributions []Distribution // that are installed, in the order of the query
}

// Find looks for the tool. It reads files and starts nothing. A tool whose script is a
// program of another kind is found with its command alone.
func Find(q Query) (*Tool, error) {
	t, err := find(q)
	if err != nil {
		return nil, err
	}
	t.Distributions = installed(t.Python, q.Distributions)
	if t.Command == "" && len(t.Distributions) == 0 {
		return nil, missing(q, q.Script+" beside "+t.Python, os.ErrNotExist)
	}
	return t, nil
}

// find locates command and interpreter.
func find(q Query) (*Tool, error) {
	switch {
	case q.Venv != "":
		venv := absolute(q.Dir, q.Venv)
		for _, name := range []string{"python3", "python"} {
			if python := executable(filepath.Join(venv, "bin", name)); python != "" {
				return &Tool{Python: python, Command: executable(filepath.Join(venv, "bin", q.Script))}, nil
			}
		}
		return nil, missing(q, "an interpreter in the virtual environment "+venv, os.ErrNotExist)
	case q.Python != "":
		python, err := located(q.Dir, q.Python)
		if err != nil {
			return nil, missing(q, "the interpreter "+q.Python, err)
		}
		return &Tool{Python: python, Command: executable(filepath.Join(filepath.Dir(python), q.Script))}, nil
	case q.Command != "":
		command, err := located(q.Dir, q.Command)
		if err != nil {
			return nil, missing(q, "the command "+q.Command, err)
		}
		return &Tool{Python: interpreterOf(command), Command: command}, nil
	}
	command, err := located(q.Dir, q.Script)
	if err != nil {
		return nil, missing(q, q.Script+" on PATH", err)
	}
	return &Tool{Python: interpreterOf(command), Command: command}, nil
}

func missing(q Query, what string, cause error) error {
	return &spec.Error{Kind: spec.ErrUsage, Summary: "can not find " + what, Cause: cause, Fix: q.Install}
}

// Version is the version of the first distribution that is installed; empty where
// none is, and only the tool itself can say it.
func (t *Tool) Version() string {
	if len(t.Distributions) == 0 {
		return ""
	}
	return t.Distributions[0].Version
}

// PythonVersion is the interpreter's "3.11", as the folder of the tool's packages says
// it; empty where it does not.
func (t *Tool) PythonVersion() string {
	if len(t.Distributions) == 0 {
		return ""
	}
	return strings.TrimPrefix(filepath.Base(filepath.Dir(t.Distributions[0].Site)), "python")
}

func absolute(dir, path string) string {
	if home, err := os.UserHomeDir(); err == nil {
		if rest, ok := strings.CutPrefix(path, "~/"); ok {
			path = filepath.Join(home, rest)
		}
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	if whole, err := filepath.Abs(path); err == nil {
		return whole
	}
	return path
}

// located finds a program by path, or by name on PATH.
func located(dir, name string) (string, error) {
	if !strings.ContainsRune(name, filepath.Separator) {
		found, err := exec.LookPath(name)
		if err != nil {
			return "", err
		}
		return filepath.Abs(found)
	}
	path := absolute(dir, name)
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !isProgram(info) {
		return "", fmt.Errorf("%s is no program", path)
	}
	return path, nil
}

// executable returns the path of a program; empty where there is none.
func executable(path string) string {
	if info, err := os.Stat(path); err != nil || !isProgram(info) {
		return ""
	}
	return path
}

func isProgram(info os.FileInfo) bool {
	return info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}

// interpreterOf finds the interpreter of a console script from its first lines; empty
// where it is no Python script. Installers write "#!/path/python", with env for
// portable scripts; and for paths that are long or hold spaces a shell script whose
// second line is ”'exec' "/path/python" "$0" "$@".
func interpreterOf(script string) string {
	file, err := os.Open(script)
	if err != nil {
		return ""
	}
	defer file.Close()
	head := make([]byte, 4096)
	n, _ := file.Read(head) // a script that can not be read has no interpreter
	lines := bufio.NewScanner(bytes.NewReader(head[:n]))
	if !lines.Scan() || !strings.HasPrefix(lines.Text(), "#!") {
		return ""
	}
	words := strings.Fields(strings.TrimPrefix(lines.Text(), "#!"))
	if len(words) == 0 {
		return ""
	}
	program := words[0]
	switch {
	case filepath.Base(program) == "env" && len(words) > 1:
		program = words[len(words)-1]
	case program == "/bin/sh" && lines.Scan():
		_, quoted, ok := strings.Cut(lines.Text(), `'''exec' `)
		if !ok {
			return ""
		}
		program = strings.Trim(strings.TrimSuffix(quoted, ` "$0" "$@"`), `"`)
	}
	if !strings.HasPrefix(filepath.Base(program), "python") && !strings.HasPrefix(filepath.Base(program), "pypy") {
		return ""
	}
	found, err := located(filepath.Dir(script), program)
	if err != nil {
		return ""
	}
	return found
}
