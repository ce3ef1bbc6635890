package aiconf

import (
	"slices"
	"strings"
	"testing"

	"aicv/spec"
	"aicv/translate"
)

const (
	aggCSV = `model,isl,osl,prefix,concurrency,bs,ttft,tpot,request_latency,seq/s,tokens/s,tokens/s/user,num_total_gpus,tp,pp,dp,moe_tp,moe_ep,cp,gemm,kvcache,fmha,moe,comm,ctx_tokens,backend,version,system
Qwen/Qwen3-235B-A22B-FP8,4000,1000,0,128,16,600,20,20600,2.5,2500,50,8,1,1,8,1,8,1,fp8_block,fp8,bfloat16,fp8_block,half,8192,sglang,0.5.14,h200_sxm
Qwen/Qwen3-235B-A22B-FP8,4000,1000,16,128,16,600,20,20600,2.5,2500,50,8,1,1,8,1,8,1,fp8_block,fp8,bfloat16,fp8_block,half,8192,sglang,0.5.14,h200_sxm
Qwen/Qwen3-32B,4000,1000,0,8,8,600,20,20600,2.5,NaN,50,1,1,1,1,1,1,1,bfloat16,bfloat16,bfloat16,bfloat16,half,8192,trtllm,1.0,h200_sxm
`
	splitCSV = `model,isl,osl,prefix,concurrency,(p)bs,(p)workers,(d)bs,(d)workers,num_total_gpus,(p)tp,(p)pp,(p)dp,(p)moe_tp,(p)moe_ep,(p)gemm,(p)backend,(p)version,(p)system,(d)tp,(d)pp,(d)dp,(d)moe_tp,(d)moe_ep,(d)gemm,(d)backend,(d)version,(d)system
Qwen/Qwen3-32B,4000,1000,0,64,1,2,64,1,6,1,1,1,1,1,bfloat16,vllm,0.24.0,h200_sxm,4,1,1,1,1,bfloat16,vllm,0.24.0,h200_sxm
`
	agg = `exps: [a]
a: {serving_mode: agg, model_path: Qwen/Qwen3-30B-A3B, system_name: h200_sxm, backend_name: vllm, backend_version: current, total_gpus: 8, isl: 100, osl: 50,
  free_gpu_memory_fraction: 0.8, nextn: 1, agg_tp_candidates: [1, 2, 4], agg_dp_candidates: [1, 2], agg_moe_tp_candidates: [1], agg_moe_ep_candidates: [2, 4], unknown_key: 1}
`
	generator = `ServiceConfig: {model_path: Qwen/Qwen3-30B-A3B}
K8sConfig: {k8s_image: vllm-runtime}
DynConfig: {mode: disagg}
WorkerConfig: {prefill_workers: 2, decode_workers: 1}
SlaConfig: {isl: 10, osl: 10}
BenchConfig: {concurrency: [4]}
NodeConfig: {system_name: h100_sxm}
params: {prefill: {tensor_parallel_size: 1}, decode: {tensor_parallel_size: 2, data_parallel_size: 2, moe_expert_parallel_size: 4}}
`
)

// only says that aicv has none but these providers.
func only(kinds ...string) translate.Options {
	return translate.Options{Has: func(_, kind string) bool { return slices.Contains(kinds, kind) }}
}

func TestRowsBecomeCells(t *testing.T) {
	suite, report, err := ImportResults(translate.Source{Name: "x.csv", Data: []byte(aggCSV)}, only("recorded"))
	if err != nil {
		t.Fatal(err)
	}
	e := &suite.Experiments[0]
	cells := e.Cells()
	if len(suite.Experiments) != 1 || len(cells) != 1 {
		t.Fatalf("%d experiments, cells %v", len(suite.Experiments), cells)
	}
	for _, want := range []string{"attention_data_parallel=8", "moe_expert_parallel=8", "max_batch_size=128", "concurrency=128", "max_batch_tokens=8192", "moe_quant=fp8_block", "prefix_cache=false"} {
		if !strings.Contains(cells[0], want) {
			t.Errorf("no %s in %s", want, cells[0])
		}
	}
	if strings.Contains(cells[0], "tensor_parallel=8") {
		t.Errorf("experts of one: %s", cells[0])
	}
	for line, want := range map[string]string{"line 3": "16 cached tokens", "line 4": "no runtime for this backend"} {
		if row, found := report.Find(line); !found || !strings.Contains(row.Why, want) {
			t.Errorf("%s: %+v", line, row)
		}
	}
	if e.Predictor == nil || e.Hardware.GPUs != 8 {
		t.Errorf("predictor %v, hardware %v", e.Predictor, e.Hardware)
	}
}

