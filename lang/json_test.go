package lang

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// object is a JSON object whose members keep their order.
type object []member

type member struct {
	name  string
	value json.RawMessage
}

func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(m.name)
		if err != nil {
			return nil, err
		}
		b.Write(append(append(name, ':'), m.value...))
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// toJSON writes a native file in the JSON syntax.
func toJSON(t *testing.T, source string) string {
	t.Helper()
	file, diags := hclsyntax.ParseConfig([]byte(source), "x.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	body, ok := file.Body.(*hclsyntax.Body)
	if !ok {
		t.Fatalf("body is %T", file.Body)
	}
	out, err := json.Marshal(jsonBody(t, body, source))
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// jsonBody lists each block as an array of its own, so that order and repetition stay.
func jsonBody(t *testing.T, body *hclsyntax.Body, source string) object {
	var out object
	for _, name := range attributesInOrder(body) {
		out = append(out, member{name, jsonExpr(t, body.Attributes[name].Expr, source)})
	}
	for _, b := range body.Blocks {
		inner, err := json.Marshal(jsonBody(t, b.Body, source))
		if err != nil {
			t.Fatal(err)
		}
		for i := len(b.Labels) - 1; i >= 0; i-- {
			if inner, err = json.Marshal(object{{b.Labels[i], inner}}); err != nil {
				t.Fatal(err)
			}
		}
		out = append(out, member{b.Type, inner})
	}
	return merged(t, out)
}

// merged joins members of one name to an array, at the place of the first.
func merged(t *testing.T, in object) object {
	var out object
	at := make(map[string]int)
	lists := make(map[string][]json.RawMessage)
	for _, m := range in {
		if _, there := at[m.name]; !there {
			at[m.name] = len(out)
			out = append(out, m)
		}
		lists[m.name] = append(lists[m.name], m.value)
	}
	for name, values := range lists {
		if len(values) > 1 {
			all, err := json.Marshal(values)
			if err != nil {
				t.Fatal(err)
			}
			out[at[name]].value = all
		}
	}
	return out
}

func attributesInOrder(body *hclsyntax.Body) []string {
	names := sortedKeys(body.Attributes)
	for i := range names {
		for j := i + 1; j < len(names); j++ {
			if body.Attributes[names[j]].SrcRange.Start.Byte < body.Attributes[names[i]].SrcRange.Start.Byte {
				names[i], names[j] = names[j], names[i]
			}
		}
	}
	return names
}

func jsonExpr(t *testing.T, expr hclsyntax.Expression, source string) json.RawMessage {
	t.Helper()
	var value json.RawMessage
	var err error
	switch x := expr.(type) {
	case *hclsyntax.TupleConsExpr:
		items := make([]json.RawMessage, len(x.Exprs))
		for i, e := range x.Exprs {
			items[i] = jsonExpr(t, e, source)
		}
		value, err = json.Marshal(items)
	case *hclsyntax.ObjectConsExpr:
		value, err = json.Marshal(jsonObject(t, x, source))
	case *hclsyntax.LiteralValueExpr:
		value, err = ctyjson.Marshal(x.Val, x.Val.Type())
	default:
		value, err = json.Marshal(templateText(t, expr, source))
	}
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func jsonObject(t *testing.T, x *hclsyntax.ObjectConsExpr, source string) object {
	var fields object
	for _, item := range x.Items {
		key, diags := item.KeyExpr.Value(nil)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		fields = append(fields, member{key.AsString(), jsonExpr(t, item.ValueExpr, source)})
	}
	return fields
}

// templateText is an expression as the JSON syntax spells it.
func templateText(t *testing.T, expr hclsyntax.Expression, source string) string {
	if keyword := hcl.ExprAsKeyword(expr); keyword != "" {
		return keyword // a type
	}
	text := source[expr.Range().Start.Byte:expr.Range().End.Byte]
	if v, diags := expr.Value(nil); !diags.HasErrors() && v.Type() == cty.String {
		return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(v.AsString())
	}
	if inner, quoted := strings.CutPrefix(text, `"`); quoted {
		return strings.TrimSuffix(inner, `"`)
	}
	if strings.HasPrefix(text, "list(") || strings.HasPrefix(text, "object(") {
		return text
	}
	return "${" + text + "}"
}

// Both syntaxes give the same suite: the converter writes valid suites in JSON, and
// the results are compared without their places.
func TestSyntaxesAgree(t *testing.T) {
	design, err := os.ReadFile(filepath.Join("testdata", "design.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	for name, source := range map[string]string{
		"design": string(design),
		"varied": head + oneWorkload + `
variable "n" {
  type    = number
  default = 2
  validation {
    condition     = var.n > 1
    error_message = "It is ${var.n}."
  }
}
locals {
  odd  = "a\"b $${x} %%{y} ü"
  list = [for i in range(var.n): i + 1]
}
runtime "sim" "x" {
  args = { odd = local.odd }
  env  = { e = env("SECRET") }
  fault "one" { after = var.n }
  fault "two" { after = 3 }
  cost { token = 0.25 }
}
experiment "e" {
  runtime = runtime.sim.x
  matrix {
    tensor_parallel = local.list
    size            = [1, 2]
    exclude         = [{ tensor_parallel = 1, size = 2 }]
    include         = [{ tensor_parallel = 4, size = 3 }]
  }
  configuration { max_batch_size = matrix.size * var.n }
  slo { ttft = "1s" }
  assert "a" { expect = ["ttft within 10%", "ttft < ${var.n}s"] }
  assert "b" {
    severity = "info"
    expect   = "goodput > 1 req/s"
  }
}
`} {
		t.Run(name, func(t *testing.T) {
			native, diags := loadFiles(t, map[string]string{"suite.hcl": source})
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			text := toJSON(t, source)
			converted, diags := loadFiles(t, map[string]string{"suite.hcl.json": text})
			if diags.HasErrors() {
				t.Fatalf("%s\n%s", render(converted, diags), text)
			}
			sortComponents(native.Suite.Components)
			sortComponents(converted.Suite.Components)
			if diff := cmp.Diff(native.Suite, converted.Suite, ignoreRanges()); diff != "" {
				t.Errorf("suites differ (-native +json):\n%s", diff)
			}
		})
	}
}
