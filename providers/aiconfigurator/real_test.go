package aiconfigurator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"aicv/spec"
)

// realTool declares the real tool, or skips.
func realTool(t *testing.T, more ...string) *spec.Component {
	t.Helper()
	if os.Getenv("AICV_REAL") != "1" {
		t.Skip("set AICV_REAL=1 to run the tests of real tools, after scripts/real-tools")
	}
	place := os.Getenv(envTool)
	for at, _ := os.Getwd(); place == ""; at = filepath.Dir(at) {
		if venv := filepath.Join(at, ".tools", "aiconfigurator"); isFolder(venv) {
			place = venv
		} else if at == filepath.Dir(at) {
			t.Skip("aiconfigurator is not installed: scripts/real-tools puts it into .tools, or set AICV_AICONFIGURATOR to its command or virtual environment")
		}
	}
	c := declared(place, more...)
	if !isFolder(place) {
		delete(c.Attrs, attrVenv)
		c.Attrs[attrCommand] = spec.StringValue(place)
	}
	delete(c.Attrs, attrTimeout)
	return c
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// realPoint is a point of a model on a system and an engine.
func realPoint(model, system, engine string, concurrency, isl, osl int, items ...any) spec.Point {
	p := point(concurrency, items...)
	kind, version, _ := strings.Cut(engine, " ")
	p.ModelID, p.System, p.Runtime, p.RuntimeVersion = model, system, kind, version
	p.Load.InputTokens, p.Load.OutputTokens = isl, osl
	return p
}

// variedPoints are dense models and mixtures of experts, with their quantizations, engines,
// systems and limits.
func variedPoints(t *testing.T) []spec.Point {
	t.Helper()
	local := realPoint("meta-llama/Llama-3.1-8B", "h100_sxm", "vllm 0.24.0", 16, 1000, 200, spec.ItemTensorParallel, 1, spec.ItemMaxBatchTokens, 2048)
	local.ModelPath, _ = filepath.Abs(filepath.Join("..", "..", "examples", "models", "Llama-3.1-8B"))
	const (
		qwen  = "Qwen/Qwen3-32B"
		fp8   = "Qwen/Qwen3-32B-FP8"
		large = "Qwen/Qwen3-235B-A22B-FP8"
	)
	tp, kv := spec.ItemTensorParallel, spec.ItemKVCacheQuant
	return []spec.Point{
		realPoint(fp8, "h200_sxm", "sglang 0.5.14", 64, 2048, 512),
		realPoint(fp8, "h200_sxm", "sglang 0.5.16", 64, 2048, 512, kv, "bfloat16", spec.ItemAttentionQuant, "bfloat16"),
		realPoint(fp8, "h200_sxm", "vllm 0.24.0", 64, 1024, 512, kv, "bfloat16", spec.ItemMaxBatchTokens, 8192, spec.ItemMemoryFraction, 0.9),
		realPoint(fp8, "h200_sxm", "vllm 0.24.0", 128, 1024, 512, tp, 1, kv, "fp8", spec.ItemMemoryFraction, 0.5),
		realPoint(qwen, "h100_sxm", "vllm 0.12.0", 1, 1024, 128, spec.ItemMaxBatchTokens, 8192),
		realPoint(qwen, "h100_sxm", "sglang 0.5.14", 32, 4096, 1024, tp, 4, spec.ItemMaxBatchTokens, 2048),
		realPoint(qwen, "h100_sxm", "vllm 0.24.0", 48, 3000, 300, tp, 2, spec.ItemPipelineParallel, 2, spec.ItemMaxSequenceLength, 4096),
		realPoint(large, "h200_sxm", "sglang 0.5.14", 256, 4000, 1000, tp, 1, spec.ItemAttentionDataParallel, 8, spec.ItemMoEExpertParallel, 8, spec.ItemMoETensorParallel, 1),
		realPoint(large, "h200_sxm", "sglang 0.5.14", 64, 2048, 512, tp, 4),
		realPoint("Qwen/Qwen3-30B-A3B", "h100_sxm", "vllm 0.24.0", 32, 1000, 1000, spec.ItemMoEExpertParallel, 2, spec.ItemMoETensorParallel, 1),
		realPoint("openai/gpt-oss-120b", "h200_sxm", "vllm 0.18.0", 16, 1024, 1024, tp, 2, spec.ItemMoETensorParallel, 2, spec.ItemMoEExpertParallel, 1),
		realPoint("deepseek-ai/DeepSeek-R1", "h200_sxm", "sglang 0.5.9", 16, 1024, 1024, tp, 8, spec.ItemMoETensorParallel, 1, spec.ItemMoEExpertParallel, 8),
		realPoint("meta-llama/Llama-3.1-8B-Instruct", "h100_sxm", "vllm 0.24.0", 8, 1000, 200, tp, 1, spec.ItemGEMMQuant, "fp8", kv, "fp8", spec.ItemCommQuant, "half"),
		local,
	}
}

// printed says how many digits behind the point the command line prints.
func printed() map[string]int {
	return map[string]int{"ttft": 3, "tpot": 3, "request_latency": 3, "tokens/s": 2, "tokens/s/gpu": 2, "tokens/s/user": 2, "seq/s": 3, "concurrency": 0, "memory": 2}
}

// The numbers of the SDK are those of the command line that each answer names, to the
// digits that it prints.
func TestRealEqualsCommandLine(t *testing.T) {
	c := realTool(t)
	p := made(t, c)
	tool, err := p.find()
	if err != nil {
		t.Fatal(err)
	}
	list := variedPoints(t)
	questions, wire := make([]question, len(list)), make([]wirePoint, len(list))
	for i := range list {
		questions[i] = p.ask(i, &list[i])
		wire[i] = questions[i].wire
	}
	s := sdk{settings: &p.settings, tool: tool, stall: stall}
	outcomes, _, err := s.ask(t.Context(), "estimate", wire)
	if err != nil {
		t.Fatal(err)
	}
	var runs sync.WaitGroup
	slots := make(chan struct{}, 2)
	for i := range outcomes {
		answer := questions[i].answer(&outcomes[i])
		if answer.Missing != "" {
			t.Errorf("point %d: %s", i, answer.Missing)
			continue
		}
		runs.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			sameFigures(t, i, tool.Command, answer.Provenance.Source, &outcomes[i].line.Answer)
		})
	}
	runs.Wait()
}

