package cli

import (
	"strings"
	"testing"

	"aicv/spec"
)

func TestServersThatMayStillRun(t *testing.T) {
	s := &servers{up: map[string]string{}}
	for _, e := range []spec.Event{
		{Type: spec.EventNodeStarted, Kind: "deploy", Subject: "starting"},
		{Type: spec.EventNodeStarted, Kind: "deploy", Subject: "up"},
		{Type: spec.EventNodeFinished, Kind: "deploy", Subject: "up", Message: "http://127.0.0.1:1"},
		{Type: spec.EventNodeFinished, Kind: "deploy", Subject: "gone", Message: "http://127.0.0.1:2"},
		{Type: spec.EventNodeFinished, Kind: "stop", Subject: "gone"},
		{Type: spec.EventNodeFinished, Kind: "deploy", Subject: "stuck", Message: "http://127.0.0.1:3"},
		{Type: spec.EventNodeFinished, Kind: "stop", Subject: "stuck", Phase: "failed"},
		{Type: spec.EventNodeStarted, Kind: "deploy", Subject: "refused"},
		{Type: spec.EventNodeFinished, Kind: "deploy", Subject: "refused", Phase: "failed"},
		{Type: spec.EventNodeFinished, Kind: "run", Subject: "a run"},
	} {
		s.Event(e)
	}
	if got, want := strings.Join(s.list(), "; "), "starting; stuck at http://127.0.0.1:3; up at http://127.0.0.1:1"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
