package sim

import (
	"encoding/json"
	"io"
	"sync"
)

// RequestRecord is one line of the request log: what really happened to a request,
// in Unix nanoseconds. It is the truth that clients are checked against.
type RequestRecord struct {
	ID         int64   `json:"id"`
	Endpoint   string  `json:"endpoint"` // "chat" or "completion"
	Status     int     `json:"status"`   // HTTP status
	ReceivedNS int64   `json:"received_ns"`
	TokenNS    []int64 `json:"token_ns,omitempty"` // when each token was handed to the connection, the first is the first written
	DoneNS     int64   `json:"done_ns"`
	Input      int     `json:"input_tokens"`
	Output     int     `json:"output_tokens"`
	Error      string  `json:"error,omitempty"` // why the request did not end well
}

// requestLog writes records as JSON lines.
type requestLog struct {
	mu    sync.Mutex
	out   io.Writer
	owned io.Closer // nil: the writer is somebody else's
}

// write appends one line, in one write call; nil logs nothing.
func (l *requestLog) write(record RequestRecord) {
	if l == nil {
		return
	}
	line, err := json.Marshal(record)
	if err != nil { // our own types always marshal
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = l.out.Write(append(line, '\n')) // a full disk must not stop the engine; the log then lacks lines
}

func (l *requestLog) close() error {
	if l == nil || l.owned == nil {
		return nil
	}
	return l.owned.Close()
}
