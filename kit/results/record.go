package results

import (
	"fmt"
	"slices"

	"aicv/spec"
)

// maxFile bounds a foreign file, in bytes.
const maxFile = 256 << 20

// maxTokens bounds a request's token count: more is no count.
const maxTokens = 1 << 30

// refused is the error of a file that can not be read as what it is said to be.
func refused(file, problem, fix string) error {
	return &spec.Error{Kind: spec.ErrUsage, Summary: file + ": " + problem, Fix: fix}
}

// tokenCount turns a count that may be written as a float into a whole number.
func tokenCount(n *float64) (int, error) {
	switch {
	case n == nil:
		return 0, nil
	case *n < 0 || *n > maxTokens || *n != float64(int(*n)):
		return 0, fmt.Errorf("%v is no number of tokens", *n)
	}
	return int(*n), nil
}

// value reads an optional number.
func value(n *float64) float64 {
	if n == nil {
		return 0
	}
	return *n
}

func sortedNames(names []string) []string {
	slices.Sort(names)
	return names
}
