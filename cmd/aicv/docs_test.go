package main

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"aicv/engine"
	"aicv/internal/golden"
	"aicv/lang"
	"aicv/lang/schema"
	"aicv/lang/schemadoc"
	"aicv/spec"
	"aicv/state"
)

// The state serves the engine, though it must not know it.
var (
	_ engine.Store  = (*state.Store)(nil)
	_ engine.Reader = (*state.Reader)(nil)
)

// TestReferencePageIsCurrent fails when the page and the schema drift apart.
func TestReferencePageIsCurrent(t *testing.T) {
	checkPage(t, "reference.md", schemadoc.Markdown(schema.Language(registrations()), registrations(), lang.Functions()))
}

// TestHardwarePageIsCurrent fails when the page and the registry drift apart.
func TestHardwarePageIsCurrent(t *testing.T) {
	want, err := exec.Command("aicv", "hardware", "list", "--format", "markdown").Output()
	if err != nil {
		t.Fatal(err)
	}
	checkPage(t, "hardware.md", want)
}

// checkPage compares a generated page of docs/ with what it should be.
func checkPage(t *testing.T, name string, want []byte) {
	t.Helper()
	path := filepath.Join("..", "..", "docs", name)
	if golden.Update() {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("docs/%s is not what the program says; AICV_UPDATE=1 go test ./cmd/aicv rewrites it\n%s", name, diff)
	}
}

// TestEveryRowIsDocumented holds the schema to what the reference page needs.
func TestEveryRowIsDocumented(t *testing.T) {
	var walk func(path string, blocks []spec.Block)
	walk = func(path string, blocks []spec.Block) {
		for _, b := range blocks {
			at := strings.TrimSpace(path + " " + b.Name + " " + b.Kind)
			if b.Doc == "" || b.Since == "" {
				t.Errorf("block %s lacks a doc or the version that brought it", at)
			}
			for _, a := range b.Attributes {
				if a.Doc == "" || a.Example == "" || a.Since == "" || a.Type == "" {
					t.Errorf("%s.%s lacks doc, example, type or since: %+v", at, a.Name, a)
				}
			}
			walk(at, b.Blocks)
		}
	}
	walk("", schema.Language(registrations()))
}

// TestCredentialsAreReferences: no provider may take a credential as a text.
func TestCredentialsAreReferences(t *testing.T) {
	found := 0
	for _, r := range registrations() {
		for _, row := range r.Schema.Attributes {
			if !strings.HasSuffix(row.Name, "api_key") && !strings.HasSuffix(row.Name, "password") {
				continue
			}
			found++
			if !row.Secret {
				t.Errorf("%s %s.%s takes a text", r.Role, r.Kind, row.Name)
			}
		}
	}
	if found < 5 {
		t.Errorf("only %d rows of credentials were looked at", found)
	}
}

// TestIncidentalRows: components carry the names of their own block's rows along, so
// only these can be incidental, and only where an identity covers the component.
func TestIncidentalRows(t *testing.T) {
	var found []string
	var walk func(path string, own bool, blocks []spec.Block)
	walk = func(path string, own bool, blocks []spec.Block) {
		for _, b := range blocks {
			at := strings.TrimSpace(path + " " + b.Name + " " + b.Kind)
			covered := own && b.Kind != "" && b.Name != string(spec.RolePredictor)
			for _, name := range b.Incidental() {
				if found = append(found, at+"."+name); !covered {
					t.Errorf("%s.%s can not be incidental", at, name)
				}
			}
			walk(at, false, b.Blocks)
		}
	}
	walk("", true, schema.Language(registrations()))
	for _, want := range append(waits(), "target process.port_range", "target endpoint.health_path", "benchmark loadgen.api_key") {
		if !slices.Contains(found, want) {
			t.Errorf("%s says nothing of what is measured: mark it Incidental", want)
		}
	}
}

// waits lists the rows that say how long a target or a runtime is waited for.
func waits() []string {
	var rows []string
	for _, b := range schema.Language(registrations()) {
		if b.Name != string(spec.RoleTarget) && b.Name != string(spec.RoleRuntime) {
			continue
		}
		for _, a := range b.Attributes {
			if strings.HasSuffix(a.Name, "timeout") {
				rows = append(rows, b.Name+" "+b.Kind+"."+a.Name)
			}
		}
	}
	return rows
}

