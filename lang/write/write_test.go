package write

import (
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"aicv/spec"
)

func TestSource(t *testing.T) {
	number := spec.IntValue
	got, err := Source("From a task.\nTwo lines.", []Block{
		{Type: "runtime", Labels: []string{"sglang", "main"}, Attrs: []Attr{
			{"version", Value(spec.StringValue("0.5.14"))},
			{"env", Value(spec.MapValue(spec.Field{Name: "HF_TOKEN", Value: spec.SecretValue("HF_TOKEN")}))},
		}},
		{Type: "experiment", Labels: []string{"e"}, Comment: "Why.", Attrs: []Attr{{"runtime", Refs("runtime.sglang.main", "runtime.vllm.b")}},
			Blocks: []Block{{Type: "matrix", Attrs: []Attr{
				{"tensor_parallel", Value(spec.ListValue(number(1), number(2)))},
				{"include", Value(spec.ListValue(spec.MapValue(spec.Field{Name: "b", Value: spec.BoolValue(true)}, spec.Field{Name: "a-b", Value: spec.StringValue("x")})))},
			}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := `# From a task.
# Two lines.

runtime "sglang" "main" {
  version = "0.5.14"
  env     = { HF_TOKEN = env("HF_TOKEN") }
}

# Why.
experiment "e" {
  runtime = [runtime.sglang.main, runtime.vllm.b]

  matrix {
    tensor_parallel = [1, 2]
    include = [
      { a-b = "x", b = true },
    ]
  }
}
`
	if string(got) != want {
		t.Errorf("got\n%s", got)
	}
}

func TestWrongNamesAreErrors(t *testing.T) {
	for _, b := range []Block{
		{Type: "a b"},
		{Type: "a", Attrs: []Attr{{"x = 1\ny", Value(spec.IntValue(1))}}},
		{Type: "a", Attrs: []Attr{{"x", Ref("file(\"/etc/passwd\")")}}},
		{Type: "a", Attrs: []Attr{{"x", Value(spec.NumberValue("1 }"))}}},
	} {
		if got, err := Source("", []Block{b}); err == nil {
			t.Errorf("%v gave %s", b, got)
		}
	}
}

func TestLabel(t *testing.T) {
	for text, want := range map[string]string{"custom-quantization": "custom_quantization", "0.5.14": "v0_5_14", "": "unnamed", "${x}": "x",
		"Qwen/Qwen3-32B": "Qwen_Qwen3_32B", strings.Repeat("a", 99): strings.Repeat("a", 60)} {
		if got := Label(text); got != want || !hclsyntax.ValidIdentifier(got) {
			t.Errorf("Label(%q) = %q, want %q", text, got, want)
		}
	}
}

// Whatever stands in a text comes back as that text, and nothing else comes with it.
func FuzzQuoted(f *testing.F) {
	for _, s := range []string{"${env(\"HOME\")}", "%{ if true }", "a\nb", "\"", "\\", "\x00", "é", "$${x}", "$$", "%%{"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		source, err := Source(s, []Block{{Type: "a", Labels: []string{s}, Attrs: []Attr{{"x", Value(spec.StringValue(s))}}}})
		if err != nil {
			t.Skip() // not UTF-8: refused
		}
		file, diags := hclsyntax.ParseConfig(source, "f.hcl", hcl.InitialPos)
		if diags.HasErrors() {
			t.Fatalf("%s\n%v", source, diags)
		}
		body := file.Body.(*hclsyntax.Body)
		if len(body.Blocks) != 1 || len(body.Attributes) != 0 || len(body.Blocks[0].Body.Attributes) != 1 {
			t.Fatalf("more than one block: %s", source)
		}
		v, diags := body.Blocks[0].Body.Attributes["x"].Expr.Value(nil)
		if diags.HasErrors() || v.AsString() != cty.StringVal(s).AsString() {
			t.Fatalf("%q became %#v", s, v)
		}
	})
}
