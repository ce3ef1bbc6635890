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
			Reason: "Few generations of requests average over little more than the run's own edges."},
		{Name: "short_window", Threshold: "short_window_max", Kind: ThresholdShare, Limit: 0.10, Severity: FindingWarn,
			Doc:    "By how much a run's window was shorter than the duration asked for.",
			Reason: "Clients that stop at a number of requests take it from the warm-up's latency: where requests then take less, the edges of the run weigh more."},
		{Name: "short_warmup", Threshold: "warmup_min", Kind: ThresholdLeast, Limit: 2, Severity: FindingWarn, Metrics: append(rates(), metric.TTFT),
			Doc:    "Requests before the window, at least so many times the concurrency.",
			Reason: "The first generations find an empty engine and start together."},
		{Name: "warmup_errors", Threshold: "warmup_errors_max", Kind: ThresholdShare, Limit: 0, Severity: FindingWarn,
			Doc:    "Share of the warm-up's requests that failed.",
			Reason: "An engine that fails its first requests has not warmed up."},
		{Name: "achieved_concurrency", Threshold: "concurrency_gap_max", Kind: ThresholdShare, Limit: 0.05, Severity: FindingWarn, Spoils: 0.5,
			Doc:    "Distance of the mean number of requests in flight from the concurrency asked for.",
			Reason: "A prediction is for one load; another load is another point."},
		{Name: "littles_law", Threshold: "littles_law_max", Kind: ThresholdShare, Limit: 0.05, Severity: FindingWarn, Metrics: rates(),
			Doc:    "Distance of request rate x mean latency from the concurrency asked for (Little's law).",
			Reason: "In a steady state the law holds exactly; where it does not, rate and latency are of unlike times."},
		{Name: "drift", Threshold: "drift_max", Kind: ThresholdShare, Limit: 0.10, Severity: FindingWarn,
			Metrics: append(rates(), metric.TTFT, metric.TPOT, metric.Latency),
			Doc:     "Change of the mean latency from the first half of the requests to the second.",
			Reason:  "A mean over a run that is still settling is of no state at all."},
		{Name: "start_burst", Threshold: "start_burst_max", Kind: ThresholdShare, Limit: 0.05, Severity: FindingWarn, Metrics: []metric.Name{metric.TTFT},
			Doc:    "What the requests that started together at first add to the mean TTFT of a run whose window has them in it.",
			Reason: "They queue behind one another as no later request does."},
	}
}

// requestChecks ask whether the requests were as asked for, and add up.
func requestChecks() []SelfCheck {
	return []SelfCheck{
		{Name: "input_length", Threshold: "input_length_max", Kind: ThresholdShare, Limit: 0.02, Severity: FindingWarn, Spoils: 0.10,
			Doc:    "Distance of the mean input length, as the server counts it, from the one asked for.",
			Reason: "Chat templates and other tokenizers add tokens; prefill time grows with each of them."},
		{Name: "output_length", Threshold: "output_length_max", Kind: ThresholdShare, Limit: 0, Severity: FindingWarn, Spoils: 0.10,
			Metrics: append(rates(), metric.Latency),
			Doc:     "Distance of the output lengths from the one asked for: of the mean, or of a single request where its sign is lost in the mean.",
			Reason:  "An engine that ends early does less work than was predicted."},
		{Name: "latency_identity", Threshold: "latency_identity_max", Kind: ThresholdShare, Limit: 0.02, Severity: FindingWarn,
			Metrics: []metric.Name{metric.TTFT, metric.TPOT, metric.Latency},
			Doc:     "Distance of ttft + (n-1) x tpot from the mean latency.",
			Reason:  "The definitions make them equal for requests of one length; otherwise a figure is of something else."},
	}
}

// serverChecks ask the engine's own counters.
func serverChecks() []SelfCheck {
	return []SelfCheck{
		{Name: "prefix_cache_hits", Threshold: "prefix_cache_hits_max", Kind: ThresholdShare, Limit: 0.01, Severity: FindingSpoils,
			Metrics: append(rates(), metric.TTFT, metric.Latency),
			Doc:     "Share of the prompt tokens that the engine found in its prefix cache during the run.",
			Reason:  "Predictions compute every prompt token; tokens found are not computed."},
		{Name: "preemptions", Threshold: "preemptions_max", Kind: ThresholdCount, Limit: 0, Severity: FindingWarn,
			Doc:    "Requests that the engine evicted during the run and computed again.",
			Reason: "The KV cache is too small for the load: no predictor models what follows."},
		{Name: "kv_cache_fit", Threshold: "kv_cache_fit_max", Kind: ThresholdShare, Limit: 1, Severity: FindingWarn,
			Doc:    "Tokens that the load holds at once, input and output of every request in flight, as a share of the KV cache that the engine reports.",
			Reason: "What does not fit waits, or is evicted: fewer requests run than the prediction takes to run."},
		{Name: "saturation", Threshold: "saturation_max", Kind: ThresholdShare, Limit: 0.25, Severity: FindingWarn,
			Doc:    "Difference between the predicted and the measured share of a request's time that passes before its first token, where one of them is above a half and the other below.",
			Reason: "On one side requests wait in a queue, on the other they do not: the figures are of unlike regimes."},
	}
}

// hostChecks ask the machines.
func hostChecks() []SelfCheck {
	return []SelfCheck{
		{Name: "client_lag", Threshold: "client_lag_max", Kind: ThresholdShare, Limit: 0.05, Severity: FindingWarn,
			Metrics: append(rates(), metric.TTFT, metric.Latency),
			Doc:     "Mean time by which the client was late, as a share of the mean TTFT.",
			Reason:  "What a late client measures is itself."},
		{Name: "client_cpu", Threshold: "client_cpu_max", Kind: ThresholdShare, Limit: 0.80, Severity: FindingWarn,
			Doc:    "Share of its CPUs that the client used.",
			Reason: "Above it requests wait for the client as well as for the server."},
		{Name: "gpu_throttling", Threshold: "gpu_throttling_max", Kind: ThresholdShare, Limit: 0.05, Severity: FindingWarn,
			Doc:    "Share of the samples of a GPU in which heat or power held its clocks down.",
			Reason: "Predictions are of GPUs at their usual clocks."},
		{Name: "foreign_processes", Threshold: "foreign_processes_max", Kind: ThresholdCount, Limit: 0, Severity: FindingWarn,
			Doc:    "Processes of somebody else on the GPUs during the run.",
			Reason: "They take memory, bandwidth and time."},
	}
}

// likenessChecks ask whether prediction and engine are of the same thing.
func likenessChecks() []SelfCheck {
	return []SelfCheck{
		{Name: "version_skew", Threshold: "require_version", Kind: ThresholdRequirement, Severity: FindingWarn,
			Doc:    "Whether the prediction's database must be of the version that the engine has. Without a guard another version is a warning.",
			Reason: "Engines change from version to version, and a database has measured one of them."},
		{Name: "config_unknown", Threshold: "require_effective", Kind: ThresholdRequirement, Severity: FindingWarn,
			Doc:    "Whether the engine must report every configuration item that was asked for or predicted. Without a guard an unknown item is a warning.",
			Reason: "What an engine does not report may be anything."},
		{Name: "config_approximate", Threshold: "require_exact", Kind: ThresholdRequirement, Severity: FindingWarn,
			Doc:    "Whether the engine's flags must express every item exactly. Without a guard an approximation is a warning.",
			Reason: "The engine then runs something close to what was asked for."},
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
