package lang

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// FuzzLoad holds loading to three rules on any input: no panic, errors or a suite but
// never both, and every message's range inside its file.
func FuzzLoad(f *testing.F) {
	archives, err := filepath.Glob(filepath.Join("testdata", "diagnostics", "*.txtar"))
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range archives {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			if strings.HasSuffix(file.Name, ".hcl") || strings.HasSuffix(file.Name, ".json") {
				f.Add(string(file.Data), strings.HasSuffix(file.Name, ".json"))
			}
		}
	}
	f.Add(head+oneWorkload+"experiment \"e\" {}\n", false)
	f.Add(`{"experiment": {"é": [{"matrix": [{"a": "${matrix.b}"}]}]}}`, true)
	f.Add("variable \"flag\" { sensitive = !", false) // the parser makes it an unknown value
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string, json bool) {
		name, other := "suite.hcl", "suite.hcl.json"
		if json {
			name, other = other, name
		}
		if err := os.Remove(filepath.Join(dir, other)); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		loaded, diags := Load(Options{Dir: dir, Registrations: testRegistrations()})
		if (loaded.Suite == nil) != diags.HasErrors() {
			t.Errorf("suite is nil: %v, errors: %v", loaded.Suite == nil, diags.HasErrors())
		}
		checkRanges(t, loaded, diags)
		for _, d := range diags {
			if d.Summary == "" {
				t.Error("a message without a summary")
			}
		}
	})
}

// FuzzVariables holds the values of variables, from a file and from the command line, to
// the same rules.
func FuzzVariables(f *testing.F) {
	const suite = head + oneWorkload + `
variable "n" {
  type    = number
  default = 1
}
variable "list" {
  type    = list(object({ a = number, b = optional(string, "x") }))
  default = []
}
variable "any" { default = null }
experiment "e" { configuration { max_batch_size = var.n } }
`
	for _, seed := range [][3]string{
		{"n = \n", "[{ a = 1 }]", "x"}, {"n = 2\nlist = [{ a = \"1\" }]", "[", ""}, {"any = {", "{", "${"}, {"n = 1 / 0", "null", "null"},
		{"n = [for x in", "[for x in [1]: x]", "é"}, {"\xff", "\xff", "\xff"}, {"n = x", "var.n", "var.n"}, {"n {}", "1", "[1, 2]"},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	dir := f.TempDir()
	file := filepath.Join(dir, "some.hclvars")
	if err := os.WriteFile(filepath.Join(dir, "suite.hcl"), []byte(suite), 0o600); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, content, list, anything string) {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		loaded, diags := Load(Options{Dir: dir, Registrations: testRegistrations(), VarFiles: []string{file},
			Vars: map[string]string{"list": list, "any": anything}})
		if (loaded.Suite == nil) != diags.HasErrors() {
			t.Errorf("suite is nil: %v, errors: %v", loaded.Suite == nil, diags.HasErrors())
		}
		checkRanges(t, loaded, diags)
	})
}
