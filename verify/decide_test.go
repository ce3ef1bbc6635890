package verify

import (
	"math"
	"strings"
	"testing"

	"aicv/metric"
	"aicv/spec"
)

// TestVerdicts pins the rules by cells that lie just on either side of each.
func TestVerdicts(t *testing.T) {
	one, three := repeated(1, 1), repeated(3, 3)
	cell := func(predicted float64, values ...float64) CellInput {
		return measured(metric.TTFT, predicted, values...)
	}
	for _, test := range []struct {
		name    string
		repeats spec.Repeats
		claim   spec.Claim
		in      CellInput
		want    spec.Verdict
		reason  string
	}{
		// The band of within 10% around a prediction of 110 is 100..122.2; edges belong to it.
		{"on the lower edge", one, within(metric.TTFT, "0.1"), cell(110, 100), spec.VerdictPass, "predicted 110.0 is 10 % above measured 100.0 ms (1 run in 1 start); allowed 100.0..122.2"},
		{"under the lower edge", one, within(metric.TTFT, "0.1"), cell(110, 99.999999), spec.VerdictFail, "above"},
		{"the edge in decimals, not in floats", one, within(metric.TTFT, "0.1"), cell(1.1, 1), spec.VerdictPass, ""},
		{"a product that floats round down", one, within(metric.TTFT, "0.1"), cell(1.243, 1.13), spec.VerdictPass, ""},
		{"a product that floats round up", one, within(metric.TTFT, "0.1"), cell(0.09, 0.1), spec.VerdictPass, ""},
		{"on the upper edge", one, within(metric.TTFT, "0.1"), cell(90, 100), spec.VerdictPass, "predicted 90.00 is 10 % below measured 100.0 ms"},
		{"over the upper edge", one, within(metric.TTFT, "0.1"), cell(90, 100.000001), spec.VerdictFail, ""},
		{"a tolerance of 100 % has no upper end", one, within(metric.TTFT, "1"), cell(1, 1e9), spec.VerdictPass, "allowed from 0.5000 ms"},
		{"nor has a larger one, however wide the interval", repeated(2, 2), within(metric.TTFT, "1.4"), cell(1, 1.4, 1), spec.VerdictInconclusive, "allowed from 0.4167 ms"},
		{"and still a lower one", one, within(metric.TTFT, "1"), cell(1, 0.4999), spec.VerdictFail, ""},
		{"no tolerance", one, within(metric.TTFT, "0"), cell(5, 5), spec.VerdictPass, "predicted 5.000 equals measured 5.000 ms"},
		{"whole interval inside", three, within(metric.TTFT, "0.1"), cell(100, 99, 100, 101), spec.VerdictPass, "90 % interval 98.31..101.7 of 3 runs in 1 start"},
		{"whole interval outside, below", three, within(metric.TTFT, "0.1"), cell(100, 79, 80, 81), spec.VerdictFail, "predicted 100.0 is 25 % above measured 80.00 ms"},
		{"whole interval outside, above", three, within(metric.TTFT, "0.1"), cell(100, 129, 130, 131), spec.VerdictFail, ""},
		{"interval over the edge, mean inside", three, within(metric.TTFT, "0.1"), cell(100, 90, 92, 94), spec.VerdictInconclusive, "the interval crosses the edge, and no more runs are planned"},
		{"interval over the edge, mean outside", three, within(metric.TTFT, "0.1"), cell(100, 86, 89, 92), spec.VerdictInconclusive, ""},
		{"interval over the whole band", three, within(metric.TTFT, "0.1"), cell(100, 50, 100, 150), spec.VerdictInconclusive, ""},
		{"no significant difference is no pass", three, within(metric.TTFT, "0.01"), cell(100, 95, 100, 105), spec.VerdictInconclusive, ""},
		{"more runs to come", repeated(3, 10), within(metric.TTFT, "0.1"), cell(100, 90, 92, 94), spec.VerdictInconclusive, "at most 10 runs are planned"},
		{"no spread, inside", three, within(metric.TTFT, "0.1"), cell(100, 91, 91, 91), spec.VerdictPass, "without spread: 3 runs in 1 start"},
		{"no spread, outside", three, within(metric.TTFT, "0.1"), cell(100, 90, 90, 90), spec.VerdictFail, ""},

		{"at least, on the edge", one, relativeClaim(metric.TTFT, spec.ClaimAtLeast, "0.9"), cell(100, 90), spec.VerdictPass, "measured 90.00 ms is 90 % of predicted 100.0 (1 run in 1 start); asked at least 90.00 ms"},
		{"at least, under it", one, relativeClaim(metric.TTFT, spec.ClaimAtLeast, "0.9"), cell(100, 89.999), spec.VerdictFail, ""},
		{"at least has no upper end", one, relativeClaim(metric.TTFT, spec.ClaimAtLeast, "0.9"), cell(100, 1e6), spec.VerdictPass, ""},
		{"at least, interval over it", three, relativeClaim(metric.TTFT, spec.ClaimAtLeast, "0.9"), cell(100, 89, 91, 93), spec.VerdictInconclusive, ""},
		{"at most, on the edge", one, relativeClaim(metric.TTFT, spec.ClaimAtMost, "1.1"), cell(100, 110), spec.VerdictPass, "asked at most 110.0 ms"},
		{"at most, over it", one, relativeClaim(metric.TTFT, spec.ClaimAtMost, "1.1"), cell(100, 110.01), spec.VerdictFail, ""},
		{"at most, interval over it", three, relativeClaim(metric.TTFT, spec.ClaimAtMost, "1.1"), cell(100, 107, 109, 111), spec.VerdictInconclusive, ""},

		{"less than, on the edge", one, compareClaim(metric.TTFT, "<", "100"), cell(1, 100), spec.VerdictFail, "measured 100.0 ms (1 run in 1 start); asked < 100.0 ms"},
		{"less than, under it", one, compareClaim(metric.TTFT, "<", "100"), cell(1, 99.99), spec.VerdictPass, ""},
		{"at most a quantity, on the edge", one, compareClaim(metric.TTFT, "<=", "100"), cell(1, 100), spec.VerdictPass, ""},
		{"more than, on the edge", one, compareClaim(metric.TTFT, ">", "100"), cell(1, 100), spec.VerdictFail, ""},
		{"at least a quantity, on the edge", one, compareClaim(metric.TTFT, ">=", "100"), cell(1, 100), spec.VerdictPass, ""},
		{"at least a quantity, under it", one, compareClaim(metric.TTFT, ">=", "100"), cell(1, 99.99), spec.VerdictFail, ""},
		{"at most a quantity, over it", one, compareClaim(metric.TTFT, "<=", "100"), cell(1, 100.01), spec.VerdictFail, ""},
		{"a decimal quantity", one, compareClaim(metric.ErrorRate, "<=", "0.1"), measured(metric.ErrorRate, 1, 0.1), spec.VerdictPass, "measured 10 %"},
		{"less than, interval over it", three, compareClaim(metric.TTFT, "<", "100"), cell(1, 98, 99, 101), spec.VerdictInconclusive, ""},
		{"less than, interval below", three, compareClaim(metric.TTFT, "<", "100"), cell(1, 90, 91, 92), spec.VerdictPass, ""},
		{"less than, interval above", three, compareClaim(metric.TTFT, "<", "100"), cell(1, 110, 111, 112), spec.VerdictFail, ""},

		{"equal in every run", three, compareClaim(metric.ErrorRate, "==", "0"), measured(metric.ErrorRate, 1, 0, 0, 0), spec.VerdictPass, "3 runs in 1 start measured 0 %"},
		{"one run breaks equality", three, compareClaim(metric.ErrorRate, "==", "0"), measured(metric.ErrorRate, 1, 0, 0.01, 0), spec.VerdictFail, "run 2 measured 1 %; asked == 0 %"},

		{"below the first look", three, within(metric.TTFT, "0.1"), cell(100, 100), spec.VerdictInconclusive, "1 of 3 runs"},
		{"one run is no verdict where several are asked for", repeated(1, 3), within(metric.TTFT, "0.1"), cell(100, 100), spec.VerdictInconclusive, "1 of 3 runs"},
		{"no runs", three, within(metric.TTFT, "0.1"), cell(100), spec.VerdictNoData, "not measured yet"},
		{"no repeats", spec.Repeats{}, within(metric.TTFT, "0.1"), cell(100, 100), spec.VerdictNoData, "allow no run"},

		{"measured nothing against a prediction", one, within(metric.TotalThroughput, "0.1"), measured(metric.TotalThroughput, 100, 0), spec.VerdictFail, "predicted 100.0, measured 0 tokens/s"},
		{"an impossible latency", one, within(metric.TTFT, "0.1"), cell(100, 0), spec.VerdictNotComparable, "can not be"},
		{"a negative figure", one, within(metric.TotalThroughput, "0.1"), measured(metric.TotalThroughput, 1, -1), spec.VerdictNotComparable, "can not be"},
		{"NaN", one, within(metric.TTFT, "0.1"), cell(100, math.NaN()), spec.VerdictNotComparable, "can not be"},
		{"infinity", one, compareClaim(metric.TTFT, ">", "1"), cell(100, math.Inf(1)), spec.VerdictNotComparable, "can not be"},
		{"a share above one", one, compareClaim(metric.ErrorRate, "<", "5"), measured(metric.ErrorRate, 1, 1.5), spec.VerdictNotComparable, "can not be"},
		{"too large to average", three, compareClaim(metric.TTFT, ">", "1"), cell(1, 1e308, 1.5e308, 1.7e308), spec.VerdictNotComparable, "too large"},
		{"predicted zero", one, within(metric.TTFT, "0.1"), cell(0, 100), spec.VerdictNotComparable, "predicted ttft is 0"},
		{"predicted less than nothing", one, within(metric.TTFT, "0.1"), cell(-1, 100), spec.VerdictNotComparable, "predicted ttft is -1"},
		{"predicted NaN", one, within(metric.TTFT, "0.1"), cell(math.NaN(), 100), spec.VerdictNotComparable, "NaN"},
		{"predicted infinity", one, relativeClaim(metric.TTFT, spec.ClaimAtMost, "1"), cell(math.Inf(1), 100), spec.VerdictNotComparable, "Inf"},
		{"a metric that is none", one, within("speed", "0.1"), measured("speed", 1, 1), spec.VerdictNoData, "speed is not a metric"},
		{"a form that is not known", one, spec.Claim{Subject: metric.TTFT, Form: "near"}, cell(100, 100), spec.VerdictNoData, "can not judge"},
		{"no form", one, spec.Claim{Subject: metric.TTFT, Op: "<"}, cell(100, 100), spec.VerdictNoData, "can not judge"},
		{"an operator that is not known", one, compareClaim(metric.TTFT, "!=", "1"), cell(100, 100), spec.VerdictNoData, "can not judge"},
		{"a reference that is not known", one, spec.Claim{Subject: metric.TTFT, Form: spec.ClaimWithin, Reference: "baseline"}, cell(100, 100), spec.VerdictNoData, "baseline"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := judgeFirst(experiment(test.repeats, test.claim), test.in)
			if got.Verdict != test.want {
				t.Errorf("verdict %s, want %s (%s)", got.Verdict, test.want, got.Reason)
			}
			if !strings.Contains(got.Reason, test.reason) {
				t.Errorf("reason %q does not say %q", got.Reason, test.reason)
			}
			if got.Reason == "" || strings.Contains(got.Reason, "\n") {
				t.Errorf("the reason is not one line: %q", got.Reason)
			}
		})
	}
}

