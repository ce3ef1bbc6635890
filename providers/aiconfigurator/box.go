package aiconfigurator

import (
	"bufio"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// boxed is what the command line prints for one point.
type boxed struct {
	estimate estimate
	warnings []string
	loading  []string
	modes    bool // the quantization modes were logged
}

// unseen says what this version's command line does not tell.
func (b *boxed) unseen() string {
	if b.modes {
		return ""
	}
	return ", and which quantization was assumed"
}

// readBox reads a result of `cli estimate` in the aggregated mode: lines of a log, then a
// box of labels and figures. Lines that it does not know are passed over.
func readBox(stdout string) (*boxed, error) {
	b := &boxed{estimate: estimate{Values: map[string]*float64{}, Sizes: map[string]*int{}, Modes: map[string]string{}}}
	lines := bufio.NewScanner(strings.NewReader(stdout))
	lines.Buffer(nil, 4<<20)
	inside := false
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if l, ok := readLog(line); ok {
			b.log(l)
			continue
		}
		if strings.HasPrefix(line, "Performance Estimate (") {
			if inside {
				return nil, fmt.Errorf("it printed more than one result")
			}
			if line != "Performance Estimate (agg)" {
				return nil, fmt.Errorf("it answered for another mode: %s", tidy(line))
			}
			inside = true
			continue
		}
		if label, value, ok := strings.Cut(line, ":"); ok && inside {
			if err := b.take(label, strings.TrimSpace(value)); err != nil {
				return nil, err
			}
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if !inside || len(b.estimate.Values) == 0 {
		return nil, errNoBox
	}
	return b, b.complete()
}

// complete holds a box to what every version prints; less is the half of one.
func (b *boxed) complete() error {
	for _, name := range []string{"ttft", "tpot", "request_latency", "tokens/s", "seq/s", "concurrency", "memory"} {
		if b.estimate.Values[name] == nil {
			return fmt.Errorf("its result has no figure for %s", name)
		}
	}
	if b.estimate.Version == "" {
		return fmt.Errorf("its result names no version of the tables")
	}
	return nil
}

// labels are the box's labels of figures, with the SDK's names for them.
func labels() map[string]string {
	return map[string]string{"TTFT": "ttft", "TPOT": "tpot", "Request Latency": "request_latency", "tokens/s": "tokens/s", "tokens/s/gpu": "tokens/s/gpu",
		"tokens/s/user": "tokens/s/user", "seq/s": "seq/s", "Concurrency": "concurrency", "Memory (GPU)": "memory"}
}

// sizes are the box's labels of sizes, with the SDK's names for them.
func sizes() map[string]string {
	return map[string]string{"Batch Size": "bs", "Context Tokens": "ctx_tokens", "TP Size": "tp", "PP Size": "pp", "Attention DP": "dp", "Prefix": "prefix"}
}

// take reads one line of the box.
func (b *boxed) take(label, value string) error {
	if name, ok := labels()[label]; ok {
		number, err := figure(value)
		if err != nil {
			return fmt.Errorf("its %s is %q, which is no figure", label, tidy(value))
		}
		b.estimate.Values[name] = &number
		return nil
	}
	if name, ok := sizes()[label]; ok {
		n, err := strconv.Atoi(strings.ReplaceAll(value, ",", ""))
		if err != nil {
			return fmt.Errorf("its %s is %q, which is no whole number", label, tidy(value))
		}
		b.estimate.Sizes[name] = &n
		return nil
	}
	switch label {
	case "Model":
		b.estimate.Model = tidy(value)
	case "Backend":
		if _, version, ok := strings.Cut(value, " ("); ok {
			b.estimate.Version = tidy(strings.TrimSuffix(version, ")"))
		}
	}
	return nil
}

// figure reads "2,979.64", "365.532 ms" or "30.83 GB" (which are GiB).
func figure(text string) (float64, error) {
	text, unit, _ := strings.Cut(text, " ")
	if unit != "" && unit != "ms" && unit != "GB" {
		return 0, fmt.Errorf("unknown unit %q", unit)
	}
	f, err := strconv.ParseFloat(strings.ReplaceAll(text, ",", ""), 64)
	if err == nil && (math.IsNaN(f) || math.IsInf(f, 0)) {
		err = strconv.ErrRange
	}
	return f, err
}

// logged is one line of the tool's log.
type logged struct{ level, text string }

var logLine = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^\d\d:\d\d:\d\d \[[^\]]*\] \[([A-Z])\] \[[^\]]*\] ?(.*)$`)
})

// readLog reads "22:03:14 [aiconfigurator] [I] [helpers.py:772] text".
func readLog(line string) (logged, bool) {
	found := logLine().FindStringSubmatch(line)
	if found == nil {
		return logged{}, false
	}
	return logged{found[1], found[2]}, true
}

// log takes what the log says of the result.
func (b *boxed) log(l logged) {
	const rows, modes = "Loading low-fidelity fallback rows for ", "Resolved quant modes for "
	switch {
	case strings.HasPrefix(l.text, rows):
		name, _, _ := strings.Cut(strings.TrimPrefix(l.text, rows), " ")
		b.loading = append(b.loading, tidy(name))
	case strings.HasPrefix(l.text, modes):
		_, list, _ := strings.Cut(strings.TrimPrefix(l.text, modes), ": ")
		for _, word := range strings.Fields(list) {
			name, value, _ := strings.Cut(word, "=")
			if _, short, ok := strings.Cut(value, "."); ok {
				b.estimate.Modes[name], b.modes = tidy(short), true
			}
		}
	case l.level == "W" && !strings.Contains(l.text, "deprecated AIConfigurator distribution"):
		b.warnings = append(b.warnings, tidy(l.text))
	}
}
