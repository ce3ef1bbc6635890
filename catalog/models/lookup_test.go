package models

import (
	"slices"
	"strings"
	"testing"

	"aicv/spec"
)

func TestLookup(t *testing.T) {
	for _, c := range []struct{ name, id, note string }{
		{"Qwen/Qwen3-32B", "Qwen/Qwen3-32B", ""},
		{" qwen/qwen3-32b ", "Qwen/Qwen3-32B", "the id is spelt Qwen/Qwen3-32B"},
		{"gpt-oss-120b", "openai/gpt-oss-120b", "the full id is openai/gpt-oss-120b"},
		{"llama-3-2-1b-instruct", "meta-llama/Llama-3.2-1B", "llama-3-2-1b-instruct stands for meta-llama/Llama-3.2-1B (inference-autotuner tasks): the architecture is shared, the weights may differ"},
		{"qwen-3-32b-instruct", "Qwen/Qwen3-32B", "stands for"},
		{"LLAMA_7B", "meta-llama/Llama-2-7b-hf", "stands for"},
		{"LLAMA3.1_8B", "meta-llama/Meta-Llama-3.1-8B", "stands for"},
		{"QWEN3_32B", "Qwen/Qwen3-32B", "aiconfigurator"},
		{"DEEPSEEK_V3", "deepseek-ai/DeepSeek-V3", "aiconfigurator"},
		{"MOE_Mixtral8x7B", "mistralai/Mixtral-8x7B-v0.1", "aiconfigurator"},
		{"Nemotron_super_v1.1", "nvidia/Llama-3_3-Nemotron-Super-49B-v1", "aiconfigurator"},
		{"meta-llama/Llama-3.1-8B-Instruct", "meta-llama/Meta-Llama-3.1-8B", "the weights may differ"},
		{"Llama-3.2-1B-Instruct", "meta-llama/Llama-3.2-1B", "the weights may differ"},
		{"meta-llama/Llama-3.3-70B-Instruct", "meta-llama/Meta-Llama-3.1-70B", "the weights may differ"},
	} {
		m, found := Lookup(c.name)
		if !found || m.ID != c.id {
			t.Errorf("%s: found %v %s", c.name, found, m.ID)
			continue
		}
		if note := m.Note(); c.note == "" && note != "" || !strings.Contains(note, c.note) {
			t.Errorf("%s: note %q", c.name, note)
		}
	}
	for _, name := range []string{"", "/", "nobody/Nothing-1B", "Qwen", strings.Repeat("x", 1<<16)} {
		if m, found := Lookup(name); found {
			t.Errorf("%.20q found %s", name, m.ID)
		}
	}
}

// Aliases lead to rows, hide none, and are given once.
func TestAliases(t *testing.T) {
	seen := map[string]bool{}
	for _, a := range Aliases() {
		if seen[fold(a.Name)] || a.Source == "" {
			t.Errorf("alias %+v is given twice or without a source", a)
		}
		seen[fold(a.Name)] = true
		if m, found := Lookup(a.Name); !found || m.ID != a.ID || m.Alias == nil {
			t.Errorf("alias %s leads to %s", a.Name, m.ID)
		}
	}
	if len(seen) < 70 {
		t.Errorf("only %d aliases", len(seen))
	}
}

// A name that would fit several rows without its organization fits none.
func TestShortNames(t *testing.T) {
	r := &registry{byAlias: make(map[string]Alias)}
	for _, id := range []string{"a/X", "b/X", "c/X", "a/Y"} {
		r.add(id, Alias{Name: id, ID: id})
	}
	if got := r.byAlias["x"]; got != (Alias{}) {
		t.Errorf("x stands for %+v", got)
	}
	if got := r.byAlias["y"]; got.ID != "a/Y" {
		t.Errorf("y stands for %+v", got)
	}
}

func TestNearest(t *testing.T) {
	for name, want := range map[string]string{
		"Qwen/Qwen3-32B-Instruct":        "Qwen/Qwen3-32B",
		"Qwen3-32B-FP8-Dynamic":          "Qwen/Qwen3-32B-FP8",
		"meta-llama/Lama-3.1-8B":         "meta-llama/Meta-Llama-3.1-8B",
		"meta-llama/Llama-3.1-70B-Instr": "meta-llama/Meta-Llama-3.1-70B",
		"deepseek-v3":                    "deepseek-ai/DeepSeek-V3",
		"gpt-oss":                        "openai/gpt-oss-20b",
		"mixtral-8x7b":                   "mistralai/Mixtral-8x7B-v0.1",
	} {
		if near := Nearest(name, 3); !slices.Contains(near, want) {
			t.Errorf("%s: %v", name, near)
		}
	}
	for _, name := range []string{"", "///", "zzz", "gpt2", strings.Repeat("a ", 1000)} {
		if near := Nearest(name, 3); len(near) > 0 {
			t.Errorf("%.20q: %v", name, near)
		}
	}
	if got := Nearest("Llama-3.1-8B", 2); len(got) > 2 {
		t.Errorf("%d names", len(got))
	}
}

// Sizes and misspelt letters are told apart.
func TestLikeness(t *testing.T) {
	if like := likeness(words("Llama-3.1-70B"), words("Llama-3.1-7B")); like > 0.8 {
		t.Errorf("70B and 7B are alike by %g", like)
	}
	for _, pair := range [][2]string{{"llama", "lama"}, {"mixtral", "mixtrall"}, {"qwen", "qwem"}, {"llama", "lalma"}, {"nemotron", "nemotrom"}} {
		if !oneOff(pair[0], pair[1]) || !oneOff(pair[1], pair[0]) {
			t.Errorf("%v should be one letter apart", pair)
		}
	}
	for _, pair := range [][2]string{{"b", "a"}, {"7000", "8000"}, {"llama", "gemma"}, {"qwen", "qwennn"}, {"abcd", "badc"}} {
		if oneOff(pair[0], pair[1]) {
			t.Errorf("%v should not be one letter apart", pair)
		}
	}
}

func TestDescribe(t *testing.T) {
	dir := t.TempDir()
	d, known, err := Describe(spec.Model{ID: "QWEN3_32B", Path: dir})
	if err != nil || !known || d.Architecture.Class != "Qwen3ForCausalLM" || !strings.Contains(d.Origin, "stands for Qwen/Qwen3-32B") {
		t.Errorf("without a config.json: %v %v %+v", known, err, d)
	}
	write(t, dir, configFile, llama)
	d, known, err = Describe(spec.Model{ID: "QWEN3_32B", Path: dir})
	if err != nil || !known || d.Architecture.Class != "LlamaForCausalLM" || !strings.HasSuffix(d.Origin, configFile) {
		t.Errorf("with a config.json: %v %v %+v", known, err, d)
	}
	write(t, dir, configFile, "{")
	if _, known, err = Describe(spec.Model{ID: "QWEN3_32B", Path: dir}); err == nil || known {
		t.Error("a broken config.json must not be hidden by the table")
	}
	if _, known, err = Describe(spec.Model{ID: "nobody/nothing"}); err != nil || known {
		t.Errorf("an unknown model: %v %v", known, err)
	}
}
