package state

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"aicv/metric"
	"aicv/spec"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestApplies(t *testing.T) {
	ctx := context.Background()
	s := newStore(t)
	first := spec.ApplyRecord{ID: "a1", Plan: "p1", Started: moment(1), Status: spec.ApplyRunning, PlanData: []byte("the plan"),
		Origin: spec.Origin{Version: "0.1", Host: "h", Revision: "abc+dirty", Command: "aicv apply"}}
	must(t, s.BeginApply(ctx, first))
	found, ok, err := s.Apply(ctx, "p1")
	must(t, err)
	if diff := cmp.Diff(first, found); diff != "" || !ok {
		t.Errorf("found %v (-begun +found):\n%s", ok, diff)
	}
	if _, ok, err := s.Apply(ctx, "p2"); ok || err != nil {
		t.Errorf("a plan never applied: %v, %v", ok, err)
	}

	must(t, s.EndApply(ctx, "a1", spec.ApplyInterrupted))
	again := first
	again.Started, again.Origin.Version = moment(99), "0.2"
	must(t, s.BeginApply(ctx, again)) // continues
	found, _, err = s.Apply(ctx, "p1")
	must(t, err)
	if diff := cmp.Diff(first, found); diff != "" {
		t.Errorf("continued (-begun +found):\n%s", diff)
	}
	other := first
	other.ID = "a2"
	wantFault(t, s.BeginApply(ctx, other), FaultMisuse, spec.ErrUsage, "p1", "a1")

	must(t, s.EndApply(ctx, "a1", spec.ApplyFinished))
	wantFault(t, s.BeginApply(ctx, first), FaultMisuse, spec.ErrUsage, "applied to its end")
	wantFault(t, s.EndApply(ctx, "nobody", spec.ApplyFinished), FaultMisuse, spec.ErrUsage, "nobody")
	wantFault(t, s.EndApply(ctx, "a1", spec.ApplyRunning), FaultMisuse, spec.ErrUsage, "running")
	must(t, s.BeginApply(ctx, spec.ApplyRecord{ID: "a2", Plan: "p2", Started: moment(3)}))
	all := got[[]spec.ApplyRecord](t)(s.Applies(ctx))
	if len(all) != 2 || all[0].ID != "a1" || all[0].Status != spec.ApplyFinished || all[0].Finished.IsZero() || all[1].ID != "a2" {
		t.Errorf("all applies: %+v", all)
	}
}

// A clock that is set back between and inside of applies changes no order and loses
// nothing: numbers order what is kept, times are only shown.
func TestClockSetBack(t *testing.T) {
	ctx := context.Background()
	s := begun(t)
	must(t, s.Describe(ctx, []spec.MeasurementInfo{{ID: "m"}}))
	for index := 1; index <= 3; index++ {
		run := sampleRun("m", index)
		run.Result.Started = moment(-3600 * index)
		runStep(t, s, spec.Outcome{Run: run, Finished: moment(-3600 * index)})
	}
	runs := got[map[spec.ID][]spec.Run](t)(s.Runs(ctx, []spec.ID{"m"}))["m"]
	if len(runs) != 3 || runs[0].Index != 1 || runs[2].Index != 3 || !runs[2].Result.Started.Equal(moment(-3*3600)) {
		t.Errorf("%+v", runs)
	}
	must(t, s.EndApply(ctx, "a", spec.ApplyFinished))
	must(t, s.BeginApply(ctx, spec.ApplyRecord{ID: "b", Plan: "q", Started: moment(-7200)}))
	all := got[[]spec.ApplyRecord](t)(s.Applies(ctx))
	if len(all) != 2 || all[0].ID != "a" || all[1].ID != "b" {
		t.Errorf("the order of applies follows the clock: %+v", all)
	}
}

