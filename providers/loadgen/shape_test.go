package loadgen

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"aicv/metric"
	"aicv/providers/sim"
	"aicv/spec"
)

// moments are mean and standard deviation of n drawn numbers.
func moments(n int, draw func(i int) float64) (mean, deviation float64) {
	var sum, squares float64
	for i := range n {
		x := draw(i)
		sum, squares = sum+x, squares+x*x
	}
	mean = sum / float64(n)
	return mean, math.Sqrt(squares/float64(n) - mean*mean)
}

func near(t *testing.T, what string, got, want, share float64) {
	t.Helper()
	if math.Abs(got-want) > share*want {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

func TestLengths(t *testing.T) {
	load := spec.Load{InputTokens: 1000, OutputTokens: 300}
	for kind, want := range map[spec.SpreadKind]float64{spec.SpreadNormal: 200, spec.SpreadLognormal: 200, spec.SpreadUniform: 400 / math.Sqrt(12)} {
		load.Shape.Input = spec.Spread{Kind: kind, Deviation: 200, Low: 800, High: 1200}
		load.Shape.Output = spec.Spread{Kind: spec.SpreadUniform, Low: 1, High: 3}
		s := newSizes(1, load)
		mean, deviation := moments(20_000, func(i int) float64 { n, _ := s.of(i); return float64(n) })
		near(t, string(kind)+" mean", mean, 1000, 0.01)
		near(t, string(kind)+" deviation", deviation, want, 0.03)
		a, b := s.of(7)
		if c, d := newSizes(1, load).of(7); a != c || b != d {
			t.Errorf("%s: request 7 is %d/%d, and then %d/%d", kind, a, b, c, d)
		}
		for i := range 1000 {
			if _, n := s.of(i); n < 1 || n > 3 {
				t.Fatalf("%d output tokens", n)
			}
		}
	}
	load.Shape.Input = spec.Spread{Kind: spec.SpreadNormal, Deviation: 5000}
	s := newSizes(1, load)
	for i := range 1000 {
		if n, _ := s.of(i); n < 1 {
			t.Fatalf("%d input tokens", n)
		}
	}
}

// The gaps have the mean and the spread of their process: a coefficient of variation of
// 0, 1, and 1/sqrt(shape).
func TestArrivals(t *testing.T) {
	for _, c := range []struct {
		kind  spec.Arrivals
		shape string
		want  float64
	}{
		{spec.ArrivalsConstant, "0", 0}, {"", "0", 1}, {spec.ArrivalsPoisson, "0", 1}, {spec.ArrivalsGamma, "1", 1},
		{spec.ArrivalsGamma, "4", 0.5}, {spec.ArrivalsGamma, "0.25", 2},
	} {
		load := spec.Load{RequestRate: metric.MustDecimal("50"), Shape: spec.Shape{Arrivals: c.kind, Burstiness: metric.MustDecimal(c.shape)}}
		a, last := newArrivals(3, load), time.Duration(0)
		mean, deviation := moments(40_000, func(int) float64 {
			at := a.next()
			gap := (at - last).Seconds()
			last = at
			return gap
		})
		near(t, string(c.kind)+c.shape+" mean gap", mean, 0.02, 0.03)
		if math.Abs(deviation/mean-c.want) > 0.05*max(c.want, 0.01) {
			t.Errorf("%s %s: coefficient of variation %v, want %v", c.kind, c.shape, deviation/mean, c.want)
		}
	}
}

func atRate(rate string, input, output int) spec.RunRequest {
	r := request(0, input, output)
	r.Load.RequestRate = metric.MustDecimal(rate)
	return r
}

// TestAccuracyOfOpenLoops compares the client with the simulator's own timestamps.
func TestAccuracyOfOpenLoops(t *testing.T) {
	for _, kind := range []spec.Arrivals{spec.ArrivalsConstant, spec.ArrivalsPoisson, spec.ArrivalsGamma} {
		for _, rate := range []string{"0.5", "8", "60", "700"} {
			if rate == "700" && kind != spec.ArrivalsPoisson {
				continue
			}
			t.Run(string(kind)+"/"+rate, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := startSim(t, "--noise-step", "0.05", "--seed", "1", "--max-batch-tokens", "2048")
					defer s.stop()
					order := atRate(rate, 200, 16)
					order.Load.Shape.Arrivals = kind
					if kind == spec.ArrivalsGamma {
						order.Load.Shape.Burstiness = metric.MustDecimal("0.5")
					}
					order.Load.Shape.Input = spec.Spread{Kind: spec.SpreadNormal, Deviation: 50}
					order.Sampling.Requests, order.Sampling.Warmup = 200, 20
					if rate == "700" { // four times what the engine serves: 1,500 in flight
						order.Sampling.Requests, order.Sampling.Warmup = 2000, 700
					}
					result, err := s.bench(t, nil).Run(t.Context(), order, nil)
					if err != nil {
						t.Fatal(err)
					}
					synctest.Wait()
					if result.Requests != order.Sampling.Requests || result.Failed != 0 || result.Window != spec.WindowSteady {
						t.Errorf("%d requests, %d failed, window %s", result.Requests, result.Failed, result.Window)
					}
					for _, f := range result.Findings {
						t.Logf("finding %s: %s", f.Check, f.Message)
					}
					latency, _ := result.Values.Get(metric.Latency)
					ended, _ := result.Values.Get(metric.RequestThroughput)
					t.Logf("%.0f requests in flight", ended*latency/1000)
					compareWithTruth(t, result, s.records(t), 0.01)
				})
			})
		}
	}
}

