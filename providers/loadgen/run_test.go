package loadgen

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"aicv/metric"
	"aicv/spec"
)

// attrs builds attributes from name and text pairs.
func attrs(pairs ...string) spec.Attrs {
	a := spec.Attrs{}
	for i := 0; i+1 < len(pairs); i += 2 {
		a[pairs[i]] = spec.StringValue(pairs[i+1])
	}
	return a
}

// against runs one request order against a simulator in virtual time.
func against(t *testing.T, simArgs []string, benchAttrs spec.Attrs, r spec.RunRequest, check func(*testing.T, spec.RunResult, error)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := startSim(t, append([]string{"--seed", "1"}, simArgs...)...)
		defer s.stop()
		result, err := s.bench(t, benchAttrs).Run(t.Context(), r, nil)
		check(t, result, err)
	})
}

func errorsOf(result spec.RunResult) map[string]int {
	counts := map[string]int{}
	for _, row := range result.Rows {
		if row.Phase == spec.PhaseMeasure && row.Error != "" {
			counts[row.Error]++
		}
	}
	return counts
}

func TestErrorsAreRows(t *testing.T) {
	for _, x := range []struct {
		fault, message string
		attrs          spec.Attrs
	}{
		{"--fault-http-500-share", "HTTP 500", nil},
		{"--fault-truncate-share", "the stream broke off before its end", nil},
		{"--fault-wrong-usage-share", "wrong usage: 13 output tokens, but the answer ended at its limit of 10", nil},
		{"--fault-stall-share", "timeout after 30s", attrs("timeout", "30s")},
	} {
		t.Run(x.fault, func(t *testing.T) {
			against(t, []string{x.fault, "0.2"}, x.attrs, request(4, 50, 10), func(t *testing.T, result spec.RunResult, err error) {
				if err != nil {
					t.Fatal(err)
				}
				if result.Requests != 80 || result.Failed < 5 || result.Failed > 30 {
					t.Errorf("%d of %d failed", result.Failed, result.Requests)
				}
				for message := range errorsOf(result) {
					if !strings.Contains(message, x.message) {
						t.Errorf("error %q", message)
					}
				}
				if got, _ := result.Values.Get(metric.ErrorRate); got != float64(result.Failed)/80 {
					t.Errorf("error rate %v", got)
				}
				if _, ok := result.Values.Get(metric.TTFT); !ok {
					t.Error("the requests that ended well have no ttft")
				}
			})
		})
	}
}

func TestAllRequestsFail(t *testing.T) {
	for _, fault := range []string{"--fault-http-500-share", "--fault-truncate-share"} {
		against(t, []string{fault, "1"}, nil, request(2, 10, 5), func(t *testing.T, result spec.RunResult, err error) {
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := result.Values.Get(metric.ErrorRate); got != 1 || len(result.Values) != 1 || result.Failed < 20 || result.Failed > 60 {
				t.Errorf("%s: values %v, %d failed", fault, result.Values, result.Failed)
			}
		})
	}
}

func TestServerDies(t *testing.T) {
	against(t, []string{"--fault-crash-after-requests", "30"}, nil, request(4, 50, 10), func(t *testing.T, _ spec.RunResult, err error) {
		if spec.KindOf(err) != spec.ErrInfrastructure || !strings.Contains(err.Error(), "does not answer") {
			t.Errorf("error %v", err)
		}
	})
}

func TestCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSim(t)
		defer s.stop()
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(200*time.Millisecond, cancel)
		began := time.Now()
		_, err := s.bench(t, nil).Run(ctx, request(4, 50, 1000), nil)
		if spec.KindOf(err) != spec.ErrInterrupted || time.Since(began) > 201*time.Millisecond {
			t.Errorf("error %v after %s", err, time.Since(began))
		}
	})
	synctest.Test(t, func(t *testing.T) {
		s := startSim(t)
		defer s.stop()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := s.bench(t, nil).Run(ctx, request(4, 50, 1000), nil)
		if spec.KindOf(err) != spec.ErrBenchmark || !strings.Contains(err.Error(), "of the warm-up phase had ended") {
			t.Errorf("error %v", err)
		}
	})
}

