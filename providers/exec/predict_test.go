package exec

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"aicv/metric"
	"aicv/spec"
)

func TestGoodAnswer(t *testing.T) {
	answers, err := ask(t, playing(t, hello+`
{"point":1,"missing":"does not fit"}
{"point":0,"values":{"tpot":6.5,"ttft":42,"throughput":1e3},"derived":["throughput"],"modelled":{"kv_cache_quant":"fp8","tensor_parallel":2.0,"memory_fraction":0.90,"prefix_cache":false},`+
		`"findings":[{"check":"kv_budget","severity":"warn","message":"close to\nthe limit","metrics":["ttft"]}],"database":"h100 7","source":"table 3"}`), 2)
	if err != nil {
		t.Fatal(err)
	}
	want := []spec.Prediction{
		{
			Values:  metric.Values{{Metric: metric.Throughput, Value: 1000}, {Metric: metric.TPOT, Value: 6.5}, {Metric: metric.TTFT, Value: 42}},
			Derived: []metric.Name{metric.Throughput},
			Modelled: spec.NewConfiguration(
				spec.Setting{Name: spec.ItemKVCacheQuant, Value: spec.StringValue("fp8")}, spec.Setting{Name: spec.ItemTensorParallel, Value: spec.IntValue(2)},
				spec.Setting{Name: spec.ItemMemoryFraction, Value: spec.NumberValue("0.9")}, spec.Setting{Name: spec.ItemPrefixCache, Value: spec.BoolValue(false)}),
			Findings:   []spec.Finding{{Check: "kv_budget", Severity: spec.FindingWarn, Message: "close to the limit", Metrics: []metric.Name{metric.TTFT}}},
			Provenance: spec.Provenance{Tool: "roof", Version: "1.2", Database: "h100 7", Source: "table 3"},
		},
		{Missing: "does not fit", Provenance: spec.Provenance{Tool: "roof", Version: "1.2"}},
	}
	if diff := cmp.Diff(want, answers); diff != "" {
		t.Error(diff)
	}
}

// Each bad answer costs its own point, says what is wrong with it, and is asked again.
func TestBadAnswersLoseNoOthers(t *testing.T) {
	for _, test := range []struct{ name, line, want string }{
		{"not JSON", `{"point":1,"values":{ttft:1}}`, "not taken: it is not JSON: invalid character 't'"},
		{"NaN", `{"point": 1, "values": {"ttft": NaN}}`, "NaN is no number there; leave out"},
		{"Infinity", `{"point":1,"values":{"ttft":-Infinity}}`, "Infinity is no number there"},
		{"half a line", `{"point":1,"values":{"ttft":1`, "ends in the middle"},
		{"unknown metric", `{"point":1,"values":{"ttfs":1}}`, `"ttfs" is no metric; did you mean "ttft"?`},
		{"null", `{"point":1,"values":{"ttft":null}}`, "ttft is null, and must be a number"},
		{"text", `{"point":1,"values":{"ttft":"12"}}`, `ttft is "12", and must be a number`},
		{"too large for a float", `{"point":1,"values":{"ttft":1e999}}`, "too large to be real"},
		{"negative", `{"point":1,"values":{"ttft":-1}}`, "ttft is -1, and can not be negative"},
		{"zero", `{"point":1,"values":{"ttft":0}}`, "ttft is 0, and can not be zero"},
		{"twice the same key", `{"point":1,"values":{"ttft":1,"ttft":2}}`, `"ttft" twice`},
		{"unknown key", `{"point":1,"value":{"ttft":1}}`, `unknown field "value"`},
		{"wrong type", `{"point":1,"values":[1]}`, "values is an array, and must be an object"},
		{"no values", `{"point":1}`, "no values, and does not say why"},
		{"values and missing", `{"point":1,"values":{"ttft":1},"missing":"x"}`, "says that they are missing"},
		{"values that nobody declared", `{"point":1,"values":{"latency":1}}`, "no value of the metrics that are declared: throughput, ttft, tpot"},
		{"derived of nothing", `{"point":1,"values":{"ttft":1},"derived":["tpot"]}`, `derived names "tpot"`},
		{"a finding without a text", `{"point":1,"values":{"ttft":1},"findings":[{"check":"x","severity":"note"}]}`, "lacks its check or its message"},
		{"a finding's severity", `{"point":1,"values":{"ttft":1},"findings":[{"check":"x","severity":"fatal","message":"m"}]}`, "must be note, warn or not_comparable"},
		{"a finding's metric", `{"point":1,"values":{"ttft":1},"findings":[{"check":"x","severity":"note","message":"m","metrics":["tpott"]}]}`, `did you mean "tpot"`},
		{"too many findings", `{"point":1,"values":{"ttft":1},"findings":[` + strings.Repeat(`{},`, 20) + `{}]}`, "21 findings"},
		{"not UTF-8", "{\"point\":1,\"missing\":\"\xff\"}", "not UTF-8"},
		{"something behind", `{"point":1,"missing":"x"} {"point":2,"missing":"x"}`, "after top-level value"},
		{"twice", `{"point":1,"values":{"ttft":1}}` + "\n" + `{"point":1,"values":{"ttft":1}}`, "answered more than once"},
		{"not at all", "", "not answered"},
	} {
		answers, err := ask(t, playing(t, hello+`{"point":0,"values":{"ttft":7}}`+"\n"+test.line+"\n"+`{"point":2,"values":{"ttft":9}}`), 3)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if value(&answers[0], metric.TTFT) != 7 || value(&answers[2], metric.TTFT) != 9 || len(answers[0].Findings) != 0 {
			t.Errorf("%s: the others are lost: %+v", test.name, answers)
		}
		if bad := answers[1]; len(bad.Values) != 0 || !bad.Transient || !strings.Contains(bad.Missing, test.want) {
			t.Errorf("%s: %+v, want %q", test.name, bad, test.want)
		}
	}
}

