package diag

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"aicv/internal/golden"
	"aicv/internal/tty"
	"aicv/spec"
)

// family is one character of seven runes, two columns wide.
const family = "\U0001F468\u200d\U0001F469\u200d\U0001F467"

const suite = "model \"m\" {\n\tid = \"Qwen\"\n}\nassert \"\u6f22\u5b57 e\u0301 " + family + "\" { expect = [\"thruput within 10%\"] }\r\n" +
	"x = \"\x1b[31m\u202e\"\n\nlocals { a = local.b }\nlocals { b = local.a }"

// at finds the range of a text in the suite, where it occurs first.
func at(t *testing.T, text string) spec.Range {
	t.Helper()
	offset := strings.Index(suite, text)
	if offset < 0 {
		t.Fatalf("the suite lacks %q", text)
	}
	return spec.Range{File: "suite.hcl", Start: position(offset), End: position(offset + len(text))}
}

func position(offset int) spec.Pos {
	line := strings.Count(suite[:offset], "\n") + 1
	begin := strings.LastIndexByte(suite[:offset], '\n') + 1
	return spec.Pos{Line: line, Column: len(glyphs([]byte(suite[begin:offset]))) + 1, Byte: offset}
}

func sources() map[string][]byte { return map[string][]byte{"suite.hcl": []byte(suite)} }

func examples(t *testing.T) spec.Diagnostics {
	t.Helper()
	end := at(t, "\"thruput within 10%\"")
	end.Start = end.End
	return spec.Diagnostics{
		{Severity: spec.SeverityError, Summary: "References form a cycle", Subject: at(t, "local.b"),
			Notes: []spec.Note{{Text: "local.a uses local.b here", Range: at(t, "local.b")}, {Text: "local.b uses local.a here", Range: at(t, "local.a")}}},
		{Severity: spec.SeverityWarning, Summary: "Odd characters", Detail: "The string holds \x1b[31m.", Subject: at(t, "\"\x1b[31m\u202e\"")},
		{Severity: spec.SeverityError, Summary: "Unknown metric \"thruput\"", Subject: at(t, "thruput"),
			Detail:     "The metrics are throughput, total_throughput, request_throughput, user_throughput and others.\nSee the reference.",
			Suggestion: "Did you mean \"throughput\"?"},
		{Severity: spec.SeverityError, Summary: "Wide label", Subject: at(t, "\u6f22\u5b57 e\u0301 "+family)},
		{Severity: spec.SeverityError, Summary: "Something is missing", Subject: end},
		{Severity: spec.SeverityWarning, Summary: "Over several lines", Subject: spec.Range{File: "suite.hcl", Start: position(0), End: position(20)}},
		{Severity: spec.SeverityError, Summary: "Not a path", Subject: at(t, "\"Qwen\""),
			Values: []spec.Note{{Text: "var.models is \"/mnt\"", Range: at(t, "id")}, {Text: "local.a is 3"}},
			Notes:  []spec.Note{{Text: "first declared here", Range: at(t, "model")}}},
		{Severity: spec.SeverityError, Summary: "The folder holds no suite"},
		{Severity: spec.SeverityError, Summary: "Source not at hand", Subject: spec.Range{File: "vars.hclvars", Start: spec.Pos{Line: 7, Column: 3, Byte: 99}}},
	}
}

func text(t *testing.T, diags spec.Diagnostics, options Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, diags, sources(), options); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestWriteGolden(t *testing.T) {
	golden.Check(t, "plain.txt", text(t, examples(t), Options{}))
	golden.Check(t, "narrow.txt", text(t, examples(t), Options{Width: 48}))
	golden.Check(t, "color.txt", text(t, examples(t)[2:3], Options{Color: true, Width: 80}))
}

func TestJSONGolden(t *testing.T) {
	got, err := JSON(examples(t))
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "diagnostics.json", string(got)+"\n")
	empty, err := JSON(nil)
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		FormatVersion string `json:"format_version"`
		Valid         bool
		Diagnostics   []spec.Diagnostic
	}
	if err := json.Unmarshal(empty, &d); err != nil || !d.Valid || d.Diagnostics == nil || d.FormatVersion != FormatVersion {
		t.Errorf("no messages: %s, %v", empty, err)
	}
}

func TestOrderDoesNotDependOnHowTheyWereFound(t *testing.T) {
	found := examples(t)
	want := text(t, found, Options{})
	rapid.Check(t, func(t *rapid.T) {
		shuffled := rapid.Permutation(found).Draw(t, "order")
		before := slices.Clone(shuffled)
		var b bytes.Buffer
		if err := Write(&b, shuffled, sources(), Options{}); err != nil {
			t.Fatal(err)
		}
		if b.String() != want {
			t.Fatal(cmp.Diff(want, b.String()))
		}
		if !cmp.Equal(before, shuffled) {
			t.Fatal("the caller's list was changed")
		}
	})
}

