package pytool

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"aicv/spec"
)

// files writes a tree; a name that ends in * is a program.
func files(t *testing.T, root string, tree map[string]string) {
	t.Helper()
	for name, content := range tree {
		mode := fs.FileMode(0o644)
		if strings.HasSuffix(name, "*") {
			mode = 0o755
		}
		path := filepath.Join(root, strings.TrimSuffix(name, "*"))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(content, "ROOT", root)), mode); err != nil {
			t.Fatal(err)
		}
	}
}

const record = `tool/__init__.py,sha256=aaa,10
"tool/data,odd/h200.yaml",sha256=bbb,20
../../../bin/tool,sha256=SCRIPT,30
tool/__pycache__/x.pyc,,
tool-1.2.dist-info/RECORD,,
tool-1.2.dist-info/INSTALLER,sha256=INSTALLER,4
`

// venv is a virtual environment with the tool 1.2 in it.
func venv(t *testing.T) string {
	t.Helper()
	root := filepath.Join(t.TempDir(), "v env")
	files(t, root, map[string]string{
		"pyvenv.cfg":   "home = /usr/bin\ninclude-system-site-packages = false\n",
		"bin/python3*": "no real interpreter",
		"bin/tool*":    "#!/bin/sh\n'''exec' \"ROOT/bin/python3\" \"$0\" \"$@\"\n' '''\n",
		"lib/python3.11/site-packages/tool-1.2.dist-info/RECORD":        record,
		"lib/python3.11/site-packages/my_tool_core-3.dist-info/RECORD":  "core/x.py,sha256=ccc,1\n",
		"lib/python3.11/site-packages/toolbox-9.dist-info/RECORD":       "",
		"lib/python3.11/site-packages/tool/data,odd/h200.yaml":          "",
		"lib/python3.11/site-packages/unrelated-1.dist-info/unread.txt": "",
	})
	return root
}

func query() Query {
	return Query{Script: "tool", Distributions: []string{"tool", "my-tool.core"}, Install: "install it"}
}

func mustFind(t *testing.T, q Query) *Tool {
	t.Helper()
	tool, err := Find(q)
	if err != nil {
		t.Fatal(err)
	}
	return tool
}

// However the tool is named, the same is found.
func TestWaysToFindATool(t *testing.T) {
	root := venv(t)
	t.Setenv("PATH", filepath.Join(root, "bin"))
	for name, change := range map[string]func(*Query){
		"venv":             func(q *Query) { q.Venv = root },
		"relative venv":    func(q *Query) { q.Dir, q.Venv = filepath.Dir(root), "v env" },
		"interpreter":      func(q *Query) { q.Python = filepath.Join(root, "bin", "python3") },
		"interpreter name": func(q *Query) { q.Python = "python3" },
		"command":          func(q *Query) { q.Command = filepath.Join(root, "bin", "tool") },
		"relative command": func(q *Query) { q.Dir, q.Command = root, "./bin/tool" },
		"PATH":             func(*Query) {},
	} {
		t.Run(name, func(t *testing.T) {
			q := query()
			change(&q)
			tool := mustFind(t, q)
			if tool.Command != filepath.Join(root, "bin", "tool") || tool.Python != filepath.Join(root, "bin", "python3") {
				t.Errorf("command %s, interpreter %s", tool.Command, tool.Python)
			}
			if len(tool.Distributions) != 2 || tool.Version() != "1.2" || tool.Distributions[1].Version != "3" || tool.PythonVersion() != "3.11" {
				t.Errorf("%+v, python %s", tool.Distributions, tool.PythonVersion())
			}
			if path, ok := tool.Distributions[0].Find("/h200.yaml"); !ok || filepath.Base(path) != "h200.yaml" {
				t.Errorf("found %q", path)
			}
		})
	}
}

