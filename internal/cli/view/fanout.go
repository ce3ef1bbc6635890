package view

import (
	"errors"
	"sync"
	"time"

	"aicv/spec"
)

// Fanout hands each event to every sink. It may be used from several goroutines.
type Fanout struct {
	mutex sync.Mutex
	sinks []Sink
}

// NewFanout joins sinks to one stream.
func NewFanout(sinks ...Sink) *Fanout { return &Fanout{sinks: sinks} }

// Emit stamps the event and hands it on.
func (f *Fanout) Emit(e spec.Event) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	for _, s := range f.sinks {
		s.Event(e)
	}
}

// Close closes all sinks.
func (f *Fanout) Close() error {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	var errs []error
	for _, s := range f.sinks {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}
