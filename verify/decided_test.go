package verify

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"aicv/metric"
	"aicv/spec"
)

func TestDecided(t *testing.T) {
	ttft, tight := within(metric.TTFT, "0.2"), within(metric.TTFT, "0.01")
	steady := []float64{99, 100, 101}
	for _, test := range []struct {
		name  string
		claim []spec.Claim
		in    CellInput
		want  bool
	}{
		{"no runs", []spec.Claim{ttft}, measured(metric.TTFT, 100), false},
		{"below the first look", []spec.Claim{ttft}, measured(metric.TTFT, 100, 99, 100), false},
		{"passes at the first look", []spec.Claim{ttft}, measured(metric.TTFT, 100, steady...), true},
		{"fails at the first look", []spec.Claim{ttft}, measured(metric.TTFT, 300, steady...), true},
		{"one claim still open", []spec.Claim{ttft, tight}, measured(metric.TTFT, 100, steady...), false},
		{"between the looks the last one counts", []spec.Claim{tight}, measured(metric.TTFT, 100, 99, 100, 101, 100), false},
		{"the maximum", []spec.Claim{tight}, measured(metric.TTFT, 100, 99, 100, 101, 99, 100, 101, 99, 100, 101, 100), true},
		{"no claims", nil, measured(metric.TTFT, 100, steady...), true},
		{"runs can not bring a prediction", []spec.Claim{ttft}, CellInput{Runs: ofRuns(metric.TTFT, steady...)}, true},
		{"nothing is decided before a look, not even that", []spec.Claim{ttft}, CellInput{Runs: ofRuns(metric.TTFT, 99)}, false},
		{"not comparable", []spec.Claim{ttft}, measured(metric.TTFT, 0, steady...), true},
		{"equality broken", []spec.Claim{compareClaim(metric.TTFT, "==", "100")}, measured(metric.TTFT, 100, steady...), true},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := decided(experiment(repeated(3, 10), test.claim...), test.in); got != test.want {
				t.Errorf("decided: %v, want %v", got, test.want)
			}
		})
	}
	e := experiment(repeated(3, 10), ttft)
	in := measured(metric.TTFT, 100)
	for kind, want := range map[spec.ErrorKind]bool{spec.ErrConfiguration: true, spec.ErrInfrastructure: false, spec.ErrBenchmark: false, spec.ErrInterrupted: false} {
		in.Failure = &spec.Failure{Kind: kind}
		if got := decided(e, in); got != want {
			t.Errorf("failed by %s: decided %v, want %v", kind, got, want)
		}
	}
}

func TestLookAt(t *testing.T) {
	e := experiment(repeated(3, 10), within(metric.TTFT, "0.2"), within(metric.TTFT, "0.01"))
	got := LookAt(e, measured(metric.TTFT, 100, 99, 100, 101, 100))
	want := spec.Look{Measurement: "m", Runs: 3, Of: 3, Level: 0.98, Decided: false,
		Claims: []string{"ttft within 0.2: pass", "ttft within 0.01: inconclusive"}}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) < 1e-12 })); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestUndecidable(t *testing.T) {
	p99 := metric.PercentileName(metric.TTFT, 99)
	good := measured(metric.TTFT, 100)
	for _, test := range []struct {
		name  string
		claim spec.Claim
		edit  func(*spec.Experiment, *CellInput)
		want  string // empty: it can be decided
	}{
		{"fine", within(metric.TTFT, "0.1"), nil, ""},
		{"no predictor", within(metric.TTFT, "0.1"), func(_ *spec.Experiment, in *CellInput) { in.Prediction = nil }, "no predictor"},
		{"a quantity needs none", compareClaim(metric.TTFT, "<", "5"), func(_ *spec.Experiment, in *CellInput) { in.Prediction = nil }, ""},
		{"no prediction", within(metric.TTFT, "0.1"), func(_ *spec.Experiment, in *CellInput) { in.Prediction = &spec.Prediction{Missing: "unknown model"} }, "unknown model"},
		{"a percentile of a mean", within(p99, "0.1"), nil, "gives no ttft_p99"},
		{"predicted zero", within(metric.TTFT, "0.1"), func(_ *spec.Experiment, in *CellInput) { in.Prediction = predicts(metric.TTFT, 0) }, "is 0"},
		{"too few requests", compareClaim(p99, "<", "5"), func(_ *spec.Experiment, in *CellInput) { in.Requests = 298 }, "needs at least 299 requests per run, and a run has 298"},
		{"enough requests", compareClaim(p99, "<", "5"), func(_ *spec.Experiment, in *CellInput) { in.Requests = 299 }, ""},
		{"requests not known", compareClaim(p99, "<", "5"), nil, ""},
		{"GPUs not known", compareClaim(metric.Throughput, ">", "5"), func(_ *spec.Experiment, in *CellInput) { in.GPUsKnown = false }, "number of GPUs is unknown"},
		{"GPUs not known, but measured", compareClaim(metric.Throughput, ">", "5"), func(_ *spec.Experiment, in *CellInput) {
			in.GPUsKnown, in.Runs = false, ofRuns(metric.Throughput, 7)
		}, ""},
		{"goodput without limits", compareClaim(metric.Goodput, ">", "5"), nil, "needs an slo"},
		{"goodput with limits", compareClaim(metric.Goodput, ">", "5"), func(e *spec.Experiment, _ *CellInput) { e.SLO = spec.SLO{{Metric: metric.TTFT}} }, ""},
		{"noise wider than the band", within(metric.TTFT, "0.05"), func(_ *spec.Experiment, in *CellInput) { in.Runs = ofRuns(metric.TTFT, 70, 100, 130) }, "runs spread too much: at the 30 % seen over 3 runs"},
		{"noise that the planned runs master", within(metric.TTFT, "0.2"), func(_ *spec.Experiment, in *CellInput) { in.Runs = ofRuns(metric.TTFT, 90, 100, 110) }, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			e, in := experiment(repeated(3, 10), test.claim), good
			if test.edit != nil {
				test.edit(e, &in)
			}
			got := NewJudge(e).Undecidable(in)
			switch {
			case (len(got) > 0) != (test.want != ""):
				t.Errorf("undecidable: %v, want %q", got, test.want)
			case len(got) > 0 && (got[0].Claim.Text != test.claim.Text || !contains(got[0].Why, test.want)):
				t.Errorf("undecidable: %s (%s), want %q", got[0].Claim.Text, got[0].Why, test.want)
			}
		})
	}
}

func TestFigure(t *testing.T) {
	j := NewJudge(experiment(repeated(3, 10)))
	in := measured(metric.TTFT, 110, 99, 100, 101, 500)
	got := j.Figures(in).Of(metric.TTFT)
	if got == nil || got.Measured != 100 || got.Runs != 3 || got.Low == nil || got.BandLow != nil || *got.Predicted != 110 {
		t.Errorf("at the look: %+v", got)
	}
	in.Runs = in.Runs[:2]
	if got = j.Figures(in).Of(metric.TTFT); got == nil || got.Measured != 99.5 || got.Runs != 2 || got.Low != nil || got.Level != 0 {
		t.Errorf("before a look: %+v", got)
	}
	if got = j.Figures(in).Of(metric.TPOT); got != nil {
		t.Errorf("not measured: %+v", got)
	}
	in.Runs[1].Result.Values = nil
	if got = j.Figures(in).Of(metric.TTFT); got != nil {
		t.Errorf("absent from a run: %+v", got)
	}
}
