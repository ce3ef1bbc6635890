package results

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"aicv/metric"
	"aicv/spec"
)

// Format is a kind of foreign result.
type Format struct {
	Name string
	Doc  string // one sentence, with its traps

	read   func(data []byte) ([]Record, error)
	folder func(dir string) ([]Record, error) // of formats that are folders; nil: each file by itself
	file   string                             // the only file of a folder that is read; empty: all JSON
	skip   []string                           // files of a folder that hold no results

	requestsFile string // beside a result, with its requests
	requests     func(data []byte, r *Record) error
}

// Formats lists the formats that can be imported.
func Formats() []Format {
	return []Format{
		{Name: "genai-bench", Doc: "experiment folder of genai-bench; figures from its rows, whole-run window", folder: genaiRecords},
		{Name: "vllm", Doc: "JSON of vllm bench serve, from its requests with --save-detailed; of chat endpoints its TTFT is of the role chunk and is left out", read: vllmTable().read},
		{Name: "sglang", Doc: "JSON lines of sglang.bench_serving, from its requests with --output-details; only fixed lengths (random_range_ratio 1)", read: sglangTable().read},
		{Name: "aiperf", Doc: "profile_export_aiperf.json, from the requests in profile_export.jsonl beside it; its inter_token_latency is our tpot", read: aiperfTable().read,
			file: "profile_export_aiperf.json", requestsFile: "profile_export.jsonl", requests: aiperfRequests},
		{Name: "guidellm", Doc: "JSON report of guidellm, from its requests where it has all; its time_per_output_token counts the first token and is left out", read: guidellmTable().read},
		{Name: "inference-perf", Doc: "stage reports of inference-perf, in seconds; its rates are of an unknown window where it does not say how long a stage took", read: inferencePerfTable().read,
			skip: []string{"per_request_lifecycle_metrics.json", "validation.json"}},
		{Name: "inferencex", Doc: "InferenceX results (agg_*.json), in seconds; tput_per_gpu counts input tokens and is left out", read: inferenceX},
		{Name: "autotuner", Doc: "results file of inference-autotuner: genai-bench's aggregates at each concurrency; its own averages over them are left out", read: autotuner},
		{Name: CSV, Doc: "plain CSV; --map COLUMN=METRIC[:UNIT] and --map COLUMN=ITEM say what its columns hold, --window over what time", read: csvUnmapped},
	}
}

// medians are the names of the statistics of vLLM's and SGLang's clients.
func medians() map[int]string {
	return map[int]string{0: "mean", 50: "median", 75: "p75", 90: "p90", 95: "p95", 99: "p99"}
}

// servingFields are those that vLLM's client and SGLang's share.
func servingFields(latency string) []field {
	fields := []field{{"output_throughput", metric.TotalThroughput, 1}, {"request_throughput", metric.RequestThroughput, 1}}
	fields = append(fields, spreadOf("", metric.TTFT, 1, medians(), "_ttft_ms")...)
	fields = append(fields, spreadOf("", metric.TPOT, 1, medians(), "_tpot_ms")...)
	return append(fields, spreadOf("", metric.Latency, 1, medians(), latency)...)
}

func vllmTable() *table {
	return &table{
		tool: "vllm bench serve", capped: true, window: spec.WindowWholeRun, model: []string{"model_id"}, gpus: []string{"gpus"}, runtime: []string{"runtime"}, engine: []string{"version"},
		concurrency: []string{"max_concurrency"}, rate: []string{"request_rate"}, input: []string{"input_len", "random_input_len"}, output: []string{"output_len", "random_output_len"},
		requests: []string{"completed"}, failed: []string{"failed"}, duration: []string{"duration"}, fields: servingFields("_e2el_ms"), doubt: roleChunk, refuse: unequal, burst: unlimited, detail: servingDetail,
		caveat: []string{"the window reaches from the first request to the last answer, so that the tail counts"},
	}
}

// nothing doubts nothing.
func nothing(object) []Doubt { return nil }