// An apply that ran when its process died is found as interrupted.
func TestOpenMarksInterruptedApplies(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "state.db")
	s := mustOpen(t, path)
	must(t, s.BeginApply(ctx, spec.ApplyRecord{ID: "a", Plan: "p"}))
	must(t, s.Close())
	s = mustOpen(t, path)
	defer s.Close()
	if a, _, err := s.Apply(ctx, "p"); err != nil || a.Status != spec.ApplyInterrupted {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestStepsAreBrackets(t *testing.T) {
	ctx := context.Background()
	s := begun(t)
	step := spec.Step{Apply: "a", Node: 3, Attempt: 2, Kind: "deploy", Subject: "d1", Key: "key-1", Started: moment(5)}
	id := got[int64](t)(s.Begin(ctx, step))
	second := got[int64](t)(s.Begin(ctx, spec.Step{Apply: "a", Node: 4, Attempt: 1, Kind: "run", Started: moment(6)}))
	step.ID = id
	open := got[[]spec.Step](t)(s.OpenSteps(ctx))
	if len(open) != 2 || cmp.Diff(step, open[0]) != "" || open[1].ID != second {
		t.Errorf("open steps: %+v", open)
	}
	got[int64](t)(s.End(ctx, second, spec.Outcome{Status: spec.StepFailed, Message: "no luck", Finished: moment(9)}))
	open = got[[]spec.Step](t)(s.OpenSteps(ctx))
	if len(open) != 1 || open[0].ID != id {
		t.Errorf("open steps after one ended: %+v", open)
	}
	records := got[[]spec.StepRecord](t)(s.Steps(ctx, "a"))
	if len(records) != 2 || records[0].Status != "" || records[1].Status != spec.StepFailed || records[1].Message != "no luck" {
		t.Errorf("steps: %+v", records)
	}

	_, err := s.End(ctx, second, spec.Outcome{Status: spec.StepDone})
	wantFault(t, err, FaultMisuse, spec.ErrUsage, "ended before")
	_, err = s.End(ctx, 999, spec.Outcome{Status: spec.StepDone})
	wantFault(t, err, FaultMisuse, spec.ErrUsage, "no step 999")
	_, err = s.End(ctx, id, spec.Outcome{})
	wantFault(t, err, FaultMisuse, spec.ErrUsage, "can not end")
	_, err = s.End(ctx, id, spec.Outcome{Status: spec.StepFailed, Run: sampleRun("m", 1)})
	wantFault(t, err, FaultMisuse, spec.ErrUsage, "can not bring a run")
	_, err = s.Begin(ctx, spec.Step{Apply: "nobody"})
	wantFault(t, err, FaultMisuse, spec.ErrUsage, "nobody")
	_, err = s.Begin(ctx, spec.Step{})
	wantFault(t, err, FaultMisuse, spec.ErrUsage, "needs an apply")
}

func TestRuns(t *testing.T) {
	ctx := context.Background()
	s := begun(t)
	plain := sampleRun("m1", 1)
	rich := sampleRun("m1", 2)
	rich.Result.Window, rich.Result.Derived = spec.WindowWholeRun, nil
	rich.Result.Findings = []spec.Finding{{Check: "drift", Severity: spec.FindingWarn, Message: "é", Metrics: []metric.Name{metric.TTFT}}}
	hits := 12.0
	rich.Result.Seen = &spec.Observation{
		Requests: &spec.RequestFacts{Warmup: 2, Input: spec.Lengths{Mean: 4.5, Min: 4, Max: 5}, InFlight: 1.5},
		Client:   &spec.ClientUse{LagMax: 3.5},
		Server: &spec.ServerReport{Version: "0.1", Before: &spec.Counters{}, After: &spec.Counters{PrefixCacheHits: &hits}, Flushed: true,
			Effective: spec.NewConfiguration(spec.Setting{Name: spec.ItemTensorParallel, Value: spec.IntValue(2)}),
			Mapping:   []spec.ItemMapping{{Item: spec.ItemDType, Fidelity: spec.FidelityUnsupported, Why: "no flag"}}},
		GPUs: []spec.GPUUse{{UUID: "GPU-1", Samples: 3, Foreign: []string{"python (pid 17)"}}},
	}
	rich.Result.Rows = []spec.RequestRow{
		{Index: 0, Phase: spec.PhaseWarmup, Start: 1, TTFT: 2, Latency: 3, InputTokens: 4, OutputTokens: 5, TokenTimes: []time.Duration{2, 3}},
		{Index: 1, Phase: spec.PhaseMeasure, Error: "HTTP 500"},
	}
	bare := &spec.Run{Measurement: "m2", Index: 4} // a recorded run may know next to nothing
	for _, run := range []*spec.Run{rich, plain, bare} {
		runStep(t, s, spec.Outcome{Run: run})
	}
	runs := got[map[spec.ID][]spec.Run](t)(s.Runs(ctx, []spec.ID{"m2", "none", "m1", "m2"}))
	stored := *rich
	stored.Result.Rows = nil
	want := map[spec.ID][]spec.Run{"m1": {*plain, stored}, "m2": {*bare}}
	if diff := cmp.Diff(want, runs, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-put +got):\n%s", diff)
	}
	rows := got[[]spec.RequestRow](t)(s.RowsOf(ctx, "m1", 2))
	if diff := cmp.Diff(rich.Result.Rows, rows); diff != "" {
		t.Errorf("rows (-put +got):\n%s", diff)
	}
	for _, none := range []struct {
		id    spec.ID
		index int
	}{{"m1", 1}, {"m1", 3}, {"none", 1}} {
		if rows, err := s.RowsOf(ctx, none.id, none.index); err != nil || rows != nil {
			t.Errorf("rows of %v: %v, %v", none, rows, err)
		}
	}
	if empty := got[map[spec.ID][]spec.Run](t)(s.Runs(ctx, nil)); len(empty) != 0 {
		t.Errorf("runs of nothing: %v", empty)
	}
}

