// Package pep440 reads and compares the versions of Python distributions, and the sets
// of versions that specifiers such as ">=0.5.14,<0.6" describe.
//
// Source: https://packaging.python.org/en/latest/specifications/version-specifiers/
package pep440

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// maxLength bounds a version's text.
const maxLength = 128

// Version is one version. Versions are immutable.
type Version struct {
	text    string
	epoch   int
	release []int
	pre     phase // a1, b2, rc3
	post    phase // .post1
	dev     phase // .dev4
	local   string
}

// phase is a suffix with its number; rank 0: there is none.
type phase struct{ rank, number int }

// pattern is the one of the specification, in lower case. It is built once and only read.
var pattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^v?(?:(\d+)!)?(\d+(?:\.\d+)*)` +
		`(?:[-_.]?(alpha|a|beta|b|preview|pre|c|rc)[-_.]?(\d*))?` +
		`(?:-(\d+)|([-_.]?(?:post|rev|r)[-_.]?(\d*)))?` +
		`([-_.]?dev[-_.]?(\d*))?` +
		`(?:\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?$`)
})

// Parse reads a version. The error says what a version looks like.
func Parse(text string) (Version, error) {
	trimmed := strings.ToLower(strings.TrimSpace(text))
	if len(trimmed) > maxLength {
		return Version{}, fmt.Errorf("a version of %d characters", len(trimmed))
	}
	m := pattern().FindStringSubmatch(trimmed)
	if m == nil {
		return Version{}, fmt.Errorf("%q is no version: one looks like 0.5.14, 0.5.6.post2 or 1.0rc1", text)
	}
	v := Version{text: trimmed, local: strings.NewReplacer("-", ".", "_", ".").Replace(m[10])}
	r := reader{}
	v.epoch = r.number(m[1])
	for part := range strings.SplitSeq(m[2], ".") {
		v.release = append(v.release, r.number(part))
	}
	if m[3] != "" {
		v.pre = phase{preRank(m[3]), r.number(m[4])}
	}
	if m[5] != "" || m[6] != "" {
		v.post = phase{1, r.number(m[5] + m[7])}
	}
	if m[8] != "" {
		v.dev = phase{1, r.number(m[9])}
	}
	if r.err != nil {
		return Version{}, fmt.Errorf("%q is no version: %w", text, r.err)
	}
	return v, nil
}

// reader reads numbers and keeps the first error.
type reader struct{ err error }

func (r *reader) number(text string) int {
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("the number %s is too large", text)
	}
	return n
}

func preRank(name string) int {
	switch name[0] {
	case 'a':
		return 1
	case 'b':
		return 2
	}
	return 3 // c, rc, pre, preview
}

// String is the version as it was written, in lower case.
func (v Version) String() string { return v.text }

// Public is the version without its local part: 0.32.0 of 0.32.0+cpu.
func (v Version) Public() Version {
	v.text, _, _ = strings.Cut(v.text, "+")
	v.local = ""
	return v
}

// Compare orders versions: negative where v is older than o.
func (v Version) Compare(o Version) int {
	return cmp.Or(
		cmp.Compare(v.epoch, o.epoch),
		compareRelease(v.release, o.release),
		comparePhase(v.preKey(), o.preKey()),
		comparePhase(v.post, o.post),
		comparePhase(v.devKey(), o.devKey()),
		compareLocal(v.local, o.local),
	)
}

// compareRelease compares number by number; missing ones are 0.
func compareRelease(a, b []int) int {
	for i := range max(len(a), len(b)) {
		if c := cmp.Compare(at(a, i), at(b, i)); c != 0 {
			return c
		}
	}
	return 0
}

func at(numbers []int, i int) int {
	if i < len(numbers) {
		return numbers[i]
	}
	return 0
}

func comparePhase(a, b phase) int {
	return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.number, b.number))
}

// preKey orders 1.0.dev1 < 1.0a1 < 1.0rc1 < 1.0.
func (v Version) preKey() phase {
	switch {
	case v.pre.rank > 0:
		return v.pre
	case v.post.rank == 0 && v.dev.rank > 0:
		return phase{0, 0}
	}
	return phase{4, 0}
}

// devKey orders a development version before its release.
func (v Version) devKey() phase {
	if v.dev.rank == 0 {
		return phase{2, 0}
	}
	return v.dev
}

// compareLocal compares segments: numbers above words, numbers by value.
func compareLocal(a, b string) int {
	if a == "" || b == "" {
		return cmp.Compare(len(a), len(b))
	}
	return slices.CompareFunc(strings.Split(a, "."), strings.Split(b, "."), func(x, y string) int {
		n, errX := strconv.Atoi(x)
		m, errY := strconv.Atoi(y)
		switch {
		case errX == nil && errY == nil:
			return cmp.Compare(n, m)
		case errX == nil:
			return 1
		case errY == nil:
			return -1
		}
		return cmp.Compare(x, y)
	})
}

// Before reports whether the version is older than another one, which must be readable.
func (v Version) Before(other string) bool {
	o, err := Parse(other)
	return err == nil && v.Compare(o) < 0
}
