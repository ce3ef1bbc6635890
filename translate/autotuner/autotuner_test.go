package autotuner

import (
	"strings"
	"testing"

	"aicv/spec"
	"aicv/translate"
	"aicv/translate/tree"
)

const full = `{
  "task_name": "full", "description": "d", "deployment_mode": "docker", "gpu_type": "H200",
  "model": {"id_or_path": "Qwen/Qwen3-30B-A3B", "namespace": "n", "hf_token": "geheim"},
  "base_runtime": "sglang", "runtime_image_tag": "v0.5.14",
  "parameters": {"tp-size": [8], "enable-dp-attention": [true], "dp-size": [2], "attention-backend": ["fa3"]},
  "quant_config": {"gemm_dtype": "fp8", "kvcache_dtype": ["auto", "fp8_e5m2"], "presets": ["x"]},
  "parallel_config": {"moe_ep": 8, "cp": 2},
  "optimization": {"strategy": "grid_search", "objective": "minimize_ttft"},
  "benchmark": {"traffic_scenarios": ["D(100,100)"], "num_concurrency": [4], "model_tokenizer": "a/b", "max_time_per_iteration": "5"},
  "slo": {"ttft": {"threshold": "1.5", "hard_fail": true}, "latency": {"p75": {"threshold": 1}, "p42": {"threshold": 1}}}
}`

func imported(t *testing.T, text string, o translate.Options) (*translate.Suite, *translate.Report) {
	t.Helper()
	suite, report, err := Import(translate.Source{Name: "task.json", Data: []byte(text)}, o)
	if err != nil {
		t.Fatal(err)
	}
	return suite, report
}

func TestFields(t *testing.T) {
	suite, report := imported(t, full, translate.Options{})
	e := &suite.Experiments[0]
	for item, want := range map[string]string{
		spec.ItemTensorParallel:        "4", // 8 in two ranks of attention
		spec.ItemAttentionDataParallel: "2", spec.ItemMoEExpertParallel: "8", spec.ItemGEMMQuant: "fp8", spec.ItemKVCacheQuant: "fp8_e5m2",
	} {
		if a := e.Axis(item); a == nil || len(a.Values) != 1 || a.Values[0].String() != want {
			t.Errorf("%s is %v, want %s", item, a, want)
		}
	}
	for field, want := range map[string]translate.Row{
		"gpu_type":                         {Item: "hardware.system", Fidelity: spec.FidelityApproximate},
		"deployment_mode":                  {Item: "target.docker", Fidelity: spec.FidelityExact},
		"parameters.dp-size":               {Item: spec.ItemAttentionDataParallel, Fidelity: spec.FidelityExact},
		"quant_config.kvcache_dtype":       {Fidelity: spec.FidelityUnsupported}, // auto beside another value
		"quant_config.presets":             {Fidelity: spec.FidelityUnsupported},
		"parallel_config.cp":               {Fidelity: spec.FidelityUnsupported},
		"benchmark.max_time_per_iteration": {Item: "benchmark.genaibench.max_time", Fidelity: spec.FidelityApproximate},
		"slo.ttft":                         {Item: "slo.ttft", Fidelity: spec.FidelityApproximate},
		"slo.latency.p42":                  {Fidelity: spec.FidelityUnsupported},
	} {
		got, found := report.Find(field)
		if !found || got.Item != want.Item || got.Fidelity != want.Fidelity {
			t.Errorf("%s: %+v, want %+v", field, got, want)
		}
	}
	if e.Hardware.System != "h200_sxm" || e.Hardware.GPUs != 8 {
		t.Errorf("hardware %+v", e.Hardware)
	}
	if len(e.Asserts) != 2 || e.Asserts[0].Expect[0] != "ttft <= 2.25s" {
		t.Errorf("asserts %+v", e.Asserts)
	}
	for _, f := range suite.Files {
		if strings.Contains(string(f.Content), "geheim") {
			t.Errorf("%s holds the secret", f.Name)
		}
	}
}

// Every field of the document is in the report, whatever it is.
func TestNothingIsDropped(t *testing.T) {
	_, report := imported(t, full, translate.Options{})
	doc, err := tree.Parse("task.json", []byte(full))
	if err != nil {
		t.Fatal(err)
	}
	var check func(prefix string, n *tree.Node)
	check = func(prefix string, n *tree.Node) {
		for _, f := range n.Fields {
			field := prefix + f.Name
			if _, found := report.Find(field); found {
				continue
			}
			if f.Node.Kind != tree.Map {
				t.Errorf("%s is in no row", field)
			}
			check(field+".", f.Node)
		}
	}
	check("", doc)
}

func TestAnEditedSuiteChangesItsTask(t *testing.T) {
	source := translate.Source{Name: "task.json", Data: []byte(strings.Replace(full, `"geheim"`, "null", 1))}
	suite, _, err := Import(source, translate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	e := &suite.Experiments[0]
	e.Axis(spec.ItemTensorParallel).Values = []spec.Value{spec.IntValue(2)}
	e.Axis("concurrency").Values = []spec.Value{spec.IntValue(16), spec.IntValue(64)}
	e.Axes = append(e.Axes, translate.Axis{Name: spec.ItemMaxBatchSize, Values: []spec.Value{spec.IntValue(64)}},
		translate.Axis{Name: spec.ItemCommQuant, Values: []spec.Value{spec.StringValue("half")}})
	e.Limits = []translate.Limit{{Metric: "ttft", Quantity: "500ms"}, {Metric: "throughput", Quantity: "20 tokens/s/GPU"}}
	out, report, err := Export(e, translate.Export{Suite: "renamed", Origin: &source})
	if err != nil {
		t.Fatal(err)
	}
	doc, err := tree.Parse("task.json", out)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"task_name": "renamed", "parameters.tp-size": "[4]", "parameters.dp-size": "[2]", "benchmark.num_concurrency": "[16, 64]",
		"parameters.max-running-requests": "[64]", "slo.ttft.threshold": "0.5", "slo.ttft.hard_fail": "true", "description": "d",
		"parallel_config.cp": "2", "benchmark.max_time_per_iteration": "5",
	} {
		if got := doc.Get(strings.Split(path, ".")...); got.String() != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
	for _, item := range []string{spec.ItemCommQuant, "slo.throughput"} {
		found := false
		for _, row := range report.Rows {
			found = found || row.Item == item && row.Fidelity == spec.FidelityUnsupported
		}
		if !found {
			t.Errorf("%s is lost without a word", item)
		}
	}
}

func FuzzImport(f *testing.F) {
	f.Add([]byte(full), false)
	f.Add([]byte("task_name: x\nmodel: {id_or_path: m}\nbase_runtime: vllm\nbenchmark: {num_concurrency: ['4'], traffic_scenarios: [D(1,1)]}\n"), true)
	f.Fuzz(func(t *testing.T, data []byte, asYAML bool) {
		name := "task.json"
		if asYAML {
			name = "task.yaml"
		}
		suite, report, err := Import(translate.Source{Name: name, Data: data}, translate.Options{})
		if err != nil {
			return
		}
		for _, row := range report.Rows {
			if row.Fidelity != spec.FidelityExact && row.Why == "" {
				t.Fatalf("no reason: %+v", row)
			}
		}
		if _, err := suite.Render(); err != nil && !strings.Contains(err.Error(), "UTF-8") {
			t.Fatal(err)
		}
	})
}
