package state

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"aicv/metric"
	"aicv/spec"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func failed(id spec.ID, kind spec.ErrorKind) spec.Outcome {
	return spec.Outcome{Status: spec.StepFailed, Failures: []spec.CellFailure{{Measurement: id, Failure: spec.Failure{Kind: kind, Message: string(kind) + " of " + string(id)}}}}
}

// A failure stands until a run comes after it, or it is retired.
func TestStandingFailures(t *testing.T) {
	ctx := context.Background()
	s := begun(t)
	stands := func(want spec.ErrorKind) {
		t.Helper()
		failures := got[map[spec.ID]spec.Failure](t)(s.Failures(ctx, []spec.ID{"m", "none"}))
		if failures["m"].Kind != want || len(failures) > 1 {
			t.Errorf("standing: %v, want %q", failures, want)
		}
	}
	stands("")
	runStep(t, s, failed("m", spec.ErrInfrastructure))
	stands(spec.ErrInfrastructure)
	runStep(t, s, failed("m", spec.ErrConfiguration))
	stands(spec.ErrConfiguration)
	runStep(t, s, spec.Outcome{Run: sampleRun("m", 1)})
	stands("")
	runStep(t, s, failed("m", spec.ErrBenchmark)) // runs before it do not undo it
	stands(spec.ErrBenchmark)
	must(t, s.Retire(ctx, []spec.ID{"m"}, "--rerun"))
	stands("")
	runStep(t, s, failed("m", spec.ErrInterrupted))
	stands(spec.ErrInterrupted)
}

func TestRetire(t *testing.T) {
	ctx := context.Background()
	s := begun(t)
	for n := 1; n <= 2; n++ {
		run := sampleRun("m", n)
		run.Result.Rows = []spec.RequestRow{{Index: n}}
		runStep(t, s, spec.Outcome{Run: run})
	}
	runStep(t, s, spec.Outcome{Run: sampleRun("other", 1)})
	runStep(t, s, failed("m", spec.ErrBenchmark))
	must(t, s.Judge(ctx, "a", []spec.Judgement{judgement("m", "ttft within 10%", "0.1", "b")}))
	runStep(t, s, spec.Outcome{Look: &spec.Look{Measurement: "m", Runs: 2, Of: 1, Level: 0.9, Decided: true}})
	must(t, s.Retire(ctx, []spec.ID{"m", "none", "m"}, "--rerun"))
	must(t, s.Retire(ctx, []spec.ID{"m"}, "nothing is left to retire"))
	_, err := tryStep(s, spec.Outcome{Run: sampleRun("m", 2)})
	wantFault(t, err, FaultDuplicate, spec.ErrUsage, "run 2", "up to 2 were set aside")
	runStep(t, s, spec.Outcome{Run: sampleRun("m", 3)})

	runs := got[map[spec.ID][]spec.Run](t)(s.Runs(ctx, []spec.ID{"m", "other"}))
	if len(runs["m"]) != 1 || runs["m"][0].Index != 3 || len(runs["other"]) != 1 {
		t.Errorf("runs that count: %+v", runs)
	}
	if looks := got[map[spec.ID][]spec.Look](t)(s.Looks(ctx, []spec.ID{"m"})); len(looks) != 0 {
		t.Errorf("looks at retired runs: %v", looks)
	}
	want := []spec.MeasurementInfo{{ID: "m", Runs: 1, Retired: 2, LastRetired: 2}, {ID: "other", Runs: 1}}
	if diff := cmp.Diff(want, got[[]spec.MeasurementInfo](t)(s.Measurements(ctx))); diff != "" {
		t.Errorf("measurements (-want +got):\n%s", diff)
	}
	details := got[[]Detail](t)(s.Show(ctx, "m"))
	if len(details) != 1 || len(details[0].Runs) != 3 || len(details[0].Retirements) != 1 || details[0].Retirements[0].Why != "--rerun" || details[0].Retirements[0].RunsTo != 2 {
		t.Errorf("history: %+v", details)
	}
	rows := got[[]spec.RequestRow](t)(s.RowsOf(ctx, "m", 2)) // set aside, and still there
	judgements := got[[]spec.Judgement](t)(s.Judgements(ctx, ""))
	if len(rows) != 1 || len(details[0].Failures) != 1 || len(judgements) != 1 {
		t.Errorf("what was set aside is gone: %v, %v, %v", rows, details[0].Failures, judgements)
	}
}