// TestSteadyState: the window's throughput is that of a run five times as long, also
// where requests do not run in step, and Little's law holds.
func TestSteadyState(t *testing.T) {
	for _, x := range []struct {
		name string
		args []string
		c    int
	}{
		{"in step", nil, 8},
		{"staggered", []string{"--max-batch-tokens", "128"}, 8},
		{"queueing", []string{"--max-batch-size", "11"}, 16},
		{"preempting", []string{"--kv-cache-tokens", "1400", "--max-sequence-length", "200"}, 16},
	} {
		t.Run(x.name, func(t *testing.T) {
			short := 0.0
			against(t, x.args, nil, request(x.c, 100, 30), func(t *testing.T, result spec.RunResult, err error) {
				if err != nil {
					t.Fatal(err)
				}
				for _, f := range selfChecked(request(x.c, 100, 30), result) {
					t.Errorf("finding %s: %s", f.Check, f.Message)
				}
				short, _ = result.Values.Get(metric.TotalThroughput)
			})
			long := request(x.c, 100, 30)
			long.Sampling.Requests = 100 * x.c
			against(t, x.args, nil, long, func(t *testing.T, result spec.RunResult, err error) {
				if err != nil {
					t.Fatal(err)
				}
				all, _ := result.Values.Get(metric.TotalThroughput)
				t.Logf("%.3f tokens/s in 20 generations, %.3f in 100 (%+.3f %%)", short, all, 100*(short/all-1))
				if math.Abs(short/all-1) > 0.01 {
					t.Errorf("throughput %v, a long run has %v", short, all)
				}
			})
		})
	}
}

// TestClosedFormThroughput: eight requests in step take prefill and decode together,
// so the throughput follows from the declared costs alone.
func TestClosedFormThroughput(t *testing.T) {
	latency := 0.006 + 25e-6*8*100
	for j := range 49 {
		latency += 0.006 + 8*20e-6 + 40e-9*8*float64(100+j)
	}
	want := 8 * 50 / latency
	r := request(8, 100, 50)
	r.GPUs = 2
	r.SLO = spec.SLO{{Metric: metric.Latency, Quantity: metric.MustDecimal("10000")}}
	against(t, nil, nil, r, func(t *testing.T, result spec.RunResult, err error) {
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[metric.Name]float64{
			metric.TotalThroughput: want, metric.Throughput: want / 2, metric.RequestThroughput: want / 50, metric.Goodput: want / 50,
			metric.Latency: 1000 * latency, metric.PercentileName(metric.Latency, 50): 1000 * latency, metric.ErrorRate: 0,
			metric.UserThroughput: 49 / (latency - 0.006 - 25e-6*8*100),
		} {
			if got, ok := result.Values.Get(name); !ok || math.Abs(got-want) > 0.005*want {
				t.Errorf("%s is %v, want %v", name, got, want)
			}
		}
		if result.Window != spec.WindowSteady || result.Provenance.Tool != "aicv-loadgen" || result.Provenance.Version != Version {
			t.Errorf("window %s, provenance %+v", result.Window, result.Provenance)
		}
	})
}

func TestCompletionsEndpointAndDuration(t *testing.T) {
	r := request(2, 20, 10)
	r.Sampling.Duration = 20 * time.Second
	against(t, nil, attrs("endpoint", "completions"), r, func(t *testing.T, result spec.RunResult, err error) {
		if err != nil {
			t.Fatal(err)
		}
		if result.Elapsed < 20*time.Second || result.Elapsed > 21*time.Second || result.Requests%2 != 0 || result.Failed > 0 {
			t.Errorf("%d requests in %s, %d failed", result.Requests, result.Elapsed, result.Failed)
		}
		if !strings.HasSuffix(result.Provenance.Source, "/v1/completions") {
			t.Errorf("source %s", result.Provenance.Source)
		}
	})
}

