package lang

import (
	"testing"

	"github.com/zclconf/go-cty/cty"
	"pgregory.net/rapid"

	"aicv/spec"
)

func TestMemoryOfHardware(t *testing.T) {
	dir := write(t, map[string]string{"suite.hcl": `
model "m" { id = "org/model" }
runtime "sim" "r" {}
hardware "known" {
  system = "h200_sxm"
  gpus   = 8
}
hardware "own" {
  system = "our_box"
  gpus   = 1
  memory = "96 GB"
}
hardware "unknown" {
  system = "their_box"
  gpus   = 1
}
experiment "e" {
  hardware = hardware.own
  matrix {
    concurrency   = [1]
    input_tokens  = [1]
    output_tokens = [2]
  }
  assert "a" { expect = ["ttft < 1s"] }
}`})
	loaded, diags := Load(Options{Dir: dir, Registrations: testRegistrations()})
	if diags.HasErrors() || len(diags) != 1 {
		t.Fatalf("%+v", diags)
	}
	for i, want := range []int64{143771 << 20, 96_000_000_000, 0} {
		if got := loaded.Suite.Hardware[i].Memory; got != want {
			t.Errorf("%s: %d bytes, want %d", loaded.Suite.Hardware[i].Name, got, want)
		}
	}
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]string{"80GiB": "85899345920", "80 GiB": "85899345920", "80GB": "80000000000", "1B": "1", "1.5KiB": "1536", "0.5MB": "500000", "900TiB": "989560464998400"} {
		got, err := conversion{}.size(cty.StringVal(text))
		if err != nil || got.Text() != want {
			t.Errorf("%s: %s, error %v", text, got, err)
		}
	}
	for _, v := range []cty.Value{cty.StringVal(""), cty.StringVal("80"), cty.StringVal("80iB"), cty.StringVal("-1GB"), cty.StringVal("1e3GB"), cty.StringVal("80gib"), cty.StringVal("0.1B"),
		cty.StringVal("1PiB"), cty.StringVal("NaNGB"), cty.NumberIntVal(80), cty.True, cty.NullVal(cty.String), cty.StringVal("80GiB\n")} {
		if got, err := (conversion{}).size(v); err == nil {
			t.Errorf("%#v is %s", v, got)
		}
	}
}

func TestSizesArePositive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[0-9]{1,14}(\.[0-9]{1,7})? ?[KMGT]?i?B`).Draw(t, "size")
		v, err := conversion{}.size(cty.StringVal(text))
		if n, isWhole := v.Int(); err == nil && (!isWhole || n < 1) || err != nil && !v.Equal(spec.Value{}) {
			t.Fatalf("%s: %s, error %v", text, v, err)
		}
	})
}