func TestPoolsGetStandIns(t *testing.T) {
	suite, report, err := ImportResults(translate.Source{Name: "x.csv", Data: []byte(splitCSV)}, translate.Options{Hardware: translate.Hardware{GPUs: 12}})
	if err != nil {
		t.Fatal(err)
	}
	e := &suite.Experiments[0]
	cells := e.Cells()
	// 12 GPUs hold two replicas of 6: twelve servers of one GPU, or three of four, under 128 requests.
	if len(cells) != 2 || !strings.Contains(cells[0], "concurrency=128") || !strings.Contains(strings.Join(cells, "\n"), "replicas=3 tensor_parallel=4") ||
		!strings.Contains(strings.Join(cells, "\n"), "replicas=12 tensor_parallel=1") {
		t.Errorf("cells %v", cells)
	}
	if e.Predictor != nil || len(e.Asserts) != 0 {
		t.Error("figures of pools are compared with servers that are none")
	}
	if row, _ := report.Find("(p)workers"); row.Fidelity != spec.FidelityUnsupported || row.Why != pools {
		t.Errorf("%+v", row)
	}
}

func TestCandidatesBecomeLayouts(t *testing.T) {
	source := translate.Source{Name: "e.yaml", Data: []byte(agg)}
	suite, report, err := ImportExp(source, only())
	if err != nil {
		t.Fatal(err)
	}
	// tp x dp = moe_ep holds for (1,2,2), (2,1,2), (2,2,4) and (4,1,4); each under three loads.
	if cells := suite.Experiments[0].Cells(); len(cells) != 12 {
		t.Errorf("%d cells: %v", len(cells), cells)
	}
	for field, want := range map[string]spec.Fidelity{"unknown_key": spec.FidelityUnsupported, "free_gpu_memory_fraction": spec.FidelityApproximate,
		"backend_version": spec.FidelityUnsupported, "agg_moe_ep_candidates": spec.FidelityExact} {
		if row, found := report.Find(field); !found || row.Fidelity != want {
			t.Errorf("%s: %+v", field, row)
		}
	}
	suite, _, err = ImportExp(source, only(predictorKind))
	if err != nil || suite.Experiments[0].Recommended != 5 || suite.Experiments[0].Axis(spec.ItemTensorParallel) != nil {
		t.Errorf("error %v, experiment %+v", err, suite)
	}
}

func TestExperimentsComeBack(t *testing.T) {
	source := translate.Source{Name: "e.yaml", Data: []byte(agg)}
	for _, o := range []translate.Options{only(), only(predictorKind)} {
		suite, _, err := ImportExp(source, o)
		if err != nil {
			t.Fatal(err)
		}
		e := &suite.Experiments[0]
		out, _, err := ExportExp(e, translate.Export{Origin: &source, Options: o})
		if err != nil || string(out) != agg {
			t.Errorf("error %v\n%s", err, out)
		}
		e.Axes = append(e.Axes, translate.Axis{Name: "traffic", Values: []spec.Value{spec.StringValue("D(100,50)")}})
		e.Hardware.GPUs = 16
		out, report, err := ExportExp(e, translate.Export{Origin: &source, Options: o})
		if err != nil || !strings.Contains(string(out), "total_gpus: 16") {
			t.Errorf("error %v\n%s", err, out)
		}
		if report.Count(spec.FidelityUnsupported)+report.Count(spec.FidelityApproximate) == 0 {
			t.Error("nothing is said of what the document has not")
		}
	}
}

