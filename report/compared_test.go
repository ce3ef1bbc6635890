package report

import (
	"bytes"
	"strings"
	"testing"

	"aicv/result"
	"aicv/spec"
)

// The sides stand beside one another; one that says nothing has a mark of its own.
func TestComparedTable(t *testing.T) {
	cell := &result.Cell{Compared: []spec.Comparison{
		{Item: "cuda_graphs", Modelled: spec.BoolValue(true), RequestedEffective: spec.AgreeUnknown, EffectiveModelled: spec.AgreeUnknown, RequestedModelled: spec.AgreeUnknown},
		{Item: "dtype", Requested: spec.StringValue("bf16"), Effective: spec.StringValue("bfloat16"), Modelled: spec.StringValue("bfloat16"),
			RequestedEffective: spec.AgreeSame, EffectiveModelled: spec.AgreeSame, RequestedModelled: spec.AgreeSame},
		{Item: "max_batch_tokens", Requested: spec.IntValue(8192), Effective: spec.IntValue(2048), Modelled: spec.IntValue(8192),
			RequestedEffective: spec.AgreeDifferent, EffectiveModelled: spec.AgreeDifferent, RequestedModelled: spec.AgreeSame, Accepted: true},
		{Item: "memory_fraction", Requested: spec.NumberValue("0.9"), Fidelity: spec.FidelityUnsupported,
			RequestedEffective: spec.AgreeUnknown, EffectiveModelled: spec.AgreeUnknown, RequestedModelled: spec.AgreeUnknown},
	}}
	var b bytes.Buffer
	text := newText(&b, Options{Width: 120})
	text.compared(cell)
	text.compared(&result.Cell{})
	if err := text.flush("test"); err != nil {
		t.Fatal(err)
	}
	want := `
  configuration     asked for  effective  modelled
  cuda_graphs       -          ?          true      unknown
  dtype             bf16       bfloat16   bfloat16  same
  max_batch_tokens  8192       2048       8192      different, accepted
  memory_fraction   0.9        ?          ?         unknown, unsupported
`
	var got strings.Builder
	for line := range strings.Lines(b.String()) {
		got.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	if got.String() != strings.TrimPrefix(want, "\n") {
		t.Errorf("got\n%s\nwant%s", got.String(), want)
	}
}
