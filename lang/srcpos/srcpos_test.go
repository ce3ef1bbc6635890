package srcpos

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	hcljson "github.com/hashicorp/hcl/v2/json"
	"github.com/zclconf/go-cty/cty"
	"pgregory.net/rapid"

	"aicv/spec"
)

const file = "suite.hcl"

func decode(t *testing.T, source string, asJSON bool) Map {
	t.Helper()
	m, err := Decode([]byte(source), spec.Pos{Line: 3, Column: 5, Byte: 40}, file, asJSON)
	if err != nil {
		t.Fatalf("%s: %v", source, err)
	}
	return m
}

// slice returns the source that a range covers.
func slice(source string, r spec.Range, base int) string {
	return source[r.Start.Byte-base : r.End.Byte-base]
}

func TestRangesOfWords(t *testing.T) {
	tests := []struct {
		name, source string
		json         bool
		word, want   string // word of the text, and its source
		line, column int
	}{
		{"plain", `"ttft wthin 10%"`, false, "wthin", "wthin", 3, 11},
		{"after an escape", `"é\"x\" ttft wthin 10%"`, false, "wthin", "wthin", 3, 18},
		{"escaped letter", `"ttft w\u0074hin 10%"`, false, "wthin", `w\u0074hin`, 3, 11},
		{"long escape", `"\U0001F600 wthin"`, false, "wthin", "wthin", 3, 17},
		{"wide characters", `"👨‍👩‍👧é wthin"`, false, "wthin", "wthin", 3, 9},
		{"interpolation escaped", `"$${x} wthin"`, false, "wthin", "wthin", 3, 12},
		{"brace of an escape", `"$${x} wthin"`, false, "${", "$${", 3, 6},
		{"parentheses", `( "wthin" )`, false, "wthin", "wthin", 3, 8},
		{"heredoc", "<<EOT\n ttft\n  wthin 10%\nEOT\n", false, "wthin", "wthin", 5, 3},
		{"indented heredoc", "<<-EOT\n    ttft\n      wthin 10%\n  EOT\n", false, "wthin", "wthin", 5, 7},
		{"json", `"ttft wthin 10%"`, true, "wthin", "wthin", 3, 11},
		{"json escapes", `"\"\u00e9\/ w\u0074hin"`, true, "wthin", `w\u0074hin`, 3, 17},
		{"json surrogates", `"\ud83d\ude00 wthin"`, true, "😀", `\ud83d\ude00`, 3, 6},
		{"json template escape", `"%%{x} wthin"`, true, "%{", "%%{", 3, 6},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := decode(t, test.source, test.json)
			at := strings.Index(m.Text(), test.word)
			if at < 0 {
				t.Fatalf("text %q lacks %q", m.Text(), test.word)
			}
			r := m.Range(at, at+len(test.word))
			if got := slice(test.source, r, 40); got != test.want || r.Start.Line != test.line || r.Start.Column != test.column || r.File != file {
				t.Errorf("got %q at %v, want %q at %d:%d", got, r, test.want, test.line, test.column)
			}
		})
	}
}

