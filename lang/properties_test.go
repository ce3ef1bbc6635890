package lang

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"
	"pgregory.net/rapid"

	"aicv/lang/schema"
	"aicv/spec"
)

// blocks are top-level blocks that may stand in any file, in any order.
func blocks() []string {
	return []string{
		"model \"m\" { id = local.id }\n",
		"runtime \"sim\" \"r\" { version = var.version }\n",
		"predictor \"aiconfigurator\" \"aic\" {}\n",
		"hardware \"h\" {\n system = \"l4\"\n gpus = local.gpus\n}\n",
		"workload \"w\" {\n input_tokens = 1\n output_tokens = 2\n concurrency = local.levels\n}\n",
		"variable \"version\" { default = \"1\" }\n",
		"locals {\n id = \"a/${local.base}\"\n base = \"b\"\n}\n",
		"locals {\n gpus = 2 * local.one\n one = 4\n levels = [local.one, local.gpus]\n}\n",
		"experiment \"e\" {\n matrix {\n  tensor_parallel = [1, 2]\n }\n assert \"a\" { expect = \"ttft within 10%\" }\n}\n",
	}
}

// Neither the files' names nor the order of blocks change what a suite with one of
// each thing says.
func TestOrderOfFilesAndBlocksDoesNotMatter(t *testing.T) {
	var want *spec.Suite
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 40 {
		files := make(map[string]string)
		parts := blocks()
		random.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
		for _, p := range parts {
			files[fmt.Sprintf("f%d.hcl", random.IntN(4))] += p
		}
		loaded, diags := loadFiles(t, files)
		if len(diags) > 0 {
			t.Fatal(diags)
		}
		sortComponents(loaded.Suite.Components)
		if round == 0 {
			want = loaded.Suite
		}
		if diff := cmp.Diff(want, loaded.Suite, ignoreRanges()); diff != "" {
			t.Fatalf("round %d differs:\n%s", round, diff)
		}
	}
}

func sortComponents(components []*spec.Component) {
	for i := range components {
		for j := i + 1; j < len(components); j++ {
			if components[j].Address() < components[i].Address() {
				components[i], components[j] = components[j], components[i]
			}
		}
	}
}

// The same files give the same messages and the same hash, every time.
func TestLoadIsDeterministic(t *testing.T) {
	text := head + "locals {\n a = locl.x\n b = local.c\n c = local.b\n d = upper()\n}\nmodel \"n\" { idd = 3 }\nexperiment \"e\" {\n matrix {\n  x = [1]\n  y = []\n }\n}\n"
	first, firstDiags := loadFiles(t, map[string]string{"a.hcl": text})
	if len(firstDiags) < 6 {
		t.Fatalf("only %d messages", len(firstDiags))
	}
	for range 20 {
		again, diags := loadFiles(t, map[string]string{"a.hcl": text})
		if diff := cmp.Diff(render(first, firstDiags), render(again, diags)); diff != "" {
			t.Fatal(diff)
		}
	}
}

// Each shared thing is evaluated once, however many experiments use it.
func TestSharedThingsAreEvaluatedOnce(t *testing.T) {
	count := func(experiments int) int {
		var b strings.Builder
		b.WriteString(head + oneWorkload + "locals {\n a = local.b\n b = local.c\n c = [\"ttft within 10%\"]\n}\n")
		for i := range experiments {
			fmt.Fprintf(&b, "experiment \"e%d\" {\n workload = workload.w\n model = model.m\n assert \"x\" { expect = local.a }\n}\n", i)
		}
		l := newLoader(Options{Dir: write(t, map[string]string{"s.hcl": b.String()}), Registrations: testRegistrations()})
		suite := l.load()
		if len(l.diags) > 0 {
			t.Fatal(l.diags)
		}
		first, last := suite.Experiments[0], suite.Experiments[experiments-1]
		if experiments > 1 && &first.Asserts[0].Claims[0] != &last.Asserts[0].Claims[0] {
			t.Error("experiments that share a list of claims do not share its memory")
		}
		if first.Cells[0].Model != last.Cells[0].Model {
			t.Error("experiments do not share the model")
		}
		return l.evaluations
	}
	if one, many := count(1), count(50); one != 8 || many != one {
		t.Errorf("%d evaluations for one experiment, %d for 50; want 8 (five blocks and three locals) for both", one, many)
	}
}

