package schemadoc_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"aicv/lang"
	"aicv/lang/format"
	"aicv/lang/schema"
	"aicv/lang/schemadoc"
	"aicv/metric"
	"aicv/spec"
)

// registrations has a row of every type.
func registrations() []spec.Registration {
	two := 2.0
	every := make([]metric.Mapping, 0, len(metric.All()))
	for _, m := range metric.All() {
		every = append(every, metric.Mapping{Metric: m.Name, Field: "its column"})
	}
	row := func(name string, t spec.Type, example string) spec.Attribute {
		return spec.Attribute{Name: name, Type: t, Doc: "Row of " + name + ".", Example: example, Since: "0.1"}
	}
	noise, mode, file, after := row("noise", spec.TypeNumber, "0.1"), row("mode", spec.TypeString, `"slow"`), row("file", spec.TypePath, `"points.csv"`), row("after", spec.TypeInt, "10")
	mode.Doc = "Fast | slow."
	patience := row("patience", spec.TypeDuration, `"5s"`)
	patience.Incidental = true
	noise.Max, mode.Allowed, mode.Default = &two, []string{"fast", "slow"}, spec.StringValue("fast")
	file.Required, after.Required = true, true
	driving := spec.Constructor{Benchmark: func(*spec.Component, spec.Env) (spec.Benchmark, error) { return nil, nil }}
	return []spec.Registration{
		{Role: spec.RoleTarget, Kind: "process", Doc: "Processes of this host."},
		{Role: spec.RoleRuntime, Kind: "sim", Doc: "A simulated | engine.", Schema: spec.Block{
			Attributes: []spec.Attribute{noise, mode, row("slow_start", spec.TypeDuration, `"5s"`), row("busy", spec.TypeShare, `"10%"`), patience},
			Blocks:     []spec.Block{{Name: "fault", Labels: []string{"name"}, Repeatable: true, Doc: "A fault.", Since: "0.1", Attributes: []spec.Attribute{after}}},
		}},
		{Role: spec.RolePredictor, Kind: "exact", Doc: "Reads a file.", Metrics: every, Schema: spec.Block{Attributes: []spec.Attribute{file}}},
		{Role: spec.RoleBenchmark, Kind: "loadgen", Doc: "Drives a server.", New: driving, Metrics: []metric.Mapping{
			{Metric: "ttft", Field: "first token"}, {Metric: "ttft_p99", Field: "first token"}, {Metric: "tpot", Field: "gap", Conversion: "x 1000"}}},
	}
}

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	source, err := schemadoc.JSONSchema(schema.Language(registrations()))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("suite.schema.json", decoded(t, source)); err != nil {
		t.Fatal(err)
	}
	s, err := compiler.Compile("suite.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func decoded(t *testing.T, source []byte) any {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(string(source)))
	if err != nil {
		t.Fatal(err)
	}
	return document
}

// loads asks the loader what it thinks of a suite in JSON syntax.
func loads(t *testing.T, source []byte) spec.Diagnostics {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "suite.hcl.json"), source, 0o600); err != nil {
		t.Fatal(err)
	}
	_, diags := lang.Load(lang.Options{Dir: dir, Environ: func(string) (string, bool) { return "", false }, Registrations: registrations()})
	return diags
}

