package verify

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"aicv/metric"
	"aicv/spec"
)

// drawCell draws a prediction and runs, near each other often enough for every verdict.
func drawCell(t *rapid.T) CellInput {
	predicted := rapid.Float64Range(0.5, 200).Draw(t, "predicted")
	n := rapid.IntRange(1, 12).Draw(t, "runs")
	values := make([]float64, n)
	for i := range values {
		values[i] = predicted * rapid.Float64Range(0.7, 1.4).Draw(t, "ratio")
	}
	if rapid.Bool().Draw(t, "steady") {
		for i := range values {
			values[i] = values[0] * (1 + (values[i]/predicted-1)/100)
		}
	}
	return measured(metric.TTFT, predicted, values...)
}

func drawRepeats(t *rapid.T) spec.Repeats {
	most := rapid.IntRange(1, 12).Draw(t, "max")
	return repeated(rapid.IntRange(1, most).Draw(t, "min"), most)
}

// tolerance draws thousandths up to 1.5.
func tolerance(t *rapid.T, label string) (metric.Decimal, int) {
	n := rapid.IntRange(0, 1500).Draw(t, label)
	return metric.MustDecimal(fmt.Sprintf("%d.%03d", n/1000, n%1000)), n
}

// grade orders verdicts from bad to good.
func grade(v spec.Verdict) int {
	return slices.Index([]spec.Verdict{spec.VerdictFail, spec.VerdictInconclusive, spec.VerdictPass}, v)
}

// TestWideningNeverHurts: a wider tolerance never makes a verdict worse.
func TestWideningNeverHurts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in, repeats := drawCell(t), drawRepeats(t)
		narrow, n := tolerance(t, "narrow")
		wide, w := tolerance(t, "wide")
		if n > w {
			narrow, wide = wide, narrow
		}
		claim := within(metric.TTFT, "0")
		claim.Amount = narrow
		before := judgeFirst(experiment(repeats, claim), in)
		claim.Amount = wide
		after := judgeFirst(experiment(repeats, claim), in)
		if grade(after.Verdict) < grade(before.Verdict) {
			t.Fatalf("%s at %s, %s at %s", before.Verdict, narrow, after.Verdict, wide)
		}
	})
}

// TestOneSidedMonotonic: lower floors and higher ceilings never make a verdict worse.
func TestOneSidedMonotonic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in, repeats := drawCell(t), drawRepeats(t)
		low, n := tolerance(t, "low")
		high, h := tolerance(t, "high")
		if n > h {
			low, high = high, low
		}
		judge := func(form spec.ClaimForm, amount metric.Decimal) int {
			claim := relativeClaim(metric.TTFT, form, "1")
			claim.Amount = amount
			return grade(judgeFirst(experiment(repeats, claim), in).Verdict)
		}
		if judge(spec.ClaimAtLeast, low) < judge(spec.ClaimAtLeast, high) {
			t.Fatalf("at least %s is worse than at least %s", low, high)
		}
		if judge(spec.ClaimAtMost, high) < judge(spec.ClaimAtMost, low) {
			t.Fatalf("at most %s is worse than at most %s", high, low)
		}
	})
}

// TestVerdictMatchesItsEvidence recomputes each verdict from the figures reported.
func TestVerdictMatchesItsEvidence(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in, repeats := drawCell(t), drawRepeats(t)
		claim := within(metric.TTFT, "0")
		claim.Amount, _ = tolerance(t, "tolerance")
		j := judgeFirst(experiment(repeats, claim), in)
		e := j.Evidence
		if e == nil {
			if grade(j.Verdict) > 1 {
				t.Fatalf("%s without evidence", j.Verdict)
			}
			return
		}
		low, high := e.Measured, e.Measured
		if e.Low != nil {
			low, high = *e.Low, *e.High
		}
		if !(low <= e.Measured && e.Measured <= high) {
			t.Fatalf("mean %v outside %v..%v", e.Measured, low, high)
		}
		d, p := claim.Amount.Float64(), *e.Predicted
		inside := func(m float64) bool { return math.Abs(p-m) <= d*m }
		for _, edge := range []float64{math.Abs(p-low) - d*low, math.Abs(p-high) - d*high} {
			if math.Abs(edge) < 1e-9 {
				return // on an edge floats can not tell
			}
		}
		switch {
		case j.Verdict == spec.VerdictPass && !(inside(low) && inside(high)):
			t.Fatalf("pass, and not wholly inside: %s", j.Reason)
		case j.Verdict == spec.VerdictFail && (inside(low) || inside(high) || (low < p && p < high)):
			t.Fatalf("fail, and not wholly outside: %s", j.Reason)
		case j.Verdict == spec.VerdictInconclusive && inside(low) && inside(high):
			t.Fatalf("inconclusive, and wholly inside: %s", j.Reason)
		}
	})
}

