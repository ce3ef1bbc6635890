package aiconfigurator

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"aicv/spec"
)

// maxText bounds a text of the tool that is kept, in bytes.
const maxText = 1000

// tidy makes one line of a text of the tool: controls and runs of spaces become one
// space, and what is too long is cut.
func tidy(text string) string {
	text = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, "?"), func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }), " ")
	if len(text) <= maxText {
		return text
	}
	n := maxText
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n] + "..."
}

// quoted makes words that a shell reads as they are.
func quoted(words []string) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = w
		if w == "" || strings.ContainsFunc(w, func(r rune) bool {
			return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_./,:=+", r)
		}) {
			out[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
	}
	return out
}

func decimal(f float64) spec.Value {
	return spec.NumberValue(strconv.FormatFloat(f, 'f', -1, 64))
}
