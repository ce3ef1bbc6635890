package format_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"aicv/lang/format"
)

func TestDiffIsUnified(t *testing.T) {
	before := "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\nm\nend"
	after := "a\nB\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\nnew\nm\nEND"
	want := `--- suite.hcl
+++ suite.hcl (formatted)
@@ -1,5 +1,5 @@
 a
-b
+B
 c
 d
 e
@@ -10,5 +10,6 @@
 j
 k
 l
+new
 m
-end
\ No newline at end of file
+END
\ No newline at end of file
`
	if got := format.Diff("suite.hcl", []byte(before), []byte(after)); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestDiffOfEdges(t *testing.T) {
	if got := format.Diff("f", []byte("a\n"), []byte("a\n")); got != "" {
		t.Errorf("equal files differ: %s", got)
	}
	if got := format.Diff("f", nil, []byte("a\n")); !strings.Contains(got, "@@ -0,0 +1,1 @@\n+a\n") {
		t.Errorf("new file: %s", got)
	}
	if got := format.Diff("f", []byte("a\n"), nil); !strings.Contains(got, "@@ -1,1 +0,0 @@\n-a\n") {
		t.Errorf("emptied file: %s", got)
	}
}

// apply patches a text with a unified diff, strictly.
func apply(before, patch string) (string, error) {
	old := strings.SplitAfter(before, "\n")
	var out strings.Builder
	at := 0
	lines := strings.SplitAfter(patch, "\n")
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		switch {
		case line == "", strings.HasPrefix(line, "--- "), strings.HasPrefix(line, "+++ "):
		case strings.HasPrefix(line, "@@"):
			start, length, _ := strings.Cut(strings.TrimPrefix(strings.Fields(line)[1], "-"), ",")
			first, err := strconv.Atoi(start)
			if err != nil {
				return "", err
			}
			if length != "0" {
				first--
			}
			for ; at < first; at++ {
				out.WriteString(old[at])
			}
		default:
			text := line[1:]
			if i+1 < len(lines) && strings.HasPrefix(lines[i+1], `\ No newline`) {
				text = strings.TrimSuffix(text, "\n")
				i++
			}
			if line[0] != '+' {
				if at >= len(old) || old[at] != text {
					return "", fmt.Errorf("line %d is not %q", at+1, text)
				}
				at++
			}
			if line[0] != '-' {
				out.WriteString(text)
			}
		}
	}
	for ; at < len(old); at++ {
		out.WriteString(old[at])
	}
	return out.String(), nil
}

func TestDiffPatchesBack(t *testing.T) {
	line := rapid.SampledFrom([]string{"a", "b", "c", "d", "x"})
	text := rapid.Custom(func(t *rapid.T) string {
		s := strings.Join(rapid.SliceOfN(line, 0, 30).Draw(t, "lines"), "\n")
		return s + rapid.SampledFrom([]string{"", "\n"}).Draw(t, "end")
	})
	rapid.Check(t, func(t *rapid.T) {
		before, after := text.Draw(t, "before"), text.Draw(t, "after")
		patch := format.Diff("f", []byte(before), []byte(after))
		got, err := apply(before, patch)
		if err != nil || got != after {
			t.Fatalf("%v: patched to %q, want %q:\n%s", err, got, after, patch)
		}
	})
}

func TestDiffOfManyChangesStaysExact(t *testing.T) {
	var before, after, longer strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&before, "old %d\nsame\n", i)
		fmt.Fprintf(&after, "new %d\nsame\n", i)
		fmt.Fprintf(&longer, "new %d\nsame\nmore\n", i)
	}
	for _, target := range []string{after.String(), longer.String()} {
		patch := format.Diff("f", []byte(before.String()), []byte(target))
		if got, err := apply(before.String(), patch); err != nil || got != target {
			t.Errorf("not the same after patching: %v", err)
		}
	}
	patch := format.Diff("f", []byte(before.String()), []byte(after.String()))
	if n := strings.Count(patch, "\n-"); n != 3000 {
		t.Errorf("%d lines removed, want 3000", n)
	}
}
