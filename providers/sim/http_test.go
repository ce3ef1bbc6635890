package sim

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"aicv/spec"
)

// fast makes steps of 100 us, so that tests over real HTTP take no time.
func fast(args ...string) []string {
	return append([]string{"--model", "m", "--cost-base", "100us", "--cost-weights", "0s", "--cost-prefill-token", "0s", "--seed", "1"}, args...)
}

// started is a simulator behind a real HTTP server.
type started struct {
	*httptest.Server
	log *bytes.Buffer
	ran chan error
}

func start(t *testing.T, args ...string) *started {
	t.Helper()
	server, err := NewServer(args)
	if err != nil {
		t.Fatal(err)
	}
	s := &started{log: &bytes.Buffer{}, ran: make(chan error, 1)}
	server.LogRequestsTo(s.log)
	ctx, cancel := context.WithCancel(t.Context())
	s.Server = httptest.NewServer(server.Handler())
	var group sync.WaitGroup
	group.Go(func() { s.ran <- server.Run(ctx) })
	t.Cleanup(func() {
		s.Client().CloseIdleConnections()
		cancel()
		s.CloseClientConnections()
		s.Close()
		group.Wait()
	})
	return s
}

// call sends a request and returns status and body, as far as it came.
func (s *started) call(t *testing.T, method, path, body string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := s.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, _ := io.ReadAll(response.Body) // a stream that is cut off is read as far as it came
	return response.StatusCode, string(text)
}

// events splits a stream into the data of its events.
func events(stream string) []string {
	var found []string
	lines := bufio.NewScanner(strings.NewReader(stream))
	for lines.Scan() {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			found = append(found, data)
		}
	}
	return found
}

type chunkOf struct {
	Object  string `json:"object"`
	Model   string `json:"model"`
	Choices []struct {
		Text    string `json:"text"`
		Delta   struct{ Role, Content string }
		Message struct{ Content string }
		Finish  string `json:"finish_reason"`
	} `json:"choices"`
	Usage *usage `json:"usage"`
}

func parseChunk(t *testing.T, data string) chunkOf {
	t.Helper()
	var c chunkOf
	if err := json.Unmarshal([]byte(data), &c); err != nil {
		t.Fatalf("event %q: %v", data, err)
	}
	return c
}

func TestChatStream(t *testing.T) {
	s := start(t, fast()...)
	status, text := s.call(t, "POST", "/v1/chat/completions",
		`{"model":"m","messages":[{"role":"system","content":"be brief"},{"role":"user","content":[{"type":"text","text":"one two  three"}]}],"max_tokens":4,"ignore_eos":true,"stream":true,"stream_options":{"include_usage":true}}`)
	if status != http.StatusOK {
		t.Fatalf("status %d: %s", status, text)
	}
	got := events(text)
	// role, four tokens, finish reason, usage, end mark
	if len(got) != 8 || got[7] != "[DONE]" {
		t.Fatalf("%d events: %q", len(got), got)
	}
	if c := parseChunk(t, got[0]); c.Choices[0].Delta.Role != "assistant" || c.Choices[0].Delta.Content != "" || c.Object != "chat.completion.chunk" || c.Model != "m" {
		t.Errorf("first event %q", got[0])
	}
	for i, want := range []string{" w0", " w1", " w2", " w3"} {
		if c := parseChunk(t, got[1+i]); c.Choices[0].Delta.Content != want {
			t.Errorf("token %d is %q, want %q", i, c.Choices[0].Delta.Content, want)
		}
	}
	if c := parseChunk(t, got[5]); c.Choices[0].Finish != "length" {
		t.Errorf("finish reason in %q", got[5])
	}
	if c := parseChunk(t, got[6]); len(c.Choices) != 0 || c.Usage == nil || *c.Usage != (usage{5, 4, 9}) {
		t.Errorf("usage in %q", got[6])
	}
}

func TestStreamWithoutUsage(t *testing.T) {
	s := start(t, fast()...)
	_, text := s.call(t, "POST", "/v1/completions", `{"model":"m","prompt":"a b","max_tokens":2,"ignore_eos":true,"stream":true}`)
	got := events(text)
	if len(got) != 4 || strings.Contains(text, `"usage"`) {
		t.Fatalf("events %q", got)
	}
	if c := parseChunk(t, got[1]); c.Object != "text_completion" || c.Choices[0].Text != " w1" {
		t.Errorf("second token %q", got[1])
	}
}

