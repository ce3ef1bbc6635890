package sim

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"aicv/spec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func block(fields ...spec.Field) spec.Value { return spec.MapValue(fields...) }

func field(name string, value spec.Value) spec.Field { return spec.Field{Name: name, Value: value} }

func newTestRuntime(t *testing.T, attrs spec.Attrs) spec.Runtime {
	t.Helper()
	made, err := Registration().New.Runtime(&spec.Component{Role: spec.RoleRuntime, Kind: Kind, Name: "x", Attrs: attrs},
		spec.Env{Self: "/bin/aicv", SuiteDir: "/suite"})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestRender(t *testing.T) {
	r := newTestRuntime(t, spec.Attrs{
		"version":         spec.StringValue("0.2"),
		"kv_cache_tokens": spec.IntValue(5000),
		"request_log":     spec.StringValue("log.jsonl"),
		"args":            block(field("max-batch-size", spec.IntValue(9))),
		"env":             block(field("TOKEN", spec.SecretValue("HF_TOKEN"))),
		"cost":            block(field("base", spec.StringValue("2ms")), field("tp_efficiency", spec.NumberValue("0.8"))),
		"noise":           spec.NumberValue("0.02"),
		"start_noise":     spec.NumberValue("0.03"),
		"seed":            spec.IntValue(3),
		"ready_timeout":   spec.StringValue("10s"),
		"faults":          block(field("slow_start", spec.StringValue("2s")), field("crash_at_start", spec.BoolValue(true)), field("stall_share", spec.NumberValue("0.1"))),
	})
	got, mapping, err := r.Render(spec.RenderRequest{Model: spec.Model{ID: "org/model"}, Config: spec.NewConfiguration(
		spec.Setting{Name: spec.ItemTensorParallel, Value: spec.IntValue(2)},
		spec.Setting{Name: spec.ItemPrefixCache, Value: spec.BoolValue(true)},
		spec.Setting{Name: spec.ItemChunkedPrefill, Value: spec.BoolValue(false)},
		spec.Setting{Name: spec.ItemGEMMQuant, Value: spec.StringValue("fp8_block")},
		spec.Setting{Name: spec.ItemKVCacheQuant, Value: spec.StringValue("int3")},
		spec.Setting{Name: spec.ItemReplicas, Value: spec.IntValue(2)},
		spec.Setting{Name: spec.ItemPipelineParallel, Value: spec.IntValue(1)},
		spec.Setting{Name: spec.ItemMemoryFraction, Value: spec.NumberValue("0.9")},
	)})
	if err != nil {
		t.Fatal(err)
	}
	want := spec.ServerSpec{
		Command: []string{"/bin/aicv", "serve", "sim", "--listen", "{{host}}:{{port}}", "--chunked-prefill=false", "--cost-base", "2ms",
			"--cost-tp-efficiency", "0.8", "--engine-version", "0.2", "--fault-crash-at-start=true", "--fault-slow-start", "2s", "--fault-stall-share", "0.1",
			"--gemm-quant", "fp8_block", "--kv-cache-tokens", "5000", "--model", "org/model", "--noise-start", "0.03", "--noise-step", "0.02", "--prefix-cache=true",
			"--request-log", "/suite/log.jsonl", "--seed", "3", "--tensor-parallel", "2", "--max-batch-size=9"},
		Env:       []spec.EnvVar{{Name: "TOKEN", Value: spec.SecretValue("HF_TOKEN")}},
		ModelName: "org/model",
		Ready:     spec.Readiness{HealthPath: "/health", ModelsPath: "/v1/models", Timeout: 12 * time.Second},
		Grace:     5 * time.Second,
		Simulated: true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	wantMapping := []spec.ItemMapping{
		{Item: "chunked_prefill", Flag: "--chunked-prefill", Fidelity: spec.FidelityExact},
		{Item: "gemm_quant", Flag: "--gemm-quant", Fidelity: spec.FidelityExact},
		{Item: "kv_cache_quant", Fidelity: spec.FidelityUnsupported, Why: "the cost model has no factor for it"},
		{Item: "memory_fraction", Fidelity: spec.FidelityUnsupported, Why: "the simulator does not model it"},
		{Item: "pipeline_parallel", Fidelity: spec.FidelityExact, Why: "what the simulator does anyway"},
		{Item: "prefix_cache", Flag: "--prefix-cache", Fidelity: spec.FidelityExact},
		{Item: "replicas", Fidelity: spec.FidelityExact, Why: "so many servers behind aicv's own proxy; each is one replica"},
		{Item: "tensor_parallel", Flag: "--tensor-parallel", Fidelity: spec.FidelityExact},
	}
	if diff := cmp.Diff(wantMapping, mapping); diff != "" {
		t.Error(diff)
	}
}

// TestEveryItemIsMapped holds that each item of the language gets a row, and each
// exact one a flag that the server knows.
func TestEveryItemIsMapped(t *testing.T) {
	r := newTestRuntime(t, nil)
	for _, item := range spec.ConfigurationItems() {
		_, mapping, err := r.Render(spec.RenderRequest{Model: spec.Model{ID: "m"},
			Config: spec.NewConfiguration(spec.Setting{Name: item.Name, Value: spec.IntValue(1)})})
		if err != nil || len(mapping) != 1 || mapping[0].Item != item.Name {
			t.Fatalf("%s: %v, %v", item.Name, mapping, err)
		}
		var s settings
		if flag := strings.TrimPrefix(mapping[0].Flag, "--"); flag != "" && s.flags().Lookup(flag) == nil {
			t.Errorf("%s is mapped to --%s, which the server does not have", item.Name, flag)
		}
	}
}

// TestArgumentsComeBack: what Render writes, the server reads.
func TestArgumentsComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s settings
		s.flags()
		s.model = rapid.StringMatching(`[a-z]{1,8}/[A-Za-z0-9.-]{1,20}`).Draw(t, "model")
		s.tensorParallel = rapid.IntRange(1, 16).Draw(t, "tp")
		s.batchTokens = rapid.IntRange(1000, 20_000).Draw(t, "tokens")
		s.batchSize = rapid.IntRange(1, 1000).Draw(t, "size")
		s.maxSequence = rapid.IntRange(1, 1000).Draw(t, "sequence")
		s.kvTokens = rapid.IntRange(1000, 1_000_000).Draw(t, "kv")
		s.chunked, s.prefixCache = rapid.Bool().Draw(t, "chunked"), rapid.Bool().Draw(t, "prefix")
		s.cost.prefillToken = time.Duration(rapid.IntRange(0, 1_000_000).Draw(t, "prefill"))
		s.stepNoise = rapid.Float64Range(0, 2).Draw(t, "noise")
		s.faults.neverReady = rapid.Bool().Draw(t, "never")
		s.faults.truncateShare = rapid.Float64Range(0, 1).Draw(t, "truncate")
		got, err := parseSettings(s.argv())
		if err != nil {
			t.Fatal(err)
		}
		if got.listen = s.listen; got != s {
			t.Fatalf("%+v came back as %+v", s, got)
		}
	})
}