// Lines that belong to no point are said on every answer.
func TestLinesThatAnswerNothing(t *testing.T) {
	for _, test := range []struct{ name, line, want string }{
		{"a message", "Loading tables ...", `one of its lines answers nothing: line 3: it is not JSON: invalid character 'L' looking for beginning of value: Loading tables ...`},
		{"no point", `{"values":{"ttft":1}}`, "it names no point"},
		{"a point too high", `{"point":2,"values":{"ttft":1}}`, "there is no point 2 among 2"},
		{"a point below", `{"point":-1,"values":{"ttft":1}}`, "there is no point -1"},
		{"a point that is no number", `{"point":"1","values":{"ttft":1}}`, "point is a string, and must be a number"},
		{"an array", `[1,2]`, "it is no JSON object"},
		{"null", `null`, "it is no JSON object"},
		{"many", strings.Repeat("x\n", 9), "9 of its lines answer nothing: line 3: it is not JSON"},
	} {
		answers, err := ask(t, playing(t, hello+`{"point":0,"values":{"ttft":7}}`+"\n"+test.line+"\n"+`{"point":1,"missing":"no"}`), 2)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		for i, x := range answers {
			if len(x.Findings) != 1 || x.Findings[0].Check != "predictor_output" || !strings.Contains(x.Findings[0].Message, test.want) {
				t.Errorf("%s: point %d has the findings %+v, want %q", test.name, i, x.Findings, test.want)
			}
		}
	}
}

