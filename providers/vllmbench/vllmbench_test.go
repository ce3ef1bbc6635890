package vllmbench

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"aicv/kit/benchtool"
	"aicv/kit/benchtool/benchtooltest"
	"aicv/kit/pytool"
	"aicv/metric"
	"aicv/providers/sim"
	"aicv/spec"
	"aicv/verify/checks"
)

// playPrefix marks the variable, one of those that the tool is given, that says which
// part the test binary plays in place of the tool.
const playPrefix = "/play/"

func TestMain(m *testing.M) {
	if part := os.Getenv("HOME"); strings.HasPrefix(part, playPrefix) {
		play(strings.TrimPrefix(part, playPrefix), os.Args[1:])
		return
	}
	os.Exit(m.Run())
}

func play(part string, args []string) {
	option := func(name string) string { return args[slices.Index(args, name)+1] }
	write := func(name, content string) {
		if err := os.WriteFile(filepath.Join(option("--result-dir"), name), []byte(content), 0o600); err != nil {
			panic(err)
		}
	}
	environment, err := json.Marshal(os.Environ())
	if err != nil {
		panic(err)
	}
	write("environment.txt", string(environment))
	write("arguments.txt", strings.Join(args, "\n"))
	fmt.Println("Namespace(model='served')")
	fmt.Println("Starting main benchmark run...")
	switch part {
	case "dies":
		fmt.Println("ValueError: something went wrong with " + os.Getenv("OPENAI_API_KEY"))
		os.Exit(1)
	case "hangs":
		time.Sleep(time.Hour)
	case "garbage":
		write(option("--result-filename"), "{")
		return
	case "other":
		write(option("--result-filename"), `{"num_prompts": 1, "output_lens": [1], "ttfts": [1], "itls": [[]], "start_times": [1], "errors": [""]}`)
		return
	case "faster":
		write(option("--result-filename"), asFastAs(option("--num-prompts"), 0.001))
		return
	case "slower":
		write(option("--result-filename"), asFastAs(option("--num-prompts"), 1))
		return
	}
	fmt.Println("============ Serving Benchmark Result ============")
	write(option("--result-filename"), `{"backend": "openai", "num_prompts": 4, "max_concurrency": 2, "duration": 0.26, "completed": 3, "failed": 1, "request_throughput": 99,
"output_lens": [4, 4, 4, 0], "input_lens": [16, 16, 16, 16], "ttfts": [0.1, 0.1, 0.1, 0], "itls": [[], [], [], []], "latencies": [0.13, 0.13, 0.13, 0],
"start_times": [7.0, 7.1, 7.2, 7.2], "errors": ["", "", "", "Traceback\n  File x\nClientError: gone"]}`)
	if part == "late" {
		os.Exit(3)
	}
}

// asFastAs is the result of a number of requests, two at a time, of so many seconds each.
func asFastAs(prompts string, seconds float64) string {
	n, err := strconv.Atoi(prompts)
	if err != nil {
		panic(err)
	}
	list := func(v string) string { return "[" + strings.TrimSuffix(strings.Repeat(v+",", n), ",") + "]" }
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	return fmt.Sprintf(`{"backend": "openai", "num_prompts": %d, "max_concurrency": 2, "duration": %g, "completed": %d, "output_lens": %s, "input_lens": %s, "ttfts": %s, "itls": %s, "latencies": %s, "start_times": %s, "errors": %s}`,
		n, float64(n)/2*seconds, n, list("2"), list("16"), list(number(seconds/2)), list("["+number(seconds/2)+"]"), list(number(seconds)), list("7"), list(`""`))
}

// TestShortWindow: the number of requests comes from the warm-up, so that a server that is
// faster afterwards ends the run before the time that was asked for.
func TestShortWindow(t *testing.T) {
	for part, want := range map[string]bool{"faster": true, "slower": false} {
		b, request := playing(t, part, nil)
		request.Sampling.Duration = 2 * time.Second
		r, err := b.Run(t.Context(), request, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Seen = &spec.Observation{}
		found := checks.NewRules(nil).Run(checks.Input{Run: &r, Load: request.Load, Duration: request.Sampling.Duration})
		if got := slices.ContainsFunc(found, func(f spec.Finding) bool { return f.Check == "short_window" }); got != want {
			t.Errorf("%s: a window of %s: %v", part, r.Elapsed, found)
		}
	}
}

func made(t *testing.T, attrs spec.Attrs, getenv func(string) (string, bool)) *benchmark {
	t.Helper()
	dir := t.TempDir()
	b, err := newBenchmark(&spec.Component{Role: spec.RoleBenchmark, Kind: Kind, Name: "vb", Attrs: attrs}, spec.Env{SuiteDir: dir, WorkDir: filepath.Join(dir, ".aicv"), Getenv: getenv})
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
		Load: spec.Load{Concurrency: 2, InputTokens: 16, OutputTokens: 4}, Sampling: spec.Sampling{Requests: 4, Warmup: 4, Seed: 9}}
}

