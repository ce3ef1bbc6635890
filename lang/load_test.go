package lang

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"aicv/metric"
	"aicv/spec"
)

const head = `
model "m" { id = "org/model" }
hardware "h" {
  system = "h100_sxm"
  gpus   = 8
}
runtime "sim" "r" { version = "1" }
predictor "aiconfigurator" "aic" {}
`

const oneWorkload = `
workload "w" {
  input_tokens  = 100
  output_tokens = 10
  concurrency   = 4
}
`

// keys lists the row keys of one experiment.
func keys(x *spec.Experiment) []string {
	var out []string
	for i := range x.Cells {
		out = append(out, x.Cells[i].Key())
	}
	return out
}

func experimentOf(t *testing.T, body string) *spec.Experiment {
	t.Helper()
	suite := mustLoad(t, head+oneWorkload+"experiment \"e\" {\n"+body+"\n}\n")
	return suite.Experiments[0]
}

func TestMatrixRows(t *testing.T) {
	for name, test := range map[string]struct {
		body string
		want []string
	}{
		"no matrix":                {"", []string{""}},
		"last axis fastest":        {"matrix {\n tensor_parallel = [1, 2]\n concurrency = [8, 32]\n}", []string{"concurrency=8,tensor_parallel=1", "concurrency=32,tensor_parallel=1", "concurrency=8,tensor_parallel=2", "concurrency=32,tensor_parallel=2"}},
		"exclude":                  {"matrix {\n tensor_parallel = [1, 2]\n concurrency = [8, 32]\n exclude = [{ tensor_parallel = 1, concurrency = 32 }]\n}", []string{"concurrency=8,tensor_parallel=1", "concurrency=8,tensor_parallel=2", "concurrency=32,tensor_parallel=2"}},
		"include adds a row":       {"matrix {\n tensor_parallel = [1]\n include = [{ tensor_parallel = 8, kv_cache_quant = \"fp8\" }]\n}", []string{"tensor_parallel=1", "kv_cache_quant=fp8,tensor_parallel=8"}},
		"include merges":           {"matrix {\n tensor_parallel = [1, 2]\n include = [{ tensor_parallel = 2 }]\n}", []string{"tensor_parallel=1", "tensor_parallel=2"}},
		"include alone":            {"matrix {\n include = [{ tensor_parallel = 2 }, { tensor_parallel = 4 }]\n}", []string{"tensor_parallel=2", "tensor_parallel=4"}},
		"references by name":       {"matrix {\n model = [model.m]\n}", []string{"model=m"}},
		"computed axis":            {"matrix {\n concurrency = [for i in range(3): pow(2, i)]\n}", []string{"concurrency=1", "concurrency=2", "concurrency=4"}},
		"decimal axis stays exact": {"matrix {\n memory_fraction = [0.1, 0.85]\n}", []string{"memory_fraction=0.1", "memory_fraction=0.85"}},
		"lengths":                  {"matrix {\n input_tokens = [10, 20]\n}", []string{"input_tokens=10", "input_tokens=20"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, keys(experimentOf(t, test.body))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAxesSetItems(t *testing.T) {
	x := experimentOf(t, `
  matrix {
    tensor_parallel = [2]
    concurrency     = [16]
    input_tokens    = [50]
    duration        = ["30s"]
    warmup          = [5]
    warmup_duration = ["20s"]
    seed            = [9]
    size            = [3]
  }
  configuration {
    max_batch_size   = matrix.size * matrix.concurrency
    max_batch_tokens = 8192
  }`)
	got := x.Cells[0]
	wantLoad := spec.Load{Concurrency: 16, InputTokens: 50, OutputTokens: 10}
	if diff := cmp.Diff(wantLoad, got.Load, cmp.AllowUnexported(metric.Decimal{})); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(spec.Sampling{Duration: 30 * time.Second, Warmup: 5, WarmupTime: 20 * time.Second, Seed: 9}, got.Sampling); diff != "" {
		t.Error(diff)
	}
	if want := "max_batch_size=48,max_batch_tokens=8192,tensor_parallel=2"; string(got.Config.AppendCanonical(nil)) != want {
		t.Errorf("configuration %s, want %s", got.Config.AppendCanonical(nil), want)
	}
	if got := string(x.Base.Config.AppendCanonical(nil)); got != "max_batch_tokens=8192" {
		t.Errorf("base configuration %s: it must hold what all rows share, and nothing else", got)
	}
}

// Cells that follow from one base must not share the memory that tells them apart.
func TestCellsAreIndependent(t *testing.T) {
	x := experimentOf(t, "matrix {\n tensor_parallel = [1, 2, 4]\n kv_cache_quant = [\"fp8\", \"bfloat16\"]\n}\nconfiguration { max_batch_size = 4 }")
	for i := range x.Cells {
		c := &x.Cells[i]
		for _, a := range c.Axes {
			if !c.Config.Get(a.Name).Equal(a.Value) {
				t.Errorf("%s: configuration has %s=%s", c.Address(), a.Name, c.Config.Get(a.Name))
			}
		}
	}
}

func TestReferencesReadTheMatrix(t *testing.T) {
	suite := mustLoad(t, head+oneWorkload+`
model "big" { id = "org/big" }
experiment "e" {
  model = matrix.large ? model.big : model.m
  matrix {
    large   = [false, true]
    runtime = [runtime.sim.r, runtime.vllm.v]
  }
  configuration { max_batch_size = length(matrix.runtime.version) }
}
runtime "vllm" "v" { version = "0.24.0" }
`)
	x := suite.Experiments[0]
	var got []string
	for _, c := range x.Cells {
		got = append(got, c.Model.ID+" "+c.Runtime.Address()+" "+c.Config.Get("max_batch_size").Text())
	}
	want := []string{"org/model runtime.sim.r 1", "org/model runtime.vllm.v 6", "org/big runtime.sim.r 1", "org/big runtime.vllm.v 6"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if x.Base.Model != nil || x.Base.Runtime != nil {
		t.Error("the base has a model or a runtime that the rows do not share")
	}
}

func TestKindsThatShareANameAreToldApart(t *testing.T) {
	suite := mustLoad(t, head+oneWorkload+"runtime \"vllm\" \"r\" {}\nexperiment \"e\" {\n matrix {\n  runtime = [runtime.sim.r, runtime.vllm.r]\n }\n}\n")
	want := []string{"runtime=sim.r", "runtime=vllm.r"}
	if diff := cmp.Diff(want, keys(suite.Experiments[0])); diff != "" {
		t.Error(diff)
	}
}

func TestWorkloadConcurrencyIsAnAxis(t *testing.T) {
	list := strings.Replace(oneWorkload, "= 4", "= [4, 8]", 1)
	for name, test := range map[string]struct {
		body string
		want []string
	}{
		"of the experiment's workload": {"", []string{"concurrency=4", "concurrency=8"}},
		"beside other axes":            {"matrix {\n tensor_parallel = [1, 2]\n}", []string{"concurrency=4,tensor_parallel=1", "concurrency=8,tensor_parallel=1", "concurrency=4,tensor_parallel=2", "concurrency=8,tensor_parallel=2"}},
		"overridden by the matrix":     {"matrix {\n concurrency = [1]\n}", []string{"concurrency=1"}},
		"of workloads on an axis":      {"matrix {\n workload = [workload.w, workload.v]\n}", []string{"concurrency=4,workload=w", "concurrency=8,workload=w", "workload=v"}},
		"excluded":                     {"matrix {\n tensor_parallel = [1]\n exclude = [{ concurrency = 4 }]\n}", []string{"concurrency=8,tensor_parallel=1"}},
		"multiplies included rows":     {"matrix {\n include = [{ tensor_parallel = 2 }, { concurrency = 1 }]\n}", []string{"concurrency=4,tensor_parallel=2", "concurrency=8,tensor_parallel=2", "concurrency=1"}},
	} {
		t.Run(name, func(t *testing.T) {
			text := head + list + "experiment \"e\" {\n workload = workload.w\n" + test.body + "\n}\n"
			if strings.Contains(test.body, "workload.v") {
				text = strings.Replace(text, " workload = workload.w\n", "", 1)
			}
			text += "workload \"v\" {\n traffic = \"D(7, 3)\"\n concurrency = 2\n}\n"
			x := mustLoad(t, text).Experiments[0]
			if diff := cmp.Diff(test.want, keys(x)); diff != "" {
				t.Error(diff)
			}
			for i := range x.Cells {
				for _, a := range x.Cells[i].Axes {
					if n, _ := a.Value.Int(); a.Name == "concurrency" && n != x.Cells[i].Load.Concurrency {
						t.Errorf("%s is driven at %d", x.Cells[i].Address(), x.Cells[i].Load.Concurrency)
					}
				}
			}
		})
	}
}

func TestRecommendedAlone(t *testing.T) {
	x := experimentOf(t, "recommended { top = 5 }")
	if len(x.Cells) != 0 || x.Recommended.Top != 5 {
		t.Errorf("%d cells, %+v: without a matrix all rows come from the predictor", len(x.Cells), x.Recommended)
	}
	both := experimentOf(t, "recommended { top = 5 }\nmatrix {\n tensor_parallel = [1]\n}")
	if len(both.Cells) != 1 {
		t.Errorf("%d cells beside the recommended rows, want 1", len(both.Cells))
	}
}

func TestPointsFrom(t *testing.T) {
	suite := mustLoad(t, head+`
model "n" { id = "org/other" }
benchmark "recorded" "r" { file = "runs.csv" }
benchmark "loadgen" "l" {}
experiment "e" { points_from = benchmark.recorded.r }
`)
	x := suite.Experiments[0]
	if len(x.Cells) != 0 || x.PointsFrom == nil || x.PointsFrom != x.Base.Benchmark {
		t.Errorf("cells %d, points from %v, benchmark %v", len(x.Cells), x.PointsFrom, x.Base.Benchmark)
	}
	if x.Base.Model != nil {
		t.Error("each point names its own model, but the base has one")
	}
}

func TestDefaults(t *testing.T) {
	suite := mustLoad(t, "model \"m\" { id = \"org/model\" }\nruntime \"sim\" \"r\" {}\nexperiment \"e\" {\n matrix {\n  input_tokens = [1]\n  output_tokens = [2]\n  concurrency = [3]\n }\n}\n")
	c := suite.Experiments[0].Cells[0]
	if c.Target.Address() != "target.process.default" || c.Benchmark.Address() != "benchmark.loadgen.default" || c.Predictor != nil || c.Hardware != nil {
		t.Errorf("target %v, benchmark %v, predictor %v, hardware %v", c.Target, c.Benchmark, c.Predictor, c.Hardware)
	}
	if got := c.Target.Attrs.Text("port_range"); got != "18000-18999" {
		t.Errorf("the default target lacks its schema's defaults: %q", got)
	}
	if len(suite.Components) != 3 {
		t.Errorf("%d components, want the runtime and the two defaults", len(suite.Components))
	}
	want := spec.Repeats{Min: 3, Max: 10, Starts: 1}
	if suite.Experiments[0].Repeats != want || suite.OnUndecided != "fail" || suite.Seed != 1 || c.Sampling.Seed != 1 {
		t.Errorf("repeats %+v, on_undecided %s, seed %d, prompts' seed %d", suite.Experiments[0].Repeats, suite.OnUndecided, suite.Seed, c.Sampling.Seed)
	}
}

// Which attributes identities leave out is the schema's knowledge; it reaches declared
// components and the defaults alike.
func TestIncidentalAttributes(t *testing.T) {
	cell := func(runtime string) *spec.Cell {
		suite := mustLoad(t, strings.Replace(head, `{ version = "1" }`, "{\n"+runtime+"\n}", 1)+oneWorkload+"experiment \"e\" {}\n")
		return &suite.Experiments[0].Cells[0]
	}
	short, long := cell(`ready_timeout = "1s"`), cell(`ready_timeout = "2h"`)
	if short.MeasurementID() != long.MeasurementID() {
		t.Error("a longer wait is another measurement")
	}
	if noisy := cell("noise = 0.5"); short.MeasurementID() == noisy.MeasurementID() {
		t.Error("another noise is the same measurement")
	}
	if long.Runtime.Attrs.Text("ready_timeout") != "2h" || !slices.Equal(long.Target.Incidental, []string{"port_range"}) {
		t.Errorf("runtime %v, target %v", long.Runtime.Attrs, long.Target.Incidental)
	}
}

func TestSuiteBlock(t *testing.T) {
	suite := mustLoad(t, head+oneWorkload+"suite {\n name = \"n\"\n on_undecided = \"warn\"\n seed = 7\n}\nexperiment \"e\" {}\n")
	if suite.Name != "n" || suite.OnUndecided != "warn" || suite.Seed != 7 || suite.Experiments[0].Cells[0].Sampling.Seed != 7 {
		t.Errorf("%s %s %d %d", suite.Name, suite.OnUndecided, suite.Seed, suite.Experiments[0].Cells[0].Sampling.Seed)
	}
}

func TestSLOAndAsserts(t *testing.T) {
	x := experimentOf(t, `
  slo {
    ttft       = "1.5s"
    tpot_p99   = "30 ms"
    throughput = "20 tokens/s/GPU"
    error_rate = "1%"
  }
  repeats {
    min    = 2
    max    = 4
    starts = 2
  }
  assert "a" {
    severity = "warn"
    expect   = "goodput > 1 requests/s"
  }
  assert "b" { expect = ["throughput within 10%", "ttft_p99 < 2s"] }`)
	want := spec.SLO{{Metric: "throughput", Quantity: metric.MustDecimal("20")}, {Metric: "ttft", Quantity: metric.MustDecimal("1500")},
		{Metric: "tpot_p99", Quantity: metric.MustDecimal("30")}, {Metric: "error_rate", Quantity: metric.MustDecimal("0.01")}}
	if diff := cmp.Diff(want, x.SLO, cmp.AllowUnexported(metric.Decimal{})); diff != "" {
		t.Error(diff)
	}
	if (x.Repeats != spec.Repeats{Min: 2, Max: 4, Starts: 2}) {
		t.Errorf("repeats %+v", x.Repeats)
	}
	if x.Asserts[0].Severity != spec.AssertWarn || x.Asserts[1].Severity != spec.AssertError || len(x.Asserts[1].Claims) != 2 {
		t.Errorf("asserts %+v", x.Asserts)
	}
}

func TestComponentAttributes(t *testing.T) {
	suite := mustLoad(t, head+oneWorkload+`
variable "token" {
  sensitive = true
  default   = "s3"
}
locals {
  secret = env("HF_TOKEN")
  port   = 80
}
runtime "sim" "x" {
  version    = "${local.port}"
  args       = { "schedule-policy" = "fcfs", n = 3, deep = { a = [1, true, null] } }
  env        = { HF_TOKEN = local.secret, PORT = local.port, T = var.token, GONE = null }
  noise      = 0.05
  load_share = "95%"
  tags       = "one"
  sizes      = [1, 2]
  extra      = runtime.sim.r.version
  strict     = local.port > 10
  like       = runtime.sim.r
  headers {
    b = local.secret
    a = [1]
  }
  cost { token = 2 }
  fault "f1" { after = 3 }
  fault "f2" { after = 4 }
}
experiment "e" { runtime = runtime.sim.x }
`)
	var got spec.Attrs
	for _, c := range suite.Components {
		if c.Name == "x" {
			got = c.Attrs
		}
	}
	want := `{"args":{"deep":{"a":[1,true,null]},"n":3,"schedule-policy":"fcfs"},"cost":{"base":0.5,"token":2},` +
		`"env":{"HF_TOKEN":{"$env":"HF_TOKEN"},"PORT":"80","T":"s3"},"extra":"1","fault":[{"after":3,"label":"f1"},{"after":4,"label":"f2"}],"headers":{"a":[1],"b":{"$env":"HF_TOKEN"}},"like":"runtime.sim.r",` +
		`"load_share":0.95,"mode":"fast","noise":0.05,"ready_timeout":"30s","sizes":[1,2],"strict":true,"tags":["one"],"version":"80"}`
	if diff := cmp.Diff(want, string(got.Value().AppendCanonical(nil))); diff != "" {
		t.Error(diff)
	}
}

func TestVariablePrecedence(t *testing.T) {
	text := head + oneWorkload + "variable \"v\" { default = \"default\" }\nsuite { name = var.v }\nexperiment \"e\" {}\n"
	sources := []struct {
		name string
		set  func(dir string, o *Options)
	}{
		{"default", func(string, *Options) {}},
		{"environment", func(_ string, o *Options) {
			o.Environ = func(n string) (string, bool) { return "environment", n == "AICV_VAR_v" }
		}},
		{"auto", func(dir string, _ *Options) { writeFile(t, filepath.Join(dir, "aicv.auto.hclvars"), `v = "auto"`) }},
		{"first", func(dir string, o *Options) {
			o.VarFiles = append(o.VarFiles, writeFile(t, filepath.Join(dir, "1.vars"), `v = "first"`))
		}},
		{"second", func(dir string, o *Options) {
			o.VarFiles = append(o.VarFiles, writeFile(t, filepath.Join(dir, "2.vars.json"), `{"v": "second"}`))
		}},
		{"flag", func(_ string, o *Options) { o.Vars = map[string]string{"v": "flag"} }},
	}
	dir := write(t, map[string]string{"suite.hcl": text})
	options := Options{Dir: dir, Registrations: testRegistrations()}
	seen := make(map[string]bool)
	for _, s := range sources {
		s.set(dir, &options)
		loaded, diags := Load(options)
		if len(diags) > 0 || loaded.Suite.Name != s.name {
			t.Fatalf("want %s, got %+v, %v", s.name, loaded.Suite, diags)
		}
		if seen[loaded.Suite.InputHash] {
			t.Errorf("%s: the input hash does not cover the variable's value", s.name)
		}
		seen[loaded.Suite.InputHash] = true
	}
}

func writeFile(t *testing.T, path, content string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestVariableTypes(t *testing.T) {
	text := head + oneWorkload + `
variable "n" { default = 3 }
variable "list" { type = list(number) }
variable "object" {
  type    = object({ a = number, b = optional(string, "x") })
  default = { a = 1 }
}
suite { name = "${var.n + 1} ${join("-", var.list)} ${var.object.b}" }
experiment "e" {}
`
	dir := write(t, map[string]string{"suite.hcl": text})
	loaded, diags := Load(Options{Dir: dir, Registrations: testRegistrations(), Vars: map[string]string{"n": "7", "list": "[1, 2]"}})
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	if loaded.Suite.Name != "8 1-2 x" {
		t.Errorf("name %q", loaded.Suite.Name)
	}
}

func TestCheckpoint(t *testing.T) {
	text := head + oneWorkload + "model \"p\" {\n id = \"x\"\n path = \"ckpt\"\n}\nexperiment \"e\" { model = model.p }\n"
	dir := write(t, map[string]string{"suite.hcl": text})
	if err := os.Mkdir(filepath.Join(dir, "ckpt"), 0o700); err != nil {
		t.Fatal(err)
	}
	config := writeFile(t, filepath.Join(dir, "ckpt", "config.json"), checkpointConfig(512))
	load := func() *spec.Suite {
		loaded, diags := Load(Options{Dir: dir, Registrations: testRegistrations()})
		if len(diags) > 0 {
			t.Fatal(diags)
		}
		return loaded.Suite
	}
	first := load()
	m := first.Experiments[0].Cells[0].Model
	if m.ConfigHash != string(spec.HashOf([]byte(checkpointConfig(512)))) || m.Path != filepath.Join(dir, "ckpt") {
		t.Errorf("%+v", m)
	}
	writeFile(t, config, checkpointConfig(1024))
	if second := load(); second.InputHash == first.InputHash {
		t.Error("the input hash does not cover the checkpoint's configuration")
	}
}

// checkpointConfig is a small config.json with a context of so many tokens.
func checkpointConfig(context int) string {
	return fmt.Sprintf(`{"architectures": ["LlamaForCausalLM"], "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
		"num_attention_heads": 4, "vocab_size": 100, "max_position_embeddings": %d}`, context)
}

// A checkpoint whose configuration is missing or broken is a warning at its path, which
// names file and field; the content still identifies the model.
func TestBrokenCheckpoint(t *testing.T) {
	text := head + oneWorkload + "model \"p\" {\n id = \"x\"\n path = \"ckpt\"\n}\nexperiment \"e\" { model = model.p }\n"
	for config, want := range map[string]struct{ summary, detail string }{
		"": {"No checkpoint at the model's path", "ckpt/config.json does not exist, so the model is identified by its id alone."},
		`{"architectures": ["LlamaForCausalLM"], "hidden_size": "4096"}`: {"The checkpoint's configuration can not be used", `ckpt/config.json: hidden_size is "4096"; it must be a whole number from 1 to 16777216.`},
		"{":                             {"The checkpoint's configuration can not be used", "ckpt/config.json: this is no JSON object"},
		`{"hidden_size": 64}`:           {"The checkpoint's configuration can not be used", "ckpt/config.json: architectures is missing"},
		`{"architectures": ["NovelX"]}`: {"The checkpoint's configuration can not be used", "hidden_size"},
	} {
		dir := write(t, map[string]string{"suite.hcl": text})
		if err := os.Mkdir(filepath.Join(dir, "ckpt"), 0o700); err != nil {
			t.Fatal(err)
		}
		if config != "" {
			writeFile(t, filepath.Join(dir, "ckpt", "config.json"), config)
		}
		loaded, diags := Load(Options{Dir: dir, Registrations: testRegistrations()})
		if len(diags) != 1 || diags[0].Severity != spec.SeverityWarning || diags[0].Summary != want.summary || !strings.Contains(diags[0].Detail, want.detail) {
			t.Errorf("%s: %+v", config, diags)
			continue
		}
		if at := diags[0].Subject; at.Start.Line == 0 || !strings.Contains(strings.Split(text, "\n")[at.Start.Line-1], "ckpt") {
			t.Errorf("%s: the message stands at %+v", config, at)
		}
		m := loaded.Suite.Experiments[0].Cells[0].Model
		if hashed := m.ConfigHash == string(spec.HashOf([]byte(config))); hashed != (config != "") {
			t.Errorf("%s: hash %q", config, m.ConfigHash)
		}
	}
}

// The whole suite of the design page, as far as this version judges its claims.
func TestDesignSuite(t *testing.T) {
	content, err := os.ReadFile(filepath.Join("testdata", "design.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	loaded, diags := loadFiles(t, map[string]string{"suite.hcl": string(content)})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	x := loaded.Suite.Experiments[0]
	if len(x.Cells) != 24 || len(x.Asserts) != 2 || x.Recommended.Top != 5 {
		t.Errorf("%d cells, %d asserts", len(x.Cells), len(x.Asserts))
	}
	want := `experiment.scaling["concurrency=8,kv_cache_quant=bfloat16,tensor_parallel=1"]`
	if got := x.Cells[0].Address(); got != want {
		t.Errorf("first cell %s, want %s", got, want)
	}
}

func TestMissingFolders(t *testing.T) {
	empty := t.TempDir()
	writeFile(t, filepath.Join(empty, ".aicv.lock"), "lock \"x\" {}")
	writeFile(t, filepath.Join(empty, ".hidden.hcl"), "nonsense {")
	for _, dir := range []string{empty, filepath.Join(empty, "gone")} {
		loaded, diags := Load(Options{Dir: dir})
		if loaded == nil || loaded.Suite != nil || len(diags) != 1 || !strings.HasPrefix(diags[0].Summary, "No suite in "+dir) || diags[0].Suggestion == "" {
			t.Errorf("%s: %+v", dir, diags)
		}
	}
}

// ignoreRanges compares suites without the places of their parts.
func ignoreRanges() cmp.Options {
	return cmp.Options{cmp.AllowUnexported(spec.Value{}, metric.Decimal{}), cmpopts.IgnoreTypes(spec.Range{}),
		cmpopts.IgnoreFields(spec.Suite{}, "Dir", "Name", "Files", "InputHash", "Inputs"), cmpopts.EquateEmpty()}
}

// Chains and fans of references are walked without regard to their length.
func TestLongChains(t *testing.T) {
	var b strings.Builder
	b.WriteString(head + oneWorkload + "locals {\n x0 = 1\n")
	const n = 20_000
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&b, " x%d = local.x%d + 1\n", i, i-1)
	}
	fmt.Fprintf(&b, "}\nsuite { seed = local.x%d }\nexperiment \"e\" {}\n", n)
	if got := mustLoad(t, b.String()).Seed; got != n+1 {
		t.Errorf("seed %d, want %d", got, n+1)
	}
}

// A claim about a prediction is held to every predictor of the experiment.
func TestPredictorsOnAnAxis(t *testing.T) {
	registrations := append(testRegistrations(), spec.Registration{Role: spec.RolePredictor, Kind: "narrow", Metrics: []metric.Mapping{{Metric: metric.TPOT}}})
	text := head + oneWorkload + "predictor \"narrow\" \"n\" {}\nexperiment \"e\" {\n matrix {\n  predictor = [predictor.aiconfigurator.aic, predictor.narrow.n]\n }\n assert \"a\" { expect = [\"tpot within 10%\", \"ttft within 10%\"] }\n}\n"
	_, diags := Load(Options{Dir: write(t, map[string]string{"s.hcl": text}), Registrations: registrations})
	if len(diags) != 1 || diags[0].Summary != "predictor.narrow.n does not predict ttft" {
		t.Errorf("%+v", diags)
	}
}

// The only predictor of a suite is every experiment's, but for those that want none.
func TestNullIsNoPredictor(t *testing.T) {
	const oneCell = " matrix {\n  input_tokens = [1]\n  output_tokens = [2]\n  concurrency = [3, 4]\n }\n"
	for text, want := range map[string][2]bool{
		"":                    {true, true},
		" predictor = null\n": {},
		" predictor = matrix.concurrency == 3 ? predictor.aiconfigurator.aic : null\n": {true, false},
	} {
		suite := mustLoad(t, "model \"m\" { id = \"org/model\" }\nruntime \"sim\" \"r\" {}\npredictor \"aiconfigurator\" \"aic\" {}\nexperiment \"e\" {\n"+text+oneCell+"}\n")
		for i, c := range suite.Experiments[0].Cells {
			if (c.Predictor != nil) != want[i] {
				t.Errorf("%q: cell %d has predictor %v", text, i, c.Predictor)
			}
		}
	}
	_, diags := loadFiles(t, map[string]string{"s.hcl": head + oneWorkload + "experiment \"e\" {\n predictor = null\n matrix {\n  tensor_parallel = [1]\n }\n assert \"a\" { expect = [\"ttft within 10%\"] }\n}\n"})
	if len(diags) != 1 || !strings.Contains(diags[0].Detail+diags[0].Summary, "no predictor") {
		t.Errorf("%+v", diags)
	}
}

func TestWhatDoesNotFit(t *testing.T) {
	for text, want := range map[string]bool{"": false, `does_not_fit = "skip"`: false, `does_not_fit = "deploy"`: true} {
		if got := experimentOf(t, text).DeployUnfit; got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}