// change edits a good cell into one that must not pass.
type change struct {
	name   string
	edit   func(*CellInput)
	want   spec.Verdict
	reason string
}

// TestNothingMissingPasses takes a cell that passes and breaks one thing at a time.
func TestNothingMissingPasses(t *testing.T) {
	finding := func(severity spec.FindingSeverity, metrics ...metric.Name) []spec.Finding {
		return []spec.Finding{{Check: "check", Severity: severity, Message: "because", Metrics: metrics}}
	}
	e := experiment(repeated(3, 3), within(metric.TTFT, "0.1"))
	for _, test := range []change{
		{"no predictor", func(in *CellInput) { in.Prediction = nil }, spec.VerdictNoData, "no predictor"},
		{"no prediction", func(in *CellInput) { in.Prediction.Missing = "not in the file" }, spec.VerdictNoData, "no prediction: not in the file"},
		{"not predicted", func(in *CellInput) { in.Prediction = predicts(metric.TPOT, 100) }, spec.VerdictNoData, "gives no ttft"},
		{"spoilt prediction", func(in *CellInput) { in.Prediction.Findings = finding(spec.FindingSpoils, metric.TTFT) }, spec.VerdictNotComparable, "the prediction is not comparable (check): because"},
		{"spoilt run", func(in *CellInput) { in.Runs[1].Result.Findings = finding(spec.FindingSpoils, metric.TTFT) }, spec.VerdictNotComparable, "run 2 is not comparable (check): because"},
		{"spoilt in everything", func(in *CellInput) { in.Runs[2].Result.Findings = finding(spec.FindingSpoils) }, spec.VerdictNotComparable, "run 3"},
		{"absent from one run", func(in *CellInput) { in.Runs[1].Result.Values = nil }, spec.VerdictNoData, "run 2 has no ttft"},
		{"all requests failed", func(in *CellInput) { in.Runs[0].Result.Failed = 400 }, spec.VerdictNoData, "all 400 requests failed"},
		{"unlike windows", func(in *CellInput) { in.Runs[2].Result.Window = spec.WindowWholeRun }, spec.VerdictNotComparable, "unlike kinds"},
		{"configuration failed", func(in *CellInput) { in.Failure = &spec.Failure{Kind: spec.ErrConfiguration, Message: "out of memory"} }, spec.VerdictFail, "out of memory"},
		{"configuration failed before any run", func(in *CellInput) {
			in.Runs, in.Failure = nil, &spec.Failure{Kind: spec.ErrConfiguration, Message: "out of memory"}
		}, spec.VerdictFail, "out of memory"},
		{"host failed", func(in *CellInput) {
			in.Runs, in.Failure = nil, &spec.Failure{Kind: spec.ErrInfrastructure, Message: "host is gone"}
		}, spec.VerdictNoData, "not measured (infrastructure): host is gone"},
		{"benchmark failed after one run", func(in *CellInput) {
			in.Runs, in.Failure = in.Runs[:1], &spec.Failure{Kind: spec.ErrBenchmark, Message: "client died"}
		}, spec.VerdictNoData, "client died"},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := measured(metric.TTFT, 100, 99, 100, 101)
			if got := judgeFirst(e, in); got.Verdict != spec.VerdictPass {
				t.Fatalf("the unbroken cell: %s (%s)", got.Verdict, got.Reason)
			}
			test.edit(&in)
			got := judgeFirst(e, in)
			if got.Verdict != test.want || !strings.Contains(got.Reason, test.reason) {
				t.Errorf("%s (%s), want %s (%s)", got.Verdict, got.Reason, test.want, test.reason)
			}
		})
	}
}