// TestHistory: the walk through whole tables finds what looking each measurement up does.
func TestHistory(t *testing.T) {
	ctx := context.Background()
	s := begun(t)
	ids := []spec.ID{"d", "b", "c", "a"}
	random, last := rand.New(rand.NewPCG(1, 2)), map[spec.ID]int{}
	for step := range 60 {
		id := ids[random.IntN(len(ids))]
		switch random.IntN(5) {
		case 0:
			must(t, s.Retire(ctx, []spec.ID{id}, "--rerun"))
		case 1:
			runStep(t, s, failed(id, spec.ErrBenchmark))
		default:
			last[id]++
			runStep(t, s, spec.Outcome{Run: sampleRun(id, last[id])})
		}
		compareHistory(t, s, ids, step)
	}
}

func compareHistory(t *testing.T, s *Store, ids []spec.ID, step int) {
	t.Helper()
	ctx := context.Background()
	history := got[map[spec.ID]*spec.History](t)(s.History(ctx))
	runs, failures, retired := map[spec.ID][]spec.Run{}, map[spec.ID]spec.Failure{}, map[spec.ID]int{}
	for id, past := range history {
		if len(past.Runs) > 0 {
			runs[id] = past.Runs
		}
		if past.Failure != nil {
			failures[id] = *past.Failure
		}
		if past.Measured() {
			retired[id] = past.LastRetired
		}
	}
	want := map[spec.ID]int{}
	for _, m := range got[[]spec.MeasurementInfo](t)(s.Measurements(ctx)) {
		want[m.ID] = m.LastRetired
	}
	if diff := cmp.Diff(want, retired); diff != "" {
		t.Fatalf("step %d: set aside (-want +got):\n%s", step, diff)
	}
	if diff := cmp.Diff(got[map[spec.ID][]spec.Run](t)(s.Runs(ctx, ids)), runs); diff != "" {
		t.Fatalf("step %d: runs (-want +got):\n%s", step, diff)
	}
	if diff := cmp.Diff(got[map[spec.ID]spec.Failure](t)(s.Failures(ctx, ids)), failures); diff != "" {
		t.Fatalf("step %d: failures (-want +got):\n%s", step, diff)
	}
}

func TestLooks(t *testing.T) {
	ctx := context.Background()
	s := begun(t)
	looks := []spec.Look{
		{Measurement: "m", Runs: 3, Of: 3, Level: 0.9667, Claims: []string{"ttft within 10%: inconclusive"}},
		{Measurement: "m", Runs: 5, Of: 3, Level: 0.9667, Decided: true, Claims: []string{"ttft within 10%: pass"}},
	}
	for i := range looks {
		runStep(t, s, spec.Outcome{Look: &looks[i]})
	}
	found := got[map[spec.ID][]spec.Look](t)(s.Looks(ctx, []spec.ID{"m", "none"}))
	if diff := cmp.Diff(map[spec.ID][]spec.Look{"m": looks}, found); diff != "" {
		t.Errorf("(-put +got):\n%s", diff)
	}
}

