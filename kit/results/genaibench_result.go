package results

import (
	"fmt"

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
	m := measured{tool: "genai-bench", rows: g.Rows, duration: g.Duration, buffered: g.Buffered, concurrency: g.Concurrency, stated: g.stated}
	figures := m.figures(gpus, failed, slo)
	values, err := metric.NewValues(figures)
	if err != nil {
		return spec.RunResult{}, g.refuse(err.Error(), "")
	}
	result.Values = values
	result.Findings = g.findings(&m, figures, failed, lost)
	return result, nil
}

func (g *GenAIBench) refuse(problem, fix string) error {
	return &spec.Error{Kind: spec.ErrBenchmark, Summary: "the result of genai-bench is refused: " + problem, Fix: fix}
}

// findings compares the run with itself.
func (g *GenAIBench) findings(m *measured, figures map[metric.Name]float64, failed, lost int) []spec.Finding {
	if lost > 0 {
		m.report("lost_requests", spec.FindingWarn, fmt.Sprintf("genai-bench counted %d requests more than it wrote rows for; they count as failed", lost), metric.ErrorRate)
	}
	if g.Duration == 0 {
		m.report("no_window", spec.FindingNote, "the file does not say how long the run took (releases before 0.0.2 do not): it has no rates", rateNames()...)
	}
	m.check(figures, []statement{
		{statedOutputRate, metric.TotalThroughput}, {statedRequestRate, metric.RequestThroughput},
		{statedTTFT, metric.TTFT}, {statedTPOT, metric.TPOT}, {statedLatency, metric.Latency},
	})
	if stated, said := g.stated[statedErrorRate]; said && failed > lost && stated == 0 {
		m.report("tool_aggregates", spec.FindingNote, fmt.Sprintf("genai-bench says error_rate = 0 (it always does); %d of its requests failed", failed-lost), metric.ErrorRate)
	}
	return m.found
}
