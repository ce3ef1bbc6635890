package format_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"pgregory.net/rapid"

	"aicv/lang/format"
)

const ugly = `model "m" {
id="m"   # the id
  path   = "/models"
}
experiment "e" {
  assert "a" { expect=["  throughput   within 10%", "ttft<2s"] }
  assert "b" {
expect = [ "tpot  within\t 10%" ]
}
}
`

const tidy = `model "m" {
  id   = "m" # the id
  path = "/models"
}
experiment "e" {
  assert "a" { expect = ["throughput within 10%", "ttft < 2s"] }
  assert "b" {
    expect = ["tpot  within\t 10%"]
  }
}
`

func TestSource(t *testing.T) {
	got, diags := format.Source([]byte(ugly), "suite.hcl")
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	if string(got) != tidy {
		t.Errorf("got:\n%s\nwant:\n%s", got, tidy)
	}
	again, _ := format.Source(got, "suite.hcl")
	if string(again) != string(got) {
		t.Errorf("formatting twice differs:\n%s", format.Diff("suite.hcl", got, again))
	}
}

func TestSyntaxErrorsLeaveTheFileAlone(t *testing.T) {
	source := []byte("model \"m\" {\n")
	got, diags := format.Source(source, "suite.hcl")
	if !diags.HasErrors() || string(got) != string(source) {
		t.Errorf("%v\n%s", diags, got)
	}
	if diags[0].Subject.File != "suite.hcl" || diags[0].Subject.Start.Line == 0 {
		t.Errorf("no place: %+v", diags[0].Subject)
	}
}

// TestExamplesAreFormatted keeps the committed suites in the canonical format.
func TestExamplesAreFormatted(t *testing.T) {
	files, err := filepath.Glob("../../examples/experiments/*/*.hcl")
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, file := range append(files, "../../internal/cli/starter.hcl") {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got, diags := format.Source(source, file)
		if len(diags) > 0 || string(got) != string(source) {
			t.Errorf("%s is not formatted: %v\n%s", file, diags, format.Diff(file, source, got))
		}
	}
}