// TestPrefixCacheIsNoHelp: with the prefix cache on, the simulator finds nothing.
func TestPrefixCacheIsNoHelp(t *testing.T) {
	var with, without float64
	r := request(4, 200, 10)
	against(t, []string{"--prefix-cache"}, nil, r, func(t *testing.T, result spec.RunResult, err error) {
		if err != nil {
			t.Fatal(err)
		}
		with, _ = result.Values.Get(metric.TTFT)
	})
	against(t, nil, nil, r, func(t *testing.T, result spec.RunResult, err error) {
		if err != nil {
			t.Fatal(err)
		}
		without, _ = result.Values.Get(metric.TTFT)
	})
	if with != without {
		t.Errorf("ttft %v with a prefix cache, %v without", with, without)
	}
}

func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSim(t)
		defer s.stop()
		var mu sync.Mutex
		var seen []spec.Event
		_, err := s.bench(t, nil).Run(t.Context(), request(2, 50, 100), func(e spec.Event) {
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, e)
		})
		if err != nil {
			t.Fatal(err)
		}
		order := []string{"warm-up", "measure", "cool-down"}
		at, last := 0, time.Time{}
		for i, e := range seen {
			for e.Phase != order[at] {
				if at++; at == len(order) {
					t.Fatalf("phase %q out of order", e.Phase)
				}
			}
			if e.Type != spec.EventProgress || e.Done > e.Total || e.Total == 0 {
				t.Errorf("event %+v", e)
			}
			if i < len(seen)-1 && e.Time.Sub(last) < 900*time.Millisecond {
				t.Errorf("events %s apart", e.Time.Sub(last))
			}
			last = e.Time
		}
		if len(seen) < 10 || seen[len(seen)-1].Done != 40 {
			t.Errorf("%d events, the last %+v", len(seen), seen[len(seen)-1])
		}
	})
}

// TestNothingIsCutBeforeTheEnd: all measured requests are kept to their end, and
// what is cut off afterwards leaves no row.
func TestNothingIsCutBeforeTheEnd(t *testing.T) {
	against(t, []string{"--noise-step", "0.3"}, nil, request(8, 100, 20), func(t *testing.T, result spec.RunResult, err error) {
		if err != nil {
			t.Fatal(err)
		}
		counts := map[spec.RequestPhase]int{}
		for _, row := range result.Rows {
			counts[row.Phase]++
			if row.Error != "" || row.OutputTokens != 20 || row.InputTokens != 100 {
				t.Errorf("row %+v", row)
			}
			if row.Phase == spec.PhaseMeasure && len(row.TokenTimes) != 20 {
				t.Errorf("%d token times", len(row.TokenTimes))
			}
		}
		if counts[spec.PhaseWarmup] != 23 || counts[spec.PhaseMeasure] != 160 {
			t.Errorf("rows by phase: %v", counts)
		}
	})
}

// answer200 streams a fixed answer.
func answer200(stream string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		time.Sleep(time.Millisecond)
		_, _ = io.WriteString(w, stream)
	}
}

