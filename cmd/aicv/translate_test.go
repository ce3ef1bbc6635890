package main

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aicv/internal/cli"
	"aicv/spec"
)

// fixtures finds the real documents of other tools, or skips.
func fixtures(t *testing.T, names ...string) string {
	t.Helper()
	root, err := filepath.Abs(filepath.Join(append([]string{"..", "..", "..", "shared", "fixtures"}, names...)...))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(root); err != nil {
		t.Skipf("no real documents: the fixtures are not beside the repository (%s)", filepath.Join(append([]string{"../shared/fixtures"}, names...)...))
	}
	return root
}

// importFixture translates into a folder and validates what comes out.
func importFixture(t *testing.T, path string, args ...string) map[string]any {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "suite")
	var out, errs bytes.Buffer
	config := cli.Config{Registrations: registrations()}
	args = append([]string{"import", "auto", path, "--out", dir, "--json"}, args...)
	if code := cli.Run(config, args, cli.Stdio{In: strings.NewReader(""), Out: &out, Err: &errs}); code != 0 {
		t.Fatalf("%s: exit %d\n%s%s", path, code, out.String(), errs.String())
	}
	var report map[string]any
	if err := json.Unmarshal(out.Bytes(), &report); err != nil {
		t.Fatal(err)
	}
	out.Reset()
	cli.Run(config, []string{"validate", dir, "--json"}, cli.Stdio{In: strings.NewReader(""), Out: &out, Err: &errs})
	var validity struct{ Diagnostics []spec.Diagnostic }
	if err := json.Unmarshal(out.Bytes(), &validity); err != nil {
		t.Fatal(err)
	}
	for _, d := range validity.Diagnostics {
		if d.Severity == spec.SeverityError && !ofVersion(d.Summary) {
			t.Errorf("%s: the suite is not valid: %+v", path, d)
		}
	}
	return report
}

// ofVersion reports whether a suite is refused for the engine's version alone: documents
// leave it out, or are older than any engine that aicv can start.
func ofVersion(summary string) bool {
	return strings.Contains(summary, "needs a version") || strings.Contains(summary, "is older than what aicv knows")
}

// TestEveryFixtureTranslates: all real tasks and outputs become suites that hold, and no
// row of a report says nothing.
func TestEveryFixtureTranslates(t *testing.T) {
	for _, c := range []struct {
		root  []string
		match func(path string) bool
	}{
		{[]string{"inference-autotuner"}, func(p string) bool { return strings.HasSuffix(p, ".json") }},
		{[]string{"aiconfigurator"}, func(p string) bool {
			base := filepath.Base(p)
			return strings.HasSuffix(base, "_config.yaml") || strings.HasSuffix(base, "_topn.csv") || base == "pareto.csv" || base == "input_exp.yaml" || base == "run_0.sh"
		}},
		{[]string{"aiconfigurator", "inputs"}, func(p string) bool {
			return strings.HasSuffix(p, ".yaml") && !strings.HasPrefix(filepath.Base(p), "tier2")
		}},
	} {
		t.Run(strings.Join(c.root, "_"), func(t *testing.T) {
			root, count := fixtures(t, c.root...), 0
			err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
				if err != nil || d.IsDir() || !c.match(path) {
					return err
				}
				count++
				var args []string
				if strings.HasSuffix(filepath.Dir(path), "inputs") {
					args = []string{"--runtime", "sglang"} // most of them are for an engine that aicv has not
				}
				checkReport(t, path, importFixture(t, path, args...))
				return nil
			})
			if err != nil || count < 6 {
				t.Errorf("%d documents, error %v", count, err)
			}
		})
	}
}

func checkReport(t *testing.T, path string, report map[string]any) {
	t.Helper()
	rows, _ := report["rows"].([]any)
	if len(rows) < 5 {
		t.Errorf("%s: only %d rows", path, len(rows))
	}
	for _, r := range rows {
		row := r.(map[string]any)
		if row["fidelity"] != "exact" && row["why"] == nil {
			t.Errorf("%s: no reason: %v", path, row)
		}
		if row["fidelity"] == "exact" && row["item"] == nil && row["why"] == nil {
			t.Errorf("%s: exact without an item: %v", path, row)
		}
	}
}

// TestSearchFoldersTranslate: whole folders, as the tool saves them.
func TestSearchFoldersTranslate(t *testing.T) {
	root := fixtures(t, "aiconfigurator")
	for _, dir := range []string{"cli-v0.10.0/default_sglang_h200", "cli-v0.12.0/default_sglang_h200", "cli-v0.12.0/default_vllm_h100_llama", "cli-v0.12.0/recommend"} {
		report := importFixture(t, filepath.Join(root, filepath.FromSlash(dir)))
		suite, _ := report["suite"].(string)
		for _, want := range []string{`predictor "recorded" "agg"`, `experiment "disagg"`, "replicas"} {
			if !strings.Contains(suite, want) {
				t.Errorf("%s: no %s in\n%s", dir, want, suite)
			}
		}
	}
}