// TestJSONSchemaAcceptsWhatLoads validates whole suites.
func TestJSONSchemaAcceptsWhatLoads(t *testing.T) {
	files, err := filepath.Glob("testdata/suites/*.hcl.json")
	if err != nil || len(files) < 2 {
		t.Fatalf("no suites: %v", err)
	}
	s := compiled(t)
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range loads(t, source) {
			t.Errorf("%s: %s: %s %s", d.Subject, d.Summary, d.Detail, d.Suggestion)
		}
		if err := s.Validate(decoded(t, source)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// TestJSONSchemaAgreesWithTheLoader changes one thing of a good suite at a time; the
// schema and the loader must both refuse, or both accept.
func TestJSONSchemaAgreesWithTheLoader(t *testing.T) {
	source, err := os.ReadFile("testdata/suites/good_full.hcl.json")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, old, new string
		good           bool
	}{
		{"unknown block", `"workload"`, `"wrokload"`, false},
		{"unknown kind", `"sim": {"engine"`, `"simm": {"engine"`, false},
		{"unknown attribute", `"noise"`, `"nosie"`, false},
		{"unknown nested block", `"slo":`, `"slos":`, false},
		{"missing attribute", `{"id": "org/a"}`, `{}`, false},
		{"missing nested attribute", `{"after": 10}`, `{}`, false},
		{"null for a required one", `"id": "org/a"`, `"id": null`, false},
		{"wrong type of an int", `"min": 3`, `"min": "three"`, false},
		{"fraction for an int", `"min": 3`, `"min": 3.5`, false},
		{"int under its bound", `"min": 3`, `"min": 0`, false},
		{"number over its bound", `"noise": 0.01`, `"noise": 2.01`, false},
		{"not allowed", `"mode": "slow"`, `"mode": "slwo"`, false},
		{"wrong type of a bool", `"prefix_cache": false`, `"prefix_cache": "maybe"`, false},
		{"duration without unit", `"1m30s"`, `"90"`, false},
		{"number for a duration", `"1m30s"`, `90`, false},
		{"share without sign", `"12.5%"`, `"12.5"`, false},
		{"share above one", `"12.5%"`, `1.25`, false},
		{"share as a number", `"12.5%"`, `0.125`, true},
		{"size without unit", `"96GiB"`, `"96"`, false},
		{"size in another unit", `"96GiB"`, `"96000 MB"`, true},
		{"number for a size", `"96GiB"`, `96`, false},
		{"reference as a string", `"${model.a}"`, `"model.a"`, false},
		{"list for a string", `"org/b"`, `["org/b"]`, false},
		{"null for an optional one", `"mode": "slow"`, `"mode": null`, true},
		{"expression for an int", `"min": 3`, `"min": "${1 + 2}"`, true},
		{"list of expressions", `"${[1, 2]}"`, `[1, "${1 + 1}"]`, true},
		{"one for a list", `"${local.accuracy}"`, `"ttft < 1s"`, true},
		{"list of one block", `"suite": {"name": "full", "on_undecided": "warn", "seed": 7}`, `"suite": {"seed": 7}`, true},
	}
	s := compiled(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if strings.Count(string(source), test.old) == 0 {
				t.Fatalf("the suite lacks %s", test.old)
			}
			changed := []byte(strings.Replace(string(source), test.old, test.new, 1))
			diags, err := loads(t, changed), s.Validate(decoded(t, changed))
			if diags.HasErrors() == test.good {
				t.Errorf("the loader says %v", diags)
			}
			if (err == nil) != test.good {
				t.Errorf("the schema says %v", err)
			}
		})
	}
}

func TestJSONHoldsEveryRow(t *testing.T) {
	language := schema.Language(registrations())
	source, err := schemadoc.JSON(language)
	if err != nil {
		t.Fatal(err)
	}
	type block struct {
		Name, Kind string
		Attributes []struct {
			Name       string
			Incidental bool
		}
		Blocks []block
	}
	var document struct {
		FormatVersion string `json:"format_version"`
		Blocks        []block
	}
	if err := json.Unmarshal(source, &document); err != nil || document.FormatVersion != "1.0" {
		t.Fatalf("%v, version %q", err, document.FormatVersion)
	}
	var written func(path string, blocks []block) []string
	written = func(path string, blocks []block) (rows []string) {
		for _, b := range blocks {
			at := path + "/" + b.Name + " " + b.Kind
			for _, a := range b.Attributes {
				rows = append(rows, fmt.Sprint(at, ".", a.Name, a.Incidental))
			}
			rows = append(append(rows, at), written(at, b.Blocks)...)
		}
		return rows
	}
	var declared func(path string, blocks []spec.Block) []string
	declared = func(path string, blocks []spec.Block) (rows []string) {
		for _, b := range blocks {
			at := path + "/" + b.Name + " " + b.Kind
			for _, a := range b.Attributes {
				rows = append(rows, fmt.Sprint(at, ".", a.Name, a.Incidental))
			}
			rows = append(append(rows, at), declared(at, b.Blocks)...)
		}
		return rows
	}
	if diff := cmp.Diff(declared("", language), written("", document.Blocks)); diff != "" {
		t.Error(diff)
	}
	again, err := schemadoc.JSON(schema.Language(registrations()))
	if err != nil || string(again) != string(source) {
		t.Errorf("written twice, the schema differs: %v", err)
	}
}