// A server that stops for a while delays what arrives meanwhile, and the delay counts:
// times run from the moment at which a request was due.
func TestOpenLoopOmitsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turn, n := make(chan bool, 1), 0 // a mutex would hold up virtual time
		s := startHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			turn <- true // one at a time
			if n++; n == 50 {
				time.Sleep(10 * time.Second)
			}
			time.Sleep(10 * time.Millisecond)
			<-turn
			answerWith(w, 1, 1)
		}))
		defer s.stop()
		order := atRate("10", 8, 1)
		order.Load.Shape.Arrivals = spec.ArrivalsConstant
		order.Sampling.Requests, order.Sampling.Warmup = 200, 10
		result, err := s.bench(t, nil).Run(t.Context(), order, nil)
		if err != nil {
			t.Fatal(err)
		}
		// 100 requests are due in the 10 s; they wait 5 s on average, and those behind them
		// wait until the queue is empty again.
		mean, _ := result.Values.Get(metric.TTFT)
		if mean < 2500 {
			t.Errorf("the mean TTFT is %v ms: the pause is left out", mean)
		}
	})
}

// answerWith writes a stream of events and a usage.
func answerWith(w http.ResponseWriter, input, output int) {
	for range output {
		fmt.Fprint(w, "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n")
	}
	fmt.Fprintf(w, "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":%d,\"completion_tokens\":%d}}\n\ndata: [DONE]\n\n", input, output)
}

// What arrives faster than it is served is a finding, and the run ends all the same.
func TestOverload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSim(t, "--max-batch-size", "2")
		defer s.stop()
		order := atRate("200", 100, 16)
		order.Sampling.Requests, order.Sampling.Warmup = 400, 20
		result, err := s.bench(t, nil).Run(t.Context(), order, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !hasFinding(result, "overload") {
			t.Errorf("findings %+v", result.Findings)
		}
	})
}

func hasFinding(r spec.RunResult, check string) bool {
	for _, f := range r.Findings {
		if f.Check == check {
			return true
		}
	}
	return false
}

func TestWholeRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSim(t, "--noise-step", "0.05", "--seed", "1")
		defer s.stop()
		b := s.bench(t, spec.Attrs{"window": spec.StringValue("whole_run")})
		result, err := b.Run(t.Context(), request(8, 100, 16), nil)
		if err != nil {
			t.Fatal(err)
		}
		measured, warm, last := 0, 0, time.Duration(0)
		first := never
		for _, row := range result.Rows {
			switch row.Phase {
			case spec.PhaseWarmup:
				warm++
				last = max(last, row.Start+row.Latency)
			case spec.PhaseMeasure:
				measured++
				first = min(first, row.Start)
			}
		}
		if result.Window != spec.WindowWholeRun || measured != 160 || warm != 16 || result.Requests != 160 || first < last {
			t.Errorf("window %s, %d measured after %d, from %s on, warm-up until %s", result.Window, measured, warm, first, last)
		}
		// The whole run loses what is in flight at its end, and nothing else.
		rate, _ := result.Values.Get(metric.RequestThroughput)
		near(t, "request throughput", rate, 160/result.Elapsed.Seconds(), 1e-9)
	})
}