func TestGeneratorOfPools(t *testing.T) {
	suite, report, err := ImportGenerator(translate.Source{Name: "g.yaml", Data: []byte(generator)}, translate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	cells := strings.Join(suite.Experiments[0].Cells(), "\n")
	if !strings.Contains(cells, "replicas=6 tensor_parallel=1") || !strings.Contains(cells, "attention_data_parallel=2") {
		t.Errorf("cells %s", cells)
	}
	if row, _ := report.Find("WorkerConfig.prefill_workers"); row.Why != pools {
		t.Errorf("%+v", row)
	}
}

func TestGeneratorsComeBack(t *testing.T) {
	text := strings.Replace(strings.Replace(generator, "mode: disagg", "mode: agg, other: kept", 1), "{prefill_workers: 2, decode_workers: 1}", "{agg_workers: 2}", 1)
	text = strings.Replace(text, "params: {", "params: {agg: {tensor_parallel_size: 2, moe_tensor_parallel_size: 2, max_batch_size: 8}, ", 1)
	source := translate.Source{Name: "g.yaml", Data: []byte(text)}
	suite, _, err := ImportGenerator(source, translate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	e := &suite.Experiments[0]
	out, _, err := ExportGenerator(e, translate.Export{Origin: &source})
	if err != nil || string(out) != text {
		t.Errorf("error %v\n%s", err, out)
	}
	e.Axis(spec.ItemReplicas).Values = []spec.Value{spec.IntValue(3)}
	e.Axes = append(e.Axes, translate.Axis{Name: "traffic", Values: []spec.Value{spec.StringValue("D(10,10)")}})
	out, _, err = ExportGenerator(e, translate.Export{Origin: &source})
	if err != nil || !strings.Contains(string(out), "agg_workers: 3") || !strings.Contains(string(out), "other: kept") {
		t.Errorf("error %v\n%s", err, out)
	}
}

// Every column and key of a table has a rule that says more than nothing.
func TestTables(t *testing.T) {
	for _, rules := range [][]translate.Rule{ResultRules(), ExpRules(), GeneratorRules()} {
		for _, r := range rules {
			if r.Fidelity != spec.FidelityExact && r.Why == "" || r.Item == "" && r.Why == "" {
				t.Errorf("%+v gives no reason", r)
			}
		}
	}
}

func fuzz(t *testing.T, data []byte, read func(translate.Source, translate.Options) (*translate.Suite, *translate.Report, error), name string) {
	suite, report, err := read(translate.Source{Name: name, Data: data}, translate.Options{})
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
}

func FuzzResults(f *testing.F) {
	f.Add([]byte(aggCSV))
	f.Add([]byte(splitCSV))
	f.Fuzz(func(t *testing.T, data []byte) { fuzz(t, data, ImportResults, "x.csv") })
}

func FuzzExp(f *testing.F) {
	f.Add([]byte(agg))
	f.Fuzz(func(t *testing.T, data []byte) { fuzz(t, data, ImportExp, "e.yaml") })
}

func FuzzGenerator(f *testing.F) {
	f.Add([]byte(generator))
	f.Fuzz(func(t *testing.T, data []byte) { fuzz(t, data, ImportGenerator, "g.yaml") })
}

// What is written as rows is the same question when it is read again.
func TestRowsComeBack(t *testing.T) {
	number := spec.IntValue
	e := &translate.Experiment{
		Name: "e", Model: translate.Model{ID: "Qwen/Qwen3-30B-A3B"}, Hardware: translate.Hardware{System: "h200_sxm", GPUs: 8},
		Runtimes: []translate.Runtime{{Kind: "vllm", Version: "0.24.0"}},
		Axes: []translate.Axis{
			{Name: spec.ItemTensorParallel, Values: []spec.Value{number(1), number(2)}}, {Name: spec.ItemAttentionDataParallel, Values: []spec.Value{number(2)}},
			{Name: spec.ItemReplicas, Values: []spec.Value{number(2)}}, {Name: "concurrency", Values: []spec.Value{number(16), number(64)}},
			{Name: spec.ItemMaxBatchSize, Values: []spec.Value{number(64)}}, {Name: spec.ItemMaxBatchTokens, Values: []spec.Value{number(8192)}},
			{Name: spec.ItemKVCacheQuant, Values: []spec.Value{spec.StringValue("fp8")}}, {Name: spec.ItemPrefixCache, Values: []spec.Value{spec.BoolValue(false)}},
			{Name: "traffic", Values: []spec.Value{spec.StringValue("D(100,50)")}},
		},
	}
	out, report, err := ExportResults(e, translate.Export{})
	if err != nil {
		t.Fatal(err)
	}
	suite, _, err := ImportResults(translate.Source{Name: "x.csv", Data: out}, translate.Options{})
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got := suite.Experiments[0].Cells(); !slices.Equal(got, e.Cells()) {
		t.Errorf("was\n%s\nis\n%s\n%s", strings.Join(e.Cells(), "\n"), strings.Join(got, "\n"), out)
	}
	if report.Count(spec.FidelityUnsupported) != 1 {
		t.Errorf("report %+v", report.Rows)
	}
}
