package state

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"aicv/metric"
	"aicv/spec"
)

func benchRun(id spec.ID, index int, start int64) *spec.Run {
	figures := map[metric.Name]float64{}
	for i, m := range metric.All() {
		figures[m.Name] = float64(i) + float64(index)/10
	}
	values, err := metric.NewValues(figures)
	if err != nil {
		panic(err)
	}
	return &spec.Run{Measurement: id, Index: index, Start: start, Result: spec.RunResult{
		Values: values, Window: spec.WindowSteady, Started: time.Unix(1_700_000_000, 5), Elapsed: time.Minute,
		Requests: 640, Failed: 1, Provenance: spec.Provenance{Tool: "loadgen", Version: "0.1", Source: "run " + strconv.Itoa(index)}}}
}

// benchState fills a state with runs; each step of the preparation is a commit, but
// not synchronized, which is not what is measured.
func benchState(tb testing.TB, measurements, runs int) (string, []spec.ID) {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "state.db")
	ctx := context.Background()
	s := mustOpen(tb, path)
	ids := make([]spec.ID, measurements)
	infos := make([]spec.MeasurementInfo, measurements)
	for i := range ids {
		ids[i] = spec.HashOf([]byte(strconv.Itoa(i)))
		infos[i] = spec.MeasurementInfo{ID: ids[i], Address: fmt.Sprintf("experiment.e[\"i=%d\"]", i), Content: spec.MapValue(spec.Field{Name: "i", Value: spec.IntValue(i)})}
	}
	must(tb, s.BeginApply(ctx, spec.ApplyRecord{ID: "a", Plan: "p", Started: time.Now()}))
	must(tb, s.Describe(ctx, infos))
	must(tb, s.writer.change(ctx, "fill", true, func(t *transaction) error {
		for _, id := range ids {
			for n := 1; n <= runs; n++ {
				step, err := t.insert(insertStep, 1, 1, 1, "run", "x", "k", 1)
				if err != nil {
					return err
				}
				if _, err := t.exec(endStep, spec.StepDone, "", 2, step); err != nil {
					return err
				}
				if err := t.addRun(step, benchRun(id, n, 0), nil); err != nil {
					return err
				}
			}
		}
		return nil
	}))
	must(tb, s.Close())
	return path, ids
}

// BenchmarkReadRuns looks up 10,000 cells with 3 runs each.
func BenchmarkReadRuns(b *testing.B) {
	path, ids := benchState(b, 10_000, 3)
	ctx := context.Background()
	r, err := OpenReader(ctx, path)
	must(b, err)
	defer r.Close()
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		runs, err := r.Runs(ctx, ids)
		must(b, err)
		if len(runs) != len(ids) {
			b.Fatal(len(runs))
		}
	}
	info, err := os.Stat(path)
	must(b, err)
	b.ReportMetric(float64(info.Size())/30_000, "file-B/run")
}

func benchJudgements(ids []spec.ID, reason string) []spec.Judgement {
	judgements := make([]spec.Judgement, 0, 2*len(ids))
	for _, id := range ids {
		for _, subject := range []metric.Name{metric.TTFT, metric.TPOT} {
			judgements = append(judgements, spec.Judgement{Experiment: "e", Assert: "a", Claim: string(subject) + " within 10%", Subject: subject,
				Cell: "c" + string(id), Measured: id, Verdict: spec.VerdictPass, Basis: id, Reason: reason, Rules: spec.ClaimRules{Form: spec.ClaimWithin, Max: 3}})
		}
	}
	return judgements
}

// BenchmarkJudge stores 20,000 judgements that differ from those before.
func BenchmarkJudge(b *testing.B) {
	path, ids := benchState(b, 10_000, 1)
	s := mustOpen(b, path)
	defer s.Close()
	b.ResetTimer()
	for n := range b.N {
		must(b, s.Judge(context.Background(), "a", benchJudgements(ids, strconv.Itoa(n))))
	}
}

// BenchmarkDescribe describes 10,000 measurements as they are described already.
func BenchmarkDescribe(b *testing.B) {
	ctx := context.Background()
	s := mustOpen(b, filepath.Join(b.TempDir(), "state.db"))
	defer s.Close()
	infos := make([]spec.MeasurementInfo, 10_000)
	for i := range infos {
		infos[i] = spec.MeasurementInfo{ID: spec.HashOf([]byte(strconv.Itoa(i))), Address: strconv.Itoa(i), Content: spec.MapValue(spec.Field{Name: "i", Value: spec.IntValue(i)})}
	}
	must(b, s.Describe(ctx, infos))
	b.ResetTimer()
	for range b.N {
		must(b, s.Describe(ctx, infos))
	}
}

// BenchmarkRequestRows packs the rows of a long run: 1,280 requests of 256 tokens.
func BenchmarkRequestRows(b *testing.B) {
	run := benchRun("m", 1, 0)
	for i := range 1280 {
		row := spec.RequestRow{Index: i, Phase: spec.PhaseMeasure, Start: time.Duration(i) * time.Millisecond, TTFT: 81_234_567, Latency: 3_456_789_012, InputTokens: 1000, OutputTokens: 256}
		for n := range 256 {
			row.TokenTimes = append(row.TokenTimes, row.TTFT+time.Duration(n*13_000_000+(n*i*7919)%1_000_003))
		}
		run.Result.Rows = append(run.Result.Rows, row)
	}
	size := 0
	for range b.N {
		packed, err := packRows(run.Result.Rows)
		must(b, err)
		size = len(packed)
	}
	b.ReportMetric(float64(size), "packed-B")
}

// BenchmarkHistory is the same for a plan of them all.
func BenchmarkHistory(b *testing.B) {
	path, ids := benchState(b, 10_000, 3)
	ctx := context.Background()
	s := mustOpen(b, path)
	defer s.Close()
	must(b, s.Judge(ctx, "a", benchJudgements(ids, "r")))
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		history, err := s.History(ctx)
		must(b, err)
		if len(history) != len(ids) {
			b.Fatal(len(history))
		}
	}
}

// BenchmarkReadPast is what judging and the list of measurements read.
func BenchmarkReadPast(b *testing.B) {
	path, ids := benchState(b, 10_000, 1)
	ctx := context.Background()
	s := mustOpen(b, path)
	defer s.Close()
	must(b, s.Judge(ctx, "a", benchJudgements(ids, "r")))
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		_, err := s.Rules(ctx, ids)
		must(b, err)
		_, err = s.Failures(ctx, ids)
		must(b, err)
		_, err = s.Measurements(ctx)
		must(b, err)
	}
}

// BenchmarkDurableStep is one step's two commits: intent, and outcome with a run.
func BenchmarkDurableStep(b *testing.B) {
	ctx := context.Background()
	path := filepath.Join(b.TempDir(), "state.db")
	s := mustOpen(b, path)
	defer s.Close()
	must(b, s.BeginApply(ctx, spec.ApplyRecord{ID: "a", Plan: "p", Started: time.Now()}))
	id := spec.HashOf([]byte("m"))
	b.ReportAllocs()
	b.ResetTimer()
	for n := range b.N {
		step, err := s.Begin(ctx, spec.Step{Apply: "a", Node: n, Attempt: 1, Kind: "run", Subject: "experiment.e", Key: "key", Started: time.Now()})
		must(b, err)
		_, err = s.End(ctx, step, spec.Outcome{Status: spec.StepDone, Finished: time.Now(), Run: benchRun(id, n+1, 0)})
		must(b, err)
	}
}
