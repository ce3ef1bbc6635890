// Package tty makes text safe to show on a terminal. Texts come from files, servers'
// logs and tools, and none of them may move the cursor, change colours or reorder what
// stands beside it.
package tty

import (
	"strings"
	"unicode"
)

// Clean writes a text as one line: escape sequences are taken out, and whatever else
// a terminal would act on becomes a space.
func Clean(text string) string {
	if strings.IndexFunc(text, Unsafe) < 0 {
		return text
	}
	return strings.Map(func(r rune) rune {
		if Unsafe(r) {
			return ' '
		}
		return r
	}, withoutEscapes(text))
}

// CleanLines is Clean for a text of several lines: its line breaks stay.
func CleanLines(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = Clean(strings.TrimSuffix(line, "\r"))
	}
	return strings.Join(lines, "\n")
}

// Unsafe reports characters that a terminal acts on instead of showing, and those that
// hide or reorder others: controls, line separators and Unicode's format characters,
// but for the two joiners, which scripts and emoji are written with.
func Unsafe(r rune) bool {
	const zeroWidthNonJoiner, zeroWidthJoiner = '\u200c', '\u200d'
	if r == zeroWidthNonJoiner || r == zeroWidthJoiner {
		return false
	}
	return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)
}

// withoutEscapes takes out whole escape sequences, ESC [ parameters letter.
func withoutEscapes(s string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(s, "\x1b[")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		s = strings.TrimLeft(rest, "0123456789;:<=>? ")
		if s != "" && s[0] >= '@' && s[0] <= '~' {
			s = s[1:]
		}
	}
}
