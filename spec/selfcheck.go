package spec

import (
	"strconv"

	"aicv/metric"
)

// ThresholdKind says how a threshold is written and compared.
type ThresholdKind string

// The kinds of threshold. A requirement is on or off; it is off where no guard sets it.
const (
	ThresholdShare       ThresholdKind = "share"       // "5%"; the reading must not be above it
	ThresholdCount       ThresholdKind = "count"       // 0; the reading must not be above it
	ThresholdLeast       ThresholdKind = "least"       // 10; the reading must not be below it
	ThresholdRequirement ThresholdKind = "requirement" // true
)

// SelfCheck is one check that every measurement is put through when it is judged.
type SelfCheck struct {
	Name      string          // of its findings
	Threshold string          // by which a guard sets it
	Kind      ThresholdKind   //
	Limit     float64         // by default
	Severity  FindingSeverity // of a reading beyond the limit
	Spoils    float64         // beyond it the metrics are not comparable; 0: there is no such limit
	Metrics   []metric.Name   // that it concerns; none: all
	Doc       string          // what the threshold bounds
	Reason    string          // why it is checked, and at this limit
	Cause     string          // what usually is behind a finding
	Fix       string          // what to do about it
}

// SelfChecks lists all self-checks. Guards may set each one's threshold.
func SelfChecks() []SelfCheck {
	all := append(loadChecks(), requestChecks()...)
	all = append(all, serverChecks()...)
	return append(append(all, hostChecks()...), likenessChecks()...)
}

func rates() []metric.Name {
	return []metric.Name{metric.Throughput, metric.TotalThroughput, metric.RequestThroughput, metric.Goodput}
}

// loadChecks ask whether the load was the one that was asked for.
func loadChecks() []SelfCheck {
	return []SelfCheck{
		{Name: "few_requests", Threshold: "requests_min", Kind: ThresholdLeast, Limit: 10, Severity: FindingWarn,
			Doc:    "Measured requests of a run, at least so many times its concurrency.",
			Reason: "Few generations of requests average over little more than the run's own edges.",
			Cause:  "`requests` or `duration` of the workload is small for its concurrency",
			Fix:    "ask for at least 20 x concurrency requests, or leave both out"},
		{Name: "short_window", Threshold: "short_window_max", Kind: ThresholdShare, Limit: 0.10, Severity: FindingWarn,
			Doc:    "By how much a run's window was shorter than the duration asked for.",
			Reason: "Clients that stop at a number of requests take it from the warm-up's latency: where requests then take less, the edges of the run weigh more.",
			Cause:  "the server answered faster than in the warm-up",
			Fix:    "set `requests`, or a longer `duration`"},
		{Name: "short_warmup", Threshold: "warmup_min", Kind: ThresholdLeast, Limit: 2, Severity: FindingWarn, Metrics: append(rates(), metric.TTFT),
			Doc:    "Requests before the window, at least so many times the concurrency.",
			Reason: "The first generations find an empty engine and start together.",
			Cause:  "`warmup` is smaller than two generations",
			Fix:    "leave `warmup` out, or set 2 x concurrency or more"},
		{Name: "warmup_errors", Threshold: "warmup_errors_max", Kind: ThresholdShare, Limit: 0, Severity: FindingWarn,
			Doc:    "Share of the warm-up's requests that failed.",
			Reason: "An engine that fails its first requests has not warmed up.",
			Cause:  "an engine that is still compiling or loading, or that refuses the load",
			Fix:    "read the server's log; raise `ready_timeout`, `warmup_duration` or the engine's limits"},
		{Name: "achieved_concurrency", Threshold: "concurrency_gap_max", Kind: ThresholdShare, Limit: 0.05, Severity: FindingWarn, Spoils: 0.5,
			Doc:    "Distance of the mean number of requests in flight from the concurrency asked for.",
			Reason: "A prediction is for one load; another load is another point.",
			Cause:  "a run of little more than its start and its end (`window = \"whole_run\"`), a server that keeps streams open behind their last token, a client that stalls",
			Fix:    "measure longer or in a steady window; look at what stands between client and engine"},
		{Name: "littles_law", Threshold: "littles_law_max", Kind: ThresholdShare, Limit: 0.05, Severity: FindingWarn, Metrics: rates(),
			Doc:    "Distance of request rate x mean latency from the concurrency asked for (Little's law).",
			Reason: "In a steady state the law holds exactly; where it does not, rate and latency are of unlike times.",
			Cause:  "as `achieved_concurrency`; a client that ends on a tick of its clock",
			Fix:    "measure longer, or with `loadgen`, whose window is steady"},
		{Name: "drift", Threshold: "drift_max", Kind: ThresholdShare, Limit: 0.10, Severity: FindingWarn,
			Metrics: append(rates(), metric.TTFT, metric.TPOT, metric.Latency),
			Doc:     "Change of the mean latency from the first half of the requests to the second.",
			Reason:  "A mean over a run that is still settling is of no state at all.",
			Cause:   "clocks that settle, a cache that fills, an engine that lowered a limit, a neighbour on the machine",
			Fix:     "raise `warmup_duration`; measure longer; look at the engine's log and at `config_effective`"},
		{Name: "start_burst", Threshold: "start_burst_max", Kind: ThresholdShare, Limit: 0.05, Severity: FindingWarn, Metrics: []metric.Name{metric.TTFT},
			Doc:    "What the requests that started together at first add to the mean TTFT of a run whose window has them in it.",
			Reason: "They queue behind one another as no later request does.",
			Cause:  "all requests of a closed loop start at once, inside the window",
			Fix:    "use a steady window, or more requests per run"},
	}
}