// A static batch starts together; nothing runs beside it.
func TestStaticBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSim(t)
		defer s.stop()
		order := request(4, 100, 16)
		order.Load.Shape.Static = true
		order.Sampling.Requests, order.Sampling.Warmup = 12, 4
		result, err := s.bench(t, nil).Run(t.Context(), order, nil)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if result.Window != spec.WindowStatic || result.Requests != 12 {
			t.Errorf("window %s, %d requests", result.Window, result.Requests)
		}
		starts := map[time.Duration]int{}
		for _, row := range result.Rows {
			starts[row.Start]++
		}
		if len(starts) != 4 {
			t.Errorf("starts %v, want four batches", starts)
		}
		for at, n := range starts {
			if n != 4 {
				t.Errorf("%d requests start at %s", n, at)
			}
		}
		compareWithTruth(t, result, s.records(t), 0.01)
	})
}

// With a chat template and a tokenizer that makes more than a token of each word, prompts
// have the lengths asked for all the same.
func TestCalibration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := []int{}
		var mu sync.Mutex
		s := startHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var body struct {
				Prompt    string `json:"prompt"`
				MaxTokens int    `json:"max_tokens"`
			}
			if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
				panic(err)
			}
			tokens := 21 + int(1.4*float64(len(strings.Fields(body.Prompt))))
			mu.Lock()
			asked = append(asked, tokens)
			mu.Unlock()
			time.Sleep(time.Millisecond)
			answerWith(w, tokens, body.MaxTokens)
		}))
		defer s.stop()
		b := s.bench(t, spec.Attrs{"calibrate": spec.BoolValue(true), "endpoint": spec.StringValue("completions")})
		result, err := b.Run(t.Context(), request(2, 500, 4), nil)
		if err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		defer mu.Unlock()
		for i, n := range asked[2:] {
			if n < 499 || n > 501 {
				t.Fatalf("request %d has %d tokens, want 500", i, n)
			}
		}
		if hasFinding(result, "input_length") || hasFinding(result, "uncalibrated") {
			t.Errorf("%+v", result.Findings)
		}
	})
}

func TestSharedPrefix(t *testing.T) {
	p := newPrompts(3, 0.5)
	a, b := strings.Fields(string(p.appendWords(nil, 1, 40))), strings.Fields(string(p.appendWords(nil, 2, 40)))
	same := 0
	for same < len(a) && a[same] == b[same] {
		same++
	}
	if len(a) != 40 || len(b) != 40 || same != 20 {
		t.Errorf("%d and %d words, of which the first %d are the same; want 20 of 40", len(a), len(b), same)
	}
}

