package verify

import (
	"slices"
	"strings"
	"testing"

	"aicv/metric"
	"aicv/spec"
)

func contains(s, part string) bool { return strings.Contains(s, part) }

func TestMarks(t *testing.T) {
	warn := func(check string, metrics ...metric.Name) spec.Finding {
		return spec.Finding{Check: check, Severity: spec.FindingWarn, Metrics: metrics}
	}
	ttft := within(metric.TTFT, "0.1")
	for _, test := range []struct {
		name    string
		repeats spec.Repeats
		claim   spec.Claim
		edit    func(*CellInput)
		want    []string
	}{
		{"nothing to say", repeated(3, 3), ttft, func(*CellInput) {}, nil},
		{"one run", repeated(1, 1), ttft, func(*CellInput) {}, []string{"n=1"}},
		{"one run, equality", repeated(1, 1), compareClaim(metric.TTFT, "==", "100"), func(*CellInput) {}, []string{"n=1"}},
		{"derived prediction", repeated(3, 3), ttft, func(in *CellInput) { in.Prediction.Derived = []metric.Name{metric.TTFT} }, []string{"derived"}},
		{"derived run", repeated(3, 3), ttft, func(in *CellInput) { in.Runs[2].Result.Derived = []metric.Name{metric.TTFT} }, []string{"derived"}},
		{"derived, another metric", repeated(3, 3), ttft, func(in *CellInput) { in.Prediction.Derived = []metric.Name{metric.TPOT} }, nil},
		{"a quantity is not predicted", repeated(3, 3), compareClaim(metric.TTFT, "<", "500"), func(in *CellInput) { in.Prediction.Derived = []metric.Name{metric.TTFT} }, nil},
		{"whole run", repeated(3, 3), ttft, func(in *CellInput) { windows(in, spec.WindowWholeRun) }, []string{"window=whole_run"}},
		{"window not said", repeated(3, 3), ttft, func(in *CellInput) { windows(in, "") }, []string{"window=unknown"}},
		{"a window matters against a prediction only", repeated(3, 3), compareClaim(metric.TTFT, "<", "500"), func(in *CellInput) { windows(in, spec.WindowWholeRun) }, nil},
		{"lost requests", repeated(3, 3), ttft, func(in *CellInput) { in.Runs[1].Result.Failed = 3 }, []string{"lost requests"}},
		{"warnings, each once", repeated(3, 3), ttft, func(in *CellInput) {
			in.Prediction.Findings = []spec.Finding{warn("version_skew")}
			in.Runs[0].Result.Findings = []spec.Finding{warn("littles_law", metric.TTFT), warn("prefix_cache", metric.TPOT)}
			in.Runs[1].Result.Findings = []spec.Finding{warn("littles_law", metric.TTFT)}
		}, []string{"version skew", "littles law"}},
		{"a note is no mark", repeated(3, 3), ttft, func(in *CellInput) {
			in.Runs[0].Result.Findings = []spec.Finding{{Check: "x", Severity: spec.FindingNote}}
		}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := measured(metric.TTFT, 100, 99, 100, 101)
			test.edit(&in)
			if got := judgeFirst(experiment(test.repeats, test.claim), in).Marks; !slices.Equal(got, test.want) {
				t.Errorf("marks %q, want %q", got, test.want)
			}
		})
	}
}

func windows(in *CellInput, kind spec.WindowKind) {
	for i := range in.Runs {
		in.Runs[i].Result.Window = kind
	}
}

func TestUnknownRequestsAreMarked(t *testing.T) {
	p99 := metric.PercentileName(metric.TTFT, 99)
	in := measured(p99, 100, 99, 100, 101)
	for i := range in.Runs {
		in.Runs[i].Result.Requests = 0
	}
	if got := judgeFirst(experiment(repeated(3, 3), compareClaim(p99, "<", "500")), in); !slices.Equal(got.Marks, []string{MarkCount}) {
		t.Errorf("marks %q", got.Marks)
	}
}

func TestEditedAfterData(t *testing.T) {
	rule := func(form spec.ClaimForm, op, amount string, most int) spec.PastRule {
		return spec.PastRule{Subject: metric.TTFT, Rules: spec.ClaimRules{Form: form, Op: op, Amount: metric.MustDecimal(amount), Max: most}}
	}
	same := rule(spec.ClaimWithin, "", "0.1", 3)
	for _, test := range []struct {
		name   string
		past   []spec.PastRule
		others []spec.PastRule
		want   bool
	}{
		{"nothing past", nil, nil, false},
		{"the same rule", []spec.PastRule{same}, nil, false},
		{"another tolerance", []spec.PastRule{rule(spec.ClaimWithin, "", "0.05", 3)}, nil, true},
		{"another maximum", []spec.PastRule{rule(spec.ClaimWithin, "", "0.1", 5)}, nil, true},
		{"edited, and judged since", []spec.PastRule{rule(spec.ClaimWithin, "", "0.05", 3), same}, nil, true},
		{"another form", []spec.PastRule{rule(spec.ClaimAtMost, "", "0.5", 3)}, nil, false},
		{"another subject", []spec.PastRule{{Subject: metric.TPOT, Rules: rule(spec.ClaimWithin, "", "0.5", 3).Rules}}, nil, false},
		{"the other claim of the suite", []spec.PastRule{same, rule(spec.ClaimWithin, "", "0.3", 3)}, nil, false},
		{"another experiment's claim", []spec.PastRule{same, rule(spec.ClaimWithin, "", "0.4", 3)}, []spec.PastRule{rule(spec.ClaimWithin, "", "0.4", 3)}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := experiment(repeated(3, 3), within(metric.TTFT, "0.1"), within(metric.TTFT, "0.3"))
			in := measured(metric.TTFT, 100, 99, 100, 101)
			in.Past, in.Others = test.past, test.others
			if got := slices.Contains(judgeFirst(e, in).Marks, MarkEdited); got != test.want {
				t.Errorf("edited: %v, want %v", got, test.want)
			}
		})
	}
	op := experiment(repeated(3, 3), compareClaim(metric.TTFT, "<=", "100"))
	in := measured(metric.TTFT, 100, 99, 100, 101)
	in.Past = []spec.PastRule{rule(spec.ClaimCompare, "<", "100", 3)}
	if !slices.Contains(judgeFirst(op, in).Marks, MarkEdited) {
		t.Error("another operator is not marked")
	}
}

func TestRulesListsEveryClaim(t *testing.T) {
	e := experiment(repeated(3, 7), within(metric.TTFT, "0.1"), compareClaim(metric.TPOT, "<", "5"))
	got := Rules(e)
	if len(got) != 2 || got[0].Subject != metric.TTFT || got[1].Rules.Op != "<" || got[1].Rules.Max != 7 {
		t.Errorf("%+v", got)
	}
}
