package schema

import (
	"slices"
	"testing"

	"aicv/spec"
)

// walk visits every block with its path.
func walk(blocks []spec.Block, path string, visit func(path string, b spec.Block)) {
	for _, b := range blocks {
		here := path + "/" + b.Name
		if b.Kind != "" {
			here += "." + b.Kind
		}
		visit(here, b)
		walk(b.Blocks, here, visit)
	}
}

func registrations() []spec.Registration {
	own := spec.Attribute{Name: "version", Type: spec.TypeString, Default: spec.StringValue("0.1"), Doc: "Own.", Example: `"0.1"`, Since: "0.1"}
	return []spec.Registration{
		{Role: spec.RoleRuntime, Kind: "vllm", Doc: "vLLM."},
		{Role: spec.RoleBenchmark, Kind: "loadgen", Doc: "Load."},
		{Role: spec.RoleRuntime, Kind: "sim", Doc: "Simulated.", Schema: spec.Block{Attributes: []spec.Attribute{own}}},
	}
}

func TestEveryRowIsDocumented(t *testing.T) {
	walk(Language(registrations()), "", func(path string, b spec.Block) {
		if b.Doc == "" || b.Since == "" {
			t.Errorf("%s: doc %q, since %q", path, b.Doc, b.Since)
		}
		seen := make(map[string]bool)
		for _, a := range b.Attributes {
			if a.Doc == "" || a.Example == "" || a.Since == "" || a.Type == "" {
				t.Errorf("%s.%s: doc %q, example %q, since %q, type %q", path, a.Name, a.Doc, a.Example, a.Since, a.Type)
			}
			if seen[a.Name] {
				t.Errorf("%s.%s stands twice", path, a.Name)
			}
			seen[a.Name] = true
			if a.Required && !a.Default.IsNull() {
				t.Errorf("%s.%s is required and has a default", path, a.Name)
			}
			if a.Type == spec.TypeReference && a.Ref == "" {
				t.Errorf("%s.%s refers to nothing", path, a.Name)
			}
		}
	})
}

func TestProvidersBringTheirRows(t *testing.T) {
	var kinds []string
	for _, b := range Language(registrations()) {
		if b.Kind == "" {
			continue
		}
		kinds = append(kinds, b.Name+"."+b.Kind)
		if !slices.Equal(b.Labels, []string{"kind", "name"}) || !b.Repeatable {
			t.Errorf("%s.%s: labels %v", b.Name, b.Kind, b.Labels)
		}
		if b.Kind == "sim" {
			version, _ := b.Attribute("version")
			if version.Default.Text() != "0.1" {
				t.Error("the provider's own row does not replace the common one")
			}
		}
		if _, common := b.Attribute("image"); common != (b.Name == "runtime") {
			t.Errorf("%s.%s: common rows of runtimes: %v", b.Name, b.Kind, common)
		}
	}
	if want := []string{"runtime.sim", "runtime.vllm", "benchmark.loadgen"}; !slices.Equal(kinds, want) {
		t.Errorf("kinds %v, want %v", kinds, want)
	}
}

// An axis is known by its name alone, so no two items may share one.
func TestItemsHaveDistinctNames(t *testing.T) {
	seen := map[string]bool{"include": true, "exclude": true, "matrix": true}
	for _, rows := range [][]spec.Attribute{spec.ConfigurationItems(), WorkloadItems(), References()} {
		for _, r := range rows {
			if seen[r.Name] {
				t.Errorf("%s is the name of two items", r.Name)
			}
			seen[r.Name] = true
		}
	}
}

func TestReservedNamesAreFree(t *testing.T) {
	walk(Language(registrations()), "", func(path string, b spec.Block) {
		if slices.Contains(Reserved(), b.Name) {
			t.Errorf("%s has a reserved name", path)
		}
	})
}
