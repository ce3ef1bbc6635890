package results

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"aicv/spec"
)

// servingDetail reads the arrays of vLLM's and SGLang's clients, one entry per request, in
// seconds; nil where they were not asked for. SGLang's has no start times.
func servingDetail(o object) (*detail, error) {
	for _, name := range []string{"ttfts", "itls", "output_lens", "errors"} {
		if o.at(name) == nil {
			return nil, nil
		}
	}
	raw, err := json.Marshal(withStarts(o))
	if err != nil {
		return nil, err
	}
	run, err := ParseVLLMBench(raw)
	if err != nil {
		return nil, err
	}
	for i := range run.Rows {
		if row := &run.Rows[i]; row.Error == "" && row.TTFT == 0 {
			return nil, fmt.Errorf("request %d was answered, and has no time to its first token", i+1)
		}
	}
	if good := run.Rows.Good(); good != run.Completed {
		return nil, fmt.Errorf("it has rows of %d of its %d completed requests", good, run.Completed)
	}
	for range run.Prompts - len(run.Rows) {
		run.Rows = append(run.Rows, spec.RequestRow{Index: len(run.Rows), Phase: spec.PhaseMeasure, Error: "it has no row"})
		if len(run.Rows) > maxRecords {
			return nil, fmt.Errorf("it was to send %d requests, and has rows of few of them", run.Prompts)
		}
	}
	return &detail{rows: run.Rows, duration: run.Duration}, nil
}

// withStarts is the object with a start time for each request.
func withStarts(o object) object {
	var list []json.RawMessage
	if o.at("start_times") != nil || json.Unmarshal(o.at("ttfts"), &list) != nil {
		return o
	}
	with := make(object, len(o)+1)
	for name, raw := range o {
		with[name] = raw
	}
	with["start_times"] = json.RawMessage("[" + string(bytes.Join(slices.Repeat([][]byte{[]byte("0")}, len(list)), []byte(","))) + "]")
	return with
}

// guidellmRow is a request of guidellm: moments in seconds since 1970.
type guidellmRow struct {
	Start  *float64 `json:"request_start_time"`
	End    *float64 `json:"request_end_time"`
	Input  *float64 `json:"prompt_tokens"`
	Output *float64 `json:"output_tokens"`
	Info   struct {
		Timings struct {
			First *float64 `json:"first_token_iteration"`
			Last  *float64 `json:"last_token_iteration"`
		} `json:"timings"`
		Error string `json:"error"`
	} `json:"info"`
}

// guidellmDetail reads the requests of guidellm, whose latency ends with the request: here
// it ends with the last token. nil where the report holds only a sample of them.
func guidellmDetail(o object) (*detail, error) {
	var good, failed []guidellmRow
	if json.Unmarshal(o.at("requests.successful"), &good) != nil {
		return nil, nil
	}
	if raw := o.at("requests.errored"); raw != nil {
		if err := json.Unmarshal(raw, &failed); err != nil {
			return nil, fmt.Errorf("its requests.errored can not be read: %w", err)
		}
	}
	counted, known := o.number("metrics.request_totals.successful")
	if errored, _ := o.number("metrics.request_totals.errored"); !known || int(counted) != len(good) || int(errored) != len(failed) {
		return nil, nil
	}
	d, whole := &detail{}, window{}
	for i, r := range slices.Concat(good, failed) {
		row, err := r.request(i, i >= len(good))
		if err != nil {
			return nil, fmt.Errorf("request %d: %w", i+1, err)
		}
		end, err := moment(*r.End)
		if err != nil {
			return nil, fmt.Errorf("request %d: %w", i+1, err)
		}
		whole.add(row.Start, end)
		d.rows = append(d.rows, row)
	}
	warm, _ := o.number("warmup_duration")
	cool, _ := o.number("cooldown_duration")
	if warm == 0 && cool == 0 {
		d.duration = whole.duration()
	}
	return d, nil
}

