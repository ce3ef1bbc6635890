package checks

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"aicv/metric"
	"aicv/spec"
)

func number(v float64) *float64 { return &v }

// healthy is a run at concurrency 4 of 100 input and 11 output tokens, in a steady
// state: a request takes 200 ms, 20 of them end each second.
func healthy() (*spec.RunResult, *spec.Prediction) {
	values := metric.Values{{Metric: metric.Latency, Value: 200}, {Metric: metric.TPOT, Value: 15}, {Metric: metric.TTFT, Value: 50}}
	return &spec.RunResult{Values: values, Requests: 80, Elapsed: 9 * time.Second, Seen: &spec.Observation{
		Requests: &spec.RequestFacts{Warmup: 11, Input: spec.Lengths{Mean: 100, Min: 100, Max: 100}, Output: spec.Lengths{Mean: 11, Min: 11, Max: 11},
			TTFT: 50, TPOT: 15, Latency: 200, First: 200, Second: 201, Burst: 51, Later: 50, InFlight: 4, Rate: 20},
		Client: &spec.ClientUse{LagMean: 0.2, LagMax: 3, CPUShare: 0.4},
		Server: &spec.ServerReport{
			Before: &spec.Counters{PrefixCacheQueries: number(1000), PrefixCacheHits: number(500), PromptTokens: number(1000), Preemptions: number(3)},
			After:  &spec.Counters{PrefixCacheQueries: number(9000), PrefixCacheHits: number(510), PromptTokens: number(9000), Preemptions: number(3)}},
		GPUs: []spec.GPUUse{{Index: 0, Samples: 20}, {Index: 1, Samples: 20, Throttled: 0.05}},
	}}, &spec.Prediction{Values: slices.Clone(values)}
}

func load() spec.Load { return spec.Load{Concurrency: 4, InputTokens: 100, OutputTokens: 11} }

func TestEveryCheckHasAFunction(t *testing.T) {
	functions, likeness := measures(), []string{"version_skew", "config_unknown", "config_approximate"}
	for _, c := range spec.SelfChecks() {
		if (functions[c.Name] == nil) != slices.Contains(likeness, c.Name) {
			t.Errorf("%s: has a function: %v", c.Name, functions[c.Name] != nil)
		}
		delete(functions, c.Name)
	}
	if len(functions) > 0 {
		t.Errorf("functions without a row: %v", functions)
	}
}

// cause breaks one thing of a healthy run.
type cause struct {
	change   func(r *spec.RunResult, p *spec.Prediction)
	severity spec.FindingSeverity
	says     string
}