// simulator is a server in real time.
func simulator(t *testing.T) string {
	t.Helper()
	engine, err := sim.NewServer([]string{"--model", "served"})
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = engine.Run(t.Context()) }()
	front := httptest.NewServer(engine.Handler())
	t.Cleanup(front.Close)
	return front.URL
}

// playing runs the tool that the test binary plays.
func playing(t *testing.T, part string, extra spec.Attrs) (*benchmark, spec.RunRequest) {
	t.Helper()
	t.Setenv("HOME", playPrefix+part)
	attrs := spec.Attrs{benchtool.AttrCommand: spec.StringValue(os.Args[0]), benchtool.AttrAPIKey: spec.SecretValue("KEY")}
	for name, v := range extra {
		attrs[name] = v
	}
	return made(t, attrs, func(string) (string, bool) { return secret, true }), order16(simulator(t))
}

const secret = "sk-not-to-be-found"

// written reads a file of the one folder of a run.
func written(t *testing.T, b *benchmark, name string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(b.Env.WorkDir, folderName, "*", name))
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	text, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestRunOfTheTool(t *testing.T) {
	t.Setenv("AWS_SECRET_ACCESS_KEY", "must not be seen")
	b, request := playing(t, "well", spec.Attrs{benchtool.AttrParams: spec.MapValue(spec.Field{Name: "top_k", Value: spec.IntValue(1)})})
	var phases []string
	r, err := b.Run(t.Context(), request, func(e spec.Event) { phases = append(phases, e.Phase) })
	if err != nil {
		t.Fatal(err)
	}
	rate, _ := r.Values.Get(metric.TotalThroughput)
	if r.Requests != 4 || r.Failed != 1 || r.Window != spec.WindowWholeRun || rate < 46.1 || rate > 46.2 || r.Started.IsZero() || !slices.Contains(phases, "warm-up") {
		t.Errorf("%+v, phases %v", r, phases)
	}
	if len(r.Rows) != 8 || r.Rows[3].Phase != spec.PhaseWarmup || r.Rows[4].Phase != spec.PhaseMeasure || r.Rows[7].Index != 7 || r.Rows[7].Error != "ClientError: gone" {
		t.Errorf("rows %+v", r.Rows)
	}
	if gap := r.Rows[5].Start - r.Rows[4].Start; r.Rows[4].Start < r.Rows[3].Start || gap < 99*time.Millisecond || gap > 101*time.Millisecond {
		t.Errorf("starts %s and %s", r.Rows[4].Start, r.Rows[5].Start)
	}
	if !slices.ContainsFunc(r.Findings, func(f spec.Finding) bool { return f.Check == "tool_aggregates" }) {
		t.Errorf("a rate that its rows do not give: %+v", r.Findings)
	}
	if p := r.Provenance; !strings.Contains(p.Source, ".aicv/vllm-bench/c2-") || !strings.Contains(p.Source, "--max-concurrency 2") {
		t.Errorf("provenance %+v", p)
	}
	folder := filepath.Dir(strings.Split(written(t, b, "arguments.txt"), "\n")[slices.Index(strings.Split(written(t, b, "arguments.txt"), "\n"), "--result-dir")+1])
	arguments := strings.ReplaceAll(written(t, b, "arguments.txt"), folder, "FOLDER")
	want := `bench serve --backend openai --base-url ` + strings.TrimSuffix(request.Server.URL, "/") + ` --endpoint /v1/completions --model served --tokenizer org/model --dataset-name random ` +
		`--random-input-len 16 --random-output-len 4 --random-range-ratio 0 --num-prompts 4 --seed 9 --ignore-eos --temperature 0 --num-warmups 0 --ready-check-timeout-sec 0 --disable-tqdm ` +
		`--percentile-metrics ttft,tpot,itl,e2el --save-result --save-detailed --result-dir FOLDER/`
	if got := strings.ReplaceAll(arguments, "\n", " "); !strings.HasPrefix(got, want) || !strings.HasSuffix(got, `--result-filename result.json --request-rate inf --max-concurrency 2 --extra-body {"top_k":1}`) {
		t.Errorf("arguments\n%s, want\n%s", got, want)
	}
	environment := written(t, b, "environment.txt")
	for _, wanted := range []string{"HF_HUB_OFFLINE=1", "NO_PROXY=127.0.0.1", "NETRC=/dev/null", "OPENAI_API_KEY=(secret)"} {
		if !strings.Contains(environment, wanted) {
			t.Errorf("no %s in the environment", wanted)
		}
	}
	if strings.Contains(environment, "must not be seen") || strings.Contains(environment, secret) || strings.Contains(arguments, secret) {
		t.Error("a credential of ours is in the environment, or the key in a file")
	}
}