// roleChunk doubts the TTFT of chat endpoints: the client takes the first chunk with a
// choice, which carries the role and no text.
func roleChunk(o object) []Doubt {
	if b := o.text("backend"); b != "openai-chat" && b != "" {
		return nil
	}
	return inObject(o, spreadOf("", metric.TTFT, 1, medians(), "_ttft_ms"), "of a chat endpoint (or of an unknown one) it ends with the chunk that carries the role, before any text")
}

// inObject doubts those of the fields that an object has.
func inObject(o object, fields []field, why string) []Doubt {
	var list []Doubt
	for _, f := range fields {
		if o.at(f.path) != nil {
			list = append(list, Doubt{f.path, why, f.metric})
		}
	}
	return list
}

// unlimited reports whether requests were sent as fast as they could be.
func unlimited(o object) bool {
	rate := o.at("request_rate")
	return rate != nil && (o.text("request_rate") == "inf" || string(rate) == "null") // Infinity was made null
}

// unequal refuses results whose requests had different lengths. Where it is known which of
// them failed, and thus have none, their rows are looked at in its place.
func unequal(o object) string {
	if o.at("errors") != nil {
		return ""
	}
	if !o.same("input_lens") || !o.same("output_lens") {
		return "its requests had different lengths, and cells have one; measure with --random-range-ratio 0"
	}
	return ""
}

func sglangTable() *table {
	return &table{
		tool: "sglang.bench_serving", capped: true, window: spec.WindowWholeRun, model: []string{"model_id", "model", "server_info.model_path"}, runtime: []string{"runtime"}, engine: []string{"server_info.version"}, gpus: []string{"gpus"},
		concurrency: []string{"max_concurrency"}, rate: []string{"request_rate"}, input: []string{"random_input_len"}, output: []string{"random_output_len"},
		requests: []string{"completed"}, duration: []string{"duration"}, fields: servingFields("_e2e_latency_ms"), refuse: rangeRatio, doubt: uncounted, burst: unlimited, detail: servingDetail,
		caveat: []string{"where the server gave no usage, the tool took the output length asked for as the one it got"},
	}
}

// uncounted says that failed requests are not counted where the details are not there.
func uncounted(o object) []Doubt {
	if o.at("errors") != nil {
		return nil
	}
	return []Doubt{{Field: "error_rate", Why: "without --output-details the tool does not say how many requests failed"}}
}

// rangeRatio refuses lengths that vary: of SGLang's client the ratio is a lower bound,
// and 0, its default, means anything from one token on.
func rangeRatio(o object) string {
	if r, ok := o.number("random_range_ratio"); !ok || r != 1 {
		return "its lengths vary (random_range_ratio is not 1), and cells have one; measure with --random-range-ratio 1"
	}
	return unequal(o)
}

func aiperfTable() *table {
	names := map[int]string{0: "avg", 50: "p50", 75: "p75", 90: "p90", 95: "p95", 99: "p99"}
	t := &table{
		tool: "aiperf", capped: true, window: spec.WindowWholeRun, version: []string{"aiperf_version"},
		model:       []string{"input_config.models.items[].name", "input_config.endpoint.model_names", "model"}, // since 0.13; before
		concurrency: []string{"input_config.phases[kind=profiling].concurrency", "input_config.loadgen.concurrency", "concurrency"},
		rate:        []string{"input_config.phases[kind=profiling].rate", "input_config.loadgen.request_rate"},
		input:       []string{"usage_prompt_tokens.avg", "input_sequence_length.avg"}, output: []string{"usage_completion_tokens.avg", "output_sequence_length.avg"},
		requests: []string{"request_count.avg"}, failed: []string{"error_request_count.avg"}, duration: []string{"benchmark_duration.avg"},
		fields: []field{{"output_token_throughput.avg", metric.TotalThroughput, 1}, {"request_throughput.avg", metric.RequestThroughput, 1}},
		never:  []Doubt{{Field: "output_token_throughput_per_user", Why: "it is the mean of inverses; user_throughput is the inverse of the mean"}},
		refuse: aiperfUnits, doubt: ownTokens, finish: cancelled, caveat: []string{"tokens are counted by the tool's own tokenizer, unless the server's count is there"},
	}
	for _, d := range []struct {
		tag  string
		base metric.Name
	}{{"time_to_first_token", metric.TTFT}, {"inter_token_latency", metric.TPOT}, {"request_latency", metric.Latency}} {
		t.fields = append(t.fields, spreadOf(d.tag+".", d.base, 1, names, "")...)
	}
	return t
}