// causes are by the check that they break. What is computed from it too is changed with it.
func causes() map[string]cause {
	return map[string]cause{
		"few_requests":  {func(r *spec.RunResult, _ *spec.Prediction) { r.Requests = 39 }, spec.FindingWarn, "39 requests at a concurrency of 4.000 (at least 10.00 x)"},
		"short_window":  {func(r *spec.RunResult, _ *spec.Prediction) { r.Elapsed = 8900 * time.Millisecond }, spec.FindingWarn, "took 8.9s, and at least 10s were asked for"},
		"short_warmup":  {func(r *spec.RunResult, _ *spec.Prediction) { r.Seen.Requests.Warmup = 7 }, spec.FindingWarn, "7 requests"},
		"warmup_errors": {func(r *spec.RunResult, _ *spec.Prediction) { r.Seen.Requests.WarmupFailed = 1 }, spec.FindingWarn, "1 request of the warm-up failed"},
		"littles_law":   {func(r *spec.RunResult, _ *spec.Prediction) { r.Seen.Requests.Rate = 18.9 }, spec.FindingWarn, "3.780 requests in flight"},
		"drift":         {func(r *spec.RunResult, _ *spec.Prediction) { r.Seen.Requests.Second = 221 }, spec.FindingWarn, "from 200.0 ms"},
		"start_burst":   {func(r *spec.RunResult, _ *spec.Prediction) { r.Seen.Requests.Later = 47.5 }, spec.FindingWarn, "together"},
		"input_length":  {func(r *spec.RunResult, _ *spec.Prediction) { r.Seen.Requests.Input.Mean = 103 }, spec.FindingWarn, "103.0 prompt tokens"},
		"output_length": {func(r *spec.RunResult, _ *spec.Prediction) {
			r.Seen.Requests.Output = spec.Lengths{Mean: 10.9, Min: 9, Max: 11}
		}, spec.FindingWarn, "9 to 11"},
		"preemptions": {func(r *spec.RunResult, _ *spec.Prediction) { r.Seen.Server.After.Preemptions = number(5) }, spec.FindingWarn, "2.000 times"},
		"kv_cache_fit": {func(r *spec.RunResult, _ *spec.Prediction) {
			r.Seen.Server.Effective = r.Seen.Server.Effective.With(spec.ReportedKVCacheTokens, spec.IntValue(443))
		}, spec.FindingWarn, "up to 444.0 tokens at once, and the engine's KV cache has 443.0"},
		"client_lag": {func(r *spec.RunResult, _ *spec.Prediction) { r.Seen.Client.LagMean = 2.6 }, spec.FindingWarn, "of the mean TTFT of"},
		"client_cpu": {func(r *spec.RunResult, _ *spec.Prediction) { r.Seen.Client.CPUShare = 0.81 }, spec.FindingWarn, "81 % of its CPUs"},
		"gpu_throttling": {func(r *spec.RunResult, _ *spec.Prediction) {
			r.Seen.GPUs[1].Throttled = 0.06
			r.Seen.GPUs[1].Reasons = []string{"power"}
		}, spec.FindingWarn, "GPU 1 was held down in 6 % of 20 samples (power)"},
		"latency_identity":     {func(r *spec.RunResult, _ *spec.Prediction) { r.Values[1].Value = 16 }, spec.FindingWarn, "210.0 ms"},
		"foreign_processes":    {func(r *spec.RunResult, _ *spec.Prediction) { r.Seen.GPUs[0].Foreign = []string{"python (pid 7)"} }, spec.FindingWarn, "python (pid 7) on GPU 0"},
		"achieved_concurrency": {func(r *spec.RunResult, _ *spec.Prediction) { r.Seen.Requests.InFlight = 3.7 }, spec.FindingWarn, "3.700 requests were in flight"},
		"prefix_cache_hits":    {func(r *spec.RunResult, _ *spec.Prediction) { r.Seen.Server.After.PrefixCacheHits = number(581) }, spec.FindingSpoils, "81.00 of 8,000 prompt tokens"},
		"saturation":           {func(r *spec.RunResult, p *spec.Prediction) { p.Values[2].Value, p.Values[0].Value = 150, 250 }, spec.FindingWarn, "one is of a queue"},
	}
}

func TestRun(t *testing.T) {
	run, prediction := healthy()
	if found := NewRules(nil).Run(Input{run, load(), prediction, 10 * time.Second}); len(found) > 0 {
		t.Errorf("a healthy run has %+v", found)
	}
	for name, c := range causes() {
		t.Run(name, func(t *testing.T) {
			run, prediction := healthy()
			c.change(run, prediction)
			found := NewRules(nil).Run(Input{run, load(), prediction, 10 * time.Second})
			if len(found) != 1 || found[0].Check != name || found[0].Severity != c.severity || !strings.Contains(found[0].Message, c.says) {
				t.Errorf("found %+v", found)
			}
		})
	}
}

