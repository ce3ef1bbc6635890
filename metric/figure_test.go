package metric

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestFigure(t *testing.T) {
	for _, test := range []struct {
		v    float64
		want string
	}{
		{0, "0"}, {1, "1.000"}, {12.345, "12.35"}, {99.999, "100.0"}, {999.94, "999.9"}, {999.96, "1,000"}, {1234.5, "1,234"}, {1235.5, "1,236"},
		{1e6, "1,000,000"}, {123456789, "123,456,789"}, {0.012345, "0.01235"}, {0.99999, "1.000"}, {9.9999, "10.00"}, {0.1, "0.1000"},
		{-1234.5, "-1,234"}, {-0.5, "-0.5000"}, {1e15, "1e+15"}, {1e-7, "1e-07"}, {math.MaxFloat64, "1.798e+308"},
		{math.NaN(), "NaN"}, {math.Inf(1), "+Inf"}, {math.Inf(-1), "-Inf"},
	} {
		if got := Figure(test.v); got != test.want {
			t.Errorf("Figure(%v) = %q, want %q", test.v, got, test.want)
		}
	}
}

// TestFigureIsNear: what is written is the value to four significant digits.
func TestFigureIsNear(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.Float64Range(-1e300, 1e300).Draw(t, "v")
		text := Figure(v)
		back, err := strconv.ParseFloat(strings.ReplaceAll(text, ",", ""), 64)
		if err != nil {
			t.Fatalf("Figure(%v) = %q", v, text)
		}
		if math.Abs(back-v) > 0.0005001*math.Abs(v) {
			t.Fatalf("Figure(%v) = %q", v, text)
		}
	})
}

func TestPercentAndQuantity(t *testing.T) {
	for share, want := range map[float64]string{0: "0 %", 0.1234: "12.3 %", 0.3: "30 %", 1: "100 %", -0.036: "-3.6 %", 0.001: "0.10 %", 0.00001: "0.001 %", 1e-13: "0 %", -1e-13: "0 %", -0.3: "-30 %", 0.95: "95 %", 0.967: "96.7 %"} {
		if got := string(AppendPercent(nil, share)); got != want {
			t.Errorf("AppendPercent(%v) = %q, want %q", share, got, want)
		}
	}
	if got := Quantity(1234, Milliseconds); got != "1,234 ms" {
		t.Errorf("%q", got)
	}
	if got := Quantity(0.05, Share); got != "5 %" {
		t.Errorf("%q", got)
	}
}
