package tree

import (
	"errors"
	"strings"
	"testing"

	"aicv/spec"
)

func TestOrderAndTextsAreKept(t *testing.T) {
	source := `{"b": 5.0, "a": "0.0", "list": [1, true, null], "empty": {}, "deep": {"z": [{"y": 1}], "x": "${a}"}}`
	n, err := Parse("t.json", []byte(source))
	if err != nil {
		t.Fatal(err)
	}
	if got := n.String(); got != source {
		t.Errorf("got  %s\nwant %s", got, source)
	}
	for _, syntax := range []Syntax{JSON, YAML} {
		written, err := n.Write(syntax)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse("t."+string(syntax), written)
		if err != nil || !again.Equal(n) || again.String() != source {
			t.Errorf("%s does not come back: %v\n%s", syntax, err, written)
		}
	}
}

func TestHostileDocumentsAreErrors(t *testing.T) {
	bomb := "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
	for c := byte('b'); c < 'j'; c++ {
		bomb += string(c) + ": &" + string(c) + " [" + strings.Repeat("*"+string(c-1)+", ", 9) + "*" + string(c-1) + "]\n"
	}
	for name, c := range map[string]struct{ file, text, want string }{
		"aliases":    {"t.yaml", bomb, "more than 500000 values"},
		"itself":     {"t.yaml", "a: &a\n  b: *a\n", "nested deeper"},
		"depth":      {"t.json", strings.Repeat("[", 100) + strings.Repeat("]", 100), "nested deeper"},
		"yaml depth": {"t.yaml", strings.Repeat("[", 100) + strings.Repeat("]", 100), "nested deeper"},
		"size":       {"t.json", strings.Repeat(" ", MaxBytes+1), "more than the"},
		"twice":      {"t.json", `{"a": 1, "a": 2}`, `"a" stands twice`},
		"yaml twice": {"t.yaml", "a: 1\na: 2\n", "twice"},
		"merge":      {"t.yaml", "a: &a {x: 1}\nb:\n  <<: *a\n", "merge keys"},
		"documents":  {"t.yaml", "a: 1\n---\nb: 2\n", "more than one document"},
		"infinite":   {"t.yaml", "a: .inf\n", "JSON does not have"},
		"huge":       {"t.json", `{"a": 1e999999999}`, "beyond the range"},
		"rest":       {"t.json", `{} {}`, "follows"},
		"half":       {"t.json", "{\n\"a\": ", "line 2: unexpected EOF"},
		"no yaml":    {"t.yaml", "a: [1, 2\nb", ""},
	} {
		_, err := Parse(c.file, []byte(c.text))
		if err == nil || !strings.Contains(err.Error()+detail(err), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
}

func TestNumbersOfYAML(t *testing.T) {
	n, err := Parse("t.yaml", []byte("[0x10, 1_000, .5, +3, 08, 1e3, 1.50]"))
	if err != nil {
		t.Fatal(err)
	}
	if got := n.String(); got != `[16, 1000, 0.5, 3, 8, 1e3, 1.50]` {
		t.Errorf("got %s", got)
	}
}

func TestSetAndDelete(t *testing.T) {
	n := NewMap()
	n.Set(Int(1), "a", "b")
	n.Set(Text("x"), "a", "c")
	n.Set(Int(2), "a", "b", "d")
	n.Delete("a", "c")
	n.Delete("q", "r")
	if got := n.String(); got != `{"a": {"b": {"d": 2}}}` {
		t.Errorf("got %s", got)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{`{"a": [1, 2.50, "x", null, true]}`, "a: &x [1]\nb: *x\n", "- 0x1F\n- ~\n- 'a: b'\n", "? [a]\n: b\n", "a: |\n  x\n y", "\"\\u0085\": 1"} {
		f.Add([]byte(seed), true)
		f.Add([]byte(seed), false)
	}
	f.Fuzz(func(t *testing.T, data []byte, asYAML bool) {
		name := "t.json"
		if asYAML {
			name = "t.yaml"
		}
		n, err := Parse(name, data)
		if err != nil {
			return
		}
		for _, syntax := range []Syntax{JSON, YAML} {
			written, err := n.Write(syntax)
			if err != nil {
				t.Fatal(err)
			}
			again, err := Parse("t."+string(syntax), written)
			if err != nil {
				t.Fatalf("%s that was written can not be read: %v\n%s", syntax, err, written)
			}
			if !again.Equal(n) {
				t.Fatalf("%s: %s is not %s", syntax, again, n)
			}
		}
	})
}

func detail(err error) string {
	var e *spec.Error
	if errors.As(err, &e) {
		return e.Detail
	}
	return ""
}
