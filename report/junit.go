package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"aicv/internal/tty"
	"aicv/metric"
	"aicv/result"
	"aicv/spec"
)

// The elements of a JUnit document, as CI systems read it.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Skipped  int          `xml:"skipped,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		Failure *junitOutcome `xml:"failure"`
		Error   *junitOutcome `xml:"error"`
		Skipped *junitOutcome `xml:"skipped"`
		Output  string        `xml:"system-out,omitempty"`
	}
	junitOutcome struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:",chardata"`
	}
)

// JUnit writes the report for CI systems, as JUnit XML: a test suite per experiment, a
// test case per claim, with its cells in its text. A claim that fails is a failure; an
// undecided one is an error, so that missing data is never green. Where the claim does
// not gate the exit code (severity warn or info, on_undecided = "warn") the case is
// skipped, its message saying what it came to: the document is red exactly where the
// exit code is not 0.
func JUnit(w io.Writer, r *result.Result) error {
	document := junitSuites{Name: tty.Clean(r.Suite.Name)}
	for i := range r.Experiments {
		s := junitExperiment(&r.Experiments[i], r.Suite.OnUndecided == "warn")
		document.Suites = append(document.Suites, s)
		document.Tests += s.Tests
		document.Failures += s.Failures
		document.Errors += s.Errors
		document.Skipped += s.Skipped
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return fmt.Errorf("write the JUnit report: %w", err)
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")
	if err := encoder.Encode(document); err != nil {
		return fmt.Errorf("write the JUnit report: %w", err)
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func junitExperiment(e *result.Experiment, lenient bool) junitSuite {
	s := junitSuite{Name: tty.Clean("experiment." + e.Name), Tests: len(e.Claims)}
	for i := range e.Claims {
		c := junitClaim(e, i, lenient)
		switch {
		case c.Failure != nil:
			s.Failures++
		case c.Error != nil:
			s.Errors++
		case c.Skipped != nil:
			s.Skipped++
		}
		s.Cases = append(s.Cases, c)
	}
	return s
}

func junitClaim(e *result.Experiment, at int, lenient bool) junitCase {
	c := &e.Claims[at]
	out := junitCase{Class: tty.Clean("experiment." + e.Name + "." + c.Assert), Name: tty.Clean(c.Text)}
	text := cellLines(e, at)
	message := tty.Clean(word(c.Verdict) + ": " + c.Reason)
	if len(c.Marks) > 0 {
		message += " [" + tty.Clean(strings.Join(c.Marks, ", ")) + "]"
	}
	switch {
	case c.Verdict == spec.VerdictPass:
		out.Output = message + "\n" + text
	case !c.Gates():
		out.Skipped = &junitOutcome{Message: string(c.Severity) + " only: " + message, Text: text}
	case c.Verdict == spec.VerdictFail:
		out.Failure = &junitOutcome{Message: message, Type: string(c.Verdict), Text: text}
	case lenient:
		out.Skipped = &junitOutcome{Message: "on_undecided is warn: " + message, Text: text}
	default:
		out.Error = &junitOutcome{Message: message, Type: string(c.Verdict), Text: text}
	}
	return out
}

// cellLines list a claim's cells, the worst first.
func cellLines(e *result.Experiment, at int) string {
	const most = 200
	var b strings.Builder
	list := worstFirst(e, at)
	for i, x := range list {
		if i == most {
			b.WriteString("... and " + metric.Count(len(list)-most, "more cell") + "\n")
			break
		}
		b.WriteString(word(x.verdict.Verdict) + "  " + tty.Clean(x.cell.Key))
		row := entries(x.verdict.Evidence, e.Claims[at].Unit)
		for k, head := range []string{"predicted", "measured", "interval", "error", "runs"} {
			if row[k] != "" {
				b.WriteString("  " + head + " " + row[k])
			}
		}
		if x.verdict.Reason != "" && x.verdict.Verdict != spec.VerdictPass {
			b.WriteString("  (" + tty.Clean(x.verdict.Reason) + ")")
		}
		b.WriteByte('\n')
	}
	return b.String()
}
