package view

import (
	"fmt"
	"strings"
	"time"

	"aicv/internal/tty"
	"aicv/spec"
)

// line writes an event as one plain line; empty for events that plain output leaves
// out.
func line(e spec.Event) string {
	switch e.Type {
	case spec.EventApplyStarted:
		return joined(e.Message)
	case spec.EventNodeStarted:
		return startLine(e)
	case spec.EventNodeFinished:
		return endLine(e)
	case spec.EventNodeSkipped:
		return skipLine(e)
	case spec.EventNodeRetried:
		return joined(position(e), e.Kind, e.Subject, fmt.Sprintf("attempt %d failed:", e.Attempt), e.Message)
	case spec.EventFinding:
		return joined("finding:", e.Subject, e.Message)
	case spec.EventWarning:
		return joined("warning:", e.Subject, e.Message)
	case spec.EventLook:
		return joined("look:", e.Subject, e.Message)
	case spec.EventInterrupted:
		return joined("interrupted:", e.Message)
	}
	return ""
}

// startLine announces only the steps that take long; the others show when they end.
func startLine(e spec.Event) string {
	if e.Kind != "deploy" {
		return ""
	}
	return joined(position(e), e.Kind, e.Subject, "starting")
}

// endLine says how a step ended; the engine's message of a failed one begins so.
func endLine(e spec.Event) string {
	cause, failed := strings.CutPrefix(e.Message, "failed: ")
	if failed {
		return joined(position(e), e.Kind, e.Subject, "failed"+elapsed(e.Elapsed)+":", cause)
	}
	return joined(position(e), e.Kind, e.Subject, "done"+elapsed(e.Elapsed), e.Message)
}

// lines writes events as lines, and a reason that many steps share once: where a
// server is gone, every run that is left is skipped for the same one.
type lines struct{ reason string }

func (l *lines) of(e spec.Event) string {
	if e.Type == spec.EventNodeSkipped && e.Kind == "run" {
		if e.Message != "" && e.Message == l.reason {
			e.Message = "for the same reason"
		} else {
			l.reason = e.Message
		}
	}
	return line(e)
}

// skipLine leaves out looks at runs that were skipped themselves.
func skipLine(e spec.Event) string {
	if e.Kind != "run" {
		return ""
	}
	return joined(position(e), e.Kind, e.Subject, "skipped:", e.Message)
}

func position(e spec.Event) string {
	if e.Total == 0 {
		return ""
	}
	return fmt.Sprintf("[%d/%d]", e.Done, e.Total)
}

func elapsed(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return " in " + d.Round(10*time.Millisecond).String()
}

// still is how long nothing may move before it is said.
const still = 5 * time.Second

// stalled says for how long nothing has moved, where that is worth a look.
func stalled(e spec.Event) string {
	if e.Idle < still {
		return ""
	}
	return "(nothing moved for " + e.Idle.Round(time.Second).String() + ")"
}

// joined makes one line of what is there of the parts.
func joined(parts ...string) string {
	kept := parts[:0:0]
	for _, p := range parts {
		if p != "" {
			kept = append(kept, p)
		}
	}
	return tty.Clean(strings.Join(kept, " "))
}
