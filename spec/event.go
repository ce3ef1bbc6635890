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
//
// Of apply_started, Subject is the suite, Phase the plan's identity and Total how many
// deployments and runs there are at most. Of events about nodes, Done and Total count
// those; of progress, they count inside the node. Of apply_finished, Phase is the
// apply's status; the servers that could not be torn down are warnings before it.
type Event struct {
	Apply   string        `json:"apply,omitempty"` // which apply it belongs to
	Time    time.Time     `json:"time"`
	Type    EventType     `json:"type"`
	Node    int           `json:"node,omitempty"`    // id in the execution graph
	Kind    string        `json:"kind,omitempty"`    // of the node: deploy, run ...
	Subject string        `json:"subject,omitempty"` // cell, deployment or claim address
	Phase   string        `json:"phase,omitempty"`   // what it is doing: "warm-up", "loading weights"
	Attempt int           `json:"attempt,omitempty"`
	Done    int           `json:"done,omitempty"`
	Total   int           `json:"total,omitempty"`
	Elapsed time.Duration `json:"elapsed_ns,omitempty"` // of the node or, of apply_finished, of this session
	Left    time.Duration `json:"left_ns,omitempty"`    // of the whole apply, at most, extrapolated from what is done; 0: not known
	Idle    time.Duration `json:"idle_ns,omitempty"`    // of progress: since anything last moved
	Verdict Verdict       `json:"verdict,omitempty"`
	Message string        `json:"message,omitempty"`
}

// Emit receives events. It may be called from several goroutines and must not block
// for long.
type Emit func(Event)
