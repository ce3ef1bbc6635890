package models

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTableIsReadable(t *testing.T) {
	r, err := load()
	if err != nil {
		t.Fatal(err)
	}
	if len(r.rows) < 150 {
		t.Errorf("only %d rows", len(r.rows))
	}
	for i, row := range r.rows {
		if row.Source == "" || row.Architecture.Class == "" || len(row.Architecture.Unknown) > 0 {
			t.Errorf("row %s lacks source or class, or is not known whole: %v", row.ID, row.Architecture.Unknown)
		}
		if i > 0 && row.ID <= r.rows[i-1].ID {
			t.Errorf("row %s is not sorted", row.ID)
		}
	}
}

// Every layer of every row belongs to one block, and its parts have known names.
func TestTableIsWhole(t *testing.T) {
	for _, row := range Rows() {
		var all []Layers
		for _, b := range row.Architecture.Blocks {
			all = append(all, b.Layers)
			for _, w := range b.Weights {
				if !slices.Contains(Parts(), w.Part) || w.Parameters <= 0 {
					t.Errorf("%s: weight %+v", row.ID, w)
				}
			}
		}
		if got := union(all); got.String() != layersTo(row.Architecture.LayerCount()).String() {
			t.Errorf("%s: layers %s", row.ID, got)
		}
		for _, r := range row.Architecture.Quantization.Rules {
			if _, known := FormatOf(r.Format.Mode); !known || len(r.Parts) == 0 {
				t.Errorf("%s: rule %+v", row.ID, r)
			}
		}
	}
}

// TestParametersMatchTransformers holds the count of parameters to an independent one: what
// Transformers 5.24 counts in the language model that it builds from the same
// configuration (testdata/transformers.csv), to the last parameter.
func TestParametersMatchTransformers(t *testing.T) {
	compared := 0
	for _, record := range recorded(t, "transformers.csv") {
		want, err := strconv.ParseInt(record[1], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		m, found := Lookup(record[0])
		if !found || m.Alias != nil {
			t.Errorf("no row %s", record[0])
			continue
		}
		compared++
		if got := m.Architecture.Parameters().Total; got != want {
			t.Errorf("%s: %d parameters, Transformers counts %d", m.ID, got, want)
		}
	}
	if compared < 140 {
		t.Errorf("compared only %d rows", compared)
	}
}

// recorded reads a CSV file of testdata, without its header.
func recorded(t *testing.T, name string) [][]string {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return records[1:]
}

// TestModesMatchAiconfigurator compares with the modes that aiconfigurator 0.12.0 resolves
// for the checkpoints that it bundles (testdata/aiconfigurator_modes.csv). It names one
// mode for all dense multiplications, and takes the checkpoint's main algorithm where that
// concerns the experts alone.
func TestModesMatchAiconfigurator(t *testing.T) {
	differs := map[string]string{ // id to our main mode
		"nvidia/MiniMax-M3-NVFP4":  "mxfp8", // which aiconfigurator approximates by fp8_block
		"nvidia/Qwen3.6-27B-NVFP4": "w4a16_nvfp4",
	}
	for _, id := range []string{"GLM-5-NVFP4", "GLM-5.1-NVFP4", "GLM-5.2-NVFP4", "GLM-5.3-NVFP4", "Gemma-4-26B-A4B-NVFP4", "Kimi-K2.5-NVFP4", "Kimi-K2.6-NVFP4",
		"Kimi-K2.7-Code-NVFP4", "MiniMax-M2.5-NVFP4", "MiniMax-M2.7-NVFP4", "Qwen3.5-122B-A10B-NVFP4", "Qwen3.5-397B-A17B-NVFP4"} {
		differs["nvidia/"+id] = "bfloat16" // experts only, or mostly
	}
	for _, record := range recorded(t, "aiconfigurator_modes.csv") {
		m, found := Lookup(record[0])
		if !found {
			t.Errorf("no row %s", record[0])
			continue
		}
		want := record[1]
		if ours, listed := differs[m.ID]; listed {
			want = ours
			delete(differs, m.ID)
		}
		if got := m.Architecture.GEMMModes()[0].Mode; got != want {
			t.Errorf("%s: gemm %s, want %s", m.ID, got, want)
		}
		if moe := m.Architecture.MoEModes(); len(moe) > 0 && moe[0].Mode != record[2] {
			t.Errorf("%s: moe %s, want %s", m.ID, moe[0].Mode, record[2])
		}
	}
	for id := range differs {
		t.Errorf("%s is not recorded", id)
	}
}

// TestParametersMatchPublished compares with the figures on model cards, which are rounded.
func TestParametersMatchPublished(t *testing.T) {
	for _, want := range []struct {
		id            string
		total, active float64 // in 1e9; 0: not published
		embedding     bool    // the card counts the input embedding as active
	}{
		{"meta-llama/Llama-3.1-8B", 8.03, 0, false},
		{"meta-llama/Llama-3.1-70B", 70.6, 0, false},
		{"meta-llama/Llama-3.1-405B", 406, 0, false},
		{"meta-llama/Llama-3.2-1B", 1.24, 0, false},
		{"Qwen/Qwen3-32B", 32.8, 0, false},
		{"Qwen/Qwen3-30B-A3B", 30.5, 3, false},
		{"Qwen/Qwen3-235B-A22B", 235, 22, true},
		{"Qwen/Qwen3-Coder-480B-A35B-Instruct", 480, 35, true},
		{"deepseek-ai/DeepSeek-V3", 671, 37, false},
		{"deepseek-ai/DeepSeek-V2", 236, 21, true},
		{"openai/gpt-oss-120b", 116.83, 5.13, false},
		{"openai/gpt-oss-20b", 20.91, 3.61, false},
		{"mistralai/Mixtral-8x7B-v0.1", 46.7, 12.9, true},
		{"mistralai/Mixtral-8x22B-v0.1", 141, 39, true},
		{"meta-llama/Llama-4-Maverick-17B-128E-Instruct", 400, 17, true},
		{"moonshotai/Kimi-K2-Instruct", 1026, 32, false},
		{"nvidia/Llama-3_3-Nemotron-Super-49B-v1", 49.9, 0, false},
		{"XiaomiMiMo/MiMo-7B-Base", 7.6, 0, false},
	} {
		m, found := Lookup(want.id)
		if !found {
			t.Errorf("no row %s", want.id)
			continue
		}
		c := m.Architecture.Parameters()
		active := c.Active
		if want.embedding {
			active += c.Parts[0].Parameters
		}
		near(t, want.id+" total", float64(c.Total)/1e9, want.total)
		if want.active > 0 {
			near(t, want.id+" active", float64(active)/1e9, want.active)
		}
	}
}

// near allows 1 %, or half of the last digit that was published.
func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	digits := strconv.FormatFloat(want, 'f', -1, 64)
	half := 0.5
	if _, decimals, found := strings.Cut(digits, "."); found {
		for range decimals {
			half /= 10
		}
	}
	if diff := max(got-want, want-got); diff > max(want/100, half) {
		t.Errorf("%s: %.4g, published %s", what, got, digits)
	}
}