// TestWhatDoesNotSpoil pins that only what concerns a metric counts against it.
func TestWhatDoesNotSpoil(t *testing.T) {
	spoils := func(name metric.Name) []spec.Finding {
		return []spec.Finding{{Check: "x", Severity: spec.FindingSpoils, Metrics: []metric.Name{name}}}
	}
	for _, test := range []struct {
		name    string
		subject metric.Name
		edit    func(*CellInput)
		want    spec.Verdict
	}{
		{"another metric's finding", metric.TPOT, func(in *CellInput) { in.Runs[0].Result.Findings = spoils(metric.TTFT) }, spec.VerdictPass},
		{"a warning", metric.TTFT, func(in *CellInput) {
			in.Runs[0].Result.Findings = []spec.Finding{{Check: "x", Severity: spec.FindingWarn}}
		}, spec.VerdictPass},
		{"unlike windows and tpot", metric.TPOT, func(in *CellInput) { in.Runs[0].Result.Window = spec.WindowWholeRun }, spec.VerdictPass},
		{"unlike windows and throughput", metric.Throughput, func(in *CellInput) { in.Runs[0].Result.Window = spec.WindowWholeRun }, spec.VerdictNotComparable},
		{"an infrastructure failure after the look", metric.TTFT, func(in *CellInput) { in.Failure = &spec.Failure{Kind: spec.ErrInfrastructure} }, spec.VerdictPass},
		{"a percentile's base", metric.PercentileName(metric.TTFT, 99), func(in *CellInput) { in.Runs[0].Result.Findings = spoils(metric.TTFT) }, spec.VerdictNotComparable},
		{"total throughput's finding and throughput", metric.Throughput, func(in *CellInput) { in.Runs[0].Result.Findings = spoils(metric.TotalThroughput) }, spec.VerdictNotComparable},
		{"tpot's finding and user throughput", metric.UserThroughput, func(in *CellInput) { in.Runs[0].Result.Findings = spoils(metric.TPOT) }, spec.VerdictNotComparable},
		{"all failed and throughput", metric.Throughput, func(in *CellInput) { in.Runs[0].Result.Failed = 400 }, spec.VerdictPass},
		{"all failed and user throughput", metric.UserThroughput, func(in *CellInput) { in.Runs[0].Result.Failed = 400 }, spec.VerdictNoData},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := measured(test.subject, 100, 99, 100, 101)
			test.edit(&in)
			if got := judgeFirst(experiment(repeated(3, 3), within(test.subject, "0.1")), in); got.Verdict != test.want {
				t.Errorf("%s (%s), want %s", got.Verdict, got.Reason, test.want)
			}
		})
	}
}