func (r *guidellmRow) request(index int, failed bool) (spec.RequestRow, error) {
	row := spec.RequestRow{Index: index, Phase: spec.PhaseMeasure}
	if r.Start == nil || r.End == nil {
		return row, errors.New("it has no start or no end")
	}
	start, err := moment(*r.Start)
	if err != nil {
		return row, err
	}
	row.Start = start
	if failed {
		row.Error = "failed: " + bounded(lastOf(r.Info.Error))
		return row, nil
	}
	first, last := r.Info.Timings.First, r.Info.Timings.Last
	if first == nil || last == nil || r.Output == nil {
		return row, errors.New("it was answered, and has no times of its tokens")
	}
	return row, answered(&row, (*first-*r.Start)*1000, (*last-*r.Start)*1000, r.Input, r.Output)
}

// moment turns seconds since 1970 into a duration since then.
func moment(seconds float64) (time.Duration, error) {
	if !(seconds >= 0 && seconds < 9e9) {
		return 0, fmt.Errorf("%v s is no moment", seconds)
	}
	return time.Duration(seconds * float64(time.Second)), nil
}

// aiperfRow is a line of profile_export.jsonl.
type aiperfRow struct {
	Metadata struct {
		Phase string `json:"benchmark_phase"`
		Start int64  `json:"request_start_ns"`
		End   int64  `json:"request_end_ns"`
	} `json:"metadata"`
	Metrics map[string]struct {
		Value json.RawMessage `json:"value"`
		Unit  string          `json:"unit"`
	} `json:"metrics"`
	Error *struct {
		Type string `json:"type"`
	} `json:"error"`
}

// aiperfRequests recomputes a result of aiperf from its requests, warm-up left out. Tokens
// are those that the server counted, where the tool says them.
func aiperfRequests(data []byte, r *Record) error {
	lines, err := objects(data, "")
	if err != nil {
		return err
	}
	d, whole := &detail{}, window{}
	for i, o := range lines {
		x, err := aiperfRequest(o)
		if err != nil {
			return fmt.Errorf("line %d: %w", i+1, err)
		}
		if x.Metadata.Phase != "profiling" {
			continue
		}
		row, err := x.row(len(d.rows))
		if err != nil {
			return fmt.Errorf("line %d: %w", i+1, err)
		}
		whole.add(row.Start, time.Duration(x.Metadata.End))
		d.rows = append(d.rows, row)
	}
	if len(d.rows) != r.Requests {
		r.Caveats = append(slices.Clone(r.Caveats), fmt.Sprintf("the requests beside the result are %d and not its %d: its own aggregates are taken", len(d.rows), r.Requests))
		return nil
	}
	d.duration = whole.duration()
	if err := r.recompute(d, nil); err != nil {
		r.Refused = err.Error()
	}
	r.PerGPU()
	return nil
}

func aiperfRequest(o object) (aiperfRow, error) {
	var x aiperfRow
	raw, err := json.Marshal(o)
	if err == nil {
		err = json.Unmarshal(raw, &x)
	}
	return x, err
}

func (x *aiperfRow) row(index int) (spec.RequestRow, error) {
	row := spec.RequestRow{Index: index, Phase: spec.PhaseMeasure, Start: time.Duration(x.Metadata.Start)}
	if x.Metadata.Start < 0 || x.Metadata.End < x.Metadata.Start {
		return row, errors.New("it ended before it started")
	}
	if x.Error != nil {
		row.Error = "failed: " + bounded(x.Error.Type)
		return row, nil
	}
	return row, x.times(&row)
}

// times reads the times and counts of a request that was answered.
func (x *aiperfRow) times(row *spec.RequestRow) error {
	for _, tag := range []string{"time_to_first_token", "request_latency"} {
		if u := x.Metrics[tag].Unit; u != "ms" {
			return fmt.Errorf("its %s is in %q; only ms is known", tag, u)
		}
	}
	output, input := x.value("output_sequence_length", -1), x.value("input_sequence_length", 0)
	output, input = x.value("usage_completion_tokens", output), x.value("usage_prompt_tokens", input)
	return answered(row, x.value("time_to_first_token", -1), x.value("request_latency", -1), &input, &output)
}

// value reads a metric; otherwise where it is not there or no number.
func (x *aiperfRow) value(tag string, otherwise float64) float64 {
	if n, ok := (object{"v": x.Metrics[tag].Value}).number("v"); ok {
		return n
	}
	return otherwise
}
