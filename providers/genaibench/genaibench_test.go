package genaibench

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"aicv/kit/benchtool"
	"aicv/kit/benchtool/benchtooltest"
	"aicv/metric"
	"aicv/providers/sim"
	"aicv/spec"
)

// TestMain lets the test binary play the tool: a script of a few lines can not check its
// arguments.
func TestMain(m *testing.M) {
	if part := os.Getenv("HOME"); strings.HasPrefix(part, playPrefix) {
		play(strings.TrimPrefix(part, playPrefix), os.Args[1:])
		return
	}
	os.Exit(m.Run())
}

// playPrefix marks the variable, one of those that the tool is given, that says which
// part to play.
const playPrefix = "/play/"

func play(part string, args []string) {
	option := func(name string) string { return args[slices.Index(args, name)+1] }
	folder := filepath.Join(option("--experiment-base-dir"), option("--experiment-folder-name"))
	if err := os.MkdirAll(folder, 0o755); err != nil {
		panic(err)
	}
	environment, err := json.Marshal(os.Environ())
	if err != nil {
		panic(err)
	}
	for name, content := range map[string]string{
		"experiment_metadata.json":   `{"benchmark_version": "0.0.5", "cmd": "` + os.Getenv("SSL_CERT_FILE") + `"}`,
		"../logs/environment.txt":    string(environment),
		"../logs/arguments.txt":      strings.Join(args, "\n"),
		"D16_4_concurrency_2_1s.txt": "",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			panic(err)
		}
	}
	fmt.Println("INFO     2026-01-01 00:00:00 - genai_bench.benchmark:benchmark - Starting benchmark with concurrency=2, spawn_rate=2")
	switch part {
	case "dies":
		fmt.Println("ERROR    something went wrong")
		os.Exit(1)
	case "hangs":
		time.Sleep(time.Hour)
	case "refused":
		result(folder, "debug_for_run_D16_4_2.json", `{"error_code": 503, "error_message": "no place"}`, 0)
		os.Exit(1)
	}
	fmt.Println("INFO     x - genai_bench.benchmark:benchmark - ⏩ Exit the run as 5 requests have been completed.")
	rows := strings.Repeat(`{"ttft": 0.1, "tpot": 0.01, "e2e_latency": 0.13, "num_input_tokens": 16, "num_output_tokens": 4},`, 4)
	result(folder, "D16_4_concurrency_2_1s.json", strings.TrimSuffix(rows, ","), 4)
	fmt.Println("INFO     x - genai_bench.benchmark:benchmark - ⏩ Run for scenario D(16,4), num_concurrency 2 has finished after 1 seconds.")
	switch part {
	case "hangs at the end":
		time.Sleep(time.Hour)
	case "plot":
		fmt.Println("AttributeError: no get_cmap")
		os.Exit(1)
	}
}

func result(folder, name, rows string, completed int) {
	text := fmt.Sprintf(`{"aggregated_metrics": {"scenario": "D(16,4)", "num_concurrency": 2, "run_duration": 0.26, "num_requests": %d, "num_completed_requests": %d}, "individual_request_metrics": [%s]}`,
		completed, completed, rows)
	if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
		panic(err)
	}
}

// server answers warm-up requests and counts them.
func server(t *testing.T) (url string, asked *[]http.Request) {
	t.Helper()
	var mu sync.Mutex
	asked = &[]http.Request{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		*asked = append(*asked, *r)
		mu.Unlock()
		fmt.Fprintln(w, `{"choices": []}`)
	}))
	t.Cleanup(s.Close)
	return s.URL, asked
}

func made(t *testing.T, attrs spec.Attrs, getenv func(string) (string, bool)) *benchmark {
	t.Helper()
	dir := t.TempDir()
	b, err := newBenchmark(&spec.Component{Role: spec.RoleBenchmark, Kind: Kind, Name: "gb", Attrs: attrs}, spec.Env{SuiteDir: dir, WorkDir: filepath.Join(dir, ".aicv"), Getenv: getenv})
	if err != nil {
		t.Fatal(err)
	}
	got, ok := b.(*benchmark)
	if !ok {
		t.Fatalf("a %T was made", b)
	}
	return got
}

func order16(url string) spec.RunRequest {
	return spec.RunRequest{Server: spec.Server{URL: url + "/", ModelName: "served"}, Model: spec.Model{ID: "org/model"}, GPUs: 1,
		Load: spec.Load{Concurrency: 2, InputTokens: 16, OutputTokens: 4}, Sampling: spec.Sampling{Requests: 4, Warmup: 4}}
}

