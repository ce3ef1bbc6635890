package doctor

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"aicv/internal/tty"
	"aicv/spec"
)

// The styles of the outcomes, as ANSI sequences.
const (
	styleOK    = "\x1b[32m"
	styleWarn  = "\x1b[33m"
	styleFail  = "\x1b[31m"
	styleReset = "\x1b[0m"
)

// Write shows the checks as a table: outcome, what was looked at, what was found, and the
// fix on a line of its own.
func Write(w io.Writer, entries []Entry, color bool) error {
	var b strings.Builder
	what, name := 0, 0
	for _, e := range entries {
		what, name = max(what, utf8.RuneCountInString(e.What)), max(name, utf8.RuneCountInString(e.Name))
	}
	for _, e := range entries {
		fmt.Fprintf(&b, "%s  %-*s  %-*s  %s\n", outcome(e.Status, color), what, oneLine(e.What), name, oneLine(e.Name), oneLine(e.Found))
		if e.Fix != "" {
			fmt.Fprintf(&b, "%*sFix: %s\n", len("x warn  "), "", oneLine(e.Fix))
		}
	}
	fmt.Fprintf(&b, "\n%s\n", summary(entries))
	_, err := io.WriteString(w, b.String())
	return err
}

func outcome(s spec.CheckStatus, color bool) string {
	mark, style := "-", ""
	switch s {
	case spec.CheckOK:
		mark, style = "✓", styleOK
	case spec.CheckWarn:
		mark, style = "!", styleWarn
	case spec.CheckFail:
		mark, style = "✗", styleFail
	}
	text := fmt.Sprintf("%s %-4s", mark, s)
	if !color || style == "" {
		return text
	}
	return style + text + styleReset
}

func summary(entries []Entry) string {
	counts := map[spec.CheckStatus]int{}
	for _, e := range entries {
		counts[e.Status]++
	}
	text := fmt.Sprintf("%d ok, %d warn, %d fail, %d skipped.", counts[spec.CheckOK], counts[spec.CheckWarn], counts[spec.CheckFail], counts[spec.CheckSkip])
	if counts[spec.CheckFail] > 0 {
		return text + " What fails must be fixed before an apply can work."
	}
	return text
}

// oneLine makes one line of a text that tools and files gave, safe for a terminal.
func oneLine(text string) string { return strings.Join(strings.Fields(tty.CleanLines(text)), " ") }
