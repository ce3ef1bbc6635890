package formats

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"aicv/internal/golden"
	"aicv/spec"
	"aicv/translate"
)

// TestAlignmentPageIsCurrent fails where the page and the tables drift apart.
func TestAlignmentPageIsCurrent(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "alignment.md")
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want, err := Tables(string(page))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range All() {
		if !strings.Contains(want, "<!-- table "+f.Name+" -->") {
			t.Errorf("the page has no table of %s", f.Name)
		}
	}
	if golden.Update() {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(page)); diff != "" {
		t.Errorf("docs/alignment.md is not what the tables say; AICV_UPDATE=1 go test ./translate/formats rewrites it\n%s", diff)
	}
}

// Every line of every table says how exact it is, and why where it is not exact.
func TestRules(t *testing.T) {
	for _, f := range All() {
		seen := make(map[string]bool)
		for _, r := range f.Rules() {
			if r.Fidelity != spec.FidelityExact && r.Why == "" || r.Field == "" {
				t.Errorf("%s: %+v", f.Name, r)
			}
			if seen[r.Field+r.Item] {
				t.Errorf("%s: %s stands twice", f.Name, r.Field)
			}
			seen[r.Field+r.Item] = true
		}
	}
}

func TestFormatsAreToldApart(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct{ text, want string }{
		"task.json": {`{"model": {"id_or_path": "Qwen/Qwen3-8B"}, "base_runtime": "vllm"}`, "autotuner"},
		"exp.yaml":  {"a: {serving_mode: agg, model_path: Qwen/Qwen3-8B, system_name: h100_sxm, total_gpus: 1, backend_name: vllm}", "aiconfigurator-exp"},
		"gen.yaml":  {"params: {agg: {tensor_parallel_size: 1}}\nServiceConfig: {model_path: Qwen/Qwen3-8B}\nWorkerConfig: {agg_workers: 1}\nK8sConfig: {k8s_image: vllm-runtime}\nSlaConfig: {isl: 1, osl: 1}\nBenchConfig: {concurrency: [1]}", "aiconfigurator-generator"},
		"rows.csv":  {"model,isl,osl,concurrency,tp,backend,system\nQwen/Qwen3-8B,1,1,1,1,vllm,h100_sxm\n", "aiconfigurator-results"},
		"serve":     {"vllm serve Qwen/Qwen3-8B\n", "launch"},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, report, err := Import(Auto, path, translate.Options{})
		if err != nil || report.Format != c.want {
			t.Errorf("%s: %v, error %v", name, report, err)
		}
	}
}

func TestFoldersAreBounded(t *testing.T) {
	dir := t.TempDir()
	for i := range maxFiles + 1 {
		if err := os.WriteFile(filepath.Join(dir, "f"+strings.Repeat("x", i)[:i%100]+string(rune('a'+i/100))+".csv"), []byte("a\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := Import(Auto, dir, translate.Options{}); err == nil || !strings.Contains(err.Error(), "more than 256 files") {
		t.Errorf("error %v", err)
	}
}
