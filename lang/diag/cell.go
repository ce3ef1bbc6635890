package diag

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/apparentlymart/go-textseg/v15/textseg"

	"aicv/internal/tty"
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
	if !utf8.ValidString(cluster) || strings.ContainsFunc(cluster, tty.Unsafe) {
		return glyph{text: string(utf8.RuneError), width: 1}
	}
	if unicode.In(r, unicode.Mn, unicode.Me) { // a mark without a letter to stand on
		return glyph{text: "\u25cc" + cluster, width: 1}
	}
	return glyph{text: cluster, width: clusterWidth(r, cluster)}
}

// clusterWidth is how many columns a terminal gives a cluster that starts with r.
func clusterWidth(r rune, cluster string) int {
	const emojiStyle = "\ufe0f"
	if isWide(r) || strings.Contains(cluster, emojiStyle) {
		return 2
	}
	return 1
}

// isWide reports characters of two columns.
func isWide(r rune) bool {
	if r < 0x1100 { // all of the alphabets that suites are mostly written in
		return false
	}
	for _, block := range wideBlocks() {
		if r >= block[0] && r <= block[1] {
			return true
		}
	}
	return false
}

// wideBlocks lists the blocks of East Asian scripts and of emoji, first and last
// character, after the values W and F of Unicode's property East_Asian_Width.
func wideBlocks() [25][2]rune {
	return [...][2]rune{
		{0x1100, 0x115f}, {0x231a, 0x231b}, {0x23e9, 0x23ec}, {0x26a1, 0x26a1}, {0x2705, 0x2705},
		{0x2728, 0x2728}, {0x274c, 0x274c}, {0x2753, 0x2755}, {0x2757, 0x2757}, {0x2b50, 0x2b50},
		{0x2e80, 0x303e}, {0x3041, 0x4dbf}, {0x4e00, 0xa4cf}, {0xa960, 0xa97c}, {0xac00, 0xd7a3},
		{0xf900, 0xfaff}, {0xfe30, 0xfe6f}, {0xff01, 0xff60}, {0xffe0, 0xffe6}, {0x1f1e6, 0x1f1ff},
		{0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1faff}, {0x20000, 0x2fffd}, {0x30000, 0x3fffd},
	}
}

// clean makes a message safe to show; line breaks stay.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\t':
			return ' '
		case tty.Unsafe(r):
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