func TestWhenTheToolFails(t *testing.T) {
	benchtooltest.Failures(t, map[string][]string{
		"dies":    {"it wrote no result", "exit status 1", "something went wrong with (secret)"},
		"garbage": {"its result can not be read", "no JSON"},
		"other":   {"of 1 requests at concurrency 0, and 4 at 2 were asked for"},
	}, func(t *testing.T, part string) error {
		b, request := playing(t, part, nil)
		_, err := b.Run(t.Context(), request, nil)
		return err
	})
}

func TestAResultCountsWhateverTheExit(t *testing.T) {
	b, request := playing(t, "late", nil)
	r, err := b.Run(t.Context(), request, nil)
	if err != nil || !slices.ContainsFunc(r.Findings, func(f spec.Finding) bool { return f.Check == "tool_exit" }) {
		t.Errorf("%v, %+v", err, r.Findings)
	}
}

func TestTheToolEndsWithTheRun(t *testing.T) {
	b, request := playing(t, "hangs", nil)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := b.Run(ctx, request, func(e spec.Event) {
		if e.Phase == phaseMeasure {
			cancel()
		}
	})
	if spec.KindOf(err) != spec.ErrInterrupted {
		t.Errorf("%v", err)
	}
	benchtooltest.NoFileHolds(t, b.Env.WorkDir, secret)
}

// The warm-up calls the endpoint that is measured: a base model has no chat template, and
// refuses the other.
func TestTheWarmupCallsWhatIsMeasured(t *testing.T) {
	for endpoint, want := range map[string]string{endpointCompletions: "/v1/completions", endpointChat: "/v1/chat/completions"} {
		var asked atomic.Int64
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != want {
				http.Error(w, "no chat template", http.StatusBadRequest)
			}
			asked.Add(1)
		}))
		defer server.Close()
		b, request := playing(t, "well", spec.Attrs{attrEndpoint: spec.StringValue(endpoint)})
		request.Server.URL = server.URL
		if r, err := b.Run(t.Context(), request, nil); err != nil || asked.Load() != 4 || len(r.Rows) != 8 || r.Rows[0].Error != "" {
			t.Errorf("%s: %d asked, %+v, %v", endpoint, asked.Load(), r.Rows, err)
		}
	}
}

// A run that is beyond its time is ended, and that is a failure of the benchmark.
func TestTheToolHasItsTime(t *testing.T) {
	b, request := playing(t, "hangs", nil)
	o, err := b.prepare(request)
	if err != nil {
		t.Fatal(err)
	}
	c := newSilent()
	defer c.Stop()
	if _, err := b.call(t.Context(), o, c, 50*time.Millisecond); spec.KindOf(err) != spec.ErrBenchmark || !strings.Contains(err.Error(), "did not end in time") {
		t.Errorf("%v", err)
	}
}

func TestSizes(t *testing.T) {
	if s := size(spec.Load{Concurrency: 8}); s.Requests != 400 || s.Duration != 100*time.Second || s.Warmup != 16 {
		t.Errorf("%+v", s)
	}
	b := made(t, nil, nil)
	request := spec.RunRequest{Load: spec.Load{Concurrency: 8}}
	if got := b.Budget(request, time.Second); got != fixedCost+102*time.Second {
		t.Errorf("closed loop: %s", got)
	}
	open := spec.Load{RequestRate: metric.MustDecimal("2"), InputTokens: 1, OutputTokens: 1}
	request = spec.RunRequest{Load: open}
	if got := b.Budget(request, time.Second); got != fixedCost+103*time.Second {
		t.Errorf("open loop: %s", got)
	}
	if n := enough(resolved(request), open, time.Second); n != 200 {
		t.Errorf("%d requests", n)
	}
	if n := enough(spec.Sampling{Requests: 100, Duration: 100 * time.Second}, spec.Load{Concurrency: 8}, 2*time.Second); n != 400 {
		t.Errorf("%d requests", n)
	}
	if got := b.limit(&order{load: open, requests: 200}, time.Second); got != 570*time.Second {
		t.Errorf("limit of an open loop: %s", got)
	}
}

