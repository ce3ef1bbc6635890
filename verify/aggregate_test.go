package verify

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"aicv/metric"
	"aicv/spec"
)

// counted makes a cell list with a number of each verdict.
func counted(pass, fail, inconclusive, noData, notComparable int) []CellInput {
	var cells []CellInput
	add := func(n int, in CellInput) {
		for range n {
			in.Address = fmt.Sprintf("c%d", len(cells))
			cells = append(cells, in)
		}
	}
	add(pass, measured(metric.TTFT, 100, 99, 100, 101))
	add(fail, measured(metric.TTFT, 100, 199, 200, 201))
	add(inconclusive, measured(metric.TTFT, 100, 50, 100, 150))
	add(noData, measured(metric.TTFT, 100))
	add(notComparable, measured(metric.TTFT, 0, 99, 100, 101))
	return cells
}

func TestAggregate(t *testing.T) {
	for _, test := range []struct {
		name     string
		quantile string
		cells    []CellInput
		want     spec.Verdict
		reason   string
	}{
		{"all pass", "", counted(3, 0, 0, 0, 0), spec.VerdictPass, "3 of 3 cells pass"},
		{"fail outweighs all", "", counted(3, 1, 1, 1, 1), spec.VerdictFail, "3 of 7 cells pass, 1 fails, 1 is not comparable, 1 has no data, 1 is inconclusive"},
		{"not comparable outweighs no data", "", counted(3, 0, 2, 2, 2), spec.VerdictNotComparable, "3 of 9 cells pass, 2 are not comparable, 2 have no data, 2 are inconclusive"},
		{"no data outweighs inconclusive", "", counted(3, 0, 1, 1, 0), spec.VerdictNoData, ""},
		{"inconclusive outweighs pass", "", counted(9, 0, 1, 0, 0), spec.VerdictInconclusive, "9 of 10 cells pass, 1 is inconclusive"},
		{"no cells", "", nil, spec.VerdictNoData, "no cells"},

		{"the share is there", "0.9", counted(9, 1, 0, 0, 0), spec.VerdictPass, "9 of 10 cells pass, 1 fails; asked for 90 %, that is 9 cells"},
		{"the share is out of reach", "0.9", counted(8, 2, 0, 0, 0), spec.VerdictFail, ""},
		{"one short, and one may yet pass", "0.9", counted(8, 1, 1, 0, 0), spec.VerdictInconclusive, ""},
		{"of the undecided the gravest", "0.9", counted(7, 1, 1, 0, 1), spec.VerdictNotComparable, ""},
		{"missing cells are in the denominator", "0.9", counted(8, 0, 0, 2, 0), spec.VerdictNoData, ""},
		{"undecided cells can not make a share fail", "0.9", counted(0, 0, 0, 10, 0), spec.VerdictNoData, ""},
		{"a share that makes no whole cell is rounded up", "0.9", counted(4, 1, 0, 0, 0), spec.VerdictFail, "asked for 90 %, that is 5 cells"},
		{"a third in decimals", "0.3", counted(3, 7, 0, 0, 0), spec.VerdictPass, "that is 3 cells"},
		{"a share of no cells", "0.9", nil, spec.VerdictNoData, "no cells"},
	} {
		t.Run(test.name, func(t *testing.T) {
			claim := within(metric.TTFT, "0.1")
			if test.quantile != "" {
				claim.Quantile = metric.MustDecimal(test.quantile)
			}
			all := JudgeExperiment(experiment(repeated(3, 3), claim), test.cells)
			got := all[len(all)-1]
			if got.Cell != "" || got.Verdict != test.want {
				t.Errorf("%q is %s (%s), want %s over all cells", got.Cell, got.Verdict, got.Reason, test.want)
			}
			if test.reason != "" && !contains(got.Reason, test.reason) {
				t.Errorf("reason %q does not say %q", got.Reason, test.reason)
			}
			sum := 0
			for _, n := range got.Counts {
				sum += n
			}
			if sum != len(test.cells) {
				t.Errorf("counts %v of %d cells", got.Counts, len(test.cells))
			}
		})
	}
}

