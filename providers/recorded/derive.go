package recorded

import (
	"slices"
	"strings"

	"aicv/metric"
	"aicv/spec"
)

// derivable lists the metrics that can be computed from others, in the order in
// which they follow from each other.
func derivable() []metric.Name {
	return []metric.Name{metric.Latency, metric.TotalThroughput, metric.Throughput, metric.RequestThroughput, metric.UserThroughput}
}

func derivableTexts() []string {
	var texts []string
	for _, name := range derivable() {
		texts = append(texts, string(name))
	}
	return texts
}

func (d *declaration) readDerive(attrs spec.Attrs) error {
	asked := attrs.Strings(attrDerive)
	for _, text := range asked {
		if !slices.Contains(derivableTexts(), text) {
			return d.wrong("what can be derived: "+strings.Join(derivableTexts(), ", "), "%q can not be derived", text)
		}
	}
	for _, name := range derivable() {
		if !slices.Contains(asked, string(name)) {
			continue
		}
		if d.hasFigure(name) {
			return d.wrong("keep one of them", "%s is read from a column and derived", name)
		}
		if lacks := d.lacks(name); lacks != "" {
			return d.wrong("declare it, or do not derive "+string(name), "%s can not be derived without %s", name, lacks)
		}
		d.derive = append(d.derive, name)
	}
	return nil
}

// lacks says what deriving a metric would need and the file does not hold.
func (d *declaration) lacks(name metric.Name) string {
	needs := func(metrics ...metric.Name) string {
		for _, m := range metrics {
			if !d.hasFigure(m) {
				return "the metric " + string(m)
			}
		}
		return ""
	}
	says := func(items ...string) string {
		for _, x := range items {
			if !d.says(x) {
				return "the item " + x + " in match or fixed"
			}
		}
		return ""
	}
	first := func(lacks ...string) string {
		i := slices.IndexFunc(lacks, func(l string) bool { return l != "" })
		if i < 0 {
			return ""
		}
		return lacks[i]
	}
	latency := func() string {
		if d.hasFigure(metric.Latency) {
			return ""
		}
		return first(needs(metric.TTFT, metric.TPOT), says(itemOutputTokens))
	}
	switch name {
	case metric.Latency:
		return latency()
	case metric.UserThroughput:
		return needs(metric.TPOT)
	case metric.RequestThroughput:
		return first(latency(), says(itemConcurrency))
	case metric.TotalThroughput:
		return first(latency(), says(itemConcurrency, itemOutputTokens))
	}
	return d.lacksPerGPU(first, latency, says)
}

func (d *declaration) lacksPerGPU(first func(...string) string, latency func() string, says func(...string) string) string {
	if !d.layout && d.gpusColumn == "" {
		return "the GPUs of the layout (a parallel size in match or fixed, or gpus_column)"
	}
	if d.hasFigure(metric.TotalThroughput) {
		return ""
	}
	return first(latency(), says(itemConcurrency, itemOutputTokens))
}

// load is what deriving reads of a row beside its figures; 0 where a row leaves it open.
type load struct {
	concurrency, outputTokens, gpus float64
}

// derived adds the derived figures of a row to the others, as far as the row holds
// what they need, and lists them.
func (d *declaration) derived(figures map[metric.Name]float64, l load) []metric.Name {
	var names []metric.Name
	add := func(name metric.Name, value float64, ok bool) {
		if ok && slices.Contains(d.derive, name) {
			figures[name] = value
			names = append(names, name)
		}
	}
	latency, known := latencyOf(figures, l)
	add(metric.Latency, latency, known)
	seconds := latency / 1000
	known = known && l.concurrency > 0
	total, given := figures[metric.TotalThroughput]
	if !given && known {
		total = l.concurrency * l.outputTokens / seconds
	}
	counted := known && l.outputTokens > 0
	add(metric.TotalThroughput, total, counted)
	add(metric.Throughput, total/l.gpus, l.gpus > 0 && (given || counted))
	add(metric.RequestThroughput, l.concurrency/seconds, known)
	tpot, timed := figures[metric.TPOT]
	add(metric.UserThroughput, 1000/tpot, timed)
	return names
}

// latencyOf is the latency in ms, as given or from ttft and tpot.
func latencyOf(figures map[metric.Name]float64, l load) (float64, bool) {
	if latency, ok := figures[metric.Latency]; ok {
		return latency, true
	}
	ttft, hasTTFT := figures[metric.TTFT]
	tpot, hasTPOT := figures[metric.TPOT]
	if !hasTTFT || !hasTPOT || l.outputTokens == 0 {
		return 0, false
	}
	return ttft + (l.outputTokens-1)*tpot, true
}
