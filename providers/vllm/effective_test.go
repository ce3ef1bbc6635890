package vllm

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aicv/kit/engine"
	"aicv/spec"
)

// recorded is an answer of a real vLLM 0.32.0; the test skips where there is none.
func recorded(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "fixtures", "runtimes", "vllm-0.32.0-cpu", name))
	if err != nil {
		t.Skip("no recorded answers: the fixtures are not beside the repository (../shared/fixtures/runtimes)")
	}
	return data
}

func newTest(t *testing.T, attrs spec.Attrs) *runtime {
	t.Helper()
	made, err := newRuntime(&spec.Component{Role: spec.RoleRuntime, Kind: Kind, Name: "it", Attrs: attrs}, spec.Env{})
	if err != nil {
		t.Fatal(err)
	}
	return made.(*runtime)
}

// serve answers with the given bodies by path.
func serve(t *testing.T, answers map[string][]byte) spec.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, ok := answers[r.Method+" "+r.URL.Path]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_, _ = w.Write(body)
	}))
	t.Cleanup(s.Close)
	return spec.Server{URL: s.URL}
}

func compare(t *testing.T, got spec.Configuration, want map[string]string) {
	t.Helper()
	for item, value := range want {
		if text := got.Get(item).Text(); text != value {
			t.Errorf("%s is %q, want %q", item, text, value)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d items, want %d: %v", len(got), len(want), got)
	}
}

// TestEffectiveOfARealServer reads the recorded answer, and nothing of the environment in it.
func TestEffectiveOfARealServer(t *testing.T) {
	info := recorded(t, "server_info.json")
	got, err := newTest(t, nil).Effective(context.Background(), serve(t, map[string][]byte{"GET /server_info": info}))
	if err != nil {
		t.Fatal(err)
	}
	compare(t, got, map[string]string{
		spec.ItemTensorParallel: "1", spec.ItemPipelineParallel: "1", spec.ItemAttentionDataParallel: "1",
		spec.ItemDType: "bfloat16", spec.ItemGEMMQuant: "bfloat16", spec.ItemKVCacheQuant: "bfloat16", spec.ItemMaxSequenceLength: "2048",
		spec.ItemMaxBatchSize: "32", spec.ItemMaxBatchTokens: "2048", spec.ItemMemoryFraction: "0.92", spec.ItemPrefixCache: "false",
		spec.ItemChunkedPrefill: "true", spec.ItemSchedulePolicy: "fcfs", spec.ItemCUDAGraphs: "false", spec.ItemSpeculativeTokens: "0",
		spec.ReportedLoadFormat: "dummy", spec.ReportedKVCacheTokens: "1048576",
	})
}

// TestNothingOfTheEnvironment: names and values of /server_info's environment appear
// nowhere, not in the answer and not in errors.
func TestNothingOfTheEnvironment(t *testing.T) {
	for _, info := range []string{
		`{"vllm_config": {"model_config": {"max_model_len": 7}}, "vllm_env": {"VLLM_API_KEY": "canary"}, "system_env": {"env_vars": "HF_TOKEN=canary"}}`,
		`{"vllm_config": "canary", "system_env": "canary"}`,
		`{"canary": canary`, `["canary"]`, `canary`,
	} {
		got, err := newTest(t, nil).Effective(context.Background(), serve(t, map[string][]byte{"GET /server_info": []byte(info)}))
		if text := spec.ListValue(values(got)...).String(); strings.Contains(text, "canary") {
			t.Errorf("%s: %s", info, text)
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", info, err)
		}
	}
}

func values(c spec.Configuration) []spec.Value {
	var list []spec.Value
	for _, s := range c {
		list = append(list, spec.StringValue(s.Name), s.Value)
	}
	return list
}

// TestEffectiveWithoutDevelopmentEndpoints: metrics and the list of models tell some.
func TestEffectiveWithoutDevelopmentEndpoints(t *testing.T) {
	server := serve(t, map[string][]byte{"GET /metrics": recorded(t, "metrics.txt"), "GET /v1/models": recorded(t, "models.json")})
	got, err := newTest(t, nil).Effective(context.Background(), server)
	if err != nil {
		t.Fatal(err)
	}
	compare(t, got, map[string]string{spec.ItemMaxSequenceLength: "2048", spec.ItemPrefixCache: "false", spec.ItemMemoryFraction: "0.92", spec.ReportedKVCacheTokens: "1048576"})
	if _, err := newTest(t, nil).Effective(context.Background(), serve(t, nil)); err == nil {
		t.Error("a server that answers nothing was read")
	}
}

func TestLimitsOfRanks(t *testing.T) {
	info := `{"vllm_config": {"model_config": {"dtype": "torch.bfloat16", "quantization": "fp8", "max_model_len": 4096, "enforce_eager": false},
		"cache_config": {"cache_dtype": "auto", "num_gpu_blocks": 100, "block_size": 16},
		"parallel_config": {"tensor_parallel_size": 2, "data_parallel_size": 4, "is_moe_model": true, "enable_expert_parallel": true},
		"scheduler_config": {"max_num_seqs": 8}, "compilation_config": {"cudagraph_mode": [2, 1]}, "speculative_config": {"num_speculative_tokens": 3}}}`
	got, err := newTest(t, nil).Effective(context.Background(), serve(t, map[string][]byte{"GET /server_info": []byte(info)}))
	if err != nil {
		t.Fatal(err)
	}
	compare(t, got, map[string]string{
		spec.ItemTensorParallel: "2", spec.ItemAttentionDataParallel: "4", spec.ItemMoEExpertParallel: "8", spec.ItemMoETensorParallel: "1",
		spec.ItemDType: "bfloat16", spec.ItemMaxSequenceLength: "4096", spec.ItemMaxBatchSize: "32", spec.ItemCUDAGraphs: "true", spec.ItemSpeculativeTokens: "3",
		spec.ReportedKVCacheTokens: "1600",
	})
}

// TestCountersOfARealServer reads the recorded metrics.
func TestCountersOfARealServer(t *testing.T) {
	server := serve(t, map[string][]byte{"GET /metrics": recorded(t, "metrics.txt"), "GET /version": recorded(t, "version.json"), "POST /reset_prefix_cache": []byte(`{"success":true}`)})
	r := newTest(t, nil)
	c, err := r.Counters(context.Background(), server)
	if err != nil {
		t.Fatal(err)
	}
	for name, pair := range map[string][2]float64{
		"prompt": {*c.PromptTokens, 130677}, "generation": {*c.GenerationTokens, 31888}, "queries": {*c.PrefixCacheQueries, 0}, "hits": {*c.PrefixCacheHits, 0},
		"preemptions": {*c.Preemptions, 0}, "running": {*c.Running, 0}, "waiting": {*c.Waiting, 0}, "usage": {*c.KVCacheUsage, 0},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: %v, want %v", name, pair[0], pair[1])
		}
	}
	if v, err := r.Version(context.Background(), server); v != "0.32.0" || err != nil {
		t.Errorf("version %q, %v", v, err)
	}
	if err := r.FlushCache(context.Background(), server); err != nil {
		t.Error(err)
	}
	if err := r.FlushCache(context.Background(), serve(t, map[string][]byte{"POST /reset_prefix_cache": []byte(`{"success":false}`)})); err == nil {
		t.Error("a cache that was not emptied")
	}
}

