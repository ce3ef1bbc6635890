package plan

import (
	"strings"
	"testing"

	"aicv/spec"
)

func TestSelector(t *testing.T) {
	w := newWorld()
	e := w.experiment("scaling", []int{4}, []int{8}, repeats(3, 3, 1))
	e.Cells[0].Config = e.Cells[0].Config.With(spec.ItemKVCacheQuant, spec.StringValue("fp8_e4m3"))
	cases := []struct {
		text string
		want bool
	}{
		{"scaling", true}, {"experiment.scaling", true}, {"scal*", true}, {"*", true}, {"s?aling", true},
		{"other", false}, {"scalin", false},
		{"scaling:tensor_parallel=4", true}, {"scaling:tensor_parallel=4,concurrency=8", true},
		{"scaling: concurrency = 8 , tensor_parallel = 4", true}, {"scaling:tensor_parallel=4,concurrency=9", false},
		{"scaling:kv_cache_quant=fp8*", true}, {"scaling:kv_cache_quant=fp16*", false},
		{"scaling:input_tokens=1000", true}, {"scaling:model=llama", true}, {"scaling:hardware=box", true},
		{"scaling:runtime=engine", true}, {"scaling:nothing=1", false}, {"scaling:request_rate=1", false},
		{`experiment.scaling["concurrency=8,tensor_parallel=4"]`, true},
		{`scaling["concurrency=8,tensor_parallel=4"]`, true},
		{`experiment.scaling["concurrency=8"]`, false},
	}
	for _, tc := range cases {
		s, err := ParseSelector(tc.text)
		if err != nil {
			t.Errorf("%s: %v", tc.text, err)
			continue
		}
		if got := s.Matches(&e.Cells[0]); got != tc.want {
			t.Errorf("%s matches: %v, want %v", tc.text, got, tc.want)
		}
	}
}

func TestSelectorErrors(t *testing.T) {
	for text, why := range map[string]string{
		"": "names no experiment", ":a=1": "names no experiment", "x:": "is not AXIS=VALUE", "x:a": "is not AXIS=VALUE",
		"x:a=1,": "is not AXIS=VALUE", "x:=1": "is not AXIS=VALUE", "x:a=": "is not AXIS=VALUE", `x["a=1"`: "does not end",
	} {
		if _, err := ParseSelector(text); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%q: %v, want %q", text, err, why)
		}
	}
}

func FuzzParseSelector(f *testing.F) {
	for _, seed := range []string{"scaling", "scaling:a=1,b=*", `experiment.x["a=1"]`, "*:?=?", ":", `["`, "a:b=c=d", "é*:ü=ß"} {
		f.Add(seed)
	}
	w := newWorld()
	e := w.experiment("scaling", []int{4}, []int{8}, repeats(3, 3, 1))
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSelector(text)
		if err != nil {
			return
		}
		s.Matches(&e.Cells[0])
		if s.String() != text {
			t.Errorf("the selector forgot its text: %q", s.String())
		}
	})
}