// TestCompletedLook pins that runs beyond the last completed look wait.
func TestCompletedLook(t *testing.T) {
	e := experiment(repeated(3, 10), within(metric.TTFT, "0.1"))
	in := measured(metric.TTFT, 100, 99, 100, 101, 900) // the fourth would spoil it
	got := judgeFirst(e, in)
	if got.Verdict != spec.VerdictPass || got.Evidence.Runs != 3 {
		t.Errorf("%s by %d runs (%s), want pass by the first 3", got.Verdict, got.Evidence.Runs, got.Reason)
	}
	in.Runs = append(in.Runs, ofRuns(metric.TTFT, 100)...)
	if got := judgeFirst(e, in); got.Verdict != spec.VerdictInconclusive || got.Evidence.Runs != 5 {
		t.Errorf("%s by %d runs, want inconclusive by 5", got.Verdict, got.Evidence.Runs)
	}
	in = measured(metric.TTFT, 100, 99, 100, 101, 900)
	if got := judgeFirst(experiment(repeated(3, 3), within(metric.TTFT, "0.1")), in); got.Evidence.Runs != 3 {
		t.Errorf("judged by %d runs, more than the maximum", got.Evidence.Runs)
	}
}

// TestStarts pins that with several starts their means are the sample.
func TestStarts(t *testing.T) {
	repeats := spec.Repeats{Min: 2, Max: 6, Starts: 3}
	e := experiment(repeats, within(metric.TTFT, "0.1"))
	in := measured(metric.TTFT, 100, 98, 100, 99, 101, 100, 102) // start means 99, 100, 101
	inStarts(in.Runs, 1, 1, 2, 2, 3, 3)
	got := judgeFirst(e, in)
	if half := *got.Evidence.High - got.Evidence.Measured; math.Abs(half-closedForm(2, 0.95)/math.Sqrt(3)) > 1e-9 {
		t.Errorf("half width %v: not that of three means with s = 1", half)
	}
	if !strings.Contains(got.Reason, "6 runs in 3 starts") || got.Evidence.Starts != 3 {
		t.Errorf("%q, %d starts", got.Reason, got.Evidence.Starts)
	}
	inStarts(in.Runs, 1, 1, 1, 1, 1, 1)
	if got := judgeFirst(e, in); got.Verdict != spec.VerdictInconclusive || !strings.Contains(got.Reason, "several starts are asked for") {
		t.Errorf("one start of three: %s (%s)", got.Verdict, got.Reason)
	}
	inStarts(in.Runs, 0, 0, 0, 0, 0, 0)
	if got := judgeFirst(e, in); got.Verdict != spec.VerdictInconclusive || !strings.Contains(got.Reason, "do not say which start") {
		t.Errorf("recorded runs: %s (%s)", got.Verdict, got.Reason)
	}
	in.Runs = in.Runs[:5]
	if got := judgeFirst(e, in); got.Verdict != spec.VerdictInconclusive || !strings.Contains(got.Reason, "5 of 6 runs") {
		t.Errorf("an incomplete look: %s (%s)", got.Verdict, got.Reason)
	}
}

