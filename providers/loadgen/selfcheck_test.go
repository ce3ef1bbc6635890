package loadgen

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
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
func measuredRun(t *testing.T, args []string, r spec.RunRequest, attrs spec.Attrs) spec.RunResult {
	t.Helper()
	var result spec.RunResult
	synctest.Test(t, func(t *testing.T) {
		s := startSim(t, args...)
		defer s.stop()
		var err error
		if result, err = s.bench(t, attrs).Run(t.Context(), r, nil); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
	})
	return result
}

// wholeRun is the setting by which a run counts as genai-bench does: from the first request
// to the last, without a load that is held beyond them.
func wholeRun() spec.Attrs {
	return spec.Attrs{"window": spec.StringValue(string(spec.WindowWholeRun))}
}

// heldOpen serves two tokens a request, 10 ms apart, and keeps each stream open for a time
// behind the last of them, as a proxy does that books the request before it lets go.
func heldOpen(open time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/event-stream")
		flush := http.NewResponseController(w)
		for _, event := range []string{`{"choices":[{"text":"a"}]}`, `{"choices":[{"text":"b"}],"usage":{"prompt_tokens":20,"completion_tokens":2}}`} {
			pause(r.Context(), 10*time.Millisecond)
			fmt.Fprintf(w, "data: %s\n\n", event)
			_ = flush.Flush()
		}
		pause(r.Context(), open)
		fmt.Fprint(w, "data: [DONE]\n\n")
	})
}

// pause sleeps no longer than a request is there.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// TestHeldOpenStreams: a server that keeps a request's place once its last token has come
// holds fewer requests than were asked for, and rate and latency are of unlike times. One that
// lets go at once holds them all.
func TestHeldOpenStreams(t *testing.T) {
	for open, speak := range map[time.Duration]bool{0: false, 15 * time.Millisecond: true} {
		synctest.Test(t, func(t *testing.T) {
			s := startHandler(heldOpen(open))
			defer s.stop()
			r := request(4, 20, 2)
			result, err := s.bench(t, spec.Attrs{"calibrate": spec.BoolValue(false), "endpoint": spec.StringValue("completions")}).Run(t.Context(), r, nil)
			if err != nil {
				t.Fatal(err)
			}
			got := spoke(t, r, result)
			for _, check := range []string{"achieved_concurrency", "littles_law"} {
				if slices.Contains(got, check) != speak {
					t.Errorf("streams held open for %s: findings %v", open, got)
				}
			}
		})
	}
}

// spoke are the checks that have something to say of a run.
func spoke(t *testing.T, r spec.RunRequest, result spec.RunResult) []string {
	t.Helper()
	var got []string
	for _, f := range selfChecked(r, result) {
		got = append(got, f.Check)
		t.Logf("%s: %s", f.Check, f.Message)
	}
	return got
}

// TestSelfChecksByRealCauses breaks a run by what breaks it in the field, and looks
// which checks speak. The same run without the cause is silent.
func TestSelfChecksByRealCauses(t *testing.T) {
	short := func(r spec.RunRequest) spec.RunRequest {
		r.Sampling.Requests, r.Sampling.Warmup = 2*r.Load.Concurrency, 1
		return r
	}
	long := func(r spec.RunRequest) spec.RunRequest {
		r.Sampling.Requests = 100 * r.Load.Concurrency
		return r
	}
	for name, c := range map[string]struct {
		args  []string
		order spec.RunRequest
		attrs spec.Attrs
		want  []string // at least these
	}{
		"healthy":                {nil, request(8, 100, 20), nil, nil},
		"healthy as a whole":     {nil, long(request(8, 100, 20)), wholeRun(), nil},
		"no warm-up":             {nil, short(request(4, 100, 20)), nil, []string{"short_warmup"}},
		"the engine slows down":  {[]string{"--fault-lower-batch-size", "4", "--fault-lower-after-requests", "100"}, request(8, 100, 20), nil, []string{"drift"}},
		"a queue nobody foresaw": {[]string{"--fault-lower-batch-size", "2"}, request(16, 100, 20), nil, []string{"saturation"}},
		"a run of edges":         {[]string{"--max-batch-tokens", "256"}, short(request(16, 250, 20)), wholeRun(), []string{"achieved_concurrency", "few_requests", "littles_law", "start_burst"}},
		"a chat template":        {[]string{"--fault-system-prompt", "5"}, request(4, 100, 20), nil, []string{"input_length"}},
		"an early end":           {[]string{"--fault-early-stop-share", "0.1", "--seed", "3"}, request(4, 100, 20), nil, []string{"output_length"}},
		"a bad start":            {[]string{"--fault-http-500-share", "0.3", "--seed", "3"}, request(4, 100, 20), nil, []string{"warmup_errors"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := spoke(t, c.order, measuredRun(t, c.args, c.order, c.attrs))
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
		result := measuredRun(t, []string{"--noise-step", "0.05", "--noise-start", "0.03", "--seed", fmt.Sprint(seed)}, r, nil)
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
	got := spoke(t, r, result)
	if !slices.Contains(got, "client_lag") {
		t.Errorf("lag %+v, findings %v", result.Seen.Client, got)
	}
	// A machine that others use as well may not give us a whole CPU: then it is no finding.
	if spoke := slices.Contains(got, "client_cpu"); share > 0.9 && !spoke || share < 0.7 && spoke {
		t.Errorf("%.0f %% of a CPU were used, client %+v, findings %v", 100*share, result.Seen.Client, got)
	}
}
