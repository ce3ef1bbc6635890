package exec

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"aicv/metric"
	"aicv/spec"
)

func TestSupport(t *testing.T) {
	path := filepath.Join(t.TempDir(), "request.json")
	c := playing(t, hello+`{"point":1,"supported":false,"why":"no tables of vllm 0.24.0","nearest":"vllm 0.23.0"}`+"\n"+`{"point":0,"supported":true}`, "EXEC_TEST_KEEP", path)
	c.Attrs[attrSupport] = spec.BoolValue(true)
	got, err := made(t, c).(spec.Supporter).Support(t.Context(), points(2))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]spec.Support{{Supported: true}, {Why: "no tables of vllm 0.24.0", Nearest: "vllm 0.23.0"}}, got); diff != "" {
		t.Error(diff)
	}
	request, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"protocol":"aicv-predictor/1","request":"support","points":[
{"point":0,"model":"meta-llama/Llama-3.1-8B-Instruct","system":"h100_sxm","runtime":"vllm","runtime_version":"0.24.0"},
{"point":1,"model":"meta-llama/Llama-3.1-8B-Instruct","system":"h100_sxm","runtime":"vllm","runtime_version":"0.24.0"}
]}
`
	if diff := cmp.Diff(want, string(request)); diff != "" {
		t.Error(diff)
	}
}

// Nothing is known of a point that was not answered well.
func TestBadSupport(t *testing.T) {
	for say, want := range map[string]string{
		`{"point":0,"supported":true}`:                                                    "of 1 of 2 points",
		`{"point":0,"supported":true}` + "\n" + `{"point":0,"supported":false}`:           "point 0 was answered before",
		`{"point":0,"supported":true}` + "\n" + `{"point":1}`:                             "does not say supported",
		`{"point":0,"supported":true}` + "\n" + `{"point":1,"supported":"yes"}`:           "supported is a string, and must be true or false",
		`{"point":0,"supported":true}` + "\n" + `{"point":7,"supported":true}`:            "no point 7",
		`{"point":0,"supported":true}` + "\n" + `{"point":1,"supported":true,"values":1}`: `unknown field "values"`,
	} {
		c := playing(t, hello+say)
		c.Attrs[attrSupport] = spec.BoolValue(true)
		_, err := made(t, c).(spec.Supporter).Support(t.Context(), points(2))
		var e *spec.Error
		if !errors.As(err, &e) || !strings.Contains(e.Error()+e.Detail, want) {
			t.Errorf("%s: %v, want %q", say, err, want)
		}
	}
}

func search(t *testing.T, say string) ([]spec.Row, error) {
	t.Helper()
	c := playing(t, hello+say)
	c.Attrs[attrRecommend] = spec.BoolValue(true)
	base := points(1)[0]
	base.Load.Concurrency = 0
	base.Config = base.Config[:1] // memory_fraction is fixed
	return made(t, c).(spec.Recommender).Recommend(t.Context(), spec.RecommendRequest{Base: base, GPUs: 8, Top: 2,
		Limits: spec.SLO{{Metric: metric.TTFT, Quantity: metric.MustDecimal("1000")}}})
}

func TestRecommend(t *testing.T) {
	rows, err := search(t, `{"configuration":{"tensor_parallel":4,"replicas":2},"load":{"concurrency":64},"values":{"ttft":900,"throughput":50},"findings":[{"check":"x","severity":"note","message":"m"}]}
{"configuration":{"tensor_parallel":2,"memory_fraction":0.9},"load":{"request_rate":2.5}}
{"configuration":{"tensor_parallel":1},"load":{"concurrency":8}}
`)
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 2 {
		t.Fatalf("%d rows, and 2 were asked for", len(rows))
	}
	want := points(1)[0]
	want.Load = spec.Load{Concurrency: 64, InputTokens: 1000, OutputTokens: 200}
	want.Config = spec.NewConfiguration(spec.Setting{Name: spec.ItemMemoryFraction, Value: spec.NumberValue("0.9")},
		spec.Setting{Name: spec.ItemTensorParallel, Value: spec.IntValue(4)}, spec.Setting{Name: spec.ItemReplicas, Value: spec.IntValue(2)})
	if diff := cmp.Diff(want, rows[0].Point, cmp.Comparer(func(a, b metric.Decimal) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
	if ttft, _ := rows[0].Claimed.Get(metric.TTFT); ttft != 900 || len(rows[0].Findings) != 1 {
		t.Errorf("%+v", rows[0])
	}
	if rows[1].Point.Load.RequestRate != metric.MustDecimal("2.5") || rows[1].Point.Load.Concurrency != 0 {
		t.Errorf("%+v", rows[1].Point.Load)
	}
}

// Rows that contradict the request are left out, which the others say.
func TestRowsThatAreLeftOut(t *testing.T) {
	for line, want := range map[string]string{
		`{"configuration":{"memory_fraction":0.8},"load":{"concurrency":1}}`: "its memory_fraction is 0.8, and the experiment fixes 0.9",
		`{"configuration":{"tensor_parallel":16},"load":{"concurrency":1}}`:  "it occupies 16 GPUs, and there are 8",
		`{"configuration":{"tp":2},"load":{"concurrency":1}}`:                "is no item of the configuration",
		`{"configuration":{}}`:                                                                  "it has no load",
		`{"configuration":{},"load":{}}`:                                                        "must have a concurrency of 1 or more, or a request_rate",
		`{"configuration":{},"load":{"concurrency":1,"request_rate":2}}`:                        "must have a concurrency",
		`{"configuration":{},"load":{"concurrency":-1}}`:                                        "must have a concurrency",
		`{"configuration":{},"load":{"request_rate":"2"}}`:                                      "must be a plain decimal number above 0",
		`{"configuration":{},"load":{"request_rate":0}}`:                                        "must be a plain decimal number above 0",
		`{"configuration":{},"load":{"concurrency":1.5}}`:                                       "load.concurrency is a number 1.5, and must be a number",
		`{"configuration":{},"load":{"concurrency":1},"values":{"ttft":1200}}`:                  "its ttft of 1,200 ms breaks the limit of 1,000 ms",
		`{"configuration":{},"load":{"concurrency":1},"values":{"ttft":-1}}`:                    "can not be negative",
		`{"configuration":{},"load":{"concurrency":1},"findings":[{"check":"","message":"x"}]}`: "lacks its check",
		`a word`: "it is not JSON",
	} {
		rows, err := search(t, line+"\n"+`{"configuration":{},"load":{"concurrency":3}}`)
		if err != nil || len(rows) != 1 || rows[0].Point.Load.Concurrency != 3 {
			t.Errorf("%s: %+v, %v", line, rows, err)
			continue
		}
		if f := rows[0].Findings; len(f) != 1 || !strings.Contains(f[0].Message, want) {
			t.Errorf("%s: findings %+v, want %q", line, f, want)
		}
	}
}

func TestNothingRecommended(t *testing.T) {
	_, err := search(t, `{"missing":"no layout meets ttft 1000 ms"}`)
	if spec.KindOf(err) != spec.ErrUsage || !strings.Contains(err.Error(), "it recommends nothing: no layout meets ttft 1000 ms (loosen the slo") {
		t.Error(err)
	}
	if _, err = search(t, ""); err == nil || !strings.Contains(err.Error(), "it recommended no row that can be used") {
		t.Error(err)
	}
}

func TestCheck(t *testing.T) {
	for _, test := range []struct {
		name, say, end string
		files          []string
		status         spec.CheckStatus
		want           string
	}{
		{"good", hello, "", nil, spec.CheckOK, "roof 1.2 speaks aicv-predictor/1"},
		{"answers unasked", hello + `{"point":0,"missing":"x"}`, "", nil, spec.CheckFail, "answers points that nobody asked for"},
		{"crashes", hello, "3", nil, spec.CheckFail, "it ended with exit status 3"},
		{"silent", "", "", nil, spec.CheckFail, "it printed nothing"},
		{"another protocol", `{"protocol":"x/2"}`, "", nil, spec.CheckFail, `speaks the protocol "x/2"`},
	} {
		c := playing(t, test.say, playEnd, test.end)
		checks := made(t, c).(spec.Checker).Check(t.Context())
		if len(checks) != 2 || checks[0].Status != spec.CheckOK || checks[0].Found != os.Args[0] {
			t.Errorf("%s: %+v", test.name, checks)
			continue
		}
		if last := checks[1]; last.Status != test.status || !strings.Contains(last.Found, test.want) || (last.Fix == "") != (test.status == spec.CheckOK) {
			t.Errorf("%s: %+v, want %q", test.name, last, test.want)
		}
	}
	c := playing(t, hello)
	c.Attrs[attrFiles] = texts("no-such-table")
	checks := made(t, c).(spec.Checker).Check(t.Context())
	if len(checks) != 3 || checks[1].Status != spec.CheckFail || !strings.Contains(checks[1].Found, "no-such-table") {
		t.Errorf("%+v", checks)
	}
}
