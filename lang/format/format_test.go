package format_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

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
  assert "a" { expect = ["throughput within 10%", "ttft<2s"] }
  assert "b" {
    expect = ["tpot within\t 10%"]
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

func TestDiff(t *testing.T) {
	d := format.Diff("suite.hcl", []byte(ugly), []byte(tidy))
	for _, want := range []string{"-id=\"m\"   # the id", "+  id   = \"m\" # the id", "@@ -1,"} {
		if !strings.Contains(d, want) {
			t.Errorf("no %q in\n%s", want, d)
		}
	}
	if format.Diff("suite.hcl", []byte(tidy), []byte(tidy)) != "" {
		t.Error("equal files differ")
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

func FuzzSource(f *testing.F) {
	f.Add(ugly)
	f.Add("a = [\"x  y\", <<E\n  a  b\nE\n]\n")
	f.Fuzz(func(t *testing.T, source string) {
		once, diags := format.Source([]byte(source), "f")
		if diags.HasErrors() {
			return
		}
		if _, diags := format.Source(once, "f"); diags.HasErrors() {
			t.Fatalf("formatting broke the file: %v\n%s", diags, once)
		}
	})
}
