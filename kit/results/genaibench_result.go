package results

import (
	"fmt"
	"math"

	"aicv/metric"
	"aicv/spec"
)

// The aggregates of genai-bench that are compared with its rows.
const (
	statedOutputRate  = "mean_output_throughput_tokens_per_s"
	statedRequestRate = "requests_per_second"
	statedErrorRate   = "error_rate"
	statedTTFT        = "ttft"
	statedTPOT        = "tpot"
	statedLatency     = "e2e_latency"
)

// The tolerances of the checks, as shares.
const (
	// aggregateTolerance covers rounding: both figures come from the same rows.
	aggregateTolerance = 0.001
	// littlesTolerance is how far a whole run's throughput may lie from the rate that
	// Little's law gives before the start burst and the closing tick are worth a word.
	littlesTolerance = 0.01
)

// Result computes the run's figures from its rows. lost counts requests that the tool
// sent and wrote no row for: they failed. GPUs may be 0, where nobody knows.
func (g *GenAIBench) Result(gpus, lost int, slo spec.SLO) (spec.RunResult, error) {
	good := g.Rows.Good()
	if good == 0 {
		return spec.RunResult{}, g.refuse("no request was answered", "see the tool's log and the server's")
	}
	if good != g.Completed {
		return spec.RunResult{}, g.refuse(fmt.Sprintf("it has rows of %d of its %d completed requests", good, g.Completed),
			"the figures of a part are not those of the run; import a file with all rows")
	}
	failed := max(len(g.Rows)-good, g.Errors) + lost
	result := spec.RunResult{
		Window: spec.WindowWholeRun, Elapsed: g.Duration, Requests: good + failed, Failed: failed, Rows: g.Rows,
		Provenance: spec.Provenance{Tool: "genai-bench"},
	}
	figures := g.Rows.Durations()
	figures[metric.ErrorRate] = float64(failed) / float64(good+failed)
	g.rates(figures, gpus, good, slo)
	values, err := metric.NewValues(figures)
	if err != nil {
		return spec.RunResult{}, g.refuse(err.Error(), "")
	}
	result.Values = values
	result.Findings = g.findings(figures, good, failed, lost)
	return result, nil
}

func (g *GenAIBench) refuse(problem, fix string) error {
	return &spec.Error{Kind: spec.ErrBenchmark, Summary: "the result of genai-bench is refused: " + problem, Fix: fix}
}

func (g *GenAIBench) rates(figures map[metric.Name]float64, gpus, good int, slo spec.SLO) {
	seconds := g.Duration.Seconds()
	if seconds <= 0 {
		return
	}
	total := float64(g.Rows.OutputTokens()) / seconds
	figures[metric.TotalThroughput] = total
	figures[metric.RequestThroughput] = float64(good) / seconds
	if gpus > 0 {
		figures[metric.Throughput] = total / float64(gpus)
	}
	if n, held := g.Rows.Meeting(slo); held {
		figures[metric.Goodput] = float64(n) / seconds
	}
}

// findings compares the run with itself.
func (g *GenAIBench) findings(figures map[metric.Name]float64, good, failed, lost int) []spec.Finding {
	var found []spec.Finding
	report := func(check string, severity spec.FindingSeverity, message string, metrics ...metric.Name) {
		found = append(found, spec.Finding{Check: check, Severity: severity, Message: message, Metrics: metrics})
	}
	if lost > 0 {
		report("lost_requests", spec.FindingWarn, fmt.Sprintf("genai-bench counted %d requests more than it wrote rows for; they count as failed", lost), metric.ErrorRate)
	}
	if g.Buffered > 0 {
		report("buffered_stream", spec.FindingWarn, fmt.Sprintf("%d of %d answers came all at once, so that they have no tpot: something between server and client buffers", g.Buffered, good),
			metric.TPOT, metric.UserThroughput, metric.TTFT)
	}
	if g.Duration == 0 {
		report("no_window", spec.FindingNote, "the file does not say how long the run took (releases before 0.0.2 do not): it has no rates", rateNames()...)
	}
	g.checkAggregates(figures, failed-lost, report)
	g.checkLittle(figures, report)
	return found
}

func rateNames() []metric.Name {
	return []metric.Name{metric.Throughput, metric.TotalThroughput, metric.RequestThroughput}
}

type reporter func(check string, severity spec.FindingSeverity, message string, metrics ...metric.Name)

// checkAggregates compares what genai-bench says itself with what its rows give.
func (g *GenAIBench) checkAggregates(figures map[metric.Name]float64, failed int, report reporter) {
	for _, pair := range []struct {
		name   string
		metric metric.Name
	}{
		{statedOutputRate, metric.TotalThroughput}, {statedRequestRate, metric.RequestThroughput},
		{statedTTFT, metric.TTFT}, {statedTPOT, metric.TPOT}, {statedLatency, metric.Latency},
	} {
		stated, said := g.stated[pair.name]
		computed, known := figures[pair.metric]
		if said && known && math.Abs(stated-computed) > aggregateTolerance*math.Abs(computed) {
			report("tool_aggregates", spec.FindingWarn, fmt.Sprintf("genai-bench says %s = %.6g, its rows give %.6g; the rows count", pair.name, stated, computed), pair.metric)
		}
	}
	if stated, said := g.stated[statedErrorRate]; said && failed > 0 && stated == 0 {
		report("tool_aggregates", spec.FindingNote, fmt.Sprintf("genai-bench says error_rate = 0 (it always does); %d of its requests failed", failed), metric.ErrorRate)
	}
}

// checkLittle keeps the rate by Little's law beside the measured one.
func (g *GenAIBench) checkLittle(figures map[metric.Name]float64, report reporter) {
	measured := figures[metric.TotalThroughput]
	law := g.Rows.LittlesRate(g.Concurrency)
	if measured <= 0 || law <= 0 {
		return
	}
	gap := measured/law - 1
	text := fmt.Sprintf("Little's law (concurrency x mean output tokens / mean latency) gives %.4f output tokens/s; over the whole run there were %.4f, %+.2f %%", law, measured, 100*gap)
	if math.Abs(gap) <= littlesTolerance {
		report("littles_rate", spec.FindingNote, text)
		return
	}
	report("littles_rate", spec.FindingWarn, text+": the window holds the start burst and the closing tick, or places stood empty; a longer run shows less of it", rateNames()...)
}
