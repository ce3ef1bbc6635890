package exec

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"aicv/spec"
)

// loading follows a server's start through the phases that its log tells of.
type loading struct {
	phases   []spec.LoadPhase
	patterns []*regexp.Regexp
	log      string
	at       int // index of the phase; -1: none yet
	since    time.Time
	progress string // " 3/8"
}

// newLoading compiles the phases of a group's runtime.
func newLoading(g *group) (*loading, error) {
	l := &loading{phases: g.spec.Ready.Phases, at: -1}
	for _, p := range l.phases {
		pattern, err := regexp.Compile(p.Pattern)
		if err != nil {
			return nil, &spec.Error{Kind: spec.ErrUsage, Summary: fmt.Sprintf("%s: the pattern of its phase %q is no regular expression", g.cell.Runtime.Address(), p.Name), Cause: err}
		}
		l.patterns = append(l.patterns, pattern)
	}
	return l, nil
}

// read finds the last line that tells of a phase. Phases never go back: several
// processes of an engine write into one log.
func (l *loading) read(log string, now time.Time) {
	if log == l.log {
		return
	}
	l.log = log
	for _, line := range strings.FieldsFunc(log, func(r rune) bool { return r == '\n' || r == '\r' }) {
		for i := len(l.patterns) - 1; i >= max(l.at, 0); i-- {
			m := l.patterns[i].FindStringSubmatch(line)
			if m == nil {
				continue
			}
			if i > l.at {
				l.at, l.since, l.progress = i, now, ""
			}
			if counted := counts(l.patterns[i], m); counted != "" {
				l.progress = counted
			}
			break
		}
	}
}

// counts reads the groups done and total of a match.
func counts(pattern *regexp.Regexp, match []string) string {
	done, total := pattern.SubexpIndex("done"), pattern.SubexpIndex("total")
	if done < 0 || total < 0 || match[done] == "" || match[total] == "" {
		return ""
	}
	return " " + match[done] + "/" + match[total]
}

// phase is what the server is doing, for people.
func (l *loading) phase() string {
	if l.at < 0 {
		return "waiting until it is ready"
	}
	return l.phases[l.at].Name + l.progress
}

// overdue is an error once a phase has taken longer than it may.
func (w *waiting) overdue() error {
	l := w.loading
	if l.at < 0 || l.phases[l.at].Timeout == 0 || time.Since(l.since) <= l.phases[l.at].Timeout {
		return nil
	}
	if cause, known := w.g.runtime.Diagnose(w.log); known {
		return w.g.atStart(cause)
	}
	return &spec.Error{Kind: spec.ErrInfrastructure,
		Summary: fmt.Sprintf("%s has been %s for more than %s", w.g.address(), l.phase(), l.phases[l.at].Timeout),
		Detail:  lastLines(w.log, shownLines), Fix: "see its log: it hangs, or its host is too slow"}
}
