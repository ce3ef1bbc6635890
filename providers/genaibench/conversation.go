package genaibench

import (
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"aicv/spec"
)

// maxWords is how many of the tool's last lines are kept for an error.
const maxWords = 12

// conversation follows what the tool says and turns it into progress.
type conversation struct {
	emit spec.Emit
	key  string // never shown

	mu      sync.Mutex
	phase   string
	began   time.Time // of the phase
	started time.Time // of the traffic
	counted int       // requests at the end, as the tool says; 0: it did not
	words   []string
	done    chan struct{}
}

func newConversation(emit spec.Emit, key string) *conversation {
	c := &conversation{emit: emit, key: key, phase: "start the tool", began: time.Now(), done: make(chan struct{})}
	go c.tick()
	return c
}

// progressInterval is the time between two events: the tool says nothing inside a run.
const progressInterval = time.Second

func (c *conversation) tick() {
	ticker := time.NewTicker(progressInterval)
	defer ticker.Stop()
	for {
		select {
		case <-c.done:
			return
		case <-ticker.C:
			c.mu.Lock()
			event := spec.Event{Time: time.Now(), Type: spec.EventProgress, Phase: c.phase, Elapsed: time.Since(c.began)}
			c.mu.Unlock()
			c.emit(event)
		}
	}
}

func (c *conversation) stop() { close(c.done) }

// line takes one line of the tool's output.
func (c *conversation) line(raw []byte) {
	text := strings.TrimSpace(string(raw))
	if c.key != "" {
		text = strings.ReplaceAll(text, c.key, "(secret)")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remember(text)
	switch {
	case strings.Contains(text, "Starting benchmark with concurrency="):
		c.enter("measure")
		c.started = c.began
	case strings.Contains(text, "has finished after"):
		c.enter("write sheets and plots")
	case strings.Contains(text, "Exit the run as"):
		c.counted = countIn(text)
	}
}

func (c *conversation) enter(phase string) { c.phase, c.began = phase, time.Now() }

// remember keeps the lines that may explain a failure.
func (c *conversation) remember(text string) {
	if text == "" || strings.Contains(text, " - genai_bench.benchmark:benchmark - ") && strings.HasPrefix(text, "INFO") {
		return
	}
	const most = 400
	c.words = append(c.words, text[:min(len(text), most)])
	if len(c.words) > maxWords {
		c.words = c.words[1:]
	}
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