func TestWholeAnswers(t *testing.T) {
	s := start(t, fast()...)
	for _, x := range []struct {
		name, path, body string
		text             string
		usage            usage
	}{
		{"chat", "/v1/chat/completions", `{"model":"m","messages":[{"role":"user","content":"a b c"}],"max_completion_tokens":2,"ignore_eos":true}`, " w0 w1", usage{3, 2, 5}},
		{"completion", "/v1/completions", `{"model":"m","prompt":["a b"],"max_tokens":1,"ignore_eos":true}`, " w0", usage{2, 1, 3}},
		{"token ids", "/v1/completions", `{"model":"m","prompt":[7,8,9,10],"max_tokens":1,"ignore_eos":true}`, " w0", usage{4, 1, 5}},
		{"min tokens", "/v1/completions", `{"model":"m","prompt":"a","max_tokens":3,"min_tokens":3}`, " w0 w1 w2", usage{1, 3, 4}},
	} {
		t.Run(x.name, func(t *testing.T) {
			status, body := s.call(t, "POST", x.path, x.body)
			if status != http.StatusOK {
				t.Fatalf("status %d: %s", status, body)
			}
			c := parseChunk(t, body)
			if got := c.Choices[0].Text + c.Choices[0].Message.Content; got != x.text || c.Usage == nil || *c.Usage != x.usage || c.Choices[0].Finish != "length" {
				t.Errorf("answer %s", body)
			}
		})
	}
}

func TestEndOfTextIsHonoured(t *testing.T) {
	s := start(t, fast()...)
	stopped := 0
	for range 20 {
		_, body := s.call(t, "POST", "/v1/completions", `{"model":"m","prompt":"a","max_tokens":50,"min_tokens":10}`)
		c := parseChunk(t, body)
		if n := c.Usage.CompletionTokens; n < 10 || n > 50 {
			t.Errorf("%d tokens, want 10..50", n)
		}
		if c.Choices[0].Finish == "stop" {
			stopped++
		}
	}
	if stopped < 15 {
		t.Errorf("%d of 20 texts ended by themselves", stopped)
	}
}

func TestBadRequests(t *testing.T) {
	s := start(t, fast("--max-sequence-length", "100")...)
	for _, x := range []struct {
		name, body string
		status     int
		message    string
	}{
		{"no JSON", `{"model":`, 400, "no valid JSON"},
		{"other model", `{"model":"x","prompt":"a"}`, 404, `this server has \"m\"`},
		{"empty prompt", `{"model":"m","prompt":"  "}`, 400, "the prompt is empty"},
		{"no prompt", `{"model":"m"}`, 400, "neither a string"},
		{"two choices", `{"model":"m","prompt":"a","n":2}`, 400, "n is 2"},
		{"too long", `{"model":"m","prompt":"a b c","max_tokens":98}`, 400, "3 prompt and 98 output tokens"},
		{"no tokens", `{"model":"m","prompt":"a","max_tokens":0}`, 400, "max_tokens is 0"},
		{"negative min", `{"model":"m","prompt":"a","max_tokens":3,"min_tokens":-1}`, 400, "min_tokens is -1"},
		{"min above max", `{"model":"m","prompt":"a","max_tokens":3,"min_tokens":4}`, 400, "min_tokens is 4"},
		{"prompt fills all", `{"model":"m","prompt":"` + strings.Repeat("a ", 100) + `"}`, 400, "longest sequence (100 tokens)"},
	} {
		t.Run(x.name, func(t *testing.T) {
			status, body := s.call(t, "POST", "/v1/completions", x.body)
			if status != x.status || !strings.Contains(body, x.message) {
				t.Errorf("status %d, body %s", status, body)
			}
		})
	}
	if status, body := s.call(t, "POST", "/v1/chat/completions", `{"model":"m","messages":[{"role":"user","content":[{"type":"image_url"}]}]}`); status != 400 || !strings.Contains(body, "text only") {
		t.Errorf("image part: status %d, body %s", status, body)
	}
	if status, _ := s.call(t, "GET", "/v1/completions", ""); status != http.StatusMethodNotAllowed {
		t.Errorf("GET gives %d", status)
	}
}

