package lock

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// The quick reader reads what the language's parser reads, or leaves it to that.
func TestPlainReadsWhatTheParserReads(t *testing.T) {
	text := rapid.StringMatching(`[a-z0-9_.:${}%\\"= ü]{1,8}`)
	rapid.Check(t, func(t *rapid.T) {
		var entries []Entry
		seen := map[[2]string]bool{}
		for range rapid.IntRange(0, 6).Draw(t, "entries") {
			e := Entry{text.Draw(t, "name"), rapid.StringMatching(`[a-z_][a-z0-9_]{0,6}`).Draw(t, "what"), text.Draw(t, "value")}
			if key := [2]string{e.Name, e.What}; !seen[key] {
				seen[key] = true
				entries = append(entries, e)
			}
		}
		source := string(Format(entries))
		if n := len(source); n > 0 && rapid.Bool().Draw(t, "damaged") {
			at := rapid.IntRange(0, n-1).Draw(t, "at")
			source = source[:at] + rapid.SampledFrom([]string{"", " ", "\"", "\n", "}", "#", "x", "=", "$"}).Draw(t, "with") + source[at+1:]
		}
		got, plain := readPlain(source)
		if want, diags := parse([]byte(source), "lock"); plain && (diags.HasErrors() || !slices.Equal(got, want)) {
			t.Fatalf("%q: %q, but the parser %q %v", source, got, want, diags)
		}
	})
}

func TestPlainLeavesDoubtsToTheParser(t *testing.T) {
	for _, body := range []string{
		"lock \"a\" {\n  b = \"1\"\n}\nlock \"a\" {\n  c = \"2\"\n}\n", "lock \"a\" {\n}\nlock \"a\" {\n}\n",
		"lock \"\" {\n}\n", "lock \"a\" {\n", "lock \"a\" {\n  b = \"\"\n}\n", "  b = \"1\"\n", "}\n", "lock \"a\" {\n\n}\n",
	} {
		if got, plain := readPlain(header + body); plain {
			t.Errorf("%q: taken as %q", body, got)
		}
	}
}

func TestPlainIsTaken(t *testing.T) {
	source := Format([]Entry{{"predictor.recorded.aic", "version", "0.12.0, database 0.5"}, {"predictor.recorded.aic", "prediction_01ab", "f00d"}, {"runtime.sglang.x", "image", "sha256:0a"}})
	if got, plain := readPlain(string(source)); !plain || len(got) != 3 {
		t.Errorf("%v %q\n%s", plain, got, source)
	}
}
