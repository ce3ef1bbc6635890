package view_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"aicv/internal/cli/view"
	"aicv/internal/tty"
	"aicv/spec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func events() []spec.Event {
	at := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	return []spec.Event{
		{Time: at, Type: spec.EventApplyStarted, Message: "applying: at most 2 runs, 1 deployment"},
		{Time: at, Type: spec.EventNodeStarted, Kind: "deploy", Subject: "deployment.sim.engine.llama", Total: 3},
		{Time: at.Add(time.Second), Type: spec.EventServerLog, Subject: "deployment.sim.engine.llama", Message: "loading\x1b[31m weights"},
		{Time: at.Add(2 * time.Second), Type: spec.EventNodeFinished, Kind: "deploy", Subject: "deployment.sim.engine.llama", Done: 1, Total: 3, Elapsed: 1200 * time.Millisecond},
		{Time: at.Add(3 * time.Second), Type: spec.EventNodeStarted, Kind: "run", Subject: `experiment.e["c=1"]`, Done: 1, Total: 3},
		{Time: at.Add(4 * time.Second), Type: spec.EventProgress, Kind: "run", Subject: `experiment.e["c=1"]`, Phase: "measure", Done: 4, Total: 20},
		{Time: at.Add(30 * time.Second), Type: spec.EventProgress, Kind: "run", Subject: `experiment.e["c=1"]`, Phase: "measure", Done: 12, Total: 20},
		{Time: at.Add(31 * time.Second), Type: spec.EventNodeRetried, Kind: "run", Subject: `experiment.e["c=1"]`, Attempt: 1, Done: 1, Total: 3, Message: "connection refused"},
		{Time: at.Add(32 * time.Second), Type: spec.EventNodeFinished, Kind: "run", Subject: `experiment.e["c=1"]`, Done: 2, Total: 3, Message: "failed: the server ended"},
		{Time: at.Add(33 * time.Second), Type: spec.EventNodeSkipped, Kind: "gate", Subject: `experiment.e["c=1"]`, Message: "no runs"},
	}
}

const plainWant = `applying: at most 2 runs, 1 deployment
[0/3] deploy deployment.sim.engine.llama starting
[1/3] deploy deployment.sim.engine.llama done in 1.2s
... run experiment.e["c=1"] measure 12 of 20
[1/3] run experiment.e["c=1"] attempt 1 failed: connection refused
[2/3] run experiment.e["c=1"] failed: the server ended
`

// position needs a total; a step that starts first shows 0 of n.
func TestPlain(t *testing.T) {
	var out bytes.Buffer
	feed(t, view.Plain(&out))
	if diff := cmp.Diff(plainWant, out.String()); diff != "" {
		t.Error(diff)
	}
	if strings.Contains(out.String(), "\x1b") {
		t.Error("escape codes in plain output")
	}
}

// A server that is gone skips every run that is left: its long reason is said once.
func TestASharedReasonIsSaidOnce(t *testing.T) {
	var out bytes.Buffer
	sink := view.Plain(&out)
	for i, reason := range []string{"the server is gone", "the server is gone", "no GPU", "the server is gone"} {
		sink.Event(spec.Event{Type: spec.EventNodeSkipped, Kind: "run", Subject: "e", Done: i + 1, Total: 4, Message: reason})
	}
	want := "[1/4] run e skipped: the server is gone\n[2/4] run e skipped: for the same reason\n" +
		"[3/4] run e skipped: no GPU\n[4/4] run e skipped: the server is gone\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

// Messages hold what tools and servers wrote: each event stays one line, and no control
// character reaches the terminal.
func TestNothingHostileGetsThrough(t *testing.T) {
	hostile := "a\x1b[2Jb\x07\u202ec\r\nd"
	for name, open := range map[string]func(io.Writer) view.Sink{
		"plain": view.Plain, "live": func(w io.Writer) view.Sink { return view.Live(w, 60) },
	} {
		var out bytes.Buffer
		sink := open(&out)
		for _, kind := range []spec.EventType{spec.EventApplyStarted, spec.EventNodeFinished, spec.EventWarning, spec.EventFinding} {
			sink.Event(spec.Event{Type: kind, Kind: "run", Subject: hostile, Message: hostile})
		}
		if err := sink.Close(); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(out.String()) {
			if line = strings.TrimSuffix(line, "\n"); strings.ContainsFunc(line, tty.Unsafe) || !strings.Contains(line, "ab") {
				t.Errorf("%s: %q", name, line)
			}
		}
	}
}

func TestJSONLinesKeepEveryEvent(t *testing.T) {
	var out bytes.Buffer
	feed(t, view.JSONLines(&out))
	var got []spec.Event
	for line := range strings.Lines(out.String()) {
		var e spec.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		got = append(got, e)
	}
	if diff := cmp.Diff(events(), got); diff != "" {
		t.Error(diff)
	}
}

// A server's log must not control the terminal, and a line never exceeds its width.
func TestLive(t *testing.T) {
	var out bytes.Buffer
	feed(t, view.Live(&out, 60))
	text := out.String()
	if strings.Contains(text, "\x1b[31m") {
		t.Error("a log line's escape code reached the terminal")
	}
	for _, want := range []string{"run experiment.e", "| loading", "measure 12/20"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %q", want, text)
		}
	}
}

func feed(t *testing.T, s view.Sink) {
	t.Helper()
	f := view.NewFanout(s)
	for _, e := range events() {
		f.Emit(e)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space") }

func TestWriteErrorsComeOut(t *testing.T) {
	for _, s := range []view.Sink{view.Plain(full{}), view.JSONLines(full{}), view.Live(full{}, 80)} {
		f := view.NewFanout(s)
		for _, e := range events() {
			f.Emit(e)
		}
		if err := f.Close(); err == nil {
			t.Error("a full disk went unnoticed")
		}
	}
}

// A step that hangs silently can be told from one that is at work.
func TestStalls(t *testing.T) {
	e := spec.Event{Time: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC), Type: spec.EventProgress, Kind: "run", Subject: "c", Phase: "measure", Done: 4, Total: 20, Idle: 42 * time.Second}
	var plain, live bytes.Buffer
	for _, s := range []view.Sink{view.Plain(&plain), view.Live(&live, 100)} {
		s.Event(spec.Event{Time: e.Time, Type: spec.EventNodeStarted, Kind: "run", Subject: "c", Total: 3})
		s.Event(e)
		s.Event(spec.Event{Time: e.Time, Type: spec.EventWarning, Message: "draws"})
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for name, got := range map[string]string{"plain": plain.String(), "live": live.String()} {
		if !strings.Contains(got, "(nothing moved for 42s)") {
			t.Errorf("%s: %q", name, got)
		}
	}
}