func TestMarkdown(t *testing.T) {
	language := schema.Language(registrations())
	page := string(schemadoc.Markdown(language, registrations(), []schema.Function{{Name: "max", Signature: "max(numbers...)", Doc: "The greatest | of them."}}))
	for _, want := range []string{
		"- [runtime sim](#runtime-sim)\n",
		"## runtime sim\n\nA simulated | engine. May stand more than once.\n\n```hcl\nruntime \"sim\" \"name\" {\n",
		"| `mode` | string |  | `\"fast\"` | `\"fast\"`, `\"slow\"` | Fast \\| slow. | `\"slow\"` | 0.1 |\n",
		"| `noise` | number |  |  | at most 2 | Row of noise. | `0.1` | 0.1 |\n",
		"| `patience` | duration |  |  |  | Row of patience. A change of it keeps what was measured. | `\"5s\"` | 0.1 |\n",
		"| `file` | path | yes |  |  | Row of file. | `\"points.csv\"` | 0.1 |\n",
		"### fault\n",
		"| `max(numbers...)` | The greatest \\| of them. |\n",
		"## Marks on verdicts\n",
		"| `ttft`, `ttft_p50`, `ttft_p75`, `ttft_p90`, `ttft_p95`, `ttft_p99` | string |",
		"| predictor exact | every metric | its column |  |\n",
		"| benchmark loadgen | `ttft`, `ttft_p99` | first token |  |\n",
		"| benchmark loadgen | `tpot` | gap | x 1000 |\n",
		"| 99th | `ttft_p99`, `tpot_p99`, `latency_p99` | 299 |\n",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, m := range metric.All() {
		if !strings.Contains(page, "`"+string(m.Name)+"`") {
			t.Errorf("the page lacks %s", m.Name)
		}
	}
	checkTables(t, page)
	checkLinks(t, page)
}

// checkTables counts the cells of each row: a bar inside a cell would break it.
func checkTables(t *testing.T, page string) {
	t.Helper()
	cells := 0
	for line := range strings.Lines(page) {
		if !strings.HasPrefix(line, "|") {
			cells = 0
			continue
		}
		n := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|")
		if cells != 0 && n != cells {
			t.Errorf("%d bars instead of %d: %s", n, cells, line)
		}
		cells = n
	}
}

func checkLinks(t *testing.T, page string) {
	t.Helper()
	for _, link := range regexp.MustCompile(`\[([^]]+)\]\(#([^)]+)\)`).FindAllStringSubmatch(page, -1) {
		if !strings.Contains(page, "\n## "+link[1]+"\n") || link[2] != strings.ToLower(strings.ReplaceAll(link[1], " ", "-")) {
			t.Errorf("no section for link %s to #%s", link[1], link[2])
		}
	}
}

// TestExamplesOfThePageAreGood parses every example of the committed page and holds it
// to the canonical format.
func TestExamplesOfThePageAreGood(t *testing.T) {
	page, err := os.ReadFile("../../docs/reference.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile("(?s)```hcl\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	if len(examples) < 20 {
		t.Fatalf("only %d examples", len(examples))
	}
	for _, e := range examples {
		got, diags := format.Source([]byte(e[1]), "example")
		if diags.HasErrors() {
			t.Errorf("%v in\n%s", diags, e[1])
		}
		if string(got) != e[1] {
			t.Errorf("not formatted:\n%s", format.Diff("example", []byte(e[1]), got))
		}
	}
	checkTables(t, string(page))
	checkLinks(t, string(page))
}