// playing runs the tool that the test binary plays.
func playing(t *testing.T, part string, extra spec.Attrs) (*benchmark, spec.RunRequest, *[]http.Request) {
	t.Helper()
	t.Setenv("HOME", playPrefix+part)
	attrs := spec.Attrs{benchtool.AttrCommand: spec.StringValue(os.Args[0])}
	for name, v := range extra {
		attrs[name] = v
	}
	url, asked := server(t)
	return made(t, attrs, nil), order16(url), asked
}

func TestRunOfTheTool(t *testing.T) {
	t.Setenv("AWS_SECRET_ACCESS_KEY", "must not be seen")
	b, request, asked := playing(t, "well", spec.Attrs{benchtool.AttrParams: spec.MapValue(spec.Field{Name: "top_k", Value: spec.IntValue(1)}), attrWorkers: spec.IntValue(3)})
	var phases []string
	r, err := b.Run(t.Context(), request, func(e spec.Event) { phases = append(phases, e.Phase) })
	if err != nil {
		t.Fatal(err)
	}
	if len(*asked) != 4 || !slices.Contains(phases, "warm-up") {
		t.Errorf("%d warm-up requests, phases %v", len(*asked), phases)
	}
	rate, _ := r.Values.Get(metric.TotalThroughput)
	if r.Requests != 5 || r.Failed != 1 || r.Window != spec.WindowWholeRun || rate < 61.5 || rate > 61.6 || r.Started.IsZero() {
		t.Errorf("%+v", r)
	}
	if len(r.Rows) != 8 || r.Rows[3].Phase != spec.PhaseWarmup || r.Rows[4].Phase != spec.PhaseMeasure || r.Rows[4].Start < r.Rows[3].Start+r.Rows[3].Latency || r.Rows[7].Index != 7 {
		t.Errorf("rows %+v", r.Rows)
	}
	if p := r.Provenance; p.Version != "0.0.5" || !strings.Contains(p.Source, ".aicv/genai-bench/c2-") || !strings.Contains(p.Source, "'D(16,4)'") {
		t.Errorf("provenance %+v", p)
	}
	folders, err := filepath.Glob(filepath.Join(b.Env.WorkDir, "genai-bench", "*"))
	if err != nil || len(folders) != 1 {
		t.Fatal(folders, err)
	}
	arguments, err := os.ReadFile(filepath.Join(folders[0], "logs", "arguments.txt"))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"benchmark", "--api-backend", "vllm", "--api-base", strings.TrimSuffix(request.Server.URL, "/"), "--api-key", "aicv", "--api-model-name", "served",
		"--model-tokenizer", "org/model", "--model", "model", "--task", "text-to-text", "--max-time-per-run", "2", "--max-requests-per-run", "4",
		"--num-concurrency", "2", "--traffic-scenario", "D(16,4)", "--metrics-time-unit", "s", "--experiment-base-dir", folders[0], "--experiment-folder-name", "results",
		"--log-dir", filepath.Join(folders[0], "logs"), "--additional-request-params", `{"top_k":1}`, "--num-workers", "3"}
	if got := strings.Split(string(arguments), "\n"); !slices.Equal(got, want) {
		t.Errorf("arguments\n%q, want\n%q", got, want)
	}
	environment, err := os.ReadFile(filepath.Join(folders[0], "logs", "environment.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, wanted := range []string{`"ENABLE_UI=false"`, `"HF_HUB_OFFLINE=1"`, "NO_PROXY=127.0.0.1"} {
		if !strings.Contains(string(environment), wanted) {
			t.Errorf("no %s in the environment", wanted)
		}
	}
	if strings.Contains(string(environment), "must not be seen") {
		t.Error("a credential of ours went to the tool")
	}
}

func TestWhenTheToolFails(t *testing.T) {
	benchtooltest.Failures(t, map[string][]string{
		"dies":    {"ended before its first run did", "exit status 1", "something went wrong"},
		"refused": {"none of its 1 requests was answered", "HTTP 503: no place"},
	}, func(t *testing.T, part string) error {
		b, request, _ := playing(t, part, nil)
		_, err := b.Run(t.Context(), request, nil)
		return err
	})
}

