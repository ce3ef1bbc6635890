package exec

import (
	"bytes"
	"encoding/json"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"aicv/metric"
	"aicv/spec"
)

var (
	schemaPath = filepath.Join("..", "..", "docs", "predictor-protocol.schema.json")
	pagePath   = filepath.Join("..", "..", "docs", "predictor-protocol.md")
	examples   = filepath.Join("..", "..", "examples", "predictors")
)

// TestSchemaIsCurrent holds the committed schema to the metrics and the items that there
// are.
func TestSchemaIsCurrent(t *testing.T) {
	content, err := os.ReadFile(schemaPath)
	if err != nil {
		t.Fatal(err)
	}
	var document map[string]any
	if err := json.Unmarshal(content, &document); err != nil {
		t.Fatal(err)
	}
	defs := document["$defs"].(map[string]any)
	defs["metric"] = map[string]any{"enum": metric.Names(), "description": "A metric's name; the table in docs/reference.md has units and definitions."}
	properties := map[string]any{}
	for _, row := range spec.ConfigurationItems() {
		properties[row.Name] = itemSchema(row)
	}
	defs["configuration"].(map[string]any)["properties"] = properties
	want, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if os.Getenv("AICV_UPDATE") != "" {
		if err := os.WriteFile(schemaPath, want, 0o644); err != nil {
			t.Fatal(err)
		}
		content = want
	}
	if diff := cmp.Diff(string(want), string(content)); diff != "" {
		t.Errorf("docs/predictor-protocol.schema.json does not have the metrics and items that there are; AICV_UPDATE=1 go test ./providers/exec rewrites it\n%s", diff)
	}
}

func itemSchema(row spec.Attribute) map[string]any {
	item := map[string]any{"description": row.Doc}
	switch row.Type {
	case spec.TypeInt:
		item["type"] = "integer"
	case spec.TypeNumber:
		item["type"] = "number"
	case spec.TypeBool:
		item["type"] = "boolean"
	default:
		item["type"], item["minLength"] = "string", 1
	}
	if row.Min != nil {
		item["minimum"] = *row.Min
	}
	if row.Max != nil {
		item["maximum"] = *row.Max
	}
	return item
}

// schemas compiles the parts of the schema that tests name.
func schemas(t testing.TB, names ...string) map[string]*jsonschema.Schema {
	t.Helper()
	content, err := os.ReadFile(schemaPath)
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("protocol.json", document); err != nil {
		t.Fatal(err)
	}
	compiled := map[string]*jsonschema.Schema{}
	for _, name := range names {
		if compiled[name], err = compiler.Compile("protocol.json#/$defs/" + name); err != nil {
			t.Fatal(err)
		}
	}
	return compiled
}

func validate(t testing.TB, s *jsonschema.Schema, text string) error {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return err
	}
	return s.Validate(document)
}

// What aicv really asks follows the schema.
func TestRequestsFollowTheSchema(t *testing.T) {
	s := schemas(t, "request", "predictRequest", "supportRequest", "recommendRequest")
	path := filepath.Join(t.TempDir(), "request.json")
	c := playing(t, hello, "EXEC_TEST_KEEP", path)
	c.Attrs[attrSupport], c.Attrs[attrRecommend] = spec.BoolValue(true), spec.BoolValue(true)
	p := made(t, c)
	list := points(3)
	list[1].Config, list[1].System, list[1].RuntimeVersion, list[1].ModelPath = nil, "", "", "/models/x"
	list[2].Load = spec.Load{RequestRate: metric.MustDecimal("0.25"), InputTokens: 1, OutputTokens: 1}
	base := list[0]
	base.Load.Concurrency = 0
	for part, put := range map[string]func(){
		"predictRequest": func() { _, _ = p.Predict(t.Context(), list) }, // only the request counts
		"supportRequest": func() { _, _ = p.(spec.Supporter).Support(t.Context(), list) },
		"recommendRequest": func() {
			_, _ = p.(spec.Recommender).Recommend(t.Context(), spec.RecommendRequest{Base: base, GPUs: 8, Top: 5,
				Limits: spec.SLO{{Metric: metric.TTFT, Quantity: metric.MustDecimal("1000")}}})
		},
	} {
		put()
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{part, "request"} {
			if err := validate(t, s[name], string(content)); err != nil {
				t.Errorf("%s: %v\n%s", name, err, content)
			}
		}
	}
	p.(spec.Checker).Check(t.Context())
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate(t, s["predictRequest"], string(content)); err != nil {
		t.Errorf("what doctor asks: %v\n%s", err, content)
	}
}