func TestEmptyRanges(t *testing.T) {
	m := decode(t, `"ab"`, false)
	for _, test := range []struct{ from, to, start, end int }{
		{2, 2, 43, 43}, {0, 0, 41, 41}, {-5, 99, 41, 43}, {2, 1, 43, 43},
	} {
		r := m.Range(test.from, test.to)
		if r.Start.Byte != test.start || r.End.Byte != test.end {
			t.Errorf("Range(%d, %d) = %d..%d", test.from, test.to, r.Start.Byte, r.End.Byte)
		}
	}
	for _, source := range []string{`""`, "<<E\nE\n"} {
		empty := decode(t, source, false)
		if r := empty.Range(0, 0); empty.Text() != "" || r.Start != r.End || r.Start.Byte <= 40 {
			t.Errorf("%q: text %q, range %v", source, empty.Text(), r)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, test := range []struct {
		source string
		json   bool
		at     string // of an interpolation
	}{
		{`"ttft ${var.x}"`, false, "${"}, {`"%{ if true }a%{ endif }"`, false, "%{"}, {"<<E\n${x}\nE\n", false, "${"},
		{`"\u00e9 ${x}"`, true, "${"}, {`"$\u007bx}"`, true, `$\u007b`},
		{"local.x", false, ""}, {`"a`, false, ""}, {"", false, ""}, {`["a"]`, false, ""}, {`"\q"`, false, ""}, {`"\ud800"`, false, ""},
		{`"a" "b"`, false, ""}, {`"a`, true, ""}, {"12", true, ""}, {"", true, ""}, {`["a"]`, true, ""},
	} {
		_, err := Decode([]byte(test.source), spec.Pos{Line: 1, Column: 1}, file, test.json)
		if err == nil {
			t.Errorf("%s: no error", test.source)
			continue
		}
		var interpolation *InterpolationError
		if errors.As(err, &interpolation) != (test.at != "") {
			t.Errorf("%s: %v", test.source, err)
			continue
		}
		if test.at != "" && slice(test.source, interpolation.Range, 0) != test.at {
			t.Errorf("%s: interpolation at %v", test.source, interpolation.Range)
		}
	}
}

// nativePiece draws source text of a quoted string, valid by construction but for
// interpolations, which the pieces can form only together.
func nativePiece() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom([]string{`\n`, `\t`, `\"`, `\\`, `\u00e9`, `\u0301`, `\U0001F600`, "$${", "%%{", "$", "%", "{", "}", " ",
			"é", "e\u0301", "👨‍👩‍👧", "\u0600", "漢", "\t", "10%", "within"}),
		rapid.StringMatching(`[a-z ]{1,5}`))
}

func checkPieces(t *rapid.T, m Map, source string, again func(string) (string, bool)) {
	text := m.Text()
	places := positions([]byte(source), spec.Pos{Line: 1, Column: 1})
	for i := range len(text) {
		r := m.Range(i, i+1)
		if r.Start != places[r.Start.Byte] || r.End != places[r.End.Byte] || r.Start.Byte >= r.End.Byte {
			t.Fatalf("byte %d of %q: impossible range %+v", i, text, r)
		}
		piece := slice(source, r, 0)
		decoded, ok := again(piece)
		if !ok || !strings.Contains(decoded, text[i:i+1]) {
			t.Fatalf("byte %d of %q came from %q, which means %q", i, text, piece, decoded)
		}
	}
	whole := slice(source, m.Range(0, len(text)), 0)
	if decoded, ok := again(whole); !ok || decoded != text {
		t.Fatalf("%q slices back to %q", text, whole)
	}
}

func TestNativeSlicesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		source := `"` + strings.Join(rapid.SliceOf(nativePiece()).Draw(t, "pieces"), "") + `"`
		m, err := Decode([]byte(source), spec.Pos{Line: 1, Column: 1}, file, false)
		var interpolation *InterpolationError
		if errors.As(err, &interpolation) {
			return
		}
		want, ok := evaluate(source)
		if err != nil || !ok || cty.NormalizeString(m.Text()) != want {
			t.Fatalf("%s: %q, %v; HCL says %q", source, m.Text(), err, want)
		}
		checkPieces(t, m, source, func(piece string) (string, bool) {
			again, err := Decode([]byte(`"`+piece+`"`), spec.Pos{Line: 1, Column: 1}, file, false)
			return again.Text(), err == nil
		})
	})
}

// evaluate asks HCL itself what an expression means.
func evaluate(source string) (string, bool) {
	expr, diags := hclsyntax.ParseExpression([]byte(source), file, hcl.InitialPos)
	if diags.HasErrors() {
		return "", false
	}
	v, diags := expr.Value(nil)
	if diags.HasErrors() || !v.IsWhollyKnown() || v.Type() != cty.String {
		return "", false
	}
	return v.AsString(), true
}

