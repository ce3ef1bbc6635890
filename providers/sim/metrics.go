package sim

import (
	"fmt"
	"net/http"
	"strings"
)

// metricPrefix stands before the name of each metric.
const metricPrefix = "aicv_sim_"

// metrics answers in Prometheus' text format.
func (s *Server) metrics(w http.ResponseWriter, _ *http.Request) {
	total, busy, completed := s.engine.totals()
	var b strings.Builder
	write := func(name, kind, help string, value float64) {
		fmt.Fprintf(&b, "# HELP %[1]s %[2]s\n# TYPE %[1]s %[3]s\n%[1]s %[4]g\n", metricPrefix+name, help, kind, value)
	}
	write("requests_running", "gauge", "Requests in the running batch.", float64(total.running))
	write("requests_waiting", "gauge", "Requests that wait for admission.", float64(total.waiting))
	write("kv_cache_usage_ratio", "gauge", "Share of the KV cache in use.", float64(total.kvUsed)/float64(total.kvCapacity))
	write("kv_cache_tokens", "gauge", "Size of the KV cache in tokens.", float64(total.kvCapacity))
	write("requests_completed_total", "counter", "Requests whose last token was generated.", float64(completed))
	write("prompt_tokens_total", "counter", "Prompt tokens computed.", float64(total.promptTokens))
	write("generation_tokens_total", "counter", "Output tokens generated.", float64(total.generatedTokens))
	write("preemptions_total", "counter", "Requests preempted for lack of KV cache.", float64(total.preemptions))
	write("prefix_cache_query_tokens_total", "counter", "Prompt tokens looked up in the prefix cache.", float64(total.prefixQueryTokens))
	write("prefix_cache_hit_tokens_total", "counter", "Prompt tokens found in the prefix cache.", float64(total.prefixHitTokens))
	write("steps_total", "counter", "Steps of the engine.", float64(total.steps))
	write("step_seconds_total", "counter", "Time spent in steps.", busy.Seconds())
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = w.Write([]byte(b.String())) // a client that is gone needs no answer
}
