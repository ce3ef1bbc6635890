package report

import (
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"aicv/result"
	"aicv/spec"
)

// hostileFixture has texts in all places that would break out of a format.
func hostileFixture(t *testing.T) *result.Result {
	r := builtFixture(t)
	hostile := "=cmd|'x'!A1\x1b[2J\x00\ufffe\"]]></testcase><script>alert(1)</script>,\r\nf"
	e := &r.Experiments[0]
	r.Suite.Name, e.Name, e.Claims[0].Text, e.Claims[0].Assert, e.Claims[0].Reason = hostile, hostile, hostile, hostile, hostile
	e.Cells[4].Verdicts[0].Reason, e.Cells[0].Verdicts[0].Marks, e.Cells[0].Findings = hostile, []string{hostile}, []spec.Finding{{Check: hostile, Message: hostile}}
	e.Cells[0].Compared = hostileItem(hostile)
	e.Cells[0].Key, e.Cells[0].Identity.Model = hostile, hostile
	return r
}

func TestCSVIsATable(t *testing.T) {
	for name, r := range map[string]*result.Result{"fixture": builtFixture(t), "hostile": hostileFixture(t)} {
		var b bytes.Buffer
		if err := CSV(&b, r); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(&b).ReadAll() // refuses rows of unlike lengths
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, row := range rows {
			for i, text := range row {
				if strings.ContainsAny(text, "\x1b\r\n") || strings.HasPrefix(text, "=") {
					t.Errorf("%s: %s is %q", name, rows[0][i], text)
				}
			}
		}
		e := &r.Experiments[0]
		if want := 1 + len(e.Cells)*len(e.Claims); len(rows) < want {
			t.Errorf("%s: %d rows, want at least %d", name, len(rows), want)
		}
	}
}

// An error of -50 % is a number, not a formula to be kept from spreadsheets.
func TestCSVKeepsNegativeFigures(t *testing.T) {
	var b bytes.Buffer
	if err := CSV(&b, builtFixture(t)); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := slices.Index(rows[0], "error")
	if !slices.ContainsFunc(rows, func(row []string) bool { return strings.HasPrefix(row[column], "-") }) {
		t.Error("no negative error")
	}
}

func junitOf(t *testing.T, r *result.Result) junitSuites {
	t.Helper()
	var b bytes.Buffer
	if err := JUnit(&b, r); err != nil {
		t.Fatal(err)
	}
	var got junitSuites
	decoder := xml.NewDecoder(&b)
	if err := decoder.Decode(&got); err != nil {
		t.Fatal(err)
	}
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return got
		}
		if text, blank := token.(xml.CharData); err != nil || !blank || len(bytes.TrimSpace(text)) > 0 {
			t.Fatalf("something stands behind the document: %v, %v", token, err)
		}
	}
}

// TestJUnitIsRedWhereTheExitCodeIs: what gates fails, and nothing else does.
func TestJUnitIsRedWhereTheExitCodeIs(t *testing.T) {
	for _, c := range []struct {
		name                      string
		verdict                   spec.Verdict
		severity                  spec.AssertSeverity
		undecided                 string
		failures, errors, skipped int
	}{
		{"pass", spec.VerdictPass, spec.AssertError, "fail", 0, 0, 0},
		{"fail", spec.VerdictFail, spec.AssertError, "fail", 1, 0, 0},
		{"fail is never waived", spec.VerdictFail, spec.AssertError, "warn", 1, 0, 0},
		{"no data", spec.VerdictNoData, spec.AssertError, "fail", 0, 1, 0},
		{"not judged", "", spec.AssertError, "fail", 0, 1, 0},
		{"not comparable", spec.VerdictNotComparable, spec.AssertError, "fail", 0, 1, 0},
		{"undecided, waived", spec.VerdictInconclusive, spec.AssertError, "warn", 0, 0, 1},
		{"warned of", spec.VerdictFail, spec.AssertWarn, "fail", 0, 0, 1},
	} {
		r := &result.Result{Suite: result.Suite{OnUndecided: c.undecided}, Experiments: []result.Experiment{{Name: "e",
			Claims: []result.Claim{{Text: "ttft < 1s", Verdict: c.verdict, Severity: c.severity}}}}}
		got := junitOf(t, r)
		if got.Tests != 1 || got.Failures != c.failures || got.Errors != c.errors || got.Skipped != c.skipped {
			t.Errorf("%s: %+v", c.name, got)
		}
		if s := got.Suites[0]; s.Failures != c.failures || s.Errors != c.errors || s.Skipped != c.skipped || len(s.Cases) != 1 {
			t.Errorf("%s: the suite's own counts differ: %+v", c.name, s)
		}
	}
}

func TestJUnitKeepsHostileTextsInside(t *testing.T) {
	got := junitOf(t, hostileFixture(t))
	if len(got.Suites) != 1 || len(got.Suites[0].Cases) != 3 {
		t.Errorf("a text broke out of its place: %+v", got)
	}
}

func TestHTMLKeepsHostileTextsInside(t *testing.T) {
	var b strings.Builder
	if err := HTML(&b, hostileFixture(t)); err != nil {
		t.Fatal(err)
	}
	for _, forbidden := range []string{"<script", "http://", "https://", "\x1b", "src="} {
		if strings.Contains(b.String(), forbidden) {
			t.Errorf("the page holds %q", forbidden)
		}
	}
	if !strings.Contains(b.String(), "&lt;script&gt;") {
		t.Error("the text itself is lost")
	}
}