// aiperfUnits refuses results in other units than those that the table is for, and of
// lengths that vary.
func aiperfUnits(o object) string {
	for _, tag := range []string{"time_to_first_token", "inter_token_latency", "request_latency"} {
		if u := o.text(tag + ".unit"); u != "" && u != "ms" {
			return "its " + tag + " is in " + u + "; only ms is known"
		}
	}
	return aiperfLengths(o)
}

// cancelled says that somebody ended the run.
func cancelled(o object, r *Record) error {
	if o.isTrue("was_cancelled") {
		r.Caveats = append(slices.Clone(r.Caveats), "the run was cancelled: its figures are of the requests that had ended")
	}
	return nil
}

// ownTokens doubts what is of tokens where the tool's tokenizer counted others than the
// server: prompts and answers that are read back are not what was sent.
func ownTokens(o object) []Doubt {
	off, known := o.number("usage_completion_tokens_diff_pct.avg")
	if !known || off <= 100*ownTolerance {
		return nil
	}
	why := fmt.Sprintf("the tool's tokenizer counts other output tokens than the server does, by %.3g %%; measure with --use-server-token-count, or import the folder with profile_export.jsonl", off)
	return inObject(o, slices.DeleteFunc(aiperfTable().fields, func(f field) bool {
		m, _ := metric.Lookup(f.metric)
		return m.Base != metric.TPOT && m.Base != metric.TotalThroughput
	}), why)
}

func aiperfLengths(o object) string {
	if wide(o, "output_sequence_length") || wide(o, "input_sequence_length") {
		return "its requests had different lengths, and cells have one; measure with --isl-stddev 0 --osl-stddev 0"
	}
	return ""
}

// wide reports whether lengths vary by more than the template's few tokens.
func wide(o object, tag string) bool {
	low, a := o.number(tag + ".min")
	high, b := o.number(tag + ".max")
	return a && b && varied(low, high)
}

func guidellmTable() *table {
	t := &table{
		tool: "guidellm", list: "benchmarks", window: spec.WindowUnknown, version: []string{"metadata.guidellm_version"}, model: []string{"config.backend.model", "model"},
		concurrency: []string{"config.strategy.streams", "args.strategy.streams"}, // its max_concurrency is what the client can hold, and no load
		rate:        []string{"config.strategy.rate", "args.strategy.rate"},
		input:       []string{"metrics.prompt_token_count.successful.mean"}, output: []string{"metrics.output_token_count.successful.mean"},
		requests: []string{"metrics.request_totals.successful", "request_totals.successful"}, failed: []string{"metrics.request_totals.errored", "request_totals.errored"},
		fields:   []field{{"metrics.output_tokens_per_second.successful.mean", metric.TotalThroughput, 1}, {"metrics.requests_per_second.successful.mean", metric.RequestThroughput, 1}},
		duration: []string{"duration"}, refuse: guidellmLengths, doubt: nothing, burst: guidellmBurst, detail: guidellmDetail,
		never: []Doubt{{Field: "metrics.time_per_output_token_ms", Why: "it counts the time to the first token too; inter_token_latency_ms is our tpot"}},
	}
	for _, d := range []struct {
		name   string
		base   metric.Name
		factor float64
	}{{"time_to_first_token_ms", metric.TTFT, 1}, {"inter_token_latency_ms", metric.TPOT, 1}, {"request_latency", metric.Latency, 1000}} {
		path := "metrics." + d.name + ".successful."
		t.fields = append(t.fields, spreadOf(path, d.base, d.factor, map[int]string{0: "mean", 50: "median"}, "")...)
		t.fields = append(t.fields, spreadOf(path+"percentiles.", d.base, d.factor, map[int]string{75: "p75", 90: "p90", 95: "p95", 99: "p99"}, "")...)
	}
	return t
}