// TestOrder pins the order of judgements and what each carries.
func TestOrder(t *testing.T) {
	e := &spec.Experiment{Name: "scaling", Repeats: repeated(1, 1), Asserts: []spec.Assert{
		{Name: "first", Severity: spec.AssertWarn, Claims: []spec.Claim{within(metric.TTFT, "0.1"), within(metric.TTFT, "0.2")}},
		{Name: "second", Severity: spec.AssertError, Claims: []spec.Claim{compareClaim(metric.TTFT, "<", "5")}},
	}}
	cells := []CellInput{measured(metric.TTFT, 100, 115), measured(metric.TTFT, 100, 1)}
	cells[0].Address, cells[1].Address = "one", "two"
	var got []string
	for _, j := range JudgeExperiment(e, cells) {
		got = append(got, fmt.Sprintf("%s %s %s [%s] %q %s", j.Experiment, j.Assert, j.Severity, j.Claim, j.Cell, j.Verdict))
	}
	want := []string{
		`scaling first warn [ttft within 0.1] "one" fail`,
		`scaling first warn [ttft within 0.1] "two" fail`,
		`scaling first warn [ttft within 0.1] "" fail`,
		`scaling first warn [ttft within 0.2] "one" pass`,
		`scaling first warn [ttft within 0.2] "two" fail`,
		`scaling first warn [ttft within 0.2] "" fail`,
		`scaling second error [ttft < 5] "one" fail`,
		`scaling second error [ttft < 5] "two" pass`,
		`scaling second error [ttft < 5] "" fail`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	j := JudgeExperiment(e, cells)[0]
	if j.Measured != "m" || j.Subject != metric.TTFT || j.Rules != (spec.ClaimRules{Form: spec.ClaimWithin, Amount: metric.MustDecimal("0.1"), Max: 1}) {
		t.Errorf("measured %q, subject %q, rules %+v", j.Measured, j.Subject, j.Rules)
	}
}

func TestAggregateMarks(t *testing.T) {
	cells := []CellInput{measured(metric.TTFT, 100, 100), measured(metric.TTFT, 100, 100)}
	cells[1].Prediction.Derived = []metric.Name{metric.TTFT}
	all := JudgeExperiment(experiment(repeated(1, 1), within(metric.TTFT, "0.1")), cells)
	if got := all[2].Marks; !slices.Equal(got, []string{MarkOneRun, MarkDerived}) {
		t.Errorf("marks %q", got)
	}
}

func TestExitCode(t *testing.T) {
	over := func(severity spec.AssertSeverity, v spec.Verdict) spec.Judgement {
		return spec.Judgement{Severity: severity, Verdict: v}
	}
	cell := spec.Judgement{Severity: spec.AssertError, Verdict: spec.VerdictFail, Cell: "c"}
	for _, test := range []struct {
		name        string
		judgements  []spec.Judgement
		onUndecided string
		want        int
	}{
		{"nothing claimed", nil, "fail", 0},
		{"pass", []spec.Judgement{over(spec.AssertError, spec.VerdictPass)}, "fail", 0},
		{"fail", []spec.Judgement{over(spec.AssertError, spec.VerdictPass), over(spec.AssertError, spec.VerdictFail)}, "fail", 3},
		{"fail outweighs undecided", []spec.Judgement{over(spec.AssertError, spec.VerdictNoData), over(spec.AssertError, spec.VerdictFail)}, "warn", 3},
		{"inconclusive", []spec.Judgement{over(spec.AssertError, spec.VerdictInconclusive)}, "fail", 4},
		{"not comparable", []spec.Judgement{over(spec.AssertError, spec.VerdictNotComparable)}, "", 4},
		{"no data", []spec.Judgement{over(spec.AssertError, spec.VerdictNoData)}, "fail", 4},
		{"no verdict at all", []spec.Judgement{over(spec.AssertError, "")}, "fail", 4},
		{"undecided only warns", []spec.Judgement{over(spec.AssertError, spec.VerdictNoData)}, "warn", 0},
		{"warn does not gate", []spec.Judgement{over(spec.AssertWarn, spec.VerdictFail)}, "fail", 0},
		{"info does not gate", []spec.Judgement{over(spec.AssertInfo, spec.VerdictNoData)}, "fail", 0},
		{"no severity gates", []spec.Judgement{over("", spec.VerdictFail)}, "fail", 3},
		{"a cell counts through its claim", []spec.Judgement{cell, over(spec.AssertError, spec.VerdictPass)}, "fail", 0},
	} {
		if got := ExitCode(test.judgements, test.onUndecided); got != test.want {
			t.Errorf("%s: exit code %d, want %d", test.name, got, test.want)
		}
	}
}