func TestOddServers(t *testing.T) {
	const usage = `data: {"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":4}}` + "\n\n"
	text := func(field string) string {
		return `data: {"choices":[{"delta":{"` + field + `":"x"}}]}` + "\n\n"
	}
	for _, x := range []struct{ name, stream, message string }{
		{"good", text("content") + text("content") + usage + "data: [DONE]\n\n", ""},
		{"reasoning", text("reasoning_content") + text("reasoning") + usage + "data: [DONE]\n\n", ""},
		{"usage in each event", `data: {"choices":[{"text":"x"}],"usage":{"prompt_tokens":5,"completion_tokens":4}}` + "\n\ndata: [DONE]\n\n", ""},
		{"empty chunks", text("role") + `data: {"choices":[{"delta":{"content":""}}]}` + "\n\ndata: {}\n\n" + `data: {"choices":[]}` + "\n\n: ping\n\n" +
			text("content") + `data: {"choices":[{"delta":{"content":null}}]}` + "\n\n" + text("content") + usage + "data: [DONE]\n\n", ""},
		{"no usage", text("content") + "data: [DONE]\n\n", "no token counts"},
		{"more text than tokens", strings.Repeat(text("content"), 5) + usage + "data: [DONE]\n\n", "4 output tokens, but 5 events"},
		{"no prompt tokens", text("content") + `data: {"usage":{"completion_tokens":4}}` + "\n\ndata: [DONE]\n\n", "0 prompt tokens"},
		{"no text", usage + "data: [DONE]\n\n", "carries no text"},
		{"no end", text("content") + usage, "broke off before its end, after 1 events"},
		{"error event", text("content") + `data: {"error":{"message":"out of blocks"}}` + "\n\n", "out of blocks"},
		{"no JSON", "data: oops\n\n", "no valid JSON"},
		{"no stream", `{"choices":[]}`, "broke off"},
	} {
		t.Run(x.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := startHandler(answer200(x.stream))
				defer s.stop()
				r := request(1, 5, 4)
				result, err := s.bench(t, nil).Run(t.Context(), r, nil)
				if err != nil {
					t.Fatal(err)
				}
				for _, row := range result.Rows {
					if (x.message == "") != (row.Error == "") || !strings.Contains(row.Error, x.message) {
						t.Fatalf("error %q, want %q", row.Error, x.message)
					}
				}
			})
		})
	}
}

// TestRequestsOnTheWire reads what the server gets.
func TestRequestsOnTheWire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		problems, prompts := []string{}, map[string]bool{}
		handler := func(w http.ResponseWriter, r *http.Request) {
			var body struct {
				Model         string
				Messages      []struct{ Role, Content string }
				MaxTokens     int  `json:"max_tokens"`
				IgnoreEOS     bool `json:"ignore_eos"`
				Stream        bool
				StreamOptions struct {
					IncludeUsage bool `json:"include_usage"`
				} `json:"stream_options"`
			}
			err := json.NewDecoder(r.Body).Decode(&body)
			mu.Lock()
			defer mu.Unlock()
			if err != nil || body.Model != `a "model"` || len(body.Messages) != 1 || len(strings.Fields(body.Messages[0].Content)) != 30 || body.MaxTokens != 4 ||
				!body.IgnoreEOS || !body.Stream || !body.StreamOptions.IncludeUsage || r.Header.Get("Authorization") != "Bearer s3cret" || r.Header.Get("Accept-Encoding") != "" {
				problems = append(problems, fmt.Sprintf("%v %+v %v", err, body, r.Header))
				return
			}
			prompts[body.Messages[0].Content] = true
			answer200("data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\ndata: {\"usage\":{\"prompt_tokens\":30,\"completion_tokens\":4}}\n\ndata: [DONE]\n\n")(w, r)
		}
		s := startHandler(http.HandlerFunc(handler))
		defer s.stop()
		b := s.bench(t, spec.Attrs{"api_key": spec.SecretValue("KEY")})
		b.env.Getenv = func(name string) (string, bool) { return "s3cret", name == "KEY" }
		r := request(1, 30, 4)
		r.Server.ModelName = `a "model"`
		result, err := b.Run(t.Context(), r, nil)
		time.Sleep(10 * time.Millisecond)
		synctest.Wait() // the request that was cut off has come to its end
		if err != nil || result.Failed > 0 || len(problems) > 0 {
			t.Fatalf("error %v, %d failed, %v", err, result.Failed, problems)
		}
		if n := s.pipes.dials.Load(); n != 1 {
			t.Errorf("%d connections for one client", n)
		}
		if len(prompts) < 22 {
			t.Errorf("%d different prompts of 22", len(prompts))
		}
		b.env.Getenv = func(string) (string, bool) { return "", false }
		if _, err := b.Run(t.Context(), r, nil); spec.KindOf(err) != spec.ErrUsage || !strings.Contains(err.Error(), "KEY") {
			t.Errorf("without the variable: %v", err)
		}
	})
}