// sameFigures runs a command line and compares what it prints.
func sameFigures(t *testing.T, at int, command, source string, e *estimate) {
	run := osexec.Command(command, strings.Fields(source)[1:]...)
	run.Dir = t.TempDir()
	out, err := run.Output()
	if err != nil {
		t.Errorf("point %d: %s: %v\n%s", at, source, err, out)
		return
	}
	b, err := readBox(string(out))
	if err != nil {
		t.Errorf("point %d: %s: %v", at, source, err)
		return
	}
	for field, digits := range printed() {
		got, want := e.Values[field], b.estimate.Values[field]
		if got == nil || want == nil || strconv.FormatFloat(*got, 'f', digits, 64) != strconv.FormatFloat(*want, 'f', digits, 64) {
			t.Errorf("point %d: %s: %s is %v by the SDK and %v by the command line", at, source, field, deref(got), deref(want))
		}
	}
	if fmt.Sprint(e.Modes) != fmt.Sprint(b.estimate.Modes) || e.Version != b.estimate.Version {
		t.Errorf("point %d: %s: %v of %s by the SDK and %v of %s by the command line", at, source, e.Modes, e.Version, b.estimate.Modes, b.estimate.Version)
	}
}

func deref(f *float64) float64 {
	if f == nil {
		return math.NaN()
	}
	return *f
}

// Remembering the look-up of versions changes no figure.
func TestRealMemoChangesNothing(t *testing.T) {
	p := made(t, realTool(t))
	tool, err := p.find()
	if err != nil {
		t.Fatal(err)
	}
	list := []spec.Point{realPoint("Qwen/Qwen3-32B", "h200_sxm", "vllm 0.24.0", 8, 1000, 100), realPoint("Qwen/Qwen3-32B-FP8", "h200_sxm", "vllm 0.24.0", 8, 1000, 100)}
	var answers [2]string
	for i, text := range []string{program, strings.Replace(program, "setattr(databases, name, remembered)", "pass", 1)} {
		if i == 1 && text == program {
			t.Fatal("the program no longer remembers look-ups where this test leaves that out")
		}
		wire := make([]wirePoint, len(list))
		for j := range list {
			q := p.ask(j, &list[j])
			wire[j] = q.wire
		}
		out, err := runProgram(t, tool.Python, text, wireRequest{Want: "estimate", Points: wire})
		if err != nil {
			t.Fatal(err)
		}
		answers[i] = out
	}
	if answers[0] != answers[1] {
		t.Errorf("with the look-up remembered\n%s\nwithout\n%s", answers[0], answers[1])
	}
}

// runProgram runs a version of our program and returns what it prints.
func runProgram(t *testing.T, python, text string, request wireRequest) (string, error) {
	t.Helper()
	input, err := json.Marshal(request)
	if err != nil {
		return "", err
	}
	run := osexec.Command(python, "-c", text)
	run.Dir, run.Stdin = t.TempDir(), bytes.NewReader(input)
	out, err := run.Output()
	return string(out), err
}

