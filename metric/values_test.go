package metric

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestNewValues(t *testing.T) {
	got, err := NewValues(map[Name]float64{TTFT: 2, Goodput: 1, TPOT: 3})
	want := Values{{Goodput, 1}, {TPOT, 3}, {TTFT, 2}}
	if err != nil || !cmp.Equal(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
	if v, ok := got.Get(TPOT); !ok || v != 3 {
		t.Errorf("tpot is %v, %v", v, ok)
	}
	if v, ok := got.Get(Latency); ok {
		t.Errorf("latency is %v, and was never given", v)
	}
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		if _, err := NewValues(map[Name]float64{TTFT: bad}); err == nil {
			t.Errorf("%v is accepted", bad)
		}
	}
}

func TestValuesJSON(t *testing.T) {
	for _, test := range []struct {
		values Values
		want   string
	}{
		{nil, `{}`},
		{Values{{TPOT, 0.1}, {TTFT, 1e21}}, `{"tpot":0.1,"ttft":1e+21}`},
		{Values{{"a\"\x01<", 1}}, ""},
	} {
		data, err := json.Marshal(test.values)
		if err != nil {
			t.Fatal(err)
		}
		if test.want != "" && string(data) != test.want {
			t.Errorf("%s, want %s", data, test.want)
		}
		var back Values
		if err := json.Unmarshal(data, &back); err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		if len(back) != len(test.values) || (len(back) > 0 && !cmp.Equal(back, test.values)) {
			t.Errorf("%s reads back as %v", data, back)
		}
	}
	if _, err := json.Marshal(Values{{TTFT, math.NaN()}}); err == nil {
		t.Error("NaN is written as JSON")
	}
	var v Values
	for _, bad := range []string{`[]`, `{"ttft":"x"}`, `{"ttft":1e999}`, `{`} {
		if err := json.Unmarshal([]byte(bad), &v); err == nil {
			t.Errorf("%s reads as %v", bad, v)
		}
	}
}

// TestNumbersAsJSON: numbers are written as encoding/json writes them alone.
func TestNumbersAsJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		edges := []float64{0, math.Copysign(0, -1), 1e-6, math.Nextafter(1e-6, 0), 1e21, math.Nextafter(1e21, 0), -1e-9, 1e-10, 5e-324, math.MaxFloat64}
		v := rapid.OneOf(rapid.Float64(), rapid.SampledFrom(edges), rapid.Map(rapid.Float64Range(-20, 25), func(e float64) float64 { return math.Pow(10, e) })).Draw(t, "v")
		want, err := json.Marshal(v)
		if err != nil {
			t.Skip("not finite")
		}
		got, err := json.Marshal(Values{{TTFT, v}})
		if err != nil || string(got) != `{"ttft":`+string(want)+`}` {
			t.Fatalf("%s, %v; want the number as %s", got, err, want)
		}
	})
}

func FuzzValuesJSON(f *testing.F) {
	for _, seed := range []string{`{"ttft":1.5,"tpot":2}`, `{}`, `null`, `{"a":1e308,"":-0}`, `{"x":1,"x":2}`, `{"\u0000":3}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var v Values
		if json.Unmarshal(data, &v) != nil {
			return
		}
		again, err := json.Marshal(v)
		if err != nil {
			t.Fatalf("%v can not be written: %v", v, err)
		}
		var back Values
		if err := json.Unmarshal(again, &back); err != nil || !cmp.Equal(v, back, cmp.Comparer(func(a, b Values) bool {
			return len(a) == len(b) && cmp.Equal([]Value(a), []Value(b))
		})) {
			t.Fatalf("%v reads back as %v, %v", v, back, err)
		}
	})
}
