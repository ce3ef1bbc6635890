package results

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"aicv/metric"
	"aicv/spec"
)

// autotuner reads the results file of inference-autotuner: per experiment it keeps the
// aggregates of genai-bench at each concurrency, in seconds. Its own metrics are averages
// over these, which are of no load, and are not taken.
func autotuner(data []byte) ([]Record, error) {
	experiments, err := objects(data, "all_results")
	if err != nil {
		return nil, err
	}
	t, other := autotunerTable(), map[string]bool{}
	var all []Record
	for i, e := range experiments {
		records, rest, err := t.experiment(e, fmt.Sprintf("experiment %d", i+1))
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(records, func(r Record) bool { return r.Refused == "" }) {
			other[rest] = true
		}
		all = append(all, records...)
	}
	if len(other) > 1 {
		for i := range all {
			all[i] = Record{Source: all[i].Source, Refused: "the file's experiments differ in " + strings.Join(slices.Sorted(maps.Keys(other)), " and ") + ", which an import can not say: cut it to one of them"}
		}
	}
	return all, nil
}

// experiment reads the runs of one experiment; rest are the parameters that no item stands
// for.
func (t *table) experiment(e object, source string) (records []Record, rest string, err error) {
	if e.at("status") == nil {
		return []Record{{Source: source, Refused: "it is no experiment of inference-autotuner; what genai-bench wrote is imported as genai-bench"}}, "", nil
	}
	if e.text("status") != "success" {
		return []Record{{Source: source, Refused: "it did not succeed"}}, "", nil
	}
	raw := e.at("metrics.raw_results")
	var runs []object
	if json.Unmarshal(raw, &runs) != nil || len(runs) == 0 {
		return []Record{{Source: source, Refused: "it holds no figures, only how the benchmark was called: import the folder that genai-bench wrote"}}, "", nil
	}
	settings, rest, err := autotunerSettings(e)
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", source, err)
	}
	for i, run := range runs {
		r, err := t.record(run)
		if err != nil {
			r = Record{Refused: err.Error()}
		}
		r.Source, r.Settings, r.GPUs = fmt.Sprintf("%s run %d", source, i+1), settings, 1
		for _, name := range []string{spec.ItemTensorParallel, spec.ItemPipelineParallel} {
			if n, err := strconv.Atoi(settings[name]); err == nil {
				r.GPUs *= n
			}
		}
		if rest != "" {
			r.Caveats = append(slices.Clone(r.Caveats), "the engine ran with "+rest+", which the suite does not say")
		}
		r.PerGPU()
		records = append(records, r)
	}
	return records, rest, nil
}

// autotunerSettings reads an experiment's parameters, which are flags of the engine.
func autotunerSettings(e object) (settings map[string]string, rest string, err error) {
	var parameters object
	if raw := e.at("parameters"); raw != nil {
		if err := json.Unmarshal(raw, &parameters); err != nil {
			return nil, "", fmt.Errorf("its parameters can not be read: %w", err)
		}
	}
	settings = map[string]string{}
	var others []string
	for _, flag := range slices.Sorted(maps.Keys(parameters)) {
		item := map[string]string{
			"tp-size": spec.ItemTensorParallel, "tensor-parallel-size": spec.ItemTensorParallel, "pp-size": spec.ItemPipelineParallel, "pipeline-parallel-size": spec.ItemPipelineParallel,
			"mem-fraction-static": spec.ItemMemoryFraction, "gpu-memory-utilization": spec.ItemMemoryFraction,
		}[strings.ReplaceAll(flag, "_", "-")]
		n, number := parameters.number(flag)
		switch {
		case item == "":
			others = append(others, flag+"="+string(parameters[flag]))
		case !number || n <= 0 || n > 1<<16 || item != spec.ItemMemoryFraction && n != math.Trunc(n):
			return nil, "", fmt.Errorf("its parameter %s is %s", flag, bounded(string(parameters[flag])))
		default:
			settings[item] = strconv.FormatFloat(n, 'f', -1, 64)
		}
	}
	return settings, strings.Join(others, ", "), nil
}

// autotunerTable is genai-bench's aggregates.
func autotunerTable() *table {
	t := &table{
		tool: "inference-autotuner (genai-bench)", window: spec.WindowWholeRun, concurrency: []string{"num_concurrency"},
		input: []string{"stats.num_input_tokens.mean"}, output: []string{"stats.num_output_tokens.mean"},
		requests: []string{"num_completed_requests"}, failed: []string{"num_error_requests"}, duration: []string{"run_duration"},
		fields: []field{{"mean_output_throughput_tokens_per_s", metric.TotalThroughput, 1}, {"requests_per_second", metric.RequestThroughput, 1}},
		refuse: autotunerRun, doubt: nothing, finish: autotunerUnit,
	}
	names := map[int]string{0: "mean", 50: "p50", 75: "p75", 90: "p90", 95: "p95", 99: "p99"}
	for _, d := range []struct {
		name string
		base metric.Name
	}{{"ttft", metric.TTFT}, {"tpot", metric.TPOT}, {"e2e_latency", metric.Latency}} {
		t.fields = append(t.fields, spreadOf("stats."+d.name+".", d.base, 1000, names, "")...)
	}
	return t
}

// autotunerRun refuses loads without fixed lengths.
func autotunerRun(o object) string {
	if s := o.text("scenario"); !strings.HasPrefix(s, "D(") {
		return "its scenario " + bounded(s) + " has no fixed lengths, and cells have"
	}
	if wide(o, "stats.num_output_tokens") {
		return "its answers had different lengths, and cells have one"
	}
	return ""
}

// autotunerUnit holds the run against Little's law: the file does not say its unit of time,
// which is a second unless somebody told genai-bench otherwise.
func autotunerUnit(_ object, r *Record) error {
	latency, rate := r.Figures[metric.Latency], r.Figures[metric.TotalThroughput]
	if latency == 0 || rate == 0 {
		return nil
	}
	law := float64(r.Load.Concurrency*r.Load.OutputTokens) / (latency / 1000)
	if gap := rate/law - 1; gap < -0.5 || gap > 0.5 {
		return fmt.Errorf("its latency can not be in seconds: Little's law (concurrency x output tokens / latency) gives %.4g output tokens/s, and there were %.4g", law, rate)
	} else if math.Abs(gap) > littlesTolerance {
		r.Caveats = append(slices.Clone(r.Caveats), fmt.Sprintf("at concurrency %d its rate lies %+.1f %% off Little's law: the window holds the start burst and the closing tick", r.Load.Concurrency, 100*gap))
	}
	return nil
}