// TestReadmeSuite runs the suite that the README opens with through validation.
func TestReadmeSuite(t *testing.T) {
	suite := fenced(t, filepath.Join("..", "..", "README.md"), "hcl")
	if lines := strings.Count(suite, "\n"); lines > 20 {
		t.Errorf("the first suite has %d lines", lines)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "suite.hcl"), []byte(suite), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("aicv", "plan", dir).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestTutorial runs every command of the tutorial, in order, in one folder; its server
// listens at another port.
func TestTutorial(t *testing.T) {
	if testing.Short() {
		t.Skip("the tutorial measures for about a minute")
	}
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "tutorial.md"))
	if err != nil {
		t.Fatal(err)
	}
	script := "set -eux\n"
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
		script += block[1]
	}
	port, err := newFreePorts().take(1) // another copy of this test may hold the page's
	if err != nil {
		t.Fatal(err)
	}
	script = strings.ReplaceAll(script, "17771", strconv.Itoa(port))
	command := exec.Command("sh", "-c", script)
	command.Dir = t.TempDir()
	command.Env = append(os.Environ(), "WORK="+command.Dir)
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"re-judge", "edited after data", "1 re-judge|set aside|SET ASIDE", "All claims pass"} {
		if !regexp.MustCompile(want).Match(out) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	for _, file := range []string{"claims.xml", "report.md", "report.html", "events.jsonl", "my-suite/.aicv.lock"} {
		if _, err := os.Stat(filepath.Join(command.Dir, file)); err != nil {
			t.Error(err)
		}
	}
}

// TestSampleOutputs holds the outputs that pages show to what the commands print now. A
// comment before a block says the command; figures and verdicts may differ, and "..."
// stands for any lines.
func TestSampleOutputs(t *testing.T) {
	if testing.Short() {
		t.Skip("the samples measure for about a minute")
	}
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	samples := regexp.MustCompile("(?s)<!-- prints: aicv ([^\n]*) -->\n```[a-z]*\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	if len(samples) < 2 {
		t.Fatalf("only %d samples", len(samples))
	}
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "examples"), os.DirFS(filepath.Join("..", "..", "examples"))); err != nil {
		t.Fatal(err)
	}
	for _, sample := range samples {
		command := exec.Command("aicv", strings.Fields(sample[1])...)
		command.Dir = dir
		out, err := command.CombinedOutput()
		if exited := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exited) {
			t.Fatal(err)
		}
		if missing := missingLine(sample[2], string(out)); missing != "" {
			t.Errorf("aicv %s does not print\n%s\nbut\n%s", sample[1], missing, out)
		}
	}
}

// missingLine finds the first line of a sample that the output does not have in its
// place.
func missingLine(sample, output string) string {
	printed := strings.Split(output, "\n")
	anywhere := true
	for line := range strings.Lines(sample) {
		if strings.TrimSpace(line) == "..." {
			anywhere = true
			continue
		}
		at := slices.IndexFunc(printed, func(p string) bool { return shape(p) == shape(line) })
		if at < 0 || (at > 0 && !anywhere) {
			return line
		}
		printed, anywhere = printed[at+1:], false
	}
	return ""
}

// shape leaves out what one apply has otherwise than the next.
func shape(line string) string {
	line = regexp.MustCompile(`concurrency=\d+,tensor_parallel=\d+`).ReplaceAllString(line, "CELL")
	line = regexp.MustCompile(`\[\d+/\d+\]|[+-]?\d[\d.,]*( ?(ms|s|%)\b)?`).ReplaceAllString(line, "#")
	line = regexp.MustCompile(`inconclusive|not comparable|no data|pass|fail|[✓✗?≠]`).ReplaceAllString(line, "V")
	line = strings.Join(strings.Fields(line), " ")
	line = regexp.MustCompile(`( in #| runs) (notes|[a-z](,[a-z])*)$`).ReplaceAllString(line, "$1") // findings of this apply
	return regexp.MustCompile(`(# V ?)+$`).ReplaceAllString(line, "# V")                            // 1 fail, 3 pass
}

// TestCommandLinePage holds the page to the commands, flags, events and documents that
// there are.
func TestCommandLinePage(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "command-line.md"))
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	help, err := exec.Command("aicv", "--help").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^  ([a-z]+) {2,}[A-Z]|(--[a-z-]+)`).FindAllStringSubmatch(string(help), -1) {
		if m[1] != "" && m[1] != "help" {
			want = append(want, "aicv "+m[1])
		} else if m[2] != "" && m[2] != "--help" && m[2] != "--format" {
			want = append(want, m[2])
		}
	}
	events, err := os.ReadFile(filepath.Join("..", "..", "spec", "event.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`EventType = "([a-z_]+)"|json:"([a-z_]+)`).FindAllStringSubmatch(string(events), -1) {
		want = append(want, "`"+m[1]+m[2]+"`")
	}
	if len(want) < 50 {
		t.Fatalf("only %d: %q", len(want), want)
	}
	for _, w := range want {
		if !strings.Contains(string(page), w) {
			t.Errorf("docs/command-line.md does not mention %s", w)
		}
	}
}