func TestHeredocsAgreeWithHCL(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		indents := rapid.SampledFrom([]string{"", " ", "  ", "\t", "    ", "\u00a0 "})
		words := rapid.SampledFrom([]string{"", "a", "b c", "10%", "$${x", "%%{", `\n`, "é", "$", "漢 "})
		var b strings.Builder
		b.WriteString(rapid.SampledFrom([]string{"<<EOT\n", "<<-EOT\n", "<<-EOT\r\n"}).Draw(t, "open"))
		for range rapid.IntRange(0, 5).Draw(t, "lines") {
			b.WriteString(indents.Draw(t, "indent") + words.Draw(t, "word") + words.Draw(t, "word") + rapid.SampledFrom([]string{"\n", "\n", "\r\n"}).Draw(t, "eol"))
		}
		b.WriteString(indents.Draw(t, "indent"))
		b.WriteString("EOT\n")
		source := b.String()
		want, ok := evaluate(source)
		if !ok {
			return
		}
		m, err := Decode([]byte(source), spec.Pos{Line: 1, Column: 1}, file, false)
		if err != nil || cty.NormalizeString(m.Text()) != want {
			t.Fatalf("%q: %q, %v; HCL says %q", source, m.Text(), err, want)
		}
		for i := range len(m.Text()) {
			if piece := slice(source, m.Range(i, i+1), 0); !strings.Contains(piece, m.Text()[i:i+1]) {
				t.Fatalf("byte %d of %q came from %q", i, m.Text(), piece)
			}
		}
	})
}

// TestThreeSigils: HCL reads two sigils as a pair where the third belongs to a brace.
func TestThreeSigils(t *testing.T) {
	const source = `"\r%%%{"`
	want, ok := evaluateJSON(source)
	m, err := Decode([]byte(source), spec.Pos{Line: 1, Column: 1}, file, true)
	if err != nil || !ok || m.Text() != want {
		t.Errorf("%q, %v; HCL says %q", m.Text(), err, want)
	}
}

func TestJSONSlicesBack(t *testing.T) {
	pieces := rapid.OneOf(
		rapid.SampledFrom([]string{`\n`, `\/`, `\"`, `\\`, `\b`, `\f`, `\r`, `\t`, `\u00e9`, `\ud83d\ude00`, `\ud83d`, `\u0024`, "$${", "%%{", "$", "%", "{", "}",
			"é", "e\u0301", "漢", "within"}),
		rapid.StringMatching(`[a-z ]{1,5}`))
	rapid.Check(t, func(t *rapid.T) {
		source := `"` + strings.Join(rapid.SliceOf(pieces).Draw(t, "pieces"), "") + `"`
		m, err := Decode([]byte(source), spec.Pos{Line: 1, Column: 1}, file, true)
		var interpolation *InterpolationError
		if errors.As(err, &interpolation) {
			return
		}
		want, ok := evaluateJSON(source)
		if err != nil || !ok || cty.NormalizeString(m.Text()) != want {
			t.Fatalf("%s: %q, %v; HCL says %q", source, m.Text(), err, want)
		}
		checkPieces(t, m, source, func(piece string) (string, bool) {
			again, err := Decode([]byte(`"`+piece+`"`), spec.Pos{Line: 1, Column: 1}, file, true)
			return again.Text(), err == nil
		})
	})
}

func evaluateJSON(source string) (string, bool) {
	f, diags := hcljson.Parse([]byte(`{"x":`+source+`}`), file)
	if diags.HasErrors() {
		return "", false
	}
	attrs, _ := f.Body.JustAttributes()
	v, diags := attrs["x"].Expr.Value(&hcl.EvalContext{})
	if diags.HasErrors() || !v.IsWhollyKnown() {
		return "", false
	}
	return v.AsString(), true
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{`"ttft within 10%"`, `"\u00e9 $${x}"`, "<<-EOT\n  a\n b\n EOT\n", `"\ud83d\ude00"`, `"a${b}"`, "\xff", `"e` + "\u0301" + `"`} {
		f.Add(seed, false)
		f.Add(seed, true)
	}
	f.Fuzz(func(t *testing.T, source string, asJSON bool) {
		m, err := Decode([]byte(source), spec.Pos{Line: 1, Column: 1}, file, asJSON)
		if err != nil {
			return
		}
		for i := range len(m.Text()) {
			r := m.Range(i, i+1)
			if r.Start.Byte < 0 || r.Start.Byte >= r.End.Byte || r.End.Byte > len(source) {
				t.Fatalf("byte %d: range %+v of %d", i, r, len(source))
			}
		}
		if asJSON && utf8.ValidString(source) && !json.Valid([]byte(source)) {
			t.Fatal("decoded what is no JSON")
		}
	})
}
