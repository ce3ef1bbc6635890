package engine

import (
	"strings"
	"testing"

	"aicv/kit/pep440"
	"aicv/spec"
)

// small is a table of a few rows.
func small(negated bool) Table {
	return Table{
		Engine: "Small", Kind: "small", Oldest: "1.0", Newest: "2.0", Negated: negated,
		Aliases: map[string]string{"tp": "tensor"},
		Removed: []Removed{{Flag: "old", Versions: ">=1.5", Instead: "use new"}},
		Refused: []Refusal{{When: Off(spec.ItemPrefixCache), Fix: "do not"}},
		Rows: []Row{
			{Item: spec.ItemTensorParallel, Args: []string{"--tensor", "{value}"}, Fidelity: spec.FidelityExact},
			{Item: spec.ItemGEMMQuant, Values: []string{"fp8"}, Args: []string{"--quant", "fp8"}, Fidelity: spec.FidelityExact},
			{Item: spec.ItemMoEQuant, Args: []string{"--quant", "{value}"}, Fidelity: spec.FidelityExact},
			{Item: spec.ItemMaxBatchSize, Versions: "<1.5", Args: []string{"--batch", "{value}"}, Fidelity: spec.FidelityExact},
			{Item: spec.ItemMaxBatchSize, Versions: ">=1.5", Args: []string{"--max-batch", "{max_batch_size/tensor_parallel}"}, Fidelity: spec.FidelityApproximate},
		},
	}
}

func compile(t *testing.T, table Table) *Engine {
	t.Helper()
	e, err := Compile(table)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func at(t *testing.T, version string, config map[string]spec.Value) Context {
	t.Helper()
	v, err := pep440.Parse(version)
	if err != nil {
		t.Fatal(err)
	}
	c := Context{Version: v}
	for name, value := range config {
		c.Config = c.Config.With(name, value)
	}
	return c
}

// TestRender: rows by version, division, a flag with two values, and what no row has.
func TestRender(t *testing.T) {
	e := compile(t, small(false))
	config := map[string]spec.Value{
		spec.ItemTensorParallel: spec.IntValue(4), spec.ItemGEMMQuant: spec.StringValue("fp8"), spec.ItemMoEQuant: spec.StringValue("int4"),
		spec.ItemMaxBatchSize: spec.IntValue(8), spec.ItemDType: spec.StringValue("auto"),
	}
	args, mapping := e.Render(at(t, "2.0", config))
	if got := strings.Join(args, " "); got != "--tensor 4 --quant fp8 --max-batch 2" {
		t.Errorf("arguments %s", got)
	}
	why := map[string]string{}
	for _, m := range mapping {
		why[m.Item] = string(m.Fidelity) + " " + m.Why
	}
	for item, want := range map[string]string{
		spec.ItemMoEQuant:     "unsupported --quant fp8 is given already for gemm_quant",
		spec.ItemDType:        "unsupported Small has no flag for it",
		spec.ItemMaxBatchSize: "approximate ",
	} {
		if why[item] != want {
			t.Errorf("%s: %q, want %q", item, why[item], want)
		}
	}
	config[spec.ItemMaxBatchSize] = spec.IntValue(7)
	if _, mapping = e.Render(at(t, "2.0", config)); mapping[3].Fidelity != spec.FidelityUnsupported {
		t.Errorf("7 over 4: %+v", mapping[3])
	}
	if args, _ = e.Render(at(t, "1.2", config)); !strings.Contains(strings.Join(args, " "), "--batch 7") {
		t.Errorf("arguments %v", args)
	}
	config[spec.ItemMoEQuant] = spec.StringValue("fp8")
	if args, mapping = e.Render(at(t, "1.2", config)); strings.Count(strings.Join(args, " "), "--quant") != 1 || mapping[2].Fidelity != spec.FidelityExact {
		t.Errorf("one flag for two items: %v, %+v", args, mapping[2])
	}
}

// TestGiven: what a suite gives in args, in every form, and what is refused.
func TestGiven(t *testing.T) {
	value := func(name string, v spec.Value) spec.Value { return spec.MapValue(spec.Field{Name: name, Value: v}) }
	for _, c := range []struct {
		negated bool
		args    spec.Value
		want    string // the arguments, or what the error says
	}{
		{false, value("x_y", spec.BoolValue(true)), "--x-y"},
		{false, value("--x", spec.IntValue(3)), "--x 3"},
		{false, value("x", spec.IntValue(-1)), "--x=-1"},
		{false, value("x", spec.ListValue(spec.IntValue(1), spec.StringValue("b"))), "--x 1 b"},
		{true, value("x", spec.MapValue(spec.Field{Name: "a", Value: spec.IntValue(1)})), `--x {"a":1}`},
		{true, value("x", spec.BoolValue(false)), "--no-x"},
		{true, value("x", spec.Value{}), ""},
		{false, value("x", spec.BoolValue(false)), "knows no way"},
		{false, value("x", spec.SecretValue("KEY")), "a secret"},
		{false, value("old", spec.IntValue(1)), "no --old any more"},
		{false, value("x y", spec.IntValue(1)), "no flag"},
		{false, value("tp", spec.IntValue(2)), "clashes with \"--tensor 4\""},
		{true, value("no-tensor", spec.BoolValue(true)), "clashes with \"--tensor 4\""},
	} {
		e := compile(t, small(c.negated))
		context := at(t, "2.0", nil)
		groups, err := e.Given(&context, "runtime.small.it", c.args)
		var args []string
		if err == nil {
			args, err = e.Join("runtime.small.it", []string{"--tensor", "4"}, groups)
		}
		got := strings.TrimSpace(strings.TrimPrefix(strings.Join(args, " "), "--tensor 4"))
		if err != nil {
			if spec.KindOf(err) != spec.ErrUsage || !strings.Contains(err.Error(), c.want) || c.want == "" {
				t.Errorf("%s: %v, want %q", c.args, err, c.want)
			}
			continue
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.args, got, c.want)
		}
	}
}

