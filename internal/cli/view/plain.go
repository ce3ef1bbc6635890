package view

import (
	"fmt"
	"io"
	"time"

	"aicv/spec"
)

// quiet is how long plain output may stay silent during a long step.
const quiet = 15 * time.Second

// plain writes one line per event that matters, for logs and pipes.
type plain struct {
	w     io.Writer
	lines lines
	last  time.Time
	err   error
}

// Plain writes events as lines of text.
func Plain(w io.Writer) Sink { return &plain{w: w} }

func (p *plain) Event(e spec.Event) {
	text := p.lines.of(e)
	if text == "" && e.Type == spec.EventProgress && e.Time.Sub(p.last) >= quiet {
		text = progressLine(e)
	}
	if text == "" {
		return
	}
	p.last = e.Time
	if _, err := fmt.Fprintln(p.w, text); err != nil && p.err == nil {
		p.err = fmt.Errorf("write progress: %w", err)
	}
}

func progressLine(e spec.Event) string {
	done := ""
	if e.Total > 0 {
		done = fmt.Sprintf("%d of %d", e.Done, e.Total)
	}
	return joined("...", e.Kind, e.Subject, e.Phase, done, e.Message, stalled(e))
}

func (p *plain) Close() error { return p.err }