// A tool that fails only at its sheets and plots has measured.
func TestPlotsAreNoMeasurement(t *testing.T) {
	b, request, _ := playing(t, "plot", nil)
	r, err := b.Run(t.Context(), request, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(r.Findings, func(f spec.Finding) bool { return f.Check == "tool_exit" && strings.Contains(f.Message, "no get_cmap") }) {
		t.Errorf("%+v", r.Findings)
	}
}

func TestTheToolEndsWithTheRun(t *testing.T) {
	b, request, _ := playing(t, "hangs", nil)
	ctx, cancel := context.WithCancel(t.Context())
	r, err := b.Run(ctx, request, func(e spec.Event) {
		if e.Phase == "measure" {
			cancel()
		}
	})
	if spec.KindOf(err) != spec.ErrInterrupted {
		t.Errorf("%v", err)
	}
	benchtooltest.CutShort(t, r, 4, 0)
}

// What was measured until the tool died, or was ended with its result written, is kept.
func TestNothingMeasuredIsLost(t *testing.T) {
	for part, wrote := range map[string]int{"dies": 0, "hangs at the end": 4} {
		b, request, _ := playing(t, part, nil)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		r, err := b.Run(ctx, request, func(e spec.Event) {
			if e.Phase == "write sheets and plots" {
				cancel()
			}
		})
		if err == nil {
			t.Errorf("%s: no error", part)
		}
		benchtooltest.CutShort(t, r, 4, wrote)
	}
}

// The key is in no argument; what the tool writes of it is taken out again.
func TestTheKeyStaysSecret(t *testing.T) {
	const key = "sk-very-secret"
	b := made(t, spec.Attrs{benchtool.AttrAPIKey: spec.SecretValue("KEY")}, func(string) (string, bool) { return key, true })
	folder := t.TempDir()
	o := &order{folder: folder, seen: folder, Call: benchtool.Call{Tool: pythonTool(), URL: "http://127.0.0.1:1", Key: key}}
	if argv := b.argv(o); argv[0] != "/python" || slices.ContainsFunc(argv, func(a string) bool { return strings.Contains(a, key) }) {
		t.Errorf("arguments %q", argv)
	}
	if !slices.Contains(o.environment(), keyVariable+"="+key) {
		t.Error("the tool has no key")
	}
	path := filepath.Join(o.folder, "log")
	if err := os.WriteFile(path, []byte("a "+key+" b"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := benchtool.Scrub(name, o.folder, o.Key); err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(path); string(text) != "a (secret) b" {
		t.Errorf("%q", text)
	}
	c := newConversation(func(spec.Event) {}, key)
	c.Line([]byte("ERROR " + key))
	c.Stop()
	if strings.Contains(strings.Join(c.Words(), ""), key) {
		t.Error("the key is shown")
	}
	o.Tool.Python = ""
	url, _ := server(t)
	t.Setenv("HOME", playPrefix+"well")
	b.Query.Command = os.Args[0]
	if _, err := b.Run(t.Context(), order16(url), nil); err == nil || !strings.Contains(err.Error(), "can not be handed to") {
		t.Errorf("%v", err)
	}
}

func TestSizes(t *testing.T) {
	if s := size(spec.Load{Concurrency: 8}); s.Requests != 400 || s.Duration != 100*time.Second || s.Warmup != 16 {
		t.Errorf("%+v", s)
	}
	b := made(t, nil, nil)
	request := spec.RunRequest{Load: spec.Load{Concurrency: 8}}
	for _, c := range []struct {
		sampling spec.Sampling
		latency  time.Duration
		want     time.Duration
	}{
		{spec.Sampling{}, time.Second, fixedCost + 2*time.Second + 100*time.Second + time.Second},                      // time decides
		{spec.Sampling{}, 10 * time.Second, fixedCost + 20*time.Second + 500*time.Second + time.Second},                // requests decide
		{spec.Sampling{Requests: 80}, time.Second, fixedCost + 2*time.Second + 10*time.Second + time.Second},           // as asked
		{spec.Sampling{Requests: 8, Duration: time.Minute}, time.Second, fixedCost + 2*time.Second + 61*time.Second},   // as asked
		{spec.Sampling{Warmup: 80}, time.Second, fixedCost + 10*time.Second + 100*time.Second + time.Second},           // as asked
		{spec.Sampling{Requests: 8000}, 10 * time.Second, fixedCost + 20*time.Second + 30*time.Minute + 1*time.Second}, // max_time
	} {
		request.Sampling = c.sampling
		if got := b.Budget(request, c.latency); got != c.want {
			t.Errorf("%+v at %s: %s, want %s", c.sampling, c.latency, got, c.want)
		}
	}
	if n := enough(spec.Sampling{Requests: 100, Duration: 100 * time.Second}, 8, 2*time.Second); n != 400 {
		t.Errorf("%d requests", n)
	}
	if minutes(61*time.Second) != 2 || minutes(0) != 1 {
		t.Error("minutes are rounded up")
	}
}

func TestScenarios(t *testing.T) {
	normal, uniform := spec.Spread{Kind: spec.SpreadNormal, Deviation: 9}, spec.Spread{Kind: spec.SpreadUniform, Low: 5, High: 15}
	for _, c := range []struct {
		shape     spec.Shape
		want, why string
	}{
		{spec.Shape{}, "D(100,10)", ""},
		{spec.Shape{Input: normal}, "N(100,9)/(10,0)", ""},
		{spec.Shape{Input: normal, Output: normal}, "N(100,9)/(10,9)", ""},
		{spec.Shape{Output: uniform}, "U(100,100)/(5,15)", ""},
		{spec.Shape{Input: normal, Output: uniform}, "", "one kind for both"},
		{spec.Shape{Input: spec.Spread{Kind: spec.SpreadLognormal}}, "", "one kind for both"},
		{spec.Shape{Static: true}, "D(100,10)", "static"},
		{spec.Shape{SharedPrefix: metric.MustDecimal("0.5")}, "D(100,10)", "shared prefix"},
	} {
		load := spec.Load{Concurrency: 1, InputTokens: 100, OutputTokens: 10, Shape: c.shape}
		got, _ := scenario(load)
		err := made(t, nil, nil).CheckLoad(load)
		if got != c.want || (c.why == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.why) {
			t.Errorf("%+v: %q, %v", c.shape, got, err)
		}
	}
}

func TestRefusedLoads(t *testing.T) {
	b := made(t, nil, nil)
	for want, change := range map[string]func(*spec.RunRequest){
		"no open loop":          func(r *spec.RunRequest) { r.Load.RequestRate = metric.MustDecimal("2") },
		"concurrency is 0":      func(r *spec.RunRequest) { r.Load.Concurrency = 0 },
		"single output token":   func(r *spec.RunRequest) { r.Load.OutputTokens = 1 },
		"dataset is asked for":  func(r *spec.RunRequest) { r.Load.Shape.Dataset = "x" },
		"0 input and":           func(r *spec.RunRequest) { r.Load.InputTokens = 0 },
		"ends in /v1":           func(r *spec.RunRequest) { r.Server.URL = "http://h/v1" },
		"its address is \"\"":   func(r *spec.RunRequest) { r.Server.URL = "" },
		"no tokenizer folder /": func(r *spec.RunRequest) { r.Model.Path = "/no/such/folder" },
	} {
		request := order16("http://127.0.0.1:1")
		change(&request)
		b.Query.Command = os.Args[0]
		if _, err := b.Run(t.Context(), request, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	request := order16("http://127.0.0.1:1")
	if _, err := b.Run(t.Context(), request, nil); spec.KindOf(err) != spec.ErrInfrastructure {
		t.Errorf("no server: %v", err)
	}
}

func TestRefusedDeclarations(t *testing.T) {
	declare := func(attrs spec.Attrs) error {
		_, err := newBenchmark(&spec.Component{Attrs: attrs}, spec.Env{})
		return err
	}
	benchtooltest.Declarations(t, declare)
	image := spec.Attrs{benchtool.AttrVenv: spec.StringValue("y"), spec.AttrImage: spec.StringValue("x")}
	if err := declare(image); err == nil || !strings.Contains(err.Error(), "image is set beside") {
		t.Errorf("an image beside an environment: %v", err)
	}
}

func TestCheck(t *testing.T) {
	benchtooltest.Checks(t, func(attrs spec.Attrs) spec.Checker { return made(t, attrs, nil) })
}

// TestReal runs the real tool against the simulator, in real time.
func TestReal(t *testing.T) {
	if os.Getenv("AICV_REAL") == "" {
		t.Skip("needs genai-bench: scripts/real-tools genai-bench, then AICV_REAL=1")
	}
	engine, err := sim.NewServer([]string{"--model", "served"})
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = engine.Run(t.Context()) }()
	front := httptest.NewServer(engine.Handler())
	defer front.Close()
	tokenizer, err := filepath.Abs("testdata/tokenizer")
	if err != nil {
		t.Fatal(err)
	}
	venv, err := filepath.Abs("../../.tools/genai-bench")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(venv); err != nil {
		t.Skip("needs genai-bench in .tools: scripts/real-tools genai-bench")
	}
	const key = "sk-not-to-be-found"
	b := made(t, spec.Attrs{benchtool.AttrVenv: spec.StringValue(venv), benchtool.AttrTokenizer: spec.StringValue(tokenizer), benchtool.AttrAPIKey: spec.SecretValue("KEY")}, func(string) (string, bool) { return key, true })
	for _, c := range b.Check(t.Context()) {
		if c.Status != spec.CheckOK {
			t.Errorf("%+v", c)
		}
	}
	request := order16(front.URL)
	if r := benchtooltest.RealRun(t, b, request); r.Provenance.Version != testedVersion {
		t.Errorf("%+v", r)
	}
	benchtooltest.NoFileHolds(t, b.Env.WorkDir, key)
}
