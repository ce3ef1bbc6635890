package planview

import (
	"testing"

	"aicv/internal/golden"
	"aicv/spec"
)

// What will run and what was predicted stand side by side: differences always, all items
// where they are asked for.
func TestItemsAreShown(t *testing.T) {
	p := sample()
	p.Gone, p.Undecidable, p.Findings = nil, nil, nil
	setting := func(name string, v spec.Value) spec.Setting { return spec.Setting{Name: name, Value: v} }
	for i := range p.Cells {
		c := &p.Cells[i]
		c.Cell.Config = spec.NewConfiguration(setting(spec.ItemTensorParallel, spec.IntValue(i/2+1)), setting(spec.ItemMaxBatchTokens, spec.IntValue(8192)))
		c.Assumed = spec.NewConfiguration(setting(spec.ItemKVCacheQuant, spec.StringValue("bfloat16")), setting(spec.ItemMemoryFraction, spec.NumberValue("0.92")))
		c.Prediction.Modelled = c.Cell.Config.With(spec.ItemKVCacheQuant, spec.StringValue("fp8")).With(spec.ItemMoEQuant, spec.StringValue("fp8_block"))
	}
	p.Cells[1].Prediction.Modelled = p.Cells[1].Prediction.Modelled.With(spec.ItemMaxBatchTokens, spec.IntValue(4000))
	p.Cells[2].Prediction.Modelled = nil
	golden.Check(t, "items.txt", written(t, p, Options{}))
	golden.Check(t, "items-verbose.txt", written(t, p, Options{Verbose: true}))
	if d := Document(p); len(d.Cells[0].Items) != 5 || !d.Cells[0].Items[0].Assumed.Equal(spec.StringValue("bfloat16")) {
		t.Errorf("%+v", d.Cells[0].Items)
	}
}
