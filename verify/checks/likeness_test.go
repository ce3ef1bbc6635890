package checks

import (
	"strings"
	"testing"

	"aicv/metric"
	"aicv/spec"
)

func items(settings ...spec.Setting) spec.Configuration { return spec.NewConfiguration(settings...) }

func set(name string, n int) spec.Setting { return spec.Setting{Name: name, Value: spec.IntValue(n)} }

// pair asks for 8192 tokens in a step; the engine reports and the prediction assumes
// what is given, 0 for nothing.
func pair(effective, modelled int) Pair {
	report := &spec.ServerReport{Version: "0.5.14"}
	if effective > 0 {
		report.Effective = items(set(spec.ItemMaxBatchTokens, effective))
	}
	p := Pair{Config: items(set(spec.ItemMaxBatchTokens, 8192)), Load: load(), Version: "0.5.14", Prediction: &spec.Prediction{},
		Runs: []spec.Run{{Result: spec.RunResult{Seen: &spec.Observation{Server: report}}}}}
	if modelled > 0 {
		p.Prediction.Modelled = items(set(spec.ItemMaxBatchTokens, modelled))
	}
	return p
}

// found are the findings in one line each.
func found(l Likeness) string {
	var lines []string
	for _, f := range l.Findings {
		lines = append(lines, f.Check+" "+string(f.Severity))
	}
	return strings.Join(lines, "; ")
}

