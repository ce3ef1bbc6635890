package diag

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/apparentlymart/go-textseg/v15/textseg"
)

// tabWidth is how far apart the tab stops of a shown source line are.
const tabWidth = 4

// glyph is what one grapheme cluster of a source line becomes on the screen.
type glyph struct {
	text  string
	width int // columns
	start int // byte offset in the line
	size  int // bytes in the line
}

// glyphs lays out a source line: tabs become spaces, and what would move the cursor or
// turn the text around becomes a replacement character.
func glyphs(line []byte) []glyph {
	var out []glyph
	column := 0
	for offset := 0; offset < len(line); {
		n, _, err := textseg.ScanGraphemeClusters(line[offset:], true)
		if err != nil || n <= 0 {
			n = 1
		}
		g := layOut(string(line[offset:offset+n]), column)
		g.start, g.size = offset, n
		out = append(out, g)
		offset, column = offset+n, column+g.width
	}
	return out
}

func layOut(cluster string, column int) glyph {
	if cluster == "\t" {
		width := tabWidth - column%tabWidth
		return glyph{text: strings.Repeat(" ", width), width: width}
	}
	r, _ := utf8.DecodeRuneInString(cluster)
	if !utf8.ValidString(cluster) || strings.ContainsFunc(cluster, isUnsafe) {
		return glyph{text: string(utf8.RuneError), width: 1}
	}
	if unicode.In(r, unicode.Mn, unicode.Me) { // a mark without a letter to stand on
		return glyph{text: "\u25cc" + cluster, width: 1}
	}
	return glyph{text: cluster, width: clusterWidth(r, cluster)}
}

// isUnsafe reports characters that a terminal acts on instead of showing: controls,
// and marks that reverse the direction of what follows.
func isUnsafe(r rune) bool {
	return unicode.IsControl(r) || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

// clusterWidth is how many columns a terminal gives a cluster that starts with r.
func clusterWidth(r rune, cluster string) int {
	const emojiStyle = "\ufe0f"
	if isWide(r) || strings.Contains(cluster, emojiStyle) {
		return 2
	}
	return 1
}

// isWide reports characters of two columns: the blocks of East Asian scripts and of
// emoji, after Unicode's EastAsianWidth W and F.
func isWide(r rune) bool {
	switch {
	case r < 0x1100:
		return false
	case r <= 0x115f, r >= 0x2e80 && r <= 0x303e, r >= 0x3041 && r <= 0x33ff, r >= 0x3400 && r <= 0x4dbf,
		r >= 0x4e00 && r <= 0xa4cf, r >= 0xa960 && r <= 0xa97c, r >= 0xac00 && r <= 0xd7a3, r >= 0xf900 && r <= 0xfaff,
		r >= 0xfe30 && r <= 0xfe6f, r >= 0xff01 && r <= 0xff60, r >= 0xffe0 && r <= 0xffe6:
		return true
	case r == 0x231a, r == 0x231b, r == 0x23e9, r == 0x23ea, r == 0x26a1, r == 0x2705, r == 0x274c, r == 0x2728, r == 0x2753, r == 0x2757, r == 0x2b50:
		return true
	}
	return r >= 0x1f1e6 && r <= 0x1f1ff || r >= 0x1f300 && r <= 0x1f64f || r >= 0x1f680 && r <= 0x1f6ff ||
		r >= 0x1f900 && r <= 0x1faff || r >= 0x20000 && r <= 0x3fffd
}

// clean makes a message safe to show; line breaks stay.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\t':
			return ' '
		case isUnsafe(r):
			return utf8.RuneError
		}
		return r
	}, text)
}

// displayWidth is the number of columns that a cleaned text takes.
func displayWidth(text string) int {
	width := 0
	for _, g := range glyphs([]byte(text)) {
		width += g.width
	}
	return width
}