// TestLevelFollowsTheLook: servers that came up more often than planned make a larger
// sample, and must not bring the last look's share of the error forward.
func TestLevelFollowsTheLook(t *testing.T) {
	e := experiment(spec.Repeats{Min: 3, Max: 10, Starts: 5}, within(metric.TTFT, "0.1")) // looks at 3 and 5 starts, 6 and 10 runs
	in := measured(metric.TTFT, 100, 98, 100, 99, 101, 100, 102)
	for name, starts := range map[string][]int64{"as planned": {1, 1, 2, 2, 3, 3}, "oftener": {1, 2, 3, 4, 5, 6}, "more seldom": {1, 1, 1, 1, 2, 2}} {
		if got := judgeFirst(e, CellInput{Prediction: in.Prediction, Runs: inStarts(in.Runs, starts...)}).Evidence; math.Abs(got.Level-0.96) > 1e-12 {
			t.Errorf("%s: level %v at the first of two looks", name, got.Level)
		}
	}
	in = measured(metric.TTFT, 100, 98, 100, 99, 101, 100, 102, 100, 100, 99, 101)
	inStarts(in.Runs, 1, 1, 2, 2, 3, 3, 4, 4, 4, 4)
	if got := judgeFirst(e, in).Evidence; math.Abs(got.Level-0.94) > 1e-12 {
		t.Errorf("level %v at the last look", got.Level)
	}
}