// TestEveryThresholdIsGuarded: a guard relaxes each threshold, and where it is broken the
// guard's severity stands, for the metrics of that check alone.
func TestEveryThresholdIsGuarded(t *testing.T) {
	for _, c := range spec.SelfChecks() {
		broken, ok := causes()[c.Name]
		if c.Kind == spec.ThresholdRequirement {
			continue // TestRequirements has these
		}
		if !ok {
			t.Errorf("%s has no cause", c.Name)
			continue
		}
		run, prediction := healthy()
		broken.change(run, prediction)
		judge := func(severity spec.FindingSeverity, limit string) []spec.Finding {
			return NewRules([]spec.Guard{{Name: "g", Severity: severity, Thresholds: []spec.Threshold{{Name: c.Threshold, Limit: metric.MustDecimal(limit)}}}}).Run(Input{run, load(), prediction, 10 * time.Second})
		}
		usual, relaxed := strconv.FormatFloat(c.Limit, 'f', -1, 64), "1000000"
		if c.Kind == spec.ThresholdLeast {
			relaxed = "0"
		}
		if found := judge(spec.FindingSpoils, relaxed); len(found) > 0 {
			t.Errorf("%s, relaxed: %+v", c.Name, found)
		}
		for _, severity := range []spec.FindingSeverity{spec.FindingNote, spec.FindingWarn, spec.FindingSpoils} {
			found := judge(severity, usual)
			if len(found) != 1 || found[0].Check != c.Name || found[0].Severity != severity || !slices.Equal(found[0].Metrics, c.Metrics) || !strings.Contains(found[0].Message, `by guard "g"`) {
				t.Errorf("%s, %s: %+v", c.Name, severity, found)
			}
		}
	}
}

// What could not be seen is no finding.
func TestNothingSeen(t *testing.T) {
	for name, forget := range map[string]func(*spec.RunResult){
		"all":   func(r *spec.RunResult) { r.Seen = nil },
		"parts": func(r *spec.RunResult) { r.Seen = &spec.Observation{} },
		"counters": func(r *spec.RunResult) {
			r.Seen.Server = &spec.ServerReport{Before: &spec.Counters{}, After: &spec.Counters{}}
		},
		"restart": func(r *spec.RunResult) {
			r.Seen.Server.Before, r.Seen.Server.After = r.Seen.Server.After, r.Seen.Server.Before
		},
		"facts":  func(r *spec.RunResult) { r.Seen.Requests = &spec.RequestFacts{Warmup: 11} },
		"values": func(r *spec.RunResult) { r.Values = nil },
		"a recording": func(r *spec.RunResult) {
			r.Seen, r.Requests = nil, 1
		},
	} {
		run, prediction := healthy()
		forget(run)
		if found := NewRules(nil).Run(Input{run, load(), prediction, 10 * time.Second}); len(found) > 0 {
			t.Errorf("%s: %+v", name, found)
		}
	}
	batches, _ := healthy()
	batches.Seen.Requests.InFlight, batches.Seen.Requests.Rate, batches.Seen.Requests.Later, batches.Seen.Requests.Warmup = 3, 10, 20, 0
	static := load()
	static.Shape.Static = true
	if found := NewRules(nil).Run(Input{Run: batches, Load: static}); len(found) > 0 {
		t.Errorf("static batches: %+v", found)
	}
	unlike, _ := healthy()
	unlike.Seen.Requests.Second, unlike.Seen.Requests.Input.Mean, unlike.Seen.Requests.Output = 300, 130, spec.Lengths{Mean: 20, Min: 1, Max: 90}
	varied := load()
	varied.Shape.Output.Kind = spec.SpreadNormal
	if found := NewRules(nil).Run(Input{Run: unlike, Load: varied}); len(found) > 0 {
		t.Errorf("lengths that vary: %+v", found)
	}
	unlike.Seen, unlike.Values[1].Value = nil, 30
	if found := NewRules(nil).Run(Input{Run: unlike, Load: varied}); len(found) > 0 {
		t.Errorf("a recording of lengths that vary: %+v", found)
	}
	run, _ := healthy()
	if found := NewRules(nil).Run(Input{Run: run, Load: spec.Load{RequestRate: metric.MustDecimal("2.5")}}); len(found) > 0 {
		t.Errorf("at a request rate: %+v", found)
	}
}

