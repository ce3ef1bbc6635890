package results

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"aicv/metric"
	"aicv/spec"
)

// VLLMBench is the detailed result of one call of vllm bench serve (--save-result
// --save-detailed).
type VLLMBench struct {
	Chat        bool          // it called a chat endpoint
	Concurrency int           // 0: no limit
	Duration    time.Duration // from the first request to the last answer
	Prompts     int           // that it was to send
	Completed   int           // as it counts
	Failed      int           // as it counts
	Rows        Rows          // starts count from the first request
	Buffered    int           // rows whose tokens came all at once, so that their tpot says nothing
	Stream      Stream        // of the rows that did not fail

	stated map[string]float64 // its own aggregates, in the contract's units
}

// fastest is the time per token below which an answer came all at once: the tool reads
// the clock at each chunk that it takes from one packet, some 20 us apart.
const fastest = 50 * time.Microsecond

// atOnce reports whether an answer of several tokens came all at once.
func atOnce(row *spec.RequestRow) bool {
	return row.OutputTokens > 1 && row.Latency-row.TTFT < time.Duration(row.OutputTokens-1)*fastest
}

// vllmFile is the file as it stands: arrays are in seconds, fields in ms. Fields that
// are not named here are ignored.
type vllmFile struct {
	Backend     string      `json:"backend"`
	Concurrency *float64    `json:"max_concurrency"`
	Duration    *float64    `json:"duration"`
	Prompts     *float64    `json:"num_prompts"`
	Completed   *float64    `json:"completed"`
	Failed      *float64    `json:"failed"`
	OutputRate  *float64    `json:"output_throughput"`
	RequestRate *float64    `json:"request_throughput"`
	MeanTTFT    *float64    `json:"mean_ttft_ms"`
	MeanTPOT    *float64    `json:"mean_tpot_ms"`
	MeanLatency *float64    `json:"mean_e2el_ms"`
	Inputs      []*float64  `json:"input_lens"`
	Outputs     []*float64  `json:"output_lens"`
	TTFTs       []*float64  `json:"ttfts"`
	Gaps        [][]float64 `json:"itls"`
	Latencies   []*float64  `json:"latencies"` // since 0.32; before it is ttft and the gaps
	Starts      []*float64  `json:"start_times"`
	Errors      []string    `json:"errors"`
}

// The aggregates that are compared with the rows.
const (
	vllmOutputRate  = "output_throughput"
	vllmRequestRate = "request_throughput"
	vllmMeanTTFT    = "mean_ttft_ms"
	vllmMeanTPOT    = "mean_tpot_ms"
	vllmMeanLatency = "mean_e2el_ms"
)

// ParseVLLMBench reads a detailed result.
func ParseVLLMBench(data []byte) (*VLLMBench, error) {
	var file vllmFile
	if err := decode(data, &file); err != nil {
		return nil, err
	}
	run := &VLLMBench{Chat: file.Backend == "openai-chat"}
	if err := run.take(&file); err != nil {
		return nil, err
	}
	if err := file.whole(); err != nil {
		return nil, err
	}
	first := file.first()
	for i := range file.Outputs {
		row, err := file.request(i, first)
		if err != nil {
			return nil, fmt.Errorf("request %d: %w", i+1, err)
		}
		run.Rows = append(run.Rows, row)
		if row.Error != "" {
			continue
		}
		if atOnce(&row) {
			run.Buffered++
		}
		run.Stream.Answers++
		run.Stream.Events += file.events(i, run.Chat)
		run.Stream.Tokens += row.OutputTokens
	}
	return run, nil
}

// take reads counts and aggregates.
func (v *VLLMBench) take(f *vllmFile) error {
	err := readCounts(count{"max_concurrency", f.Concurrency, &v.Concurrency}, count{"num_prompts", f.Prompts, &v.Prompts},
		count{"completed", f.Completed, &v.Completed}, count{"failed", f.Failed, &v.Failed})
	if err != nil {
		return err
	}
	if v.Duration, err = duration(value(f.Duration) * 1000); err != nil {
		return fmt.Errorf("duration: %w", err)
	}
	v.stated = statedOf(map[string]*float64{vllmOutputRate: f.OutputRate, vllmRequestRate: f.RequestRate, vllmMeanTTFT: f.MeanTTFT, vllmMeanTPOT: f.MeanTPOT, vllmMeanLatency: f.MeanLatency})
	return nil
}

// whole checks that the file has all details of all requests.
func (f *vllmFile) whole() error {
	n := len(f.Outputs)
	if n == 0 {
		return errors.New("it has no request: measure with --save-result --save-detailed")
	}
	for name, length := range map[string]int{"ttfts": len(f.TTFTs), "itls": len(f.Gaps), "start_times": len(f.Starts), "errors": len(f.Errors)} {
		if length != n {
			return fmt.Errorf("it has %d output_lens and %d %s", n, length, name)
		}
	}
	if len(f.Latencies) != n && len(f.Latencies) != 0 {
		return fmt.Errorf("it has %d output_lens and %d latencies", n, len(f.Latencies))
	}
	return nil
}