// TestTableAgreesWithTypedConfigurations: the rows that no package bundles are what the
// reader makes of their configurations.
func TestTableAgreesWithTypedConfigurations(t *testing.T) {
	content, err := os.ReadFile(filepath.Join("..", "..", "scripts", "retabulate-models", "more.json"))
	if err != nil {
		t.Fatal(err)
	}
	var entries []struct {
		ID, Source string
		Config     json.RawMessage
	}
	if err := json.Unmarshal(content, &entries); err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		a, err := Parse(e.ID, e.Config, nil)
		if err != nil {
			t.Error(err)
			continue
		}
		m, _ := Lookup(e.ID)
		agree(t, e.ID, a, m)
	}
}

// TestTableAgreesWithBundledConfigurations reads the real config.json files that
// aiconfigurator-core bundles.
func TestTableAgreesWithBundledConfigurations(t *testing.T) {
	dir := bundled(t)
	files, err := filepath.Glob(filepath.Join(dir, "*_config.json"))
	if err != nil || len(files) < 60 {
		t.Fatalf("%d files in %s: %v", len(files), dir, err)
	}
	for _, file := range files {
		base, isConfig := strings.CutSuffix(file, "_config.json")
		if !isConfig || strings.HasSuffix(file, "_hf_quant_config.json") {
			continue
		}
		config, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		quant, _ := os.ReadFile(base + "_hf_quant_config.json")
		a, err := Parse(file, config, quant)
		if err != nil {
			t.Error(err)
			continue
		}
		id := strings.Replace(filepath.Base(base), "--", "/", 1)
		m, _ := Lookup(id)
		agree(t, id, a, m)
	}
}

// bundled finds aiconfigurator-core's model_configs, or skips.
func bundled(t *testing.T) string {
	t.Helper()
	venv := os.Getenv("AICV_AICONFIGURATOR")
	if venv == "" {
		venv = filepath.Join("..", "..", ".tools", "aiconfigurator")
	}
	found, err := filepath.Glob(filepath.Join(venv, "lib", "python3*", "site-packages", "aiconfigurator_core", "model_configs"))
	if err != nil || len(found) == 0 {
		t.Skip("aiconfigurator is not installed: scripts/real-tools puts it into .tools, or set AICV_AICONFIGURATOR to its virtual environment")
	}
	return found[0]
}

func agree(t *testing.T, id string, read *Architecture, row Match) {
	t.Helper()
	if row.Alias != nil || row.ID != id {
		t.Errorf("no row %s", id)
		return
	}
	if diff := cmp.Diff(toJSON(t, row.Architecture), toJSON(t, read)); diff != "" {
		t.Errorf("%s: the table differs from the configuration; scripts/retabulate-models refreshes it (-table +read)\n%s", id, diff)
	}
	if d := Differences(read, row.Architecture); len(d) > 0 {
		t.Errorf("%s: %v", id, d)
	}
}

func toJSON(t *testing.T, a *Architecture) string {
	t.Helper()
	text, err := json.MarshalIndent(a, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestPageIsCurrent fails when the page and the table drift apart.
func TestPageIsCurrent(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "models.md")
	if os.Getenv("AICV_UPDATE") != "" {
		if err := os.WriteFile(path, Markdown(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(Markdown()), string(got)); diff != "" {
		t.Errorf("docs/models.md is not what the table says; AICV_UPDATE=1 go test ./catalog/models rewrites it\n%s", diff)
	}
}