// What a server reported is stored once for all of its runs.
func TestRunsShareTheirServersReport(t *testing.T) {
	s := begun(t)
	for i := range 3 {
		run, count := sampleRun("m", i+1), float64(i)
		run.Result.Seen = &spec.Observation{Server: &spec.ServerReport{Version: "0.1", After: &spec.Counters{Preemptions: &count},
			Effective: spec.NewConfiguration(spec.Setting{Name: spec.ItemTensorParallel, Value: spec.IntValue(2)})}}
		runStep(t, s, spec.Outcome{Run: run})
	}
	runs := got[map[spec.ID][]spec.Run](t)(s.Runs(context.Background(), []spec.ID{"m"}))["m"]
	for i, run := range runs {
		report := run.Result.Seen.Server
		if report.Version != "0.1" || *report.After.Preemptions != float64(i) || &report.Effective[0] != &runs[0].Result.Seen.Server.Effective[0] {
			t.Errorf("run %d: %+v", run.Index, report)
		}
	}
}

func TestSortRuns(t *testing.T) {
	ids := []spec.ID{"z", "a"}
	runs := []spec.Run{{Measurement: "a", Index: 2}, {Measurement: "z", Index: 3}, {Measurement: "a", Index: 1}, {Measurement: "z", Index: 1}}
	sortRuns(runs, ids)
	want := []spec.Run{{Measurement: "z", Index: 1}, {Measurement: "z", Index: 3}, {Measurement: "a", Index: 1}, {Measurement: "a", Index: 2}}
	if diff := cmp.Diff(want, runs); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Everything of the results' types must come back: a field that is added to them and
// forgotten here fails this test.
func TestRunKeepsEveryField(t *testing.T) {
	known := map[string]bool{"Values": true, "Derived": true, "Window": true, "Started": true, "Elapsed": true, "Requests": true,
		"Failed": true, "Merged": true, "Rows": true, "Provenance": true, "Findings": true, "Seen": true}
	for field := range reflect.TypeFor[spec.RunResult]().Fields() {
		if !known[field.Name] {
			t.Errorf("spec.RunResult.%s is not stored", field.Name)
		}
	}
	for field := range reflect.TypeFor[spec.Run]().Fields() {
		if n := field.Name; n != "Measurement" && n != "Index" && n != "Start" && n != "Result" {
			t.Errorf("spec.Run.%s is not stored", n)
		}
	}
}

func TestRefusedRunsLeaveNothing(t *testing.T) {
	ctx := context.Background()
	for name, c := range map[string]struct {
		run   func() *spec.Run
		fault Fault
		says  string
	}{
		"twice":         {func() *spec.Run { return sampleRun("m", 1) }, FaultDuplicate, "run 1 of measurement m"},
		"index zero":    {func() *spec.Run { return sampleRun("m", 0) }, FaultDuplicate, "run 0"},
		"nothing":       {func() *spec.Run { return sampleRun("", 2) }, FaultMisuse, "needs a measurement"},
		"unknown start": {func() *spec.Run { r := sampleRun("m", 2); r.Start = 77; return r }, FaultMisuse, "FOREIGN KEY"},
		"not a number": {func() *spec.Run {
			r := sampleRun("m", 2)
			r.Result.Values[1].Value = math.NaN()
			return r
		}, FaultMisuse, "ttft"},
		"negative requests": {func() *spec.Run { r := sampleRun("m", 2); r.Result.Requests = -1; return r }, FaultMisuse, "CHECK"},
	} {
		t.Run(name, func(t *testing.T) {
			s := begun(t)
			runStep(t, s, spec.Outcome{Run: sampleRun("m", 1)})
			before := got[int64](t)(s.Revision(ctx))
			_, err := tryStep(s, spec.Outcome{Run: c.run(), Message: "lost"})
			wantFault(t, err, c.fault, spec.ErrUsage, c.says)
			if open := got[[]spec.Step](t)(s.OpenSteps(ctx)); len(open) != 1 {
				t.Errorf("the step is not open: %v", open)
			}
			if after := got[int64](t)(s.Revision(ctx)); after != before+1 { // Begin's
				t.Errorf("revision %d after %d", after, before)
			}
			if runs := got[map[spec.ID][]spec.Run](t)(s.Runs(ctx, []spec.ID{"m"})); len(runs["m"]) != 1 {
				t.Errorf("runs: %+v", runs)
			}
		})
	}
}

func TestStarts(t *testing.T) {
	ctx := context.Background()
	s := begun(t)
	start := spec.ServerStart{Deployment: "d", Target: "target.process.local", Server: spec.Server{Suite: "s", Key: "k1", ID: "pid 7", URL: "http://127.0.0.1:1", ModelName: "m"},
		Argv:      []string{"serve", `{"$env":"HF_TOKEN"}`},
		Mapping:   []spec.ItemMapping{{Item: "tensor_parallel", Flag: "--tp", Fidelity: spec.FidelityExact}},
		Effective: spec.NewConfiguration(spec.Setting{Name: "tensor_parallel", Value: spec.IntValue(2)}),
		Inventory: spec.Inventory{Host: "h", CPUs: 8, GPUs: []spec.GPU{{Index: 0, UUID: "u", Name: "H200", MemoryMiB: 1}}},
		Elapsed:   time.Second, Ready: moment(4)}
	first := runStep(t, s, spec.Outcome{Start: &start})
	numbered := start
	numbered.Number, numbered.Server.Key = 2, "k2"
	second := runStep(t, s, spec.Outcome{Start: &numbered})
	if adopted := runStep(t, s, spec.Outcome{Start: &numbered}); adopted != second || first == second {
		t.Errorf("the adopted server has start %d, the others %d and %d", adopted, first, second)
	}
	foreign := numbered
	foreign.Server.ID = "pid 8"
	_, err := tryStep(s, spec.Outcome{Start: &foreign})
	wantFault(t, err, FaultDuplicate, spec.ErrUsage, "another server")

	must(t, s.Stopped(ctx, first))
	must(t, s.Stopped(ctx, first))
	wantFault(t, s.Stopped(ctx, 99), FaultMisuse, spec.ErrUsage, "no server start 99")
	starts := got[map[spec.ID][]spec.ServerStart](t)(s.Starts(ctx, []spec.ID{"d", "other"}))
	start.ID, start.Number, numbered.ID = first, 1, second
	want := map[spec.ID][]spec.ServerStart{"d": {start, numbered}}
	if diff := cmp.Diff(want, starts, cmpopts.IgnoreFields(spec.ServerStart{}, "Stopped")); diff != "" {
		t.Errorf("(-put +got):\n%s", diff)
	}
	if list := starts["d"]; list[0].Stopped.IsZero() || !list[1].Stopped.IsZero() {
		t.Errorf("stopped at %v and %v", list[0].Stopped, list[1].Stopped)
	}
	_, err = tryStep(s, spec.Outcome{Start: &spec.ServerStart{Deployment: "d", Number: 1, Server: start.Server}})
	wantFault(t, err, FaultDuplicate, spec.ErrUsage, "start 1") // it is stopped: never the same again

	run := sampleRun("m", 1)
	run.Start = second
	runStep(t, s, spec.Outcome{Run: run})
	if runs := got[map[spec.ID][]spec.Run](t)(s.Runs(ctx, []spec.ID{"m"})); runs["m"][0].Start != second {
		t.Errorf("the run's start: %+v", runs)
	}
}

func TestIdentityAndRevision(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "state.db")
	s := mustOpen(t, path)
	identity := got[string](t)(s.Identity(ctx))
	if len(identity) != 32 || got[int64](t)(s.Revision(ctx)) != 0 {
		t.Errorf("a new state has identity %q at revision %d", identity, got[int64](t)(s.Revision(ctx)))
	}
	last := int64(0)
	var step int64
	for i, change := range []func() error{
		func() error { return s.BeginApply(ctx, spec.ApplyRecord{ID: "a", Plan: "p"}) },
		func() (err error) { step, err = s.Begin(ctx, spec.Step{Apply: "a"}); return },
		func() error {
			_, err := s.End(ctx, step, spec.Outcome{Status: spec.StepDone, Start: &spec.ServerStart{Deployment: "d"}, Run: sampleRun("m", 1)})
			return err
		},
		func() error { return s.Stopped(ctx, 1) },
		func() error { return s.Judge(ctx, "a", nil) },
		func() error { return s.Retire(ctx, []spec.ID{"m"}, "") },
		func() error { return s.EndApply(ctx, "a", spec.ApplyFinished) },
	} {
		must(t, change())
		if now := got[int64](t)(s.Revision(ctx)); now != last+1 {
			t.Errorf("change %d: revision %d after %d", i, now, last)
		}
		last++
	}
	must(t, s.Close())
	s = mustOpen(t, path)
	defer s.Close()
	if got[string](t)(s.Identity(ctx)) != identity || got[int64](t)(s.Revision(ctx)) != last {
		t.Error("opening again changed identity or revision")
	}
	other := newStore(t)
	if got[string](t)(other.Identity(ctx)) == identity {
		t.Error("two states have one identity")
	}
}

