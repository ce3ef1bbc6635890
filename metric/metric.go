// Package metric is the metric contract: the names, units, directions and
// definitions of everything that aicv predicts, measures and judges. A provider
// declares which of its own fields answers which of these metrics; a pair
// without a declared counterpart is refused, never guessed. It also writes
// figures and counts for people, so that all pages write them alike.
package metric

import (
	"fmt"
	"math"
	"slices"
	"sync"
)

// Name is a metric's name as users write it, `ttft_p99` for one.
type Name string

// The metrics of the contract. A bare name is the mean over the requests of a run.
const (
	Throughput        Name = "throughput"
	TotalThroughput   Name = "total_throughput"
	RequestThroughput Name = "request_throughput"
	UserThroughput    Name = "user_throughput"
	TTFT              Name = "ttft"
	TPOT              Name = "tpot"
	Latency           Name = "latency"
	ErrorRate         Name = "error_rate"
	Goodput           Name = "goodput"
)

// Direction says which way a metric is better.
type Direction string

// The two directions.
const (
	MoreIsBetter Direction = "more"
	LessIsBetter Direction = "less"
)

// Metric is one row of the contract.
type Metric struct {
	Name       Name
	Unit       Unit
	Direction  Direction
	Percentile int    // 0 for a mean or a total, 99 for ttft_p99
	Base       Name   // the bare metric that a percentile belongs to; the name itself otherwise
	PerGPU     bool   // true where the metric does not exist without a GPU count
	Definition string // one sentence, with the formula
}

// MinRequests is the smallest number of requests per run at which the metric can
// be judged: 1 for means; for the percentile p the smallest n with p^n <= 0.05,
// so that a distribution-free 95 % upper bound exists (p90 29, p95 59, p99 299).
func (m Metric) MinRequests() int {
	if m.Percentile == 0 {
		return 1
	}
	p := float64(m.Percentile) / 100
	return int(math.Ceil(math.Log(0.05) / math.Log(p)))
}

// percentiles lists the percentiles that every duration metric has.
func percentiles() []int { return []int{50, 75, 90, 95, 99} }

// All returns a copy of the whole contract, in the order in which pages and tables
// list it.
func All() []Metric { return slices.Clone(contract()) }

// contract is the whole contract. It is built once and only read.
var contract = sync.OnceValue(func() []Metric {
	metrics := []Metric{
		{Name: Throughput, Unit: TokensPerSecondPerGPU, Direction: MoreIsBetter, PerGPU: true,
			Definition: "completed output tokens / window / GPUs of the deployment, over all replicas"},
		{Name: TotalThroughput, Unit: TokensPerSecond, Direction: MoreIsBetter,
			Definition: "completed output tokens / window, over all replicas"},
		{Name: RequestThroughput, Unit: RequestsPerSecond, Direction: MoreIsBetter,
			Definition: "completed requests / window"},
		{Name: UserThroughput, Unit: TokensPerSecondPerUser, Direction: MoreIsBetter,
			Definition: "1000 / mean tpot in ms"},
	}
	for _, d := range []Metric{
		{Name: TTFT, Definition: "request start to the first token that carries content"},
		{Name: TPOT, Definition: "(latency - ttft) / (output tokens - 1)"},
		{Name: Latency, Definition: "request start to the last token"},
	} {
		metrics = append(metrics, durations(d)...)
	}
	metrics = append(metrics,
		Metric{Name: ErrorRate, Unit: Share, Direction: LessIsBetter, Definition: "failed requests / all requests"},
		Metric{Name: Goodput, Unit: RequestsPerSecond, Direction: MoreIsBetter,
			Definition: "completed requests that meet the slo / window"},
	)
	for i := range metrics {
		if metrics[i].Base == "" {
			metrics[i].Base = metrics[i].Name
		}
	}
	return metrics
})

// durations expands one duration metric into its mean and its percentiles.
func durations(d Metric) []Metric {
	d.Unit, d.Direction, d.Base = Milliseconds, LessIsBetter, d.Name
	rows := []Metric{d}
	for _, p := range percentiles() {
		row := d
		row.Name, row.Percentile = PercentileName(d.Name, p), p
		row.Definition = fmt.Sprintf("%dth percentile over the requests of a run of: %s", p, d.Definition)
		rows = append(rows, row)
	}
	return rows
}

// PercentileName builds the name of a percentile of base: (ttft, 99) gives ttft_p99.
func PercentileName(base Name, percentile int) Name {
	return Name(fmt.Sprintf("%s_p%d", base, percentile))
}

// Lookup finds a metric by name.
func Lookup(name Name) (Metric, bool) {
	m, ok := byName()[name]
	return m, ok
}

// byName indexes the contract. It is built once and only read.
var byName = sync.OnceValue(func() map[Name]Metric {
	index := make(map[Name]Metric)
	for _, m := range contract() {
		index[m.Name] = m
	}
	return index
})

// Names lists every metric's name, in contract order.
func Names() []string {
	all := contract()
	names := make([]string, len(all))
	for i, m := range all {
		names[i] = string(m.Name)
	}
	return names
}

// IsPercentile reports whether the name is a percentile's (ttft_p99).
func (n Name) IsPercentile() bool {
	m, ok := Lookup(n)
	return ok && m.Percentile > 0
}
