package aiconfigurator

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aicv/metric"
	"aicv/spec"
)

// The figures of the tool become the contract's: throughput counts every output token
// and every replica, and figures per GPU are of all GPUs.
func TestMetrics(t *testing.T) {
	t.Setenv(playSay, hello+said(0)+`{"done":1}`+"\n")
	p := made(t, declared(venv(t)))
	answers, err := p.Predict(t.Context(), []spec.Point{point(128, spec.ItemReplicas, 2)})
	if err != nil {
		t.Fatal(err)
	}
	a := &answers[0]
	total := 2905.15 * 512 / 511 * 2
	for name, want := range map[metric.Name]float64{
		metric.TTFT: 356.866, metric.TPOT: 21.591, metric.Latency: 11389.653, metric.UserThroughput: 46.32,
		metric.TotalThroughput: total, metric.Throughput: total / 4, metric.RequestThroughput: 2 * 5.685,
	} {
		if got := value(a, name); math.Abs(got-want) > 1e-9*want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if a.Missing != "" || a.Provenance.Tool != Kind || a.Provenance.Version != "0.12.0" || a.Provenance.Database != "0.5.14" || a.Memory != 33103460433 {
		t.Errorf("%+v", a)
	}
	want := "aiconfigurator cli estimate --model-path Qwen/Qwen3-32B-FP8 --system h200_sxm --backend sglang --backend-version 0.5.14 --database-mode SILICON" +
		" --isl 2048 --osl 512 --batch-size 64 --ctx-tokens 2048 --tp-size 2 --pp-size 1 --attention-dp-size 1 --prefix 0"
	if a.Provenance.Source != want {
		t.Errorf("it can be asked again by\n%s\nwant\n%s", a.Provenance.Source, want)
	}
}

// asked returns what our program was asked for the points.
func asked(t *testing.T, c *spec.Component, list []spec.Point) []wirePoint {
	t.Helper()
	keep := t.TempDir()
	var say strings.Builder
	for i := range list {
		say.WriteString(said(i))
	}
	t.Setenv(playSay, hello+say.String())
	t.Setenv(playKeep, keep)
	if _, err := made(t, c).Predict(t.Context(), list); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(keep, "0"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(content), "-c ") {
		t.Errorf("the interpreter was started with %.80s", content)
	}
	text := string(content)
	var request wireRequest
	if err := json.Unmarshal([]byte(text[strings.LastIndex(text, "\n{")+1:]), &request); err != nil {
		t.Fatal(err)
	}
	return request.Points
}

// Everything that a suite fixes is passed, and so is what the engine is known to take.
func TestWhatIsAsked(t *testing.T) {
	full := point(64, spec.ItemReplicas, 2, spec.ItemAttentionDataParallel, 4, spec.ItemPipelineParallel, 2, spec.ItemMoETensorParallel, 2, spec.ItemMoEExpertParallel, 4,
		spec.ItemGEMMQuant, "fp8_block", spec.ItemMoEQuant, "fp8", spec.ItemKVCacheQuant, "bfloat16", spec.ItemAttentionQuant, "bfloat16", spec.ItemCommQuant, "half",
		spec.ItemMaxBatchTokens, 4096, spec.ItemMemoryFraction, 0.85, spec.ItemMaxSequenceLength, 8192)
	full.ModelPath = t.TempDir()
	if err := os.WriteFile(filepath.Join(full.ModelPath, "config.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	file := full
	file.ModelPath = filepath.Join(full.ModelPath, "config.json")
	if q := made(t, declared(venv(t))).ask(0, &file); q.wire.Path != full.ModelPath {
		t.Errorf("a config.json alone is asked for as %s", q.wire.Path)
	}
	assumed := point(8)
	assumed.Assumed = spec.NewConfiguration(spec.Setting{Name: spec.ItemKVCacheQuant, Value: spec.StringValue("bfloat16")},
		spec.Setting{Name: spec.ItemMaxBatchTokens, Value: spec.IntValue(1024)})
	single := point(1, spec.ItemMaxBatchTokens, 8192)
	single.ModelID = "meta-llama/Llama-3.1-8B-Instruct"
	got := asked(t, declared(venv(t), attrDatabase, "current"), []spec.Point{full, assumed, single})
	want := arguments{ISL: 2048, OSL: 512, BatchSize: 4, CtxTokens: 4096, TP: 2, PP: 2, DP: 4, MoETP: 2, MoEEP: 4, GEMM: "fp8_block", MoE: "fp8", KVCache: "bfloat16",
		FMHA: "bfloat16", Comm: "half", Fraction: "0.85", MaxSeqLen: 8192, DatabaseMode: modeSilicon}
	if got[0].Arguments != want || got[0].Path != full.ModelPath || got[0].Database != "current" || got[0].RuntimeVersion != "0.5.14" {
		t.Errorf("asked %+v\nwant  %+v", got[0], want)
	}
	if a := got[1].Arguments; a.KVCache != "bfloat16" || a.CtxTokens != 1024 {
		t.Errorf("what the engine takes was not asked for: %+v", a)
	}
	if a := got[2].Arguments; a.CtxTokens != 2048 || got[2].StandIn != "meta-llama/Meta-Llama-3.1-8B" {
		t.Errorf("one prompt can not fill a step of 8192 tokens: %+v", got[2])
	}
}

// A checkpoint that lies elsewhere leaves the model to its id, with a finding.
func TestModelElsewhere(t *testing.T) {
	p := point(8)
	p.ModelID, p.ModelPath = "meta-llama/Llama-3.1-8B", "/no/such/checkpoint"
	q := made(t, declared(venv(t))).ask(0, &p)
	if q.wire.Path != "" || q.wire.StandIn != "meta-llama/Meta-Llama-3.1-8B" || !found(q.findings, "model_path", "/no/such/checkpoint") {
		t.Errorf("%+v", q)
	}
}

// A declaration says what is assumed of items that nobody says; what the suite or the
// engine says wins.
func TestAssume(t *testing.T) {
	c := declared(venv(t))
	c.Attrs[attrAssume] = spec.MapValue(spec.Field{Name: spec.ItemGEMMQuant, Value: spec.StringValue("fp8")}, spec.Field{Name: spec.ItemMoEExpertParallel, Value: spec.IntValue(2)},
		spec.Field{Name: spec.ItemMemoryFraction, Value: spec.NumberValue("0.5")})
	engine := point(8)
	engine.Assumed = spec.NewConfiguration(spec.Setting{Name: spec.ItemMemoryFraction, Value: spec.NumberValue("0.9")})
	got := asked(t, c, []spec.Point{point(8), point(8, spec.ItemGEMMQuant, "fp8_block"), engine})
	if a := got[0].Arguments; a.GEMM != "fp8" || a.MoEEP != 2 || a.Fraction != "0.5" {
		t.Errorf("%+v", a)
	}
	if a := got[1].Arguments; a.GEMM != "fp8_block" {
		t.Errorf("%+v", a)
	}
	if a := got[2].Arguments; a.Fraction != "0.9" {
		t.Errorf("%+v", a)
	}
	for _, wrong := range []spec.Field{{Name: "gemm", Value: spec.StringValue("fp8")}, {Name: spec.ItemTensorParallel, Value: spec.IntValue(2)}, {Name: spec.ItemGEMMQuant, Value: spec.IntValue(2)},
		{Name: spec.ItemMemoryFraction, Value: spec.NumberValue("1.5")}, {Name: spec.ItemMaxBatchTokens, Value: spec.NumberValue("1.5")}, {Name: spec.ItemPrefixCache, Value: spec.StringValue("no")}} {
		c.Attrs[attrAssume] = spec.MapValue(wrong)
		if _, err := newPredictor(c, spec.Env{}); err == nil {
			t.Errorf("%+v is taken", wrong)
		}
	}
}

// What the tool has no word for is refused for its point alone.
func TestRefusals(t *testing.T) {
	no := func(change func(*spec.Point)) spec.Point {
		p := point(8)
		change(&p)
		return p
	}
	list := []spec.Point{
		point(8),
		point(9, spec.ItemReplicas, 2),
		no(func(p *spec.Point) { p.System = "" }),
		no(func(p *spec.Point) { p.Runtime = "sim" }),
		no(func(p *spec.Point) { p.Load.OutputTokens = 0 }),
		no(func(p *spec.Point) { p.Load.Concurrency, p.Load.RequestRate = 0, metric.MustDecimal("5") }),
		no(func(p *spec.Point) { p.Load.Concurrency = 0 }),
		point(8, spec.ItemSpeculativeTokens, 2),
	}
	t.Setenv(playSay, hello+said(0))
	answers, err := made(t, declared(venv(t))).Predict(t.Context(), list)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"", "choose a multiple of 2", "no hardware", "no tables of the runtime sim", "no lengths", "request rate", "no concurrency", "speculative_tokens is 2"} {
		if got := answers[i].Missing; want == "" != (got == "") || !strings.Contains(got, want) {
			t.Errorf("point %d: %q, want %q", i, got, want)
		}
		if answers[i].Transient {
			t.Errorf("point %d would be asked again, and the answer can be no other", i)
		}
	}
}

// A request that no point can be asked for needs no tool at all.
func TestNothingToAsk(t *testing.T) {
	p := point(8)
	p.Runtime = "sim"
	answers, err := made(t, declared("/no/such/place")).Predict(t.Context(), []spec.Point{p})
	if err != nil || answers[0].Missing == "" {
		t.Errorf("%v, %+v", err, answers)
	}
}

// Every assumption of the answer is listed, the tool's own included.
func TestModelled(t *testing.T) {
	t.Setenv(playSay, hello+said(0)+said(1))
	answers, err := made(t, declared(venv(t))).Predict(t.Context(), []spec.Point{point(64), point(64, spec.ItemMaxBatchTokens, 1024, spec.ItemMemoryFraction, 0.9, spec.ItemDType, "float16")})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{
		`attention_data_parallel=1,attention_quant="fp8",comm_quant="half",cuda_graphs=true,dtype="bfloat16",gemm_quant="fp8_block",kv_cache_quant="fp8",max_batch_tokens=2048,` +
			`max_sequence_length=2560,memory_fraction=0.88,pipeline_parallel=1,prefix_cache=false,replicas=1,speculative_tokens=0,tensor_parallel=2`,
		`attention_data_parallel=1,attention_quant="fp8",chunked_prefill=true,comm_quant="half",cuda_graphs=true,dtype="float16",gemm_quant="fp8_block",kv_cache_quant="fp8",max_batch_tokens=1024,` +
			`max_sequence_length=2560,memory_fraction=0.9,pipeline_parallel=1,prefix_cache=false,replicas=1,speculative_tokens=0,tensor_parallel=2`,
	} {
		if got := string(answers[i].Modelled.AppendCanonical(nil)); got != want {
			t.Errorf("modelled\n%s\nwant\n%s", got, want)
		}
	}
	if f := answers[0].Findings; !found(f, "context_tokens", "max_batch_tokens") || !found(f, "kv_cache_assumed", "fp8") || !found(f, "modelled_time", "some 10 %") {
		t.Errorf("%+v", f)
	}
	if f := answers[1].Findings; found(f, "context_tokens", "") {
		t.Errorf("%+v", f)
	}
}

// The traps of the tool are findings on the answer that they concern.
func TestTraps(t *testing.T) {
	change := strings.NewReplacer(`"kv_cache_warning":""`, `"kv_cache_warning":"Requested batch_size (64) exceeds"`, `"fallbacks":[]`, `"fallbacks":["a2a by nvlink"]`,
		`"warnings":[]`, `"warnings":["fmha falls back"]`, `"loading":[]`, `"loading":["mla.parquet"]`, `"gpus":2`, `"gpus":5`, `"config":"bundled"`, `"config":"stand_in"`,
		`"moe":false`, `"moe":true`, `"assumed":[]`, `"assumed":["moe_tensor_parallel","moe_expert_parallel"]`, `"sizes":{`, `"sizes":{"moe_tp":2,"moe_ep":1,`)
	t.Setenv(playSay, strings.Replace(hello, `"memo":""`, `"memo":"looked up anew"`, 1)+change.Replace(said(0)))
	p := point(64, spec.ItemPrefixCache, true, spec.ItemCUDAGraphs, false, spec.ItemSchedulePolicy, "lpm", spec.ItemDType, "float32", spec.ItemMaxBatchSize, 32,
		spec.ItemMaxSequenceLength, 4096, spec.ItemMaxBatchTokens, 1024, spec.ItemChunkedPrefill, false)
	p.RuntimeVersion = "0.5.9"
	answers, err := made(t, declared(venv(t), attrMode, "HYBRID")).Predict(t.Context(), []spec.Point{p})
	if err != nil || answers[0].Missing != "" {
		t.Fatal(err, answers[0].Missing)
	}
	for check, text := range map[string]string{
		"kv_cache_exceeded": "exceeds", "communication_fallback": "nvlink", "tool_warning": "fmha falls back", "low_fidelity_rows": "mla.parquet", "gpu_count": "counts 5 GPUs",
		"stand_in_model": "config.json of Qwen", "experts_assumed": "split over all ranks", "version_skew": "the runtime is 0.5.9", "database_mode": "HYBRID", "prefix_cache": "nothing is reused",
		"cuda_graphs": "off", "schedule_policy": "lpm", "dtype": "float32", "batch_limit": "all 64 requests", "sequence_limit": "input and output alone", "chunked_prefill": "in pieces",
	} {
		if !found(answers[0].Findings, check, text) {
			t.Errorf("no finding %s with %q in %+v", check, text, answers[0].Findings)
		}
	}
	if !found(answers[0].Findings, "tool_warning", "looked up anew") {
		t.Error("nothing says that version look-ups are not remembered")
	}
	if got := answers[0].Modelled.Get(spec.ItemMoETensorParallel); got.String() != "2" {
		t.Errorf("the experts' split is modelled as %s", got)
	}
	if !strings.Contains(answers[0].Provenance.Source, "--moe-tp-size 2 --moe-ep-size 1") {
		t.Error(answers[0].Provenance.Source)
	}
}

// With one output token there is no decoding: rates are left out, not zero.
func TestOneOutputToken(t *testing.T) {
	t.Setenv(playSay, hello+strings.NewReplacer(`"tpot":21.591`, `"tpot":0`, `"tokens/s":2905.15`, `"tokens/s":0`).Replace(said(0)))
	p := point(64)
	p.Load.OutputTokens = 1
	answers, err := made(t, declared(venv(t))).Predict(t.Context(), []spec.Point{p})
	if err != nil || answers[0].Missing != "" || len(answers[0].Values) != 2 || !found(answers[0].Findings, "no_decode", "") {
		t.Errorf("%v, %+v", err, answers)
	}
}

// Of 2,000 points the failing three lose no other, whatever else their failure is.
func TestThreeOfManyFail(t *testing.T) {
	var say strings.Builder
	say.WriteString(hello)
	for i := range 2000 {
		switch i {
		case 7:
			say.WriteString(`{"point":7,"error":"OOM: it does not fit","kind":"memory","warnings":[],"loading":[]}` + "\n")
		case 77:
			say.WriteString(`{"point":77,"error":"surprise","kind":"other"}` + "\n")
		case 777:
			say.WriteString(strings.Replace(said(777), `"tpot":21.591`, `"tpot":null`, 1))
		default:
			say.WriteString(said(i))
		}
	}
	file := filepath.Join(t.TempDir(), "say")
	if err := os.WriteFile(file, []byte(say.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv(playSay, "@"+file)
	answers, err := made(t, declared(venv(t))).Predict(t.Context(), points(2000))
	if err != nil {
		t.Fatal(err)
	}
	for i := range answers {
		a := &answers[i]
		switch i {
		case 7:
			if !strings.Contains(a.Missing, "does not fit in memory with 8 requests") || a.Transient {
				t.Errorf("%+v", a)
			}
		case 77:
			if !strings.Contains(a.Missing, "surprise") || !a.Transient {
				t.Errorf("%+v", a)
			}
		case 777:
			if !strings.Contains(a.Missing, "no figure for tpot") || !a.Transient {
				t.Errorf("%+v", a)
			}
		default:
			if a.Missing != "" {
				t.Fatalf("point %d: %s", i, a.Missing)
			}
		}
	}
}

// A point on which the process dies or hangs is given up, and the others are answered by
// the next process.
func TestProcessDies(t *testing.T) {
	for end, say := range map[string]string{
		"dies between":  hello + said(0) + ";" + hello + said(2),
		"half a line":   hello + said(0) + `{"point":1,"answ;` + hello + said(2),
		"dies at once":  hello + said(0) + ";;",
		"no such point": hello + said(0) + said(9),
	} {
		t.Run(end, func(t *testing.T) {
			t.Setenv(playSay, say)
			t.Setenv(playKeep, t.TempDir())
			t.Setenv(playErrors, "thread panicked\n")
			answers, err := made(t, declared(venv(t))).Predict(t.Context(), points(3))
			if err != nil {
				t.Fatal(err)
			}
			if answers[0].Missing != "" || answers[1].Missing == "" || !answers[1].Transient {
				t.Errorf("%+v", answers)
			}
			if again := strings.Contains(say, "\"point\":2,"); again != (answers[2].Missing == "") {
				t.Errorf("the last point: %q", answers[2].Missing)
			}
		})
	}
}

// Silence ends a process: with a line said its point is lost, without any all are.
func TestProcessHangs(t *testing.T) {
	t.Setenv(playSay, hello+said(0))
	t.Setenv(playEnd, "hang")
	p := made(t, declared(venv(t)))
	tool, err := p.find()
	if err != nil {
		t.Fatal(err)
	}
	q := p.ask(0, new(point(1)))
	r := p.ask(1, new(point(2)))
	var outcomes []outcome
	s := sdk{settings: &p.settings, tool: tool}
	for s.stall = 300 * time.Millisecond; ; s.stall *= 4 { // a busy machine takes its time to start a process
		outcomes, _, err = s.ask(t.Context(), "estimate", []wirePoint{q.wire, r.wire})
		if err == nil && outcomes[0].done || s.stall > 30*time.Second {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	if !outcomes[0].done || outcomes[1].done || !strings.Contains(outcomes[1].lost, "it said nothing for "+s.stall.String()) {
		t.Errorf("%+v", outcomes)
	}
	t.Setenv(playSay, "")
	if _, _, err := s.ask(t.Context(), "estimate", []wirePoint{q.wire}); err == nil || !strings.Contains(err.Error(), "said nothing") {
		t.Error(err)
	}
}

// Where nothing is answered the error has the evidence and a way out.
func TestNothingAnswered(t *testing.T) {
	for name, play := range map[string]struct{ say, errors, end, want string }{
		"garbage":      {say: "Hello!\n", want: "what is no answer: Hello!"},
		"no header":    {say: said(0), want: "without a header"},
		"dies":         {errors: "Traceback\nImportError: no module\n", end: "1", want: "ImportError: no module"},
		"killed":       {end: "kill", want: "signal: killed"},
		"says nothing": {want: "it ended early"},
		"no json":      {say: hello + "{\"point\":NaN}\n", want: "what is no answer"},
		"other point":  {say: hello + said(5), want: "answered point 5"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(playSay, play.say)
			t.Setenv(playErrors, play.errors)
			t.Setenv(playEnd, play.end)
			_, err := made(t, declared(venv(t))).Predict(t.Context(), points(1))
			var e *spec.Error
			if !errors.As(err, &e) || !strings.Contains(err.Error(), play.want) || e.Fix == "" || !strings.Contains(e.Summary, "predictor.aiconfigurator.aic") {
				t.Errorf("%v, want %q", err, play.want)
			}
		})
	}
}

// An answer to another question is not taken.
func TestOtherAnswers(t *testing.T) {
	for change, want := range map[string]string{
		`"tp":2|"tp":4`:                              "asked for tp 2 and answered for 4",
		`"sizes":{|"sizes":{"prefix":7,`:             "prefix 0",
		`"concurrency":null|"concurrency":3`:         "answered for 3 requests",
		`"ttft":356.866|"ttft":-1`:                   "can not be negative",
		`"tokens/s":2905.15|"tokens/s":1e300`:        "too large",
		`"values":{"ttft":356.866,|"values":{"x":1,`: "no figure for ttft",
	} {
		from, to, _ := strings.Cut(change, "|")
		t.Setenv(playSay, hello+strings.Replace(said(0), from, to, 1))
		answers, err := made(t, declared(venv(t))).Predict(t.Context(), []spec.Point{point(64)})
		if err != nil || !strings.Contains(answers[0].Missing, want) {
			t.Errorf("%s: %v, %q, want %q", change, err, answers[0].Missing, want)
		}
	}
}

// What is wrong with the declaration or the tool's place is said with the fix.
func TestDeclaration(t *testing.T) {
	root := venv(t)
	for name, c := range map[string]*spec.Component{
		"two places":   declared(root, attrPython, "python3"),
		"no time":      declared(root, attrTimeout, "0s"),
		"comma in one": {Attrs: spec.Attrs{attrSystemsPath: spec.ListValue(spec.StringValue("a,b"))}},
	} {
		if _, err := newPredictor(c, spec.Env{}); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	_, err := made(t, declared("/no/such/place")).Predict(t.Context(), points(1))
	var e *spec.Error
	if !errors.As(err, &e) || !strings.Contains(e.Fix, "pip install aiconfigurator==0.12.0") || !strings.Contains(e.Summary, "/no/such/place") {
		t.Errorf("%v", err)
	}
	t.Setenv(envTool, root)
	t.Setenv(playSay, hello+said(0))
	bare := &spec.Component{Role: spec.RolePredictor, Kind: Kind, Name: "aic", Attrs: spec.Attrs{}}
	if answers, err := made(t, bare).Predict(t.Context(), points(1)); err != nil || answers[0].Missing != "" {
		t.Errorf("the environment names the tool: %v %+v", err, answers)
	}
}

// The fingerprint depends on all that answers depend on, and not on how long to wait.
func TestFingerprint(t *testing.T) {
	root := venv(t)
	systems := t.TempDir()
	print := func(c *spec.Component) string {
		t.Helper()
		text, err := made(t, c).Fingerprint(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	first := print(declared(root))
	if print(declared(root, attrTimeout, "2m")) != first {
		t.Error("the timeout is part of it")
	}
	extra := declared(root)
	extra.Attrs[attrSystemsPath] = spec.ListValue(spec.StringValue("default"), spec.StringValue(systems))
	with := print(extra)
	if err := os.WriteFile(filepath.Join(systems, "x.yaml"), []byte("data_dir: x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{first: "", with: "", print(extra): ""}
	seen[print(declared(root, attrDatabase, "next"))] = ""
	seen[print(declared(root, attrMode, "SOL"))] = ""
	seen[print(declared(root, attrDriver, driverCLI))] = ""
	t.Setenv("AIC_ALLOW_UNLISTED_VERSIONS", "1")
	seen[print(declared(root))] = ""
	if len(seen) != 7 {
		t.Errorf("%d fingerprints of 7 differ", len(seen))
	}
	record := filepath.Join(root, "lib/python3.11/site-packages/aiconfigurator-0.12.0.dist-info/RECORD")
	t.Setenv("AIC_ALLOW_UNLISTED_VERSIONS", "")
	if err := os.WriteFile(record, []byte("aiconfigurator/x.py,sha256=bbb,1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if print(declared(root)) == first {
		t.Error("another tool has the same fingerprint")
	}
	extra.Attrs[attrSystemsPath] = spec.ListValue(spec.StringValue("/no/such/folder"))
	if _, err := made(t, extra).Fingerprint(t.Context()); err == nil || !strings.Contains(err.Error(), "/no/such/folder") {
		t.Error(err)
	}
}
