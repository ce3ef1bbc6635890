// Package view turns the engine's event stream into what people and programs see
// while an apply runs: a live view on a terminal, plain lines elsewhere, JSON lines.
package view

import (
	"encoding/json"
	"fmt"
	"io"

	"aicv/spec"
)

// Sink receives events in order. Event is never called from two goroutines at once.
type Sink interface {
	Event(spec.Event)
	// Close writes what is pending and returns the first error of the sink's life.
	Close() error
}

// nothing shows no event.
type nothing struct{}

func (nothing) Event(spec.Event) {}

func (nothing) Close() error { return nil }

// Nothing shows nothing.
func Nothing() Sink { return nothing{} }

// jsonLines writes every event as one line of JSON.
type jsonLines struct {
	encoder *json.Encoder
	err     error
}

// JSONLines writes events as JSON lines.
func JSONLines(w io.Writer) Sink {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return &jsonLines{encoder: encoder}
}

func (j *jsonLines) Event(e spec.Event) {
	if err := j.encoder.Encode(e); err != nil && j.err == nil {
		j.err = fmt.Errorf("write events: %w", err)
	}
}

func (j *jsonLines) Close() error { return j.err }