func TestDescribe(t *testing.T) {
	ctx := context.Background()
	s := begun(t)
	runStep(t, s, spec.Outcome{Run: sampleRun("early", 1)}) // before it is described
	content := spec.MapValue(spec.Field{Name: "model", Value: spec.StringValue(`Llama "é"`)}, spec.Field{Name: "token", Value: spec.SecretValue("HF_TOKEN")},
		spec.Field{Name: "fraction", Value: spec.NumberValue("0.10")})
	infos := []spec.MeasurementInfo{{ID: "early", Address: "experiment.a", Content: content}, {ID: "late", Address: "experiment.b"}}
	describe := func(rises int64) {
		t.Helper()
		before := got[int64](t)(s.Revision(ctx))
		must(t, s.Describe(ctx, infos))
		if after := got[int64](t)(s.Revision(ctx)); after != before+rises {
			t.Errorf("revision rose by %d, want %d", after-before, rises)
		}
	}
	describe(1)
	describe(0)
	infos[0].Address, infos[0].Content = "experiment.renamed", spec.Value{}
	describe(1)
	describe(0)
	runStep(t, s, spec.Outcome{Run: sampleRun("late", 1)})
	want := []spec.MeasurementInfo{{ID: "late", Address: "experiment.b", Runs: 1}, {ID: "early", Address: "experiment.renamed", Runs: 1}}
	if diff := cmp.Diff(want, got[[]spec.MeasurementInfo](t)(s.Measurements(ctx))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, name := range []string{"early", "ea", "experiment.renamed"} {
		details := got[[]Detail](t)(s.Show(ctx, name))
		if len(details) != 1 || !details[0].Info.Content.Equal(content) {
			t.Errorf("show %s: %+v", name, details)
		}
	}
	if details := got[[]Detail](t)(s.Show(ctx, "x")); len(details) != 0 {
		t.Errorf("show of nothing: %+v", details)
	}
	must(t, s.Describe(ctx, []spec.MeasurementInfo{{ID: "eager", Address: "experiment.c"}}))
	_, err := s.Show(ctx, "ea")
	wantFault(t, err, FaultMisuse, spec.ErrUsage, "several")
}

func judgement(id spec.ID, claim, amount, basis string) spec.Judgement {
	return spec.Judgement{Experiment: "e", Assert: "accuracy", Severity: spec.AssertError, Claim: claim, Subject: metric.TTFT, Cell: "cell " + string(id), Measured: id,
		Verdict: spec.VerdictPass, Reason: "r", Marks: []string{"n=1"}, Evidence: &spec.Evidence{Measured: 1, Runs: 1, Starts: 1}, Basis: spec.ID(basis),
		Rules: spec.ClaimRules{Form: spec.ClaimWithin, Amount: metric.MustDecimal(amount), Max: 3}}
}

func TestJudgements(t *testing.T) {
	ctx := context.Background()
	equal := cmp.Comparer(func(a, b metric.Decimal) bool { return a == b })
	s := begun(t)
	runStep(t, s, spec.Outcome{Run: sampleRun("m1", 1)})
	over := spec.Judgement{Experiment: "e", Assert: "accuracy", Claim: "ttft within 10%", Subject: metric.TTFT, Verdict: spec.VerdictFail,
		Counts: map[spec.Verdict]int{spec.VerdictPass: 1, spec.VerdictNoData: 1}, Rules: spec.ClaimRules{Form: spec.ClaimWithin}}
	first := []spec.Judgement{judgement("m1", "ttft within 10%", "0.1", "b1"), judgement("m2", "ttft within 10%", "0.1", "b2"), over}
	must(t, s.Judge(ctx, "a", first))
	must(t, s.Judge(ctx, "a", first)) // the same again
	if diff := cmp.Diff(first, got[[]spec.Judgement](t)(s.Judgements(ctx, "a")), equal); diff != "" {
		t.Errorf("(-put +got):\n%s", diff)
	}
	var rows int
	must(t, s.db.QueryRow("SELECT count(*) FROM judgement").Scan(&rows))
	if rows != len(first) {
		t.Errorf("%d rows for judgements that were made twice, want %d", rows, len(first))
	}
	edited := []spec.Judgement{judgement("m1", "ttft within 20%", "0.2", "b3"), judgement("m1", "ttft within 10%", "0.1", "b4")}
	must(t, s.Judge(ctx, "", edited))
	if diff := cmp.Diff(edited, got[[]spec.Judgement](t)(s.Judgements(ctx, "")), equal); diff != "" {
		t.Errorf("the last (-put +got):\n%s", diff)
	}
	if diff := cmp.Diff(first, got[[]spec.Judgement](t)(s.Judgements(ctx, "a")), equal); diff != "" {
		t.Errorf("the apply's (-put +got):\n%s", diff)
	}
	ids := []spec.ID{"m1", "m2", "none"}
	rule := func(amount string) spec.PastRule {
		return spec.PastRule{Subject: metric.TTFT, Rules: spec.ClaimRules{Form: spec.ClaimWithin, Amount: metric.MustDecimal(amount), Max: 3}}
	}
	want := map[spec.ID][]spec.PastRule{"m1": {rule("0.1"), rule("0.2")}} // m2 had no runs when it was judged
	if diff := cmp.Diff(want, got[map[spec.ID][]spec.PastRule](t)(s.Rules(ctx, ids)), equal); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
	history := got[map[spec.ID]*spec.History](t)(s.History(ctx))
	for id, bases := range map[spec.ID][]spec.ID{"m1": {"b3", "b4"}, "m2": {"b2"}} {
		if diff := cmp.Diff(bases, history[id].Bases); diff != "" {
			t.Errorf("bases of %s (-want +got):\n%s", id, diff)
		}
		if diff := cmp.Diff(want[id], history[id].Rules, equal); diff != "" {
			t.Errorf("rules of %s in the history (-want +got):\n%s", id, diff)
		}
	}
	runStep(t, s, spec.Outcome{Run: sampleRun("m2", 1)})
	must(t, s.Judge(ctx, "a", first))
	want["m2"] = []spec.PastRule{rule("0.1")} // the same rules, but now there is data
	if diff := cmp.Diff(want, got[map[spec.ID][]spec.PastRule](t)(s.Rules(ctx, ids)), equal); diff != "" {
		t.Errorf("rules after a run (-want +got):\n%s", diff)
	}
	wantFault(t, s.Judge(ctx, "a", []spec.Judgement{{Verdict: "green"}}), FaultMisuse, spec.ErrUsage, "CHECK")
	wantFault(t, s.Judge(ctx, "nobody", nil), FaultMisuse, spec.ErrUsage, "nobody")
}

func TestEvents(t *testing.T) {
	ctx := context.Background()
	s := begun(t)
	before := got[int64](t)(s.Revision(ctx))
	var all []spec.Event
	for batch := range 3 {
		var events []spec.Event
		for i := range batch {
			events = append(events, spec.Event{Time: moment(i), Type: spec.EventProgress, Node: batch, Message: "line\n\"é\"", Elapsed: time.Second})
		}
		must(t, s.Log(ctx, "a", events))
		all = append(all, events...)
	}
	must(t, s.Log(ctx, "", []spec.Event{{Type: spec.EventWarning}}))
	if diff := cmp.Diff(all, got[[]spec.Event](t)(s.Events(ctx, "a"))); diff != "" {
		t.Errorf("(-put +got):\n%s", diff)
	}
	if after := got[int64](t)(s.Revision(ctx)); after != before {
		t.Errorf("events changed the revision from %d to %d", before, after)
	}
}

// What durability and integrity rest on is set on every connection.
func TestConnectionsAreSetUp(t *testing.T) {
	ctx := context.Background()
	s := newStore(t)
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "5000", "query_only": "0", "application_id": "1634296694"} {
		var is string
		must(t, s.writer.conn.QueryRowContext(ctx, "PRAGMA "+pragma).Scan(&is))
		if is != want {
			t.Errorf("the writer's %s is %s, want %s", pragma, is, want)
		}
	}
	var is string
	must(t, s.Reader.db.QueryRowContext(ctx, "PRAGMA query_only").Scan(&is))
	if is != "1" {
		t.Error("the readers may write")
	}
	var loose int
	must(t, s.Reader.db.QueryRowContext(ctx, "SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND NOT strict AND name NOT LIKE 'sqlite_%'").Scan(&loose))
	if loose > 0 {
		t.Errorf("%d tables are not STRICT", loose)
	}
}