func TestCaretsStandUnderTheMarkedCharacters(t *testing.T) {
	tests := []struct {
		name, line, marked string
		width              int
		caret              int // columns before the first caret; -1: not fixed
	}{
		{"ascii", `id = "thruput"`, "thruput", 0, 6},
		{"tab", "\tid = \"x\"", "id", 0, 4},
		{"tab inside", "id\t= \"x\"", "=", 0, 4},
		{"wide before", "\"\u6f22\u5b57\" x", "x", 0, 7},
		{"wide marked", "a \"\u6f22\u5b57\" x", "\u6f22\u5b57", 0, 3},
		{"combining", "e\u0301e\u0301 x", "x", 0, 3},
		{"emoji", family + " \U0001F1E9\U0001F1EA \u2764\ufe0f x", "x", 0, 9},
		{"invalid byte", "\xff x", "x", 0, 2},
		{"escape sequence", "\x1b[31m x", "x", 0, 6},
		{"long line", strings.Repeat("a ", 200) + "x" + strings.Repeat(" b", 200), "x", 40, -1},
		{"very long line", strings.Repeat("\u00e9 ", 9000) + "x" + strings.Repeat(" b", 9000), "x", 0, -1},
		{"long mark", "a " + strings.Repeat("x", 100), strings.Repeat("x", 100), 40, -1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			from := strings.Index(test.line, test.marked)
			source := map[string][]byte{"f": []byte("first\n" + test.line + "\nlast")}
			r := spec.Range{File: "f", Start: spec.Pos{Line: 2, Byte: 6 + from}, End: spec.Pos{Line: 2, Byte: 6 + from + len(test.marked)}}
			s, ok := snippetOf(r, source, test.width)
			if !ok {
				t.Fatal("no snippet")
			}
			if test.caret >= 0 && s.caret != test.caret || s.caret != displayWidth(s.lead) || s.length != displayWidth(s.marked) {
				t.Errorf("carets %d+%d under %q|%q", s.caret, s.length, s.lead, s.marked)
			}
			if s.marked == "" || !strings.HasPrefix(test.marked, s.marked) {
				t.Errorf("marks %q, want %q", s.marked, test.marked)
			}
			shown := displayWidth(s.lead + s.marked + s.rest)
			if test.width > 0 && shown > test.width || shown > 2*reach+2 {
				t.Errorf("%d columns shown", shown)
			}
			if strings.ContainsFunc(s.lead+s.marked+s.rest, tty.Unsafe) {
				t.Errorf("raw control characters in %q", s.lead+s.marked+s.rest)
			}
		})
	}
}

func TestWidths(t *testing.T) {
	for text, want := range map[string]int{
		"": 0, "abc": 3, "\u00e9": 1, "e\u0301": 1, "\u6f22\u5b57": 4, "\uff8a": 1, "\uff21": 2, "\ud55c": 2,
		"\U0001F1E9\U0001F1EA": 2, family: 2, "\u0301": 1, "a\tb": 5,
	} {
		if got := displayWidth(text); got != want {
			t.Errorf("%q takes %d columns, want %d", text, got, want)
		}
	}
}

func TestWriteNeverPanicsAndKeepsToTheWidth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		source := rapid.SliceOf(rapid.Byte()).Draw(t, "source")
		r := spec.Range{File: "f",
			Start: spec.Pos{Line: rapid.IntRange(0, 99).Draw(t, "line"), Byte: rapid.IntRange(-2, 300).Draw(t, "from")},
			End:   spec.Pos{Byte: rapid.IntRange(-2, 300).Draw(t, "to")}}
		width := rapid.SampledFrom([]int{0, 1, 40, 80}).Draw(t, "width")
		d := spec.Diagnostics{{Severity: spec.SeverityError, Summary: "s", Detail: rapid.String().Draw(t, "detail"), Subject: r}}
		var b bytes.Buffer
		if err := Write(&b, d, map[string][]byte{"f": source}, Options{Width: width}); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			line = strings.TrimSuffix(line, "\n")
			if strings.ContainsFunc(line, tty.Unsafe) {
				t.Fatalf("control characters in %q", line)
			}
			if bar := strings.Index(line, " |"); bar > 0 && bar <= 4 && width >= 40 && displayWidth(line) > width {
				t.Fatalf("%d columns in %q", displayWidth(line), line)
			}
		}
	})
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errDiskFull }

var errDiskFull = errors.New("disk full")

func TestWriteReportsTheWriter(t *testing.T) {
	if err := Write(full{}, examples(t), nil, Options{}); !errors.Is(err, errDiskFull) {
		t.Errorf("got %v", err)
	}
}

// A note is neither an error nor a warning.
func TestNotes(t *testing.T) {
	diags := spec.Diagnostics{{Severity: spec.SeverityNote, Summary: "Not asked"}, {Severity: spec.SeverityWarning, Summary: "Odd"}}
	var b bytes.Buffer
	if err := Write(&b, diags, nil, Options{}); err != nil || b.String() != "Warning: Odd\n\nNote: Not asked\n" {
		t.Errorf("%v: %q", err, b.String())
	}
	document, err := JSON(diags)
	if err != nil || !bytes.Contains(document, []byte(`"warning_count": 1`)) || !bytes.Contains(document, []byte(`"severity": "note"`)) || !bytes.Contains(document, []byte(`"valid": true`)) {
		t.Errorf("%v: %s", err, document)
	}
}