// TestSilentOnAHealthyLog: a real server's whole log shows no failure, and all phases.
func TestSilentOnAHealthyLog(t *testing.T) {
	log := string(recorded(t, "serve.log"))
	if e, known := newTest(t, nil).Diagnose(log); known {
		t.Errorf("a failure in a healthy log: %+v", e)
	}
}

// TestOwnSignatures: vLLM's own failures, by their lines.
func TestOwnSignatures(t *testing.T) {
	r := newTest(t, nil)
	for line, want := range map[string]string{
		"ValueError: No available memory for the cache blocks. Try increasing `gpu_memory_utilization` when initializing the engine.":                                                                                                                                "no room for the KV cache",
		"ValueError: To serve at least one request with the models's max seq len (131072), (16.00 GiB KV cache is needed, which is larger than the available KV cache memory (7.5 GiB). Based on the available memory, the estimated maximum model length is 61000.": "one sequence",
		"ValueError: Free memory on device (10.0/79.1 GiB) on startup is less than desired GPU memory utilization (0.9, 71.2 GiB).":                                                                                                                                  "another process",
		"TimeoutError: Timed out waiting for engine core processes to start. This is often caused by slow weight loading":                                                                                                                                            "longer than vLLM waits",
		"ValueError: The quantization method fp8 is not supported for the current GPU. Minimum capability: 89. Current capability: 80.":                                                                                                                              "can not run the quantization",
		"ValueError: Bfloat16 is only supported on GPUs with compute capability of at least 8.0. Your Tesla T4 GPU has compute capability 7.5.":                                                                                                                      "bfloat16",
		"RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}":                                                                                                                                                             "processes failed",
		"ERROR WorkerProc initialization failed due to an exception in a background process.":                                                                                                                                                                        "processes failed",
		"ValueError: User-specified max_model_len (99999) is greater than the derived max_model_len (max_position_embeddings=4096)":                                                                                                                                  "beyond what the model",
	} {
		e, known := r.Diagnose(line + "\n")
		if !known || !strings.Contains(e.Summary, want) || e.Fix == "" {
			t.Errorf("%q: %+v, want %q", line, e, want)
		}
	}
	e, _ := r.Diagnose("x larger than the available KV cache memory (7 GiB). the estimated maximum model length is 61000. y")
	if !strings.Contains(e.Fix, "to 61000") {
		t.Errorf("fix %q", e.Fix)
	}
}

func FuzzEffective(f *testing.F) {
	f.Add([]byte(`{"vllm_config": {"model_config": {"dtype": "torch.bfloat16"}, "compilation_config": {"cudagraph_mode": []}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if a, err := engine.ReadAnswer(body); err == nil {
			readConfig(a.Object("vllm_config"))
		}
		readCacheInfo(&engine.Report{}, body)
	})
}