// Far off is not comparable, and so is what a guard says.
func TestSeverities(t *testing.T) {
	guard := func(severity spec.FindingSeverity, name, limit string) []spec.Guard {
		return []spec.Guard{{Name: "g", Severity: severity, Thresholds: []spec.Threshold{{Name: name, Limit: metric.MustDecimal(limit)}}}}
	}
	for name, c := range map[string]struct {
		mean   float64
		guards []spec.Guard
		want   spec.FindingSeverity
	}{
		"warn":                 {103, nil, spec.FindingWarn},
		"far off":              {111, nil, spec.FindingSpoils},
		"guarded":              {103, guard(spec.FindingSpoils, "input_length_max", "0.02"), spec.FindingSpoils},
		"relaxed":              {111, guard(spec.FindingWarn, "input_length_max", "0.2"), ""},
		"relaxed, beyond":      {150, guard(spec.FindingWarn, "input_length_max", "0.2"), spec.FindingWarn},
		"on the limit":         {102, nil, ""},
		"another's guard":      {103, guard(spec.FindingSpoils, "drift_max", "0.5"), spec.FindingWarn},
		"noted":                {103, guard(spec.FindingNote, "input_length_max", "0.01"), spec.FindingNote},
		"the last guard rules": {103, append(guard(spec.FindingSpoils, "input_length_max", "0.02"), guard(spec.FindingWarn, "input_length_max", "0.02")...), spec.FindingWarn},
	} {
		run, prediction := healthy()
		run.Seen.Requests.Input.Mean = c.mean
		got := spec.FindingSeverity("")
		for _, f := range NewRules(c.guards).Run(Input{run, load(), prediction, 10 * time.Second}) {
			got = f.Severity
			if len(c.guards) > 0 && f.Check == "input_length" && name != "another's guard" && !strings.Contains(f.Message, `by guard "g"`) {
				t.Errorf("%s: %s", name, f.Message)
			}
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// requests makes a closed loop in step: c requests at a time, each of one latency, the
// first generation warm-up.
func requests(c, generations int, latency time.Duration) *spec.RunResult {
	r := &spec.RunResult{Window: spec.WindowSteady, Elapsed: time.Duration(generations-1) * latency}
	for g := range generations {
		for range c {
			row := spec.RequestRow{Phase: spec.PhaseMeasure, Start: time.Duration(g) * latency, TTFT: latency / 4, Latency: latency, InputTokens: 7, OutputTokens: 4}
			if g == 0 {
				row.Phase = spec.PhaseWarmup
			}
			r.Rows = append(r.Rows, row)
		}
	}
	return r
}

func TestFacts(t *testing.T) {
	if Facts(&spec.RunResult{}, load()) != nil {
		t.Error("facts of no rows")
	}
	f := Facts(requests(4, 11, 100*time.Millisecond), load())
	want := spec.RequestFacts{Warmup: 4, Input: spec.Lengths{Mean: 7, Min: 7, Max: 7}, Output: spec.Lengths{Mean: 4, Min: 4, Max: 4},
		TTFT: 25, TPOT: 25, Latency: 100, First: 100, Second: 100, Burst: 25, Later: 25, InFlight: 4, Rate: 40}
	if *f != want {
		t.Errorf("%+v, want %+v", *f, want)
	}
}

func TestFactsOfUnlikeRows(t *testing.T) {
	r := requests(2, 12, 100*time.Millisecond)
	r.Rows[0].Error, r.Rows[0].Latency = "x", 0
	f := Facts(r, spec.Load{Concurrency: 2})
	if f.WarmupFailed != 1 || f.InFlight != 0 || f.Rate != 0 {
		t.Errorf("a lost request leaves the load unknown: %+v", f)
	}
	r = requests(2, 12, 100*time.Millisecond)
	r.Rows[2].Latency, r.Rows[2].OutputTokens = 300*time.Millisecond, 9
	if f := Facts(r, spec.Load{Concurrency: 2}); f.First <= f.Second || f.Output.Max != 9 || f.Output.Min != 4 {
		t.Errorf("%+v", f)
	}
	whole := requests(2, 12, 100*time.Millisecond)
	whole.Window, whole.Elapsed = spec.WindowWholeRun, 1200*time.Millisecond
	for i := range whole.Rows {
		whole.Rows[i].Phase = spec.PhaseMeasure // its warm-up, if any, lies before it
	}
	if f := Facts(whole, spec.Load{Concurrency: 2}); f.InFlight != 2 || f.Rate != 20 {
		t.Errorf("a whole run opens with its first request: %+v", f)
	}
	few := requests(2, 3, 100*time.Millisecond)
	if f := Facts(few, spec.Load{Concurrency: 3}); f.First != 0 || f.Later != 0 {
		t.Errorf("too few requests to compare: %+v", f)
	}
}