func TestLikeness(t *testing.T) {
	for name, c := range map[string]struct {
		effective, modelled int
		want                string
	}{
		"all the same":             {8192, 8192, ""},
		"the engine lowered it":    {2048, 8192, "config_effective not_comparable"},
		"nobody models it":         {2048, 0, "config_effective not_comparable; assumptions_unknown warn"},
		"the predictor differs":    {8192, 4096, "config_modelled not_comparable"},
		"both, and alike":          {2048, 2048, "config_effective warn"},
		"the engine is silent":     {0, 8192, "config_unknown warn"},
		"silent and different":     {0, 4096, "config_modelled not_comparable; config_unknown warn"},
		"all are silent":           {0, 0, "config_unknown warn; assumptions_unknown warn"},
		"the prediction is silent": {8192, 0, "assumptions_unknown warn"},
	} {
		if got := found(NewRules(nil).Likeness(pair(c.effective, c.modelled))); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestLikenessOfPredictionsAlone(t *testing.T) {
	p := pair(0, 8192)
	p.Runs = nil
	if got := found(NewRules(nil).Likeness(p)); got != "" {
		t.Errorf("before anything runs: %s", got)
	}
	p = pair(0, 8192) // recorded data: nobody could ask
	p.Runs[0].Result.Seen = nil
	if got := found(NewRules(nil).Likeness(p)); got != "" {
		t.Errorf("recorded data: %s", got)
	}
	p = pair(2048, 0)
	p.Prediction = nil
	if got := found(NewRules(nil).Likeness(p)); got != "config_effective not_comparable" {
		t.Errorf("without a predictor: %s", got)
	}
}

// One start of several that differs is enough, whichever it is.
func TestLikenessOverStarts(t *testing.T) {
	for _, order := range [][2]int{{8192, 2048}, {2048, 8192}} {
		p := pair(order[0], 8192)
		p.Runs = append(p.Runs, p.Runs[0], pair(order[1], 8192).Runs[0])
		if got := found(NewRules(nil).Likeness(p)); got != "config_effective not_comparable" {
			t.Errorf("%v: %s", order, got)
		}
	}
}

func TestAcceptedItems(t *testing.T) {
	p := pair(2048, 8192)
	p.Accept = []string{spec.ItemMaxBatchTokens}
	l := NewRules(nil).Likeness(p)
	if found(l) != "config_effective note" || !l.Accepted || len(l.Differing()) != 1 || !l.Differing()[0].Accepted {
		t.Errorf("%+v", l)
	}
	p = pair(8192, 8192) // accepting what does not differ is no news
	p.Accept = []string{spec.ItemMaxBatchTokens}
	if l := NewRules(nil).Likeness(p); l.Accepted || found(l) != "" || len(l.Differing()) != 0 {
		t.Errorf("%+v", l)
	}
	p = pair(0, 8192)
	p.Accept = []string{spec.ItemMaxBatchTokens}
	if got := found(NewRules(nil).Likeness(p)); got != "" {
		t.Errorf("accepted and unknown: %s", got)
	}
}

func TestFidelity(t *testing.T) {
	for name, c := range map[string]struct {
		effective int
		fidelity  spec.Fidelity
		accept    bool
		want      string
	}{
		"unsupported":                 {0, spec.FidelityUnsupported, false, "config_unsupported not_comparable"},
		"unsupported, and it differs": {2048, spec.FidelityUnsupported, false, "config_unsupported not_comparable"},
		"unsupported, but it is so":   {8192, spec.FidelityUnsupported, false, ""},
		"unsupported, accepted":       {0, spec.FidelityUnsupported, true, "config_unsupported note"},
		"approximate":                 {0, spec.FidelityApproximate, false, "config_approximate warn; config_unknown warn"},
		"approximate, and it is so":   {8192, spec.FidelityApproximate, false, ""},
		"approximate, and it differs": {8000, spec.FidelityApproximate, false, "config_effective not_comparable"},
	} {
		p := pair(c.effective, 8192)
		p.Runs[0].Result.Seen.Server.Mapping = []spec.ItemMapping{{Item: spec.ItemMaxBatchTokens, Fidelity: c.fidelity, Why: "why"}}
		if c.accept {
			p.Accept = []string{spec.ItemMaxBatchTokens}
		}
		if got := found(NewRules(nil).Likeness(p)); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// Only a difference that can matter keeps from comparing.
func TestWeight(t *testing.T) {
	counts := &spec.Counters{PrefixCacheHits: number(0)}
	for name, c := range map[string]struct {
		item      string
		asked     spec.Value
		effective spec.Value
		counters  *spec.Counters
		want      string
	}{
		"room for all requests": {spec.ItemMaxBatchSize, spec.IntValue(256), spec.IntValue(4), nil, "config_effective note"},
		"too few places":        {spec.ItemMaxBatchSize, spec.IntValue(256), spec.IntValue(3), nil, "config_effective not_comparable"},
		"long enough":           {spec.ItemMaxSequenceLength, spec.IntValue(4096), spec.IntValue(111), nil, "config_effective note"},
		"too short":             {spec.ItemMaxSequenceLength, spec.IntValue(4096), spec.IntValue(110), nil, "config_effective not_comparable"},
		"order":                 {spec.ItemSchedulePolicy, spec.StringValue("lpm"), spec.StringValue("fcfs"), nil, "config_effective warn"},
		"memory":                {spec.ItemMemoryFraction, spec.NumberValue("0.9"), spec.NumberValue("0.8"), nil, "config_effective warn"},
		"prefix cache, counted": {spec.ItemPrefixCache, spec.BoolValue(false), spec.BoolValue(true), counts, "config_effective warn"},
		"prefix cache, unseen":  {spec.ItemPrefixCache, spec.BoolValue(false), spec.BoolValue(true), nil, "config_effective not_comparable"},
		"quantization":          {spec.ItemGEMMQuant, spec.StringValue("fp8"), spec.StringValue("bfloat16"), nil, "config_effective not_comparable"},
	} {
		p := pair(0, 0)
		p.Prediction = nil
		p.Config = items(spec.Setting{Name: c.item, Value: c.asked})
		p.Runs[0].Result.Seen.Server = &spec.ServerReport{Effective: items(spec.Setting{Name: c.item, Value: c.effective}), After: c.counters}
		if got := found(NewRules(nil).Likeness(p)); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestVersions(t *testing.T) {
	for name, c := range map[string]struct{ asked, running, database, want string }{
		"the same":             {"0.5.14", "0.5.14", "sglang 0.5.14 (silicon)", ""},
		"local part":           {"0.24.0", "v0.24.0+cu128", "vllm/0.24.0", ""},
		"another database":     {"0.5.14", "0.5.14", "sglang 0.5.9", "version_skew warn"},
		"another engine":       {"0.5.14", "0.5.13", "sglang 0.5.13", "version_skew warn"},
		"no word of a version": {"0.5.14", "0.5.14", "data sheets 2024", ""},
		"asked for nothing":    {"", "0.5.9", "sglang 0.5.14", "version_skew warn"},
		"nothing known":        {"", "", "sglang 0.5.14", ""},
		"only what was asked":  {"0.5.9", "", "sglang 0.5.14", "version_skew warn"},
	} {
		p := pair(8192, 8192)
		p.Version, p.Runs[0].Result.Seen.Server.Version, p.Prediction.Provenance.Database = c.asked, c.running, c.database
		if got := found(NewRules(nil).Likeness(p)); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	p := pair(8192, 8192) // a predictor that says it itself is not repeated
	p.Prediction.Provenance.Database, p.Prediction.Findings = "0.5.9", []spec.Finding{{Check: "version_skew", Severity: spec.FindingWarn}}
	if got := found(NewRules(nil).Likeness(p)); got != "" {
		t.Errorf("%s", got)
	}
}

func TestRequirements(t *testing.T) {
	require := func(name, limit string) *Rules {
		return NewRules([]spec.Guard{{Name: "g", Severity: spec.FindingSpoils, Thresholds: []spec.Threshold{{Name: name, Limit: metric.MustDecimal(limit)}}}})
	}
	skewed, rough := pair(8192, 8192), pair(0, 8192)
	skewed.Prediction.Provenance.Database = "0.5.9"
	rough.Runs[0].Result.Seen.Server.Mapping = []spec.ItemMapping{{Item: spec.ItemMaxBatchTokens, Fidelity: spec.FidelityApproximate}}
	for name, c := range map[string]struct {
		pair Pair
		want string
	}{
		"require_effective": {pair(0, 8192), "config_unknown"},
		"require_version":   {skewed, "version_skew"},
		"require_exact":     {rough, "config_approximate"},
	} {
		if got := found(require(name, "1").Likeness(c.pair)); !strings.Contains(got, c.want+" not_comparable") {
			t.Errorf("%s = true: %s", name, got)
		}
		if got := found(require(name, "0").Likeness(c.pair)); !strings.Contains(got, c.want+" note") {
			t.Errorf("%s = false: %s", name, got)
		}
	}
}