func TestRefusals(t *testing.T) {
	for _, x := range []struct{ name, args, message string }{
		{"unknown flag", "--no-such-flag 1", "no-such-flag"},
		{"stray argument", "x", `unexpected argument "x"`},
		{"zero", "--tensor-parallel 0", "tensor-parallel is 0"},
		{"share", "--fault-stall-share 1.5", "between 0 and 1"},
		{"not a number", "--fault-stall-share NaN", "between 0 and 1"},
		{"efficiency", "--cost-tp-efficiency 0", "above 0"},
		{"negative cost", "--cost-base -1ms", "negative"},
		{"no time", "--cost-base 0s --cost-weights 0s", "takes no time"},
		{"noise", "--noise-step -0.1", "noise must lie"},
		{"negative limit", "--max-batch-size -1", "negative"},
		{"gemm", "--gemm-quant fp1", `"fp1" is unknown`},
		{"kv", "--kv-cache-quant fp1", `"fp1" is unknown`},
		{"batch", "--max-batch-tokens 100 --max-batch-size 200", "a decode step would not fit"},
		{"cache smaller than a request", "--kv-cache-tokens 1000 --max-sequence-length 4000", "not even one request fits"},
		{"no chunks", "--chunked-prefill=false --max-batch-tokens 1000 --max-sequence-length 4000", "needs chunked prefill"},
		{"log", "--request-log /no/such/folder/file", "open the request log"},
	} {
		t.Run(x.name, func(t *testing.T) {
			var stderr bytes.Buffer
			err := Serve(t.Context(), strings.Fields(x.args), nil, &stderr)
			if err == nil || !strings.Contains(err.Error(), x.message) {
				t.Fatalf("error %v", err)
			}
			cause, ok := (&runtime{}).Diagnose("INFO something\n" + stderr.String())
			if !ok || cause.Kind != spec.ErrConfiguration || cause.Fix == "" || !strings.Contains(cause.Detail, x.message) {
				t.Errorf("diagnosis %+v of log %q", cause, stderr.String())
			}
		})
	}
}

// TestHalfPrecisionCache: an fp8 cache of as many bytes holds the longer sequence.
func TestHalfPrecisionCache(t *testing.T) {
	args := []string{"--kv-cache-tokens", "1000", "--max-sequence-length", "2000"}
	if _, err := parseSettings(args); err == nil {
		t.Error("2000 tokens fit 1000")
	}
	if _, err := parseSettings(append(args, "--kv-cache-quant", "fp8")); err != nil {
		t.Error(err)
	}
}

func TestCrashAtStart(t *testing.T) {
	var stderr bytes.Buffer
	err := Serve(t.Context(), []string{"--fault-crash-at-start"}, nil, &stderr)
	if !errors.Is(err, errMemory) {
		t.Fatalf("error %v", err)
	}
	cause, ok := (&runtime{}).Diagnose(stderr.String())
	if !ok || cause.Kind != spec.ErrConfiguration || !strings.Contains(cause.Detail, "CUDA out of memory") {
		t.Errorf("diagnosis %+v of %q", cause, stderr.String())
	}
}

