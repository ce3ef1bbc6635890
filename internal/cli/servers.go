package cli

import (
	"maps"
	"slices"
	"sync"

	"aicv/engine"
	"aicv/spec"
)

// servers follows the events to know which servers run, for the one moment when nobody
// waits until they are torn down.
type servers struct {
	mutex sync.Mutex
	up    map[string]string // deployment: its URL; empty while it starts
}

// Event notes what starts and what ends.
func (s *servers) Event(e spec.Event) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	deploy, stop := e.Kind == string(engine.NodeDeploy), e.Kind == string(engine.NodeStop)
	switch {
	case deploy && e.Type == spec.EventNodeStarted:
		s.up[e.Subject] = ""
	case deploy && e.Type == spec.EventNodeFinished && e.Phase == "":
		s.up[e.Subject] = e.Message
	case deploy && e.Type == spec.EventNodeFinished, stop && e.Type == spec.EventNodeFinished && e.Phase == "":
		delete(s.up, e.Subject)
	}
}

// Close does nothing.
func (s *servers) Close() error { return nil }

// list names the deployments whose servers may run, with their URLs.
func (s *servers) list() []string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(s.up)) {
		line := name
		if url := s.up[name]; url != "" {
			line += " at " + url
		}
		lines = append(lines, line)
	}
	return lines
}