func TestTraffic(t *testing.T) {
	open := spec.Load{RequestRate: metric.MustDecimal("2.5"), Shape: spec.Shape{Arrivals: spec.ArrivalsGamma, Burstiness: metric.MustDecimal("0.5")}}
	if got := traffic(open); !slices.Equal(got, []string{"--request-rate", "2.5", "--burstiness", "0.5"}) {
		t.Errorf("%q", got)
	}
	b := made(t, spec.Attrs{attrEndpoint: spec.StringValue(endpointChat)}, nil)
	argv := b.argv(&order{Call: benchtool.Call{Tool: &pytool.Tool{Python: "/python"}}, seed: -1})
	if got := strings.Join(argv, " "); !strings.HasPrefix(got, "/python -m vllm.entrypoints.cli.main bench serve --backend openai-chat") || !strings.Contains(got, "/v1/chat/completions") || !strings.Contains(got, "--seed 4294967295") {
		t.Errorf("%s", got)
	}
}

// TestLoadsInTheToolsWords: the tool draws from floor(mean (1 - r)) to ceil(mean (1 + r)),
// which must be the bounds that were asked for.
func TestLoadsInTheToolsWords(t *testing.T) {
	if got := traffic(spec.Load{RequestRate: metric.MustDecimal("2"), Shape: spec.Shape{Arrivals: spec.ArrivalsConstant}}); !slices.Equal(got, []string{"--request-rate", "2", "--burstiness", "inf"}) {
		t.Errorf("%q", got)
	}
	shared := spec.Load{InputTokens: 100, OutputTokens: 8, Shape: spec.Shape{SharedPrefix: metric.MustDecimal("0.3")}}
	if got := strings.Join(lengths(shared), " "); got != "--dataset-name random --random-input-len 70 --random-output-len 8 --random-range-ratio 0 --random-prefix-len 30" {
		t.Error(got)
	}
	for _, bounds := range [][2]int{{1, 3}, {1, 1999}, {7, 11}, {500, 1500}, {999, 1001}, {1, 199999}} {
		low, high := bounds[0], bounds[1]
		load := spec.Load{Concurrency: 1, InputTokens: (low + high) / 2, OutputTokens: 8, Shape: spec.Shape{Input: spec.Spread{Kind: spec.SpreadUniform, Low: low, High: high}}}
		var ratios struct{ Input, Output float64 }
		if err := json.Unmarshal([]byte(rangeRatio(load)), &ratios); err != nil {
			t.Fatal(err)
		}
		mean := float64(load.InputTokens)
		if from, to := math.Floor(mean*(1-ratios.Input)), math.Ceil(mean*(1+ratios.Input)); from != float64(low) || to != float64(high) || ratios.Input >= 1 || ratios.Output != 0 {
			t.Errorf("%v: from %v to %v, %+v", bounds, from, to, ratios)
		}
		if err := made(t, nil, nil).CheckLoad(load); err != nil {
			t.Error(err)
		}
	}
}

