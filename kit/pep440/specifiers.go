package pep440

import (
	"fmt"
	"slices"
	"strings"
)

// Specifiers are a set of versions. The zero value holds all.
type Specifiers struct {
	text string
	all  []specifier
}

type specifier struct {
	operator string
	version  Version
	prefix   bool // ==0.5.*
}

// operators, longer ones first.
func operators() []string { return []string{"==", "!=", "~=", ">=", "<=", ">", "<"} }

// ParseSpecifiers reads a comma-separated set, such as ">=0.5.14,<0.6". The empty text
// is the set of all versions. Arbitrary equality (===) is not known.
func ParseSpecifiers(text string) (Specifiers, error) {
	s := Specifiers{text: text}
	if strings.TrimSpace(text) == "" {
		return s, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		one, err := parseSpecifier(strings.TrimSpace(part))
		if err != nil {
			return Specifiers{}, err
		}
		s.all = append(s.all, one)
	}
	return s, nil
}

func parseSpecifier(text string) (specifier, error) {
	for _, operator := range operators() {
		rest, found := strings.CutPrefix(text, operator)
		if !found {
			continue
		}
		rest = strings.TrimSpace(rest)
		rest, prefix := strings.CutSuffix(rest, ".*")
		v, err := Parse(rest)
		switch {
		case err != nil:
			return specifier{}, fmt.Errorf("%q: %w", text, err)
		case prefix && operator != "==" && operator != "!=":
			return specifier{}, fmt.Errorf("%q: .* goes with == and != only", text)
		case operator == "~=" && len(v.release) < 2:
			return specifier{}, fmt.Errorf("%q: ~= needs a version of two numbers", text)
		}
		return specifier{operator, v, prefix}, nil
	}
	return specifier{}, fmt.Errorf("%q is no version specifier: one looks like >=0.5.14", text)
}

// Contains reports whether the version is in the set. Local parts of v count only
// where a specifier names one.
func (s Specifiers) Contains(v Version) bool {
	return !slices.ContainsFunc(s.all, func(one specifier) bool { return !one.holds(v) })
}

// String is the set as it was written.
func (s Specifiers) String() string { return s.text }

func (s specifier) holds(v Version) bool {
	if s.version.local == "" {
		v = v.Public()
	}
	c := v.Compare(s.version)
	switch s.operator {
	case "==":
		return s.equals(v, c)
	case "!=":
		return !s.equals(v, c)
	case "~=":
		return c >= 0 && startsWith(v, s.version.release[:len(s.version.release)-1])
	case ">=":
		return c >= 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0 && !s.successor(v)
	}
	return c < 0 && !s.forerunner(v)
}

func (s specifier) equals(v Version, c int) bool {
	if s.prefix {
		return v.epoch == s.version.epoch && startsWith(v, s.version.release)
	}
	return c == 0
}

// successor is a post-release of the bound, which > leaves out unless the bound is one.
func (s specifier) successor(v Version) bool {
	return s.version.post.rank == 0 && v.post.rank > 0 && compareRelease(v.release, s.version.release) == 0
}

// forerunner is a pre-release of the bound, which < leaves out unless the bound is one.
func (s specifier) forerunner(v Version) bool {
	pre := func(v Version) bool { return v.pre.rank > 0 || v.dev.rank > 0 }
	return !pre(s.version) && pre(v) && compareRelease(v.release, s.version.release) == 0
}

func startsWith(v Version, release []int) bool {
	for i, n := range release {
		if at(v.release, i) != n {
			return false
		}
	}
	return true
}