// first is when the first request was sent, in seconds of the tool's clock.
func (f *vllmFile) first() float64 {
	first := math.Inf(1)
	for _, s := range f.Starts {
		if s != nil {
			first = min(first, *s)
		}
	}
	return first
}

// request makes a row of the contract of the request at an index.
func (f *vllmFile) request(i int, first float64) (spec.RequestRow, error) {
	row := spec.RequestRow{Index: i, Phase: spec.PhaseMeasure}
	if f.Errors[i] != "" {
		row.Error = bounded(lastOf(f.Errors[i]))
		return row, nil
	}
	latency := f.latency(i)
	if f.TTFTs[i] == nil || f.Starts[i] == nil || latency == nil {
		row.Error = "the request has no figures"
		return row, nil
	}
	var input *float64
	if i < len(f.Inputs) {
		input = f.Inputs[i]
	}
	start, err := duration((*f.Starts[i] - first) * 1000)
	row.Start = start
	return row, errors.Join(err, answered(&row, *f.TTFTs[i]*1000, *latency*1000, input, f.Outputs[i]))
}

// events counts those of a request's stream that carried text. The tool notes the gap
// before each but the first, which is that of the role on a chat endpoint.
func (f *vllmFile) events(i int, chat bool) int {
	if chat {
		return max(1, len(f.Gaps[i]))
	}
	return 1 + len(f.Gaps[i])
}

// latency is a request's, in seconds; nil: nobody says.
func (f *vllmFile) latency(i int) *float64 {
	switch {
	case len(f.Latencies) > 0:
		return f.Latencies[i]
	case f.TTFTs[i] == nil:
		return nil
	}
	total := *f.TTFTs[i]
	for _, gap := range f.Gaps[i] {
		total += gap
	}
	return &total
}

// Result computes the run's figures from its rows. GPUs may be 0, where nobody knows.
func (v *VLLMBench) Result(gpus int, slo spec.SLO) (spec.RunResult, error) {
	good := v.Rows.Good()
	switch {
	case good == 0:
		return spec.RunResult{}, v.refuse("no request was answered: "+v.Rows[0].Error, "see the server's log")
	case good != v.Completed:
		return spec.RunResult{}, v.refuse(fmt.Sprintf("it has rows of %d of its %d completed requests", good, v.Completed), "take the measurement again")
	case v.Duration <= 0:
		return spec.RunResult{}, v.refuse("it does not say how long the run took", "take the measurement again")
	}
	lost := max(0, v.Prompts-len(v.Rows))
	failed := max(len(v.Rows)-good, v.Failed) + lost
	m := measured{tool: "vllm bench serve", rows: v.Rows, duration: v.Duration, buffered: v.Buffered, concurrency: v.Concurrency, stated: v.stated}
	figures := m.figures(gpus, failed, slo)
	values, err := metric.NewValues(figures)
	if err != nil {
		return spec.RunResult{}, v.refuse(err.Error(), "")
	}
	if lost > 0 {
		m.report("lost_requests", spec.FindingWarn, fmt.Sprintf("vllm bench serve was to send %d requests more than it wrote rows for; they count as failed", lost), metric.ErrorRate)
	}
	if v.Chat {
		m.report("role_chunk", spec.FindingSpoils, "of a chat endpoint vllm bench serve ends TTFT with the chunk that carries the role, before any text", ttfts()...)
	}
	if coarse, is := v.Stream.Coarse(); is {
		m.found = append(m.found, coarse)
	}
	m.check(figures, []statement{{vllmOutputRate, metric.TotalThroughput}, {vllmRequestRate, metric.RequestThroughput},
		{vllmMeanTTFT, metric.TTFT}, {vllmMeanTPOT, metric.TPOT}, {vllmMeanLatency, metric.Latency}})
	return spec.RunResult{Window: spec.WindowWholeRun, Elapsed: v.Duration, Requests: good + failed, Failed: failed, Rows: v.Rows,
		Values: values, Findings: m.found, Provenance: spec.Provenance{Tool: "vllm bench serve"}}, nil
}

func (v *VLLMBench) refuse(problem, fix string) error {
	return &spec.Error{Kind: spec.ErrBenchmark, Summary: "the result of vllm bench serve is refused: " + problem, Fix: fix}
}

// ttfts are TTFT and its percentiles.
func ttfts() []metric.Name {
	var names []metric.Name
	for _, m := range metric.All() {
		if m.Base == metric.TTFT {
			names = append(names, m.Name)
		}
	}
	return names
}

// lastOf is the last line of a traceback, which names what happened.
func lastOf(text string) string {
	text = strings.TrimSpace(text)
	return strings.TrimSpace(text[strings.LastIndexByte(text, '\n')+1:])
}

// ReadVLLMBench reads the detailed result in a file. os.ErrNotExist says that there is
// none.
func ReadVLLMBench(path string) (*VLLMBench, error) {
	root, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	defer root.Close()
	data, err := readBounded(root, filepath.Base(path))
	if err != nil {
		return nil, err
	}
	return ParseVLLMBench(data)
}
