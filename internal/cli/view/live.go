package view

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"aicv/internal/tty"
	"aicv/spec"
)

// frame is how often the live view is drawn again at most.
const frame = 100 * time.Millisecond

// live keeps the last lines of a terminal up to date: what is running, k of n,
// phase, elapsed, the time that is left, and the engine's own last log line.
// Lines that will not change any more scroll away above it.
type live struct {
	w       io.Writer
	lines   lines
	width   int
	mutex   sync.Mutex
	started time.Time
	current spec.Event // the last started node
	since   time.Time  // when it was started
	phase   spec.Event // its last progress
	log     string     // the engine's last log line
	done    int
	total   int
	drawn   int // lines of the status on the screen
	ticker  *time.Ticker
	stop    chan struct{}
	err     error
}

// Live draws on a terminal of the given width.
func Live(w io.Writer, width int) Sink {
	l := &live{w: w, width: width, started: time.Now(), ticker: time.NewTicker(frame), stop: make(chan struct{})}
	go l.animate()
	return l
}

func (l *live) animate() {
	for {
		select {
		case <-l.stop:
			return
		case <-l.ticker.C:
			l.mutex.Lock()
			l.draw("")
			l.mutex.Unlock()
		}
	}
}

func (l *live) Event(e spec.Event) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.note(e)
	if text := l.lines.of(e); text != "" && e.Type != spec.EventNodeStarted {
		l.draw(text + "\n")
	}
}

// note takes over what the status shows.
func (l *live) note(e spec.Event) {
	if e.Total > 0 && e.Type != spec.EventProgress {
		l.done, l.total = e.Done, e.Total
	}
	switch e.Type {
	case spec.EventNodeStarted:
		l.current, l.since, l.phase, l.log = e, e.Time, spec.Event{}, ""
	case spec.EventProgress:
		l.phase = e
	case spec.EventServerLog:
		l.log = e.Message
	}
}

// draw replaces the status by text that stays, and the status below it.
func (l *live) draw(text string) {
	var b strings.Builder
	for range l.drawn {
		b.WriteString("\x1b[1A\x1b[2K")
	}
	b.WriteString(text)
	lines := l.status()
	for _, s := range lines {
		b.WriteString(clip(s, l.width-1))
		b.WriteByte('\n')
	}
	l.drawn = len(lines)
	if _, err := io.WriteString(l.w, b.String()); err != nil && l.err == nil {
		l.err = fmt.Errorf("draw progress: %w", err)
	}
}

// status is what the bottom of the screen shows.
func (l *live) status() []string {
	if l.current.Kind == "" {
		return nil
	}
	now := time.Now()
	lines := []string{
		joined(fmt.Sprintf("[%d/%d]", l.done, l.total), now.Sub(l.started).Round(time.Second).String()+l.remaining(now)),
		joined("  "+l.current.Kind, l.current.Subject, l.progress(), now.Sub(l.since).Round(100*time.Millisecond).String()),
	}
	if l.log != "" {
		lines = append(lines, "  | "+l.log)
	}
	return lines
}

// remaining extrapolates from the steps done so far; gates may shorten it.
func (l *live) remaining(now time.Time) string {
	if l.done == 0 || l.total <= l.done {
		return ""
	}
	left := now.Sub(l.started) / time.Duration(l.done) * time.Duration(l.total-l.done)
	return fmt.Sprintf(" elapsed, at most about %s left", left.Round(time.Second))
}

func (l *live) progress() string {
	if l.phase.Total == 0 {
		return joined(l.phase.Phase, stalled(l.phase))
	}
	return joined(fmt.Sprintf("%s %d/%d", l.phase.Phase, l.phase.Done, l.phase.Total), stalled(l.phase))
}

// clip cuts a line to the terminal's width.
func clip(s string, width int) string {
	runes := []rune(tty.Clean(s))
	if len(runes) > width && width > 1 {
		runes = append(runes[:width-1], '…')
	}
	return string(runes)
}

func (l *live) Close() error {
	l.ticker.Stop()
	close(l.stop)
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.current = spec.Event{}
	l.draw("")
	return l.err
}