// Values beyond the declared ones are said and not used; what was assumed and can not be
// compared is said, too.
func TestDoubtfulParts(t *testing.T) {
	answers, err := ask(t, playing(t, hello+`{"point":0,"values":{"ttft":7,"latency":9},"derived":["latency"],"modelled":{"tensor_paralel":2,"tensor_parallel":"2","memory_fraction":2,"dtype":"bfloat16"}}`), 1)
	if err != nil {
		t.Fatal(err)
	}
	x := answers[0]
	if len(x.Values) != 1 || len(x.Derived) != 0 || len(x.Modelled) != 1 || x.Modelled[0].Name != spec.ItemDType {
		t.Errorf("%+v", x)
	}
	var texts []string
	for _, f := range x.Findings {
		texts = append(texts, string(f.Severity)+" "+f.Check+": "+f.Message)
	}
	want := []string{
		"note predictor_metrics: answers that are not used, because metrics does not list them: latency",
		"warn predictor_modelled: an item that the answer assumed can not be compared: memory_fraction is 2, and must be a plain decimal number from 0 to 1",
		`warn predictor_modelled: an item that the answer assumed can not be compared: "tensor_paralel" is no item of the configuration; did you mean "tensor_parallel"?`,
		`warn predictor_modelled: an item that the answer assumed can not be compared: tensor_parallel is "2", and must be a whole number of 1 or more`,
	}
	if diff := cmp.Diff(want, texts); diff != "" {
		t.Error(diff)
	}
}

// What was answered before a program failed counts; the rest says how it ended.
func TestProgramsThatFailHalfway(t *testing.T) {
	one := hello + `{"point":0,"values":{"ttft":7}}` + "\n"
	for _, test := range []struct{ name, end, timeout, missing, finding string }{
		{"exit status", "3", "1m", "not answered: ended with exit status 3", "it ended with exit status 3; its last words: Traceback: boom"},
		{"killed", "kill", "1m", "not answered: was ended by the signal killed", "the signal killed"},
		{"hangs", "hang", "1s", "not answered: was stopped after 1s", "it was stopped after 1s"},
		{"floods", "flood", "1m", "not answered: was stopped, because it printed more than 64 MiB", "more than 64 MiB"},
	} {
		c := playing(t, one, playEnd, test.end, playErrors, "Traceback:\n  boom\n")
		c.Attrs[attrTimeout] = spec.StringValue(test.timeout)
		began := time.Now()
		answers, err := ask(t, c, 2)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if value(&answers[0], metric.TTFT) != 7 || answers[0].Transient || !answers[1].Transient || answers[1].Missing != test.missing {
			t.Errorf("%s: %+v", test.name, answers)
		}
		if f := answers[0].Findings; len(f) == 0 || f[0].Check != "predictor_exit" || !strings.Contains(f[0].Message, test.finding) {
			t.Errorf("%s: findings %+v, want %q", test.name, f, test.finding)
		}
		if took := time.Since(began); took > 30*time.Second {
			t.Errorf("%s: took %s", test.name, took)
		}
	}
}

// Half a line at the end is no answer; whole ones without a line break are, elsewhere.
func TestHalfALine(t *testing.T) {
	answers, err := ask(t, playing(t, hello+`{"point":0,"values":{"ttft":7}}`+"\n"+`{"point":1,"values":{"tt`), 2)
	if err != nil || answers[1].Missing != "its answer is not taken: it ends in the middle" || !answers[1].Transient {
		t.Errorf("%+v, %v", answers, err)
	}
}

func TestNothingAnswered(t *testing.T) {
	for _, test := range []struct {
		name, say string
		env       []string
		want      []string
	}{
		{"silence", "", nil, []string{"it printed nothing", "print the answer on standard output"}},
		{"no header", `{"point":0,"values":{"ttft":1}}`, nil, []string{"its first line is no header", `unknown field "point"`, `print {"protocol":"aicv-predictor/1"}`}},
		{"a message first", "Loading\n" + hello, nil, []string{"its first line is no header, because it is not JSON", ": Loading (print", "standard error"}},
		{"another protocol", `{"protocol":"aicv-predictor/9"}` + "\n" + `{"point":0,"values":{"ttft":1}}`, nil, []string{`speaks the protocol "aicv-predictor/9", and this aicv speaks aicv-predictor/1`}},
		{"no protocol", `{"tool":"x"}`, nil, []string{"names no protocol"}},
		{"a crash", "", []string{playEnd, "3", playErrors, "Traceback\nKeyError: 'x'"}, []string{"it ended with exit status 3, and it answered none of 2 points", "run it by hand"}},
		{"a crash behind the header", hello, []string{playEnd, "4"}, []string{"exit status 4"}},
		{"only bad answers", hello + `{"point":0,"values":{"ttft":-1}}`, nil, []string{"it answered none of 2 points; the answer for point 0 is not taken: ttft is -1", "docs/predictor-protocol.md"}},
		{"only stray lines", hello + "some text", nil, []string{"it answered none of 2 points"}},
	} {
		_, err := ask(t, playing(t, test.say, test.env...), 2)
		var e *spec.Error
		if !errors.As(err, &e) || e.Kind != spec.ErrInfrastructure || e.Fix == "" {
			t.Errorf("%s: %#v", test.name, err)
			continue
		}
		for _, want := range append(test.want, "predictor.exec.mine: ") {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %q, want %q in it", test.name, err, want)
			}
		}
		if test.name == "a crash" && e.Detail != "Traceback\nKeyError: 'x'" {
			t.Errorf("the last words are %q", e.Detail)
		}
		if test.name == "only stray lines" && !strings.Contains(e.Detail, "line 2: it is not JSON: invalid character 's' looking for beginning of value: some text") {
			t.Errorf("the lines are not shown: %q", e.Detail)
		}
	}
}