func TestReaderOfNothing(t *testing.T) {
	ctx := context.Background()
	folder := t.TempDir()
	r, err := OpenReader(ctx, filepath.Join(folder, "none", "state.db"))
	must(t, err)
	defer r.Close()
	ids := []spec.ID{"m"}
	var seen []error
	note := func(n int, err error) {
		seen = append(seen, err)
		if n != 0 {
			t.Errorf("%d found in nothing", n)
		}
	}
	identity, err := r.Identity(ctx)
	note(len(identity), err)
	revision, err := r.Revision(ctx)
	note(int(revision), err)
	runs, err := r.Runs(ctx, ids)
	note(len(runs), err)
	failures, err := r.Failures(ctx, ids)
	note(len(failures), err)
	all, err := r.Measurements(ctx)
	note(len(all), err)
	rules, err := r.Rules(ctx, ids)
	note(len(rules), err)
	history, err := r.History(ctx)
	note(len(history), err)
	starts, err := r.Starts(ctx, ids)
	note(len(starts), err)
	_, found, err := r.Apply(ctx, "p")
	note(0, err)
	open, err := r.OpenSteps(ctx)
	note(len(open), err)
	steps, err := r.Steps(ctx, "a")
	note(len(steps), err)
	rows, err := r.RowsOf(ctx, "m", 1)
	note(len(rows), err)
	judgements, err := r.Judgements(ctx, "")
	note(len(judgements), err)
	events, err := r.Events(ctx, "a")
	note(len(events), err)
	problems, err := r.Check(ctx)
	note(len(problems), err)
	details, err := r.Show(ctx, "m")
	note(len(details), err)
	if err := errors.Join(seen...); err != nil || found {
		t.Errorf("found %v, %v", found, err)
	}
	wantFault(t, r.Backup(ctx, filepath.Join(folder, "b")), FaultMisuse, spec.ErrUsage, "no state")
	if names := got[[]os.DirEntry](t)(os.ReadDir(folder)); len(names) != 0 {
		t.Errorf("reading made %v", names)
	}
}