func TestServe(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	var stderr bytes.Buffer
	if err := Serve(t.Context(), []string{"--listen", address}, nil, &stderr); !errors.Is(err, errListen) {
		t.Fatalf("a port in use gives %v", err)
	}
	if cause, ok := (&runtime{}).Diagnose(stderr.String()); !ok || cause.Kind != spec.ErrInfrastructure {
		t.Errorf("diagnosis %+v of %q", cause, stderr.String())
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	log := filepath.Join(t.TempDir(), "requests.jsonl")
	served := make(chan error, 1)
	go func() {
		served <- Serve(ctx, []string{"--listen", address, "--request-log", log, "--model", "m"}, nil, &bytes.Buffer{})
	}()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for range 3000 {
		if response, err := client.Post("http://"+address+"/v1/completions", "application/json", strings.NewReader(`{"model":"m","prompt":"a","max_tokens":1}`)); err == nil {
			_ = response.Body.Close()
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	cancel()
	if err := <-served; err != nil {
		t.Errorf("Serve ended with %v", err)
	}
	if text, err := os.ReadFile(log); err != nil || !strings.Contains(string(text), `"status":200`) {
		t.Errorf("request log %q, %v", text, err)
	}
}

// TestStopCutsOff: at the end a request in flight is cut off without an end mark, and
// its line of the request log is written.
func TestStopCutsOff(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(t.TempDir(), "requests.jsonl")
	server, err := NewServer([]string{"--model", "m", "--request-log", log})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- server.serveOn(ctx, listener) }()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Post("http://"+listener.Addr().String()+"/v1/completions", "application/json",
		strings.NewReader(`{"model":"m","prompt":"a","max_tokens":9999,"ignore_eos":true,"stream":true}`))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if _, err := response.Body.Read(make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	cancel()
	if text, err := io.ReadAll(response.Body); err == nil || strings.Contains(string(text), "[DONE]") {
		t.Errorf("the stream ended with %v: %q", err, text)
	}
	if err := <-served; err != nil {
		t.Errorf("the server ended with %v", err)
	}
	if err := server.Close(); err != nil {
		t.Error(err)
	}
	if text, err := os.ReadFile(log); err != nil || !strings.Contains(string(text), `"error":"the engine is gone"`) {
		t.Errorf("request log %q, %v", text, err)
	}
}

func TestDiagnoseKnowsNothing(t *testing.T) {
	for _, log := range []string{"", "Traceback: something else", "aicv-sim fatal [new-cause] x"} {
		if cause, ok := (&runtime{}).Diagnose(log); ok {
			t.Errorf("%q is diagnosed as %v", log, cause)
		}
	}
}

func TestNoise(t *testing.T) {
	n := newNoise(0.1, 0, 42)
	const draws = 100_000
	sum, squares := 0.0, 0.0
	for range draws {
		x := float64(n.apply(time.Second)) / float64(time.Second)
		sum += x
		squares += x * x
	}
	mean := sum / draws
	cv := math.Sqrt(squares/draws-mean*mean) / mean
	if math.Abs(mean-1) > 0.002 || math.Abs(cv-0.1) > 0.002 {
		t.Errorf("mean %v and CV %v, want 1 and 0.1", mean, cv)
	}
	if a, b := newNoise(0, 0.1, 1), newNoise(0, 0.1, 1); a.start != b.start || a.start == 1 || a.start == newNoise(0, 0.1, 2).start {
		t.Error("the factor of a start must follow from the seed")
	}
	if newNoise(0, 0, 1).apply(time.Second) != time.Second {
		t.Error("no noise must change nothing")
	}
}

// TestSchema holds that every row says what it is, and defaults agree with the
// server's.
func TestSchema(t *testing.T) {
	reg := Registration()
	blocks := append([]spec.Block{reg.Schema}, reg.Schema.Blocks...)
	attrs := spec.Attrs{}
	for _, b := range blocks {
		var fields []spec.Field
		for _, a := range b.Attributes {
			if a.Doc == "" || a.Example == "" || a.Since == "" || b.Doc == "" {
				t.Errorf("%s.%s lacks doc, example or since", b.Name, a.Name)
			}
			if !a.Default.IsNull() {
				fields = append(fields, field(a.Name, a.Default))
			}
		}
		if b.Name == "" {
			for _, f := range fields {
				attrs[f.Name] = f.Value
			}
		} else {
			attrs[b.Name] = block(fields...)
		}
	}
	got, _, err := newTestRuntime(t, attrs).Render(spec.RenderRequest{Model: spec.Model{ID: "sim"}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"/bin/aicv", "serve", "sim", "--listen", "{{host}}:{{port}}"}, got.Command); diff != "" {
		t.Errorf("the schema's defaults differ from the server's: %s", diff)
	}
}