// One bad point of many loses no other, and says what is wrong.
func TestRealFailures(t *testing.T) {
	p := made(t, realTool(t))
	list := []spec.Point{
		realPoint("Qwen/Qwen3-32B", "h200_sxm", "vllm 0.24.0", 8, 1000, 100),
		realPoint("Qwen/Qwen3-32B", "h100_sxm", "vllm 0.24.0", 512, 2048, 512, spec.ItemTensorParallel, 1),
		realPoint("nobody/no-such-model", "h200_sxm", "vllm 0.24.0", 8, 1000, 100),
		realPoint("Qwen/Qwen3-32B", "h999", "vllm 0.24.0", 8, 1000, 100),
		realPoint("Qwen/Qwen3-32B", "h200_sxm", "vllm 0.24.0", 8, 1000, 100, spec.ItemGEMMQuant, "int3"),
		realPoint("Qwen/Qwen3-30B-A3B", "h200_sxm", "vllm 0.24.0", 8, 1000, 100, spec.ItemMoETensorParallel, 3),
		realPoint("Qwen/Qwen3-32B", "h200_sxm", "vllm 0.24.0", 4, 1000, 100),
	}
	odd := realPoint("Qwen/Qwen3-32B", "h200_sxm", "vllm 0.24.0", 8, 1000, 100)
	odd.ModelPath = t.TempDir()
	if err := os.WriteFile(filepath.Join(odd.ModelPath, "config.json"), []byte(`{"architectures": ["Qwen3ForCausalLM"], "num_hidden_layers": "many"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	empty := odd
	empty.ModelPath = t.TempDir()
	answers, err := p.Predict(t.Context(), append(list, odd, empty))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"", "does not fit in memory", "bundles no config.json of nobody/no-such-model", "it has no tables of the system h999; it has them of a100_sxm, b200_sxm", "does not know", "the tool refuses it", "",
		"can not be used", ""} {
		if got := answers[i].Missing; (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("point %d: %q, want %q", i, got, want)
		}
		if answers[i].Transient {
			t.Errorf("point %d would be asked again: %s", i, answers[i].Missing)
		}
	}
}

// An unknown version of the tables is refused with the versions that there are.
func TestRealVersions(t *testing.T) {
	list := []spec.Point{realPoint("Qwen/Qwen3-32B", "h200_sxm", "vllm 0.24.0", 8, 1000, 100)}
	answers, err := made(t, realTool(t, attrDatabase, "9.9.9")).Predict(t.Context(), list)
	if err != nil || !strings.Contains(answers[0].Missing, "'current': '0.24.0'") {
		t.Errorf("%v %+v", err, answers)
	}
	support, err := made(t, realTool(t, attrDatabase, "9.9.9")).Support(t.Context(), list)
	if err != nil || support[0].Supported || !strings.Contains(support[0].Nearest, "vllm 0.24.0") {
		t.Errorf("%v %+v", err, support)
	}
	answers, err = made(t, realTool(t, attrDatabase, "current")).Predict(t.Context(), list)
	if err != nil || answers[0].Missing != "" || answers[0].Provenance.Database != "0.24.0" {
		t.Errorf("%v %+v", err, answers)
	}
}

// Searches of the real tool become cells whose GPU arithmetic holds: its default search,
// and one where the suite fixes a part of the layout.
func TestRealSearch(t *testing.T) {
	p := made(t, realTool(t))
	r := request(8, 5, limit("ttft", "1000"), limit("tpot", "30"))
	fixed := r
	fixed.Base.Config = spec.NewConfiguration(spec.Setting{Name: spec.ItemTensorParallel, Value: spec.IntValue(2)}, spec.Setting{Name: spec.ItemKVCacheQuant, Value: spec.StringValue("bfloat16")},
		spec.Setting{Name: spec.ItemAttentionQuant, Value: spec.StringValue("bfloat16")})
	fixed.Base.RuntimeVersion = "0.5.9" // of which there are no tables
	for name, r := range map[string]spec.RecommendRequest{"default": r, "fixed": fixed} {
		rows, err := p.Recommend(t.Context(), r)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var points []spec.Point
		for i := range rows {
			if found(rows[i].Findings, "disaggregated", "") || found(rows[i].Findings, "context_parallel", "") {
				continue
			}
			holds(t, &r, &rows[i])
			points = append(points, rows[i].Point)
		}
		if len(points) != 5 {
			t.Errorf("%s: %d rows that can be deployed, want 5", name, len(points))
		}
		answers, err := p.Predict(t.Context(), points)
		if err != nil {
			t.Fatal(err)
		}
		at := 0
		for i := range rows {
			if at == len(points) || rows[i].Point.Load != points[at].Load || string(rows[i].Point.Config.AppendCanonical(nil)) != string(points[at].Config.AppendCanonical(nil)) {
				continue
			}
			claimed, _ := rows[i].Claimed.Get("throughput")
			if got := value(&answers[at], "throughput"); math.Abs(got-claimed) > 0.005*claimed {
				t.Errorf("%s: the row %s claims %.1f tokens/s/GPU, and its cell is predicted at %.1f: %s", name, points[at].Config.AppendCanonical(nil), claimed, got, answers[at].Missing)
			}
			at++
		}
	}
}