// A sensitive value shows up in no message, whatever goes wrong with it.
func TestSensitiveValuesStayHidden(t *testing.T) {
	const canary = "canary7391"
	uses := []string{
		"locals { x = parseint(var.s, 10) }", "locals { x = var.s + 1 }", "locals { x = jsondecode(var.s) }", "locals { x = regex(var.s, \"a\") }",
		"locals { x = { a = 1 }[var.s] }", "locals { x = tonumber(\"${var.s}\") }", "locals { x = split(1, [var.s]) }",
		"model \"n\" {\n id = \"x\"\n path = var.s\n}", "workload \"v\" { traffic = var.s }", "workload \"v\" { duration = var.s }",
		"runtime \"sim\" \"y\" { mode = var.s }", "runtime \"sim\" \"y\" { load_share = var.s }", "runtime \"sim\" \"y\" { sizes = [var.s] }", "runtime \"sim\" \"y\" { args = var.s }",
		"suite { on_undecided = var.s }",
		"experiment \"f\" {\n model = var.s\n}", "experiment \"f\" {\n matrix {\n  kv_cache_quant = [var.s]\n }\n}", "experiment \"f\" {\n matrix {\n  include = [{ kv_cache_quant = var.s }]\n }\n}",
		"experiment \"f\" {\n assert \"a\" { expect = var.s }\n}", "experiment \"f\" {\n assert \"a\" { expect = [\"${var.s} < 3s\"] }\n}", "experiment \"f\" {\n slo { ttft = var.s }\n}",
		"variable \"t\" {\n default = 1\n validation {\n  condition = var.s == \"no\"\n  error_message = \"not ${var.s}\"\n }\n}",
	}
	for _, use := range uses {
		text := head + oneWorkload + "variable \"s\" {\n sensitive = true\n type = string\n}\n" + use + "\n"
		dir := write(t, map[string]string{"s.hcl": text})
		loaded, diags := Load(Options{Dir: dir, Registrations: testRegistrations(), Vars: map[string]string{"s": canary}})
		if len(diags) == 0 {
			t.Errorf("%s: no message", use)
		}
		if out := fmt.Sprintf("%+v", diags) + fmt.Sprintf("%s", loaded.Sources); strings.Contains(out, canary) {
			t.Errorf("%s: the value is shown: %s", use, out)
		}
	}
}

// Secrets are references: the environment is never asked for them.
func TestSecretsAreNotRead(t *testing.T) {
	text := head + oneWorkload + "runtime \"sim\" \"x\" { env = { A = env(\"TOKEN\") } }\nexperiment \"e\" { runtime = runtime.sim.x }\n"
	dir := write(t, map[string]string{"s.hcl": text})
	asked := 0
	loaded, diags := Load(Options{Dir: dir, Registrations: testRegistrations(), Environ: func(string) (string, bool) { asked++; return "value", true }})
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	if asked != 0 {
		t.Error("the environment was asked, and the suite has no variables")
	}
	got, _ := loaded.Suite.Experiments[0].Cells[0].Runtime.Attrs["env"].Field("A")
	if got.Kind() != spec.Secret || got.Text() != "TOKEN" {
		t.Errorf("got %v", got)
	}
}

// Numbers keep their exact decimal text.
func TestNumberText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		digits := rapid.StringMatching(`[1-9][0-9]{0,8}`).Draw(t, "digits")
		fraction := rapid.StringMatching(`([0-9]{0,5}[1-9])?`).Draw(t, "fraction")
		text := digits
		if fraction != "" {
			text += "." + fraction
		}
		v, err := cty.ParseNumberVal(text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := numberText(v.AsBigFloat())
		if err != nil || got != text {
			t.Fatalf("%s became %s, %v", text, got, err)
		}
	})
	for _, text := range []string{"1e16", "1e-16", "1e400", "1e-400"} {
		f, _, err := big.ParseFloat(text, 10, 512, big.ToNearestEven)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := numberText(f); err == nil {
			t.Errorf("%s is accepted as %s", text, got)
		}
	}
}

// The slots are the schema's references, in its order.
func TestSlotsFollowTheSchema(t *testing.T) {
	want := map[slot]string{slotModel: "model", slotHardware: "hardware", slotTarget: "target", slotRuntime: "runtime",
		slotPredictor: "predictor", slotBenchmark: "benchmark", slotWorkload: "workload"}
	rows := schema.References()
	if len(rows) != int(slots) || len(want) != int(slots) {
		t.Fatalf("%d rows, %d slots", len(rows), slots)
	}
	for s, name := range want {
		if rows[s].Name != name {
			t.Errorf("slot %d is %s, want %s", s, rows[s].Name, name)
		}
	}
}

// No function reads a clock, a random source, a file or the network.
func TestFunctionsArePure(t *testing.T) {
	all := functions()
	for _, name := range []string{"timestamp", "uuid", "file", "bcrypt", "timeadd", "formatdate", "abspath"} {
		if _, there := all[name]; there {
			t.Errorf("%s is no pure function of its arguments", name)
		}
	}
}
