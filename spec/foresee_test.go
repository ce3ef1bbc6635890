package spec

import "testing"

func TestForesee(t *testing.T) {
	text := func(name, value string) Setting { return Setting{name, StringValue(value)} }
	requested := NewConfiguration(text(ItemGEMMQuant, "fp8"), Setting{ItemMaxBatchTokens, IntValue(4096)})
	assumed := NewConfiguration(text(ItemKVCacheQuant, "bfloat16"), Setting{ItemMemoryFraction, NumberValue("0.92")}, Setting{ItemMaxBatchTokens, IntValue(8192)})
	modelled := NewConfiguration(text(ItemKVCacheQuant, "fp8"), text(ItemGEMMQuant, "fp8"), text(ItemMoEQuant, "fp8"), Setting{ItemTensorParallel, IntValue(1)}, Setting{ItemMaxBatchTokens, IntValue(4000)})
	want := []struct {
		item, assumed string
		agreement     Agreement
	}{
		{ItemGEMMQuant, "null", AgreeSame}, {ItemKVCacheQuant, "bfloat16", AgreeDifferent}, {ItemMaxBatchTokens, "null", AgreeDifferent},
		{ItemMemoryFraction, "0.92", AgreeUnknown}, {ItemMoEQuant, "null", AgreeUnknown}, {ItemTensorParallel, "null", AgreeSame},
	}
	got := Foresee(requested, assumed, modelled)
	if len(got) != len(want) {
		t.Fatalf("%+v", got)
	}
	for i, w := range want {
		if c := &got[i]; c.Item != w.item || c.Assumed.String() != w.assumed || c.Foreseen() != w.agreement {
			t.Errorf("%s: assumed %s, %s; want %+v", c.Item, c.Assumed, c.Foreseen(), w)
		}
	}
	if got := Foresee(nil, nil, nil); got != nil {
		t.Errorf("%+v", got)
	}
}
