package tty

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestClean(t *testing.T) {
	for text, want := range map[string]string{
		"":                                    "",
		"plain – ümlaut 漢字 ✓":                 "plain – ümlaut 漢字 ✓",
		"a\x1b[31mred\x1b[0m":                 "ared",
		"a\x1b[2J\x1b[1;1Hb":                  "ab",
		"cut off \x1b[31":                     "cut off ",
		"bare \x1b here":                      "bare   here",
		"bell\x07 back\b\ttab\r\nline":        "bell  back  tab  line",
		"c1 \u009b31m":                        "c1  31m",
		"bidi \u202e\u2066\u200f\u061c.":      "bidi     .",
		"lines \u2028\u2029\u0085.":           "lines    .",
		"hidden \u00ad\ufeff\u200b\U000e0041": "hidden     ",
		"family \U0001f468\u200d\U0001f469":   "family \U0001f468\u200d\U0001f469",
		"not UTF-8 \xff":                      "not UTF-8 \xff",
	} {
		if got := Clean(text); got != want {
			t.Errorf("Clean(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestCleanLines(t *testing.T) {
	if got, want := CleanLines("a\x1b[31m\r\n\tb\n\nc\x07"), "a\n b\n\nc "; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// Whatever comes in, nothing that a terminal acts on comes out, and cleaning twice
// changes nothing.
func FuzzClean(f *testing.F) {
	for _, seed := range []string{"plain", "\x1b[31m", "\x1b[\x1b[31mx", "\x1b\x1b[m[2J", "\u202e", "a\nb", "\xff\x1b["} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := Clean(text)
		if strings.ContainsFunc(got, Unsafe) || Clean(got) != got {
			t.Fatalf("Clean(%q) = %q", text, got)
		}
		if lines := CleanLines(text); strings.Count(lines, "\n") != strings.Count(text, "\n") {
			t.Fatalf("CleanLines(%q) = %q", text, lines)
		}
		if utf8.ValidString(text) && !utf8.ValidString(got) {
			t.Fatalf("Clean(%q) = %q", text, got)
		}
	})
}