func TestWhatIsNotThere(t *testing.T) {
	root := venv(t)
	files(t, root, map[string]string{"bin/notes": "no program", "empty/bin/python3*": ""})
	t.Setenv("PATH", t.TempDir())
	for name, change := range map[string]func(*Query){
		"nothing on PATH":     func(*Query) {},
		"no interpreter":      func(q *Query) { q.Python = "python3" },
		"no environment":      func(q *Query) { q.Venv = "/no/such/place" },
		"no program":          func(q *Query) { q.Command = filepath.Join(root, "bin", "notes") },
		"a folder":            func(q *Query) { q.Command = root + "/bin" },
		"environment without": func(q *Query) { q.Venv = filepath.Join(root, "empty") },
	} {
		q := query()
		change(&q)
		_, err := Find(q)
		var e *spec.Error
		if !errors.As(err, &e) || e.Fix != "install it" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestInterpreterOfScripts(t *testing.T) {
	root := t.TempDir()
	files(t, root, map[string]string{"python3.12*": "", "pypy3*": ""})
	t.Setenv("PATH", root)
	for content, want := range map[string]string{
		"#!ROOT/python3.12\nimport x":                             "python3.12",
		"#!ROOT/python3.12 -E\n":                                  "python3.12",
		"#!/usr/bin/env python3.12\n":                             "python3.12",
		"#!/usr/bin/env -S pypy3\n":                               "pypy3",
		"#!/bin/sh\n'''exec' \"ROOT/python3.12\" \"$0\" \"$@\"\n": "python3.12",
		"#!/bin/sh\nexec tool\n":                                  "",
		"#!/usr/bin/env bash\n":                                   "",
		"#!/usr/bin/env":                                          "",
		"#!":                                                      "",
		"#!/no/such/python3\n":                                    "",
		"\x7fELF":                                                 "",
		"":                                                        "",
	} {
		files(t, root, map[string]string{"script*": content})
		got := interpreterOf(filepath.Join(root, "script"))
		if got != "" {
			got = filepath.Base(got)
		}
		if got != want {
			t.Errorf("%q has the interpreter %q, want %q", content, got, want)
		}
	}
}

func fingerprint(t *testing.T, tool *Tool) string {
	t.Helper()
	text, err := tool.Fingerprint(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// The fingerprint is the same on every machine, and another for other content. No
// process is started for it: the interpreter of this test is none.
func TestFingerprint(t *testing.T) {
	q := query()
	q.Venv = venv(t)
	first := fingerprint(t, mustFind(t, q))
	if strings.Contains(first, q.Venv) || !strings.Contains(first, "tool 1.2 ") || !strings.HasPrefix(first, "python 3.11\n") {
		t.Error(first)
	}
	q.Venv = venv(t)
	site := filepath.Join(q.Venv, "lib/python3.11/site-packages")
	elsewhere := strings.NewReplacer("SCRIPT", "another", "INSTALLER", "uv", "x.pyc,,", "y.pyc,,").Replace(record)
	files(t, site, map[string]string{"tool-1.2.dist-info/RECORD": elsewhere})
	if again := fingerprint(t, mustFind(t, q)); again != first {
		t.Errorf("the same tool elsewhere is\n%s\nnot\n%s", again, first)
	}
	files(t, site, map[string]string{"tool-1.2.dist-info/RECORD": strings.Replace(record, "bbb", "ddd", 1)})
	if other := fingerprint(t, mustFind(t, q)); other == first {
		t.Error("other content has the same fingerprint")
	}
}

// A command that is no Python script is identified by its own content.
func TestFingerprintOfAnotherProgram(t *testing.T) {
	root := t.TempDir()
	files(t, root, map[string]string{"tool*": "#!/bin/sh\necho\n"})
	q := query()
	q.Command = filepath.Join(root, "tool")
	tool := mustFind(t, q)
	first := fingerprint(t, tool)
	files(t, root, map[string]string{"tool*": "#!/bin/sh\necho 2\n"})
	if tool.Python != "" || tool.Version() != "" || first == fingerprint(t, tool) {
		t.Errorf("%+v", tool)
	}
}

// What does not record its files is identified by the interpreter, which must be one.
func TestFingerprintOfSources(t *testing.T) {
	for name, tree := range map[string]map[string]string{
		"editable": {"direct_url.json": `{"dir_info": {"editable": true}, "url": "file:///src"}`},
		"empty":    {"RECORD": "tool-1.2.dist-info/RECORD,,\n"},
		"torn":     {"RECORD": "tool/\"x\n"},
		"short":    {"RECORD": "tool\n"},
	} {
		q := query()
		q.Venv = venv(t)
		files(t, filepath.Join(q.Venv, "lib/python3.11/site-packages/tool-1.2.dist-info"), tree)
		if _, err := mustFind(t, q).Fingerprint(context.Background()); err == nil {
			t.Errorf("%s: no error from an interpreter that is none", name)
		}
	}
}

// With a real interpreter the sources of an editable installation are looked at.
func TestSourcesAreAskedFor(t *testing.T) {
	real, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("needs python3 on PATH")
	}
	q := query()
	q.Venv = venv(t)
	site := filepath.Join(q.Venv, "lib/python3.11/site-packages")
	files(t, q.Venv, map[string]string{"bin/python3*": "#!/bin/sh\nPYTHONPATH='" + site + "' exec '" + real + "' \"$@\"\n"})
	files(t, site, map[string]string{
		"tool-1.2.dist-info/direct_url.json": `{"dir_info": {"editable": true}}`,
		"tool-1.2.dist-info/METADATA":        "Name: tool\nVersion: 1.2\n",
		"tool-1.2.dist-info/top_level.txt":   "tool\n",
		"tool/__init__.py":                   "print('never run')",
	})
	tool := mustFind(t, q)
	first := fingerprint(t, tool)
	if again := fingerprint(t, tool); again != first {
		t.Error("unchanged sources have another fingerprint")
	}
	files(t, site, map[string]string{"tool/__init__.py": "changed"})
	if fingerprint(t, tool) == first {
		t.Error("changed sources have the same fingerprint")
	}
}

// An environment that shares the installation behind it finds its packages there, of
// the interpreter's own version.
func TestSharedPackages(t *testing.T) {
	root := t.TempDir()
	files(t, root, map[string]string{
		"base/bin/python3.12*": "",
		"base/lib/python3.11/site-packages/tool-1.dist-info/RECORD": "",
		"base/lib/python3.12/site-packages/tool-2.dist-info/RECORD": "",
		"env/bin/tool*": "#!ROOT/env/bin/python3\n",
	})
	if err := os.Symlink(filepath.Join(root, "base/bin/python3.12"), filepath.Join(root, "env/bin/python3")); err != nil {
		t.Fatal(err)
	}
	q := query()
	q.Venv = filepath.Join(root, "env")
	for config, want := range map[string]string{
		"include-system-site-packages = true\n":  "2",
		"include-system-site-packages = false\n": "",
		"":                                       "",
	} {
		files(t, root, map[string]string{"env/pyvenv.cfg": config})
		if got := mustFind(t, q).Version(); got != want {
			t.Errorf("with %q the version is %q, want %q", config, got, want)
		}
	}
	q.Venv, q.Python = "", filepath.Join(root, "base/bin/python3.12")
	if got := mustFind(t, q).Version(); got != "2" {
		t.Errorf("without an environment the version is %q", got)
	}
}
