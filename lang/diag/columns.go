package diag

import (
	"strings"
	"unicode/utf8"

	"github.com/apparentlymart/go-textseg/v15/textseg"
	"golang.org/x/text/width"

	"aicv/spec"
)

// underline builds the line of carets under a range's first line. Tabs stay tabs, so
// that the carets stand right however wide a tab is; wide characters count double.
func underline(text string, r spec.Range) string {
	var b strings.Builder
	column := 1
	carets := 0
	for _, cluster := range clusters(text) {
		inside := column >= r.Start.Column && (r.End.Line > r.Start.Line || column < r.End.Column)
		switch {
		case inside:
			n := clusterWidth(cluster)
			b.WriteString(strings.Repeat("^", n))
			carets += n
		case column < r.Start.Column && cluster == "\t":
			b.WriteByte('\t')
		case column < r.Start.Column:
			b.WriteString(strings.Repeat(" ", clusterWidth(cluster)))
		}
		column++
	}
	if carets == 0 { // an empty range, or one at the end of the line
		b.WriteByte('^')
	}
	return b.String()
}

// clusters splits a text into what people see as characters.
func clusters(text string) []string {
	all, err := textseg.AllTokens([]byte(text), textseg.ScanGraphemeClusters)
	if err != nil { // the scanner accepts any bytes
		return strings.Split(text, "")
	}
	out := make([]string, len(all))
	for i, c := range all {
		out[i] = string(c)
	}
	return out
}

// clusterWidth is the number of terminal columns of one character.
func clusterWidth(cluster string) int {
	first, size := utf8.DecodeRuneInString(cluster)
	if size == 0 {
		return 0
	}
	switch width.LookupRune(first).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

func columns(text string) int {
	n := 0
	for _, c := range clusters(text) {
		n += clusterWidth(c)
	}
	return n
}
