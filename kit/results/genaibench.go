package results

import (
	"errors"
	"fmt"
	"math"
	"time"

	"aicv/spec"
)

// GenAIBench is one run file of genai-bench, of any of its releases so far.
type GenAIBench struct {
	Scenario    string
	Concurrency int
	Duration    time.Duration // of the whole run; 0: the release did not write it
	Completed   int           // as its aggregates say
	Errors      int           // as its aggregates say
	Total       int           // as its aggregates say
	Rows        Rows          // without start times: the tool keeps none
	Buffered    int           // rows whose tokens came all at once, so that they have no tpot

	stated map[string]float64 // its own aggregates, in the contract's units
}

// genaiFile is the file as it stands. Counts may be written as floats, any number may
// be null, and fields that are not named here are ignored.
type genaiFile struct {
	Aggregated *genaiAggregates `json:"aggregated_metrics"`
	Rows       []genaiRow       `json:"individual_request_metrics"`
	TimeUnit   string           `json:"_time_unit"`
}

type genaiAggregates struct {
	Scenario    string   `json:"scenario"`
	Concurrency *float64 `json:"num_concurrency"`
	Duration    *float64 `json:"run_duration"` // seconds, whatever the unit of the file
	OutputRate  *float64 `json:"mean_output_throughput_tokens_per_s"`
	RequestRate *float64 `json:"requests_per_second"`
	ErrorRate   *float64 `json:"error_rate"`
	Errors      *float64 `json:"num_error_requests"`
	Completed   *float64 `json:"num_completed_requests"`
	Total       *float64 `json:"num_requests"`
	Stats       map[string]struct {
		Mean *float64 `json:"mean"`
	} `json:"stats"`
}

type genaiRow struct {
	TTFT      *float64 `json:"ttft"`
	TPOT      *float64 `json:"tpot"`
	Latency   *float64 `json:"e2e_latency"`
	Input     *float64 `json:"num_input_tokens"`
	Output    *float64 `json:"num_output_tokens"`
	ErrorCode *float64 `json:"error_code"`
	Message   *string  `json:"error_message"`
}

// ParseGenAIBench reads a run file.
func ParseGenAIBench(data []byte) (*GenAIBench, error) {
	var file genaiFile
	if err := decode(data, &file); err != nil {
		return nil, err
	}
	if file.Aggregated == nil {
		return nil, errors.New("it has no aggregated_metrics: no run file of genai-bench")
	}
	unit := 1000.0
	switch file.TimeUnit {
	case "", "s":
	case "ms":
		unit = 1
	default:
		return nil, fmt.Errorf("its _time_unit is %q; only s and ms are known", file.TimeUnit)
	}
	run, err := newGenAIBench(file.Aggregated, unit)
	if err != nil {
		return nil, err
	}
	run.Rows = make(Rows, 0, len(file.Rows))
	for i := range file.Rows {
		row, err := file.Rows[i].request(unit)
		if err != nil {
			return nil, fmt.Errorf("request %d: %w", i+1, err)
		}
		row.Index = i
		run.Rows = append(run.Rows, row)
		if row.Error == "" && row.OutputTokens > 1 && file.Rows[i].TPOT == nil {
			run.Buffered++
		}
	}
	return run, nil
}

// newGenAIBench takes the aggregates; unit turns a duration of the file into ms.
func newGenAIBench(a *genaiAggregates, unit float64) (*GenAIBench, error) {
	run := &GenAIBench{Scenario: a.Scenario, stated: statedOf(map[string]*float64{statedOutputRate: a.OutputRate, statedRequestRate: a.RequestRate, statedErrorRate: a.ErrorRate})}
	err := readCounts(count{"num_concurrency", a.Concurrency, &run.Concurrency}, count{"num_completed_requests", a.Completed, &run.Completed},
		count{"num_error_requests", a.Errors, &run.Errors}, count{"num_requests", a.Total, &run.Total})
	if err != nil {
		return nil, err
	}
	if run.Duration, err = duration(value(a.Duration) * 1000); err != nil {
		return nil, fmt.Errorf("run_duration: %w", err)
	}
	for _, name := range []string{statedTTFT, statedTPOT, statedLatency} {
		if m := a.Stats[name].Mean; m != nil {
			run.stated[name] = *m * unit
		}
	}
	return run, nil
}

// request makes a row of the contract; unit turns a duration of the file into ms.
func (r *genaiRow) request(unit float64) (spec.RequestRow, error) {
	row := spec.RequestRow{Phase: spec.PhaseMeasure}
	if r.ErrorCode != nil || r.Message != nil && *r.Message != "" {
		row.Error = fmt.Sprintf("HTTP %v", value(r.ErrorCode))
		if r.Message != nil && *r.Message != "" {
			row.Error += ": " + bounded(*r.Message)
		}
		return row, nil
	}
	if r.TTFT == nil || r.Latency == nil || r.Output == nil {
		row.Error = "the request has no figures"
		return row, nil
	}
	return row, answered(&row, *r.TTFT*unit, *r.Latency*unit, r.Input, r.Output)
}

// longest bounds a duration: no request and no run takes a year.
const longest = 365 * 24 * time.Hour

// duration turns milliseconds into a duration.
func duration(ms float64) (time.Duration, error) {
	if !(ms >= 0 && ms <= milliseconds(longest)) {
		return 0, fmt.Errorf("%v ms is no duration", ms)
	}
	return time.Duration(math.Round(ms * float64(time.Millisecond))), nil
}

// maxMessage bounds what is kept of an error message, in bytes.
const maxMessage = 300

func bounded(text string) string {
	if len(text) > maxMessage {
		return text[:maxMessage] + "..."
	}
	return text
}