// TestMarksAreExplained holds the reference to the marks that verdicts can carry.
func TestMarksAreExplained(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "reference.md"))
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(filepath.Join("..", "..", "verify", "marks.go"))
	if err != nil {
		t.Fatal(err)
	}
	marks := regexp.MustCompile(`Mark[A-Za-z]+ +(?:string )?= "([^"]+)"`).FindAllStringSubmatch(string(source), -1)
	if len(marks) < 6 {
		t.Fatalf("only %d marks", len(marks))
	}
	for _, m := range marks {
		if !strings.Contains(string(page), "`"+m[1]) {
			t.Errorf("docs/reference.md does not explain the mark %q", m[1])
		}
	}
}

// fenced is the first code block of a language in a Markdown file.
func fenced(t *testing.T, path, language string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(content), "```"+language+"\n")
	block, _, closed := strings.Cut(rest, "```")
	if !found || !closed {
		t.Fatalf("no %s block in %s", language, path)
	}
	return block
}

// TestJSONSchema validates suites in JSON syntax against the schema that aicv prints.
func TestJSONSchema(t *testing.T) {
	compiled := compileSchema(t)
	good := `{
		"model": {"llama": {"id": "meta-llama/Llama-3.1-8B-Instruct"}},
		"runtime": {"sim": {"engine": {"noise": 0.01, "env": {"HF_TOKEN": "${env(\"HF_TOKEN\")}"}}}},
		"experiment": {"e": {
			"matrix": {"concurrency": [1, 2], "input_tokens": "${range(1, 4)}"},
			"repeats": {"min": 3, "max": "${var.max}"},
			"assert": {"a": {"expect": ["ttft < 1s"]}}
		}}
	}`
	if err := compiled.Validate(parse(t, good)); err != nil {
		t.Error(err)
	}
	for name, bad := range map[string]string{
		"unknown block":     `{"modle": {}}`,
		"unknown attribute": `{"model": {"m": {"id": "x", "pth": "y"}}}`,
		"missing attribute": `{"model": {"m": {}}}`,
		"wrong type":        `{"experiment": {"e": {"repeats": {"min": "three"}}}}`,
		"out of bounds":     `{"experiment": {"e": {"repeats": {"min": 0}}}}`,
		"unknown kind":      `{"runtime": {"simm": {"x": {}}}}`,
		"not allowed":       `{"suite": {"on_undecided": "ignore"}}`,
	} {
		if compiled.Validate(parse(t, bad)) == nil {
			t.Errorf("%s: accepted %s", name, bad)
		}
	}
}

func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	source, err := schemadoc.JSONSchema(schema.Language(registrations()))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("suite.json", parse(t, string(source))); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("suite.json")
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

func parse(t *testing.T, source string) any {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(source))
	if err != nil {
		t.Fatal(err)
	}
	return document
}

// TestSchemaJSON holds the form of aicv's own schema document.
func TestSchemaJSON(t *testing.T) {
	source, err := schemadoc.JSON(schema.Language(registrations()))
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		FormatVersion string `json:"format_version"`
		Blocks        []struct{ Name, Kind string }
	}
	if err := json.Unmarshal(source, &document); err != nil {
		t.Fatal(err)
	}
	if document.FormatVersion != "1.0" || len(document.Blocks) < 14 {
		t.Errorf("%s with %d blocks", document.FormatVersion, len(document.Blocks))
	}
}

func TestShape(t *testing.T) {
	for _, same := range [][2]string{
		{"  ? inconclusive  tpot within 10%        speed           1 ?  3 ✓", "  ✓ pass  tpot within 10%        speed           4 ✓"},
		{"    ✗  concurrency=8,tensor_parallel=2      12.00     27.53   17.84..37.21  -56.4 %  3 in 1  a,b", "    ✓  concurrency=2,tensor_parallel=1      20.00     21.70   20.95..22.45   -7.8 %  3 in 1"},
		{"       cell    predicted  measured  90 % interval    error    runs  notes", "       cell  predicted  measured  90 % interval    error    runs"},
		{"[2/14] run experiment.e[\"x\"] done in 4.93s throughput 928.2 tokens/s/GPU, ttft 57.56 ms", "[3/14] run experiment.e[\"x\"] done in 890ms throughput 9 tokens/s/GPU, ttft 5 ms"},
	} {
		if shape(same[0]) != shape(same[1]) {
			t.Errorf("%q\n%q", shape(same[0]), shape(same[1]))
		}
	}
	for _, other := range [][2]string{{"  ✓ pass  tpot within 10%  speed  4 ✓", "  ✓ pass  ttft within 10%  speed  4 ✓"}, {"Plan: 4 new.", "Plan: 4 kept."}} {
		if shape(other[0]) == shape(other[1]) {
			t.Errorf("%q is taken for %q", other[0], other[1])
		}
	}
}
