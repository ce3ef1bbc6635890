package spec

import "testing"

func TestAgree(t *testing.T) {
	text := StringValue
	for _, c := range []struct {
		item string
		a, b Value
		want Agreement
	}{
		{ItemDType, text("bfloat16"), text("BF16"), AgreeSame},
		{ItemDType, text("torch.bfloat16"), text("bfloat16"), AgreeSame},
		{ItemCommQuant, text("half"), text("float16"), AgreeSame},
		{ItemKVCacheQuant, text("fp8"), text("fp8_e4m3"), AgreeSame},
		{ItemKVCacheQuant, text("fp8"), text("fp8_e5m2"), AgreeDifferent},
		{ItemKVCacheQuant, text("auto"), text("bfloat16"), AgreeUnknown},
		{ItemGEMMQuant, text("fp8_block"), text("fp8"), AgreeDifferent},
		{ItemSchedulePolicy, text("auto"), text("fcfs"), AgreeDifferent},
		{ItemMaxBatchTokens, IntValue(8192), NumberValue("8192.0"), AgreeSame},
		{ItemMaxBatchTokens, IntValue(8192), text("8192"), AgreeSame},
		{ItemMaxBatchTokens, IntValue(8192), IntValue(2048), AgreeDifferent},
		{ItemPrefixCache, BoolValue(false), text("False"), AgreeSame},
		{ItemPrefixCache, BoolValue(true), BoolValue(false), AgreeDifferent},
		{ItemTensorParallel, IntValue(1), Value{}, AgreeSame},
		{ItemTensorParallel, Value{}, IntValue(4), AgreeUnknown},
		{ItemSpeculativeTokens, Value{}, IntValue(0), AgreeSame},
		{ItemTensorParallel, Value{}, Value{}, AgreeUnknown},
		{ItemMaxBatchSize, Value{}, IntValue(1), AgreeUnknown},
	} {
		if got := Agree(c.item, c.a, c.b); got != c.want {
			t.Errorf("%s: %v and %v are %s, want %s", c.item, c.a, c.b, got, c.want)
		}
		if got := Agree(c.item, c.b, c.a); got != c.want {
			t.Errorf("%s: %v and %v are %s, want %s", c.item, c.b, c.a, got, c.want)
		}
	}
}

func TestCompare(t *testing.T) {
	requested := NewConfiguration(Setting{ItemMaxBatchTokens, IntValue(8192)}, Setting{ItemDType, StringValue("bf16")})
	modelled := NewConfiguration(Setting{ItemMaxBatchTokens, IntValue(8192)}, Setting{ItemCUDAGraphs, BoolValue(true)})
	report := &ServerReport{
		Effective: NewConfiguration(Setting{ItemMaxBatchTokens, IntValue(8192)}, Setting{ItemDType, StringValue("bfloat16")}),
		Changed:   NewConfiguration(Setting{ItemMaxBatchTokens, IntValue(2048)}),
		Mapping:   []ItemMapping{{Item: ItemDType, Fidelity: FidelityApproximate, Why: "rounded"}},
	}
	list := Compare(requested, report, modelled)
	if len(list) != 3 {
		t.Fatalf("%+v", list)
	}
	graphs, dtype, tokens := list[0], list[1], list[2] // sorted by name
	if graphs.Item != ItemCUDAGraphs || graphs.RequestedEffective != AgreeUnknown || graphs.EffectiveModelled != AgreeUnknown {
		t.Errorf("%+v", graphs)
	}
	if dtype.RequestedEffective != AgreeSame || dtype.Fidelity != FidelityApproximate || dtype.Why != "rounded" || dtype.RequestedModelled != AgreeUnknown {
		t.Errorf("%+v", dtype)
	}
	if tokens.RequestedEffective != AgreeDifferent || tokens.EffectiveModelled != AgreeDifferent || tokens.RequestedModelled != AgreeSame {
		t.Errorf("what changed after the run must count: %+v", tokens)
	}
	for _, c := range Compare(requested, nil, modelled) {
		if !c.Effective.IsNull() || c.RequestedEffective != AgreeUnknown || c.EffectiveModelled != AgreeUnknown {
			t.Errorf("nobody asked, and %+v", c)
		}
	}
}

func TestGuardsID(t *testing.T) {
	base := func() *Experiment {
		return &Experiment{Accept: []string{ItemDType}, Guards: []Guard{{Name: "g", Severity: FindingWarn, Thresholds: []Threshold{{Name: "drift_max"}}}}}
	}
	if (&Experiment{}).GuardsID() != "" || base().GuardsID() == "" {
		t.Error("the id of nothing, or of something, is wrong")
	}
	for name, change := range map[string]func(*Experiment){
		"accept":    func(e *Experiment) { e.Accept = nil },
		"severity":  func(e *Experiment) { e.Guards[0].Severity = FindingNote },
		"threshold": func(e *Experiment) { e.Guards[0].Thresholds[0].Name = "littles_law_max" },
		"guards":    func(e *Experiment) { e.Guards = nil },
	} {
		e := base()
		change(e)
		if e.GuardsID() == base().GuardsID() {
			t.Errorf("%s does not count", name)
		}
	}
}

// Every check is documented, and every threshold stands once.
func TestSelfChecksAreWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range SelfChecks() {
		if c.Name == "" || c.Threshold == "" || c.Kind == "" || c.Severity == "" || c.Doc == "" || c.Reason == "" {
			t.Errorf("%+v", c)
		}
		if seen[c.Name] || seen[c.Threshold] || c.Limit < 0 || c.Spoils > 0 && c.Spoils <= c.Limit {
			t.Errorf("%s: stands twice, or its limits do not rise", c.Name)
		}
		seen[c.Name], seen[c.Threshold] = true, true
	}
}
