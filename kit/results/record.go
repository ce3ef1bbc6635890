package results

import (
	"errors"
	"fmt"
	"slices"

	"aicv/metric"
	"aicv/spec"
)

// Record is one run that somebody took with another client.
type Record struct {
	Source   string // file, and the place in it where it holds several
	Tool     string
	Version  string // of the tool; empty: it does not say
	Model    string // empty: it does not say
	System   string // of the GPUs; empty: it does not say
	GPUs     int    // 0: it does not say
	Runtime  string // kind of engine; empty: it does not say
	Engine   string // version of the engine; empty: it does not say
	Load     spec.Load
	Settings map[string]string // items of the configuration that the source says, as JSON values
	Requests int               // 0: it does not say
	Window   spec.WindowKind
	Figures  map[metric.Name]float64 // in the contract's units
	LeftOut  []Doubt                 // what the source has and the contract can not take
	Caveats  []string                // what a reader should know of the figures taken
	Refused  string                  // why the result is not taken; empty: it is
}

// set keeps an item of the configuration.
func (r *Record) set(item, value string) {
	if r.Settings == nil {
		r.Settings = map[string]string{}
	}
	r.Settings[item] = value
}

// Doubt is a figure that is not taken, and why.
type Doubt struct {
	Field string
	Why   string

	metric metric.Name // that it would answer; empty: none
}

// maxFile bounds a foreign file, in bytes.
const maxFile = 256 << 20

// maxTokens bounds a request's token count: more is no count.
const maxTokens = 1 << 30

// refused is the error of a file that can not be read as what it is said to be.
func refused(file, problem, fix string) error {
	return &spec.Error{Kind: spec.ErrUsage, Summary: file + ": " + problem, Fix: fix}
}

// tokenCount turns a count that may be written as a float into a whole number.
func tokenCount(n *float64) (int, error) {
	switch {
	case n == nil:
		return 0, nil
	case *n < 0 || *n > maxTokens || *n != float64(int(*n)):
		return 0, fmt.Errorf("%v is no number of tokens", *n)
	}
	return int(*n), nil
}

// count is a number of a file that counts something.
type count struct {
	name  string
	given *float64
	into  *int
}

// readCounts reads counts, which may be written as floats.
func readCounts(counts ...count) error {
	for _, c := range counts {
		n, err := tokenCount(c.given)
		if err != nil {
			return fmt.Errorf("%s: %v is no count", c.name, *c.given)
		}
		*c.into = n
	}
	return nil
}

// statedOf are a tool's own aggregates, without those that its file does not hold.
func statedOf(given map[string]*float64) map[string]float64 {
	stated := map[string]float64{}
	for name, n := range given {
		if n != nil {
			stated[name] = *n
		}
	}
	return stated
}

// answered fills the row of a request that was answered: times in ms from its start, and
// tokens.
func answered(row *spec.RequestRow, ttft, latency float64, input, output *float64) error {
	var problems [4]error
	row.TTFT, problems[0] = duration(ttft)
	row.Latency, problems[1] = duration(latency)
	row.InputTokens, problems[2] = tokenCount(input)
	row.OutputTokens, problems[3] = tokenCount(output)
	err := errors.Join(problems[:]...)
	if err == nil && row.TTFT > row.Latency {
		err = fmt.Errorf("its first token came after %s, and its last after %s", row.TTFT, row.Latency)
	}
	return err
}

// value reads an optional number.
func value(n *float64) float64 {
	if n == nil {
		return 0
	}
	return *n
}

func sortedNames(names []string) []string {
	slices.Sort(names)
	return names
}

// PerGPU adds the throughput per GPU, where the record has the total and the number.
func (r *Record) PerGPU() {
	total, known := r.Figures[metric.TotalThroughput]
	if _, has := r.Figures[metric.Throughput]; known && !has && r.GPUs > 0 {
		r.Figures[metric.Throughput] = total / float64(r.GPUs)
	}
}