// The schema and the reader refuse the same forms.
func TestBadFormsFailTheSchema(t *testing.T) {
	s := schemas(t, "prediction", "support", "row")
	for part, lines := range map[string][]string{
		"prediction": {
			`{"values":{"ttft":1}}`, `{"point":-1,"values":{"ttft":1}}`, `{"point":0}`, `{"point":0,"values":{}}`, `{"point":0,"values":{"ttft":1},"missing":"x"}`,
			`{"point":0,"values":{"ttfs":1}}`, `{"point":0,"values":{"ttft":"1"}}`, `{"point":0,"values":{"ttft":null}}`, `{"point":0,"values":{"ttft":-1}}`,
			`{"point":0,"value":{"ttft":1}}`, `{"point":0,"missing":""}`, `{"point":0,"values":{"ttft":1},"findings":[{"check":"x"}]}`,
			`{"point":0,"values":{"ttft":1},"findings":[{"check":"x","severity":"fatal","message":"m"}]}`,
		},
		"support": {`{"point":0}`, `{"supported":true}`, `{"point":0,"supported":"yes"}`, `{"point":0,"supported":true,"values":{}}`},
		"row":     {`{"configuration":{}}`, `{"load":{}}`, `{"load":{"concurrency":0}}`, `{"load":{"concurrency":1,"request_rate":1}}`, `{"load":{"concurrency":1},"configuration":{"tp":1}}`},
	} {
		for _, line := range lines {
			if validate(t, s[part], line) == nil {
				t.Errorf("the schema takes %s", line)
			}
			p, a, r := newPointAnswers(1, []metric.Name{metric.TTFT}), &supportAnswers{answers: make([]spec.Support, 1), done: make([]bool, 1)}, &rowAnswers{request: &spec.RecommendRequest{}}
			var err error
			taken := 0
			switch part {
			case "prediction":
				err = p.accept([]byte(line))
				taken = p.answered
			case "support":
				err = a.accept([]byte(line))
				taken = a.answered
			default:
				err = r.accept([]byte(line))
				taken = len(r.rows)
			}
			if taken != 0 || err == nil && len(p.wrong) == 0 {
				t.Errorf("the reader takes %s", line)
			}
		}
	}
}

// Whatever good answer is written, the schema and the reader take it, and the figures
// arrive as they were.
func TestGoodAnswersAreTaken(t *testing.T) {
	s := schemas(t, "prediction")["prediction"]
	rapid.Check(t, func(t *rapid.T) {
		values := map[string]float64{}
		for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom(metric.Names()), 1, 5, rapid.ID).Draw(t, "metrics") {
			values[name] = rapid.Float64Range(1e-9, 1).Draw(t, name)
		}
		answer := map[string]any{"point": 0, "values": values,
			"modelled": map[string]any{"tensor_parallel": rapid.IntRange(1, 64).Draw(t, "tp"), "prefix_cache": rapid.Bool().Draw(t, "prefix"), "memory_fraction": 0.5},
			"source":   rapid.String().Draw(t, "source"), "database": rapid.String().Draw(t, "database")}
		if rapid.Bool().Draw(t, "finding") {
			answer["findings"] = []any{map[string]any{"check": "c", "severity": rapid.SampledFrom([]string{"note", "warn", "not_comparable"}).Draw(t, "severity"), "message": "m", "metrics": []string{"ttft"}}}
		}
		line, err := json.Marshal(answer)
		if err != nil {
			t.Fatal(err)
		}
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader(line))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(document); err != nil {
			t.Fatalf("the schema refuses %s: %v", line, err)
		}
		var all []metric.Name
		for _, name := range metric.Names() {
			all = append(all, metric.Name(name))
		}
		a := newPointAnswers(1, all)
		if err := a.accept(line); err != nil || a.answered != 1 {
			t.Fatalf("the reader refuses %s: %v %v", line, err, a.wrong)
		}
		for name, want := range values {
			if got, _ := a.predictions[0].Values.Get(metric.Name(name)); got != want {
				t.Fatalf("%s is %v, want %v", name, got, want)
			}
		}
		if len(a.predictions[0].Modelled) != 3 {
			t.Fatalf("%+v", a.predictions[0])
		}
	})
}

// TestPage holds the protocol's page to the schema: each JSON example on it is one.
func TestPage(t *testing.T) {
	s := schemas(t, "request", "header", "prediction", "support", "row", "noRow")
	content, err := os.ReadFile(pagePath)
	if err != nil {
		t.Fatal(err)
	}
	checked := map[string]int{}
	rest := string(content)
	for {
		var block string
		var found bool
		if _, rest, found = strings.Cut(rest, "```json\n"); !found {
			break
		}
		block, rest, _ = strings.Cut(rest, "```")
		documents := []string{block}
		if !strings.Contains(block, `"request"`) {
			documents = strings.Split(strings.TrimSpace(block), "\n")
		}
		for _, document := range documents {
			checked[fits(t, s, document)]++
		}
	}
	for name := range s {
		if checked[name] == 0 {
			t.Errorf("the page has no example of %s", name)
		}
	}
	for _, name := range metric.Names() {
		if !strings.Contains(name, "_p") && !strings.Contains(string(content), "`"+name+"`") {
			t.Errorf("the page does not name the metric %s", name)
		}
	}
}

// fits names the part of the schema that a document is of.
func fits(t *testing.T, s map[string]*jsonschema.Schema, document string) string {
	t.Helper()
	var reasons []string
	for name, part := range s {
		err := validate(t, part, document)
		if err == nil {
			return name
		}
		reasons = append(reasons, name+": "+err.Error())
	}
	t.Errorf("%s\nis nothing of the protocol: %s", document, strings.Join(reasons, "\n"))
	return ""
}

// exchange asks an example and returns its raw output, after it was checked against the
// schema.
func exchange(t *testing.T, request []byte, argv ...string) []string {
	t.Helper()
	if _, err := osexec.LookPath(argv[0]); err != nil {
		t.Skipf("%s is not here: install it to run this example", argv[0])
	}
	command := osexec.Command(argv[0], argv[1:]...)
	command.Dir, command.Stdin = examples, bytes.NewReader(request)
	out, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	s := schemas(t, "header", "prediction", "support")
	for i, line := range lines {
		name := fits(t, s, line)
		if (i == 0) != (name == "header") {
			t.Errorf("line %d is a %s: %s", i+1, name, line)
		}
	}
	return lines
}
