package exec

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"testing"

	"aicv/metric"
	"aicv/spec"
)

// example declares one of the programs of examples/predictors.
func example(t *testing.T, metrics []string, argv ...string) spec.Predictor {
	t.Helper()
	if _, err := osexec.LookPath(argv[0]); err != nil && !strings.Contains(argv[0], "/") {
		t.Skipf("%s is not here: install it to run this example", argv[0])
	}
	dir, err := filepath.Abs(examples)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Registration().New.Predictor(declared(spec.Attrs{attrCommand: texts(argv...), attrMetrics: texts(metrics...), attrSupport: spec.BoolValue(true)}),
		spec.Env{SuiteDir: dir, Getenv: os.LookupEnv})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func requestOf(t *testing.T, kind string, list []spec.Point) []byte {
	t.Helper()
	wire := make([]wirePoint, len(list))
	for i := range list {
		wire[i] = wireOf(&list[i])
	}
	request, err := pointsRequest(wireHead{Request: kind, Metrics: []metric.Name{metric.TTFT}}, wire)
	if err != nil {
		t.Fatal(err)
	}
	return request
}

func TestRoofline(t *testing.T) {
	list := points(3)
	list[2].System = "tpu_v5"
	for _, kind := range []string{requestPredict, requestSupport} {
		if lines := exchange(t, requestOf(t, kind, list), "python3", "roofline.py"); len(lines) != 4 {
			t.Errorf("%s: %q", kind, lines)
		}
	}
	p := example(t, []string{"throughput", "ttft", "tpot"}, "python3", "roofline.py")
	answers, err := p.Predict(t.Context(), list)
	if err != nil {
		t.Fatal(err)
	}
	// Two GPUs of 989 TFLOP/s for 1,000 tokens, of 3.35 TB/s for 16 GB of weights.
	if ttft, tpot := value(&answers[0], metric.TTFT), value(&answers[0], metric.TPOT); math.Abs(ttft-8.12) > 0.01 || math.Abs(tpot-2.405) > 0.001 {
		t.Errorf("ttft %g ms, tpot %g ms", ttft, tpot)
	}
	if answers[2].Missing != "no figures of the system tpu_v5" || answers[2].Transient || len(answers[0].Findings) != 0 {
		t.Errorf("%+v", answers)
	}
	support, err := p.(spec.Supporter).Support(t.Context(), list)
	if err != nil || !support[0].Supported || support[2].Supported || support[2].Nearest != "a100_sxm, h100_sxm, h200_sxm" {
		t.Errorf("%+v, %v", support, err)
	}
}

func TestClosedForm(t *testing.T) {
	list := points(12)
	list[11].Load = spec.Load{RequestRate: metric.MustDecimal("2.5"), InputTokens: 10, OutputTokens: 20}
	if lines := exchange(t, requestOf(t, requestPredict, list), "sh", "closed-form.sh"); len(lines) != 13 {
		t.Errorf("%q", lines)
	}
	answers, err := example(t, []string{"total_throughput", "ttft", "tpot"}, "./closed-form.sh").Predict(t.Context(), list)
	if err != nil {
		t.Fatal(err)
	}
	if x := answers[9]; value(&x, metric.TTFT) != 28 || value(&x, metric.TPOT) != 6.2 || len(x.Derived) != 1 {
		t.Errorf("%+v", x)
	}
	if answers[11].Missing != "only a concurrency can be answered" {
		t.Errorf("%+v", answers[11])
	}
}

// aisimulate is a stand-in for the tool: it takes the documented arguments and gives the
// documented answer. Its figures are made up.
const aisimulate = `#!/bin/sh
[ "$1 $2 $4 $6 $7" = "predict -c --output-dir --format json" ] || exit 2
cat "$3" >> "$SEEN"; echo >> "$SEEN"
users=$(sed 's/.*"concurrency": \([0-9]*\)}.*/\1/' "$3")
done=$((20 * users)); tpot='"mean_tpot_ms": 8.0,'
case $users in
2) echo a warning >&2; echo no resources of that size >&2; exit 3 ;;
3) exit 9 ;;
4) done=79 ;;
5) tpot= ;;
esac
mkdir "$5" && cat > "$5/prediction.json" <<END
{"num_requests": $((20 * users)), "completed_requests": $done, "duration_ms": 1000.0, "request_throughput_rps": 4.0,
 "output_throughput_tok_s": 800.0, "mean_ttft_ms": 50.0, $tpot "mean_itl_ms": 8.1, "mean_e2e_latency_ms": 1642.0,
 "mean_output_token_throughput_per_user": 126.0, "power_w": 0.0, "gpu_hours": 0.1}
END
`

// TestAISimulate tries the adapter on a hand-made answer in the documented form; the tool
// itself is not run.
func TestAISimulate(t *testing.T) {
	bin, seen := t.TempDir(), filepath.Join(t.TempDir(), "seen")
	if err := os.WriteFile(filepath.Join(bin, "aisimulate"), []byte(aisimulate), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	t.Setenv("SEEN", seen)
	list := points(6)
	list[5].Load = spec.Load{RequestRate: metric.MustDecimal("2.5"), InputTokens: 10, OutputTokens: 20}
	exchange(t, requestOf(t, requestPredict, list[:2]), "python3", "aisimulate.py")
	if err := os.Remove(seen); err != nil {
		t.Fatal(err)
	}
	p := example(t, []string{"throughput", "total_throughput", "request_throughput", "user_throughput", "ttft", "tpot", "latency"}, "python3", "aisimulate.py")
	answers, err := p.Predict(t.Context(), list)
	if err != nil {
		t.Fatal(err)
	}
	checkSimulated(t, answers)
	checkConfiguration(t, seen)
}

func checkSimulated(t *testing.T, answers []spec.Prediction) {
	t.Helper()
	got := fmt.Sprint(answers[0].Values)
	if want := "[{latency 1642} {request_throughput 4} {throughput 400} {total_throughput 800} {tpot 8} {ttft 50} {user_throughput 125}]"; got != want {
		t.Errorf("values %s, want %s", got, want)
	}
	if f := answers[0].Findings; len(f) != 1 || f[0].Message != "AISimulate's configuration has no place for memory_fraction" {
		t.Errorf("%+v", f)
	}
	if v := answers[0].Modelled.Get(spec.ItemMaxBatchTokens); v.Text() != "8192" || !answers[0].Modelled.Get(spec.ItemMemoryFraction).IsNull() {
		t.Errorf("modelled %+v", answers[0].Modelled)
	}
	for i, want := range map[int]string{
		1: "aisimulate ended with 3, it refuses, for want of resources: no resources of that size",
		2: "aisimulate ended with 9, which it does not document: ",
		4: "KeyError: 'mean_tpot_ms'",
		5: "this adapter asks for a concurrency only",
	} {
		if answers[i].Missing != strings.TrimSpace(want) {
			t.Errorf("point %d: %q, want %q", i, answers[i].Missing, want)
		}
	}
	if f := answers[3].Findings; len(f) != 2 || f[1].Message != "79 of 80 simulated requests were completed" {
		t.Errorf("%+v", f)
	}
}

func checkConfiguration(t *testing.T, seen string) {
	t.Helper()
	content, err := os.ReadFile(seen)
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(content), "\n")
	want := `{"traffic":{"source":{"type":"synthetic","input_tokens":1000,"output_tokens":200},"load":{"type":"concurrency","concurrency":1},"stop":{"requests":20}},` +
		`"engine":{"mode":"aggregated","model":"meta-llama/Llama-3.1-8B-Instruct","hardware":"h100_sxm","backend":"vllm","backend_version":"0.24.0",` +
		`"workers":{"aggregated":{"parallelism":{"tensor":2},"scheduler":{"max_batched_tokens":8192},"kv_cache":{"prefix_caching":false}}}}}`
	var a, b any
	if json.Unmarshal([]byte(first), &a) != nil || json.Unmarshal([]byte(want), &b) != nil || fmt.Sprint(a) != fmt.Sprint(b) {
		t.Errorf("asked with %s\nwant %s", first, want)
	}
}