func TestReaderBesideTheWriter(t *testing.T) {
	ctx := context.Background()
	s := begun(t)
	r := got[*Reader](t)(OpenReader(ctx, s.path))
	defer r.Close()
	for n := 1; n <= 3; n++ {
		runStep(t, s, spec.Outcome{Run: sampleRun("m", n)})
		if runs := got[map[spec.ID][]spec.Run](t)(r.Runs(ctx, []spec.ID{"m"})); len(runs["m"]) != n {
			t.Errorf("after run %d the reader sees %d", n, len(runs["m"]))
		}
	}
	if _, err := r.db.Exec("DELETE FROM run_rows"); err == nil {
		t.Error("a reader can write")
	}
}

func TestClosedStateIsOneFile(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "a ?b%23#'c", "state.db"))
	must(t, s.Close())
	r := got[*Reader](t)(OpenReader(context.Background(), s.path))
	got[int64](t)(r.Revision(context.Background()))
	must(t, r.Close())
	var names []string
	for _, e := range got[[]os.DirEntry](t)(os.ReadDir(filepath.Dir(s.path))) {
		names = append(names, e.Name())
	}
	if strings.Join(names, " ") != "state.db state.db.lock" {
		t.Errorf("left: %v", names)
	}
}

func TestConcurrentWrites(t *testing.T) {
	s := begun(t)
	var group sync.WaitGroup
	for g := range 8 {
		group.Go(func() {
			for n := 1; n <= 10; n++ {
				if _, err := tryStep(s, spec.Outcome{Run: sampleRun(spec.ID(fmt.Sprint("m", g)), n)}); err != nil {
					t.Error(err)
				}
				if _, err := s.Runs(context.Background(), []spec.ID{"m0", "m1"}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	for _, m := range got[[]spec.MeasurementInfo](t)(s.Measurements(context.Background())) {
		if m.Runs != 10 {
			t.Errorf("%s has %d runs", m.ID, m.Runs)
		}
	}
}

// A write is not lost because its context was cancelled meanwhile; a read says so.
func TestCancelledContext(t *testing.T) {
	s := begun(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	step := got[int64](t)(s.Begin(ctx, spec.Step{Apply: "a"}))
	got[int64](t)(s.End(ctx, step, spec.Outcome{Status: spec.StepAbandoned}))
	_, err := s.Runs(ctx, []spec.ID{"m"})
	if spec.KindOf(err) != spec.ErrInterrupted || !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled read: %v", err)
	}
}
