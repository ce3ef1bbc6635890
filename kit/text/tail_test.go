package text

import (
	"strings"
	"testing"
)

func TestTailKeepsTheEndFromALine(t *testing.T) {
	whole := "first\n" + strings.Repeat("é", 40) + "\nlast\n"
	for _, test := range []struct {
		limit int
		want  string
		full  bool
	}{{0, "", true}, {5, "last\n", true}, {10, "last\n", true}, {87, strings.Repeat("é", 40) + "\nlast\n", true}, {1000, whole, false}} {
		for _, chunk := range []int{1, 7, len(whole)} {
			tail := NewTail(test.limit)
			for rest := whole; rest != ""; {
				n := min(chunk, len(rest))
				_, _ = tail.Write([]byte(rest[:n]))
				rest = rest[n:]
			}
			if got := tail.String(); got != test.want || tail.Full() != test.full || tail.Lines() != 3 {
				t.Errorf("limit %d, chunks of %d: %q, full %t, %d lines", test.limit, chunk, got, tail.Full(), tail.Lines())
			}
		}
	}
}

func TestALongLogCostsNoMemory(t *testing.T) {
	tail := NewTail(1000)
	line := []byte(strings.Repeat("x", 99) + "\n")
	for range 100_000 {
		_, _ = tail.Write(line)
	}
	if cap(tail.kept) > 16<<10 || len(tail.String()) > 1000 {
		t.Errorf("%d bytes are held for a tail of 1000", cap(tail.kept))
	}
}

func TestACutRuneIsDropped(t *testing.T) {
	if got := FromLine("\xa9abc"); got != "abc" {
		t.Errorf("%q", got)
	}
}
