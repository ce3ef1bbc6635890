package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestTuningTasksAsPublished holds the tasks that the project published to what is said of
// them: limits by percentile with weights, minutes for genai-bench, a temperature written as
// a text, a quantization by its own words, and data sets, which are not taken.
func TestTuningTasksAsPublished(t *testing.T) {
	root := fixtures(t, "inference-autotuner")
	for file, rows := range map[string]map[string][2]string{ // source: item, fidelity
		"docker_task_with_slo.json": {
			"slo.latency.p50": {"slo.latency_p50", "approximate"}, "slo.latency.p90": {"slo.latency_p90", "approximate"}, "slo.latency.p99": {"slo.latency_p99", "approximate"},
			"slo.ttft": {"slo.ttft", "approximate"}, "slo.tpot": {"slo.tpot", "approximate"}, "slo.steepness": {"", "unsupported"},
			"benchmark.max_time_per_iteration": {"benchmark.genaibench.max_time", "approximate"}, "optimization.timeout_per_iteration": {"", "unsupported"},
		},
		"quant_custom_task.json":        {"quant_config.gemm_dtype": {"gemm_quant", "approximate"}, "quant_config.kvcache_dtype": {"kv_cache_quant", "exact"}},
		"simple_task.json":              {"benchmark.additional_params": {"benchmark.genaibench.params", "approximate"}},
		"docker_task_with_dataset.json": {"benchmark.dataset_url": {"", "unsupported"}, "benchmark.dataset_deduplicate": {"", "unsupported"}},
	} {
		t.Run(strings.TrimSuffix(file, ".json"), func(t *testing.T) {
			got := map[string][2]string{}
			list, _ := importFixture(t, filepath.Join(root, file))["rows"].([]any)
			for _, r := range list {
				row, _ := r.(map[string]any)
				source, _ := row["field"].(string)
				item, _ := row["item"].(string)
				fidelity, _ := row["fidelity"].(string)
				got[source] = [2]string{item, fidelity}
			}
			for source, want := range rows {
				if got[source] != want {
					t.Errorf("%s is %v, want %v", source, got[source], want)
				}
			}
		})
	}
}