// TestScaleDoesNotMatter: the same ratios in another magnitude give the same verdict.
func TestScaleDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in, repeats := drawCell(t), drawRepeats(t)
		claim := within(metric.TTFT, "0.1")
		before := judgeFirst(experiment(repeats, claim), in).Verdict
		scaled := measured(metric.TTFT, in.Prediction.Values[0].Value*1024)
		for _, r := range in.Runs {
			scaled.Runs = append(scaled.Runs, ofRuns(metric.TTFT, r.Result.Values[0].Value*1024)...)
		}
		if after := judgeFirst(experiment(repeats, claim), scaled).Verdict; after != before {
			t.Fatalf("%s became %s", before, after)
		}
	})
}

// TestJudgingAgrees: one cell judged alone, in its experiment, and twice, is the same;
// and the claim over one cell has that cell's verdict.
func TestJudgingAgrees(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := experiment(drawRepeats(t), within(metric.TTFT, "0.1"), compareClaim(metric.TTFT, "<", "100"))
		in := drawCell(t)
		alone := judgeFirst(e, in)
		all := JudgeExperiment(e, []CellInput{in})
		if diff := cmp.Diff(alone, all[0], cmp.AllowUnexported(metric.Decimal{})); diff != "" {
			t.Fatalf("alone and together (-+):\n%s", diff)
		}
		if all[1].Verdict != all[0].Verdict || all[3].Verdict != all[2].Verdict {
			t.Fatalf("over one cell: %s and %s", all[0].Verdict, all[1].Verdict)
		}
		if diff := cmp.Diff(all, JudgeExperiment(e, []CellInput{in}), cmp.AllowUnexported(metric.Decimal{})); diff != "" {
			t.Fatalf("twice (-+):\n%s", diff)
		}
	})
}

// TestAnyFigureIsJudged: no input makes judging panic, and none that is unusable passes.
func TestAnyFigureIsJudged(t *testing.T) {
	odd := []float64{0, -1, math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, math.SmallestNonzeroFloat64, 1, 100}
	forms := []spec.Claim{within(metric.TTFT, "0.1"), relativeClaim(metric.TTFT, spec.ClaimAtLeast, "0.9"),
		relativeClaim(metric.TTFT, spec.ClaimAtMost, "1.1"), compareClaim(metric.TTFT, ">", "0"), compareClaim(metric.TTFT, "==", "1"), compareClaim(metric.TTFT, "<", "0")}
	rapid.Check(t, func(t *rapid.T) {
		claim := rapid.SampledFrom(forms).Draw(t, "claim")
		values := rapid.SliceOfN(rapid.SampledFrom(odd), 0, 6).Draw(t, "values")
		predicted := rapid.SampledFrom(odd).Draw(t, "predicted")
		repeats := spec.Repeats{Min: rapid.IntRange(-1, 4).Draw(t, "min"), Max: rapid.IntRange(-1, 6).Draw(t, "max"), Starts: rapid.IntRange(-1, 4).Draw(t, "starts")}
		in := measured(metric.TTFT, predicted, values...)
		for i := range in.Runs {
			in.Runs[i].Start = int64(rapid.IntRange(0, 3).Draw(t, "start"))
		}
		e := experiment(repeats, claim)
		got := judgeFirst(e, in)
		decided(e, in)
		LookAt(e, in)
		NewJudge(e).Undecidable(in)
		NewJudge(e).Figures(in).Of(metric.TTFT)
		if got.Verdict == spec.VerdictPass && relative(&claim) && !(predicted > 0 && !math.IsInf(predicted, 0)) {
			t.Fatalf("passes against a prediction of %v", predicted)
		}
		if got.Verdict == spec.VerdictPass && slices.ContainsFunc(values[:got.Evidence.Runs], func(v float64) bool { return !(v > 0) || math.IsInf(v, 0) }) {
			t.Fatalf("passes with values %v", values)
		}
	})
}
