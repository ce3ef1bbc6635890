package lang

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"aicv/internal/golden"
	"aicv/spec"
)

// TestDiagnostics pins the messages of each class of mistake, one archive per class.
// Lines of an archive's comment set options: "var name=value", "env NAME=value",
// "var-file NAME". The file "want" holds the messages.
func TestDiagnostics(t *testing.T) {
	archives, err := filepath.Glob(filepath.Join("testdata", "diagnostics", "*.txtar"))
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, path := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) { checkArchive(t, path) })
	}
}

func checkArchive(t *testing.T, path string) {
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	files, want := make(map[string]string), ""
	var kept []txtar.File
	for _, f := range archive.Files {
		if f.Name == "want" {
			want = string(f.Data)
			continue
		}
		files[f.Name] = string(f.Data)
		kept = append(kept, f)
	}
	dir := write(t, files)
	loaded, diags := Load(archiveOptions(dir, string(archive.Comment)))
	got := strings.ReplaceAll(render(loaded, diags), dir, "DIR")
	if (loaded.Suite == nil) != diags.HasErrors() {
		t.Errorf("suite is nil: %v, errors: %v", loaded.Suite == nil, diags.HasErrors())
	}
	if golden.Update() {
		archive.Files = append(kept, txtar.File{Name: "want", Data: []byte(got)})
		if err := os.WriteFile(path, txtar.Format(archive), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("messages differ (-want +got), AICV_UPDATE=1 records them anew:\n%s", diff)
	}
	checkRanges(t, loaded, diags)
}

func archiveOptions(dir, comment string) Options {
	o := Options{Dir: dir, Vars: make(map[string]string), Registrations: testRegistrations()}
	env := make(map[string]string)
	for line := range strings.Lines(comment) {
		kind, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		name, value, _ := strings.Cut(rest, "=")
		switch kind {
		case "var":
			o.Vars[name] = value
		case "env":
			env[name] = value
		case "var-file":
			o.VarFiles = append(o.VarFiles, filepath.Join(dir, rest))
		}
	}
	o.Environ = func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	return o
}

// render writes messages with the exact characters that they point at.
func render(loaded *Loaded, diags spec.Diagnostics) string {
	var b strings.Builder
	for _, d := range diags {
		fmt.Fprintf(&b, "%s %s: %s\n", d.Severity, where(loaded, d.Subject), d.Summary)
		for _, line := range []string{d.Detail, d.Suggestion} {
			if line != "" {
				fmt.Fprintf(&b, "  %s\n", line)
			}
		}
		for _, n := range d.Notes {
			fmt.Fprintf(&b, "  note %s: %s\n", where(loaded, n.Range), n.Text)
		}
		for _, n := range d.Values {
			fmt.Fprintf(&b, "  value %s\n", n.Text)
		}
	}
	return b.String()
}

func where(loaded *Loaded, r spec.Range) string {
	if r.IsZero() {
		return "-"
	}
	source, ok := loaded.Sources[r.File]
	if !ok {
		return r.String()
	}
	return fmt.Sprintf("%s [%s]", r, strings.ReplaceAll(string(source[r.Start.Byte:r.End.Byte]), "\n", `\n`))
}

// checkRanges holds every range to its file.
func checkRanges(t *testing.T, loaded *Loaded, diags spec.Diagnostics) {
	t.Helper()
	for _, d := range diags {
		ranges := []spec.Range{d.Subject}
		for _, n := range append(append([]spec.Note{}, d.Notes...), d.Values...) {
			ranges = append(ranges, n.Range)
		}
		for _, r := range ranges {
			if r.IsZero() {
				continue
			}
			source, ok := loaded.Sources[r.File]
			if !ok && len(loaded.Sources) > 0 {
				continue // a file of sensitive variables is not shown
			}
			if r.Start.Byte < 0 || r.End.Byte < r.Start.Byte || r.End.Byte > len(source) || r.Start.Line < 1 || r.Start.Column < 1 {
				t.Errorf("%q: range %+v is not in its file of %d bytes", d.Summary, r, len(source))
			}
		}
	}
}
