package engine

import (
	"context"
	"strconv"
	"strings"

	"aicv/spec"
)

// Sample is one line of a page of metrics in Prometheus' text form.
type Sample struct {
	Name   string
	Labels map[string]string
	Value  float64
}

// maxSamples bounds how many lines of a page are read.
const maxSamples = 200_000

// ReadMetrics reads the samples of a page whose names keep wants. Lines that are none are
// left out: a page is a courtesy of the engine, and what is missing stays unknown.
//
// Source: https://prometheus.io/docs/instrumenting/exposition_formats/
func ReadMetrics(page []byte, keep func(name string) bool) []Sample {
	var samples []Sample
	for line := range strings.Lines(string(page)) {
		if line[0] == '#' {
			continue
		}
		if s, ok := readSample(strings.TrimSpace(line), keep); ok {
			samples = append(samples, s)
			if len(samples) == maxSamples {
				break
			}
		}
	}
	return samples
}

func readSample(line string, keep func(string) bool) (Sample, bool) {
	end := strings.IndexAny(line, "{ \t")
	if end <= 0 || !keep(line[:end]) {
		return Sample{}, false
	}
	s := Sample{Name: line[:end]}
	rest := line[end:]
	if rest[0] == '{' {
		var ok bool
		if s.Labels, rest, ok = readLabels(rest[1:]); !ok {
			return Sample{}, false
		}
	}
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return Sample{}, false
	}
	value, err := strconv.ParseFloat(fields[0], 64)
	s.Value = value
	return s, err == nil && value == value // no NaN
}

// readLabels reads up to the closing brace. Values may hold escaped quotes.
func readLabels(text string) (labels map[string]string, rest string, ok bool) {
	labels = map[string]string{}
	for {
		text = strings.TrimLeft(text, ", \t")
		if strings.HasPrefix(text, "}") {
			return labels, text[1:], true
		}
		name, after, found := strings.Cut(text, `="`)
		if !found {
			return nil, "", false
		}
		value, end := readQuoted(after)
		if end < 0 {
			return nil, "", false
		}
		labels[strings.TrimSpace(name)] = value
		text = after[end:]
	}
}

// readQuoted reads up to a quote that is not escaped, and tells what comes behind it.
func readQuoted(text string) (value string, end int) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			return b.String(), i + 1
		case c == '\\' && i+1 < len(text):
			i++
			if text[i] == 'n' {
				b.WriteByte('\n')
			} else {
				b.WriteByte(text[i])
			}
		default:
			b.WriteByte(c)
		}
	}
	return "", -1
}

// CounterNames are the names under which an engine counts, newest first; of each list
// the first that the page has counts.
type CounterNames struct {
	PromptTokens, GenerationTokens, PrefixCacheQueries, PrefixCacheHits, Preemptions []string // summed over ranks
	Running, Waiting                                                                 []string // summed over ranks
	KVCacheUsage                                                                     []string // the fullest rank's
}

// Ask reads the counters of a page at a URL.
func (n *CounterNames) Ask(ctx context.Context, url string) (spec.Counters, error) {
	page, err := Get(ctx, url)
	if err != nil {
		return spec.Counters{}, err
	}
	return n.Read(page), nil
}

// Read takes the counters from a page.
func (n *CounterNames) Read(page []byte) spec.Counters {
	wanted := map[string]bool{}
	for _, names := range [][]string{n.PromptTokens, n.GenerationTokens, n.PrefixCacheQueries, n.PrefixCacheHits, n.Preemptions, n.Running, n.Waiting, n.KVCacheUsage} {
		for _, name := range names {
			wanted[name] = true
		}
	}
	samples := ReadMetrics(page, func(name string) bool { return wanted[name] })
	sum := func(a, b float64) float64 { return a + b }
	most := func(a, b float64) float64 { return max(a, b) }
	return spec.Counters{
		PromptTokens: fold(samples, n.PromptTokens, sum), GenerationTokens: fold(samples, n.GenerationTokens, sum),
		PrefixCacheQueries: fold(samples, n.PrefixCacheQueries, sum), PrefixCacheHits: fold(samples, n.PrefixCacheHits, sum),
		Preemptions: fold(samples, n.Preemptions, sum), Running: fold(samples, n.Running, sum), Waiting: fold(samples, n.Waiting, sum),
		KVCacheUsage: fold(samples, n.KVCacheUsage, most),
	}
}

// fold joins the samples of the first name that has any.
func fold(samples []Sample, names []string, join func(a, b float64) float64) *float64 {
	for _, name := range names {
		var total *float64
		for _, s := range samples {
			if s.Name != name {
				continue
			}
			v := s.Value
			if total != nil {
				v = join(*total, v)
			}
			total = &v
		}
		if total != nil {
			return total
		}
	}
	return nil
}