func TestRunsOfOneStartSaySo(t *testing.T) {
	e := experiment(repeated(3, 3), within(metric.TTFT, "0.1"))
	in := measured(metric.TTFT, 100, 99, 100, 101)
	inStarts(in.Runs, 0, 0, 0)
	if got := judgeFirst(e, in); !strings.Contains(got.Reason, "of 3 recorded runs") || got.Evidence.Starts != 0 {
		t.Errorf("%q, %d starts", got.Reason, got.Evidence.Starts)
	}
	inStarts(in.Runs, 4, 7, 4)
	if got := judgeFirst(e, in); !strings.Contains(got.Reason, "of 3 runs in 2 starts") {
		t.Errorf("%q", got.Reason)
	}
}

func TestPercentilesNeedRequests(t *testing.T) {
	p90 := metric.PercentileName(metric.TTFT, 90)
	e := experiment(repeated(3, 3), compareClaim(p90, "<", "1000"))
	in := measured(p90, 1, 99, 100, 101)
	for requests, want := range map[int]spec.Verdict{28: spec.VerdictInconclusive, 29: spec.VerdictPass, 0: spec.VerdictPass} {
		in.Runs[1].Result.Requests = requests
		if got := judgeFirst(e, in); got.Verdict != want {
			t.Errorf("%d requests: %s (%s), want %s", requests, got.Verdict, got.Reason, want)
		}
	}
	in.Runs[1].Result.Requests, in.Runs[1].Result.Failed = 40, 12
	if got := judgeFirst(e, in); got.Verdict != spec.VerdictInconclusive || !strings.Contains(got.Reason, "run 2 has 28 completed requests; ttft_p90 needs at least 29") {
		t.Errorf("lost requests count: %s (%s)", got.Verdict, got.Reason)
	}
}

func TestEvidence(t *testing.T) {
	got := judgeFirst(experiment(repeated(1, 1), within(metric.TTFT, "0.1")), measured(metric.TTFT, 110, 100)).Evidence
	if got.Low != nil || got.High != nil || got.Level != 0 {
		t.Errorf("a point verdict has an interval: %+v", got)
	}
	if *got.Predicted != 110 || got.Measured != 100 || math.Abs(*got.Error-0.1) > 1e-12 {
		t.Errorf("predicted %v, measured %v, error %v", *got.Predicted, got.Measured, *got.Error)
	}
	if math.Abs(*got.BandLow-100) > 1e-9 || math.Abs(*got.BandHigh-110/0.9) > 1e-9 {
		t.Errorf("band %v..%v", *got.BandLow, *got.BandHigh)
	}
	got = judgeFirst(experiment(repeated(1, 1), compareClaim(metric.TTFT, ">", "7")), measured(metric.TTFT, 110, 100)).Evidence
	if got.Predicted != nil || got.Error != nil || *got.BandLow != 7 || got.BandHigh != nil {
		t.Errorf("a comparison with a quantity: %+v", got)
	}
	if got = judgeFirst(experiment(repeated(1, 1), within(metric.Throughput, "0.1")), measured(metric.Throughput, 110, 0)).Evidence; got.Error != nil {
		t.Errorf("an error relative to nothing: %v", *got.Error)
	}
}

// What is not measured on purpose is without data, with the reason; runs count all the same.
func TestWithheld(t *testing.T) {
	e := &spec.Experiment{Repeats: spec.Repeats{Min: 1, Max: 1, Starts: 1}, Asserts: []spec.Assert{{Claims: []spec.Claim{{Text: "ttft < 1ms", Subject: metric.TTFT, Form: spec.ClaimCompare, Op: "<", Amount: metric.DecimalFromInt(1)}}}}}
	in := CellInput{Withheld: "not deployed"}
	if j := JudgeExperiment(e, []CellInput{in})[0]; j.Verdict != spec.VerdictNoData || j.Reason != "not deployed" {
		t.Errorf("%s: %s", j.Verdict, j.Reason)
	}
	if found := NewJudge(e).Undecidable(in); len(found) != 1 || found[0].Why != "not deployed" {
		t.Errorf("%+v", found)
	}
	in.Runs = []spec.Run{{Index: 1, Result: spec.RunResult{Requests: 1, Values: metric.Values{{Metric: metric.TTFT, Value: 5}}}}}
	if j := JudgeExperiment(e, []CellInput{in})[0]; j.Verdict != spec.VerdictFail {
		t.Errorf("%s: %s", j.Verdict, j.Reason)
	}
}