// requestChecks ask whether the requests were as asked for, and add up.
func requestChecks() []SelfCheck {
	return []SelfCheck{
		{Name: "input_length", Threshold: "input_length_max", Kind: ThresholdShare, Limit: 0.02, Severity: FindingWarn, Spoils: 0.10,
			Doc:    "Distance of the mean input length, as the server counts it, from the one asked for.",
			Reason: "Chat templates and other tokenizers add tokens; prefill time grows with each of them.",
			Cause:  "a chat template, or another tokenizer than the server's",
			Fix:    "let `loadgen` calibrate, give the client the model's own tokenizer, or use `/v1/completions`"},
		{Name: "output_length", Threshold: "output_length_max", Kind: ThresholdShare, Limit: 0, Severity: FindingWarn, Spoils: 0.10,
			Metrics: append(rates(), metric.Latency),
			Doc:     "Distance of the output lengths from the one asked for: of the mean, or of a single request where its sign is lost in the mean.",
			Reason:  "An engine that ends early does less work than was predicted.",
			Cause:   "a server that does not honour `ignore_eos`, or a limit on its sequences",
			Fix:     "set the engine's flag for it; raise `max_sequence_length`"},
		{Name: "latency_identity", Threshold: "latency_identity_max", Kind: ThresholdShare, Limit: 0.02, Severity: FindingWarn,
			Metrics: []metric.Name{metric.TTFT, metric.TPOT, metric.Latency},
			Doc:     "Distance of ttft + (n-1) x tpot from the mean latency.",
			Reason:  "The definitions make them equal for requests of one length; otherwise a figure is of something else.",
			Cause:   "results from elsewhere whose time per token counts the first token, or whose latency ends later",
			Fix:     "map the column to what it is, or leave it out"},
	}
}

// serverChecks ask the engine's own counters.
func serverChecks() []SelfCheck {
	return []SelfCheck{
		{Name: "prefix_cache_hits", Threshold: "prefix_cache_hits_max", Kind: ThresholdShare, Limit: 0.01, Severity: FindingSpoils,
			Metrics: append(rates(), metric.TTFT, metric.Latency),
			Doc:     "Share of the prompt tokens that the engine found in its prefix cache during the run.",
			Reason:  "Predictions compute every prompt token; tokens found are not computed.",
			Cause:   "prompts that share their beginning: a system prompt, a dataset with repeats, a cache that was not emptied",
			Fix:     "set `prefix_cache = false`, or predict with the same share of hits"},
		{Name: "preemptions", Threshold: "preemptions_max", Kind: ThresholdCount, Limit: 0, Severity: FindingWarn,
			Doc:    "Requests that the engine evicted during the run and computed again.",
			Reason: "The KV cache is too small for the load: no predictor models what follows.",
			Cause:  "a KV cache that is too small for the load",
			Fix:    "lower the concurrency or the lengths, or give the engine more memory"},
		{Name: "kv_cache_fit", Threshold: "kv_cache_fit_max", Kind: ThresholdShare, Limit: 1, Severity: FindingWarn,
			Doc:    "Tokens that the load holds at once, input and output of every request in flight, as a share of the KV cache that the engine reports.",
			Reason: "What does not fit waits, or is evicted: fewer requests run than the prediction takes to run.",
			Cause:  "concurrency x (input + output tokens) is more than the cache holds",
			Fix:    "as `preemptions`; `plan` says it beforehand where the memory is known"},
		{Name: "saturation", Threshold: "saturation_max", Kind: ThresholdShare, Limit: 0.25, Severity: FindingWarn,
			Doc:    "Difference between the predicted and the measured share of a request's time that passes before its first token, where one of them is above a half and the other below.",
			Reason: "On one side requests wait in a queue, on the other they do not: the figures are of unlike regimes.",
			Cause:  "a limit that the prediction does not know (batch size, KV cache), or a prediction for another load",
			Fix:    "compare the batch limits; predict and measure at a load on one side"},
	}
}