func TestInformation(t *testing.T) {
	s := start(t, fast("--tensor-parallel", "2", "--kv-cache-quant", "fp8", "--kv-cache-tokens", "1000", "--engine-version", "0.7", "--prefix-cache")...)
	if status, _ := s.call(t, "GET", "/health", ""); status != http.StatusOK {
		t.Errorf("health is %d", status)
	}
	if _, body := s.call(t, "GET", "/version", ""); body != `{"version":"0.7"}`+"\n" {
		t.Errorf("version is %s", body)
	}
	if _, body := s.call(t, "GET", "/v1/models", ""); !strings.Contains(body, `"id":"m"`) || !strings.Contains(body, `"max_model_len":2000`) {
		t.Errorf("models are %s", body)
	}
	prompt := `{"model":"m","prompt":"` + strings.Repeat("a ", 64) + `","max_tokens":5,"ignore_eos":true}`
	s.call(t, "POST", "/v1/completions", prompt)
	s.call(t, "POST", "/v1/completions", prompt)
	_, metrics := s.call(t, "GET", "/metrics", "")
	for _, line := range []string{
		"aicv_sim_requests_completed_total 2\n", "aicv_sim_generation_tokens_total 10\n", "aicv_sim_prefix_cache_query_tokens_total 128\n",
		"aicv_sim_prefix_cache_hit_tokens_total 48\n", "aicv_sim_prompt_tokens_total 80\n", "aicv_sim_kv_cache_tokens 2000\n",
		"aicv_sim_requests_running 0\n", "aicv_sim_preemptions_total 0\n", "# TYPE aicv_sim_steps_total counter\n",
	} {
		if !strings.Contains(metrics, line) {
			t.Errorf("metrics lack %q:\n%s", line, metrics)
		}
	}
}

func TestRequestLog(t *testing.T) {
	s := start(t, fast()...)
	before := time.Now().UnixNano()
	s.call(t, "POST", "/v1/completions", `{"model":"m","prompt":"a b","max_tokens":3,"ignore_eos":true,"stream":true}`)
	s.call(t, "POST", "/v1/completions", `{"model":"x"}`)
	s.Close() // waits for the handlers, which log last
	var records []RequestRecord
	decoder := json.NewDecoder(s.log)
	for decoder.More() {
		var r RequestRecord
		if err := decoder.Decode(&r); err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
	if len(records) != 2 {
		t.Fatalf("%d records", len(records))
	}
	r := records[0]
	if r.ID != 1 || r.Endpoint != "completion" || r.Status != 200 || r.Input != 2 || r.Output != 3 || len(r.TokenNS) != 3 || r.Error != "" {
		t.Errorf("record %+v", r)
	}
	last := before
	for _, at := range append(append([]int64{r.ReceivedNS}, r.TokenNS...), r.DoneNS) {
		if at < last {
			t.Errorf("times go back: %+v", r)
		}
		last = at
	}
	if records[1].Status != 404 || records[1].Error == "" {
		t.Errorf("record %+v", records[1])
	}
}

func TestEffectiveOverHTTP(t *testing.T) {
	s := start(t, fast("--tensor-parallel", "4", "--max-batch-tokens", "2048", "--chunked-prefill=false")...)
	r := &runtime{component: &spec.Component{}}
	got, err := r.Effective(t.Context(), spec.Server{URL: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"attention_data_parallel": "1", "chunked_prefill": "false", "gemm_quant": "bfloat16", "kv_cache_quant": "bfloat16",
		"max_batch_size": "256", "max_batch_tokens": "2048", "max_sequence_length": "2048", "pipeline_parallel": "1",
		"prefix_cache": "false", "replicas": "1", "schedule_policy": "fcfs", "tensor_parallel": "4",
		"attention_quant": "bfloat16", "comm_quant": "half", "cuda_graphs": "true", "dtype": "bfloat16", "moe_quant": "bfloat16",
		"kv_cache_tokens": "400000", "moe_expert_parallel": "1", "moe_tensor_parallel": "1", "speculative_tokens": "0",
	}
	items := map[string]string{}
	for _, item := range got {
		items[item.Name] = item.Value.Text()
	}
	if diff := cmp.Diff(want, items); diff != "" {
		t.Error(diff)
	}
	s.Close()
	if _, err := r.Effective(t.Context(), spec.Server{URL: s.URL}); err == nil {
		t.Error("a server that is gone must give an error")
	}
}

func TestShares(t *testing.T) {
	server, err := NewServer([]string{"--seed", "5", "--fault-http-500-share", "0.2", "--fault-stall-share", "0.1"})
	if err != nil {
		t.Fatal(err)
	}
	failed, stalled := 0, 0
	for i := range int64(10_000) {
		f := server.fateOf(i)
		if f != server.fateOf(i) {
			t.Fatal("a request's fate changes")
		}
		if f.http500 {
			failed++
		}
		if f.stall {
			stalled++
		}
		if f.truncate || f.wrongUsage {
			t.Fatal("a fault that was not asked for")
		}
	}
	if failed < 1850 || failed > 2150 || stalled < 880 || stalled > 1120 {
		t.Errorf("%d failed and %d stalled of 10,000", failed, stalled)
	}
}

func TestFaults(t *testing.T) {
	const stream = `{"model":"m","prompt":"a b","max_tokens":8,"ignore_eos":true,"stream":true,"stream_options":{"include_usage":true}}`
	t.Run("http 500", func(t *testing.T) {
		if status, body := start(t, fast("--fault-http-500-share", "1")...).call(t, "POST", "/v1/completions", stream); status != 500 || !strings.Contains(body, "on demand") {
			t.Errorf("status %d: %s", status, body)
		}
	})
	t.Run("truncated", func(t *testing.T) {
		status, body := start(t, fast("--fault-truncate-share", "1")...).call(t, "POST", "/v1/completions", stream)
		if got := events(body); status != 200 || len(got) != 4 || strings.Contains(body, "[DONE]") {
			t.Errorf("status %d, events %q", status, got)
		}
	})
	t.Run("wrong usage", func(t *testing.T) {
		_, body := start(t, fast("--fault-wrong-usage-share", "1")...).call(t, "POST", "/v1/completions", stream)
		if !strings.Contains(body, `"completion_tokens":11`) {
			t.Errorf("body %s", body)
		}
	})
	t.Run("never ready", func(t *testing.T) {
		s := start(t, fast("--fault-never-ready")...)
		for _, path := range []string{"/health", "/v1/models"} {
			if status, _ := s.call(t, "GET", path, ""); status != http.StatusServiceUnavailable {
				t.Errorf("%s gives %d", path, status)
			}
		}
		if status, _ := s.call(t, "POST", "/v1/completions", stream); status != http.StatusServiceUnavailable {
			t.Errorf("a request gives %d", status)
		}
	})
	t.Run("slow start", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			server, err := NewServer(fast("--fault-slow-start", "5s"))
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []int{http.StatusServiceUnavailable, http.StatusOK} {
				answer := httptest.NewRecorder()
				server.Handler().ServeHTTP(answer, httptest.NewRequest("GET", "/health", nil))
				if answer.Code != want {
					t.Errorf("health is %d, want %d", answer.Code, want)
				}
				time.Sleep(5 * time.Second)
			}
		})
	})
	t.Run("stall", func(t *testing.T) {
		s := start(t, fast("--fault-stall-share", "1", "--fault-stall-after", "2")...)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		request, err := http.NewRequestWithContext(ctx, "POST", s.URL+"/v1/completions", strings.NewReader(stream))
		if err != nil {
			t.Fatal(err)
		}
		response, err := s.Client().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		lines := bufio.NewReader(response.Body)
		for range 4 { // two events, a blank line after each
			if _, err := lines.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
		}
		time.AfterFunc(100*time.Millisecond, cancel)
		if rest, err := io.ReadAll(lines); len(rest) > 0 || err == nil {
			t.Errorf("%q follows, error %v", rest, err)
		}
	})
	t.Run("crash after requests", func(t *testing.T) {
		s := start(t, fast("--fault-crash-after-requests", "2")...)
		s.call(t, "POST", "/v1/completions", stream)
		s.call(t, "POST", "/v1/completions", stream)
		select {
		case err := <-s.ran:
			if !errors.Is(err, errCrashed) {
				t.Errorf("the engine ended with %v", err)
			}
		case <-time.After(time.Minute):
			t.Error("the engine still runs")
		}
	})
}

