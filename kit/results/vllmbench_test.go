package results

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aicv/metric"
	"aicv/spec"
)

// vllmWritten reads a file that the tool wrote.
func vllmWritten(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "vllmbench", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// changed sets fields of a file that the tool wrote.
func changed(t testing.TB, name string, set map[string]any) []byte {
	t.Helper()
	var o map[string]any
	if err := json.Unmarshal(vllmWritten(t, name), &o); err != nil {
		t.Fatal(err)
	}
	for field, v := range set {
		if o[field] = v; v == nil {
			delete(o, field)
		}
	}
	data, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func vllmResult(t *testing.T, data []byte) spec.RunResult {
	t.Helper()
	run, err := ParseVLLMBench(data)
	if err != nil {
		t.Fatal(err)
	}
	r, err := run.Result(2, spec.SLO{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The figures of the rows are those that the tool states itself.
func TestVLLMBenchFigures(t *testing.T) {
	r := vllmResult(t, vllmWritten(t, "completions"))
	if r.Requests != 12 || r.Failed != 0 || r.Window != spec.WindowWholeRun || len(r.Rows) != 12 || finding(r, "tool_aggregates") != nil || finding(r, "role_chunk") != nil {
		t.Errorf("%+v", r)
	}
	for name, want := range map[metric.Name]float64{
		metric.TTFT: 61.01366650, metric.TPOT: 7.649818689, metric.Latency: 175.7609468, "ttft_p50": 51.18426450, metric.ErrorRate: 0,
		metric.TotalThroughput: 360.1854088, metric.Throughput: 180.0927044, metric.RequestThroughput: 22.51158805,
	} {
		if got, _ := r.Values.Get(name); math.Abs(got-want) > 1e-6*want {
			t.Errorf("%s = %.10g, the tool says %.10g", name, got, want)
		}
	}
	if first, last := r.Rows[0], r.Rows[11]; first.Start != 0 || first.InputTokens != 64 || first.OutputTokens != 16 || last.Start <= 0 || last.Start >= r.Elapsed {
		t.Errorf("rows %+v, %+v", first, last)
	}
	if f := finding(r, "littles_rate"); f == nil || f.Severity != spec.FindingWarn {
		t.Errorf("start burst and end of a short run: %+v", f)
	}
}

// Releases before 0.32 have no latencies: they are the first token's and the gaps.
func TestVLLMBenchWithoutLatencies(t *testing.T) {
	r := vllmResult(t, changed(t, "completions", map[string]any{"latencies": nil}))
	if got, _ := r.Values.Get(metric.Latency); math.Abs(got-175.7609468) > 1e-3 {
		t.Errorf("latency %v", got)
	}
}

// Tokens that come together leave fewer gaps than tokens: in the tool's own file of a chat
// whose server was busy, and in none of a server that sends each by itself.
func TestVLLMBenchCoarseStream(t *testing.T) {
	gaps := func(n int) []any { return slices.Repeat([]any{slices.Repeat([]any{0.01}, n)}, 12) }
	for name, c := range map[string]struct {
		data []byte
		want spec.FindingSeverity
	}{
		"as written":    {vllmWritten(t, "completions"), ""},
		"a busy server": {vllmWritten(t, "chat"), spec.FindingWarn},
		"two at a time": {changed(t, "completions", map[string]any{"itls": gaps(7)}), spec.FindingWarn},
		"in two events": {changed(t, "completions", map[string]any{"itls": gaps(1)}), spec.FindingSpoils},
	} {
		var got spec.FindingSeverity
		if f := finding(vllmResult(t, c.data), "coarse_stream"); f != nil {
			got = f.Severity
			if !slices.Contains(f.Metrics, metric.TPOT) {
				t.Errorf("%s: %+v", name, f)
			}
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestVLLMBenchOfChat(t *testing.T) {
	r := vllmResult(t, vllmWritten(t, "chat"))
	f := finding(r, "role_chunk")
	if f == nil || f.Severity != spec.FindingSpoils || !slices.Contains(f.Metrics, metric.TTFT) || slices.Contains(f.Metrics, metric.TPOT) {
		t.Errorf("%+v", f)
	}
}

// A server that died: what was answered counts, and the rest failed.
func TestVLLMBenchAborted(t *testing.T) {
	r := vllmResult(t, vllmWritten(t, "aborted"))
	if rate, _ := r.Values.Get(metric.ErrorRate); r.Requests != 9 || r.Failed != 6 || rate != 6.0/9 {
		t.Errorf("%d of %d failed, rate %v", r.Failed, r.Requests, rate)
	}
	for i := range r.Rows {
		if e := r.Rows[i].Error; e != "" && (strings.Contains(e, "Traceback") || !strings.Contains(e, "aiohttp")) {
			t.Errorf("request %d: %q", i, e)
		}
	}
	run, err := ParseVLLMBench(vllmWritten(t, "refused"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := run.Result(1, nil); spec.KindOf(err) != spec.ErrBenchmark || !strings.Contains(err.Error(), "Cannot connect to host") {
		t.Errorf("%v", err)
	}
}

func TestVLLMBenchAgainstItself(t *testing.T) {
	r := vllmResult(t, changed(t, "completions", map[string]any{"mean_tpot_ms": 7.7, "num_prompts": 14}))
	if f := finding(r, "tool_aggregates"); f == nil || !slices.Equal(f.Metrics, []metric.Name{metric.TPOT}) {
		t.Errorf("%+v", f)
	}
	if f := finding(r, "lost_requests"); f == nil || r.Failed != 2 || r.Requests != 14 {
		t.Errorf("%+v, %d of %d failed", f, r.Failed, r.Requests)
	}
	latencies := slices.Repeat([]any{0.5}, 12)
	almost := slices.Repeat([]any{0.5 - 15*20e-6}, 12) // the clock is read at each chunk of a packet
	r = vllmResult(t, changed(t, "completions", map[string]any{"latencies": latencies, "ttfts": almost}))
	if f := finding(r, "buffered_stream"); f == nil {
		t.Errorf("answers that came all at once: %+v", r.Findings)
	}
}

func TestVLLMBenchGarbage(t *testing.T) {
	for want, data := range map[string][]byte{
		"no JSON":                []byte("Traceback (most recent call last):"),
		"--save-detailed":        []byte("{}"),
		"and 0 ttfts":            changed(t, "completions", map[string]any{"ttfts": nil}),
		"and 1 latencies":        changed(t, "completions", map[string]any{"latencies": []any{1}}),
		"is no count":            changed(t, "completions", map[string]any{"completed": -1}),
		"duration: -1000 ms":     changed(t, "completions", map[string]any{"duration": -1}),
		"is no duration":         changed(t, "completions", map[string]any{"ttfts": slices.Repeat([]any{1e300}, 12)}),
		"is no number of tokens": changed(t, "completions", map[string]any{"output_lens": slices.Repeat([]any{1.5}, 12)}),
		"first token came after": changed(t, "completions", map[string]any{"ttfts": slices.Repeat([]any{5}, 12)}),
	} {
		if _, err := ParseVLLMBench(data); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	for want, set := range map[string]map[string]any{
		"how long the run took": {"duration": 0},
		"12 of its 11":          {"completed": 11},
	} {
		run, err := ParseVLLMBench(changed(t, "completions", set))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := run.Result(1, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	if _, err := ReadVLLMBench(filepath.Join(t.TempDir(), "none")); !os.IsNotExist(err) {
		t.Errorf("%v", err)
	}
}

func FuzzVLLMBench(f *testing.F) {
	for _, name := range []string{"completions", "chat", "aborted", "refused"} {
		f.Add(vllmWritten(f, name))
	}
	f.Add([]byte(`{"duration": 1e-300, "completed": 1, "output_lens": [2], "ttfts": [NaN], "itls": [[Infinity]], "start_times": [-1e308], "errors": [""]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		run, err := ParseVLLMBench(data)
		if err != nil {
			return
		}
		r, err := run.Result(1, nil)
		if err != nil {
			return
		}
		for _, v := range r.Values {
			if math.IsNaN(v.Value) || math.IsInf(v.Value, 0) || v.Value < 0 {
				t.Errorf("%s is %v", v.Metric, v.Value)
			}
		}
		if r.Failed > r.Requests || r.Requests <= 0 {
			t.Errorf("%d of %d failed", r.Failed, r.Requests)
		}
	})
}
