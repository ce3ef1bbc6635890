package exec

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The bounds on texts of a program that are kept.
const (
	maxText    = 1000 // bytes of one text
	maxExcerpt = 80   // bytes of a line in a message
	maxWords   = 2000 // bytes of standard error in a message
)

// tidy makes one line of a text: controls and runs of spaces become one space, and what
// is too long is cut.
func tidy(text string) string {
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }), " ")
	return cut(text, maxText)
}

// cut shortens a text to at most n bytes, between two characters.
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n] + "..."
}

// excerpt quotes the beginning of a name or a word that a program gave.
func excerpt(word []byte) string { return strconv.Quote(cut(string(word), maxExcerpt)) }

// shown is the beginning of a line or of a JSON value, as it stands there.
func shown(raw []byte) string {
	return cut(tidy(strings.ToValidUTF8(string(raw[:min(len(raw), maxText)]), "?")), maxExcerpt)
}

// lastWords is the end of what a program wrote on its standard error.
func lastWords(text string) string {
	text = strings.TrimSpace(text)
	if over := len(text) - maxWords; over > 0 {
		_, text, _ = strings.Cut(text[over:], "\n")
	}
	return text
}
