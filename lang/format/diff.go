package format

import "github.com/rogpeppe/go-internal/diff"

// Diff writes the differences of two versions of a file as a unified diff; empty where
// there are none.
func Diff(name string, before, after []byte) string {
	return string(diff.Diff(name, before, name+" (formatted)", after))
}