func TestRefusedLoads(t *testing.T) {
	b := made(t, spec.Attrs{benchtool.AttrCommand: spec.StringValue(os.Args[0])}, nil)
	for want, change := range map[string]func(*spec.RunRequest){
		"concurrency is 0": func(r *spec.RunRequest) { r.Load.Concurrency = 0 },
		"0 input and":      func(r *spec.RunRequest) { r.Load.InputTokens = 0 },
		"static batches":   func(r *spec.RunRequest) { r.Load.Shape.Static = true },
		"a dataset":        func(r *spec.RunRequest) { r.Load.Shape.Dataset = "x" },
		"of 16 of 16":      func(r *spec.RunRequest) { r.Load.Shape.SharedPrefix = metric.MustDecimal("1") },
		"normal lengths":   func(r *spec.RunRequest) { r.Load.Shape.Input = spec.Spread{Kind: spec.SpreadNormal, Deviation: 9} },
		"no whole mean":    func(r *spec.RunRequest) { r.Load.Shape.Output = spec.Spread{Kind: spec.SpreadUniform, Low: 3, High: 6} },
		"vary in length": func(r *spec.RunRequest) {
			r.Load.Shape.SharedPrefix, r.Load.Shape.Input = metric.MustDecimal("0.5"), spec.Spread{Kind: spec.SpreadUniform, Low: 12, High: 20}
		},
		"ends in /v1":        func(r *spec.RunRequest) { r.Server.URL = "http://h/v1" },
		"tokenizer folder /": func(r *spec.RunRequest) { r.Model.Path = "/no/such/folder" },
	} {
		request := order16("http://127.0.0.1:1")
		change(&request)
		if _, err := b.Run(t.Context(), request, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	if _, err := b.Run(t.Context(), order16("http://127.0.0.1:1"), nil); spec.KindOf(err) != spec.ErrInfrastructure {
		t.Errorf("no server: %v", err)
	}
}

func TestRefusedDeclarations(t *testing.T) {
	declare := func(attrs spec.Attrs) error {
		_, err := newBenchmark(&spec.Component{Attrs: attrs}, spec.Env{})
		return err
	}
	benchtooltest.Declarations(t, declare)
}

func TestCheck(t *testing.T) {
	benchtooltest.Checks(t, func(attrs spec.Attrs) spec.Checker { return made(t, attrs, nil) })
}

// TestReal runs the real tool against the simulator, in real time.
func TestReal(t *testing.T) {
	if os.Getenv("AICV_REAL") == "" {
		t.Skip("needs vLLM: scripts/real-tools vllm, then AICV_REAL=1")
	}
	venv := os.Getenv("AICV_VLLM")
	if venv == "" {
		venv = filepath.Join("..", "..", ".tools", "vllm")
	}
	venv, err := filepath.Abs(venv)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(venv, "bin", "vllm")); err != nil {
		t.Skipf("%s has no vLLM: scripts/real-tools vllm installs it, or set AICV_VLLM to a virtual environment that has it", venv)
	}
	tokenizer, err := filepath.Abs("../genaibench/testdata/tokenizer")
	if err != nil {
		t.Fatal(err)
	}
	b := made(t, spec.Attrs{benchtool.AttrVenv: spec.StringValue(venv), benchtool.AttrTokenizer: spec.StringValue(tokenizer), benchtool.AttrAPIKey: spec.SecretValue("KEY")}, func(string) (string, bool) { return secret, true })
	for _, c := range b.Check(t.Context()) {
		if c.Status != spec.CheckOK {
			t.Errorf("%+v", c)
		}
	}
	request := order16(simulator(t))
	if r := benchtooltest.RealRun(t, b, request); r.Requests != 40 || !strings.HasPrefix(r.Provenance.Version, testedVersion) {
		t.Errorf("%+v", r)
	}
	realShapes(t, b, request)
	benchtooltest.NoFileHolds(t, b.Env.WorkDir, secret)
}

// realShapes has the real tool drive what takes more than its plainest arguments.
func realShapes(t *testing.T, b *benchmark, request spec.RunRequest) {
	t.Helper()
	uniform := func(low, high int) spec.Spread { return spec.Spread{Kind: spec.SpreadUniform, Low: low, High: high} }
	request.Sampling = spec.Sampling{Requests: 40, Warmup: 2, Duration: time.Second}
	request.Load = spec.Load{RequestRate: metric.MustDecimal("10"), InputTokens: 40, OutputTokens: 6,
		Shape: spec.Shape{Arrivals: spec.ArrivalsConstant, Input: uniform(20, 60), Output: uniform(2, 10)}}
	r, err := b.Run(t.Context(), request, nil)
	if err != nil {
		t.Fatal(err)
	}
	inputs, outputs, first, last := []int{}, []int{}, time.Duration(0), time.Duration(0)
	for _, row := range r.Rows {
		if row.Phase != spec.PhaseMeasure || row.Error != "" {
			continue
		}
		if len(inputs) == 0 {
			first = row.Start
		}
		inputs, outputs, last = append(inputs, row.InputTokens), append(outputs, row.OutputTokens), row.Start
	}
	t.Logf("inputs %d to %d, outputs %d to %d, over %s", slices.Min(inputs), slices.Max(inputs), slices.Min(outputs), slices.Max(outputs), last-first)
	if len(inputs) != 40 || slices.Min(inputs) < 19 || slices.Max(inputs) > 61 || slices.Max(inputs) < 50 || slices.Min(outputs) < 2 || slices.Max(outputs) > 10 || slices.Max(outputs) < 9 {
		t.Errorf("inputs %v, outputs %v", inputs, outputs)
	}
	if span := last - first; span < 3500*time.Millisecond {
		t.Errorf("40 requests at 10/s within %s", span)
	}
}
