package genaibench

import (
	"regexp"
	"strconv"
	"strings"

	"aicv/kit/benchtool"
	"aicv/spec"
)

// phaseMeasure is the phase of the tool's traffic.
const phaseMeasure = "measure"

// conversation follows what the tool says and turns it into progress.
type conversation struct {
	*benchtool.Conversation
	counted int // requests at the end, as the tool says; 0: it did not
}

func newConversation(emit spec.Emit, key string) *conversation {
	c := &conversation{}
	c.Conversation = benchtool.Converse(emit, key, c.heard)
	return c
}

// heard reads one line: the phase that it begins, and whether it may explain a failure.
func (c *conversation) heard(text string) (phase string, worth bool) {
	switch {
	case strings.Contains(text, "Starting benchmark with concurrency="):
		phase = phaseMeasure
	case strings.Contains(text, "has finished after"):
		phase = "write sheets and plots"
	case strings.Contains(text, "Exit the run as"):
		c.counted = countIn(text)
	}
	chatter := strings.Contains(text, " - genai_bench.benchmark:benchmark - ") && strings.HasPrefix(text, "INFO")
	return phase, !chatter
}

// countIn reads N of "Exit the run as N requests have been completed"; 0 where there is
// none.
func countIn(text string) int {
	m := regexp.MustCompile(`Exit the run as (\d{1,9}) requests`).FindStringSubmatch(text)
	if m == nil {
		return 0
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return 0
	}
	return n
}
