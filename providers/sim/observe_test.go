package sim

import (
	"strings"
	"testing"

	"aicv/spec"
)

// observed starts an engine and gives what reads it.
func observed(t *testing.T, args ...string) (*started, *runtime, spec.Server) {
	t.Helper()
	s := start(t, fast(args...)...)
	return s, &runtime{component: &spec.Component{}}, spec.Server{URL: s.URL}
}

func TestCountersAndFlush(t *testing.T) {
	s, r, server := observed(t, "--prefix-cache")
	prompt := `{"model":"m","prompt":"` + strings.Repeat("a ", 64) + `","max_tokens":5,"ignore_eos":true}`
	hits := func() float64 {
		s.call(t, "POST", "/v1/completions", prompt)
		c, err := r.Counters(t.Context(), server)
		if err != nil || c.PrefixCacheHits == nil || c.PrefixCacheQueries == nil || c.Preemptions == nil || c.Running == nil || c.Waiting == nil ||
			c.PromptTokens == nil || c.GenerationTokens == nil || c.KVCacheUsage == nil {
			t.Fatalf("%+v, %v", c, err)
		}
		return *c.PrefixCacheHits
	}
	if first, second := hits(), hits(); first != 0 || second != 48 {
		t.Errorf("hits %v, then %v", first, second)
	}
	if err := r.FlushCache(t.Context(), server); err != nil {
		t.Fatal(err)
	}
	if third := hits(); third != 48 {
		t.Errorf("hits after the flush: %v in all, want the 48 from before", third)
	}
}

func TestUnreadableAnswers(t *testing.T) {
	_, r, server := observed(t, "--fault-keep-cache", "--fault-hide-configuration", "--fault-version", "9.9")
	if err := r.FlushCache(t.Context(), server); err == nil || !strings.Contains(err.Error(), "400") {
		t.Errorf("flush: %v", err)
	}
	if c, err := r.Effective(t.Context(), server); err == nil {
		t.Errorf("effective: %v", c)
	}
	if v, err := r.Version(t.Context(), server); err != nil || v != "9.9" {
		t.Errorf("version %q, %v", v, err)
	}
	c := parseCounters([]byte("aicv_sim_preemptions_total NaN\naicv_sim_requests_running -1\naicv_sim_requests_waiting\nother 1\n\xff"))
	if c != (spec.Counters{}) {
		t.Errorf("counters of nonsense: %+v", c)
	}
}

func TestLoweredLimits(t *testing.T) {
	s, r, server := observed(t, "--max-batch-tokens", "1024", "--fault-lower-batch-tokens", "256", "--fault-lower-batch-size", "3", "--fault-lower-after-requests", "1")
	limits := func() string {
		c, err := r.Effective(t.Context(), server)
		if err != nil {
			t.Fatal(err)
		}
		return c.Get(spec.ItemMaxBatchTokens).Text() + "/" + c.Get(spec.ItemMaxBatchSize).Text()
	}
	if got := limits(); got != "1024/256" {
		t.Errorf("at first %s", got)
	}
	for range 2 { // the second request's steps see that the first has ended
		s.call(t, "POST", "/v1/completions", `{"model":"m","prompt":"a b","max_tokens":2,"ignore_eos":true}`)
	}
	if got := limits(); got != "256/3" {
		t.Errorf("in the end %s", got)
	}
}

func TestSystemPromptCounts(t *testing.T) {
	s, _, _ := observed(t, "--fault-system-prompt", "32")
	_, body := s.call(t, "POST", "/v1/chat/completions", `{"model":"m","messages":[{"role":"user","content":"a b"}],"max_tokens":2,"ignore_eos":true}`)
	if !strings.Contains(body, `"prompt_tokens":34`) {
		t.Errorf("%s", body)
	}
}

func TestEarlyStop(t *testing.T) {
	s, _, _ := observed(t, "--fault-early-stop-share", "1")
	_, body := s.call(t, "POST", "/v1/completions", `{"model":"m","prompt":"a b","max_tokens":8,"ignore_eos":true}`)
	if !strings.Contains(body, `"completion_tokens":4`) || !strings.Contains(body, `"finish_reason":"stop"`) {
		t.Errorf("%s", body)
	}
}
