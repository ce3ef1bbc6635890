// Package lock reads and writes .aicv.lock, the file that pins what a suite's files
// leave open: tool and database versions, image digests, hashes of predictions. It is
// committed with the suite.
package lock

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// Entry pins one thing.
type Entry struct {
	Name  string // whose: "predictor.recorded.aic"
	What  string // what, an identifier: "predictions"
	Value string // hash or version, never empty
}

func compareKeys(a, b Entry) int {
	return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.What, b.What))
}

func sorted(entries []Entry) []Entry {
	return slices.SortedStableFunc(slices.Values(entries), compareKeys)
}

// header is the comment at the top of every lock file.
const header = `# Pinned by aicv apply; commit this file with the suite. A plan that would differ says
# so and needs --upgrade.
`

// Format writes a lock file: one block per name, everything sorted. The same entries
// give the same bytes in whatever order they come.
func Format(entries []Entry) []byte {
	out := []byte(header)
	for list := sorted(entries); len(list) > 0; {
		n := 1
		for n < len(list) && list[n].Name == list[0].Name {
			n++
		}
		out = appendBlock(out, list[:n])
		list = list[n:]
	}
	return out
}

// appendBlock writes the entries of one name in the canonical format, by hand: the
// library's writer looks through all attributes for each, and there may be thousands.
func appendBlock(out []byte, entries []Entry) []byte {
	width := 0
	for _, e := range entries {
		width = max(width, len(e.What))
	}
	out = append(out, "\nlock "+quoted(entries[0].Name)+" {\n"...)
	for _, e := range entries {
		out = append(out, "  "+e.What+strings.Repeat(" ", width-len(e.What))+" = "+quoted(e.Value)+"\n"...)
	}
	return append(out, "}\n"...)
}

func quoted(text string) string {
	if text := `"` + text + `"`; plain(text) {
		return text
	}
	return string(hclwrite.TokensForValue(cty.StringVal(text)).Bytes())
}

// Change is one difference between what is pinned and what would be used.
type Change struct {
	Name, What string
	Old, New   string // empty: not there
}

// Differs reports whether something pinned would become something else. What is new
// or no longer used is no contradiction.
func (c Change) Differs() bool { return c.Old != "" && c.New != "" && c.Old != c.New }

// String says what changes.
func (c Change) String() string {
	switch {
	case c.Old == "":
		return fmt.Sprintf("%s: %s %s is new", c.Name, c.What, c.New)
	case c.New == "":
		return fmt.Sprintf("%s: %s %s is no longer used", c.Name, c.What, c.Old)
	}
	return fmt.Sprintf("%s: %s was %s, is %s", c.Name, c.What, c.Old, c.New)
}

// Compare lists the differences, sorted by name and by what is pinned.
func Compare(pinned, used []Entry) []Change {
	pinned, used = sorted(pinned), sorted(used)
	var changes []Change
	for len(pinned) > 0 || len(used) > 0 {
		var c Change
		switch order := next(pinned, used); {
		case order < 0:
			c = Change{Name: pinned[0].Name, What: pinned[0].What, Old: pinned[0].Value}
			pinned = pinned[1:]
		case order > 0:
			c = Change{Name: used[0].Name, What: used[0].What, New: used[0].Value}
			used = used[1:]
		default:
			c = Change{Name: used[0].Name, What: used[0].What, Old: pinned[0].Value, New: used[0].Value}
			pinned, used = pinned[1:], used[1:]
		}
		if c.Old != c.New {
			changes = append(changes, c)
		}
	}
	return changes
}

// next says which of two sorted lists has the next key: negative for the first,
// positive for the second, zero for both.
func next(a, b []Entry) int {
	switch {
	case len(a) == 0:
		return 1
	case len(b) == 0:
		return -1
	}
	return compareKeys(a[0], b[0])
}
