package loadgen

import (
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"aicv/metric"
	"aicv/spec"
	"aicv/verify/checks"
)

// selfChecked puts a run through the self-checks, as judging does.
func selfChecked(r spec.RunRequest, result spec.RunResult) []spec.Finding {
	seen := spec.Observation{}
	if result.Seen != nil {
		seen = *result.Seen
	}
	seen.Requests = checks.Facts(&result, r.Load)
	result.Seen = &seen
	return append(result.Findings, checks.NewRules(nil).Run(checks.Input{Run: &result, Load: r.Load, Prediction: healthyPrediction(r)})...)
}

// healthyPrediction is of the simulator without faults: its first token takes a small
// share of a request's time.
func healthyPrediction(r spec.RunRequest) *spec.Prediction {
	if r.Load.OutputTokens < 10 {
		return nil
	}
	return &spec.Prediction{Values: metric.Values{{Metric: metric.Latency, Value: 300}, {Metric: metric.TTFT, Value: 30}}}
}

// measured runs against a simulator in virtual time.
func measuredRun(t *testing.T, args []string, r spec.RunRequest) spec.RunResult {
	t.Helper()
	var result spec.RunResult
	synctest.Test(t, func(t *testing.T) {
		s := startSim(t, args...)
		defer s.stop()
		var err error
		if result, err = s.bench(t, nil).Run(t.Context(), r, nil); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
	})
	return result
}

// asWholeRun makes of a run what a client sees that has no warm-up and counts from the
// first request to the last.
func asWholeRun(result spec.RunResult) spec.RunResult {
	result.Window, result.Rows = spec.WindowWholeRun, slices.Clone(result.Rows)
	for i := range result.Rows {
		row := &result.Rows[i]
		row.Phase = spec.PhaseMeasure
		result.Elapsed = max(result.Elapsed, row.Start+row.Latency-result.Rows[0].Start)
	}
	return result
}

// TestSelfChecksByRealCauses breaks a run by what breaks it in the field, and looks
// which checks speak. The same run without the cause is silent.
func TestSelfChecksByRealCauses(t *testing.T) {
	short := func(r spec.RunRequest) spec.RunRequest {
		r.Sampling.Requests, r.Sampling.Warmup = 2*r.Load.Concurrency, 1
		return r
	}
	for name, c := range map[string]struct {
		args  []string
		order spec.RunRequest
		whole bool
		want  []string // at least these
	}{
		"healthy":                {nil, request(8, 100, 20), false, nil},
		"no warm-up":             {nil, request(1, 100, 20), true, []string{"short_warmup"}},
		"the engine slows down":  {[]string{"--fault-lower-batch-size", "4", "--fault-lower-after-requests", "100"}, request(8, 100, 20), false, []string{"drift"}},
		"a queue nobody foresaw": {[]string{"--fault-lower-batch-size", "2"}, request(16, 100, 20), false, []string{"saturation"}},
		"a start together":       {[]string{"--max-batch-tokens", "256"}, short(request(16, 250, 20)), true, []string{"start_burst"}},
		"a run of edges":         {[]string{"--max-batch-tokens", "256"}, short(request(16, 250, 20)), true, []string{"achieved_concurrency", "few_requests", "littles_law"}},
		"a chat template":        {[]string{"--fault-system-prompt", "5"}, request(4, 100, 20), false, []string{"input_length"}},
		"an early end":           {[]string{"--fault-early-stop-share", "0.1", "--seed", "3"}, request(4, 100, 20), false, []string{"output_length"}},
		"a bad start":            {[]string{"--fault-http-500-share", "0.3", "--seed", "3"}, request(4, 100, 20), false, []string{"warmup_errors"}},
	} {
		t.Run(name, func(t *testing.T) {
			result := measuredRun(t, c.args, c.order)
			if c.whole {
				result = asWholeRun(result)
			}
			var got []string
			for _, f := range selfChecked(c.order, result) {
				got = append(got, f.Check)
				t.Logf("%s: %s", f.Check, f.Message)
			}
			if len(c.want) == 0 && len(got) > 0 {
				t.Errorf("findings %v", got)
			}
			for _, want := range c.want {
				if !slices.Contains(got, want) {
					t.Errorf("no finding %s, only %v", want, got)
				}
			}
		})
	}
}