// hostChecks ask the machines.
func hostChecks() []SelfCheck {
	return []SelfCheck{
		{Name: "client_lag", Threshold: "client_lag_max", Kind: ThresholdShare, Limit: 0.05, Severity: FindingWarn,
			Metrics: append(rates(), metric.TTFT, metric.Latency),
			Doc:     "Mean time by which the client was late, as a share of the mean TTFT.",
			Reason:  "What a late client measures is itself.",
			Cause:   "a client on a busy machine, or with more streams than its CPUs carry",
			Fix:     "run it on CPUs of its own; lower the concurrency"},
		{Name: "client_cpu", Threshold: "client_cpu_max", Kind: ThresholdShare, Limit: 0.80, Severity: FindingWarn,
			Doc:    "Share of its CPUs that the client used.",
			Reason: "Above it requests wait for the client as well as for the server.",
			Cause:  "as `client_lag`",
			Fix:    "as `client_lag`; with `genaibench` raise `workers`"},
		{Name: "gpu_throttling", Threshold: "gpu_throttling_max", Kind: ThresholdShare, Limit: 0.05, Severity: FindingWarn,
			Doc:    "Share of the samples of a GPU in which heat or power held its clocks down.",
			Reason: "Predictions are of GPUs at their usual clocks.",
			Cause:  "heat, a power cap, or a slowdown that the driver asks for",
			Fix:    "cool it, raise the cap, or lock the clocks to what the prediction assumes"},
		{Name: "foreign_processes", Threshold: "foreign_processes_max", Kind: ThresholdCount, Limit: 0, Severity: FindingWarn,
			Doc:    "Processes of somebody else on the GPUs during the run.",
			Reason: "They take memory, bandwidth and time.",
			Cause:  "another job on the same GPUs",
			Fix:    "end it, or reserve the GPUs"},
	}
}

// likenessChecks ask whether prediction and engine are of the same thing.
func likenessChecks() []SelfCheck {
	return []SelfCheck{
		{Name: "version_skew", Threshold: "require_version", Kind: ThresholdRequirement, Severity: FindingWarn,
			Doc:    "Whether the prediction's database must be of the version that the engine has. Without a guard another version is a warning.",
			Reason: "Engines change from version to version, and a database has measured one of them.",
			Cause:  "the newest tables are of another release than the engine",
			Fix:    "set `database_version`, or run the release that was predicted"},
		{Name: "config_unknown", Threshold: "require_effective", Kind: ThresholdRequirement, Severity: FindingWarn,
			Doc:    "Whether the engine must report every configuration item that was asked for or predicted. Without a guard an unknown item is a warning.",
			Reason: "What an engine does not report may be anything.",
			Cause:  "an engine, or an endpoint, that does not say how it was set up",
			Fix:    "open its information endpoint (`dev_mode` of vLLM), or accept the item by name"},
		{Name: "config_approximate", Threshold: "require_exact", Kind: ThresholdRequirement, Severity: FindingWarn,
			Doc:    "Whether the engine's flags must express every item exactly. Without a guard an approximation is a warning.",
			Reason: "The engine then runs something close to what was asked for.",
			Cause:  "the item has no flag of its own",
			Fix:    "read the mapping in [runtimes](runtimes.md), or accept the item by name"},
	}
}

// GuardThresholds are the schema rows of the thresholds that a guard block may set.
func GuardThresholds() []Attribute {
	var rows []Attribute
	zero := 0.0
	for _, c := range SelfChecks() {
		row := Attribute{Name: c.Threshold, Doc: c.Doc + " " + c.Reason + c.usual(), Since: "0.1"}
		switch c.Kind {
		case ThresholdShare:
			row.Type, row.Example = TypeShare, `"`+percent(c.Limit)+`"`
		case ThresholdRequirement:
			row.Type, row.Example = TypeBool, "true"
		default:
			row.Type, row.Min, row.Example = TypeNumber, &zero, strconv.FormatFloat(c.Limit, 'f', -1, 64)
		}
		rows = append(rows, row)
	}
	return rows
}

// usual says what holds where no guard sets the threshold.
func (c *SelfCheck) usual() string {
	if c.Kind == ThresholdRequirement {
		return ""
	}
	limit := strconv.FormatFloat(c.Limit, 'f', -1, 64)
	if c.Kind == ThresholdShare {
		limit = percent(c.Limit)
	}
	text := " Without a guard: " + limit
	switch {
	case c.Severity == FindingSpoils:
		return text + ", beyond it not comparable."
	case c.Spoils > 0:
		return text + ", and beyond " + percent(c.Spoils) + " not comparable."
	case c.Kind == ThresholdLeast:
		return text + ", below it a warning."
	}
	return text + ", beyond it a warning."
}

func percent(share float64) string {
	return strconv.FormatFloat(share*100, 'f', -1, 64) + "%"
}
