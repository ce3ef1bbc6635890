package benchtool

import (
	"strings"
	"sync"
	"time"

	"aicv/kit/pytool"
	"aicv/spec"
)

// maxWords is how many of the tool's last lines are kept for an error.
const maxWords = 12

// maxWord bounds one of them, in bytes.
const maxWord = 400

// progressInterval is the time between two events of progress.
const progressInterval = time.Second

// Conversation follows what a tool says and turns it into progress.
type Conversation struct {
	emit  spec.Emit
	key   string // never shown
	heard func(text string) (phase string, worth bool)

	mu    sync.Mutex
	phase string
	began map[string]time.Time // of the phases
	words []string
	done  chan struct{}
	ended chan struct{} // closed once no progress comes any more
	once  sync.Once
}

// Converse begins to listen, in the phase "start the tool". heard is called for each
// line, one after the other: it says which phase begins with it (empty: none), and
// whether the line may explain a failure. The key is taken out before.
func Converse(emit spec.Emit, key string, heard func(text string) (phase string, worth bool)) *Conversation {
	c := &Conversation{emit: emit, key: key, heard: heard, began: map[string]time.Time{}, done: make(chan struct{}), ended: make(chan struct{})}
	c.enter("start the tool")
	go c.tick()
	return c
}

func (c *Conversation) tick() {
	defer close(c.ended)
	ticker := time.NewTicker(progressInterval)
	defer ticker.Stop()
	for {
		select {
		case <-c.done:
			return
		case <-ticker.C:
			c.mu.Lock()
			event := spec.Event{Time: time.Now(), Type: spec.EventProgress, Phase: c.phase, Elapsed: time.Since(c.began[c.phase])}
			c.mu.Unlock()
			c.emit(event)
		}
	}
}

// Stop ends the progress: nothing is emitted once it has returned.
func (c *Conversation) Stop() {
	c.once.Do(func() { close(c.done) })
	<-c.ended
}

// Line takes one line of the tool's output.
func (c *Conversation) Line(raw []byte) {
	text := c.without(strings.TrimSpace(string(raw)))
	c.mu.Lock()
	defer c.mu.Unlock()
	phase, worth := c.heard(text)
	if phase != "" {
		c.enter(phase)
	}
	if text == "" || !worth {
		return
	}
	c.words = append(c.words, text[:min(len(text), maxWord)])
	if len(c.words) > maxWords {
		c.words = c.words[1:]
	}
}

func (c *Conversation) enter(phase string) { c.phase, c.began[phase] = phase, time.Now() }

// without takes the key out of a text.
func (c *Conversation) without(text string) string {
	if c.key == "" {
		return text
	}
	return strings.ReplaceAll(text, c.key, Hidden)
}

// Began is when a phase began; zero where it did not.
func (c *Conversation) Began(phase string) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.began[phase]
}

// Words are the last lines that may explain a failure.
func (c *Conversation) Words() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.words
}

// Detail is what explains a failure: the last lines, and the last of standard error.
func (c *Conversation) Detail(stderr string) string {
	last := pytool.LastLine(strings.TrimSpace(c.without(stderr)))
	return strings.TrimSpace(strings.Join(c.Words(), "\n") + "\n" + last)
}
