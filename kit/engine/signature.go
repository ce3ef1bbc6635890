package engine

import (
	"regexp"
	"strings"

	"aicv/spec"
)

// Signature is how a failure shows in a log, with what it means.
type Signature struct {
	Pattern string // regular expression within one line
	Kind    spec.ErrorKind
	Summary string
	Fix     string // $1 is the pattern's first group
	// Wrapper marks messages that only say that something failed above: they count
	// where nothing else is found, with the first error raised as evidence.
	Wrapper bool
}

// maxEvidence bounds the log line that is quoted.
const maxEvidence = 600

// Diagnose finds the first line of a log that a signature knows; of several that know
// one line, the first in the list counts. False: no signature knows a line.
func Diagnose(log string, signatures []Signature) (*spec.Error, bool) {
	patterns := make([]*regexp.Regexp, len(signatures))
	for i := range signatures {
		patterns[i] = regexp.MustCompile(signatures[i].Pattern)
	}
	var wrapper *spec.Error
	for line := range strings.Lines(log) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		for i := range signatures {
			m := patterns[i].FindStringSubmatchIndex(line)
			if m == nil {
				continue
			}
			e := signatures[i].explain(patterns[i], line, m)
			if !signatures[i].Wrapper {
				return e, true
			}
			if wrapper == nil {
				wrapper = e
			}
		}
	}
	if wrapper == nil {
		return nil, false
	}
	if raised := firstRaised(log); raised != "" {
		wrapper.Detail = raised
	}
	return wrapper, true
}

func (s *Signature) explain(pattern *regexp.Regexp, line string, match []int) *spec.Error {
	fix := s.Fix
	if strings.Contains(fix, "$") {
		fix = string(pattern.ExpandString(nil, fix, line, match))
	}
	if len(line) > maxEvidence {
		line = strings.ToValidUTF8(line[:maxEvidence], "") + " ..."
	}
	return &spec.Error{Kind: s.Kind, Summary: s.Summary, Detail: line, Fix: fix}
}

// firstRaised is the message of the first Python exception in a log; empty: there is none.
func firstRaised(log string) string {
	raised := regexp.MustCompile(`(?m)^(?:.*\] |\([^)]*\) )?([A-Za-z_][\w.]*(?:Error|Exception|Exit|Interrupt): .+)$`)
	found := raised.FindAllStringSubmatch(log, -1)
	if len(found) == 0 {
		return ""
	}
	text := found[0][1] // what failed first; later ones are its consequences
	if len(text) > maxEvidence {
		text = strings.ToValidUTF8(text[:maxEvidence], "") + " ..."
	}
	return strings.TrimSpace(text)
}