// TestClientGone checks that a request whose client leaves frees its place.
func TestClientGone(t *testing.T) {
	s := start(t, "--model", "m", "--cost-weights", "1ms")
	ctx, cancel := context.WithCancel(t.Context())
	request, err := http.NewRequestWithContext(ctx, "POST", s.URL+"/v1/completions",
		strings.NewReader(`{"model":"m","prompt":"a","max_tokens":30000,"ignore_eos":true,"stream":true}`))
	if err != nil {
		t.Fatal(err)
	}
	response, err := s.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := response.Body.Read(make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	cancel()
	_ = response.Body.Close()
	for range 3000 {
		if _, metrics := s.call(t, "GET", "/metrics", ""); strings.Contains(metrics, "aicv_sim_requests_running 0\n") && strings.Contains(metrics, "aicv_sim_kv_cache_usage_ratio 0\n") {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Error("the request still runs")
}

func FuzzRequest(f *testing.F) {
	f.Add(`{"model":"m","prompt":"a b","max_tokens":3}`)
	f.Add(`{"model":"m","messages":[{"role":"user","content":"x"}],"stream":true}`)
	f.Add(`{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"x"}]}],"min_tokens":9}`)
	f.Add(`{"model":"m","prompt":[1,2,3],"max_tokens":-5}`)
	f.Add(`{"model":"m","prompt":[]}`)
	f.Add(`[]`)
	server, err := NewServer([]string{"--model", "m"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body string) {
		for _, at := range []endpoint{chat, completion} {
			g, err := server.parse(httptest.NewRequest("POST", "/", strings.NewReader(body)), at, 0.5)
			if err == nil && (g.input < 1 || g.output < 1 || g.input+g.output > server.settings.maxSequence || g.finish == "") {
				t.Errorf("%q was accepted as %+v", body, g)
			}
		}
	})
}