// What a run measured until it was cut short is kept with its requests, apart from the
// runs; the check reads it.
func TestAborted(t *testing.T) {
	ctx := context.Background()
	s := begun(t)
	rows := []spec.RequestRow{{Phase: spec.PhaseWarmup, TTFT: 2, TokenTimes: []time.Duration{2, 3}}, {Index: 1, Error: "HTTP 500"}}
	cut := spec.Aborted{Measurement: "m", Index: 1, Started: moment(3), Requests: 2, Failed: 1, Warmup: 1, Why: "it took too long", Source: "folder", Rows: rows}
	runStep(t, s, spec.Outcome{Status: spec.StepFailed, Aborted: &cut})
	runStep(t, s, spec.Outcome{Status: spec.StepAbandoned, Aborted: &cut})
	runStep(t, s, spec.Outcome{Run: sampleRun("m", 1)})
	want := cut
	want.Rows = nil
	if diff := cmp.Diff(map[spec.ID][]spec.Aborted{"m": {want, want}}, got[map[spec.ID][]spec.Aborted](t)(s.Aborted(ctx, []spec.ID{"m", "none"}))); diff != "" {
		t.Errorf("(-put +got):\n%s", diff)
	}
	if diff := cmp.Diff([][]spec.RequestRow{rows, rows}, got[[][]spec.RequestRow](t)(s.AbortedRows(ctx, "m", 1)), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("rows (-put +got):\n%s", diff)
	}
	if runs := got[map[spec.ID][]spec.Run](t)(s.Runs(ctx, []spec.ID{"m"})); len(runs["m"]) != 1 {
		t.Errorf("%d runs", len(runs["m"]))
	}
	for _, o := range []spec.Outcome{{Status: spec.StepDone, Aborted: &cut}, {Status: spec.StepFailed, Aborted: &spec.Aborted{Measurement: "m", Index: 1}}} {
		if _, err := tryStep(s, o); faultOf(err) != FaultMisuse {
			t.Errorf("%+v: %v", o, err)
		}
	}
	if problems := got[[]string](t)(s.Check(ctx)); len(problems) > 0 {
		t.Errorf("%q", problems)
	}
	_, err := s.writer.conn.ExecContext(ctx, "UPDATE aborted SET data = CAST(x'00' || data AS BLOB)")
	must(t, err)
	if problems := got[[]string](t)(s.Check(ctx)); len(problems) != 2 || !strings.Contains(problems[0], "aborted run 1 of measurement m") {
		t.Errorf("%q", problems)
	}
	_, err = s.writer.conn.ExecContext(ctx, "UPDATE aborted SET data = CAST(substr(data, 2) AS BLOB)")
	must(t, err)
	must(t, s.Retire(ctx, []spec.ID{"m"}, "again"))
	if left := got[map[spec.ID][]spec.Aborted](t)(s.Aborted(ctx, []spec.ID{"m"})); len(left) != 0 {
		t.Errorf("attempts at runs that were set aside: %v", left)
	}
}
