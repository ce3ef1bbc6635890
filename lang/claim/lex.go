package claim

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/apparentlymart/go-textseg/v15/textseg"
)

type kind uint8

const (
	kindEnd kind = iota
	kindNumber
	kindWord
	kindOperator
	kindOther // any other single character
)

// token is a piece of the sentence, by byte offsets.
type token struct {
	kind       kind
	text       string
	start, end int
}

func (t token) is(text string) bool { return t.kind != kindEnd && t.text == text }

// lex splits a sentence; it never fails, what it does not know becomes kindOther.
// The last token is kindEnd, at the end of the last word.
func lex(text string) []token {
	var tokens []token
	end := 0
	for offset := 0; offset < len(text); {
		r, size := utf8.DecodeRuneInString(text[offset:])
		if unicode.IsSpace(r) {
			offset += size
			continue
		}
		t := scan(text[offset:], r)
		t.start, t.end = offset, offset+len(t.text)
		tokens = append(tokens, t)
		offset, end = t.end, t.end
	}
	return append(tokens, token{start: end, end: end})
}

// scan reads the token at the start of rest, whose first rune is r.
func scan(rest string, r rune) token {
	if n := numberLength(rest); n > 0 {
		return token{kind: kindNumber, text: rest[:n]}
	}
	if isWordStart(r) {
		n := strings.IndexFunc(rest, func(r rune) bool { return !isWordPart(r) })
		if n < 0 {
			n = len(rest)
		}
		return token{kind: kindWord, text: rest[:n]}
	}
	for _, operator := range operators() {
		if strings.HasPrefix(rest, operator) {
			return token{kind: kindOperator, text: operator}
		}
	}
	return token{kind: kindOther, text: firstCharacter(rest)}
}

// operators lists what looks like a comparison, longest first; only some of them
// are part of the grammar, the others earn a better message.
func operators() []string {
	return []string{"<=", ">=", "==", "=<", "=>", "!=", "<>", "<", ">", "=", "≤", "≥", "≠", "≈", "~", "±"}
}

// numberLength measures a number: sign, digits, and the separators that people
// write between digits, so that `1,000` is one wrong number and not two.
func numberLength(s string) int {
	n := 0
	if s[0] == '-' || s[0] == '+' {
		n = 1
	}
	digits := 0
	for n < len(s) {
		switch c := s[n]; {
		case isDigit(c):
			digits++
		case (c == '.' || c == ',' || c == '_') && n+1 < len(s) && isDigit(s[n+1]):
		default:
			return lengthOf(n, digits)
		}
		n++
	}
	return lengthOf(n, digits)
}

func lengthOf(n, digits int) int {
	if digits == 0 {
		return 0
	}
	return n
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isWordStart(r rune) bool { return r == '_' || unicode.IsLetter(r) }

// isWordPart lets units (tokens/s/GPU) and dotted references (experiment.x) be one
// word each.
func isWordPart(r rune) bool {
	return isWordStart(r) || unicode.IsDigit(r) || unicode.IsMark(r) || r == '/' || r == '.'
}

// firstCharacter returns one grapheme cluster, what a reader takes for a character.
func firstCharacter(s string) string {
	n, _, err := textseg.ScanGraphemeClusters([]byte(s), true)
	if err != nil || n <= 0 {
		n = 1
	}
	return s[:n]
}