func TestClaimsOfAnyPlace(t *testing.T) {
	tests := []struct{ name, source, want string }{
		{"wrong claim stays", `expect = ["ttft  wthin 10%"]`, `expect = ["ttft  wthin 10%"]`},
		{"escapes stay", `expect = ["ttft  with\u0069n 10%"]`, `expect = ["ttft  with\u0069n 10%"]`},
		{"interpolation stays", `expect = ["ttft  within ${var.x}"]`, `expect = ["ttft  within ${var.x}"]`},
		{"raw tab", "expect = [\"ttft\twithin 10 %\"]", `expect = ["ttft within 10%"]`},
		{"several", `expect = ["ttft<2 s","tpot  within 5%" ]`, `expect = ["ttft < 2s", "tpot within 5%"]`},
		{"other attribute", `name = "ttft  within 10%"`, `name = "ttft  within 10%"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, diags := format.Source([]byte("assert \"a\" {\n"+test.source+"\n}\n"), "f")
			if want := "assert \"a\" {\n  " + test.want + "\n}\n"; len(diags) > 0 || string(got) != want {
				t.Errorf("got %q, want %q, %v", got, want, diags)
			}
		})
	}
}

func TestNestedBlocksBeforeTheList(t *testing.T) {
	source := "assert \"a\" {\n  assert \"b\" {\n    expect = [\"ttft<1s\"]\n  }\n  expect = [\"tpot<1s\"]\n}\n"
	got, diags := format.Source([]byte(source), "f")
	if want := strings.ReplaceAll(source, "<", " < "); len(diags) > 0 || string(got) != want {
		t.Errorf("got %s", got)
	}
}

// meaning lists the tokens of a file without white space, that of strings included.
func meaning(t interface{ Fatalf(string, ...any) }, source []byte) []string {
	tokens, diags := hclsyntax.LexConfig(source, "f", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatalf("%v in\n%s", diags, source)
	}
	var out []string
	for _, token := range tokens {
		text := string(token.Bytes)
		if token.Type == hclsyntax.TokenQuotedLit {
			text = strings.Join(strings.Fields(text), "")
		}
		if token.Type == hclsyntax.TokenComment {
			text = strings.TrimRight(text, " \t\r\n")
		}
		if token.Type == hclsyntax.TokenCHeredoc {
			text = strings.TrimSpace(text)
		}
		out = append(out, token.Type.String()+" "+text)
	}
	return out
}

func messySuite(t *rapid.T) string {
	space := rapid.SampledFrom([]string{"", " ", "   ", "\t"})
	end := rapid.SampledFrom([]string{"\n", "\n\n", "  # note\n", " // note\n"})
	value := rapid.SampledFrom([]string{"1", "-2.5", "true", `"text  x"`, `"${var.a} b"`, "[1,2 , 3]", "{a=1,b = 2}", "model.m", "var.x?1:2",
		"[for x in local.l:x]", `f( 1,2 )`, "<<EOT\n  a  b\nEOT", "[\n1,\n  2,\n]", "!var.a", "a+b*c"})
	claims := rapid.SampledFrom([]string{`"ttft<2s"`, `"throughput   within 10 %"`, `"wrong  claim"`, `"tpot  <= ${var.x}"`, "local.c"})
	var b strings.Builder
	for range rapid.IntRange(1, 5).Draw(t, "blocks") {
		b.WriteString(space.Draw(t, "s") + "experiment \"e\"" + space.Draw(t, "s") + "{" + end.Draw(t, "end"))
		for range rapid.IntRange(0, 4).Draw(t, "attributes") {
			b.WriteString(space.Draw(t, "s") + rapid.StringMatching(`[a-z]{1,6}`).Draw(t, "name") + space.Draw(t, "s") + "=" + space.Draw(t, "s") + value.Draw(t, "value") + "\n")
		}
		list := rapid.SliceOfN(claims, 0, 3).Draw(t, "claims")
		b.WriteString("assert \"a\" {" + end.Draw(t, "end") + "expect" + space.Draw(t, "s") + "=[" + strings.Join(list, ","+space.Draw(t, "s")) + "]" + end.Draw(t, "end") + "}" + end.Draw(t, "end") + "}" + end.Draw(t, "end"))
	}
	return b.String()
}

func TestFormattingChangesWhiteSpaceOnlyAndOnce(t *testing.T) {
	formatted := 0
	rapid.Check(t, func(t *rapid.T) {
		source := []byte(messySuite(t))
		once, diags := format.Source(source, "f")
		if diags.HasErrors() {
			return // a name drawn twice
		}
		formatted++
		twice, _ := format.Source(once, "f")
		if string(once) != string(twice) {
			t.Fatalf("not stable:\n%s", format.Diff("f", once, twice))
		}
		if diff := cmp.Diff(meaning(t, source), meaning(t, once)); diff != "" {
			t.Fatalf("the meaning changed:\n%s", diff)
		}
	})
	if formatted == 0 {
		t.Error("no suite was drawn that parses")
	}
}

func FuzzSource(f *testing.F) {
	f.Add(ugly)
	f.Add("a = [\"x  y\", <<E\n  a  b\nE\n]\n")
	f.Add("assert \"a\" {\n  b {\n expect = 1\n}\n expect=[\"ttft<1s\"] # é\r\n}\n")
	f.Fuzz(func(t *testing.T, source string) {
		once, diags := format.Source([]byte(source), "f")
		if diags.HasErrors() {
			return
		}
		twice, diags := format.Source(once, "f")
		if diags.HasErrors() {
			t.Fatalf("formatting broke the file: %v\n%s", diags, once)
		}
		if string(once) != string(twice) {
			t.Fatalf("not stable:\n%q\n%q", once, twice)
		}
	})
}