// healthyRequest is one of the loads that TestFalseAlarms goes through: closed loops of
// five concurrencies, one with lengths that vary, a rate and static batches.
func healthyRequest(seed int) spec.RunRequest {
	kind := seed % 8
	r := request([]int{1, 2, 4, 8, 16, 4, 0, 4}[kind], 60, 12)
	switch kind {
	case 5:
		r.Load.Shape.Input = spec.Spread{Kind: spec.SpreadNormal, Deviation: 20}
		r.Load.Shape.Output = spec.Spread{Kind: spec.SpreadUniform, Low: 4, High: 20}
	case 6:
		r.Load.RequestRate = metric.MustDecimal("8")
	case 7:
		r.Load.Shape.Static = true
	}
	r.Sampling.Seed = int64(seed)
	return r
}

// TestFalseAlarms takes 200 healthy runs of noisy engines: at most one in a hundred may
// be called doubtful.
func TestFalseAlarms(t *testing.T) {
	alarms, runs, all := map[string]int{}, 0, 200
	if testing.Short() {
		all = 40
	}
	for seed := range all {
		r := healthyRequest(seed)
		result := measuredRun(t, []string{"--noise-step", "0.05", "--noise-start", "0.03", "--seed", fmt.Sprint(seed)}, r)
		runs++
		for _, f := range selfChecked(r, result) {
			alarms[f.Check]++
			t.Logf("seed %d: %s: %s", seed, f.Check, f.Message)
		}
	}
	total := 0
	for _, n := range alarms {
		total += n
	}
	t.Logf("%d findings in %d healthy runs", total, runs)
	if total > runs/100 {
		t.Errorf("%d of %d healthy runs have findings: %s", total, runs, strings.Join(slices.Sorted(maps.Keys(alarms)), ", "))
	}
}

// The share of its CPUs that a client used is that of its time on all of them.
func TestClientUse(t *testing.T) {
	if cpuSeconds() == 0 {
		t.Skip("this system does not tell the CPU time of a process")
	}
	const minute = 60.0
	all := float64(runtime.GOMAXPROCS(0)) * minute
	for _, share := range []float64{0.9, 0.5, 0.1} {
		r := &run{before: use{at: time.Now().Add(-minute * time.Second), cpu: cpuSeconds() - share*all}}
		if u := r.clientUse(); u.CPUShare < share-0.05 || u.CPUShare > share+0.05 || u.CPUSeconds < share*all {
			t.Errorf("%.0f %% of all CPUs: %+v", 100*share, u)
		}
	}
}

// TestStarvedClient leaves the client next to no CPU: it stamps its tokens late, and the
// run says so.
func TestStarvedClient(t *testing.T) {
	if testing.Short() {
		t.Skip("takes all of a CPU for seconds")
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	stop := make(chan struct{})
	var hogs sync.WaitGroup
	for range 2 {
		hogs.Go(func() {
			for n := 0; ; n++ {
				if n%(1<<20) == 0 {
					select {
					case <-stop:
						return
					default:
					}
				}
			}
		})
	}
	defer hogs.Wait()
	defer close(stop)
	s := startSim(t)
	defer s.stop()
	r := request(1, 20, 2)
	r.Sampling.Requests, r.Sampling.Warmup = 10, 2
	used, began := cpuSeconds(), time.Now()
	result, err := s.bench(t, nil).Run(t.Context(), r, nil)
	if err != nil {
		t.Fatal(err)
	}
	share := (cpuSeconds() - used) / time.Since(began).Seconds()
	var got []string
	for _, f := range selfChecked(r, result) {
		got = append(got, f.Check)
		t.Logf("%s: %s", f.Check, f.Message)
	}
	if !slices.Contains(got, "client_lag") {
		t.Errorf("lag %+v, findings %v", result.Seen.Client, got)
	}
	// A machine that others use as well may not give us a whole CPU: then it is no finding.
	if spoke := slices.Contains(got, "client_cpu"); share > 0.9 && !spoke || share < 0.7 && spoke {
		t.Errorf("%.0f %% of a CPU were used, client %+v, findings %v", 100*share, result.Seen.Client, got)
	}
}
