package plan

import (
	"strconv"

	"aicv/spec"
)

// findingList collects findings, each once, in the order in which they came up.
type findingList struct {
	all   []spec.Finding
	index map[findingKey]int
	count []int
}

type findingKey struct {
	check, message string
	severity       spec.FindingSeverity
}

func (l *findingList) add(f spec.Finding) {
	key := findingKey{f.Check, f.Message, f.Severity}
	if at, known := l.index[key]; known {
		l.count[at]++
		return
	}
	if l.index == nil {
		l.index = map[findingKey]int{}
	}
	l.index[key] = len(l.all)
	l.all = append(l.all, f)
	l.count = append(l.count, 1)
}

// addFrom adds a provider's finding under its component's address.
func (l *findingList) addFrom(c *spec.Component, f spec.Finding) {
	f.Message = c.Address() + ": " + f.Message
	l.add(f)
}

// list returns the findings; one that came up often says how often.
func (l *findingList) list() []spec.Finding {
	for i, n := range l.count {
		if n > 1 {
			l.all[i].Message += " (" + strconv.Itoa(n) + " times)"
			l.count[i] = 1
		}
	}
	return l.all
}
