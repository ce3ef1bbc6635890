package verify

import (
	"slices"
	"strings"
	"testing"

	"aicv/metric"
	"aicv/spec"
)

// compared is a cell whose engine reports max_batch_tokens, of which 8192 were asked
// for and predicted; three runs of ttft 100, and 100 predicted.
func compared(effective int) CellInput {
	in := measured(metric.TTFT, 100, 99, 100, 101)
	in.Config = spec.NewConfiguration(spec.Setting{Name: spec.ItemMaxBatchTokens, Value: spec.IntValue(8192)})
	in.Prediction.Modelled = in.Config
	in.Load = spec.Load{Concurrency: 4, InputTokens: 100, OutputTokens: 10}
	for i := range in.Runs {
		in.Runs[i].Result.Seen = &spec.Observation{Requests: &spec.RequestFacts{Warmup: 8, Input: spec.Lengths{Mean: 100, Min: 100, Max: 100}},
			Server: &spec.ServerReport{Effective: spec.NewConfiguration(spec.Setting{Name: spec.ItemMaxBatchTokens, Value: spec.IntValue(effective)})}}
	}
	return in
}

func TestUnlikeConfigurationsAreNotCompared(t *testing.T) {
	same := judgeFirst(experiment(repeated(3, 3), within(metric.TTFT, "0.1")), compared(8192))
	if same.Verdict != spec.VerdictPass || len(same.Marks) > 0 || len(same.Compared) > 0 {
		t.Errorf("alike: %s %v %v", same.Verdict, same.Marks, same.Compared)
	}
	e := experiment(repeated(3, 10), within(metric.TTFT, "0.1"), compareClaim(metric.TTFT, "<", "500"))
	in := compared(2048)
	relative, quantity := judgeCell(e, 0, in), judgeCell(e, 1, in)
	if relative.Verdict != spec.VerdictNotComparable || !strings.Contains(relative.Reason, "8192 was asked for, 2048 is what the engine runs") || len(relative.Compared) != 1 {
		t.Errorf("%s: %s, %v", relative.Verdict, relative.Reason, relative.Compared)
	}
	if quantity.Verdict != spec.VerdictPass || !slices.Equal(quantity.Marks, []string{"config effective"}) || quantity.Compared != nil {
		t.Errorf("%s %v", quantity.Verdict, quantity.Marks)
	}
	if !decided(experiment(repeated(3, 10), within(metric.TTFT, "0.1")), in) {
		t.Error("more runs of the same server are asked for")
	}
	e.Accept = []string{spec.ItemMaxBatchTokens}
	if accepted := judgeCell(e, 0, in); accepted.Verdict != spec.VerdictPass || !slices.Contains(accepted.Marks, MarkAccept) || len(accepted.Compared) != 1 {
		t.Errorf("accepted: %s %v %v", accepted.Verdict, accepted.Marks, accepted.Compared)
	}
}

// A self-check is made when the run is judged, so a guard that changes needs no new run.
func TestGuardsJudgeStoredRuns(t *testing.T) {
	e := experiment(repeated(3, 3), within(metric.TTFT, "0.1"), within(metric.TPOT, "0.1"))
	in := compared(8192)
	for i := range in.Runs {
		in.Runs[i].Result.Values = append(in.Runs[i].Result.Values, metric.Value{Metric: metric.TPOT, Value: 5})
	}
	in.Prediction.Values = append(in.Prediction.Values, metric.Value{Metric: metric.TPOT, Value: 5})
	in.Runs[1].Result.Seen.Client = &spec.ClientUse{LagMean: 10}
	judge := func(guards ...spec.Guard) (ttft, tpot spec.Judgement) {
		e.Guards = guards
		return judgeCell(e, 0, in), judgeCell(e, 1, in)
	}
	guard := func(severity spec.FindingSeverity, limit string) spec.Guard {
		return spec.Guard{Name: "g", Severity: severity, Thresholds: []spec.Threshold{{Name: "client_lag_max", Limit: metric.MustDecimal(limit)}}}
	}
	if ttft, tpot := judge(); ttft.Verdict != spec.VerdictPass || !slices.Equal(ttft.Marks, []string{"client lag"}) || len(tpot.Marks) > 0 {
		t.Errorf("unguarded: %s %v, tpot %v", ttft.Verdict, ttft.Marks, tpot.Marks)
	}
	if ttft, tpot := judge(guard(spec.FindingSpoils, "0.05")); ttft.Verdict != spec.VerdictNotComparable || !strings.Contains(ttft.Reason, "run 2") || tpot.Verdict != spec.VerdictPass {
		t.Errorf("guarded: %s (%s), tpot %s", ttft.Verdict, ttft.Reason, tpot.Verdict)
	}
	if ttft, _ := judge(guard(spec.FindingWarn, "0.2")); ttft.Verdict != spec.VerdictPass || len(ttft.Marks) > 0 {
		t.Errorf("relaxed: %s %v", ttft.Verdict, ttft.Marks)
	}
}

// Guards and accepted items are part of the rule: whoever changes them once there is
// data is told so on the verdict.
func TestChangedGuardsAreEdited(t *testing.T) {
	e := experiment(repeated(3, 3), within(metric.TTFT, "0.1"))
	in := compared(8192)
	in.Past = Rules(e)
	if j := judgeFirst(e, in); slices.Contains(j.Marks, MarkEdited) {
		t.Errorf("unchanged: %v", j.Marks)
	}
	for name, change := range map[string]func(){
		"guards": func() {
			e.Guards = []spec.Guard{{Name: "g", Severity: spec.FindingWarn, Thresholds: []spec.Threshold{{Name: "drift_max"}}}}
		},
		"accept": func() { e.Accept = []string{spec.ItemDType} },
	} {
		e.Guards, e.Accept = nil, nil
		change()
		if j := judgeFirst(e, in); !slices.Contains(j.Marks, MarkEdited) {
			t.Errorf("%s: %v", name, j.Marks)
		}
	}
}

func TestExamineBeforeALook(t *testing.T) {
	in := compared(2048)
	in.Runs = in.Runs[:1]
	in.Prediction.Findings = []spec.Finding{{Check: "own", Severity: spec.FindingNote}}
	seen := NewJudge(experiment(repeated(3, 3), within(metric.TTFT, "0.1"))).Examine(in)
	if len(seen.Compared) != 1 || len(seen.Findings) != 2 || seen.Findings[0].Check != "own" || seen.Findings[1].Check != "config_effective" {
		t.Errorf("%+v", seen)
	}
}

// A finding of several runs is listed once, with how many have it.
func TestFindingsOverRuns(t *testing.T) {
	in := compared(8192)
	note := func(run int, check, message string) {
		r := &in.Runs[run].Result
		r.Findings = append(r.Findings, spec.Finding{Check: check, Severity: spec.FindingNote, Message: message})
	}
	for run := range 3 {
		note(run, "same", "of all")
		note(run, "figures", strings.Repeat("i", run+1))
	}
	note(1, "seldom", "of one")
	note(1, "same", "another of its kind")
	var got []string
	for _, f := range NewJudge(experiment(repeated(3, 3), within(metric.TTFT, "0.1"))).Examine(in).Findings {
		got = append(got, f.Check+": "+f.Message)
	}
	want := []string{"same: of all", "figures: i; so in 3 of 3 runs", "seldom: of one; so in 1 of 3 runs", "same: another of its kind; so in 1 of 3 runs"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
