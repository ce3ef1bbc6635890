package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// pullMessage is one line of a pull's stream.
type pullMessage struct {
	ID       string `json:"id"`
	Status   string `json:"status"`
	Progress *struct {
		Current int64 `json:"current"`
		Total   int64 `json:"total"`
	} `json:"progressDetail"`
	Error *struct {
		Message string `json:"message"`
	} `json:"errorDetail"`
	Text string `json:"error"`
}

// maxLayers bounds what a stream can make us remember.
const maxLayers = 4096

// layer is how far one layer is.
type layer struct {
	current, total int64
	done           bool
}

// followPull reads a pull's stream to its end. Its error is what the daemon says in it,
// or that it broke off.
func followPull(ctx context.Context, stream io.Reader, tell func(progress)) error {
	layers := map[string]layer{}
	decoder := json.NewDecoder(stream)
	for {
		var m pullMessage
		err := decoder.Decode(&m)
		switch {
		case errors.Is(err, io.EOF):
			return ctx.Err()
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return fmt.Errorf("the daemon's answer broke off: %w", err)
		case m.Error != nil && m.Error.Message != "":
			return errors.New(m.Error.Message)
		case m.Text != "":
			return errors.New(m.Text)
		}
		if m.follow(layers) {
			tell(sum(layers))
		}
	}
}

// follow notes what a message says of a layer; false where it says nothing of one.
func (m *pullMessage) follow(layers map[string]layer) bool {
	l, known := layers[m.ID]
	if !known && len(layers) >= maxLayers {
		return false
	}
	switch m.Status {
	case "Pulling fs layer", "Waiting":
	case "Downloading":
		if m.Progress != nil {
			l.current, l.total = max(0, m.Progress.Current), max(0, m.Progress.Total)
		}
	case "Verifying Checksum", "Download complete", "Extracting":
		l.current = l.total
	case "Pull complete", "Already exists":
		l.current, l.done = l.total, true
	default:
		return false
	}
	layers[m.ID] = l
	return true
}

func sum(layers map[string]layer) progress {
	p := progress{layers: len(layers), done: len(layers)}
	for _, l := range layers {
		p.current, p.total = p.current+l.current, p.total+l.total
		if !l.done {
			p.done--
		}
	}
	return p
}

// String writes how far a pull is.
func (p progress) String() string {
	text := fmt.Sprintf("%d of %d layers", p.done, p.layers)
	if p.total > 0 {
		text += fmt.Sprintf(", %s of %s", megabytes(p.current), megabytes(p.total))
	}
	return text
}

func megabytes(n int64) string {
	if n < 1e9 {
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.2f GB", float64(n)/1e9)
}