// TestVersions: what a declared version, a table and an image's tag make of each other.
func TestVersions(t *testing.T) {
	e := compile(t, small(false))
	for _, c := range []struct{ version, image, want string }{
		{"1.5", "", ""}, {"2.0+cpu", "", ""}, {"2.1", "", "up to 2.0"}, {"", "", "needs a version"}, {"latest", "", "can not be read"}, {"0.9", "", "older than"},
		{"1.5", "r.example:5000/small:v1.5-cu129", ""}, {"1.5", "r.example:5000/small:v1.4-cu129", "tag says"}, {"1.5", "r.example:5000/small", ""},
		{"1.5", "small:latest", ""}, {"1.5.post1", "small:v1.5.post1", ""}, {"1.5", "small@sha256:00", ""},
	} {
		_, note, err := e.ReadVersion("runtime.small.it", c.version, c.image)
		got := ""
		if note != nil {
			got = note.Why
		}
		if err != nil {
			got = err.Error()
		}
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%q with %q: %q, want %q", c.version, c.image, got, c.want)
		}
	}
}

// TestRefusals: combinations that the engine refuses are told before it starts.
func TestRefusals(t *testing.T) {
	e := compile(t, small(false))
	c := at(t, "2.0", map[string]spec.Value{spec.ItemPrefixCache: spec.BoolValue(false)})
	if err := e.refuse(&c, "runtime.small.it"); err == nil || !strings.Contains(err.Error(), "prefix_cache is false") {
		t.Errorf("%v", err)
	}
}

// TestBadTables: a table that can not be read is an error, not a panic.
func TestBadTables(t *testing.T) {
	for _, table := range []Table{{Oldest: "x"}, {Oldest: "1", Newest: "x"}, {Oldest: "1", Newest: "1", Rows: []Row{{Versions: "x"}}}, {Oldest: "1", Newest: "1", Removed: []Removed{{Versions: "x"}}}} {
		if _, err := Compile(table); err == nil {
			t.Errorf("%+v was taken", table)
		}
	}
}

func TestExpand(t *testing.T) {
	config := spec.NewConfiguration(spec.Setting{Name: spec.ItemMaxBatchSize, Value: spec.IntValue(8)}, spec.Setting{Name: spec.ItemTensorParallel, Value: spec.IntValue(2)},
		spec.Setting{Name: spec.ItemDType, Value: spec.StringValue("auto")})
	for text, want := range map[string]string{
		"{max_batch_size}": "8", "a{max_batch_size*tensor_parallel}b": "a16b", "{max_batch_size/tensor_parallel}": "4", "{max_batch_size+1}": "9",
		"{max_batch_size*pipeline_parallel}": "8", `{"json":1}`: `{"json":1}`, "{dtype}": "auto",
		"{max_batch_tokens}": "not set", "{nothing}": "no item", "{dtype*tensor_parallel}": "no whole number", "{tensor_parallel/max_batch_size}": "can not be divided",
	} {
		got, _, wrong := Expand(text, config)
		if wrong != "" {
			got = wrong
		}
		if got != want && (wrong == "" || !strings.Contains(wrong, want)) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func FuzzExpand(f *testing.F) {
	f.Add("{max_batch_size/tensor_parallel+1}{")
	f.Fuzz(func(t *testing.T, text string) {
		filled, items, wrong := Expand(text, nil)
		if len(items) == 0 && (filled != text || wrong != "") {
			t.Errorf("%q became %q (%s)", text, filled, wrong)
		}
	})
}