// guidellmBurst reports whether all requests were sent at once.
func guidellmBurst(o object) bool {
	kind := o.first([]string{"config.strategy.type_", "args.strategy.type_"})
	return kind == "throughput"
}

// guidellmLengths refuses requests of different lengths.
func guidellmLengths(o object) string {
	if wide(o, "metrics.output_token_count.successful") || wide(o, "metrics.prompt_token_count.successful") {
		return "its requests had different lengths, and cells have one; measure with prompt_tokens and output_tokens without a deviation"
	}
	return ""
}

func inferencePerfTable() *table {
	t := &table{
		tool: "inference-perf", window: spec.WindowUnknown, rate: []string{"load_summary.requested_rate"}, concurrency: []string{"load_summary.concurrency"},
		input: []string{"successes.prompt_tokens.mean", "successes.prompt_len.mean"}, output: []string{"successes.output_tokens.mean", "successes.output_len.mean"}, // since 0.7; before
		requests: []string{"successes.count"}, failed: []string{"failures.count"}, refuse: keptUp, doubt: nothing, finish: inferencePerfWindow,
		fields: []field{{"successes.throughput.output_tokens_per_sec", metric.TotalThroughput, 1}, {"successes.throughput.requests_per_sec", metric.RequestThroughput, 1}},
		never: []Doubt{
			{Field: "successes.latency.normalized_time_per_output_token", Why: "it is latency / output tokens, which counts the first token too"},
			{Field: "successes.latency.inter_token_latency", Why: "it is of single gaps, not of requests"},
		},
	}
	for _, d := range []struct {
		name string
		base metric.Name
	}{{"time_to_first_token", metric.TTFT}, {"time_per_output_token", metric.TPOT}, {"request_latency", metric.Latency}} {
		t.fields = append(t.fields, spreadOf("successes.latency."+d.name+".", d.base, 1000, medians(), "")...)
	}
	return t
}

// inferencePerfWindow reads the window, where the report says how long the stage took: its
// rates are of that. Lengths that vary are said.
func inferencePerfWindow(o object, r *Record) error {
	lasted, known := o.number("benchmark_time_seconds")
	good, counted := o.number("successes.count")
	if rate := r.Figures[metric.RequestThroughput]; known && counted && lasted > 0 && math.Abs(good/lasted-rate) <= aggregateTolerance*rate {
		r.Window = spec.WindowWholeRun
	}
	for _, name := range []string{"successes.prompt_tokens", "successes.prompt_len", "successes.output_tokens", "successes.output_len"} {
		if wide(o, name) {
			r.Caveats = append(slices.Clone(r.Caveats), "lengths are means: the tool's requests vary in length")
			break
		}
	}
	return nil
}

// keptUp refuses stages in which the client sent less than it was asked to.
func keptUp(o object) string {
	asked, known := o.number("load_summary.requested_rate")
	if _, fixed := o.number("load_summary.concurrency"); !known && !fixed {
		return "it does not say its rate: a summary of several stages is of no load"
	}
	if sent, ok := o.number("load_summary.achieved_rate"); known && ok && sent < 0.95*asked {
		return fmt.Sprintf("the client did not keep up: %.4g of %.4g requests/s were sent, so its times are of another load", sent, asked)
	}
	return ""
}

// csvUnmapped says that columns need a mapping.
func csvUnmapped([]byte) ([]Record, error) {
	return nil, &spec.Error{Kind: spec.ErrUsage, Summary: "nobody says what the columns of the CSV file hold", Fix: "give --map COLUMN=METRIC[:UNIT] and --map COLUMN=ITEM; columns hold " + strings.Join(Holdable(), ", ")}
}

// Names lists the formats' names.
func Names() []string {
	var names []string
	for _, f := range Formats() {
		names = append(names, f.Name)
	}
	slices.Sort(names)
	return names
}