func dataset(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDatasets(t *testing.T) {
	for name, c := range map[string]struct {
		content string
		want    []entry
		problem string
	}{
		"a.jsonl": {"{\"prompt\": \"one \\\"q\\\"\", \"output_tokens\": 3}\n\n{\"text\": \"two\", \"max_tokens\": 4, \"other\": 1}\n", []entry{{`one "q"`, 3}, {"two", 4}}, ""},
		"b.csv":   {"\ufeffid,Prompt,output_tokens\n1,\"a, b\",5\n2,c,\n", []entry{{"a, b", 5}, {"c", 0}}, ""},
		"c.json":  {`[{"id": 1, "conversations": [{"from": "human", "value": "hi"}, {"from": "gpt", "value": "yes"}]}, {"conversations": []}]`, []entry{{"hi", 0}}, ""},
		"d.jsonl": {"{\"prompt\": \"a\"}\n{\"prompt\": \" \"}\n", nil, "line 2: there is no prompt"},
		"e.jsonl": {"", nil, "holds no prompt"},
		"f.csv":   {"text\nx\n", nil, "no column prompt"},
		"g.json":  {`{"conversations": []}`, nil, "no list of conversations"},
		"h.csv":   {"prompt,output_tokens\nx,-1\n", nil, "no number of output tokens"},
		"i.json":  {`[{"conversations": [{"value": "a"}`, nil, "conversation 1"},
		"j.jsonl": {"{\"prompt\": \"a\", \"output_tokens\": -4}\n", nil, "-4 is no number of output tokens"},
		"k.json":  {`[{"conversations": [{"value": "a"}]}`, nil, "it breaks off"},
		"l.jsonl": {"{\"prompt\": \"one\", \"text\": \"the same\"}\n", []entry{{"one", 0}}, ""},
	} {
		got, err := readDataset(spec.Shape{Dataset: dataset(t, name, c.content)})
		if c.problem != "" {
			if err == nil || !strings.Contains(err.Error(), c.problem) || spec.KindOf(err) != spec.ErrUsage {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil || fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if _, err := readDataset(spec.Shape{Dataset: "/no/such.jsonl"}); spec.KindOf(err) != spec.ErrUsage {
		t.Error(err)
	}
}

// A dataset that changes between the plan and a run is not measured under the identity of
// the one before.
func TestDatasetOfThePlan(t *testing.T) {
	s := spec.Shape{Dataset: dataset(t, "p.json", `[{"conversations": [{"value": "a"}]}]   `)}
	s.DatasetHash = string(spec.HashOf([]byte(`[{"conversations": [{"value": "a"}]}]   `)))
	if got, err := readDataset(s); err != nil || len(got) != 1 {
		t.Fatal(got, err)
	}
	if err := os.WriteFile(s.Dataset, []byte(`[{"conversations": [{"value": "a"}]}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readDataset(s); spec.KindOf(err) != spec.ErrUsage || !strings.Contains(err.Error(), "another one than it was when the plan was made") {
		t.Error(err)
	}
}

func FuzzDataset(f *testing.F) {
	f.Add("{\"prompt\": \"x\"}\n", "prompt\nx\n", `[{"conversations": [{"value": "a"}]}]`)
	f.Fuzz(func(t *testing.T, lines, table, talks string) {
		for _, read := range []func() ([]entry, error){
			func() ([]entry, error) { return readJSONLines(strings.NewReader(lines)) },
			func() ([]entry, error) { return readCSV(strings.NewReader(table)) },
			func() ([]entry, error) { return readShareGPT(strings.NewReader(talks)) },
		} {
			entries, err := read()
			for i := range entries {
				if err == nil && entries[i].check() != nil {
					t.Errorf("%q was taken", entries[i].prompt)
				}
			}
		}
	})
}

func TestRunOfADataset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSim(t)
		defer s.stop()
		var lines strings.Builder
		for i := range 5 {
			fmt.Fprintf(&lines, "{\"prompt\": \"w%d %s\", \"output_tokens\": %d}\n", i, strings.Repeat("x ", 10*i), i+1)
		}
		order := request(2, 0, 0)
		order.Load.Shape.Dataset = dataset(t, "d.jsonl", lines.String())
		result, err := s.bench(t, nil).Run(t.Context(), order, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range result.Rows {
			if row.Error != "" || row.InputTokens%10 != 1 && row.InputTokens < 1 || row.OutputTokens < 1 || row.OutputTokens > 5 {
				t.Errorf("%+v", row)
			}
		}
		if !hasFinding(result, "dataset_repeats") {
			t.Errorf("%+v", result.Findings)
		}
		order.Load.Shape.Dataset = dataset(t, "d.jsonl", `{"prompt": "a"}`)
		if _, err := s.bench(t, nil).Run(t.Context(), order, nil); spec.KindOf(err) != spec.ErrUsage {
			t.Errorf("no output length: %v", err)
		}
	})
}

// Servers that answer with something else than a stream: rows fail with the reason.
func TestAnswersThatAreNone(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://elsewhere/", http.StatusFound)
		}, "HTTP 302 redirects to http://elsewhere/, which is not followed"},
		"busy": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(http.StatusTooManyRequests)
		}, "HTTP 429 (Retry-After 7)"},
		"unavailable": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", "1")
			http.Error(w, "down", http.StatusServiceUnavailable)
		}, "HTTP 503 (Retry-After 1): down"},
		"long line": {func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "data: "+strings.Repeat("x", 10<<20))
		}, "longer than 1 MiB"},
		"breaks off": {func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n")
		}, "broke off"},
		"no content": {func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, ": ping\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"\"}}]}\n\ndata: {\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1}}\n\ndata: [DONE]\n\n")
		}, "carries no text"},
		"wrong usage":   {func(w http.ResponseWriter, r *http.Request) { answerWith(w, 0, 2) }, "0 prompt tokens"},
		"never answers": {func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "timeout after 2s"},
		"stalls": {func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, "timeout after 2s"},
		"trickles for ever": {func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				_, _ = io.WriteString(w, ": ping\n\n")
				w.(http.Flusher).Flush()
				time.Sleep(100 * time.Millisecond)
			}
		}, "timeout after 2s"},
		"never ends": {func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				_, _ = io.WriteString(w, "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n")
				w.(http.Flusher).Flush()
				time.Sleep(10 * time.Millisecond)
			}
		}, "timeout after 2s"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := startHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body)
					time.Sleep(time.Millisecond)
					c.answer(w, r)
				}))
				defer s.stop()
				order := request(2, 8, 2)
				order.Sampling.Requests, order.Sampling.Warmup = 4, 2
				began := time.Now()
				result, err := s.bench(t, spec.Attrs{"timeout": spec.StringValue("2s")}).Run(t.Context(), order, nil)
				if err != nil {
					t.Fatal(err)
				}
				if took := time.Since(began); took > 20*time.Second {
					t.Errorf("it took %s, with 2 s for each of a few generations", took)
				}
				for _, row := range result.Rows {
					if !strings.Contains(row.Error, c.want) {
						t.Fatalf("%q lacks %q", row.Error, c.want)
					}
				}
				if rate, _ := result.Values.Get(metric.ErrorRate); rate != 1 {
					t.Errorf("error rate %v", rate)
				}
			})
		})
	}
}

// Text that is no UTF-8 is text all the same.
func TestInvalidUTF8(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Millisecond)
			_, _ = io.WriteString(w, "data: {\"choices\":[{\"delta\":{\"content\":\"\xff\xfe\"}}]}\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":8,\"completion_tokens\":1}}\n\ndata: [DONE]\n\n")
		}))
		defer s.stop()
		result, err := s.bench(t, nil).Run(t.Context(), request(1, 8, 1), nil)
		if err != nil || result.Failed != 0 {
			t.Errorf("%d failed: %v, %v", result.Failed, result.Rows, err)
		}
	})
}

// A certificate that nobody vouches for ends the run with the fix; with ca_file it is
// believed.
func TestSelfSigned(t *testing.T) {
	engine, err := sim.NewServer([]string{"--model", "m"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { _ = engine.Run(ctx) }()
	front := httptest.NewUnstartedServer(engine.Handler())
	front.Config.ErrorLog = log.New(io.Discard, "", 0)
	front.StartTLS()
	defer front.Close()
	order := request(2, 8, 2)
	order.Server.URL = front.URL
	b, err := newBenchmark(&spec.Component{}, spec.Env{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.Run(t.Context(), order, nil)
	if spec.KindOf(err) != spec.ErrUsage || !strings.Contains(err.Error(), "certificate is not trusted") || !strings.Contains(err.Error(), "ca_file") {
		t.Errorf("%v", err)
	}
	path := filepath.Join(t.TempDir(), "server.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: front.Certificate().Raw})
	if _, err := x509.ParseCertificate(front.Certificate().Raw); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	b, err = newBenchmark(&spec.Component{Attrs: spec.Attrs{"ca_file": spec.StringValue("server.pem")}}, spec.Env{SuiteDir: filepath.Dir(path)})
	if err != nil {
		t.Fatal(err)
	}
	result, err := b.Run(t.Context(), order, nil)
	if err != nil || result.Failed != 0 {
		t.Errorf("%v, %d failed", err, result.Failed)
	}
	if err := os.WriteFile(path, []byte("no PEM"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Run(t.Context(), order, nil); spec.KindOf(err) != spec.ErrUsage {
		t.Errorf("%v", err)
	}
}

func TestBudgetAtARate(t *testing.T) {
	b := (&simulated{pipes: newPipes()}).bench(t, nil)
	order := atRate("2", 8, 2)
	if got := b.Budget(order, 3*time.Second); got != 73*time.Second {
		t.Errorf("%s, want ten seconds, a minute and a request's time", got)
	}
	order.Sampling = spec.Sampling{Requests: 20, Warmup: 4, Duration: time.Minute}
	if got := b.Budget(order, time.Second); got != 63*time.Second {
		t.Errorf("%s of "+strconv.Itoa(20)+" requests in a minute", got)
	}
}