func TestLastWordsAreBounded(t *testing.T) {
	_, err := ask(t, playing(t, "", playEnd, "1", playErrors, strings.Repeat("0123456789\n", 10_000)+"the end"), 1)
	var e *spec.Error
	if !errors.As(err, &e) || len(e.Detail) > maxWords || !strings.HasSuffix(e.Detail, "\nthe end") {
		t.Errorf("%d bytes", len(e.Detail))
	}
}

func TestInterruption(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := made(t, playing(t, hello, playEnd, "hang")).Predict(ctx, points(1))
	if spec.KindOf(err) != spec.ErrInterrupted {
		t.Error(err)
	}
}

// The request is one document, each point on a line of its own.
func TestRequest(t *testing.T) {
	path := filepath.Join(t.TempDir(), "request.json")
	list := points(2)
	list[1].Config, list[1].Assumed, list[1].ModelPath, list[1].System = nil, nil, `/models/a "b"`, ""
	list[1].Load = spec.Load{RequestRate: metric.MustDecimal("2.5"), InputTokens: 10, OutputTokens: 20}
	c := playing(t, hello+`{"point":0,"missing":"x"}`, "EXEC_TEST_KEEP", path)
	if _, err := made(t, c).Predict(t.Context(), list); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"protocol":"aicv-predictor/1","request":"predict","metrics":["throughput","ttft","tpot"],"points":[
{"point":0,"model":"meta-llama/Llama-3.1-8B-Instruct","system":"h100_sxm","runtime":"vllm","runtime_version":"0.24.0","configuration":{"memory_fraction":0.9,"tensor_parallel":2},"assumed":{"max_batch_tokens":8192},"load":{"concurrency":1,"input_tokens":1000,"output_tokens":200}},
{"point":1,"model":"meta-llama/Llama-3.1-8B-Instruct","model_path":"/models/a \"b\"","runtime":"vllm","runtime_version":"0.24.0","configuration":{},"load":{"request_rate":2.5,"input_tokens":10,"output_tokens":20}}
]}
`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
	if !json.Valid(got) {
		t.Error("it is not JSON")
	}
}

// Thousands of points cost one process.
func TestManyPoints(t *testing.T) {
	const n = 2000
	var say strings.Builder
	say.WriteString(hello)
	for i := range n {
		switch i {
		case 17, 400, 1999:
			fmt.Fprintf(&say, "{\"point\":%d,\"values\":{\"ttft\":-1}}\n", i)
		default:
			fmt.Fprintf(&say, "{\"point\":%d,\"values\":{\"ttft\":%d}}\n", i, i+1)
		}
	}
	answers, err := ask(t, playing(t, say.String()), n)
	if err != nil {
		t.Fatal(err)
	}
	for i := range answers {
		bad := i == 17 || i == 400 || i == 1999
		if bad != (answers[i].Missing != "") || !bad && value(&answers[i], metric.TTFT) != float64(i+1) {
			t.Fatalf("point %d: %+v", i, answers[i])
		}
	}
}
