package spec

import "time"

// EventType is the kind of an event.
type EventType string

// The events. One stream of them feeds the live view, the plain view, JSON lines
// and the stored log alike.
const (
	EventApplyStarted  EventType = "apply_started"
	EventApplyFinished EventType = "apply_finished"
	EventNodeStarted   EventType = "node_started"
	EventNodeFinished  EventType = "node_finished"
	EventNodeSkipped   EventType = "node_skipped"
	EventNodeRetried   EventType = "node_retried"
	EventProgress      EventType = "progress" // inside a node: phase, done of total
	EventServerLog     EventType = "server_log"
	EventFinding       EventType = "finding"
	EventLook          EventType = "look"
	EventVerdict       EventType = "verdict"
	EventInterrupted   EventType = "interrupted"
	EventWarning       EventType = "warning"
)

// Event is something that happened. Fields that do not apply are zero.
type Event struct {
	Time    time.Time     `json:"time"`
	Type    EventType     `json:"type"`
	Node    int           `json:"node,omitempty"`    // id in the execution graph
	Kind    string        `json:"kind,omitempty"`    // of the node: deploy, run ...
	Subject string        `json:"subject,omitempty"` // cell, deployment or claim address
	Phase   string        `json:"phase,omitempty"`   // what it is doing: "warm-up", "loading weights"
	Attempt int           `json:"attempt,omitempty"`
	Done    int           `json:"done,omitempty"`
	Total   int           `json:"total,omitempty"`
	Elapsed time.Duration `json:"elapsed_ns,omitempty"`
	Verdict Verdict       `json:"verdict,omitempty"`
	Message string        `json:"message,omitempty"`
}

// Emit receives events. It may be called from several goroutines and must not block
// for long.
type Emit func(Event)
