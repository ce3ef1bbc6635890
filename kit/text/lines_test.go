package text

import (
	"slices"
	"strings"
	"testing"
)

func TestLinesInWhateverPiecesTheyCome(t *testing.T) {
	for _, size := range []int{1, 3, 100} {
		var got []string
		lines := NewLines(func(line []byte) { got = append(got, string(line)) })
		for rest := "one\r\n\ntwo\nthr"; rest != ""; {
			n := min(size, len(rest))
			if wrote, err := lines.Write([]byte(rest[:n])); wrote != n || err != nil {
				t.Fatal(wrote, err)
			}
			rest = rest[n:]
		}
		if !slices.Equal(got, []string{"one", "", "two"}) || lines.Rest() != "thr" {
			t.Errorf("pieces of %d: %q and %q", size, got, lines.Rest())
		}
	}
}

func TestALongLineIsCut(t *testing.T) {
	n := 0
	lines := NewLines(func(line []byte) { n = len(line) })
	for range 5 {
		_, _ = lines.Write([]byte(strings.Repeat("x", 1<<20)))
	}
	if _, _ = lines.Write([]byte("\n")); n != maxLine {
		t.Errorf("%d bytes", n)
	}
}
