package report

import (
	"bytes"
	"errors"
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

// What differs or is unknown stands once for all cells that it holds for, in every
// report; what is the same stands in none.
func TestNoteworthyItems(t *testing.T) {
	r := many(t, 4, 3)
	e := &r.Experiments[0]
	for i := range e.Cells {
		same := spec.Comparison{Item: "dtype", Requested: spec.StringValue("bf16"), Effective: spec.StringValue("bfloat16"), Modelled: spec.StringValue("bfloat16"),
			RequestedEffective: spec.AgreeSame, EffectiveModelled: spec.AgreeSame, RequestedModelled: spec.AgreeSame}
		unknown := spec.Comparison{Item: "prefix_cache", Modelled: spec.BoolValue(false), RequestedEffective: spec.AgreeUnknown, EffectiveModelled: spec.AgreeUnknown, RequestedModelled: spec.AgreeUnknown}
		e.Cells[i].Compared = []spec.Comparison{same, unknown}
		if i > 0 {
			lowered := spec.Comparison{Item: "max_batch_tokens", Requested: spec.IntValue(8192), Effective: spec.IntValue(2048), Modelled: spec.IntValue(8192),
				RequestedEffective: spec.AgreeDifferent, EffectiveModelled: spec.AgreeDifferent, RequestedModelled: spec.AgreeSame}
			e.Cells[i].Compared = append(e.Cells[i].Compared, lowered)
		}
	}
	var markdown, page strings.Builder
	if err := errors.Join(Markdown(&markdown, r), HTML(&page, r)); err != nil {
		t.Fatal(err)
	}
	for name, pair := range map[string][3]string{
		"text":     {textOf(t, r, Options{}), "max_batch_tokens  8192       2048       8192      different  3 of 4\n", "not known on every side: prefix_cache\n"},
		"markdown": {markdown.String(), `| max\_batch\_tokens | 8192 | 2048 | 8192 | different | 3 of 4 |`, `| prefix\_cache | - | ? | false | unknown | all |`},
		"html":     {page.String(), "<details open><summary>configuration, as asked for, effective and modelled: 1 different, 1 not known", "<td>prefix_cache</td><td>-</td><td>?</td><td>false</td><td>unknown</td><td>all</td>"},
	} {
		for _, want := range pair[1:] {
			if strings.Count(pair[0], want) != 1 {
				t.Errorf("%s has not once %q:\n%s", name, want, pair[0])
			}
		}
		if strings.Contains(pair[0], "dtype") {
			t.Errorf("%s tells of what is the same", name)
		}
	}
}
